# %% [markdown]
# # Numerics
#
# A computer does not calculate with numbers but with a few of them, and rounds to the nearest after
# each operation. Most of the time nobody notices. This chapter is about the times when somebody
# does: a loss that is suddenly no number, a layer norm that is wrong in half precision, weights
# that stop learning, a model that breaks when it is stored in eight bits. Each has a cause that can
# be calculated, and a remedy that costs little.

# %%
from sympy import Abs, Rational, exp, log, sqrt

from symllm import (
    Dim,
    E,
    Equals,
    Let,
    Partial,
    Var,
    calculation,
    ops,
    pictures,
    random,
    scalar,
    sum_over,
)

# %% [markdown]
# ## The numbers there are
#
# A floating-point number is a sign, a power of two, and $m$ digits behind the point, in base two.
# Between two neighbouring powers numbers lie evenly, so rounding changes a number by no more than a
# share $u = 2^{-m-1}$ of it, the *unit of rounding*. (Below the smallest power there is, numbers go
# on evenly down to zero, and the share grows.) The formats in use are these; float16 trades range
# for digits, bfloat16 digits for range.

# %% tags=["shown"]
# how many bits the power has, and how many digits there are
formats = {"float32": (8, 23), "float16": (5, 10), "bfloat16": (8, 7)}
for name, (power, m) in formats.items():
    top = 2 ** (power - 1) - 1
    largest, smallest = (2 - 2.0**-m) * 2.0**top, 2.0 ** (1 - top - m)
    unit = 2.0 ** -(m + 1)
    print(f"{name:9} u {unit:.1e}  {smallest:.1e} to {largest:.4g}")

# %% [markdown]
# ## What makes errors grow
#
# Products and quotients keep errors of relative size $u$. A difference does not: the errors $e_1$
# and $e_2$ of both terms stay, and the terms are gone.

# %%
a = scalar("a", note="first number")
b = scalar("b", note="second number")
u = scalar("u", note="unit of rounding")
r = scalar("e_1", note="relative error of the first number")
s = scalar("e_2", note="relative error of the second number")
C, D = scalar("C"), scalar("D")
rounded = (
    a, b, r, s, u,
    Let(D, a - b, "the difference"),
    Let(C, a * (1 + r) - b * (1 + s), "what is computed", means="difference as computed"),
)  # fmt: skip
small = (Abs(r) <= u, Abs(s) <= u)
calculation(Abs(C - D), given=rounded, assuming=small, title="A difference").then(
    Abs(a * r - b * s), because="the numbers are gone"
).at_most((Abs(a) + Abs(b)) * u, because="the triangle inequality")

# %% [markdown]
# *In words:* relative to the result, the error has grown as the sum of the two sizes over the size
# of the difference. This quotient is a *condition number*: it belongs to the question, and not to
# the way in which it is answered.
#
# Nothing suffers more than the derivative that is taken by differences, to check one that was
# derived. At a step $h$ the lost digits make an error of about $u / h$. The curve bends as well: a
# rule of order $k$ errs by $h^k$ for it. The best step is where the two meet.

# %%
h = scalar("h", domain="positive", note="step of a difference")
order = scalar("k", domain="positive", note="order of the rule")
unit_ = scalar("u", domain="positive", note="unit of rounding")
calculation(
    Equals(unit_ / h, h**order), given=(h, order, unit_), unknown=(h,), title="The best step"
).implies(Equals(h, unit_ ** (1 / (order + 1))), because="multiply by $h$, take the root")

# %% [markdown]
# In double precision, where $u$ is about $10^{-16}$, that is $10^{-8}$ for a one-sided difference,
# of order one, $5 \cdot 10^{-6}$ for a central one, of order two, and $5 \cdot 10^{-3}$ for one of
# order six. Measured:

# %%
pictures.error_curve(ops.layer_norm, "x")

# %% [markdown]
# A function of one number has a condition number too, the slope of its logarithm by that of its
# argument, $x f'(x) / f(x)$. For an exponential that is the argument itself.

