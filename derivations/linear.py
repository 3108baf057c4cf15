# %% [markdown]
# # The linear layer
#
# Nearly all of a transformer's parameters, and nearly all of its arithmetic, are in linear
# layers. Their gradients are two matrix products and a sum, and the only question is which
# matrix to transpose, and what to sum over. Indices answer both without a guess. The chapter ends
# with what a linear layer cannot do, and with a way to change one without touching it.

# %%
import numpy as np

from symllm import (
    Dim,
    Let,
    Partial,
    calculation,
    matrix,
    minimum,
    ops,
    pictures,
    scalar,
    sum_over,
)

# %% [markdown]
# ## A batch of vectors
#
# The layer meets $N$ examples at once, each a row of $x$ and of $y$. Every example has its own
# input and its own output, but all share one matrix $W$ and one bias $b$. That is what the
# subscripts say: the index of the example is on $x$ and $y$ alone.

# %%
ops.linear.batched("N")

# %% [markdown]
# ### Which index is summed
#
# In each of the three gradients, the indices of the input that is asked for stay, and all
# others are summed over. For $x$, that sum runs over the outputs; for the parameters, it runs over
# the examples.

# %%
ops.linear.batched("N").gradient()

# %% [markdown]
# *In words:* the gradient flows back to the input through the same weights, read the other way.
# A weight's gradient is the product of what came in along it and what is wanted at its end, added
# up over the batch; a bias is a weight whose input is always one.

# %% [markdown]
# Whoever has forgotten which matrix is transposed can ask the shapes. The gradient of $W$ is as
# large as $W$ itself, one row for each output and one column for each input, and of
# $\mathrm{d}y$ and $x$ there is only one product like that.
#
# Differences agree, of course. Here they do so for any step, even a step as large as one: in each
# of its inputs alone, a linear layer is a straight line.

# %% tags=["shown"]
import numpy as np

from symllm import ops

rng = np.random.default_rng(0)
x, W, b, dy = (rng.normal(size=s) for s in [(4, 3), (2, 3), 2, (4, 2)])
dW = ops.linear.batched("N").gradient("W").lambdify()(x=x, W=W, b=b, dy=dy)
step = np.zeros_like(W)
step[1, 2] = 1.0
change = dy * (x @ (W + step).T + b) - dy * (x @ (W - step).T + b)
print(f"derived {dW[1, 2]:.6f}, by differences {change.sum() / 2:.6f}")

# %% [markdown]
# ### Where examples meet
#
# Examples do not touch each other on the way forward, and on the way back they meet only in the
# parameters, where their gradients are added. So a batch that is too large for the memory may come
# in pieces. With a loss that is a sum over examples, the gradients of the pieces add up to that of
# the whole, but for rounding. With a mean, the mean of the pieces is that of the whole only if they
# are of one size. For one weight, let $g_s$ be the gradients of a first piece of $N_1$
# examples, and $v_u$ those of a second of $N_2$.

# %%
N_1 = Dim("N_1", "examples of the first piece")
N_2 = Dim("N_2", "examples of the second piece")
s, u = N_1.index("s"), N_2.index("u")
first = N_1.vector("g", note="gradients of the first piece")
second = N_2.vector("v", note="gradients of the second piece")
mean_1, mean_2 = scalar("mu_1"), scalar("mu_2")
pieces = (
    first, second,
    Let(mean_1, sum_over(first[s], s) / N_1, "mean of the first piece"),
    Let(mean_2, sum_over(second[u], u) / N_2, "mean of the second piece"),
)  # fmt: skip
calculation(
    (sum_over(first[s], s) + sum_over(second[u], u)) / (N_1 + N_2),
    given=pieces,
    title="The mean of the whole",
).then((N_1 * mean_1 + N_2 * mean_2) / (N_1 + N_2), because="each sum is its mean, times how many")

# %% [markdown]
# *In words:* means have to be weighted by how many they are the mean of. Whoever averages them
# evenly gives the examples of a short piece too much weight. Language models are trained on texts
# of different length, so that this happens easily, and nothing crashes.
#
# ## What a linear layer cannot do
#
# Put one linear layer on top of another. Do two of them more than one?

# %%
m = Dim("m", "entries of the input")
d = Dim("d", "entries between the layers")
n = Dim("n", "entries of the output")
i, j, k = n.index("i"), m.index("j"), d.index("k")
x, y = m.vector("x", note="input"), n.vector("y", note="output")
h = d.vector("h", note="hidden vector")
W, U = matrix("W", d, m, note="weights"), matrix("U", n, d, note="weights of the second layer")
b, c = d.vector("b", note="bias"), n.vector("c", note="bias of the second layer")
stack = (
    x, W, U, b, c,
    Let(h[k], sum_over(W[k, j] * x[j], j) + b[k], "one layer"),
    Let(y[i], sum_over(U[i, k] * h[k], k) + c[i], "another"),
)  # fmt: skip
calculation(y[i], given=stack, title="Two layers").then(
    sum_over(sum_over(U[i, k] * W[k, j], k) * x[j], j) + sum_over(U[i, k] * b[k], k) + c[i],
    because="put in the first layer",
)

# %% [markdown]
# *In words:* they do not: two linear layers are one, whose matrix is the product $U W$. A hundred
# of them are one. That is why there is something bent between them, which the chapter on
# activations is about. Where $d$ is smaller than $m$ and $n$, two layers can do even less than one,
# for their product has rank $d$ at most; but they are cheaper to keep. That will be the idea of
# LoRA.
#
# ## Without a bias
#
# Many language models, PaLM and Llama among them, have no biases; the authors of PaLM report that
# large models were more stable in training without. What is left is a projection.

