# %% [markdown]
# # Why attention looks as it does
#
# A word means what the words around it make of it: "bank" in a text about rivers is not the "bank"
# of a text about money. So a model has to carry information from one position to another, and from
# which to which depends on the text itself. Attention does that, and this chapter builds it up:
# why it is an average, why its scores are divided by the square root of a width, and what it cannot
# see. Its gradient is the subject of the next chapter.

# %%
from sympy import exp, sqrt

from symllm import (
    Dim,
    E,
    Let,
    Var,
    calculation,
    minimum,
    ops,
    permutation,
    pictures,
    random,
    scalar,
    sum_over,
)

# %% [markdown]
# ## A lookup with a slope
#
# A dictionary is looked up with a query. Where the query equals a key, the value comes back;
# everywhere else nothing does. Nothing can be learnt from that: change query or key a little, and
# the answer stays as it is or jumps. So let the answer be a mixture. Every key is compared with the
# query, the better it fits the more its value counts, and the counts are made to add up to one.
#
# How well a key fits is told by a scalar product, the *score*. How scores become counts is told in
# the chapter *Probability*: softmax is the distribution that makes the average score and the
# entropy together as large as they can be. With a row for each of $n$ queries and each of $m$ keys
# and values, that is all of attention.

# %%
ops.attention

# %% [markdown]
# Why should the answer be the *mean* of the values, and not, say, a vote? Because it is the best
# single answer in a precise sense. Suppose that one of $m$ values $v_j$ is the right one, each with
# probability $P_j$, and that an answer $o$ costs the square of its distance from the right one. The
# expected cost is least at the mean.

# %%
n = Dim("n", "queries")
m = Dim("m", "keys")
d = Dim("d", "width of keys")
e = Dim("e", "width of values")
c = m.index("j")
P = m.vector("P", domain="distribution", note="attention weights")
v = m.vector("v", note="one entry of the values")
o = scalar("o", note="output")
minimum(sum_over(P[c] * (o - v[c]) ** 2, c), Let(o, sum_over(P[c] * v[c], c)), given=(P, v, o))

# %% [markdown]
# *In words:* attention estimates a value by averaging those it has seen, and trusts each as far as
# its key resembles the query. Statisticians have done so since 1964 under the name of kernel
# regression (Nadaraya; Watson). What is new is that queries, keys and values are learnt.
#
# ## The size of a score
#
# The scores are divided by $\sqrt{d}$. Leave that out, and a wide head begins its training with
# nearly all of its weight on one key. To see why, ask how large a score is. At the start of
# training the entries of queries and keys are as good as random: independent, with mean zero and
# variance one, as normalisation and initialisation make them. A score is a sum of $d$ of their
# products. Its mean is soon found:

# %%
i, j = d.indices("i j")
q, k = d.vector("q", note="query"), d.vector("k", note="key")
unit = (random(q[i]), random(k[i]))
calculation(
    E(sum_over(q[i] * k[i], i)), given=(q, k), assuming=unit, title="The mean of a score"
).then(sum_over(E(q[i]) * E(k[i]), i), because="linear; independent factors").then(
    0, because="both means are zero"
)

# %% [markdown]
# So the variance is the mean square: the square of a sum, which is a sum over pairs of terms. Of
# those the ones of two different indices vanish.

# %%
calculation(
    Var(sum_over(q[i] * k[i], i)), given=(q, k), assuming=unit, title="The variance of a score"
).then(E(sum_over(q[i] * k[i], i) ** 2), because="the mean is zero").then(
    sum_over(sum_over(E(q[i] * q[j]) * E(k[i] * k[j]), j), i),
    because="linear; queries are independent of keys",
).then(sum_over(E(q[i] ** 2) * E(k[i] ** 2), i), because="only $i = j$ is left").then(
    d, because="every term is one"
)