# %%
z, power = scalar("x", domain="positive", note="input"), scalar("f")
functions = (z, Let(power, exp(z), "an exponential", means="function"))
calculation(z * Partial(power, z) / power, given=functions, title="The exponential").then(
    z, because="its own slope"
)

# %% [markdown]
# So the exponential of a logit of twenty is twenty times as inexact as the logit. In bfloat16, with
# $u = 2^{-8}$, that is an error of eight percent. Softmax shares it: let each logit be off by no
# more than $\delta$.

# %%
n = Dim("n", "terms")
i, j = n.indices("i j")
logits, off = n.vector("z", note="logits"), n.vector("xi", note="errors of the logits")
delta = scalar("delta", domain="positive", note="bound on the errors")
p, phat = n.vector("p"), n.vector("phat")
shifted = (
    logits, off, delta,
    Let(p[i], exp(logits[i]) / sum_over(exp(logits[j]), j), "probabilities"),
    Let(
        phat[i],
        exp(logits[i] + off[i]) / sum_over(exp(logits[j] + off[j]), j),
        "what comes out",
        means="probabilities of inexact logits",
    ),
)  # fmt: skip
calculation(
    phat[i] / p[i], given=shifted, assuming=(Abs(off[i]) <= delta,), title="Inexact logits"
).then(exp(off[i]) / sum_over(p[j] * exp(off[j]), j), because="divided").at_most(
    exp(2 * delta), because="$e^{\\delta}$ above at most, $e^{-\\delta}$ below at least"
)

# %% [markdown]
# *In words:* probabilities are as exact, relatively, as logits are *absolutely*, but for a factor
# of two. That is why logits and losses are kept in float32 where all else is not, and one reason to
# keep logits small, by a z-loss or a soft cap.
#
# ## Two ways to write a variance
#
# A variance can be computed as the mean square less the squared mean, in one pass over the data. To
# mathematics the two ways are one:

# %%
x, mu = n.vector("x", note="input"), scalar("mu")
moments = (x, Let(mu, sum_over(x[i], i) / n, "the mean"))
calculation(sum_over((x[i] - mu) ** 2, i) / n, given=moments, title="The variance").then(
    sum_over(x[i] ** 2, i) / n - 2 * mu * sum_over(x[i], i) / n + mu**2, because="multiplied out"
).then(sum_over(x[i] ** 2, i) / n - mu**2, because="the sum is $n \\mu$")

# %% [markdown]
# To a computer they are two, for the second is a difference, and of numbers that are $\mu^2$ large.
# Random numbers with variance one, in both ways:

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
for kind, mean in [(np.float32, 100), (np.float32, 10_000), (np.float16, 100)]:
    data = (mean + rng.normal(size=4096)).astype(kind)
    centre = data.mean(dtype=np.float64).astype(kind)
    centred = np.mean((data - centre) ** 2, dtype=np.float64)
    squares = (data**2).mean(dtype=np.float64).astype(kind) - centre**2
    print(f"{kind.__name__}, mean {mean}: {centred:.2f} and {squares:.2f}")

# %% [markdown]
# ## Sums of many terms
#
# Whoever adds $n$ numbers rounds $n$ times. Let all of them be one, and let rounding the partial
# sum $1 + i$ add an error that is random, with mean zero and a size in proportion to it, $(1 + i)
# \, e_i$; terms are counted from zero. How large are all errors together?

# %%
e = n.vector("e", note="relative error of each addition")
errors = (random(e[i], variance=u**2),)
calculation(
    Var(sum_over((i + 1) * e[i], i)), given=(e, u), assuming=errors, title="One after the other"
).then(u**2 * sum_over((i + 1) ** 2, i), because="independent errors").then(
    u**2 * n * (n + 1) * (2 * n + 1) / 6, because="a sum of squares"
).at_least(u**2 * n**3 / 3, because="the leading term")

# %% [markdown]
# So the sum, which is $n$, has a relative error of $u \sqrt{n/3}$: it grows with the root of the
# number of terms. Now add in pairs, the sums of pairs in pairs, and so on. With $n = 2^q$ terms,
# and rounds counted from zero, round $l$ makes $2^{q-l-1}$ sums of $2^{l+1}$ terms, each with an
# error in proportion to what it sums:

