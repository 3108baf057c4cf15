# %% [markdown]
# # Initialisation
#
# Before anything is learnt, a network is a product of random matrices. If each makes its input a
# little larger, a hundred of them make it huge; a little smaller, and nothing arrives at the
# end, nor does a gradient at the start. How large should random weights be, so that sizes
# stay as they are? The answers are one over a width, or two over a width, and each comes from a
# few lines. They matter less since there are normalisation layers, but most models still start
# from something like them.

# %%
from sympy import Max, Rational, sqrt, symbols, tanh

from symllm import Dim, E, Let, Partial, Var, calculation, pictures, random, scalar, sum_over

# %% [markdown]
# ## Why at random
#
# Why not start with zeros? Take a layer of $m$ units and a sum over them, and look at the gradient
# of one unit's weights.

# %%
n, m = Dim("n", "inputs"), Dim("m", "outputs")
i, j, k = m.index("i"), n.index("j"), n.index("k")
x, y, W = n.vector("x", note="input"), m.vector("y"), n.vector("W", note="weights").batched((m,))
hidden, o, out = m.vector("h"), m.vector("o", note="weights of the sum"), scalar("F")
units = (
    x, W, o,
    Let(hidden[i], tanh(sum_over(W[i, j] * x[j], j)), "units of the layer"),
    Let(out, sum_over(o[i] * hidden[i], i), "weighted sum of the units"),
)  # fmt: skip
calculation(Partial(out, W[i, k]), given=units, title="The gradient of one unit").then(
    o[i] * (1 - hidden[i] ** 2) * x[k], because="the slope of tanh"
)

# %% [markdown]
# *In words:* two units with the same weights, on both sides, have the same gradient, so they have
# the same weights after every step, and are one unit for ever. With zeros on both sides nothing is
# learnt at all, for either side is a factor of the other's gradient. Random weights are there to
# make units differ; what remains is to choose their size.
#
# ## A linear layer
#
# Let the $n$ inputs of a layer be given numbers, and its weights random: independent, with mean
# zero and variance $s^2$. Each output is a sum of $n$ terms.

# %%
s = scalar("s", domain="positive", note="standard deviation of the weights")
layer = (x, W, s, Let(y[i], sum_over(W[i, j] * x[j], j), "output"))
weights = (random(W[i, j], variance=s**2),)
calculation(Var(y[i]), given=layer, assuming=weights, title="One output").then(
    sum_over(Var(W[i, j]) * x[j] ** 2, j), because="independent terms"
).then(s**2 * sum_over(x[j] ** 2, j), because="all have the same variance")

# %% [markdown]
# Compare the mean square of the outputs with that of the inputs, $q_x$.

# %%
q_x, q_dy = scalar("q_x"), scalar("q_dy")
forwards = (*layer, Let(q_x, sum_over(x[j] ** 2, j) / n, "mean square of the inputs"))
calculation(E(sum_over(y[i] ** 2, i) / m), given=forwards, assuming=weights, title="Forwards").then(
    sum_over(Var(y[i]), i) / m, because="the means are zero"
).then(n * s**2 * q_x, because="$m$ equal terms")

# %% [markdown]
# It is multiplied by $n s^2$, and stays the same if $s^2 = 1/n$: one over the number of inputs, the
# *fan-in*. Backwards the same matrix is applied from the other side: the gradient of an input is a
# sum over the $m$ outputs.

# %%
dy, dx = m.vector("dy"), n.vector("dx")
back = (
    dy, W, s,
    Let(dx[j], sum_over(W[i, j] * dy[i], i), "gradient of an input"),
    Let(q_dy, sum_over(dy[i] ** 2, i) / m, "mean square of the gradients of outputs"),
)  # fmt: skip
calculation(E(sum_over(dx[j] ** 2, j) / n), given=back, assuming=weights, title="Backwards").then(
    sum_over(Var(dx[j]), j) / n, because="the means are zero"
).then(m * s**2 * q_dy, because="$n$ equal terms")

# %% [markdown]
# *In words:* what keeps the size of gradients is $s^2 = 1/m$, and both can be had only by a square
# matrix. Xavier initialisation (Glorot and Bengio, 2010) splits the difference: the variance is one
# over the mean of both fans. In a transformer a layer that widens by a factor of four is followed
# by one that narrows by four. What do both do together, with $f$ the wider side?

# %%
f, fan = scalar("f"), scalar("nbar")
calculation(
    (n * s**2) * (f * s**2),
    given=(
        n,
        Let(f, 4 * n, "the wider fan"),
        Let(fan, (n + f) / 2, "mean of both fans"),
        Let(s, 1 / sqrt(fan), "Xavier, for both matrices"),
    ),
    title="Widen and narrow",
).then(Rational(16, 25), because="two fifths of eight fifths")

