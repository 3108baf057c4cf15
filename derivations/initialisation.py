# %% [markdown]
# # Initialisation
#
# Before anything is learnt, a network is a product of random matrices. If each makes its input a
# little larger, a hundred of them make it overflow; a little smaller, and nothing arrives at the
# end, nor does a gradient at the start. How large should random weights be, so that sizes
# stay as they are?

# %%
from sympy import Max, Rational, sqrt

from symllm import Dim, E, Let, Var, calculation, random, scalar, sum_over

# %% [markdown]
# ## A linear layer
#
# Let the $n$ inputs of a layer be given numbers, and its weights random: independent, with mean
# zero and variance $s^2$. Each output is a sum of $n$ terms.

# %%
n, m = Dim("n"), Dim("m")
i, j, k = m.index("i"), n.index("j"), n.index("k")
x, y, W = n.vector("x"), m.vector("y"), n.vector("W").batched((m,))
s = scalar("s", domain="positive")
layer = (x, W, s, Let(y[i], sum_over(W[i, j] * x[j], j), "an output"))
weights = (random(W[i, j], variance=s**2),)
calculation(Var(y[i]), given=layer, assuming=weights, title="Forwards").then(
    sum_over(Var(W[i, j]) * x[j] ** 2, j), because="independent terms"
).then(s**2 * sum_over(x[j] ** 2, j), because="all have the same variance")

# %% [markdown]
# So the mean square of an output is $n s^2$ times the mean square of the inputs. It stays the same
# if $s^2 = 1/n$: one over the number of inputs, the *fan-in*.

# %%
calculation(
    E(sum_over(y[i] ** 2, i) / m), given=layer, assuming=weights, title="Mean squares"
).then(sum_over(Var(y[i]), i) / m, because="the means are zero").then(
    n * s**2 * (sum_over(x[j] ** 2, j) / n), because="$m$ equal terms"
)

# %% [markdown]
# Backwards the same matrix is applied from the other side: the gradient of an input is a sum over
# the $m$ outputs. What keeps *its* size is $s^2 = 1/m$.

# %%
dy, dx = m.vector("dy"), n.vector("dx")
back = (dy, W, s, Let(dx[j], sum_over(W[i, j] * dy[i], i), "the gradient of an input"))
calculation(E(sum_over(dx[j] ** 2, j) / n), given=back, assuming=weights, title="Backwards").then(
    sum_over(Var(dx[j]), j) / n, because="the means are zero"
).then(m * s**2 * (sum_over(dy[i] ** 2, i) / m), because="$n$ equal terms")

# %% [markdown]
# *In words:* both can be had only by a square matrix. Xavier initialisation splits the difference:
# the variance is one over the mean of both fans. In a transformer a layer that widens by a factor
# of four is followed by one that narrows by four, and what the first loses the second nearly
# gains.

# %%
f = scalar("f")
calculation(
    (n * s**2) * (f * s**2),
    given=(
        n,
        Let(f, 4 * n, "the wider fan"),
        Let(s, sqrt(2 / (n + f)), "Xavier for both matrices"),
    ),
    title="Widen and narrow",
).then(Rational(16, 25), because="two fifths of eight fifths")

# %% [markdown]
# Nearly: a feed-forward layer initialised so loses about a third of its mean square.
#
# ## With a relu between
#
# A relu sets half of its inputs to zero. What is symmetric about zero loses half of its mean square
# by it: squares of the positive half and of the negative half add up to the whole, and both have
# the same expectation.

# %%
z = scalar("z")
even = (random(z, variance=s**2, law="symmetric"),)
calculation(E(Max(z, 0) ** 2), given=(z, s), assuming=even, title="Half is lost").then(
    E(Max(z, 0) ** 2 + Max(-z, 0) ** 2) / 2, because="both halves alike"
).then(E(z**2) / 2, because="one of the two is zero").then(s**2 / 2, because="mean zero")

# %% [markdown]
# So a layer whose inputs come out of relus needs twice the variance, $s^2 = 2/n$: He
# initialisation. A factor of two sounds like little. Over depth it is not.