# %% [markdown]
# *In words:* independent terms add their variances and not their sizes, so a score is as large as
# $\sqrt{d}$: for a head of width 64, eight. Divide by $\sqrt{d}$, and its size no longer depends
# on the width:

# %%
calculation(
    Var(sum_over(q[i] * k[i], i) / sqrt(d)),
    given=(q, k),
    assuming=unit,
    title="The variance of a scaled score",
).then(Var(sum_over(q[i] * k[i], i)) / d, because="a factor is squared").then(
    1, because="by the variance above"
)

# %% [markdown]
# Is eight too large? Softmax sees how far scores lie apart. The scores of one query with two keys
# differ by more than either of them differs from zero:

# %%
k_1, k_2 = d.vector("k_1", note="first key"), d.vector("k_2", note="second key")
calculation(
    Var(sum_over(q[i] * k_1[i], i) - sum_over(q[i] * k_2[i], i)),
    given=(q, k_1, k_2),
    assuming=(random(q[i]), random(k_1[i]), random(k_2[i])),
    title="Two keys",
).then(2 * d, because="one sum, and a difference of keys has the variance two")

# %% [markdown]
# For a head of width 64 they lie eleven apart; scaled, the root of two. Between two keys softmax is
# a sigmoid of that difference, and its slope tells how far a gradient can move the weight.

# %%
x = scalar("x")
sigmoid = 1 / (1 + exp(-x))
pictures.curves(
    {"weight of the first key": sigmoid, "its slope": sigmoid * (1 - sigmoid)},
    over=(x, -12, 12),
    name="two-keys",
    words="The weight of one of two keys rises from zero to one as its score passes the other's; "
    "its slope is a bump at zero, and next to nothing beyond a difference of six.",
    across="difference of the scores",
    up="",
)

# %% [markdown]
# Where the weight is zero or one the slope is nothing, and nothing is learnt. Here are 64 random
# queries and 64 random keys of three widths, first as they are, then scaled. Unscaled, the best key
# of a wide model gets nearly all of the weight, for no reason but chance.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
for width in (16, 256, 4096):
    queries, keys = rng.normal(size=(2, 64, width))
    for scale in (1, np.sqrt(width)):
        S = queries @ keys.T / scale
        P = np.exp(S - S.max(1, keepdims=True))
        P /= P.sum(1, keepdims=True)
        found = f"variance {S.var():6.1f}, largest weight {P.max(1).mean():.2f}"
        print(f"width {width:4}, divided by {scale:2.0f}: {found}")

# %% [markdown]
# That holds as long as queries and keys are independent, at the start of training. Once they are
# learnt they are not. If every key were its query, a score would be $d$ on average, not $\sqrt{d}$:

# %%
calculation(
    E(sum_over(q[i] * q[i], i)), given=(q,), assuming=unit[:1], title="A query with itself"
).then(sum_over(E(q[i] ** 2), i), because="linear").then(d, because="every term is one")

# %% [markdown]
# *In words:* what agrees grows as $d$, what agrees by chance as $\sqrt{d}$. That gap is why wide
# heads can tell keys apart, and why some parametrisations divide by $d$ instead, so that learnt
# scores stay the same as the width grows (Yang et al., 2022).
#
# ## What attention cannot see
#
# Nothing in its equations says where a row stands. Let $\pi$ be any reordering of $n$ positions.
# Reorder the rows of queries, keys and values, and compute the attention of the reordered rows: its
# scores, its sums and its output have a tilde.

