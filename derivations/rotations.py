# %% [markdown]
# # Why rotations tell positions
#
# Rotary embedding turns every query and every key by an angle in proportion to its position. The
# reason fits into one line: what a scalar product sees of two rotations is their difference. That
# line is often printed with a sign wrong, so it is worth doing slowly.

# %%
from sympy import ImmutableMatrix, MatMul, Transpose, cos, sin

from symllm import Dim, E, Let, calculation, random, scalar, sum_over

# %% [markdown]
# ## One pair
#
# Take two entries of a query as a point in a plane. At position $m$ it is turned by the angle
# $m \theta$, by the matrix $R_m$; a key at position $n$ by $R_n$. In a score, the matrix of the
# query stands transposed, for it is the query that becomes a row.

# %%
m, n, theta, alpha, beta = (scalar(name) for name in ("m", "n", "theta", "alpha", "beta"))
angles = (
    m, n, theta,
    Let(alpha, m * theta, "angle of the query"),
    Let(beta, n * theta, "angle of the key"),
)  # fmt: skip


def turn(angle):
    return ImmutableMatrix([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])


product = MatMul(Transpose(turn(alpha)), turn(beta), evaluate=False)
along = cos(alpha) * cos(beta) + sin(alpha) * sin(beta)
across = cos(alpha) * sin(beta) - sin(alpha) * cos(beta)
calculation(product, given=angles, title="Two rotations").then(
    ImmutableMatrix([[along, -across], [across, along]]), because="row by column"
).then(turn((n - m) * theta), because="the addition theorems")

# %% [markdown]
# *In words:* $R_m^\top R_n = R_{n - m}$. A transposed rotation turns back, so the product turns
# forwards to $n$ and back from $m$. With $R_{m - n}$ in its place, as some notes have it, this
# chapter would not build. To tell the two apart, put in $m = 0$: $R_0$ is the identity, and what
# is left is $R_n$.
#
# ## All pairs
#
# A head of width $2p$ has $p$ pairs, each with a frequency of its own. Let the first entries of the
# pairs of a query be $a_k$ and the second $b_k$, those of a key $c_k$ and $d_k$. Turned, they are
# as below, and the score of query and key is a sum over all pairs.

# %%
p = Dim("p")
k = p.index("k")
a, b, c, d = (p.vector(name) for name in "abcd")
w = p.vector("theta")
a_m, b_m, c_n, d_n = (p.vector(name) for name in ("a_m", "b_m", "c_n", "d_n"))
turned = (
    a, b, c, d, w, m, n,
    Let(a_m[k], a[k] * cos(m * w[k]) - b[k] * sin(m * w[k]), "the query, turned"),
    Let(b_m[k], a[k] * sin(m * w[k]) + b[k] * cos(m * w[k])),
    Let(c_n[k], c[k] * cos(n * w[k]) - d[k] * sin(n * w[k]), "the key, turned"),
    Let(d_n[k], c[k] * sin(n * w[k]) + d[k] * cos(n * w[k])),
)  # fmt: skip
score = sum_over(a_m[k] * c_n[k] + b_m[k] * d_n[k], k)
calculation(score, given=turned, title="A score").then(
    sum_over(
        (a[k] * c[k] + b[k] * d[k]) * cos((n - m) * w[k])
        + (b[k] * c[k] - a[k] * d[k]) * sin((n - m) * w[k]),
        k,
    ),
    because="put in and add the angles",
)

# %% [markdown]
# *In words:* positions enter as $n - m$ alone. Shift a whole text by a hundred places, and no score
# changes; that is what a table of positions added to the embeddings cannot promise. And nothing
# is stretched: the length of a query is what it was.

# %%
calculation(sum_over(a_m[k] ** 2 + b_m[k] ** 2, k), given=turned, title="Its length").then(
    sum_over((a[k] ** 2 + b[k] ** 2) * (cos(m * w[k]) ** 2 + sin(m * w[k]) ** 2), k),
    because="the mixed terms cancel",
).then(sum_over(a[k] ** 2 + b[k] ** 2, k), because=r"$\cos^2 + \sin^2 = 1$")

# %% [markdown]
# ## Sines and cosines that are added
#
# The first transformer added a table of sines and cosines to its embeddings. A scalar product of
# two rows of that table is a function of the distance, too. But it stands beside three other
# terms: of the two words, and of each word with the other's position.

# %%
calculation(
    sum_over(sin(m * w[k]) * sin(n * w[k]) + cos(m * w[k]) * cos(n * w[k]), k),
    given=(w, m, n),
    title="Two rows of the table",
).then(sum_over(cos((n - m) * w[k]), k), because="the addition theorem")

# %% [markdown]
# ## How scores fade with distance
#
# If the entries of queries and keys are independent, with mean zero, a score is zero on average at
# any distance, and its variance does not depend on the distance either: rotation neither favours
# near keys nor far ones before anything is learnt. What fades with distance is the score of a
# query with a key that is *equal* to it: the cosines of all frequencies agree at distance zero and
# disagree far away.

# %%
unit = tuple(random(vector[k]) for vector in (a, b))
calculation(
    E(sum_over((a[k] * a[k] + b[k] * b[k]) * cos((n - m) * w[k]), k)),
    given=(a, b, w, m, n),
    assuming=unit,
    title="An equal key",
).then(sum_over((E(a[k] ** 2) + E(b[k] ** 2)) * cos((n - m) * w[k]), k), because="linear").then(
    2 * sum_over(cos((n - m) * w[k]), k), because="variances are one"
)

# %% [markdown]
# ## Exercises
#
# **1.** Rotate by $m$ and then by $n$. What is the result, and does the order matter?
#
# **2.** ALiBi subtracts from each score a slope times the distance. Is the score of query $m$ with
# key $n$ a function of $n - m$? Does adding one number to all positions change its softmax?
#
# **3.** Show that the gradient passes through a rotation unstretched.
#
# ### Answers
#
# **1.** A rotation by $m + n$, in either order: in a plane, rotations commute.

# %%
calculation(MatMul(turn(alpha), turn(beta), evaluate=False), given=angles).then(
    MatMul(turn(beta), turn(alpha), evaluate=False), because="in the plane"
).then(turn((m + n) * theta), because="the angles add")

# %% [markdown]
# **2.** It is, and it does not: both positions move, and the distance stays.

# %%
x, s, shift, m_new, n_new = (scalar(name) for name in ("x", "s", "c", "mhat", "nhat"))
moved = (
    x, s, shift, m, n,
    Let(m_new, m + shift, "position of the query, shifted"),
    Let(n_new, n + shift, "of the key"),
)  # fmt: skip
calculation(x - s * (m_new - n_new), given=moved).then(x - s * (m - n), because="the shift cancels")

# %% [markdown]
# **3.** The gradient is turned by the transposed matrix, and $R_m R_m^\top$ is the identity.

# %%
calculation(MatMul(turn(alpha), Transpose(turn(alpha)), evaluate=False), given=angles).then(
    ImmutableMatrix([[1, 0], [0, 1]]), because=r"$\cos^2 + \sin^2 = 1$"
)

# %% [markdown]
# ### References
#
# J. Su, Y. Lu, S. Pan, A. Murtadha, B. Wen and Y. Liu, *RoFormer: enhanced transformer with rotary
# position embedding*, arXiv:2104.09864, 2021.
#
# A. Vaswani et al., *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# O. Press, N. A. Smith and M. Lewis, *Train short, test long: attention with linear biases enables
# input length extrapolation*, ICLR 2022, arXiv:2108.12409.
