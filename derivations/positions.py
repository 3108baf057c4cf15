# %% [markdown]
# # Positions
#
# Attention without a mask looks at a set: shuffle the rows of its keys and values together, and the
# output is the same. A causal mask lets each word see what came before, but says nothing of how far
# before. Where a word stands has to be told by other means. There are three: something can be
# *added* to the embeddings, queries and keys can be *turned*, or scores can be *lowered* with
# distance. Two questions tell them apart. Does a score depend on where two words stand, or only on
# how far apart they are? And what does a model see at distances that it was never trained on?

# %%
import numpy as np
from sympy import ImmutableMatrix, MatMul, Transpose, cos, exp, log, pi, sin

from symllm import Dim, E, Equals, Let, calculation, ops, pictures, random, scalar, sum_over

# %% [markdown]
# ## Sines and cosines that are added
#
# The first transformer added to every embedding a table of sines and cosines of its position, with
# frequencies that fall from pair to pair, as the hands of a clock turn at different speeds. An
# embedding of width $2m$ is written here as its two halves: $a$ has the even columns, which get
# the sines, and $b$ the odd ones, which get the cosines. Columns and pairs are counted from zero.

# %%
ops.sinusoidal_positions

# %% [markdown]
# How far must one go until pair $k$ comes back to where it was? That is its wavelength.

# %%
m = Dim("m", "pairs")
k = m.index("k")
pair = k.symbol / m.symbol
t = scalar("t", note="distance")
base = scalar("base", domain="positive", note="base of the wavelengths")
calculation(
    sin((t + 2 * pi * base**pair) * base ** (-pair)),
    given=(t, base),
    over=(k,),
    title="A wavelength further",
).then(sin(t * base ** (-pair)), because="one whole turn")

# %% [markdown]
# *In words:* wavelengths form a geometric series, from $2 \pi$ up to nearly $2 \pi$ times the base,
# which is $10000$ as a rule. The fast pairs tell neighbours apart and repeat themselves soon, the
# slow ones tell the beginning from the end; together they are a number written in digits that
# change smoothly.

# %%
places, pairs = np.arange(24)[:, None], np.arange(8)
angles = places * 10000.0 ** (-pairs / 8)
pictures.matrix(
    np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(24, 16),
    name="sinusoids",
    words="The table for 24 positions, one a row, and 8 pairs of columns, a sine and a cosine "
    "each; red is above zero, blue below. The first pair turns once in six rows, the last hardly "
    "moves.",
)

# %% [markdown]
# Why a sine *and* a cosine? Because from both of a position one gets both of the position $t$
# further on, by a map that does not depend on where one starts. Let $\omega$ be a frequency.

# %%
i = scalar("i", note="position of the query")
j = scalar("j", note="position of the key")
omega = scalar("omega")
here = (i, t, omega)
calculation(sin((i + t) * omega), given=here, title="A sine further on").then(
    cos(t * omega) * sin(i * omega) + sin(t * omega) * cos(i * omega),
    because="the addition theorem",
)

# %%
calculation(cos((i + t) * omega), given=here, title="A cosine further on").then(
    cos(t * omega) * cos(i * omega) - sin(t * omega) * sin(i * omega),
    because="the addition theorem",
)

# %% [markdown]
# *In words:* a step of $t$ is a rotation, by the angle $t \omega$, and a matrix of weights can
# learn it once for all positions. Nor does the scalar product of two rows of the table, $i$ and
# $j$, depend on where one starts:

# %%
w = m.vector("omega", note="frequencies")
calculation(
    sum_over(sin(i * w[k]) * sin(j * w[k]) + cos(i * w[k]) * cos(j * w[k]), k),
    given=(w, i, j),
    title="Two rows of the table",
).then(sum_over(cos((j - i) * w[k]), k), because="the addition theorem")

# %% [markdown]
# A good design, then; but the rows are *added*. Let $x$ and $w$ be the embeddings of two words and
# $f$ and $g$ the rows for their places. What attention multiplies are sums.

