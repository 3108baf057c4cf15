# %% [markdown]
# # Normalisation
#
# Deep networks multiply many matrices, and the sizes of what flows through them drift.
# Normalisation pins the size down at every layer. What it throws away, the mean and the scale of
# its input, it does not know on the way back either: its gradient is a projection, and many
# hand-written gradients go wrong here. What it does to the weights before it is stranger still: it
# sets their learning rate. And a transformer trains or does not depending on which side of the
# residual sum it stands.

# %%
from sympy import Abs, sqrt

from symllm import (
    Dim,
    E,
    Equals,
    Let,
    Partial,
    calculation,
    delta,
    mean,
    ops,
    pictures,
    random,
    scalar,
    sum_over,
)

# %% [markdown]
# ## Layer normalisation
#
# Layer normalisation shifts and scales a vector to mean zero and variance one, then lets the
# network choose another scale and shift.

# %%
ops.layer_norm

# %% [markdown]
# ### What it does not see
#
# Multiply the input by a positive number $a$ and add $b$ to every entry. The mean follows, and the
# variance is multiplied by $a^2$. What becomes of the normalised input?

# %%
d = Dim("d", "entries")
i, j, k = d.indices("i j k")
x = d.vector("x", note="input")
g = d.vector("g", note="gradient that arrives")
z, dx, xhat = (d.vector(name) for name in ("xtilde", "dx", "xhat"))
a = scalar("a", domain="positive", note="factor of the input")
b = scalar("b", note="shift of the input")
r = scalar("r")
SENT, SIZE = "gradient of the input", "one over the size of the input"
eps = scalar("eps", domain="positive", note="a small positive constant")
mu, v, mu_z, v_z = (scalar(name) for name in ("mu", "v", "mutilde", "vtilde"))
moments = (
    x, eps,
    Let(mu, mean(x[j], j), "mean"),
    Let(v, mean((x[j] - mu) ** 2, j), "variance"),
)  # fmt: skip
moved = (
    *moments, a, b,
    Let(z[i], a * x[i] + b, "stretched and shifted", means="moved input"),
    Let(mu_z, mean(z[j], j), "its mean", means="mean of the moved input"),
    Let(v_z, mean((z[j] - mu_z) ** 2, j), "its variance", means="variance of the moved input"),
)  # fmt: skip
calculation((z[i] - mu_z) / sqrt(v_z + eps), given=moved, title="Stretched and shifted").then(
    a * (x[i] - mu) / sqrt(a**2 * v + eps), because="mean and variance follow"
).then((x[i] - mu) / sqrt(v + eps / a**2), because="divide by $a$")

# %% [markdown]
# *In words:* the shift is gone without a trace, and of the scale nothing is left but this: a
# stretched input sees a smaller $\epsilon$. For inputs of ordinary size $\epsilon$ is nothing, and
# layer normalisation depends on the *direction* of the centred input alone. Where the input is as
# small as $\sqrt{\epsilon}$ it wakes up, and keeps a vector of zeros from being divided by zero.
#
# ### The gradient of the input
#
# Every output depends on every input, through the mean and through the variance. Walk the equations
# backwards, from $y$ to $x$, and collect every path. One path gives nothing: what the variance
# sends back through the mean is a multiple of the sum of the centred values, and that is zero.

# %%
ops.layer_norm.gradient("x")

# %% [markdown]
# *In words:* scale the upstream gradient by $\gamma$; remove its mean, that is its component
# along the vector of ones; remove (but for $\epsilon$) its component along $\hat{x}$; and divide
# by the standard deviation.

# %% [markdown]
# ### Why it is a projection
#
# What does not change the output cannot change the loss, so the gradient must not point there. A
# shift changes nothing: the entries of the gradient sum to zero. Write $g = \mathrm{d}\hat{x}$ for
# what arrives at the normalised input.

# %%
backward = (
    *moments, g,
    Let(r, 1 / sqrt(v + eps), "reciprocal standard deviation", means=SIZE),
    Let(xhat[i], r * (x[i] - mu), "normalised input"),
    Let(dx[i], r * (g[i] - mean(g[j], j) - xhat[i] * mean(g[j] * xhat[j], j)), SENT),
)  # fmt: skip
calculation(sum_over(dx[i], i), given=backward, title="Nothing along a shift").then(
    -r * mean(g[j] * xhat[j], j) * sum_over(xhat[i], i), because="$g$ less its mean sums to zero"
).then(0, because=r"so does $\hat{x}$")

