# %% [markdown]
# # Attention variants
#
# One attention is seldom enough, and seldom left as it is. It is done by several heads at once, so
# that a position can look for several things. Some heads then share their keys and values, because
# a model that writes spends its time on reading those. They may be compressed; and scores that grow
# too large can be bent back. Each is a change of a line or two of the forward pass, and the
# backward pass shows how little it costs.

# %%
from sympy import exp, tanh

from symllm import (
    Dim,
    Let,
    calculation,
    matrix,
    ops,
    permutation,
    pictures,
    scalar,
    sum_over,
)

# %% [markdown]
# ## Several heads
#
# A softmax that looks at one thing cannot look at another: its weights sum to one. So attention is
# done several times side by side, by heads that each have projections of their own, and an output
# matrix adds up what they have found. In the equations a head is an index, $s$.

# %%
ops.multi_head_attention

# %% [markdown]
# More heads cost no more, if each is as much narrower. With $h$ heads that share the width $c$ of
# the model among them, the four matrices have as many entries as with one:

# %%
h = scalar("h", domain="positive", note="heads")
c = scalar("c", domain="positive", note="width of the stream")
d = scalar("d", domain="positive", note="width of keys")
e = scalar("e", domain="positive", note="width of values")
calculation(
    h * (2 * d * c + 2 * e * c),
    given=(h, c, Let(d, c / h, "width of keys"), Let(e, c / h, "width of values")),
    title="Parameters",
).then(4 * c**2, because="$h$ heads of width $c / h$")

# %% [markdown]
# Programs know no heads. They multiply by one large matrix, cut the columns into heads, and put the
# outputs together again. To put vectors end to end and multiply by a large matrix is to multiply
# each by its own part and add; so it is the same:

# %% tags=["shown"]
import numpy as np

from symllm import ops

n, c, h, d = 5, 12, 3, 4
rng = np.random.default_rng(0)
X, W_Q, W_K, W_V, W_O = rng.normal(size=(n, c)), *rng.normal(size=(4, c, c))
Q, K, V = ((X @ W.T).reshape(n, h, d).swapaxes(0, 1) for W in (W_Q, W_K, W_V))
S = Q @ K.swapaxes(1, 2) / np.sqrt(d)
P = np.exp(S - S.max(2, keepdims=True))
P /= P.sum(2, keepdims=True)
Y = (P @ V).swapaxes(0, 1).reshape(n, c) @ W_O.T

cut = {"W_Q": W_Q, "W_K": W_K, "W_V": W_V}
cut = {name: W.reshape(h, d, c) for name, W in cut.items()}
cut["W_O"] = W_O.reshape(c, h, d).swapaxes(0, 1)
heads = ops.multi_head_attention.lambdify()(X=X, **cut)
print(f"furthest apart by {np.abs(Y - heads).max():.6f}")

# %% [markdown]
# ### Heads meet twice
#
# Once in the output matrix, which sums over them, and once in the input, which all of them
# read. In between, each attends by itself, and what is known of attention holds for each.

# %%
ops.multi_head_attention.gradient()

# %% [markdown]
# *In words:* every head gets the same gradient of the output, read through its own part of
# $W_O$. The input has three paths into each head, through queries, keys and values, and its
# gradient sums over all paths and all heads.

# %% [markdown]
# ## Grouped queries
#
# When a model writes text, the keys and values of all that came before are kept, and reading them
# takes longer than computing with them. So the heads are put into groups. Each query head $t$ of a
# group $s$ has queries of its own, but the group shares one head of keys and values. With a single
# group this is multi-query attention (Shazeer, 2019); with one query head in each, it is the
# attention above.

# %%
ops.grouped_query_attention

# %% [markdown]
# What is saved shows in numbers. This is the cache of a model with 32 layers and 32 query heads of
# width 128, in two bytes a number, at a text of 8192 tokens. Llama 3 8B is such a model, with eight
# groups (Grattafiori et al., 2024).

# %% tags=["shown"]
layers, width, tokens, bytes_each = 32, 128, 8192, 2
for groups in (32, 8, 1):
    cache = 2 * layers * groups * width * bytes_each  # keys and values
    whole = cache * tokens / 2**30
    print(f"{groups:2} groups: {cache // 1024:3} KiB a token, {whole:.3f} GiB")