# %%
q = Dim("q", "rounds")
l = q.index("l")
calculation(
    u**2 * sum_over(2 ** (q - l - 1) * (2 ** (l + 1)) ** 2, l), given=(u, q), title="In pairs"
).then(u**2 * 2 ** (q + 1) * sum_over(2**l, l), because="powers of two").then(
    u**2 * 2 ** (q + 1) * (2**q - 1), because="the geometric series"
).at_most(2 * u**2 * (2**q) ** 2, because="one is left out")

# %% [markdown]
# *In words:* a relative error of $\sqrt{2} \, u$, however many terms there are. Most of the error
# is that of the last few sums. It costs nothing: the number of additions is the same, and machines
# that add in parallel do it in pairs anyhow. (Higham, 2002, has the errors of many such orders.)

# %% [markdown]
# Another way does not need the terms all at once. When $b$ is added to a larger $a$ and $s$ is the
# rounded sum, what rounding took away can be computed afterwards: as $b - (s - a)$ it is exact in
# floating point, by a theorem of Dekker's (1971). Adding it to the next term is Kahan's summation
# (1965). A million terms in float32, one after the other, in pairs, and with Kahan's correction:

# %% tags=["shown"]
import numpy as np

terms = np.random.default_rng(0).random(2**20).astype(np.float32)
true = terms.sum(dtype=np.float64)
pairs = terms
while len(pairs) > 1:
    pairs = pairs[::2] + pairs[1::2]
kahan_sum, missing = np.float32(0), np.float32(0)
for term in terms:
    bigger = kahan_sum + (term + missing)
    missing = (term + missing) - (bigger - kahan_sum)
    kahan_sum = bigger
ways = {"one by one": terms.cumsum()[-1], "pairs": pairs[0], "Kahan": kahan_sum}
for way, found in ways.items():
    print(f"{way:10}: off by {abs(found - true) / true:.0e}")

# %% [markdown]
# The last two are as near as float32 comes, for $u$ is $6 \cdot 10^{-8}$. And where a sum grows so
# large that the next term is no more than half of the distance to the next number, it stands still.
# In float16 a sum of ones stops at 2048; so does a mean over a long text, or a count of tokens.
#
# ## Too large, too small
#
# The largest number of float16 is 65504. Scores of twelve are nothing unusual:

# %%
calculation(exp(12), title="Too large").at_least(
    65504, because="$e^{12}$ is more than 160 thousand"
)

# %% [markdown]
# Softmax would divide one overflow by another, and the result is no number at all. That is why
# nobody computes it without subtracting the largest score first (*Softmax and cross-entropy*): then
# nothing overflows, and what underflows is a probability that was going to be zero.
#
# Gradients have the opposite problem. The smallest positive number of float16 is $2^{-24}$, and
# what is less than half of it becomes zero. But gradients are linear in the loss. Multiply the loss
# by a large $c$, and every gradient is multiplied by $c$; divide before the update, and nothing has
# changed but what was lost to zero.

# %%
w = n.vector("w", note="weights")
c = scalar("c", domain="positive", note="factor of the loss")
loss, scaled = scalar("L"), scalar("Lhat")
training = (
    w, x, c,
    Let(loss, log(1 + exp(-sum_over(w[i] * x[i], i))), "some loss", means="loss"),
    Let(scaled, c * loss, "what is differentiated", means="loss times its factor"),
)  # fmt: skip
calculation(Partial(scaled, w[j]) / c, given=training, title="Scaled and back").then(
    Partial(loss, w[j]), because="a constant factor"
)

# %% [markdown]
# With $c$ a power of two, multiplying and dividing round nothing, for only the exponent changes.
# Gradients of a typical size, stored in float16:

# %% tags=["shown"]
import numpy as np