# %% [markdown]
# A stretch changes nothing, but for $\epsilon$; so the gradient is orthogonal to the input, but for
# $\epsilon$. How much is left?

# %%
calculation(sum_over(x[i] * dx[i], i), given=backward, title="Almost nothing along a stretch").then(
    sum_over((x[i] - mu) * dx[i], i), because=r"$\mathrm{d}x$ sums to zero"
).then(
    sum_over(g[i] * xhat[i], i) - mean(g[j] * xhat[j], j) * sum_over(xhat[i] ** 2, i),
    because="put in the gradient",
).then(
    eps * r**2 * sum_over(g[i] * xhat[i], i),
    because=r"the squares of $\hat{x}$ sum to $d (1 - \epsilon r^2)$",
)

# %% [markdown]
# *In words:* two of the $d$ directions of the upstream gradient are lost, whatever the layers above
# ask for. Anybody who writes this backward pass by hand can test it with two sums. Here is the
# second, predicted and measured, with an $\epsilon$ that is large enough to be seen.

# %% tags=["shown"]
import numpy as np

from symllm import ops

rng = np.random.default_rng(0)
x0, dy0, eps0 = 3 + 0.5 * rng.normal(size=64), rng.normal(size=64), 0.1
backward_pass = ops.layer_norm.gradient("x").lambdify()
dx0 = backward_pass(x=x0, gamma=np.ones(64), beta=np.zeros(64), eps=eps0, dy=dy0)
r0 = 1 / np.sqrt(x0.var() + eps0)
predicted = eps0 * r0**2 * np.sum(dy0 * r0 * (x0 - x0.mean()))
print(f"along a shift:   {abs(dx0.sum()):.6f}")
print(f"along a stretch: {x0 @ dx0:.6f}, predicted {predicted:.6f}")

# %% [markdown]
# ### The gradients of scale and shift
#
# Both parameters are shared by all rows of a batch, here $N$ of them, and what is shared is summed
# over.

# %%
ops.layer_norm.batched("N").gradient("gamma", "beta")

# %% [markdown]
# *In words:* a scale gets the upstream gradient times what it multiplies; a shift gets the upstream
# gradient as it arrives.

# %% [markdown]
# All paths together: what is computed from what, and each gradient opposite the name that it
# belongs to.

# %%
pictures.graph(ops.layer_norm.gradient())

# %% [markdown]
# ## RMSNorm
#
# Is centring needed at all? RMSNorm leaves it out, and the shift as well, and divides by the root
# mean square alone. Llama and most of its descendants use it: one reduction instead of two.

# %%
ops.rms_norm

# %%
ops.rms_norm.gradient()

# %% [markdown]
# *In words:* the same projection as for layer normalisation, with one direction less to remove.
# What is left is (but for $\epsilon$) orthogonal to the input: it turns $x$ and does not stretch
# it.

# %% [markdown]
# The relation between the two is simple: but for the shift, layer normalisation is RMSNorm of the
# centred input, for the mean square of what is centred is the variance. If what comes in has mean
# zero by itself, the two are the same function. A linear layer without bias can see to that: take
# from the weights of every input their mean over the outputs, and the mean of the outputs is zero.
#
# ## What a norm does to the weights before it
#
# Let $x = W u$ be normalised at once. Then the scale of $W$ does not matter to the loss, and the
# argument that made the gradient of $x$ orthogonal to $x$ makes the gradient of $W$ orthogonal to
# $W$. From here on $\epsilon$ is zero.

