# %% [markdown]
# # Embeddings and vector spaces
#
# To a computer a token is a number in a list, and that token 17 stands next to token 18 means
# nothing. So a language model begins by exchanging each token for a vector: a row of a table, which
# is learnt. From then on likeness is a matter of geometry. This chapter derives how the table is
# read and how it learns, how likeness is measured, how many directions there is room for, and what
# it can mean to add one word to another.

# %%
from sympy import Rational, cosh, exp

from symllm import (
    Dim,
    E,
    Let,
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
# ## Looking up
#
# The table $W$ has one row for each of the $v$ tokens of the vocabulary. A text is a list of tokens
# $t_i$, and its embedding is the list of their rows. A token that occurs twice is read twice.

# %%
ops.embedding

# %% [markdown]
# Is this arithmetic at all? It is a matrix product, by rows of zeros with a single one, at the
# place of the token.

# %%
n = Dim("n", "positions")
v = Dim("v", "tokens of the vocabulary")
d = Dim("d", "width of the stream")
(i,), (w,), (k,) = n.indices("i"), v.indices("w"), d.indices("k")
t = n.vector("t", domain=v, note="token at each position")
W = matrix("W", v, d, note="weights: one row for each token")
calculation(
    sum_over(delta(w, t[i]) * W[w, k], w), given=(t, W), title="One row of the product"
).then(W[t[i], k], because="all other terms are zero")

# %% [markdown]
# *In words:* an embedding is a linear layer without a bias, whose inputs are *one-hot*. Nobody
# multiplies by all those zeros; but it tells us what the gradient will be, for that of a linear
# layer is a product with its inputs.
#
# ### The table gathers
#
# A row of the table reaches the output at every position where its token stands, and nowhere
# else. The bracket $[j = t_i]$ says so: it is one where position $i$ holds token $j$.

# %%
ops.embedding.gradient("W")

# %% [markdown]
# *In words:* what was read on the way forward is written on the way back. Each token's row gathers
# the gradients of the positions where the token stands, and a token that does not occur gets none.

# %% [markdown]
# To gather is to add. A program that assigns instead is wrong only where a token occurs twice, and
# NumPy makes that mistake look right: of several additions to one row, `+=` keeps the last. Here
# token 2 occurs three times.

# %% tags=["shown"]
import numpy as np

t, dy = np.array([2, 0, 2, 2]), np.ones((4, 3))
wrong, right = np.zeros((5, 3)), np.zeros((5, 3))
wrong[t] += dy
np.add.at(right, t, dy)
print("lost:    ", wrong[:, 0])
print("gathered:", right[:, 0])

# %% [markdown]
# ## Likeness as an angle
#
# Are two vectors alike? Their scalar product grows with their lengths, and the length of an
# embedding often has more to do with how frequent its token is than with what it means. *Cosine
# similarity* divides by both lengths first, and what is left is the angle.

# %%
ops.cosine_similarity

# %% [markdown]
# For directions, nearness and likeness are one thing: the nearest by distance is the nearest by
# angle, so that a search may use either.

# %%
cosine = ops.cosine_similarity
x, u = cosine.inputs["x"], cosine.inputs["u"]
i, j = d.indices("i j")
xhat, uhat, s, ell = d.vector("xhat"), d.vector("uhat"), scalar("s"), scalar("ell_x")
calculation(
    sum_over((xhat[i] - uhat[i]) ** 2, i),
    given=(x, u, *cosine.equations),
    title="The distance of two directions",
).then(
    sum_over(xhat[i] ** 2, i) + sum_over(uhat[i] ** 2, i) - 2 * s, because="multiplied out"
).then(2 - 2 * s, because="both have length one")

# %% [markdown]
# ### Towards the other direction
#
# To make two vectors more alike, where should one of them go? An entry of $x$ acts on its own
# direction and, through the length, on all of it.

# %%
ops.cosine_similarity.gradient("x")

# %% [markdown]
# *In words:* go towards the other direction, less the part of it that we have already. A vector
# twice as long gets half the gradient, for it takes twice the step to turn it as far.

# %% [markdown]
# What was subtracted is exactly what lies along $x$: the gradient stands at a right angle to it. It
# has to. To stretch $x$ does not change the angle, so that there is no slope in that direction.

# %%
g = d.vector("g")
turned = (x, u, *cosine.equations, Let(g[i], (uhat[i] - s * xhat[i]) / ell, "gradient"))
calculation(sum_over(x[i] * g[i], i), given=turned, title="The gradient along $x$").then(
    sum_over(xhat[i] * uhat[i], i) - s * sum_over(xhat[i] ** 2, i),
    because="the lengths cancel",
).then(0, because="the sums are $s$ and one")

# %%
calculation(sum_over(g[i] ** 2, i), given=turned, title="The squared length of the gradient").then(
    (1 - s**2) / ell**2, because="multiplied out"
)

# %% [markdown]
# *In words:* the gradient is largest at a right angle, and it vanishes where the vectors are
# parallel, but also where they are opposite: there is no best way to turn round. And since each
# step is at a right angle to $x$, each makes $x$ longer, by Pythagoras, and later steps smaller.

# %%
eta = scalar("eta", domain="positive", note="learning rate")
calculation(
    sum_over((x[i] + eta * g[i]) ** 2, i),
    given=(*turned, eta),
    title="The squared length of $x$ after a step",
).then(ell**2 + eta**2 * sum_over(g[i] ** 2, i), because="the mixed term is zero").at_least(
    ell**2, because="a square is not negative"
)

# %% [markdown]
# So whoever trains by cosines alone lowers the learning rate without noticing. The same happens to
# all weights that stand before a normalisation.
#
# ## Room for directions
#
# Is a cosine of 0.3 large? That depends on what chance gives. Take two vectors whose entries are
# $+1$ or $-1$ by the toss of a coin. Their lengths are exactly $\sqrt{d}$, so that their cosine is
# their scalar product divided by $d$.

# %%
signs = (random(x[i]), random(u[i]))
chance = {"given": (x, u), "assuming": signs}
calculation(E(sum_over(x[i] * u[i], i) / d), **chance, title="The average cosine").then(
    sum_over(E(x[i]) * E(u[i]), i) / d, because="independent"
).then(0, because="means are zero")

# %%
calculation(Var(sum_over(x[i] * u[i], i) / d), **chance, title="The variance of a cosine").then(
    sum_over(Var(x[i] * u[i]), i) / d**2, because="independent terms"
).then(1 / d.symbol, because="variances are one")

# %% [markdown]
# *In words:* by chance, a cosine is about $1/\sqrt{d}$. In three dimensions 0.3 says nothing; in a
# thousand it is nearly ten times that size, which chance hardly ever gives. In many dimensions
# nearly all directions are nearly at right angles to each other. That the entries were signs does
# not matter much:

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
for width in (16, 256, 4096):
    a, b = rng.normal(size=(2, 1000, width))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    spread = np.std((a * b).sum(axis=1) / lengths)
    print(f"{width:4}: measured {spread:.4f}, predicted {width**-0.5:.4f}")

# %% [markdown]
# How unlikely is a cosine above some bound $c$? A variance alone says little about it; exponentials
# say more. Products of two signs are signs, and the question is how often a sum $R$ of $d$ signs is
# above $c d$. For any $\lambda > 0$, the probability is at most the average of
# $\exp(\lambda (R - c d))$, which is never negative, and more than one where $R$ is above (Markov's
# inequality). The average of the exponential of one sign is a hyperbolic cosine,

# %%
lam = scalar("lamda", note="free number of Markov's inequality")
c = scalar("c", domain="positive", note="bound on cosines")
toss = scalar("xi", note="one sign, as 0 or 1")
coin = {"given": (toss, lam), "assuming": (random(toss, mean=Rational(1, 2), law="binary"),)}
calculation(E(exp(lam * (2 * toss - 1))), **coin, title="One sign").then(
    cosh(lam), because="the mean over both signs"
).at_most(exp(lam**2 / 2), because="term by term of both series")

# %% [markdown]
# and signs are independent, so that for $d$ of them it is raised to that power. Any $\lambda$ will
# do, and $c$ makes the bound smallest.

# %%
calculation((cosh(c) * exp(-(c**2))) ** d.symbol, given=(c, d), title="A cosine above $c$").at_most(
    exp(-d * c**2 / 2), because="by the bound for one sign"
)

# %%
pictures.curves(
    {f"{width} dimensions": exp(-width * c**2 / 2) for width in (8, 64, 512)},
    over=(c, 0, 1),
    name="embedding-chance",
    words="A bound on the chance that two random vectors have a cosine above a given number.",
    across="the number, $c$",
    up="chance, at most",
)

# %% [markdown]
# This falls exponentially with the dimension. So take $N$ vectors at random. They have $N (N-1)/2$
# pairs, and each pair has two ways to fail, above $c$ and below $-c$. How many vectors can be
# taken, until the first failure is to be expected?

# %%
N = scalar("N")
calculation(
    N * (N - 1) * exp(-d * c**2 / 2),
    given=(c, d, Let(N, exp(d * c**2 / 4), "number of vectors")),
    title="Failures to be expected",
).then(1 - exp(-d * c**2 / 4), because="put in $N$").at_most(1, because="something is taken away")

# %% [markdown]
# *In words:* less than one failure on average means that sometimes there is none. So there are
# $\exp(d c^2 / 4)$ vectors of which no two have a cosine beyond $c$, exponentially many, though
# only $d$ of them can be exactly at right angles. With a width of 4096 and $c = 0.1$ these are 28
# thousand, at twice the width 780 million. It is thought that networks use this room, and keep
# many more features than they have dimensions, each a direction of its own with a little noise from
# all others (Elhage et al., 2022).

# %% [markdown]
# ## What a sum of vectors means
#
# At its end a model has a vector $h$, and the logit of each token is the scalar product of $h$ with
# the token's row. Add to $h$ a vector $r$. What becomes of the probabilities? Compare two tokens,
# $a$ and $b$; the denominator of softmax cancels in their odds.

# %%
h = d.vector("h", note="state at the end of the model")
r = d.vector("r", note="vector that is added")
z, z_new = v.vector("z"), v.vector("ztilde")
a, b = v.indices("a b")
lift = matrix("kappa", v, v)
moved = (
    W, h, r,
    Let(z[w], sum_over(W[w, k] * h[k], k), "logits"),
    Let(z_new[w], sum_over(W[w, k] * (h[k] + r[k]), k), "logits after", means="changed logits"),
    Let(
        lift[b, a], sum_over((W[b, k] - W[a, k]) * r[k], k), "without $h$",
        means="change of the log-odds",
    ),
)  # fmt: skip
calculation(exp(z_new[b] - z_new[a]), given=moved, title="The odds of $b$ against $a$").then(
    exp(z[b] - z[a]) * exp(lift[b, a]), because="linear"
)

# %% [markdown]
# *In words:* whatever the text was, the same vector multiplies the odds of two tokens by the same
# factor. So to add vectors is to multiply odds, and a direction may be said to mean something: one
# that makes "cats" more likely against "cat", and "dogs" against "dog", means the plural. Nothing
# had to be assumed for it; it follows from the last layer alone. That such a direction exists is
# for the table to learn.
#
# ### Analogies
#
# The famous claim goes further: *king* less *man* plus *woman* is *queen* (Mikolov, Yih and Zweig,
# 2013). When would that be so? Suppose that the rows foretell what stands around a word: that near
# word $w$ one finds word $j$ in proportion to $q_j$, how frequent $j$ is, and to the exponential of
# a scalar product. Models such as word2vec are trained for something close to it (Levy and
# Goldberg, 2014). Let $a$ and $b$ be *man* and *king*, and $e$ and $f$ *woman* and *queen*.

# %%
j, e, f = v.indices("j e f")
C = matrix("C", v, d, note="vectors of contexts")
q = v.vector("q", domain="positive", note="frequency of each context")
P = matrix("P", v, v)
near = Let(P[w, j], q[j] * exp(sum_over(W[w, k] * C[j, k], k)), "how often both stand together")
calculation(
    P[b, j] / P[a, j] / (P[f, j] / P[e, j]), given=(W, C, q, near), title="Two proportions"
).then(
    exp(sum_over((W[b, k] - W[a, k] + W[e, k] - W[f, k]) * C[j, k], k)),
    because="the frequencies cancel",
)

# %% [markdown]
# *In words:* if the parallelogram of the four rows closes, the exponent is zero, and both
# proportions are equal for every $j$. That is what the analogy says: what makes *king* differ from
# *man* in its surroundings is what makes *queen* differ from *woman*. The other way round, equal
# proportions close the parallelogram as far as the vectors $C_j$ can see it.
#
# Real tables fit this only roughly. The answer is the row that is *nearest* to where the fourth
# corner should be, and usually the three given words are left out of the search, because one of
# them would often be nearer (Linzen, 2016). Sums of vectors do carry meaning; the tidy examples
# are the best of many.
#
# ## Weight tying
#
# At the end of the network the logit of a token says how well the output matches a row that
# belongs to the token. It can be the same row that embedded it. Tying both saves a large matrix,
# and each row learns from both its uses. Here a matrix $U$ stands for the network in between.

# %%
ops.weight_tying

# %% [markdown]
# ### Two terms for one table
#
# The table is used twice, so its gradient has two terms. The one from the logits is there at
# once. For the other, the gradient has to come back through the network to the embedding.

# %%
ops.weight_tying.gradient()

# %% [markdown]
# *In words:* as an input, a row learns from the places where its token stands; as an output, from
# every position, for every logit takes part in every softmax. The second term is a full matrix,
# the first has rows for the tokens of this text alone, and they are added up into one.

# %% [markdown]
# ## Exercises
#
# **1.** Add one vector $r$ to all rows of an output table. What changes in the probabilities?
#
# **2.** A vector $h$ is the sum of the vectors of several features. To read one of them off, its
# scalar product with $h$ is taken and divided by $d$. How much noise do $m$ others make, if all
# entries are random signs?
#
# **3.** GPT-2 has 50257 tokens, a width of 768, and about 124 million parameters. How many of them
# are in its table, and what would it cost not to tie?
#
# ### Answers
#
# **1.** Nothing: all logits rise by the same number. So a loss cannot see where the middle of the
# table is, and no gradient moves it.

# %%
z_new = v.vector("ztilde")
shifted = (
    W, h, r,
    Let(z[w], sum_over(W[w, k] * h[k], k), "logits"),
    Let(z_new[w], sum_over((W[w, k] + r[k]) * h[k], k), "of the new table", means="changed logits"),
)  # fmt: skip
calculation(exp(z_new[a]) / sum_over(exp(z_new[b]), b), given=shifted).then(
    exp(z[a]) / sum_over(exp(z[b]), b), because="the same factor above and below"
)

# %% [markdown]
# **2.** The feature itself gives one, and the others give noise of the variance $m/d$. So a vector
# can hold any of very many features, as long as few are present at a time.

# %%
m = Dim("m", "features present")
(l,) = m.indices("l")
others = matrix("Y", m, d, note="directions of other features")
calculation(
    Var(sum_over(x[i] * sum_over(others[l, i], l), i) / d),
    given=(x, others),
    assuming=(random(x[i]), random(others[l, i])),
).then(sum_over(Var(x[i] * others[l, i]), i, l) / d**2, because="independent terms").then(
    m / d, because="$m d$ equal terms"
)

# %% [markdown]
# **3.** Nearly a third. Without tying there would be as many again.

# %%
vocabulary, width, parameters = scalar("v"), scalar("d"), scalar("M")
gpt2 = (
    Let(vocabulary, 50257, "tokens"),
    Let(width, 768, "width"),
    Let(parameters, 124_439_808, "parameters in all"),
)
calculation(vocabulary * width / parameters, given=gpt2).at_least(
    Rational(31, 100), because="$38597376$ in the table"
)

# %% [markdown]
# ### References
#
# G. Salton, A. Wong and C. S. Yang, *A vector space model for automatic indexing*, Communications
# of the ACM 18, 1975.
#
# Y. Bengio, R. Ducharme, P. Vincent and C. Jauvin, *A neural probabilistic language model*,
# Journal of Machine Learning Research 3, 2003.
#
# T. Mikolov, W. Yih and G. Zweig, *Linguistic regularities in continuous space word
# representations*, NAACL-HLT 2013.
#
# O. Levy and Y. Goldberg, *Neural word embedding as implicit matrix factorization*, NeurIPS 2014.
#
# T. Linzen, *Issues in evaluating semantic spaces using word analogies*, RepEval 2016,
# arXiv:1606.07736.
#
# O. Press and L. Wolf, *Using the output embedding to improve language models*, EACL 2017,
# arXiv:1608.05859.
#
# N. Elhage et al., *Toy models of superposition*, arXiv:2209.10652, 2022.
