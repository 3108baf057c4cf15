# %% [markdown]
# # Attention and its gradient
#
# Training asks of attention what it asks of every layer: if the output should change, how should
# queries, keys and values? Attention is two matrix products with a softmax between them, so nothing
# new is needed to answer. But the answer is worth having in its best form. It is six short lines,
# and on one of them, a sum over each row of the output times its gradient, FlashAttention is built
# (Dao et al., 2022).

# %%
from sympy import sqrt

from symllm import Dim, Let, calculation, delta, matrix, ops, pictures, sum_over

# %% [markdown]
# ## Scaled dot-product attention
#
# A query $Q_i$ is compared with every key $K_j$; the scores become weights by a softmax along
# each row; the output is the average of the values $V_j$ under those weights. Why it is built so is
# told in the chapter *Why attention looks as it does*.

# %%
ops.attention

# %% [markdown]
# ### Back through three equations
#
# From the output the gradient goes to the weights and the values, through the softmax to the
# scores, and from the scores to the queries and the keys. The softmax is cited, not derived again.

# %%
ops.attention.gradient()

# %% [markdown]
# *In words:* values are averaged on the way forward, so on the way back each value gathers the
# output gradients of the queries that looked at it. The gradient of a weight says how fast the
# loss would grow if that value counted for more; softmax centres it within each row; and what
# remains flows to queries and keys through the scores, as through any product.
#
# The centre of a row, the mean of its gradients under its weights, is the scalar $D_i$. It can be
# had from the output and its gradient alone, without the row itself. The chapter *Fast attention*
# lives on that.

# %% [markdown]
# The picture has the forward pass on its left, downwards, and the gradients opposite. What has to
# be kept for the way back can be read from the dotted lines: queries, keys, values and weights. (It
# centres a row by the weights and their gradients, as the third step does. Whoever takes $D_i$ from
# the output keeps the output as well.)

# %%
pictures.graph(ops.attention.gradient())

# %% [markdown]
# What a row of $\mathrm{d}S$ sums to is worth a line of its own. Take weights that sum to one in
# each row, and any gradients of theirs.

# %%
n = Dim("n", "queries")
m = Dim("m", "keys")
d = Dim("d", "width of keys")
e = Dim("e", "width of values")
(i,), (j,), (k,), (l,) = n.indices("i"), m.indices("j"), d.indices("k"), e.indices("l")
P = m.vector("P", domain="distribution", note="attention weights").batched((n,))
Q = matrix("Q", n, d, note="queries")
V = matrix("V", m, e, note="values")
O, dO = matrix("O", n, e), matrix("dO", n, e)
dP, dS, D, dK = matrix("dP", n, m), matrix("dS", n, m), n.vector("D"), matrix("dK", m, d)
softmax_back = (
    P, dP,
    Let(D[i], sum_over(P[i, j] * dP[i, j], j), "mean of a row"),
    Let(dS[i, j], P[i, j] * (dP[i, j] - D[i]), "gradient of the scores"),
)  # fmt: skip
calculation(sum_over(dS[i, j], j), given=softmax_back, title="A row of gradients").then(
    sum_over(P[i, j] * dP[i, j], j) - D[i] * sum_over(P[i, j], j), because="put in"
).then(0, because="both are $D_i$")

# %% [markdown]
# *In words:* scores compete. What pulls one of them up pushes others of its row down by as much,
# because to add one number to a whole row changes nothing.
#
# Should one believe a gradient that was derived? Move queries, keys and values a little in some
# direction, and compare how the loss changes with what the gradient says. The loss is here the
# output times a fixed upstream gradient, summed.

# %% tags=["shown"]
import numpy as np

from symllm import ops

