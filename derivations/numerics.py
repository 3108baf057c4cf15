# %% [markdown]
# # Numerics
#
# A computer does not calculate with numbers but with a few of them, and rounds to the nearest after
# each operation. Most of the time nobody notices. This chapter is about the times when somebody
# does: differences of large numbers, exponentials in half precision, gradients too small to be
# written down, and weights stored in eight bits or fewer.

# %%
from sympy import Abs, Rational, exp, log, sqrt

from symllm import Dim, E, Let, Partial, Var, calculation, random, scalar, sum_over

# %% [markdown]
# ## Rounding, and what makes it grow
#
# Rounding multiplies a number by $1 + \delta$ with a $\delta$ that is no larger than $u$, the unit
# of rounding: about $6 \cdot 10^{-8}$ in single precision, $5 \cdot 10^{-4}$ in float16 and
# $4 \cdot 10^{-3}$ in bfloat16. Products and quotients keep errors of that relative size. A
# difference does not: the errors of both terms stay, and the terms are gone.

# %%
a, b, r, s, u = (scalar(name) for name in ("a", "b", "delta_1", "delta_2", "u"))
rounded = (a, b, r, s, u)
small = (Abs(r) <= u, Abs(s) <= u)
calculation(
    Abs((a * (1 + r) - b * (1 + s)) - (a - b)), given=rounded, assuming=small, title="A difference"
).then(Abs(a * r - b * s), because="multiplied out").at_most(
    (Abs(a) + Abs(b)) * u, because="the triangle inequality"
)

# %% [markdown]
# *In words:* relative to the result, the error has grown by $(|a| + |b|) / |a - b|$. A variance
# that is computed as the mean square less the squared mean is such a difference. The two ways to
# write it are equal,

# %%
n = Dim("n")
i, j = n.indices("i j")
x, mu = n.vector("x"), scalar("mu")
moments = (x, Let(mu, sum_over(x[i], i) / n, "the mean"))
calculation(sum_over((x[i] - mu) ** 2, i) / n, given=moments, title="The variance").then(
    sum_over(x[i] ** 2, i) / n - 2 * mu * sum_over(x[i], i) / n + mu**2, because="multiplied out"
).then(sum_over(x[i] ** 2, i) / n - mu**2, because="the sum is $n \\mu$")

# %% [markdown]
# but only the first is safe: with a mean of a hundred and a variance of one, the second loses four
# digits, and in half precision that is all of them. Layer norms are computed the first way.
#
# ## Sums of many terms
#
# A sum of $n$ numbers is rounded $n$ times. At worst the errors add up; if they are independent,
# with mean zero, they mostly cancel, and what is left grows with the root of $n$.

# %%
e = n.vector("e")
size = scalar("v", domain="positive")
errors = (random(e[i], variance=size),)
calculation(
    sqrt(Var(sum_over(e[i], i))), given=(e, size), assuming=errors, title="Many small errors"
).then(sqrt(sum_over(Var(e[i]), i)), because="independent errors").then(
    sqrt(n) * sqrt(size), because="$n$ equal terms"
)

# %% [markdown]
# That is why a sum of thousands of terms in half precision is kept in single precision while it
# grows, in every kernel that multiplies matrices.
#
# ## Exponentials in float16
#
# The largest number of float16 is 65504. Scores of twelve are nothing unusual:

# %%
calculation(exp(12), title="Too large").at_least(
    65504, because="$e^{12}$ is more than 160 thousand"
)

# %% [markdown]
# and since softmax divides one overflow by another, the result is no number at all. Subtracting the
# maximum first is exact in real numbers, as the chapter on probability shows, and keeps every
# exponential at most one. What underflows instead is a probability that was going to be zero.
#
# ## Scaling the loss
#
# Gradients have the opposite problem: the smallest positive number of float16 is $2^{-24}$, and
# many entries of a gradient are smaller. But gradients are linear in the loss. Multiply the loss by
# a large $S$, and every gradient is multiplied by $S$; divide before the update, and nothing has
# changed but what was lost to zero.

# %%
S, loss, scaled, w = scalar("S", domain="positive"), scalar("L"), scalar("Lhat"), n.vector("w")
training = (
    w, x, S,
    Let(loss, log(1 + exp(-sum_over(w[i] * x[i], i))), "some loss"),
    Let(scaled, S * loss, "what is differentiated"),
)  # fmt: skip
calculation(Partial(scaled, w[j]) / S, given=training, title="Scaled and back").then(
    S * Partial(loss, w[j]) / S, because="a constant factor"
).then(-x[j] / (1 + exp(sum_over(w[i] * x[i], i))), because="whatever $S$ is")