# %%
r, c, a, l = n.index("i"), n.index("j"), d.index("a"), e.index("l")
Q = d.vector("Q", note="queries").batched((n,))
K = d.vector("K", note="keys").batched((n,))
V = e.vector("V", note="values").batched((n,))
S, Z, O = n.vector("S").batched((n,)), n.vector("Z"), e.vector("O").batched((n,))
S_new, Z_new = n.vector("Stilde").batched((n,)), n.vector("Ztilde")
O_new = e.vector("Otilde").batched((n,))
pi = n.vector("pi", domain=n, note="the order of the positions")
forward = (
    Q, K, V, pi,
    Let(S[r, c], sum_over(Q[r, a] * K[c, a], a) / sqrt(d), "scores"),
    Let(Z[r], sum_over(exp(S[r, c]), c), "sum of a row"),
    Let(O[r, l], sum_over(exp(S[r, c]) * V[c, l], c) / Z[r], "output"),
    Let(S_new[r, c], sum_over(Q[pi[r], a] * K[pi[c], a], a) / sqrt(d), "scores, reordered"),
    Let(Z_new[r], sum_over(exp(S_new[r, c]), c), "sum of a row, reordered"),
    Let(O_new[r, l], sum_over(exp(S_new[r, c]) * V[pi[c], l], c) / Z_new[r], "output, reordered"),
)  # fmt: skip
setting = {"given": forward, "assuming": (permutation(pi),)}

# %%
calculation(S_new[r, c], **setting, title="The scores").then(
    S[pi[r], pi[c]], because="the same two rows, at their old places"
)

# %% [markdown]
# The scores have moved with their rows, and with their columns. But a sum over all columns does
# not care in which order it meets them.

# %%
calculation(Z_new[r], **setting, title="The sums").then(
    sum_over(exp(S[pi[r], pi[c]]), c), because="by the scores"
).then(sum_over(exp(S[pi[r], c]), c), because="terms in another order").then(
    Z[pi[r]], because="by definition"
)

# %%
calculation(O_new[r, l], **setting, title="The output").then(
    sum_over(exp(S[pi[r], pi[c]]) * V[pi[c], l], c) / Z[pi[r]], because="by scores and sums"
).then(sum_over(exp(S[pi[r], c]) * V[c, l], c) / Z[pi[r]], because="terms in another order").then(
    O[pi[r], l], because="by definition"
)

# %% [markdown]
# *In words:* reorder the input, and the output is reordered in the same way; nothing else happens.
# Attention is *equivariant* under permutations (Zaheer et al., 2017): "dog bites man" and "man
# bites dog" are the same set to it. Positions have to be put in, as the chapter *Positions* does.
# A causal mask, by which position $i$ sees the positions $j \le i$ alone, is a weak way to do so
# as well: with a term $[j \le i]$ in the sum, "terms in another order" would be false. How far the
# reordered output is from the output reordered:

# %% tags=["shown"]
import numpy as np

from symllm import ops

rng = np.random.default_rng(0)
Q, K, V = rng.normal(size=(3, 5, 4))
order = rng.permutation(5)
for op in (ops.attention, ops.causal_attention):
    attend = op.lambdify()
    reordered = attend(Q=Q[order], K=K[order], V=V[order])
    change = np.abs(reordered - attend(Q=Q, K=K, V=V)[order]).max()
    print(f"{op.title}: {change:.2f}")

# %% [markdown]
# ## Exercises
#
# **1.** Queries have variance $\sigma_q^2$ and keys $\sigma_k^2$. What does the scale have to be?
#
# **2.** At the start of training the weights of a row are nearly equal, $1/n$ each. What is the
# variance of the output, if values are independent with variance $\sigma^2$?
#
# **3.** The keys have a mean $\mu$ which is not zero. How large is the variance of a score? And how
# much of it matters to the weights?
#
# **4.** Why a scalar product, and not a distance? Suppose that a key counts by
# $\exp(-\lVert q - k \rVert^2 / 2)$. What is the difference?
#
# **5.** Somebody divides by $d$ from the start, to be safe. What do the first steps of training
# look like in a wide head?
#
# ### Answers
#
# **1.** One over $\sigma_q \sigma_k \sqrt{d}$.