# %%
x = m.vector("x", note="input")
f = m.vector("f", note="row for its place")
word = m.vector("w", note="another input")
g = m.vector("g", note="row for the other place")
calculation(
    sum_over((x[k] + f[k]) * (word[k] + g[k]), k), given=(x, f, word, g), title="Sums in a score"
).then(
    sum_over(x[k] * word[k] + f[k] * g[k] + (x[k] * g[k] + f[k] * word[k]), k),
    because="multiplied out",
)

# %% [markdown]
# *In words:* word by word, place by place, and each word with the other's place. Of these, place by
# place is a function of the distance, and once the matrices of queries and keys stand between, not
# even that. The mixed terms change whenever the whole text is moved, and a model has to learn to
# ignore them.
#
# ### A position that varies
#
# What is added passes its gradient on unchanged, and positions in a text are integers that need
# none. But a position may be anything that varies: a diffusion model feeds the time of its noise
# through the same table. So we ask for that gradient as well.

# %%
ops.sinusoidal_positions.gradient()

# %% [markdown]
# *In words:* the embeddings get the gradients of the sums as they are. A position turns the
# angles of all pairs, each at its own frequency; an angle moves the sine by the cosine, and the
# cosine by minus the sine.

# %% [markdown]
# ## Turning instead of adding
#
# If steps are rotations, why not rotate the words themselves? Take two entries of a query as a
# point in a plane. At position $i$ it is turned by the angle $i \omega$, by the matrix $R_i$; a key
# at position $j$ by $R_j$. In a score, the matrix of the query stands transposed, for it is the
# query that becomes a row. The line that follows is often printed with a sign wrong, so it is worth
# doing slowly.

# %%
alpha, beta = scalar("alpha", note="angle of the query"), scalar("beta", note="angle of the key")
turns = (
    i, j, omega,
    Let(alpha, i * omega, "angle of the query"),
    Let(beta, j * omega, "angle of the key"),
)  # fmt: skip


def turn(angle):
    return ImmutableMatrix([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]])


along = cos(alpha) * cos(beta) + sin(alpha) * sin(beta)
across = cos(alpha) * sin(beta) - sin(alpha) * cos(beta)
calculation(
    MatMul(Transpose(turn(alpha)), turn(beta), evaluate=False), given=turns, title="Two rotations"
).then(ImmutableMatrix([[along, -across], [across, along]]), because="row by column").then(
    turn((j - i) * omega), because="the addition theorems"
)

# %% [markdown]
# *In words:* $R_i^\top R_j = R_{j - i}$. A transposed rotation turns back, so the product turns
# forwards to $j$ and back from $i$. With $R_{i - j}$ in its place, as some notes have it, this
# chapter would not build. To tell the two apart, put in $i = 0$: $R_0$ is the identity, and what
# is left is $R_j$. And with $j = i$ a transposed rotation is seen to undo the rotation.
#
# ### All pairs
#
# A query of width $2m$ has $m$ pairs, each with a frequency of its own, the same as those of the
# sines. Let the first entries of its pairs be $p_k$ and the second $q_k$, those of a key $c_k$
# and $e_k$. Turned, they have a tilde; the score sums over all pairs.

# %%
p = m.vector("p", note="first entries of the query's pairs")
q = m.vector("q", note="second entries of the query's pairs")
c = m.vector("c", note="first entries of the key's pairs")
e = m.vector("e", note="second entries of the key's pairs")
p_i, q_i, c_j, e_j = (m.vector(f"{name}tilde") for name in "pqce")
turned = (
    p, q, c, e, w, i, j,
    Let(p_i[k], p[k] * cos(i * w[k]) - q[k] * sin(i * w[k]), "first entries of the turned query"),
    Let(q_i[k], p[k] * sin(i * w[k]) + q[k] * cos(i * w[k]), "second entries of the turned query"),
    Let(c_j[k], c[k] * cos(j * w[k]) - e[k] * sin(j * w[k]), "first entries of the turned key"),
    Let(e_j[k], c[k] * sin(j * w[k]) + e[k] * cos(j * w[k]), "second entries of the turned key"),
)  # fmt: skip
calculation(sum_over(p_i[k] * c_j[k] + q_i[k] * e_j[k], k), given=turned, title="A score").then(
    sum_over(
        (p[k] * c[k] + q[k] * e[k]) * cos((j - i) * w[k])
        + (q[k] * c[k] - p[k] * e[k]) * sin((j - i) * w[k]),
        k,
    ),
    because="put in and add the angles",
)