# %%
m = Dim("m", "inputs of the layer")
col = m.index("k")
W = m.vector("W", note="weights before the norm").batched((d,))
dW, u = m.vector("dW").batched((d,)), m.vector("u", note="input of the layer")
layer = (
    W, u, g,
    Let(x[i], sum_over(W[i, col] * u[col], col), "a linear layer"),
    Let(r, 1 / sqrt(mean(x[j] ** 2, j)), "reciprocal root mean square", means=SIZE),
    Let(xhat[i], r * x[i], "normalised input"),
    Let(dx[i], r * (g[i] - xhat[i] * mean(g[j] * xhat[j], j)), SENT),
    Let(dW[i, col], dx[i] * u[col], "through the layer", means="gradient of the weights"),
)  # fmt: skip


def over_all(expr):
    return sum_over(sum_over(expr, col), i)


calculation(over_all(W[i, col] * dW[i, col]), given=layer, title="At right angles").then(
    sum_over(x[i] * dx[i], i), because="sum over $k$ first"
).then(0, because="as for any input of a norm")

# %% [markdown]
# Stretch the weights by $a$, and $x$ is stretched too; its normalised value stays, and $r$ is
# divided by $a$. What happens to the gradient?


# %%
r_a = scalar("rtilde")
stretched = (
    *layer, a,
    Let(r_a, 1 / sqrt(mean((a * x[j]) ** 2, j)), "after the stretch", means=f"{SIZE}, stretched"),
)  # fmt: skip
calculation(
    r_a * (g[i] - r_a * a * x[i] * mean(g[j] * (r_a * a * x[j]), j)) * u[col],
    given=stretched,
    title="The gradient at stretched weights",
).then(dW[i, col] / a, because=r"$\tilde{r} = r / a$, and $\tilde{r} a x = \hat{x}$")

# %% [markdown]
# *In words:* weights that are ten times as large get a gradient of a tenth, and a step turns them
# by a hundredth of the angle. Before a norm, the size of the weights has no meaning but this: it
# sets their learning rate (van Laarhoven, 2017).
#
# And that size can only grow. A step of gradient descent goes off at a right angle, so by
# Pythagoras

# %%
eta = scalar("eta", domain="positive", note="learning rate")
calculation(
    over_all((W[i, col] - eta * dW[i, col]) ** 2), given=(*layer, eta), title="One step"
).then(
    over_all(W[i, col] ** 2) + eta**2 * over_all(dW[i, col] ** 2), because="the right angle"
).at_least(over_all(W[i, col] ** 2), because="a square is added")

# %% [markdown]
# So learning slows down by itself, as if by a schedule. Weight decay holds against it: each step
# takes the share $\eta \lambda$ of the weights. Where do the two balance? Let $q$ be the square of
# the size of $W$, and $s$ that of its gradient at size one, so that it is $s / q$ at size $q$.

# %%
q = scalar("q", domain="positive", note="squared size of the weights")
s = scalar("s", domain="positive", note="squared size of the gradient at size one")
lam = scalar("lamda", domain="positive", note="weight decay")
calculation(
    Equals((1 - eta * lam) ** 2 * q + eta**2 * (s / q), q),
    given=(eta, lam, s, q),
    assuming=(eta * lam < 1,),
    unknown=(q,),
    title="The balance",
).implies(
    Equals(eta * lam * (2 - eta * lam) * q**2, eta**2 * s), because="collect what has $q$ in it"
).implies(Equals(eta**2 * (s / q) / q, eta * lam * (2 - eta * lam)), because="divide by $q^2$")

# %% [markdown]
# *In words:* on the left stands the square of how far a step goes relative to the size of the
# weights, as an angle. At the balance it is $\sqrt{2 \eta \lambda}$, nearly, whatever the gradients
# are. Weight decay before a norm does not make a model simpler; it keeps it learning, at a rate
# that is set by the product of $\eta$ and $\lambda$. It takes a number of steps of the order of
# $1 / (\eta \lambda)$ to get there (Wan et al., 2021).
#
# Here is a walk with gradients that are nothing but noise, started at a size that is wrong by far.

# %% tags=["shown"]
import numpy as np

rng, rate, decay = np.random.default_rng(0), 0.1, 0.02
w = rng.normal(size=1000)
for _ in range(4000):
    noise = rng.normal(size=1000)
    across = noise - w * (w @ noise) / (w @ w)  # a norm lets nothing else through
    before, w = w, (1 - rate * decay) * w - rate * across / np.linalg.norm(w)
