# %% [markdown]
# # Blocks
#
# A transformer is a stream of vectors, one for each position, that runs from the embeddings to the
# logits. Blocks read the stream and add to it. Everything inside a block has been derived before,
# so a block needs no calculus of its own: each step cites a lemma, and what is new is only how
# the gradients of the branches come together.
#
# That is the point of the chapter. Networks of a hundred layers could hardly be trained
# until layers were made to add to what they read. The backward pass of a block shows why in one
# term, and a short calculation says how much that term is worth.

# %%
from sympy import exp, sqrt

from symllm import (
    Dim,
    E,
    Let,
    Op,
    Var,
    calculation,
    delta,
    matrix,
    ops,
    pictures,
    random,
    scalar,
    sum_over,
)

# %% [markdown]
# ## The feed-forward layer
#
# Attention moves information between positions; the feed-forward layer works on each position by
# itself. It widens the vector, lets each unit pass on what exceeds its threshold, and narrows the
# result again. Here it is for one position.

# %%
ops.mlp

# %% [markdown]
# ### The backward pass
#
# There is one path, through three ops, and three citations tell it.

# %%
ops.mlp.gradient()

# %% [markdown]
# *In words:* the gradient is widened by the second matrix, weighted by the slope of each unit, and
# narrowed by the first. A unit far below its threshold passes next to nothing on and learns next
# to nothing from this example, neither about what turns it on nor about what it should say.

# %% [markdown]
# ## The block of GPT-2
#
# Two branches are added to the stream $x$, one after the other. The first normalises the stream,
# attends to what came before with several heads, and adds the mixture of what they found. The
# second normalises what the stream has become, $x_A$, and adds the output of a feed-forward layer.
# The sum itself is left alone: no norm stands in the stream.

# %%
ops.gpt2_block

# %% [markdown]
# ### The backward pass
#
# The stream forks twice, and where it forks the gradients of both ways are added. One of the ways
# is always the stream itself, and along it nothing happens to the gradient. Here that of the stream
# is followed down; those of all the matrices are in the tables of the chapter *Language models*.

# %%
ops.gpt2_block.gradient("x")

# %% [markdown]
# *In words:* read $\mathrm{d}x_A$ and the result from left to right. The first term is the
# gradient that comes down the stream, as it is; the second is what the branch adds, through its
# normalisation. A branch's gradient is divided by the size of the stream that it reads,
# through $r$: as the stream grows from block to block, each block is heard less, on the way forward
# as on the way back.

# %% [markdown]
# All that the derivation leans on, and what that leans on in turn:

# %%
leaned_on = (ops.causal_attention, ops.layer_norm, ops.linear, ops.gelu_tanh, ops.masked_softmax)
pictures.proof_graph(ops.gpt2_block.gradient(), *(op.gradient() for op in leaned_on))

# %% [markdown]
# One parameter never learns: the keys' bias. Its gradient is a sum over queries and keys of
# $\mathrm{d}S_{ij} Q_i$, and the sum over the keys comes to nothing. The bias adds the same to
# all scores of a row, and a softmax does not see what is added to all.

# %%
n = Dim("n", "positions")
i, j, k = n.index("i"), n.index("j"), n.index("k")
P = n.vector("P", domain="distribution", note="attention weights")
dP, dS = n.vector("dP"), n.vector("dS")
calculation(
    sum_over(dS[j], j),
    given=(P, dP, Let(dS[j], P[j] * (dP[j] - sum_over(P[k] * dP[k], k)), "a row of scores")),
    title="What the keys' bias gets from a row",
).then(0, because="probabilities sum to one")

# %% [markdown]
# ## Why gradients pass
#
# Let the first of two branches have the Jacobian $A$ and the second $B$, so that with the stream
# beside them the Jacobians are $I + A$ and $I + B$. What does the pair do to a gradient?

# %%
c = Dim("c", "width of the stream")
i, j, k = c.index("i"), c.index("j"), c.index("k")
A = matrix("A", c, c, note="Jacobian of the first branch")
B = matrix("B", c, c, note="Jacobian of the second branch")
calculation(
    sum_over((delta(i, j) + B[i, j]) * (delta(j, k) + A[j, k]), j),
    given=(A, B),
    title="Two branches",
).then(
    delta(i, k) + A[i, k] + B[i, k] + sum_over(B[i, j] * A[j, k], j),
    because="the identity picks one term",
)

