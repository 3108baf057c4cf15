# %% [markdown]
# # Linear attention
#
# Attention compares every query with every key, so twice the text costs four times the work, and a
# model that writes has to keep every key and every value that it has seen. Both come from one
# place: the softmax between two matrix products. This chapter asks what happens without it. The
# answer is another model, and no approximation: a recurrent network with a matrix for its memory,
# which can be trained as attention and run as a recurrence.

# %%
from sympy import Max, Min, Rational, exp

from symllm import (
    Dim,
    Equals,
    Iverson,
    Let,
    Partial,
    Tensor,
    calculation,
    matrix,
    ops,
    pictures,
    scalar,
    sum_over,
)

# %% [markdown]
# ## Two ways to bracket
#
# Leave the softmax out, and the output is a product of three matrices, of queries, keys and values.
# A product may be bracketed as one likes. From the left, the scores come first: $n$ rows and $m$
# columns. From the right, keys and values are summed up before any query is known.

# %%
n = Dim("n", "positions")
m = Dim("m", "keys")
d = Dim("d", "width of keys")
e = Dim("e", "width of values")
i, j = n.indices("i j")
(c,), (k,), (l,) = m.indices("j"), d.indices("k"), e.indices("l")
Q = matrix("Q", n, d, note="queries")
K = matrix("K", m, d, note="keys")
V = matrix("V", m, e, note="values")
calculation(
    sum_over(sum_over(Q[i, k] * K[c, k], k) * V[c, l], c), given=(Q, K, V), title="The same product"
).then(
    sum_over(Q[i, k] * sum_over(K[c, k] * V[c, l], c), k), because="the sum over positions first"
)

# %% [markdown]
# *In words:* the inner sum has a row for each entry of a key and a column for each entry of a
# value, and no position. Its size does not grow with the text. So the cost does not grow with the
# square: $2nm(d + e)$ operations from the left, $2(n + m)de$ from the right. For a text that
# attends to itself, $n = m$, they are equal at a length that is about the width of a head.

# %%
N = scalar("n", domain="positive", note="positions")
width = scalar("d", domain="positive", note="width of keys")
height = scalar("e", domain="positive", note="width of values")
calculation(
    Equals(2 * N**2 * (width + height), 4 * N * width * height),
    given=(N, width, height),
    unknown=(N,),
    title="Where both cost the same",
).implies(Equals(N, 2 * width * height / (width + height)), because="divided by $2 n (d + e)$")

# %% [markdown]
# ## Weights that are scalar products
#
# A mean needs weights that are positive and sum to one. The second is done by dividing by their
# sum, as in softmax. For the first, queries and keys go through a *feature map*, a function $\phi$
# whose values are positive; a weight is then $\phi(q) \cdot \phi(k)$ and not $\exp(q \cdot k)$.
# Katharopoulos et al. (2020) took $\phi(x) = 1 + x$ for positive $x$ and $\exp(x)$ for others,
# entry by entry, which is positive and has no corner.

# %%
x = scalar("x")
pictures.curves(
    {"exponential": exp(x), "feature map": Max(x, 0) + exp(Min(x, 0))},
    over=(x, -4, 2),
    name="feature-map",
    words="The exponential, and the feature map of 2020: they agree below zero; above, "
    "the map grows as a straight line.",
    across="$x$",
    up="",
)

# %% [markdown]
# From here on $Q$ and $K$ are the features, after the map. Nothing else is done to them, so their
# normaliser can be summed beforehand as well: it is a query times the sum of all keys.

# %%
ops.linear_attention

# %% [markdown]
# ### A gradient without positions
#
# What is a sum over positions on the way forward hands the same gradient to all of them on the way
# back. So the gradient of the memory is computed once, again without a position, and each key and
# value reads its own from that.

# %%
ops.linear_attention.gradient()

# %% [markdown]
# *In words:* a value reads from the gradient of the memory with its key, as a query reads from the
# memory. The number $D_i$, which softmax attention subtracts from its weights' gradients, is here
# as well: it comes from dividing by a sum, and not from the exponential. And nothing in these lines
# has two positions: the way back, too, costs as much as the text is long.

# %% [markdown]
# ## A memory that runs
#
# A language model must not look ahead. Then every position needs a memory of its own, the sum over
# the positions up to it. That looks like $n$ memories. But each is the one before it and one term
# more: the product of a key and a value.

# %%
Q = matrix("Q", n, d, note="queries")
K = matrix("K", n, d, note="keys")
V = matrix("V", n, e, note="values")
M = Tensor("M", (n, d, e), note="memory")
memory = Let(
    M[i, k, l], sum_over(Iverson(j <= i) * K[j, k] * V[j, l], j), "running memory", means="memory"
)
calculation(M[i, k, l], given=(K, V, memory), title="One step").then(
    sum_over(Iverson(j < i) * K[j, k] * V[j, l], j) + K[i, k] * V[i, l],
    because="the memory before, and one term",
)