rng = np.random.default_rng(0)
shapes = {"Q": (5, 4), "K": (7, 4), "V": (7, 3)}
at = {name: rng.normal(size=shape) for name, shape in shapes.items()}
along = {name: rng.normal(size=shape) for name, shape in shapes.items()}
upstream = rng.normal(size=(5, 3))
gradient = ops.attention.gradient().lambdify()(**at, dO=upstream)
predicted = sum((gradient[f"d{name}"] * along[name]).sum() for name in shapes)
attend, by = ops.attention.lambdify(), 1e-5
moved = [attend(**{x: at[x] + s * along[x] for x in shapes}) for s in (by, -by)]
measured = (upstream * (moved[0] - moved[1])).sum() / (2 * by)
print(f"predicted {predicted:.6f}, measured {measured:.6f}")

# %% [markdown]
# ## Exercises
#
# **1.** All values are the same. What do queries and keys learn?
#
# **2.** The layer that makes the keys has a bias, one vector $b$ that is added to all of them. What
# is its gradient?
#
# **3.** A query $i$ gives all of its weight to the one key $a_i$. What is the gradient of its
# scores?
#
# **4.** Find the mistake: $\mathrm{d}K = \mathrm{d}S \, Q / \sqrt{d}$.
#
# ### Answers
#
# **1.** Nothing. Wherever they look, they see the same.

# %%
v = e.vector("v", note="the one value")
same_values = (P, v, dO, Let(O[i, l], sum_over(P[i, j] * v[l], j), "output"))
calculation(
    P[i, j] * (sum_over(dO[i, l] * v[l], l) - sum_over(dO[i, l] * O[i, l], l)),
    given=same_values,
    title="The scores' gradient",
).then(0, because="the output is $v$, for the weights sum to one")

# %% [markdown]
# **2.** It is zero, always. The bias of the keys gets what all keys get together, and that is a sum
# over rows of $\mathrm{d}S$. Every score of a row would change by the same $Q_i \cdot b$, which
# softmax does not see. A bias of the keys can be left out without loss, unless something stands
# between it and the query: a rotation by the key's position, say, which makes what it adds depend
# on $j$.

# %%
keys_back = (
    Q, *softmax_back,
    Let(dK[j, k], sum_over(dS[i, j] * Q[i, k], i) / sqrt(d), "gradient of the keys"),
)  # fmt: skip
calculation(sum_over(dK[j, k], j), given=keys_back, title="The bias of the keys").then(
    sum_over(Q[i, k] * sum_over(dS[i, j], j), i) / sqrt(d), because="the sum over the keys first"
).then(0, because="a row of gradients sums to zero")

# %% [markdown]
# **3.** Zero, however wrong the choice may be: the one gradient that counts is its own mean, and
# nothing is left of it. So a head that is certain stays certain. This is the saturation that
# dividing by $\sqrt{d}$ keeps away at the start of training.

# %%
chosen, other = n.vector("a", domain=m, note="the key that is chosen"), m.index("r")
calculation(
    delta(j, chosen[i]) * (dP[i, j] - sum_over(delta(other, chosen[i]) * dP[i, other], other)),
    given=(chosen, dP),
    title="One key alone",
).then(0, because="one term of the sum is left, and where the bracket is one it is that of $j$")

# %% [markdown]
# **4.** $\mathrm{d}S$ has a row for each query and a column for each key, so it has to be
# transposed: the keys' gradient has a row for each key. With as many queries as keys the shapes
# would fit, and the mistake would be silent. The engine, asked about the formula:

# %% tags=["shown"]
from symllm import check_latex, ops

for right_side in (r"dS Q / \sqrt{d}", r"dS^\top Q / \sqrt{d}", r"dS^\top Q"):
    verdict = check_latex(f"dK = {right_side}", ops.attention)
    print(f"{verdict.kind}: {verdict.explanation}")

# %% [markdown]
# ### References
#
# A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser and I.
# Polosukhin, *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# T. Dao, D. Y. Fu, S. Ermon, A. Rudra and C. Ré, *FlashAttention: fast and memory-efficient
# exact attention with IO-awareness*, NeurIPS 2022, arXiv:2205.14135.