gradients = 1e-7 * np.random.default_rng(0).normal(size=100_000)
for scale in (1, 2**10, 2**20):
    stored = (gradients * scale).astype(np.float16).astype(np.float64) / scale
    lost = np.mean(stored == 0)
    error = np.sqrt(np.mean((stored - gradients) ** 2)) / 1e-7
    print(f"scale {scale}: {lost:.1%} lost, relative error {error:.4f}")

# %% [markdown]
# The scale is raised until something overflows, then halved: dynamic loss scaling (Micikevicius et
# al., 2018). In bfloat16, which has the range of float32, nothing needs to be scaled.
#
# ## Quantised weights
#
# Store a weight as the nearest multiple of a step $\Delta$. What is lost is somewhere between
# $-\Delta/2$ and $\Delta/2$, and if the weights are spread out, anywhere in between with the same
# probability. Take the middles of $N$ equal pieces of that interval, counted from zero; as $N$
# grows they fill it.

# %%
N = Dim("N", "places in the interval")
t = N.index("t")
step_ = scalar("Delta", domain="positive", note="step between stored weights")
lost_part = step_ * (2 * t + 1 - N) / (2 * N)
calculation(sum_over(lost_part, t) / N, given=(step_, N), title="On average").then(
    0, because="as often above as below"
)

# %%
calculation(sum_over(lost_part**2, t) / N, given=(step_, N), title="Its variance").then(
    step_**2 / 12 * (1 - 1 / N.symbol**2), because="a sum of squares"
)

# %% [markdown]
# That is $\Delta^2 / 12$ when the whole interval is filled. How does it depend on the number $B$ of
# bits? Weights of at most $R$ in size need a step of $2R / 2^B$.

# %%
bits, edge = Dim("B", "bits"), scalar("R", domain="positive", note="largest weight")
calculation(
    step_**2 / 12,
    given=(edge, bits, Let(step_, 2 * edge / 2**bits, "step between stored weights")),
    title="With $B$ bits",
).then(edge**2 / 3 / 4**bits, because="put in")

# %% [markdown]
# *In words:* every further bit quarters the variance of the error. And the range decides: one
# weight that is ten times as large as all others makes all steps ten times as wide. Normally
# distributed weights, with one step for all:

# %% tags=["shown"]
import numpy as np

values = np.random.default_rng(0).normal(size=100_000)
for number, largest in [(8, 5), (4, 5), (8, 50)]:
    values[0] = largest
    step = 2 * largest / 2**number
    off_by = (np.round(values / step) * step - values).std()
    print(f"{number} bits, largest {largest}: {off_by:.4f}", end=", ")
    print(f"predicted {step / 12**0.5:.4f}")

# %% [markdown]
# In a scalar product the errors of all weights meet all inputs.

# %%
error = n.vector("epsilon", note="errors of the weights")
variance = scalar("v", domain="positive", note="variance of an error")
exact, stored = scalar("y"), scalar("yhat")
product = (
    w, x, error, variance,
    Let(exact, sum_over(w[i] * x[i], i), "with the weights as they are", means="output"),
    Let(
        stored,
        sum_over((w[i] + error[i]) * x[i], i),
        "with the weights as stored",
        means="output of stored weights",
    ),
)  # fmt: skip
noise = (random(error[i], variance=variance),)
calculation(E((stored - exact) ** 2), given=product, assuming=noise, title="A scalar product").then(
    E(sum_over(error[i] * x[i], i) ** 2), because="the weights cancel"
).then(variance * sum_over(x[i] ** 2, i), because="independent errors")