# %% [markdown]
# *In words:* positions enter as $j - i$ alone. Shift a whole text by a thousand places, and no
# score changes; that is what a table added to the embeddings cannot promise. And nothing is
# stretched: the length of a query is what it was.

# %%
calculation(sum_over(p_i[k] ** 2 + q_i[k] ** 2, k), given=turned, title="Its length").then(
    sum_over(p[k] ** 2 + q[k] ** 2, k), because=r"$\cos^2 + \sin^2 = 1$"
)

# %% [markdown]
# Here are the scores of one query and one key at three pairs of places, with a table that is added
# (of random numbers, as a learnt one has before training), and turned.

# %% tags=["shown"]
import numpy as np

from symllm import ops

rng = np.random.default_rng(0)
query, key = rng.normal(size=(2, 1, 64))
table, rope = rng.normal(size=(2000, 64)), ops.rope.lambdify()
for first, second in ((3, 10), (1003, 1010), (3, 1010)):
    added = (query[0] + table[first]) @ (key[0] + table[second])
    turned_query = rope(x=query, pos=[first], base=1e4).ravel()
    turned_key = rope(x=key, pos=[second], base=1e4).ravel()
    score = turned_query @ turned_key
    print(f"{first:4} and {second:4}: added {added:6.2f}, turned {score:6.2f}")

# %% [markdown]
# ### Rotary position embedding
#
# For a whole text, neighbouring columns make a pair, and the index $s$ runs over its two entries.
# $J_{su}$ is the quarter turn that takes the point $(p, q)$ to $(-q, p)$; a rotation is a cosine
# times the point and a sine times its quarter turn.

# %%
ops.rope

# %% [markdown]
# On the way back the gradient meets the transposed matrix, which turns by the opposite angle.

# %%
ops.rope.gradient("x")

# %% [markdown]
# *In words:* the gradient is turned back by the same angle, for with its two indices exchanged a
# quarter turn goes the other way. Nothing shrinks and nothing grows, on the way in or out, and the
# function that was written for the forward pass does for the backward one, with positions negated.

# %% [markdown]
# ### Pairs by halves
#
# The paper pairs neighbours, and so did Llama as it was first published. GPT-NeoX pairs entry $k$
# with entry $m + k$ of the other half, and so does Llama in the library of Hugging Face, with the
# rows of its weights reordered. The mathematics is the same with the two axes exchanged, but
# weights that were trained for one are wrong for the other.

# %%
ops.rope_halves

# %%
ops.rope_halves.gradient("x")

# %% [markdown]
# *In words:* again the rotation by the opposite angle.

# %% [markdown]
# ## What a score sees of the distance
#
# If the entries of queries and keys are independent, with mean zero and variance one, a score is
# zero on average at any distance, and its variance does not depend on the distance either: rotation
# favours neither near keys nor far ones before anything is learnt. What fades with distance is the
# score of a query with a key that is *equal* to it. Let $t$ be the distance.

# %%
calculation(
    E(sum_over((p[k] * p[k] + q[k] * q[k]) * cos(t * w[k]), k)),
    given=(p, q, w, t),
    assuming=tuple(random(vector[k]) for vector in (p, q)),
    title="An equal key",
).then(2 * sum_over(cos(t * w[k]), k), because="the mean squares are one")

# %% [markdown]
# At distance zero all cosines are one. At distance $t$, the fast pairs have turned many times, and
# their cosines cancel; the slow ones have hardly moved. How many of the pairs have turned by at
# least a radian? The last such pair, number $k$ of the $m$, is where $t \omega_k = 1$. (The base is
# above one, or the frequencies would not fall; at a distance of one only the first pair has.)