cosine = before @ w / np.linalg.norm(before) / np.linalg.norm(w)
print(f"angle of a step: {np.arccos(cosine):.4f}")
print(f"predicted:       {np.sqrt(2 * rate * decay):.4f}")

# %% [markdown]
# ## Before the branch or after the sum
#
# A transformer adds branches to a stream. The first one normalised the sum, $\mathrm{norm}(x +
# f(x))$, which is called *post-norm*; nearly all since GPT-2 normalise what a branch reads, $x +
# f(\mathrm{norm}(x))$, which is *pre-norm*. What does the place do to gradients?
#
# At the start a branch is a random matrix, as good as independent of everything before, and what is
# independent adds up its variances. Forwards, in a pre-norm model, nobody normalises the stream
# itself. It begins with variance one, every branch adds one, and the norm before branch $l$,
# counted from zero, has $r^2 = 1 / (1 + l)$. In a post-norm model the stream starts anew from
# variance one after every sum, and each norm has $r^2 = 1/2$.
#
# Backwards, the gradient $g$ of the sum goes down both ways. A branch with Jacobian $J$, whose
# entries have mean zero and variance $1/d$, adds its own share to it, on average at a right angle:

# %%
J = d.vector("J", note="Jacobian of a branch").batched((d,))
calculation(
    E(sum_over((g[j] + r * sum_over(J[i, j] * g[i], i)) ** 2, j)),
    given=(J, g, r),
    assuming=(random(J[i, j], variance=1 / d.symbol),),
    title="A gradient passes a branch",
).then((1 + r**2) * sum_over(g[j] ** 2, j), because="mean zero, and $d$ terms of variance $1/d$")

# %% [markdown]
# (For large $d$ the projection inside a norm takes nothing that counts.) A branch of a post-norm
# model has no norm in it, so that $1 + 1$ stands for $1 + r^2$; the norm after the sum multiplies
# that by one half, and the gradient keeps its size. In a pre-norm model branch $l$ has the factor
# $1 + r^2 = (2 + l) / (1 + l)$. In a product of such factors each numerator cancels the next
# denominator, and all $D$ of them make $1 + D$.
#
# So the gradient of the stream neither explodes nor vanishes in either model. What differs is how
# much of the gradient at the bottom is the gradient at the top. In a post-norm model the direct way
# loses half of its square in every layer, and after $D$ layers $2^{-D}$ of it is left; the rest has
# been through random matrices. In a pre-norm model the direct way loses nothing, and is one part in
# $1 + D$ of the whole. In cosines, for 24 layers: $0.0002$ against $0.2$.

# %% tags=["shown"]
import numpy as np

from symllm import ops

rng, width = np.random.default_rng(0), 512
back = ops.rms_norm.gradient("x").lambdify()
weights = rng.normal(size=(24, width, width)) / np.sqrt(width)
bottom, top = rng.normal(size=(2, width))


def norm(x):
    return x / np.sqrt(np.mean(x**2))


def norm_back(x, dy):
    return back(x=x, gamma=np.ones(width), eps=0.0, dy=dy)


def down(x, layers, post):
    """The gradient at x, below these layers, of what has the gradient top above them."""
    if not len(layers):
        return top
    first, rest = layers[0], layers[1:]
    if post:
        added = x + first @ x
        g = norm_back(added, down(norm(added), rest, post))
        return g + first.T @ g
    g = down(x + first @ norm(x), rest, post)
    return g + norm_back(x, first.T @ g)


for post in (True, False):
    g = down(norm(bottom), weights, post)
    size = np.linalg.norm(g) / np.linalg.norm(top)
    cosine = g @ top / np.linalg.norm(g) / np.linalg.norm(top)
    print(f"{'post' if post else 'pre'}-norm: size {size:.1f}, cosine {cosine:.2f}")

