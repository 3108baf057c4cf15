# %% [markdown]
# # Fast attention
#
# Attention as it is written needs a matrix of scores with an entry for every pair of positions. A
# text of a hundred thousand tokens has ten thousand million pairs, in every head of every layer.
# In two bytes each these are twenty gigabytes a head, and to write them to memory and read them
# back takes longer than to compute them. But the matrix never has to exist. Softmax can be
# computed over a row that arrives in pieces, and its gradient from one number for each row. This
# chapter shows why. The result is FlashAttention (Dao et al., 2022), which is exact: the same
# function, in another order.

# %%
from sympy import Max, exp, log

from symllm import Dim, Let, calculation, ops, pictures, scalar, sum_over

# %% [markdown]
# Rabe and Staats (2021) saw how little memory is enough. On axes where powers are straight lines,
# for a head of width 64: the scores, and what has to be kept of a row without them, its output and
# one number.

# %%
length = scalar("n", domain="positive")
pictures.curves(
    {"a matrix of scores": length**2, "an output and one number a row": 65 * length},
    over=(length, 16, 131072),
    name="memory-of-attention",
    words="Numbers kept for the backward pass: those of the scores grow with the square of the "
    "length, outputs and one number a row grow with the length. They cross at 65 positions.",
    across="length",
    up="numbers kept",
    log="xy",
)

# %% [markdown]
# ## A softmax in two pieces
#
# Let a row of scores come in two pieces, $s$ and then $t$, with values $v$ and $w$ that belong to
# them; the values are numbers here, and for vectors everything holds entry by entry. Exponentials
# of large scores overflow, so each piece is shifted by its own maximum before they are summed
# (Milakov and Gimelshein, 2018). What is kept of a piece is the maximum $m$, the sum $z$ of the
# shifted exponentials, and the sum $o$ of the values weighted by them. The maxima are special for
# the overflow alone: the equations hold for any shifts, since a shift cancels.

# %%
a = Dim("a", "scores of the first piece")
b = Dim("b", "scores of the second piece")
e = Dim("e", "width of values")
(i, k), j, l = a.indices("i k"), b.index("j"), e.index("l")
s = a.vector("s", note="first piece of the scores")
t = b.vector("t", note="second piece of the scores")
v = a.vector("v", note="values of the first piece")
w = b.vector("w", note="values of the second piece")
m_1 = scalar("m_1", note="shift of the first piece")
m_2 = scalar("m_2", note="shift of the second piece")
m = scalar("m", note="shift")
z_1, z_2, o_1, o_2 = (scalar(name) for name in ("z_1", "z_2", "o_1", "o_2"))
pieces = (
    s, t, v, w, m_1, m_2,
    Let(z_1, sum_over(exp(s[i] - m_1), i), "sum of the first piece"),
    Let(z_2, sum_over(exp(t[j] - m_2), j), "sum of the second piece"),
    Let(o_1, sum_over(exp(s[i] - m_1) * v[i], i), "weighted values of the first piece"),
    Let(o_2, sum_over(exp(t[j] - m_2) * w[j], j), "weighted values of the second piece"),
    Let(m, Max(m_1, m_2), "the larger of the maxima"),
)  # fmt: skip

# %% [markdown]
# To join the pieces, both are brought to the larger of the two maxima. That costs one
# multiplication each, and no exponent is ever positive.

# %%
calculation(
    sum_over(exp(s[i] - m), i) + sum_over(exp(t[j] - m), j),
    given=pieces,
    title="The joined sum",
).then(
    sum_over(exp(m_1 - m) * exp(s[i] - m_1), i) + sum_over(exp(m_2 - m) * exp(t[j] - m_2), j),
    because="from $m$ to the maximum of each piece",
).then(exp(m_1 - m) * z_1 + exp(m_2 - m) * z_2, because="what does not depend on the index")

# %% [markdown]
# The weighted values are joined in the same way, and the quotient is the softmax-weighted mean of
# all values: no shift is left in it.

# %%
joined_o = exp(m_1 - m) * o_1 + exp(m_2 - m) * o_2
joined_z = exp(m_1 - m) * z_1 + exp(m_2 - m) * z_2
calculation(joined_o / joined_z, given=pieces, title="The joined output").then(
    (sum_over(exp(s[i]) * v[i], i) + sum_over(exp(t[j]) * w[j], j))
    / (sum_over(exp(s[i]), i) + sum_over(exp(t[j]), j)),
    because=r"$\exp(-m)$ cancels",
)