# %% [markdown]
# With $S$ a power of two, multiplying and dividing round nothing, for only the exponent changes.
#
# ## Quantised weights
#
# Store a weight as the nearest multiple of a step $h$. What is lost is somewhere between $-h/2$ and
# $h/2$, and if the weights are spread out, anywhere in between with the same probability. Take $N$
# places in the middle of $N$ equal pieces of that interval; as $N$ grows they fill it.

# %%
N = Dim("N")
t, h = scalar("t", domain=N), scalar("h", domain="positive")
lost = scalar("e")
place = (t, h, N, Let(lost, h * (2 * t - N + 1) / (2 * N), "what rounding loses"))
anywhere = (random(t, law="uniform"),)
calculation(E(lost), given=place, assuming=anywhere, title="On average").then(
    0, because="as often above as below"
)

# %%
calculation(Var(lost), given=place, assuming=anywhere, title="Its variance").then(
    h**2 / 12 * (1 - 1 / N.symbol**2), because="a sum of squares"
).at_most(h**2 / 12, because="the value for very many places")

# %% [markdown]
# Every bit more halves the step and quarters the variance of the error. In a scalar product the
# errors of all weights meet all inputs:

# %%
error, q = n.vector("e"), scalar("q", domain="positive")
exact, stored = scalar("y"), scalar("yhat")
product = (
    w, x, error, q,
    Let(exact, sum_over(w[i] * x[i], i), "with the weights as they are"),
    Let(stored, sum_over((w[i] + error[i]) * x[i], i), "with the weights as stored"),
)  # fmt: skip
noise = (random(error[i], variance=q),)
calculation(E((stored - exact) ** 2), given=product, assuming=noise, title="A scalar product").then(
    E(sum_over(error[i] * x[i], i) ** 2), because="the weights cancel"
).then(q * sum_over(x[i] ** 2, i), because="independent errors")

# %% [markdown]
# *In words:* the error is as large as the *inputs* are. One input that is a hundred times as large
# as the others makes the errors of all outputs a hundred times as large: that is why outliers in
# the activations spoil quantised models, and why methods that work move them into the weights.
#
# ## Exercises
#
# **1.** The condition number of a function is the slope of its logarithm by that of its argument,
# $x f'(x) / f(x)$: by how much it magnifies relative errors. What is it for a square root, and for
# an exponential?
#
# **2.** Stochastic rounding takes a number between two multiples of $h$ to the upper one with
# a probability that is its distance from the lower one, in units of $h$. Show that it is right on
# average, and say what that is good for.
#
# **3.** Weights are stored with one scale for each row, instead of one for the whole matrix. If one
# row is $c$ times as large as the others, how much smaller are the errors of those?
#
# ### Answers
#
# **1.** One half: a root halves relative errors. For an exponential it is $x$ itself.

# %%
z, root, power = scalar("x", domain="positive"), scalar("f"), scalar("g")
functions = (z, Let(root, sqrt(z), "a root"), Let(power, exp(z), "an exponential"))
calculation(z * Partial(root, z) / root, given=functions).then(
    Rational(1, 2), because="the power rule"
)

# %%
calculation(z * Partial(power, z) / power, given=functions).then(z, because="its own slope")

# %% [markdown]
# **2.** Updates much smaller than $h$ would always be rounded away; so they happen now and then.

# %%
low, share, up = scalar("a"), scalar("p", domain="unit"), scalar("b", domain="binary")
calculation(
    E(low + h * up),
    given=(low, h, share, up),
    assuming=(random(up, mean=share, law="binary"),),
).then(low + h * E(up), because="linear").then(low + h * share, because="the mean of a coin")

# %% [markdown]
# **3.** The step is in proportion to the largest entry, so theirs is smaller by $c$, and the
# variance of their errors by $c^2$.

# %%
c = scalar("c", domain="positive")
step = scalar("k", domain="positive")
calculation(step**2 / 12, given=(h, c, Let(step, h / c, "the smaller step"))).then(
    h**2 / 12 / c**2, because="squared"
)

# %% [markdown]
# ### References
#
# N. J. Higham, *Accuracy and stability of numerical algorithms*, SIAM, 2002.
#
# P. Micikevicius et al., *Mixed precision training*, ICLR 2018, arXiv:1710.03740.
#
# T. Dettmers, M. Lewis, Y. Belkada and L. Zettlemoyer, *LLM.int8(): 8-bit matrix multiplication for
# transformers at scale*, NeurIPS 2022, arXiv:2208.07339.