# %% [markdown]
# Both sizes are as predicted, and so is the cosine of the pre-norm model; that of the other is no
# more than the noise of 512 entries. Post-norm models need a learning rate that is warmed up
# slowly: at the start the gradients of their last layers are large. Pre-norm models can do without
# (Xiong et al., 2020), and pay in another way: the stream grows, and each later branch is a smaller
# part of it.
#
# ## Exercises
#
# **1.** Apply layer normalisation without $\gamma$, $\beta$ and $\epsilon$ to two numbers. What
# comes out? What is the gradient?
#
# **2.** Queries and keys are sometimes divided by their Euclidean length. Find the Jacobian of
# that.
#
# **3.** A linear layer without bias stands before a layer norm. Show that its gradient sums to zero
# over the outputs, in every column. What part of the weights is never trained?
#
# **4.** Somebody treats the root mean square as a constant on the way back. What is missing?
#
# **5.** The weights before a norm are three times as large as you meant them to be. By what factor
# must the learning rate of SGD be changed, so that the function learnt is the same?
#
# ### Answers
#
# **1.** Plus and minus one, in their order. The outputs are constant where they do not jump, so the
# gradient is zero: of two directions, both are taken. A group of two is too small for a norm.

# %%
first, second = scalar("x_1", note="first entry"), scalar("x_2", note="second entry")
pair = (
    first, second,
    Let(mu, (first + second) / 2, "mean"),
    Let(v, ((first - mu) ** 2 + (second - mu) ** 2) / 2, "variance"),
)  # fmt: skip
calculation((first - mu) / sqrt(v), given=pair, title="Two numbers").then(
    (first - second) / Abs(first - second), because="half of the difference, over its size"
)

# %% [markdown]
# **2.** The projection once more, without a mean to take: what is left is orthogonal to $y$.

# %%
y = d.vector("y")
unit = (
    x,
    Let(r, 1 / sqrt(sum_over(x[k] ** 2, k)), "reciprocal length", means=SIZE),
    Let(y[i], r * x[i], "of length one", means="output"),
)
calculation(Partial(y[i], x[j]), given=unit, title="A unit vector").then(
    r * (delta(i, j) - y[i] * y[j]), because="product rule"
)

# %% [markdown]
# **3.** Let $u$ be the input of the layer, so that $x = W u$ is that of the norm. Its weights have
# the gradient $\mathrm{d}x_i u_k$. Each sum below is zero, for there is nothing along a shift. What
# is never trained is the mean of each column: it is what is the same in all outputs.

# %%
calculation(sum_over(dx[i] * u[col], i), given=(dx, u), title="A column").then(
    sum_over(dx[i], i) * u[col], because="the input is the same for all outputs"
)

# %% [markdown]
# **4.** The whole projection. The check says so:

# %% tags=["shown"]
from symllm import check_latex, ops

formula = r"\frac{\partial L}{\partial x_i}"
formula += r" = \gamma_i r \frac{\partial L}{\partial y_i}"
print(check_latex(formula, ops.rms_norm).explanation)

# %% [markdown]
# **5.** By nine: the gradient is a third, and the weights have three times as far to go. With $q$
# and $s$ as above, and $9 q$ in place of $q$, the angle of a step is to stay as it was.

# %%
new = scalar("etahat", domain="positive", note="the changed learning rate")
calculation(
    Equals(new**2 * (s / (9 * q)) / (9 * q), eta**2 * (s / q) / q),
    given=(eta, s, q, new),
    unknown=(new,),
    title="The same angle",
).implies(Equals(new, 9 * eta), because="multiply by $81 q^2 / s$, take the root")

# %% [markdown]
# ### References
#
# J. L. Ba, J. R. Kiros and G. E. Hinton, *Layer normalization*, arXiv:1607.06450, 2016.
#
# B. Zhang and R. Sennrich, *Root mean square layer normalization*, NeurIPS 2019,
# arXiv:1910.07467.
#
# T. van Laarhoven, *L2 regularization versus batch and weight normalization*, arXiv:1706.05350,
# 2017.
#
# S. Arora, Z. Li and K. Lyu, *Theoretical analysis of auto rate-tuning by batch normalization*,
# ICLR 2019, arXiv:1812.03981.
#
# R. Wan, Z. Zhu, X. Zhang and J. Sun, *Spherical motion dynamics: learning dynamics of normalized
# neural network using SGD and weight decay*, NeurIPS 2021, arXiv:2006.08419.
#
# R. Xiong et al., *On layer normalization in the transformer architecture*, ICML 2020,
# arXiv:2002.04745.