# %% [markdown]
# Four ways lead back: by the stream past both, through one branch or the other, through both. With
# $L$ branches there are $2^L$ ways, and one of them is always free. Without the stream only the
# last is left, the one through all.
#
# How large is what arrives? Take the entries of a branch's Jacobian $J$ as random, with variance
# $\sigma^2 / c$, as they are before training, and let a gradient $g$ come down to it.

# %%
J = matrix("J", c, c, note="Jacobian of a branch")
g = c.vector("g", note="gradient")
sigma = scalar("sigma", domain="positive", note="scale of a branch's Jacobian")
entries = {"given": (J, g, sigma), "assuming": (random(J[i, j], variance=sigma**2 / c),)}
calculation(
    E(sum_over((g[j] + sum_over(g[i] * J[i, j], i)) ** 2, j)),
    **entries,
    title="With the stream",
).then((1 + sigma**2) * sum_over(g[i] ** 2, i), because="mixed terms have mean zero")

# %%
calculation(E(sum_over(sum_over(g[i] * J[i, j], i) ** 2, j)), **entries, title="Without it").then(
    sigma**2 * sum_over(g[i] ** 2, i), because="the branch alone"
)

# %% [markdown]
# So $L$ branches multiply the mean square of the gradient by $(1 + \sigma^2)^L$ with the stream and
# by $\sigma^{2L}$ without. The second vanishes or explodes unless $\sigma$ is one, exactly, in
# every layer and all through training. The first never vanishes, and does not explode either if
# the branches are made smaller the more of them there are, $\sigma^2 = 1/L$.

# %%
L = scalar("L", domain="positive", note="branches")
calculation((1 + 1 / L) ** L, given=(L,), title="Branches of variance one over $L$").at_most(
    exp(1), because="$1 + x$ is at most $e^x$"
)

# %% [markdown]
# *In words:* the gradient at the bottom of the stack is at most $\sqrt{e}$ times as large as at the
# top, at any depth. GPT-2 starts its branches in that proportion, by scaling the last matrix of
# each; the chapter *Initialisation* looks at the same stack on the way forward.

# %%
depth = scalar("x")
pictures.curves(
    {
        "with the stream": sqrt(1 + 0.25) ** depth,
        "with it, branches of variance 1/L": (1 + 1 / depth) ** (depth / 2),
        "without the stream": 0.5**depth,
    },
    over=(depth, 1, 24),
    name="gradients-by-depth",
    words=(
        "Size of the gradient at the bottom of a stack against its depth, branches of standard "
        "deviation one half: with the stream it grows to fifteen times, with branches scaled by "
        "depth it stays below two, without the stream it falls below a ten-millionth."
    ),
    across="number of branches $L$",
    up="gradient, relative to the top",
    log="y",
)

# %% [markdown]
# The calculation took Jacobians to be random and independent. Here are real branches, a random
# matrix and a tanh each, and a gradient that is carried down through all of them.

# %% tags=["shown"]
import numpy as np


def carried(depth, stream, scale, width=128):
    rng = np.random.default_rng(0)
    x, slopes = rng.normal(size=width), []
    for W in rng.normal(size=(depth, width, width)) / np.sqrt(width):
        t = np.tanh(W @ x)
        slopes.append(stream * np.eye(width) + scale * (1 - t**2)[:, None] * W)
        x = stream * x + scale * t
    g = np.ones(width)
    for slope in reversed(slopes):
        g = g @ slope
    return np.sqrt(np.mean(g**2))


for depth in (4, 16, 64):
    full, scaled = carried(depth, 1, 1), carried(depth, 1, depth**-0.5)
    without = carried(depth, 0, 1)
    print(f"{depth:2}: {full:.1f}, scaled {scaled:.1f}, no stream {without:.2f}")

# %% [markdown]
# ## The block of Llama
#
# The plan is the same, and every part is simpler or cheaper. Root mean squares take the place of
# means and variances, and biases are gone. Positions turn queries and keys, in each block again.
# The query heads of a group share their keys and values. In the feed-forward layer one
# projection gates the other.
#
# An entry of a query has four indices besides its position: its group $s$, its head $t$ in the
# group, its half $w$ and its place $k$ in the half, since the rotation turns one half against the
# other.

# %%
ops.llama_block