# %% [markdown]
# The first keeps two fifths of the mean square, and the second makes that eight fifths of what it
# was: about a third is gone.
#
# ## With a ReLU between
#
# A ReLU sets half of its inputs to zero. What is symmetric about zero loses half of its mean square
# by it: squares of the positive half and of the negative half add up to the whole, and both have
# the same expectation.

# %%
u = scalar("u", note="sum that goes into a rectifier")
v = scalar("v", domain="positive", note="variance of that sum")
even = (random(u, variance=v, law="symmetric"),)
calculation(E(Max(u, 0) ** 2), given=(u, v), assuming=even, title="Half is lost").then(
    E(u**2) / 2, because="both halves alike"
).then(v / 2, because="mean zero")

# %% [markdown]
# So a layer whose inputs come out of ReLUs needs twice the variance, $s^2 = 2/n$: He
# initialisation (He et al., 2015). A factor of two sounds like little. Over depth it is not. Each
# layer with a ReLU multiplies a mean square $q$ by $n s^2 / 2$. What do $D$ layers make of it, with
# Xavier's weights and square matrices?

# %%
depth = Dim("D", "layers")
size = scalar("q", domain="positive", note="mean square")
calculation(
    size * (n * s**2 / 2) ** depth,
    given=(size, depth, n, Let(s, sqrt(1 / n.symbol), "Xavier, for a square matrix")),
    title="Through many layers",
).then(size / 2**depth, because="one half each time")

# %% [markdown]
# Twenty layers make a millionth of the mean square. With He's variance the factor is one. Measured,
# as a mean over a hundred networks, 128 wide:

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
for name, variance in [("Xavier", 1 / 128), ("He    ", 2 / 128)]:
    sizes = []
    for _ in range(100):  # networks
        signal = rng.normal(size=128)
        for _ in range(20):  # layers
            matrix = rng.normal(scale=variance**0.5, size=(128, 128))
            signal = np.maximum(matrix @ signal, 0)
        sizes.append(np.mean(signal**2))
    predicted = (variance * 128 / 2) ** 20
    print(f"{name} {np.mean(sizes):.1e}, predicted {predicted:.1e}")

# %% [markdown]
# ## Residual streams
#
# A transformer adds what a layer computes to what it was given. Sizes do not multiply then, they
# add. Let each of $D$ layers add one branch, of variance $\sigma^2$ and independent of the others:
# the stream grows like this (the chapter *Normalisation* asks what it does to gradients).

# %%
branch, start = (
    depth.vector("b", note="outputs of the branches"),
    scalar("x_0", note="the stream at the start"),
)
sigma = scalar("sigma", domain="positive", note="standard deviation of a branch")
l = depth.index("l")
calculation(
    Var(start + sum_over(branch[l], l)),
    given=(start, branch, sigma),
    assuming=(random(start), random(branch[l], variance=sigma**2)),
    title="The stream",
).then(Var(start) + sum_over(Var(branch[l]), l), because="independent terms").then(
    1 + depth * sigma**2, because="variances one and $\\sigma^2$"
)

# %% [markdown]
# Not an explosion, but deep layers speak into a stream that is already loud: with $\sigma = 1$ the
# last of a hundred adds a hundredth of its variance. GPT-2 scales the last matrix of each branch by
# one over the root of the number of branches (Radford et al., 2019). Then $\sigma^2 = 1/D$, and the
# stream's variance doubles from first to last, whatever the depth.

# %% [markdown]
# That each branch has the same variance is the work of the normalisation before it. Without one, a
# branch grows with the stream, and sizes multiply after all, by $1 + \sigma^2$ for each branch.
# With $\sigma^2 = 1/D$ that is no harm: the product stays below $e$, as the chapter *Blocks* shows
# for gradients on their way back. Fixup (Zhang et al., 2019), which scales branches by the depth,
# does without norms. The picture has the four ways in which a signal can travel.

# %%
t = symbols("l", positive=True)
pictures.curves(
    {
        "layers that keep 0.8": Rational(4, 5) ** t,
        "layers that add a fifth": Rational(6, 5) ** t,
        "a residual stream": 1 + t,
        "branches scaled": 1 + t / 60,
    },
    over=(t, 0, 60),
    name="sizes-over-depth",
    words="Mean square of a signal over 60 layers, on a logarithmic axis. Where sizes multiply it "
    "falls below a hundred-thousandth or rises above ten thousand; a residual stream grows to 61, "
    "and to 2 where branches are scaled.",
    across="layer",
    up="mean square",
    log="y",
)