# %%
far, last = (
    scalar("t", domain="positive", note="distance"),
    scalar("k", domain="positive", note="number of the pair"),
)
calculation(
    Equals(far * base ** (-last / m), 1),
    given=(far, base, last, m),
    assuming=(base > 1, far > 1),
    unknown=(last,),
    title="How many have turned",
).implies(Equals(log(far), last / m * log(base)), because="take logarithms").implies(
    Equals(last / m, log(far) / log(base)), because="solve"
)

# %% [markdown]
# *In words:* the share that is left, $1 - \log t / \log \mathrm{base}$, falls by the same amount
# whenever the distance doubles. So the mean of the cosines should come down in a straight line
# over the logarithm of the distance, and reach zero near the base. A larger base makes the slope
# gentler:

# %%
step = scalar("t", note="distance")


def mean_cosine(base, count=64):
    return sum(cos(step * float(base) ** (-n / count)) for n in range(count)) / count


pictures.curves(
    {
        "base 10 thousand": mean_cosine(10_000),
        "predicted, 10 thousand": 1 - log(step) / log(10_000),
        "base 500 thousand": mean_cosine(500_000),
        "predicted, 500 thousand": 1 - log(step) / log(500_000),
    },
    over=(step, 1, 100_000),
    within=(-0.5, 1),
    log="x",
    across="distance $t$",
    up="mean cosine",
    name="fading",
    words="The mean cosine of 64 pairs falls in a straight line, a little below the predicted one, "
    "and ripples about zero from a distance near the base. With the larger base it falls more "
    "slowly.",
)

# %% [markdown]
# ## Longer texts
#
# A model was trained on texts of a certain length. Within it a fast pair has been seen at every
# angle, but a pair whose wavelength is longer than the text has only seen a part of the circle.
# How many are there?

# %% tags=["shown"]
import numpy as np

for model, its_base, length in (("Llama 2", 1e4, 4096), ("Llama 3", 5e5, 8192)):
    wavelengths = 2 * np.pi * its_base ** (np.arange(64) / 64)
    print(f"{model}: {np.sum(wavelengths > length)} of 64 pairs never turn round")

# %% [markdown]
# In a longer text those pairs come to angles that the model has never met, and what it then does is
# anybody's guess. *Interpolation* squeezes the positions instead: for texts that are $\kappa$ times
# as long, divide every position by $\kappa$, and all angles lie where they lay in training (Chen et
# al., 2023). That slows the fast pairs too, and neighbours, which only they tell apart, come to
# stand closer than they ever stood. Can one stretch the slow pairs and spare the fast ones? Raise
# the base. If it is multiplied by $\kappa^{m/(m-1)}$, pair $k$ gets the frequency

# %%
longer = scalar("kappa", domain="positive", note="factor by which texts are longer")
raised = base * longer ** (m.symbol / (m.symbol - 1))
calculation(raised ** (-pair), given=(base, longer, m), over=(k,), title="A larger base").then(
    base ** (-pair) * longer ** (-k.symbol / (m.symbol - 1)), because="the powers of $m$ cancel"
)

# %% [markdown]
# *In words:* the first pair, $k = 0$, is left alone; the last, $k = m - 1$, is slowed by exactly
# $\kappa$, as interpolation would slow it; those between, by something between. A model needs
# little training to get used to that, or none at all (Peng et al., 2023, who refine it).
#
# ## A penalty on distance
#
# ALiBi adds nothing and turns nothing. It subtracts from every score $z$ a slope times the
# distance: $z - \mathrm{slope} \, t$. Exponents add, so the weight of a key, before it is
# normalised, fades by the same factor at every step, as a radioactive substance does. Where scores
# are equal, how many of $n$ positions does a query see in effect? Count each by its weight:

# %%
n = Dim("n", "positions")
step_back = n.index("t")
slope = scalar("slope", domain="positive", note="slope of the penalty")
calculation(
    sum_over(exp(-slope * step_back.symbol), step_back),
    given=(slope, n),
    title="How many keys are seen",
).then((1 - exp(-slope * n.symbol)) / (1 - exp(-slope)), because="a geometric series").at_most(
    1 / (1 - exp(-slope)), because="however long the text"
).at_most(1 + 1 / slope, because="$e^u$ is at least $1 + u$")

