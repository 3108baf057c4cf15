# %% [markdown]
# # Blocks
#
# A transformer is a stream of vectors, one for each position, that runs from the embeddings to the
# logits. Blocks read the stream and add to it. Everything inside a block has been derived before,
# so a block needs no calculus of its own: each step cites a lemma, and what is new is only how
# the gradients of the branches come together.
#
# That is the point of the chapter. Networks of a hundred layers could hardly be trained until
# layers were made to add to what they read (He et al., 2016). The backward pass of a block shows
# why in one term, and a short calculation says how much that term is worth.

# %%
from sympy import exp, sqrt, tanh

from symllm import (
    Dim,
    E,
    Let,
    Partial,
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
# ### One path through three ops
#
# All three have been derived, so three citations tell it.

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
# ### Two forks in the stream
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
    given=(
        P,
        dP,
        Let(dS[j], P[j] * (dP[j] - sum_over(P[k] * dP[k], k)), "gradient of a row of scores"),
    ),
    title="What the keys' bias gets from a row",
).then(0, because="probabilities sum to one")

# %% [markdown]
# ## Why gradients pass
#
# Let the first of two branches have the Jacobian $B_1$ and the second $B_2$, so that with the
# stream beside them the Jacobians are $I + B_1$ and $I + B_2$. What does the pair do to a gradient?

# %%
c = Dim("c", "width of the stream")
i, j, k = c.index("i"), c.index("j"), c.index("k")
B = matrix("B", c, c, note="Jacobian of a branch")
B_1, B_2 = (
    matrix("B_1", c, c, note="Jacobian of the first branch"),
    matrix("B_2", c, c, note="Jacobian of the second branch"),
)
calculation(
    sum_over((delta(i, j) + B_2[i, j]) * (delta(j, k) + B_1[j, k]), j),
    given=(B_1, B_2),
    title="Two branches",
).then(
    delta(i, k) + B_1[i, k] + B_2[i, k] + sum_over(B_2[i, j] * B_1[j, k], j),
    because="the identity picks one term",
)

# %% [markdown]
# Four ways lead back: by the stream past both, through one branch or the other, through both. With
# $D$ branches there are $2^D$ ways, and one of them is always free. Without the stream only the
# last is left, the one through all.
#
# How large is what arrives? Take the entries of a branch's Jacobian $B$ as random, with variance
# $\sigma^2 / c$, as they are before training, and let a gradient $\mathrm{d}y$ come down to it.

# %%
dy, sigma = c.vector("dy"), scalar("sigma", domain="positive", note="scale of a branch's Jacobian")
entries = {"given": (B, dy, sigma), "assuming": (random(B[i, j], variance=sigma**2 / c),)}
calculation(
    E(sum_over((dy[j] + sum_over(dy[i] * B[i, j], i)) ** 2, j)),
    **entries,
    title="With the stream",
).then((1 + sigma**2) * sum_over(dy[i] ** 2, i), because="mixed terms have mean zero")

# %%
calculation(E(sum_over(sum_over(dy[i] * B[i, j], i) ** 2, j)), **entries, title="Without it").then(
    sigma**2 * sum_over(dy[i] ** 2, i), because="the branch alone"
)

# %% [markdown]
# So $D$ branches multiply the mean square of the gradient by $(1 + \sigma^2)^D$ with the stream and
# by $\sigma^{2D}$ without. The second vanishes or explodes unless $\sigma$ is one, exactly, in
# every layer and all through training. The first never vanishes, and does not explode either if
# the branches are made smaller the more of them there are, $\sigma^2 = 1/D$.