# %% [markdown]
# ## Exercises
#
# **1.** Inputs are not centred: they come out of ReLUs, with a mean square $q$. Does the mean enter
# the variance of an output?
#
# **2.** PyTorch draws the weights of a linear layer evenly from $-1/\sqrt{n}$ to $1/\sqrt{n}$. An
# even distribution from $-a$ to $a$ has variance $a^2/3$. By what factor does such a layer
# change mean squares?
#
# **3.** Dropout keeps each entry with probability $p$ and divides it by $p$. What does it do to
# mean and variance?
#
# **4.** GPT-2 draws its table of tokens with a standard deviation of 0.02, its width is 768, and
# the table is used again at the end, after a norm that gives entries of variance one. What is the
# variance of its first logits? With 50257 tokens, about how large is its first loss? (The chapter
# *Language models* says what random logits cost.)
#
# **5.** In a gated layer two projections of one input are multiplied. If each has variance one, and
# they are independent, what is the variance of the product? And of the product of three?
#
# ### Answers
#
# **1.** It does not, only the mean square does: weights have mean zero, whatever they multiply. (A
# mean square is never less than the square of the mean; what it has more is the variance.)

# %%
q, mu = scalar("q", domain="positive", note="mean square"), scalar("mu", note="mean of the inputs")
calculation(
    Var(sum_over(W[i, j] * x[j], j)),
    given=(W, x, s, mu, q),
    assuming=(*weights, random(x[j], mean=mu, variance=q - mu**2), q > mu**2),
    sizes={"n": 2, "m": 2},
).then(n * s**2 * q, because="the means of the weights are zero")

# %% [markdown]
# **2.** It keeps a third of them.

# %%
edge = scalar("a")
even = (Let(edge, 1 / sqrt(n), "largest weight"), Let(s, edge / sqrt(3), "as its variance says"))
calculation(n * s**2, given=(n, *even)).then(Rational(1, 3), because="$n$ times a third of $1/n$")

# %% [markdown]
# **3.** The mean stays; the variance is the square of the entry times $(1-p)/p$.

# %%
p = scalar("p", domain="unit", note="share that is kept")
value = scalar("x", note="input")
mask = scalar("mask", domain="binary", note="is it kept?")
coin = (random(mask, mean=p, law="binary"),)
calculation(E(mask * value / p), given=(value, p, mask), assuming=coin).then(
    E(mask) * value / p, because="a constant factor"
).then(value, because="kept with probability $p$")

# %%
calculation(Var(mask * value / p), given=(value, p, mask), assuming=coin).then(
    Var(mask) * value**2 / p**2, because="a factor is squared"
).then(value**2 * (1 - p) / p, because="$p (1 - p)$ for a coin")

# %% [markdown]
# **4.** About 0.31, and the first loss about 0.15 above 10.82: 10.98.

# %%
calculation(
    n * s**2, given=(Let(scalar("n"), 768, "the width"), Let(s, Rational(2, 100), "as in GPT-2"))
).then(Rational(3072, 10000), because="a bit less than a third")

# %% [markdown]
# **5.** One, for products of independent numbers with mean zero multiply their variances, and so on
# for three. What does change is the shape: the fourth moments multiply, too, and what is three for
# a normal distribution is nine for the product of two. Outliers are made this way.

# %%
gate, up = scalar("g", note="gate"), scalar("w", note="what is gated")
first = scalar("v_1", domain="positive", note="variance of the gate")
second = scalar("v_2", domain="positive", note="variance of what is gated")
calculation(
    Var(gate * up),
    given=(gate, up, first, second),
    assuming=(random(gate, variance=first), random(up, variance=second)),
).then(E(gate**2) * E(up**2), because="independent, with means zero").then(
    first * second, because="the variances"
)

# %%
calculation(E((gate * up) ** 4), given=(gate, up), assuming=(random(gate), random(up))).then(
    E(gate**4) * E(up**4), because="independent"
)

# %% [markdown]
# ### References
#
# X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural
# networks*, AISTATS 2010.
#
# K. He, X. Zhang, S. Ren and J. Sun, *Delving deep into rectifiers: surpassing human-level
# performance on ImageNet classification*, ICCV 2015, arXiv:1502.01852.
#
# A. Radford, J. Wu, R. Child, D. Luan, D. Amodei and I. Sutskever, *Language models are
# unsupervised multitask learners*, OpenAI, 2019.
#
# H. Zhang, Y. N. Dauphin and T. Ma, *Fixup initialization: residual learning without
# normalization*, ICLR 2019, arXiv:1901.09321.