# %% [markdown]
# *In words:* causal linear attention is a recurrent network. Its state is a matrix, every token
# adds to it, every query reads from it, and a model that writes needs the same time and the same
# memory for its millionth token as for its first. Softmax attention would have kept a million keys
# and values.
#
# Both ways to compute it agree: all weights at once, with a mask, and token by token.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
queries, keys = rng.uniform(size=(2, 6, 4))  # features: positive
values = rng.normal(size=(6, 3))

weights = np.tril(queries @ keys.T)
at_once = weights / weights.sum(1, keepdims=True) @ values

state, norm = np.zeros((4, 3)), np.zeros(4)
for t in range(6):
    state += np.outer(keys[t], values[t])
    norm += keys[t]
    output = queries[t] @ state / (queries[t] @ norm)
    print(f"token {t}: {output[0]:.4f}, at once {at_once[t, 0]:.4f}")

# %% [markdown]
# ### The gradient runs backwards
#
# A key and a value are heard by every query from their position on. What they get back is a sum
# over those, so it runs too, from the end to the beginning. To see it, differentiate a loss whose
# upstream gradient is $\mathrm{d}O$.

# %%
dO, L = matrix("dO", n, e, role="constant"), scalar("L")
O, R, Z, D = matrix("O", n, e), Tensor("R", (n, d, e)), n.vector("Z"), n.vector("D")
seen = Iverson(j <= i) * sum_over(Q[i, k] * K[j, k], k)
Q = Tensor("Q", (n, d), domain="positive", note="queries")
K = Tensor("K", (n, d), domain="positive", note="keys")
causal = (
    Q, K, V, dO,
    Let(Z[i], sum_over(seen, j), "normaliser"),
    Let(O[i, l], sum_over(seen * V[j, l], j) / Z[i], "output"),
    Let(L, sum_over(sum_over(dO[i, l] * O[i, l], l), i), "what is differentiated", means="loss"),
    Let(D[i], sum_over(dO[i, l] * O[i, l], l), "row sums"),
    Let(R[j, k, l], sum_over(Iverson(j <= i) * Q[i, k] * dO[i, l] / Z[i], i), "memory backwards"),
)  # fmt: skip
calculation(Partial(L, V[j, l]), given=causal, title="What a value gets").then(
    sum_over(seen * dO[i, l] / Z[i], i), because="the queries that see it"
).then(sum_over(K[j, k] * R[j, k, l], k), because="the sum over positions first")

# %% [markdown]
# A key acts on the normaliser besides, and gets back the part of it that softmax attention has too.

# %%
calculation(Partial(L, K[j, k]), given=causal, title="What a key gets").then(
    sum_over(Iverson(j <= i) * Q[i, k] * (sum_over(V[j, l] * dO[i, l], l) - D[i]) / Z[i], i),
    because="through the output and its normaliser",
).then(
    sum_over(V[j, l] * R[j, k, l], l) - sum_over(Iverson(j <= i) * Q[i, k] * D[i] / Z[i], i),
    because="the sum over positions first",
)

# %% [markdown]
# *In words:* the memory $R$ of the way back is the same machine with other letters, queries and
# output gradients in place of keys and values, and time reversed. Training needs one pass each way,
# and no memory of any position has to be kept: on the way back each can be had by subtracting what
# was added, or, with smaller rounding errors, by starting again from a few that were kept.
#
# ## What is lost
#
# Softmax can let each of a thousand queries single out a key of its own. Scalar products of $d$
# features cannot: the matrix of weights is, but for a factor for each row, a product of an
# $n \times d$ and a $d \times m$ matrix, so however long the text is, its rank is at most $d$.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
queries, keys = rng.normal(size=(2, 64, 8))  # 64 positions, 8 features
features = [np.maximum(x, 0) + np.exp(np.minimum(x, 0)) for x in (queries, keys)]
kinds = {"softmax": np.exp(queries @ keys.T), "linear": features[0] @ features[1].T}
for name, weights in kinds.items():
    weights /= weights.sum(1, keepdims=True)
    rank = np.linalg.matrix_rank(weights, tol=1e-10)
    print(f"{name}: rank {rank}, largest weight {weights.max(1).mean():.2f}")

# %% [markdown]
# The same seen from the memory: a matrix of $d$ rows can hold $d$ values so that each is read back
# exactly, if their keys are orthogonal and of length one. With more, they run into each other.
#
# Two remedies make the linear models of today. One is to forget: the memory is multiplied by a
# number $a$ below one before each token is added, so that what is long past makes room (RetNet, Sun
# et al., 2023; with a factor that depends on the token, gated linear attention, Yang et al., 2024,
# and Mamba 2, Dao and Gu, 2024). A token that is $i - j$ old counts by that power.

# %%
fade = scalar("a", domain="positive", note="share that is remembered")
calculation(
    sum_over(Iverson(j <= i) * fade ** (i - j) * K[j, k] * V[j, l], j),
    given=(K, V, fade),
    title="A memory that fades",
).then(
    fade * sum_over(Iverson(j < i) * fade ** (i - j - 1) * K[j, k] * V[j, l], j)
    + K[i, k] * V[i, l],
    because="one factor less for those before",
)

