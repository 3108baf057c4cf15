# %% [markdown]
# # Why attention is scaled, and what it cannot see
#
# Two facts about attention are told in a sentence and used every day: scores are divided by the
# square root of the width, because otherwise they would be too large; and attention does not know
# in which order its rows stand. Both follow from its equations in a few lines.

# %%
from sympy import exp, sqrt

from symllm import Dim, E, Let, Var, calculation, permutation, random, scalar, sum_over

# %% [markdown]
# ## The size of a score
#
# A score is the scalar product of a query and a key. At the start of training their entries are as
# good as random: independent, with mean zero and variance one, as normalisation and initialisation
# make them. The score is a sum of $d$ products. How far from zero is it, typically?

# %%
d = Dim("d")
i, j = d.index("i"), d.index("j")
q, k = d.vector("q"), d.vector("k")
unit = (random(q[i]), random(k[i]))
calculation(
    E(sum_over(q[i] * k[i], i)), given=(q, k), assuming=unit, title="The mean of a score"
).then(sum_over(E(q[i] * k[i]), i), because="expectation is linear").then(
    sum_over(E(q[i]) * E(k[i]), i), because="independent factors"
).then(0, because="both means are zero")

# %% [markdown]
# So the variance is the mean square, and it is a sum over pairs of terms, of which those of two
# different indices vanish.

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
# A score of $d$ products is as large as $\sqrt{d}$, and softmax of scores of that size is as good
# as a choice of the largest: saturated, with a gradient near zero. Divide by $\sqrt{d}$, and the
# scores have the variance one at any width.

# %%
calculation(
    Var(sum_over(q[i] * k[i], i) / sqrt(d)), given=(q, k), assuming=unit, title="Scaled"
).then(Var(sum_over(q[i] * k[i], i)) / d, because="a factor is squared").then(
    1, because="by the variance above"
)

# %% [markdown]
# *In words:* the root is there because independent terms add their variances and not their sizes.
# It is the right scale as long as queries and keys are independent, at the start of training.
# Once they are learnt they are not: if every key were its query, a score would be $d$ on average,
# not $\sqrt{d}$. That is why some parametrisations divide by $d$ instead (Yang et al., 2022).

# %%
calculation(
    E(sum_over(q[i] * q[i], i)), given=(q,), assuming=unit[:1], title="A query with itself"
).then(d, because="the variance, $d$ times")

# %% [markdown]
# ## What attention cannot see
#
# Let $\pi$ be any reordering of $n$ positions. Reorder the rows of queries, keys and values, and
# compute the attention of the reordered rows: its scores, its sums and its output have a tilde.

# %%
n, e = Dim("n"), Dim("e")
r, c, a, l = n.index("i"), n.index("j"), d.index("a"), e.index("l")
Q, K = (d.vector(name).batched((n,)) for name in "QK")
V = e.vector("V").batched((n,))
S, Z, O = n.vector("S").batched((n,)), n.vector("Z"), e.vector("O").batched((n,))
S_new, Z_new = n.vector("Stilde").batched((n,)), n.vector("Ztilde")
O_new = e.vector("Otilde").batched((n,))
pi = n.vector("pi", domain=n)
forward = (
    Q, K, V, pi,
    Let(S[r, c], sum_over(Q[r, a] * K[c, a], a) / sqrt(d), "scores"),
    Let(Z[r], sum_over(exp(S[r, c]), c), "sum of a row"),
    Let(O[r, l], sum_over(exp(S[r, c]) * V[c, l], c) / Z[r], "output"),
    Let(S_new[r, c], sum_over(Q[pi[r], a] * K[pi[c], a], a) / sqrt(d)),
    Let(Z_new[r], sum_over(exp(S_new[r, c]), c)),
    Let(O_new[r, l], sum_over(exp(S_new[r, c]) * V[pi[c], l], c) / Z_new[r]),
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
# Attention is *equivariant* under permutations: "dog bites man" and "man bites dog" are the same
# set to it. Positions have to be put in, and a causal mask is one way to do so: with a term
# $[j \le i]$ in the sum, the second step above would be false, and this chapter would not build.
#
# ## Exercises
#
# **1.** Queries have variance $\sigma_q^2$ and keys $\sigma_k^2$. What does the scale have to be?
#
# **2.** At the start of training the probabilities of a row are nearly equal, $1/n$ each. What is
# the variance of the output, if values are independent with variance $\sigma^2$?
#
# **3.** Keys that have a mean $\mu$ which is not zero: how large is the variance of a score?
#
# ### Answers
#
# **1.** One over $\sigma_q \sigma_k \sqrt{d}$.

# %%
sigma_q, sigma_k, sigma = (
    scalar(name, domain="positive") for name in ("sigma_q", "sigma_k", "sigma")
)
calculation(
    Var(sum_over(q[i] * k[i], i)),
    given=(q, k, sigma_q, sigma_k),
    assuming=(random(q[i], variance=sigma_q**2), random(k[i], variance=sigma_k**2)),
).then(d * sigma_q**2 * sigma_k**2, because="every term has the product of both")

# %% [markdown]
# **2.** Smaller by the number of positions: attention that looks everywhere sees little.

# %%
v = n.vector("v")
calculation(
    Var(sum_over(v[c], c) / n), given=(v, sigma), assuming=(random(v[c], variance=sigma**2),)
).then(sum_over(Var(v[c]), c) / n**2, because="independent values").then(
    sigma**2 / n, because="$n$ equal terms"
)

# %% [markdown]
# **3.** As if the keys' variance were larger by the square of their mean: what counts is the mean
# square.

# %%
mu = scalar("mu")
calculation(
    Var(sum_over(q[i] * k[i], i)),
    given=(q, k, mu, sigma_k),
    assuming=(random(q[i]), random(k[i], mean=mu, variance=sigma_k**2)),
).then(sum_over(E(q[i] ** 2) * E(k[i] ** 2), i), because="the queries' mean is zero").then(
    d * (sigma_k**2 + mu**2), because="variance and mean"
)

# %% [markdown]
# ### References
#
# A. Vaswani et al., *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# M. Zaheer, S. Kottur, S. Ravanbakhsh, B. Poczos, R. Salakhutdinov and A. Smola, *Deep sets*,
# NeurIPS 2017, arXiv:1703.06114.
#
# G. Yang et al., *Tensor programs V: tuning large neural networks via zero-shot hyperparameter
# transfer*, arXiv:2203.03466, 2022.