# %% [markdown]
# ### The backward pass
#
# Two lemmas are new: the gradient of a rotation is the opposite rotation, and that of shared keys
# sums over the heads that share them.

# %%
ops.llama_block.gradient("x")

# %% [markdown]
# *In words:* again the stream's own gradient plus a branch, twice. The normalised stream feeds
# queries, keys and values, so the gradient of $X$ has three terms; $M$ feeds the gate and what it
# gates, so that of $M$ has two.

# %% [markdown]
# ## Exercises
#
# **1.** The first transformer put the norm into the stream: $x' = \mathrm{norm}(x + f(x))$. Suppose
# that stream and branch have variance one and are independent. By what factor is the
# gradient that comes down the stream multiplied at each norm?
#
# **2.** GPT-J and PaLM let attention and feed-forward layer read the same stream and add both at
# once: $y = x + f(x) + g(x)$. Which way of the four is lost?
#
# **3.** Find the mistake: "Where a branch has learnt nothing, its last matrix is zero. Then its
# gradients are zero as well, so it never will." Derive the gradients of $y = x + b\,\tanh(a x)$.
#
# **4.** A block of Llama has no biases. How many numbers are the biases of one of GPT-2's, of how
# many in all? (The shifts $\beta$ of its norms are not to be counted.)
#
# ### Answers
#
# **1.** By $1/\sqrt{2}$: the sum has variance two, and the norm divides by its root. After $L$
# norms the free way is worth $2^{-L/2}$. That is one reason why the norm was moved
# into the branch.

# %%
x_i, f_i = c.vector("x", note="the stream"), c.vector("f", note="output of the branch")
calculation(
    1 / sqrt(Var(x_i[i] + f_i[i])),
    given=(x_i, f_i),
    assuming=(random(x_i[i]), random(f_i[i])),
    title="A norm in the stream",
).then(1 / sqrt(2), because="variances of independent terms add")

# %% [markdown]
# **2.** The way through both. What the second branch could have made of the first one's output is
# gone; in exchange the two can be computed at once.

# %%
calculation(
    sum_over((delta(i, j) + B[i, j]) * (delta(j, k) + A[j, k]), j)
    - (delta(i, k) + A[i, k] + B[i, k]),
    given=(A, B),
    title="One after the other, less side by side",
).then(sum_over(B[i, j] * A[j, k], j), because="put in the four ways")

# %% [markdown]
# **3.** With $b = 0$ the gradient of $a$ is zero and that of $b$ is not: it does not have itself
# as a factor. After one step $b$ is something else than zero, and then $a$ learns, too. It would be
# true if both were zero.

# %%
x, y, t = n.vector("x", note="input"), n.vector("y"), n.vector("t")
i = n.index("i")
w_a = scalar("a", role="parameter", note="weight inside the branch")
w_b = scalar("b", role="parameter", note="weight of the branch")
branch = Op(
    name="tanh_branch",
    title="A branch of two numbers",
    inputs=(x, w_a, w_b),
    equations=(
        Let(t[i], ops.tanh(w_a * x[i], over=i), "the branch"),
        Let(y[i], x[i] + w_b * t[i], "added to the stream"),
    ),
    numpy=lambda x, a, b: x + b * np.tanh(a * x),
)
branch.gradient("a", "b")

# %% [markdown]
# **4.** Nine vectors of width $c$, for the feed-forward layer has one of $4c$, of $12 c^2 + 13 c$.

# %%
held = ops.gpt2_block.counts().by_parameter
h, d, f = Dim("h", "heads"), scalar("d"), scalar("f")
calculation(
    sum(held[name] for name in held if name.startswith("b_")),
    given=(c, h, Let(d, c / h, "width of a head"), Let(f, 4 * c, "width of the middle layer")),
    title="Biases of a block",
).then(9 * c, because="put in the widths")

# %% [markdown]
# ### References
#
# A. Radford, J. Wu, R. Child, D. Luan, D. Amodei and I. Sutskever, *Language models are
# unsupervised multitask learners*, 2019.
#
# R. Xiong et al., *On layer normalization in the transformer architecture*, ICML 2020,
# arXiv:2002.04745.
#
# H. Touvron et al., *LLaMA: open and efficient foundation language models*, 2023,
# arXiv:2302.13971.
#
# K. He, X. Zhang, S. Ren and J. Sun, *Deep residual learning for image recognition*, CVPR 2016,
# arXiv:1512.03385.
