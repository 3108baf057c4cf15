# %% [markdown]
# # Fast attention
#
# Attention as it is written needs a matrix of scores with an entry for every pair of positions.
# It never has to exist. Softmax can be computed over a row that arrives in pieces, and its
# gradient from one number for each row. This chapter shows why: what makes FlashAttention exact,
# and not an approximation.

# %%
from sympy import Max, exp, log

from symllm import Dim, Let, calculation, ops, scalar, sum_over

# %% [markdown]
# ## A softmax in two pieces
#
# Let a row of scores come in two pieces, $s$ and then $t$, with values $v$ and $w$ that belong to
# them. Exponentials of large scores overflow, so each piece is shifted by its own maximum before
# they are summed. What is kept of a piece is three numbers: the maximum $m$, the sum $z$ of the
# shifted exponentials, and the sum $o$ of the values weighted by them. The maxima are not special:
# what follows holds for whatever numbers are subtracted, as long as they are subtracted again.

# %%
a, b, e = Dim("a"), Dim("b"), Dim("e")
i, j, l = a.index("i"), b.index("j"), e.index("l")
s, t = a.vector("s"), b.vector("t")
v, w = a.vector("v"), b.vector("w")
m_1, m_2, m = scalar("m_1"), scalar("m_2"), scalar("m")
z_1, z_2, o_1, o_2 = (scalar(name) for name in ("z_1", "z_2", "o_1", "o_2"))
pieces = (
    s, t, v, w, m_1, m_2,
    Let(z_1, sum_over(exp(s[i] - m_1), i), "sum of the first piece"),
    Let(z_2, sum_over(exp(t[j] - m_2), j), "sum of the second"),
    Let(o_1, sum_over(exp(s[i] - m_1) * v[i], i), "weighted values of the first piece"),
    Let(o_2, sum_over(exp(t[j] - m_2) * w[j], j), "weighted values of the second"),
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
    because="$e^{-m}$ cancels",
)

# %% [markdown]
# ## In any order
#
# Joining is an operation on triples $(m, z, o)$. Whether three pieces are joined from the left, as
# they arrive, or in a tree, as many processors would, the result is the same: the operation is
# associative. For the maxima that is clear. For the sums it is this.

# %%
x_1, x_2, x_3 = (scalar(name) for name in ("m_1", "m_2", "m_3"))
y_1, y_2, y_3 = (scalar(name) for name in ("z_1", "z_2", "z_3"))
left, right = scalar("m_a"), scalar("m_b")
triple = (
    x_1, x_2, x_3, y_1, y_2, y_3,
    Let(left, Max(x_1, x_2), "the first two, joined"),
    Let(right, Max(x_2, x_3), "the last two, joined"),
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
# grouping, and three numbers of each row are all that is carried along. A single score is the
# piece $(s, 1, v)$; an empty one would be $(-\infty, 0, 0)$, which changes nothing.
#
# ## The backward pass
#
# Backwards, softmax asks for a mean: from the gradient that arrives at each probability, take the
# mean of all of them under the probabilities. Computed as written, that needs a whole row of
# gradients before the first entry of the scores' gradient is known. FlashAttention needs the row
# only once, for the mean is a scalar product of two vectors that are there already: the output
# and its gradient. Here are $n$ queries and $T$ keys.

# %%
n, k = Dim("n"), Dim("T")
r, c = n.index("i"), k.index("j")
P, V, dO = (
    k.vector("P", domain="distribution").batched((n,)),
    e.vector("V").batched((k,)),
    e.vector("dO").batched((n,)),
)
O, dP, D = e.vector("O").batched((n,)), k.vector("dP").batched((n,)), n.vector("D")
rows = (
    P, V, dO,
    Let(O[r, l], sum_over(P[r, c] * V[c, l], c), "the output"),
    Let(dP[r, c], sum_over(dO[r, l] * V[c, l], l), "what arrives at the probabilities"),
)  # fmt: skip
calculation(sum_over(P[r, c] * dP[r, c], c), given=rows, title="The mean of a row").then(
    sum_over(sum_over(P[r, c] * dO[r, l] * V[c, l], l), c), because="put in what arrives"
).then(sum_over(dO[r, l] * sum_over(P[r, c] * V[c, l], c), l), because="the other sum first").then(
    sum_over(dO[r, l] * O[r, l], l), because="the inner sum is $O$"
)

# %% [markdown]
# *In words:* one number for each row, the scalar product of the output with its gradient, is all
# that the backward pass needs of the probabilities that it will not keep. It is computed
# before the loop over blocks starts. Asked for the gradient of attention, the engine arrives at
# the same sum, without being told to look for it.
#
# With that, an entry of the scores' gradient depends on its own row and column alone, and can be
# computed block by block from scores that are computed again.

# %%
ops.attention.gradient("Q").where["D"]

# %% [markdown]
# ## Exercises
#
# **1.** Scores arrive one by one. What becomes of $m$, $z$ and $o$ when the score $s$ comes, with
# its value $v$?
#
# **2.** Besides the output, a kernel saves one number of each row for its backward pass, from which
# every probability can be computed again. Which?
#
# **3.** Show that adding one number to all scores of a row leaves the joined output as it was.
#
# ### Answers
#
# **1.** The score is a piece of its own, with the sum 1 and the weighted value $v$. With the new
# maximum $M$, the old sums are scaled once:

# %%
one, value, M = scalar("s"), scalar("v"), scalar("M")
z, o = scalar("z"), scalar("o")
calculation(
    (exp(m - M) * o + exp(one - M) * value) / (exp(m - M) * z + exp(one - M)),
    given=(m, z, o, one, value, Let(M, Max(m, one), "the new maximum")),
    assuming=(z > 0,),
    title="One more score",
).then((exp(m) * o + exp(one) * value) / (exp(m) * z + exp(one)), because="$e^{-M}$ cancels")

# %% [markdown]
# **2.** The logarithm of the sum of the exponentials, $m + \log z$: a probability is the
# exponential of a score less that number.

# %%
calculation(
    exp(s[i] - (m_1 + log(z_1))),
    given=(s, m_1, Let(z_1, sum_over(exp(s[i] - m_1), i), "sum of the row")),
    title="A probability",
).then(exp(s[i] - m_1) / z_1, because="the exponential of a logarithm").then(
    exp(s[i]) / sum_over(exp(s[i]), i), because="$e^{-m}$ cancels"
)

# %% [markdown]
# **3.** Both sums get the same factor:

# %%
shift = scalar("c")
calculation(
    sum_over(exp(s[i] + shift) * v[i], i) / sum_over(exp(s[i] + shift), i), given=(s, v, shift)
).then(
    exp(shift) * sum_over(exp(s[i]) * v[i], i) / (exp(shift) * sum_over(exp(s[i]), i)),
    because="the factor $e^c$",
).then(sum_over(exp(s[i]) * v[i], i) / sum_over(exp(s[i]), i), because="cancels")

# %% [markdown]
# ### References
#
# M. Milakov and N. Gimelshein, *Online normalizer calculation for softmax*, arXiv:1805.02867, 2018.
#
# M. N. Rabe and C. Staats, *Self-attention does not need $O(n^2)$ memory*, arXiv:2112.05682, 2021.
#
# T. Dao, D. Y. Fu, S. Ermon, A. Rudra and C. Ré, *FlashAttention: fast and memory-efficient exact
# attention with IO-awareness*, NeurIPS 2022, arXiv:2205.14135.