# %% [markdown]
# ## In any order
#
# Joining is an operation on triples $(m, z, o)$. Whether three pieces are joined from the left, as
# they arrive, or in a tree, as many processors would, the result is the same: the operation is
# associative. For the maxima that is clear. For the sums it is this.

# %%
x_1 = scalar("m_1", note="shift of the first piece")
x_2 = scalar("m_2", note="shift of the second piece")
x_3 = scalar("m_3", note="shift of the third piece")
y_1 = scalar("z_1", note="sum of the first piece")
y_2 = scalar("z_2", note="sum of the second piece")
y_3 = scalar("z_3", note="sum of the third piece")
left, right = scalar("mhat"), scalar("mtilde")
triple = (
    x_1, x_2, x_3, y_1, y_2, y_3,
    Let(left, Max(x_1, x_2), "the first two, joined", means="shift of the first two pieces"),
    Let(right, Max(x_2, x_3), "the last two, joined", means="shift of the last two pieces"),
    Let(m, Max(x_1, x_2, x_3), "all three"),
)  # fmt: skip
calculation(
    exp(left - m) * (exp(x_1 - left) * y_1 + exp(x_2 - left) * y_2) + exp(x_3 - m) * y_3,
    given=triple,
    title="Three pieces",
).then(
    exp(x_1 - m) * y_1 + exp(x_2 - m) * y_2 + exp(x_3 - m) * y_3,
    because="the shift between cancels",
).then(
    exp(x_1 - m) * y_1 + exp(right - m) * (exp(x_2 - right) * y_2 + exp(x_3 - right) * y_3),
    because="bracketed the other way",
)

# %% [markdown]
# *In words:* a row of any length can be read once, in blocks that fit into fast memory, in any
# grouping, and a triple of each row is all that is carried along. A single score $x$ with the value
# $y$ is the piece $(x, 1, y)$; an empty one would be $(-\infty, 0, 0)$, which changes nothing.
#
# As a program: scores too large for an exponential, in blocks of seven, once from the left and once
# as a tree.

# %% tags=["shown"]
from functools import reduce

import numpy as np

rng = np.random.default_rng(0)
scores, values = 1000 * rng.normal(size=28), rng.normal(size=28)


def piece(x, y):
    return x.max(), np.exp(x - x.max()).sum(), np.exp(x - x.max()) @ y


def join(one, two):
    top = max(one[0], two[0])
    shift = [np.exp(part[0] - top) for part in (one, two)]
    return top, *(shift[0] * one[n] + shift[1] * two[n] for n in (1, 2))


pieces = [piece(scores[k : k + 7], values[k : k + 7]) for k in range(0, 28, 7)]
whole = piece(scores, values)
chain = reduce(join, pieces)
tree = join(join(*pieces[:2]), join(*pieces[2:]))
print("output:", *(f"{o / z:.6f}" for _, z, o in (whole, chain, tree)))
with np.errstate(over="ignore"):
    print("largest exponential without a shift:", np.exp(scores).max())

# %% [markdown]
# ## What is kept of a row
#
# The backward pass will need the probabilities again. It would be a pity to have avoided the matrix
# only to store it now. But one number of each row, saved from the forward pass, is enough to
# compute any of its entries anew: the logarithm of the sum of its exponentials. Take the whole row
# as the first piece, and it is $m_1 + \log z_1$. A probability is the exponential of a score less
# that number.

# %%
ell = scalar("ell")
calculation(
    exp(s[i] - ell),
    given=(
        s, m_1,
        Let(z_1, sum_over(exp(s[k] - m_1), k), "sum of the row"),
        Let(ell, m_1 + log(z_1), "what is saved", means="logarithm of the sum"),
    ),
    title="A probability",
).then(exp(s[i] - m_1) / z_1, because="the exponential of a logarithm").then(
    exp(s[i]) / sum_over(exp(s[k]), k), because=r"$\exp(-m_1)$ cancels"
)  # fmt: skip

# %% [markdown]
# ## One number instead of a row
#
# Backwards, softmax asks for a mean: from the gradient that arrives at each probability, take the
# mean of all of them under the probabilities. Computed as written, that needs a whole row of
# gradients before the first entry of the scores' gradient is known. But the mean is a scalar
# product of two vectors that are there already, the output and its gradient. Here are $n$ queries
# and $T$ keys, for $m$ is a maximum.