# %% [markdown]
# ### What is shared gets a sum
#
# Keys and values bear no index $t$, so their gradients sum over it, as those of a parameter sum
# over a batch.

# %%
ops.grouped_query_attention.gradient()

# %% [markdown]
# *In words:* the gradients of keys and values add up what all the query heads of their group ask of
# them; the queries' own are as before.

# %% [markdown]
# ## Latent keys and values
#
# Another way to a small cache is to compress. Of every position $j$ a short vector $C_j$ is kept,
# and keys and values of all heads are made from it by matrices $W_{ka}$ and $U_{la}$. To make them
# anew at every step would cost more than was saved. But they need not be made at all. Here is the
# score of one head, and then its output:

# %%
n = Dim("n", "positions")
m = Dim("m", "keys")
r = Dim("r", "width of latent vectors")
d = Dim("d", "width of keys")
e = Dim("e", "width of values")
(i,), (j,), (a,), (k,), (l,) = (
    size.indices(name) for size, name in ((n, "i"), (m, "j"), (r, "a"), (d, "k"), (e, "l"))
)
Q = matrix("Q", n, d, note="queries")
C = matrix("C", m, r, note="latent vectors")
P = matrix("P", n, m, note="attention weights")
W = matrix("W", d, r, note="weights from latent vectors to keys")
U = matrix("U", e, r, note="weights from latent vectors to values")
calculation(
    sum_over(Q[i, k] * sum_over(W[k, a] * C[j, a], a), k), given=(Q, C, W), title="A score"
).then(
    sum_over(sum_over(Q[i, k] * W[k, a], k) * C[j, a], a), because="the query through the matrix"
)

# %%
calculation(
    sum_over(P[i, j] * sum_over(U[l, a] * C[j, a], a), j), given=(P, C, U), title="An output"
).then(sum_over(U[l, a] * sum_over(P[i, j] * C[j, a], j), a), because="the mean before the matrix")

# %% [markdown]
# *In words:* the matrix of the keys is moved to the query, the matrix of the values behind the
# mean. In between, all heads attend to the same short vectors, which are keys and values at once:
# when it writes, latent attention is multi-query attention with wide queries. DeepSeek-V2 (2024)
# keeps 512 numbers for each position and layer, where its 128 heads of width 128 would need 32768;
# and 64 more for rotary positions, which would stand between the two matrices and keep them from
# being joined.
#
# ## Soft capping
#
# Where a score runs away from the others, the softmax turns into a choice, and its gradient into
# nothing. A tanh keeps every score between $-\kappa$ and $\kappa$ and leaves those near zero as
# they are. Gemma 2 caps the scores of attention at 50, between the product of query and key and the
# softmax, and its final logits at 30.

# %%
ops.softcap

# %%
x = scalar("x", note="score")
pictures.curves(
    {"score": x, "capped at 50": 50 * tanh(x / 50)},
    over=(x, -120, 120),
    name="soft-capping",
    words="Capping leaves scores up to about 20 nearly as they are and bends larger ones "
    "towards 50.",
    across="score",
    up="",
)

# %%
ops.softcap.gradient("x")

# %% [markdown]
# *In words:* the slope is one at zero and falls to zero as a score nears its bound. In attention
# this is one factor more: $\mathrm{d}S$ is multiplied, entry by entry, by one minus the square
# of the capped score over $\kappa$ before it goes on to queries and keys.

# %% [markdown]
# ## Exercises
#
# **1.** Two matrices $W_Q$ and $W_K$ make the scores of a head. Are they determined by the scores?
#
# **2.** The heads of a layer are reordered, each with its four matrices. What changes?
#
# **3.** Scores are capped at $\kappa$. How small can the weight of a key get, among $m$ keys?
#
# **4.** Find the mistake. To train grouped queries somebody starts from a model with a head of keys
# for each head of queries, and computes $\mathrm{d}K$ of a group as the mean of what its query
# heads ask for.
#
# ### Answers
#
# **1.** No: only their product matters. Scores are a bilinear form of the input, whose matrix $B$
# has rank $d$ at most. Any invertible matrix may be put between the two, with its inverse, and
# nothing changes; so to read a single row of $W_Q$ says little. (Elhage et al., 2021, call the
# product the QK circuit.)