# %%
depth = Dim("L")
gain, size = scalar("a"), scalar("q", domain="positive")
calculation(
    size * gain**depth,
    given=(size, depth, n, Let(s, sqrt(1 / n.symbol), "as Xavier has it, for a square matrix"),
           Let(gain, n * s**2 / 2, "what a layer with a relu does")),
    title="Through $L$ layers",
).then(size / 2**depth, because="one half each time")  # fmt: skip

# %% [markdown]
# Through fifty layers nothing is left that single precision could add to one. With He's variance
# the factor is one.
#
# ## Residual streams
#
# A transformer adds what a layer computes to what it was given. Sizes do not multiply then, they
# add: with $L$ branches, each of variance $v$ and independent of the others, the stream
# grows like this.

# %%
branch, start, v = depth.vector("f"), scalar("h_0"), scalar("v", domain="positive")
l = depth.index("l")
stream = (start, branch, v)
sizes = (random(start), random(branch[l], variance=v))
calculation(
    Var(start + sum_over(branch[l], l)), given=stream, assuming=sizes, title="The stream"
).then(Var(start) + sum_over(Var(branch[l]), l), because="independent terms").then(
    1 + depth * v, because="variances one and $v$"
)

# %% [markdown]
# Not an explosion, but deep layers would speak into a stream that is already loud. GPT-2 scales
# the last matrix of each branch by one over the root of the number of branches, and the stream's
# variance doubles from first to last, whatever the depth.

# %%
calculation(
    Var(start + sum_over(branch[l] / sqrt(depth), l)),
    given=stream,
    assuming=(random(start), random(branch[l])),
    title="Scaled",
).then(2, because="each branch adds $1/L$")

# %% [markdown]
# ## Exercises
#
# **1.** Inputs are not centred: they come out of relus, with a mean square $q$. Does the mean enter
# the variance of an output?
#
# **2.** PyTorch draws the weights of a linear layer evenly from $-1/\sqrt{n}$ to $1/\sqrt{n}$. An
# even distribution from $-a$ to $a$ has variance $a^2/3$. By what factor does such a layer
# change mean squares?
#
# **3.** Dropout keeps each entry with probability $p$ and divides it by $p$. What does it do to
# mean and variance?
#
# ### Answers
#
# **1.** It does not, only the mean square does: weights have mean zero, whatever they multiply.

# %%
q, mu = scalar("q", domain="positive"), scalar("mu")
calculation(
    Var(sum_over(W[i, j] * x[j], j)),
    given=(W, x, s, mu, q),
    assuming=(*weights, random(x[j], mean=mu, variance=q - mu**2), q > mu**2),
    sizes={"n": 2, "m": 2},
).then(n * s**2 * q, because="the means of the weights are zero")

# %% [markdown]
# **2.** By one third.

# %%
edge = scalar("a")
calculation(n * s**2, given=(n, Let(edge, 1 / sqrt(n)), Let(s, edge / sqrt(3)))).then(
    Rational(1, 3), because="a third of one over $n$, $n$ times"
)

# %% [markdown]
# **3.** The mean stays; the variance grows by $\mu^2$, if that is the entry, times $(1-p)/p$.

# %%
p, mask, value = scalar("p", domain="unit"), scalar("b", domain="binary"), scalar("x")
coin = (random(mask, mean=p, law="binary"),)
calculation(E(mask * value / p), given=(value, p, mask), assuming=coin).then(
    E(mask) * value / p, because="a constant factor"
).then(value, because="kept with probability $p$")

# %%
calculation(Var(mask * value / p), given=(value, p, mask), assuming=coin).then(
    Var(mask) * value**2 / p**2, because="a factor is squared"
).then(value**2 * (1 - p) / p, because="$p (1 - p)$ for a coin")

# %% [markdown]
# ### References
#
# X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural
# networks*, AISTATS 2010.
#
# K. He, X. Zhang, S. Ren and J. Sun, *Delving deep into rectifiers*, ICCV 2015, arXiv:1502.01852.
#
# A. Radford, J. Wu, R. Child, D. Luan, D. Amodei and I. Sutskever, *Language models are
# unsupervised multitask learners*, OpenAI, 2019.