# %%
n, k = Dim("n", "queries"), Dim("T", "keys")
r, c = n.index("i"), k.index("j")
P = k.vector("P", domain="distribution", note="attention weights").batched((n,))
V = e.vector("V", note="values").batched((k,))
dO = e.vector("dO").batched((n,))
O, dP, D = e.vector("O").batched((n,)), k.vector("dP").batched((n,)), n.vector("D")
rows = (
    P, V, dO,
    Let(O[r, l], sum_over(P[r, c] * V[c, l], c), "output"),
    Let(dP[r, c], sum_over(dO[r, l] * V[c, l], l), "what arrives at the probabilities"),
)  # fmt: skip
calculation(sum_over(P[r, c] * dP[r, c], c), given=rows, title="The mean of a row").then(
    sum_over(sum_over(P[r, c] * dO[r, l] * V[c, l], l), c), because="put in what arrives"
).then(sum_over(dO[r, l] * sum_over(P[r, c] * V[c, l], c), l), because="the other sum first").then(
    sum_over(dO[r, l] * O[r, l], l), because="the inner sum is $O$"
)

# %% [markdown]
# *In words:* one number for each row, the scalar product of the output with its gradient, is all
# that an entry has to know of the rest of its row. It is computed before the loop over blocks
# starts.
#
# With that, an entry of the scores' gradient depends on its own row and column alone. It can be
# computed in blocks, of scores that are computed again. Blocks of keys and values gather from all
# rows, rows from all blocks, and nothing larger than a block is ever there. The sums are those of
# the chapter *Attention and its gradient*, in pieces:

# %% tags=["shown"]
import numpy as np

from symllm import ops

rng = np.random.default_rng(0)
Q, K, V, dO = rng.normal(size=(4, 12, 8))
O = ops.attention.lambdify()(Q=Q, K=K, V=V)
saved = np.log(np.exp(Q @ K.T / np.sqrt(8)).sum(1, keepdims=True))
D = (dO * O).sum(1, keepdims=True)
dQ, dK, dV = np.zeros((3, 12, 8))
blocks = [slice(k, k + 4) for k in range(0, 12, 4)]
for cols in blocks:
    for rows in blocks:
        P = np.exp(Q[rows] @ K[cols].T / np.sqrt(8) - saved[rows])
        dS = P * (dO[rows] @ V[cols].T - D[rows]) / np.sqrt(8)
        dV[cols] += P.T @ dO[rows]
        dK[cols] += dS.T @ Q[rows]
        dQ[rows] += dS @ K[cols]
whole = ops.attention.gradient().lambdify()(Q=Q, K=K, V=V, dO=dO)
for name, found in {"dQ": dQ, "dK": dK, "dV": dV}.items():
    print(f"{name}: furthest apart by {np.abs(whole[name] - found).max():.6f}")

# %% [markdown]
# ## Why it is faster
#
# It computes more than before, for the scores are computed twice. It is faster because it moves
# less. A processor has a small memory beside its arithmetic, of $C$ numbers, and a large one that
# is slow. Let blocks of $B$ rows, $d$ numbers wide, of queries, keys, values and outputs fill the
# small memory: $4Bd = C$. For each of the $n / B$ blocks of queries all keys and values are read
# once, $2nd$ numbers.

# %%
length = scalar("n", domain="positive", note="queries")
width = scalar("d", domain="positive", note="width of a head")
C = scalar("C", domain="positive", note="numbers that the fast memory holds")
B = scalar("B", domain="positive")
calculation(
    (length / B) * (2 * length * width),
    given=(length, width, C, Let(B, C / (4 * width), "rows of a block")),
    title="Numbers read",
).then(8 * length**2 * width**2 / C, because="put in the rows of a block")

# %% [markdown]
# *In words:* still a square of the length, but with $8 d^2 / C$ before it. With $d = 64$ and room
# for a hundred thousand numbers that is a third. A program that keeps the scores in the slow memory
# writes $n^2$ numbers and reads them again, several times over: for the maximum, for the sum, for
# the product with the values. Dao et al. (2022) prove that up to a constant factor no exact
# algorithm does better at all sizes of the small memory between $d$ and $nd$.