# %%
ops.projection.batched("N")

# %%
ops.projection.batched("N").gradient()

# %% [markdown]
# *In words:* the same two products; only the sum is gone.

# %% [markdown]
# ## LoRA
#
# To adapt a large model, its matrices need not be trained as wholes. LoRA freezes $W$ and learns
# a correction that is the product of two thin matrices: $A$ takes the input down to a few numbers,
# $r$ of them, and $B$ takes those up to the output. With $B$ zero at first, training starts from
# the model as it was.

# %%
ops.lora.batched("N")

# %% [markdown]
# ### One path is frozen
#
# There are two paths from the output to the input, one through the frozen matrix and one through
# the correction. The frozen matrix passes the gradient on and gets none itself.

# %%
ops.lora.batched("N").gradient()

# %% [markdown]
# *In words:* two linear layers, one on top of the other, each with the gradients of a linear
# layer. The input $x$ has to be kept, as for any linear layer, and $h$, which is small. But no
# matrix as large as $W$ is ever made for a gradient, nor for what an optimizer keeps of it; that is
# what is saved.
# While $B$ is zero, so is $\mathrm{d}h$ and with it the gradient of $A$: at first only $B$ learns.
# What follows from that, and how $\alpha$ and $r$ are chosen, is in the chapter on fine-tuning.

# %% [markdown]
# Both paths can be seen. There is no gradient of $W$ on the right, and nothing waits for one.

# %%
pictures.graph(ops.lora.batched("N").gradient())

# %% [markdown]
# ## Exercises
#
# **1.** Multiply all inputs of a layer by $a$ and divide its weights by $a$: it computes what it
# did. Does it also learn what it did?
#
# **2.** A layer is used twice, one after the other, with the same weights: $y = W W x$. What is the
# gradient of $W$? Somebody returns $2\, \mathrm{d}y\, x^\top W^\top$. When is that right?
#
# **3.** Given inputs and targets, numbers both, which slope $w$ makes $w x_s$ come nearest to $t_s$
# in the sum of squares? What is the gradient there, and what does it say of the errors?
#
# ### Answers
#
# **1.** No. The gradient is $a$ times as large, and the weights are $a$ times as small. In the old
# units it is a step with $a^2$ times the learning rate. Which numbers are inputs and which are
# weights is a choice, and gradient descent notices it.

# %%
dim = Dim("N", "examples")
s = dim.index("s")
x, dy = m.vector("x", note="input").batched((dim,)), n.vector("dy").batched((dim,))
W = matrix("W", n, m, note="weights")
eta = scalar("eta", note="learning rate")
a = scalar("a", domain="positive", note="factor of the inputs")
gradient = sum_over(dy[s, i] * a * x[s, j], s)
calculation(a * (W[i, j] / a - eta * gradient), given=(x, dy, W, eta, a)).then(
    W[i, j] - a**2 * eta * sum_over(dy[s, i] * x[s, j], s), because="multiplied out"
)

# %% [markdown]
# **2.** Two uses, two terms: one for each place in which $W$ stands. The first layer's weights meet
# $x$ and the gradient that has come back through the second; the second layer's meet $h = W x$. The
# formula in the question takes one of the terms twice, which is right for numbers and for little
# else.

# %%
i, j, k = n.indices("i j k")
x = n.vector("x", note="input")
y = n.vector("y", note="output")
h = n.vector("h", note="hidden vector")
dy, dh = n.vector("dy"), n.vector("dh")
W, L = matrix("W", n, n, note="weights"), scalar("L", note="loss")
p, q = n.indices("p q")
twice = (
    x, dy, W,
    Let(h[i], sum_over(W[i, j] * x[j], j), "once"),
    Let(y[i], sum_over(W[i, j] * h[j], j), "and again"),
    Let(L, sum_over(dy[i] * y[i], i), "for any gradient of the output"),
    Let(dh[j], sum_over(dy[i] * W[i, j], i), "what comes back through the second"),
)  # fmt: skip
calculation(Partial(L, W[p, q]), given=twice).then(
    dy[p] * h[q] + dh[p] * x[q], because="first place, second place"
)

# %% [markdown]
# **3.** The slope of the loss is the sum of inputs times errors. Where it is zero, the errors have
# nothing left in them that goes along with the input.

# %%
x, t = dim.vector("x", note="input"), dim.vector("t", note="targets")
w = scalar("w", note="slope")
s, u = dim.indices("s u")
minimum(
    sum_over((w * x[s] - t[s]) ** 2, s),
    Let(w, sum_over(x[u] * t[u], u) / sum_over(x[u] ** 2, u)),
    given=(w, x, t),
)

# %%
best = (
    x, t,
    Let(w, sum_over(x[u] * t[u], u) / sum_over(x[u] ** 2, u), "the best slope"),
)  # fmt: skip
calculation(sum_over(x[s] * (w * x[s] - t[s]), s), given=best).then(
    w * sum_over(x[s] ** 2, s) - sum_over(x[s] * t[s], s), because="multiplied out"
).then(0, because="put in the slope")

# %% [markdown]
# ### References
#
# D. E. Rumelhart, G. E. Hinton and R. J. Williams, *Learning representations by
# back-propagating errors*, Nature 323, 1986.
#
# A. Chowdhery et al., *PaLM: scaling language modeling with Pathways*, arXiv:2204.02311, 2022.
#
# E. J. Hu, Y. Shen, P. Wallis, Z. Allen-Zhu, Y. Li, S. Wang, L. Wang and W. Chen, *LoRA: low-rank
# adaptation of large language models*, ICLR 2022, arXiv:2106.09685.