# %% [markdown]
# *In words:* a window of about $1 / \mathrm{slope}$ positions with a soft edge, in a text of any
# length. That is why ALiBi can be run on longer texts than it was trained on: nothing new is seen
# there, nor anything old from far away. The heads share out the distances: of eight heads the first
# has the slope $1/2$, each next one half of that, so their windows go from 2 positions to 256. The
# gradient is in the chapter *Masks*.
#
# ## Exercises
#
# **1.** Rotate by $i$ and then by $j$. What is the result, and does the order matter?
#
# **2.** What would a score depend on if keys were turned the other way?
#
# **3.** Does adding one number to all positions change a score of ALiBi?
#
# **4.** How large must the base be if the slowest pair is not to repeat itself in a text of $\ell$
# positions? How large is that for $m = 64$ and 131072 positions?
#
# **5.** A backward pass of rotary embedding has been written by calling the forward function on the
# gradient. All lengths come out right. What is wrong?
#
# ### Answers
#
# **1.** A rotation by $i + j$, whichever comes first: in a plane, rotations commute.

# %%
calculation(MatMul(turn(alpha), turn(beta), evaluate=False), given=turns).then(
    turn((i + j) * omega), because="the angles add"
)

# %% [markdown]
# **2.** On the sum of the positions, and on their difference not at all: a pair of words would look
# different at every place of the text.

# %%
calculation(MatMul(Transpose(turn(alpha)), turn(-beta), evaluate=False), given=turns).then(
    turn(-(i + j) * omega), because="both turn back"
)

# %% [markdown]
# **3.** It does not: both positions move, and the distance stays.

# %%
z = scalar("z", note="score")
shift = scalar("h", note="shift of all positions")
i_new, j_new = scalar("ihat"), scalar("jhat")
moved = (
    z, slope, shift, i, j,
    Let(i_new, i + shift, "position of the query, moved"),
    Let(j_new, j + shift, "of the key", means="position of the key, moved"),
)  # fmt: skip
calculation(z - slope * (i_new - j_new), given=moved).then(
    z - slope * (i - j), because="the shift cancels"
)

# %% [markdown]
# **4.** Its wavelength, $2 \pi \, \mathrm{base}^{(m-1)/m}$, must be the length of the text or more.
# For the numbers given, about 24 thousand would do. With the 500 thousand of Llama 3 many pairs are
# slow enough, not the last alone.

# %%
ell = scalar("ell", domain="positive", note="length of the text")
calculation(
    Equals(2 * pi * base ** ((m.symbol - 1) / m.symbol), ell),
    given=(m, ell, base),
    unknown=(base,),
    title="A base for a length",
).implies(
    Equals(base, (ell / (2 * pi)) ** (m.symbol / (m.symbol - 1))), because="solve for the base"
)

# %% [markdown]
# **5.** The direction: the gradient has to be turned back. A test of norms cannot see that.

# %% tags=["shown"]
from symllm import check_gradient, ops

rope = ops.rope.lambdify()


def rope_backward(dy, pos, base):
    return rope(x=dy, pos=pos, base=base)


verdict = check_gradient(rope_backward, ops.rope)
print(verdict.kind, verdict.explanation, sep=": ")

# %% [markdown]
# ### References
#
# A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser and I.
# Polosukhin, *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# J. Su, Y. Lu, S. Pan, A. Murtadha, B. Wen and Y. Liu, *RoFormer: enhanced transformer with rotary
# position embedding*, arXiv:2104.09864, 2021.
#
# O. Press, N. A. Smith and M. Lewis, *Train short, test long: attention with linear biases enables
# input length extrapolation*, ICLR 2022, arXiv:2108.12409.
#
# S. Chen, S. Wong, L. Chen and Y. Tian, *Extending context window of large language models via
# positional interpolation*, arXiv:2306.15595, 2023.
#
# B. Peng, J. Quesnelle, H. Fan and E. Shippole, *YaRN: efficient context window extension of large
# language models*, ICLR 2024, arXiv:2309.00071.