# %%
sigma_q = scalar("sigma_q", domain="positive", note="standard deviation of the query")
sigma_k = scalar("sigma_k", domain="positive", note="standard deviation of the key")
sigma = scalar("sigma", domain="positive", note="standard deviation of a value")
calculation(
    Var(sum_over(q[i] * k[i], i)),
    given=(q, k, sigma_q, sigma_k),
    assuming=(random(q[i], variance=sigma_q**2), random(k[i], variance=sigma_k**2)),
).then(d * sigma_q**2 * sigma_k**2, because="every term has the product of both")

# %% [markdown]
# **2.** Smaller by a factor of $n$ than that of a value: attention that looks everywhere sees
# little.

# %%
v = n.vector("v", note="one entry of the values")
calculation(
    Var(sum_over(v[c], c) / n), given=(v, sigma), assuming=(random(v[c], variance=sigma**2),)
).then(sum_over(Var(v[c]), c) / n**2, because="independent values").then(
    sigma**2 / n, because="$n$ equal terms"
)

# %% [markdown]
# **3.** As if the keys' variance were larger by the square of their mean: what counts is the mean
# square.

# %%
mu = scalar("mu", note="mean of a key")
calculation(
    Var(sum_over(q[i] * k[i], i)),
    given=(q, k, mu, sigma_k),
    assuming=(random(q[i]), random(k[i], mean=mu, variance=sigma_k**2)),
).then(sum_over(E(q[i] ** 2) * E(k[i] ** 2), i), because="the queries' mean is zero").then(
    d * (sigma_k**2 + mu**2), because="variance and mean"
)

# %% [markdown]
# But the part that comes from the mean is the same for all keys of a row, and softmax does not see
# what it adds to all of them. Subtract that part, and the mean is gone:

# %%
calculation(
    Var(sum_over(q[i] * k[i], i) - mu * sum_over(q[i], i)),
    given=(q, k, mu, sigma_k),
    assuming=(random(q[i]), random(k[i], mean=mu, variance=sigma_k**2)),
).then(Var(sum_over(q[i] * (k[i] - mu), i)), because="one sum").then(
    d * sigma_k**2, because="keys without their mean"
)

# %% [markdown]
# **4.** Two factors beside the exponential of the scalar product. That of the query is the same for
# all keys of a row, and cancels in the quotient. That of the key is not: a scalar product favours
# long keys, a distance does not. Among keys of one length, as a norm can make them, both give the
# same weights, and the nearest key has the largest.

# %%
calculation(exp(-sum_over((q[i] - k[i]) ** 2, i) / 2), given=(q, k), title="A distance").then(
    exp(-sum_over(q[i] ** 2, i) / 2)
    * exp(-sum_over(k[i] ** 2, i) / 2)
    * exp(sum_over(q[i] * k[i], i)),
    because="the square of a difference",
)

# %% [markdown]
# **5.** All scores of a row are nearly equal, and so are its weights. Every position averages all
# values, and by the second answer sees next to nothing, until queries and keys have learnt to
# agree. It trains, but starts slowly. The variance of a score is then

# %%
calculation(
    Var(sum_over(q[i] * k[i], i) / d), given=(q, k), assuming=unit, title="Divided by the width"
).then(Var(sum_over(q[i] * k[i], i)) / d**2, because="a factor is squared").then(
    1 / d, because="by the variance above"
)

# %% [markdown]
# ### References
#
# E. A. Nadaraya, *On estimating regression*, Theory of Probability and its Applications 9, 1964.
#
# G. S. Watson, *Smooth regression analysis*, Sankhyā A 26, 1964.
#
# A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser and I.
# Polosukhin, *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# M. Zaheer, S. Kottur, S. Ravanbakhsh, B. Poczos, R. Salakhutdinov and A. Smola, *Deep sets*,
# NeurIPS 2017, arXiv:1703.06114.
#
# G. Yang et al., *Tensor programs V: tuning large neural networks via zero-shot hyperparameter
# transfer*, arXiv:2203.03466, 2022.