# %%
D = scalar("D", domain="positive", note="branches")
calculation((1 + 1 / D) ** D, given=(D,), title="Branches of variance one over $D$").at_most(
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
        "with it, branches of variance 1/D": (1 + 1 / depth) ** (depth / 2),
        "without the stream": 0.5**depth,
    },
    over=(depth, 1, 24),
    name="gradients-by-depth",
    words=(
        "Size of the gradient at the bottom of a stack against its depth, branches of standard "
        "deviation one half: with the stream it grows to fifteen times, with branches scaled by "
        "depth it stays below two, without the stream it falls below a ten-millionth."
    ),
    across="number of branches $D$",
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
# *In words:* with the stream nothing is lost, and with scaled branches little is gained, whatever
# the depth. Branches that are not scaled let the gradient grow, though by far less than the
# $2^{D/2}$ of the calculation with $\sigma = 1$: the stream grows from branch to branch, and a tanh
# that reads a large stream is flat. A norm at the door of a branch has the same effect.

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
# ### Turned back and shared
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
# **1.** The first transformer put the norm into the stream: $y = \mathrm{norm}(x + F(x))$. Suppose
# that stream and branch have variance one and are independent. By what factor is the gradient that
# comes down the stream multiplied at each norm?
#
# **2.** GPT-J and PaLM let attention and feed-forward layer read the same stream and add both at
# once: $y = x + A(x) + F(x)$. Which way of the four is lost?
#
# **3.** Find the mistake: "Where a branch has learnt nothing, its last matrix is zero. Then its
# gradients are zero as well, so it never will." Derive the gradients of $y = x + w_2\,\tanh(w_1
# x)$.
#
# **4.** A block of Llama has no biases. How many numbers are the biases of one of GPT-2's, of how
# many in all? (The shifts $\beta$ of its norms are not to be counted.)
#
# ### Answers
#
# **1.** By $1/\sqrt{2}$: the sum has variance two, and the norm divides by its root. After $D$
# norms the free way is worth $2^{-D/2}$. That is one reason why the norm was moved into the branch
# (Xiong et al., 2020).

# %%
x, F = c.vector("x", note="input"), c.vector("F", note="output of the feed-forward layer")
calculation(
    1 / sqrt(Var(x[i] + F[i])),
    given=(x, F),
    assuming=(random(x[i]), random(F[i])),
    title="A norm in the stream",
).then(1 / sqrt(2), because="variances of independent terms add")

# %% [markdown]
# **2.** The way through both. What the second branch could have made of the first one's output is
# gone; in exchange the two can be computed at once.

# %%
calculation(
    sum_over((delta(i, j) + B_2[i, j]) * (delta(j, k) + B_1[j, k]), j)
    - (delta(i, k) + B_1[i, k] + B_2[i, k]),
    given=(B_1, B_2),
    title="One after the other, less side by side",
).then(sum_over(B_2[i, j] * B_1[j, k], j), because="put in the four ways")

# %% [markdown]
# **3.** With $w_2 = 0$ the gradient of $w_1$ is zero and that of $w_2$ is not: $w_2$ is no factor
# of it. After one step $w_2$ is something else than zero, and then $w_1$ learns, too. It would be
# true if both were zero.

# %%
w_1 = scalar("w_1", note="weight inside the branch")
w_2 = scalar("w_2", note="weight of the branch")
x, y = scalar("x", note="input"), scalar("y", note="output")
branch = (x, w_1, w_2, Let(y, x + w_2 * tanh(w_1 * x), "a branch of two numbers"))
calculation(Partial(y, w_1), given=branch).then(
    w_2 * x * (1 - tanh(w_1 * x) ** 2), because="the slope of a tanh"
)

# %%
calculation(Partial(y, w_2), given=branch).then(tanh(w_1 * x), because="the product rule")

# %% [markdown]
# **4.** Nine vectors of width $c$, for the feed-forward layer has one of $4c$, of $12 c^2 + 13 c$.

# %%
held = ops.gpt2_block.counts().by_parameter
h, d, f = Dim("h", "heads"), scalar("d"), scalar("f")
calculation(
    sum(held[name] for name in held if name.startswith("b_")),
    given=(
        c,
        h,
        Let(d, c / h, "width of a head"),
        Let(f, 4 * c, "width of the feed-forward layer"),
    ),
    title="Biases of a block",
).then(9 * c, because="put in the widths")

# %% [markdown]
# ### References
#
# A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser and I.
# Polosukhin, *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# A. Radford, J. Wu, R. Child, D. Luan, D. Amodei and I. Sutskever, *Language models are
# unsupervised multitask learners*, OpenAI, 2019.
#
# R. Xiong et al., *On layer normalization in the transformer architecture*, ICML 2020,
# arXiv:2002.04745.
#
# H. Touvron et al., *LLaMA: open and efficient foundation language models*, arXiv:2302.13971, 2023.
#
# K. He, X. Zhang, S. Ren and J. Sun, *Deep residual learning for image recognition*, CVPR 2016,
# arXiv:1512.03385.