# %%
c = Dim("c", "width of the stream")
(a, b), (j,) = c.indices("a b"), n.indices("j")
X = matrix("X", n, c, note="input")
W_Q = matrix("W_Q", d, c, note="weights of the queries")
W_K = matrix("W_K", d, c, note="weights of the keys")
B = matrix("B", c, c, note="bilinear form")
calculation(
    sum_over(sum_over(W_Q[k, a] * X[i, a], a) * sum_over(W_K[k, b] * X[j, b], b), k),
    given=(X, W_Q, W_K, Let(B[a, b], sum_over(W_Q[k, a] * W_K[k, b], k), "one matrix")),
    title="A bilinear form",
).then(sum_over(sum_over(X[i, a] * B[a, b] * X[j, b], b), a), because="the sum over the head first")

# %% [markdown]
# **2.** Nothing: the output matrix sums over heads. So each layer of $h$ heads can be written in
# $h!$ ways. For one entry of the output:

# %%
h = Dim("h", "heads")
(s,) = h.indices("s")
W_O = matrix("W_O", h, e, note="weights of the output")
O = matrix("O", h, e, note="output")
pi = h.vector("pi", domain=h, note="the order of the heads")
calculation(
    sum_over(sum_over(W_O[pi[s], l] * O[pi[s], l], l), s),
    given=(W_O, O, pi),
    assuming=(permutation(pi),),
    title="Heads in another order",
).then(sum_over(sum_over(W_O[s, l] * O[s, l], l), s), because="terms in another order")

# %% [markdown]
# **3.** No smaller than $\exp(-2 \kappa) / m$. With $\kappa = 50$ that is next to nothing, and so
# is meant: the cap is for the few scores in the hundreds that would leave a row without a gradient.

# %%
S = m.vector("S", note="scores")
kappa = scalar("kappa", domain="positive", note="bound on the scores")
other = m.index("i")
j = m.index("j")
calculation(
    exp(S[j]) / sum_over(exp(S[other]), other),
    given=(S, kappa),
    assuming=(S[j] <= kappa, -kappa <= S[j]),
    title="The smallest weight",
).at_least(exp(S[j]) / (m * exp(kappa)), because="no term exceeds that of $\\kappa$").at_least(
    exp(-2 * kappa) / m, because="nor is any below its inverse"
)

# %% [markdown]
# **4.** What is shared gets the sum. To start the shared keys as the mean of the old ones is right
# (Ainslie et al., 2023, do so), but the mean of the gradients is too small by the number of heads
# in a group. Its direction is right, and Adam, which hardly sees the size of gradients, would hide
# the mistake. A check does not (there $u$ is the number of query heads in a group):

# %% tags=["shown"]
from symllm import check_gradient, ops

right = ops.grouped_query_attention.gradient().lambdify()


def averaged(dO, Q, K, V):
    found = right(dO=dO, Q=Q, K=K, V=V)
    return {**found, "dK": found["dK"] / Q.shape[1]}


print(check_gradient(averaged, ops.grouped_query_attention).explanation)

# %% [markdown]
# ### References
#
# A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser and I.
# Polosukhin, *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# N. Shazeer, *Fast transformer decoding: one write-head is all you need*, arXiv:1911.02150, 2019.
#
# N. Elhage et al., *A mathematical framework for transformer circuits*, Transformer Circuits
# Thread, 2021.
#
# J. Ainslie, J. Lee-Thorp, M. de Jong, Y. Zemlyanskiy, F. Lebrón and S. Sanghai, *GQA: training
# generalized multi-query transformer models from multi-head checkpoints*, EMNLP 2023,
# arXiv:2305.13245.
#
# DeepSeek-AI, *DeepSeek-V2: a strong, economical, and efficient mixture-of-experts language model*,
# arXiv:2405.04434, 2024.
#
# A. Grattafiori et al., *The Llama 3 herd of models*, arXiv:2407.21783, 2024.
#
# Gemma Team, *Gemma 2: improving open language models at a practical size*, arXiv:2408.00118, 2024.