# %% [markdown]
# The other is to correct instead of to add: look up what the memory says for the new key, and store
# the difference to what it should have said. That is DeltaNet, the subject of the last exercise.
#
# ## Exercises
#
# **1.** Which feature map gives the weights $(q \cdot k)^2$? How large is the memory then?
#
# **2.** Which gives $1 + q \cdot k + (q \cdot k)^2 / 2$, the beginning of the exponential series?
# Is it always positive?
#
# **3.** All keys, after the feature map, are multiplied by the same positive number. What changes?
# And what in softmax attention?
#
# **4.** A memory $M$ should answer $v$ when it is asked with the key $k$. Take half the square of
# its error as a loss. What does one step of gradient descent do to the memory?
#
# ### Answers
#
# **1.** All products of two entries, $d^2$ of them, so that the memory is $d$ times as large. A
# third power would need $d^3$.

# %%
q, key = d.vector("q", note="query"), d.vector("k", note="key")
a, b = d.indices("i j")
product = sum_over(q[a] * key[a], a)
calculation(product**2, given=(q, key), title="A square as features").then(
    sum_over(sum_over((q[a] * q[b]) * (key[a] * key[b]), b), a), because="a product of two sums"
)

# %% [markdown]
# **2.** Those products over $\sqrt{2}$, the entries themselves, and a one. It is always positive,
# for it is half of a square and a half. The model Based (Arora et al., 2024) is built on it.

# %%
calculation(1 + product + product**2 / 2, given=(q, key), title="Second order").then(
    ((1 + product) ** 2 + 1) / 2, because="the square completed"
).at_least(Rational(1, 2), because="a square is not negative")

# %% [markdown]
# **3.** Nothing: the factor stands in the output's numerator and in its normaliser. In softmax
# attention it is an inverse temperature, by which a model can learn to be certain. Linear attention
# cannot sharpen its weights in this way.

# %%
k, l = d.index("k"), e.index("l")
s = scalar("s", domain="positive", note="factor of the keys")
Q = Tensor("Q", (n, d), domain="positive", note="queries")
K, V = Tensor("K", (m, d), domain="positive", note="keys"), matrix("V", m, e, note="values")


def output(scale):
    """Linear attention with keys that are scaled."""
    weights = sum_over(Q[i, k] * scale * K[c, k], k)
    return sum_over(weights * V[c, l], c) / sum_over(weights, c)


calculation(output(s), given=(Q, K, V, s), title="Scaled keys").then(
    output(1), because="$s$ cancels"
)

# %% [markdown]
# **4.** Write $r$ for the error, what the memory answers less what it should.

# %%
v = e.vector("v", note="the value to answer")
r = e.vector("r")
M, L, eta = matrix("M", d, e, note="memory"), scalar("L"), scalar("eta", note="learning rate")
error = Let(r[l], sum_over(key[a] * M[a, l], a) - v[l], "error of the answer")
loss = Let(L, sum_over(r[l] ** 2, l) / 2, "half its square", means="loss")
calculation(
    Partial(L, M[a, l]), given=(key, v, M, error, loss), title="The slope of the loss"
).then(key[a] * r[l], because="$k_i M_{il}$ stands in $r_l$ alone")

# %% [markdown]
# A step against the slope takes $\eta \, k_i r_l$ away. With $r$ put in, it adds the product of key
# and value, as linear attention does, but of the value less what the memory would have answered
# already. A key that is stored twice overwrites, where linear attention adds up. This is the delta
# rule of Widrow and Hoff (1960); DeltaNet (Schlag et al., 2021) uses it at every token, with an
# $\eta$ that the token chooses. With $\eta = 1$ and a key of length one the new memory answers
# without error:

# %%
calculation(
    sum_over(key[a] * (M[a, l] - eta * key[a] * r[l]), a) - v[l],
    given=(key, v, M, eta, error),
    title="The error after a step",
).then(
    (1 - eta * sum_over(key[a] ** 2, a)) * r[l],
    because="the error before, less what was corrected",
)

# %% [markdown]
# ### References
#
# B. Widrow and M. E. Hoff, *Adaptive switching circuits*, IRE WESCON Convention Record, 1960.
#
# A. Katharopoulos, A. Vyas, N. Pappas and F. Fleuret, *Transformers are RNNs: fast autoregressive
# transformers with linear attention*, ICML 2020, arXiv:2006.16236.
#
# I. Schlag, K. Irie and J. Schmidhuber, *Linear transformers are secretly fast weight programmers*,
# ICML 2021, arXiv:2102.11174.
#
# Y. Sun et al., *Retentive network: a successor to transformer for large language models*,
# arXiv:2307.08621, 2023.
#
# S. Yang, B. Wang, Y. Shen, R. Panda and Y. Kim, *Gated linear attention transformers with
# hardware-efficient training*, ICML 2024, arXiv:2312.06635.
#
# S. Arora et al., *Simple linear attention language models balance the recall-throughput
# tradeoff*, ICML 2024, arXiv:2402.18668.
#
# T. Dao and A. Gu, *Transformers are SSMs: generalized models and efficient algorithms through
# structured state space duality*, ICML 2024, arXiv:2405.21060.