# %% [markdown]
# ## Exercises
#
# **1.** Scores arrive one by one. What becomes of $m$, $z$ and $o$ when the score $x$ comes, with
# its value $y$?
#
# **2.** Show that adding one number to all scores of a row leaves the joined output as it was.
#
# **3.** A text is read by two processors, each with half of the keys. Each computes its own output
# and its own log-sum-exp, $\ell_1$ and $\ell_2$. How are the outputs $O_1$ and $O_2$ joined,
# without $m$ and $z$?
#
# **4.** The backward pass computes all scores once more. By how much does the arithmetic of
# attention grow, forwards and backwards together, if queries, keys and values are as wide as each
# other?
#
# **5.** Scores are capped before the softmax, as in the chapter *Attention variants*. Does the same
# $D$ serve the backward pass?
#
# ### Answers
#
# **1.** The score is a piece of its own, with the sum 1 and the weighted value $y$. With the new
# maximum $M$, the old sums are scaled once:

# %%
one, value, M = (
    scalar("x", note="a new score"),
    scalar("y", note="value of the new score"),
    scalar("M"),
)
z, o = scalar("z", note="sum of the exponentials"), scalar("o", note="weighted sum of the values")
calculation(
    (exp(m - M) * o + exp(one - M) * value) / (exp(m - M) * z + exp(one - M)),
    given=(m, z, o, one, value, Let(M, Max(m, one), "the new maximum")),
    assuming=(z > 0,),
    title="One more score",
).then((exp(m) * o + exp(one) * value) / (exp(m) * z + exp(one)), because=r"$\exp(-M)$ cancels")

# %% [markdown]
# **2.** Both sums get the same factor, $\exp(c)$:

# %%
shift = scalar("c", note="another shift")
calculation(
    sum_over(exp(s[i] + shift) * v[i], i) / sum_over(exp(s[i] + shift), i), given=(s, v, shift)
).then(sum_over(exp(s[i]) * v[i], i) / sum_over(exp(s[i]), i), because="it cancels")

# %% [markdown]
# **3.** As a mean of both, with weights that a sigmoid gives: the one of $\ell_1 - \ell_2$ and what
# is left. So attention can be split over machines that hold parts of a very long text.

# %%
ell_1, ell_2 = scalar("ell_1"), scalar("ell_2")
first, second = scalar("O_1"), scalar("O_2")
halves = (
    s, t, v, w,
    Let(ell_1, log(sum_over(exp(s[i]), i)), "log-sum-exp of the first half"),
    Let(ell_2, log(sum_over(exp(t[j]), j)), "log-sum-exp of the second half"),
    Let(first, sum_over(exp(s[i] - ell_1) * v[i], i), "output of the first half"),
    Let(second, sum_over(exp(t[j] - ell_2) * w[j], j), "output of the second half"),
)  # fmt: skip
share = 1 / (1 + exp(ell_2 - ell_1))
calculation(share * first + (1 - share) * second, given=halves, title="Two machines").then(
    (exp(ell_1) * first + exp(ell_2) * second) / (exp(ell_1) + exp(ell_2)),
    because=r"the fraction times $\exp(\ell_1)$",
).then(
    (sum_over(exp(s[i]) * v[i], i) + sum_over(exp(t[j]) * w[j], j))
    / (sum_over(exp(s[i]), i) + sum_over(exp(t[j]), j)),
    because="exponentials of logarithms",
)

# %% [markdown]
# **4.** By a sixth. Scores and output are a matrix product each, and each of the two has two
# gradients: six products, and to compute the scores again is a seventh. It buys a matrix that need
# not be kept. With $n$ queries and, in this answer, $m$ keys a product takes $nmd$ multiplications
# and as many additions, or $nme$; the six, counted by the engine:

# %% tags=["shown"]
from symllm import leading, ops

counts = ops.attention.counts()
print("forward: ", leading(counts.forward_flops))
print("backward:", leading(counts.backward_flops))

# %% [markdown]
# **5.** Yes. $D$ is what softmax subtracts, and comes from the weights and the values, whatever the
# scores are made of. What is new comes after it: the gradient $\mathrm{d}y$ of a capped score is
# multiplied by the slope of the cap, where $\tilde{x}$ is the capped score over its bound.

# %%
ops.softcap.gradient("x").result

# %% [markdown]
# ### References
#
# M. Milakov and N. Gimelshein, *Online normalizer calculation for softmax*, arXiv:1805.02867, 2018.
#
# M. N. Rabe and C. Staats, *Self-attention does not need $O(n^2)$ memory*, arXiv:2112.05682, 2021.
#
# T. Dao, D. Y. Fu, S. Ermon, A. Rudra and C. Ré, *FlashAttention: fast and memory-efficient exact
# attention with IO-awareness*, NeurIPS 2022, arXiv:2205.14135.