# %% [markdown]
# *In words:* the error grows with the *inputs*. One input that is a hundred times as large as the
# others adds as much to the mean square as ten thousand of them, in every output; and where inputs
# are quantised as well, it sets the step for all. That is why outliers in the activations spoil
# quantised models, and why methods that work keep them apart (Dettmers et al., 2022), or move them
# into the weights (Xiao et al., 2023).
#
# ## Exercises
#
# **1.** What is the condition number of a square root, and what does that say of a norm computed
# from an inexact sum of squares?
#
# **2.** A weight of one is stored in bfloat16, and each update subtracts a thousandth. What happens
# in a thousand updates? What if the weight is rounded up or down at random, up with a probability
# that is its distance from the lower neighbour, in steps?
#
# **3.** Weights are stored with one scale for each row, instead of one for the whole matrix. If one
# row is $\kappa$ times as large as the others, how much smaller are the errors of those?
#
# **4.** Somebody computes $\log \sum_i e^{z_i}$ without subtracting the maximum, but in float32,
# for logits up to 80. Is that safe? And for two logits of 100?
#
# **5.** $\log(1 + e^{-x})$ is the loss of a correct binary choice with logit $x$. For $x = 20$ in
# float32 it comes out as zero. Why, and how much is lost?
#
# ### Answers
#
# **1.** One half: a root halves relative errors. The norm is more exact than the sum.

# %%
root = scalar("f")
square_root = Let(root, sqrt(z), "a root", means="function")
calculation(z * Partial(root, z) / root, given=(z, square_root)).then(
    Rational(1, 2), because="the power rule"
)

# %% [markdown]
# **2.** Nothing: below one the numbers of bfloat16 are $2^{-8}$ apart, and a thousandth is less
# than half of that. Rounded at random the weight moves by a whole step now and then, and is right
# on average: with $w_0$ the lower neighbour, $\Delta$ the step and $\alpha$ the distance in steps:

# %%
low = scalar("w_0", note="lower neighbour of a weight")
share = scalar("alpha", domain="unit", note="distance from the lower neighbour, in steps")
up = scalar("up", domain="binary", note="is it rounded up?")
calculation(
    E(low + step_ * up),
    given=(low, step_, share, up),
    assuming=(random(up, mean=share, law="binary"),),
).then(low + step_ * share, because="the mean of a coin")

# %% [markdown]
# **3.** The step is in proportion to the largest entry, so theirs is smaller by $\kappa$, and the
# variance of their errors by $\kappa^2$.

# %%
ratio = scalar("kappa", domain="positive", note="factor of the largest row")
narrow = scalar("Deltahat", domain="positive", note="step of the smaller rows")
calculation(
    narrow**2 / 12, given=(step_, ratio, Let(narrow, step_ / ratio, "step of the smaller rows"))
).then(step_**2 / 12 / ratio**2, because="squared")

# %% [markdown]
# **4.** The largest number of float32 is just below $2^{128}$. Its logarithm is larger than that of
# a thousand times $e^{80}$, so the sum may have a thousand such terms; but $e^{100}$ is beyond it,
# and the logarithm of infinity is infinity.

# %%
calculation(128 * log(2), title="The limit").at_least(80 + log(1000), because="88.7 and 86.9")

# %%
calculation(128 * log(2), title="Beyond it").at_most(100, because="88.7 and 100")

# %% [markdown]
# **5.** One plus $e^{-20}$ is rounded to one, for $e^{-20}$ is less than $u$, and all of the loss
# is lost, though it is a number that float32 has. The function `log1p` computes it; so does a
# `softplus` that is written with care.

# %%
calculation(exp(-20)).at_most(Rational(1, 2**24), because="about $2 \\cdot 10^{-9}$")

# %% [markdown]
# ### References
#
# T. J. Dekker, *A floating-point technique for extending the available precision*, Numerische
# Mathematik 18, 1971.
#
# W. Kahan, *Further remarks on reducing truncation errors*, Communications of the ACM 8, 1965.
#
# N. J. Higham, *Accuracy and stability of numerical algorithms*, 2nd edition, SIAM, 2002.
#
# P. Micikevicius et al., *Mixed precision training*, ICLR 2018, arXiv:1710.03740.
#
# T. Dettmers, M. Lewis, Y. Belkada and L. Zettlemoyer, *LLM.int8(): 8-bit matrix multiplication for
# transformers at scale*, NeurIPS 2022, arXiv:2208.07339.
#
# G. Xiao, J. Lin, M. Seznec, H. Wu, J. Demouth and S. Han, *SmoothQuant: accurate and efficient
# post-training quantization for large language models*, ICML 2023, arXiv:2211.10438.
