# %% [markdown]
# # Probability
#
# A language model is a probability distribution, and training it is a question about
# distributions: which one is nearest to the data? This chapter collects what the rest of the book
# leans on: entropy and divergence, maximum likelihood, why softmax and no other function, and how
# large its denominator can be.

# %%
from sympy import exp, log

from symllm import (
    Dim,
    Equals,
    Let,
    Partial,
    calculation,
    maximum,
    scalar,
    sum_over,
)

# %% [markdown]
# ## Divergence is never negative
#
# The *Kullback–Leibler divergence* of $p$ from $q$ says how much more surprised somebody is, on
# average, who expects $q$ where $p$ is true. That it is never negative needs one inequality only: a
# logarithm lies below its tangent, $\log x \le x - 1$.

# %%
n = Dim("n")
i, j = n.indices("i j")
x = scalar("x", domain="positive")
calculation(log(x), given=(x,), title="Below its tangent").at_most(
    x - 1, because="the logarithm is concave"
)

# %%
p, q = (n.vector(name, domain="distribution") for name in "pq")
calculation(
    sum_over(p[i] * log(p[i] / q[i]), i), given=(p, q), title="The divergence of two distributions"
).then(-sum_over(p[i] * log(q[i] / p[i]), i), because="the quotient turned over").at_least(
    -sum_over(p[i] * (q[i] / p[i] - 1), i), because="below the tangent"
).then(sum_over(p[i], i) - sum_over(q[i], i), because="multiplied out").then(
    0, because="both sum to one"
)

# %% [markdown]
# *In words:* no one is less surprised than who expects what is true. Equality needs the tangent to
# touch everywhere, at $q_i / p_i = 1$: the divergence is zero for equal distributions alone.
#
# Cross-entropy, the loss of every language model, is the entropy of the data and the divergence of
# the model from it. The first part nobody can change.

# %%
calculation(-sum_over(p[i] * log(q[i]), i), given=(p, q), title="Cross-entropy").then(
    -sum_over(p[i] * log(p[i]), i) + sum_over(p[i] * log(p[i] / q[i]), i),
    because="add and subtract the entropy",
).at_least(-sum_over(p[i] * log(p[i]), i), because="the divergence is not negative")

# %% [markdown]
# The entropy itself is largest for the even distribution: take $q_i = 1/n$ above.

# %%
entropy = -sum_over(p[i] * log(p[i]), i)
calculation(entropy, given=(p,), title="How large entropy is").then(
    log(n.symbol) - sum_over(p[i] * log(n * p[i]), i), because="with $q_i = 1/n$"
).at_most(log(n.symbol), because="the divergence is not negative")

# %% [markdown]
# *Perplexity* is the exponential of the cross-entropy. By the last line it is at most $n$ for who
# knows the truth, and $n$ for who guesses evenly: the number of equally likely tokens that
# the model is as uncertain between.

# %%
calculation(
    exp(-sum_over(p[i] * log(1 / n.symbol), i)), given=(p,), title="The perplexity of a guess"
).then(n, because="every token costs $\\log n$")

# %% [markdown]
# ## Maximum likelihood
#
# A text has $c_i$ tokens of kind $i$. Which probabilities make it most likely, if tokens are
# independent? The logarithm of its probability is the sum of $c_i \log p_i$.

# %%
c = n.vector("c", domain="positive")
r = n.vector("p", domain="positive")
maximum(
    sum_over(c[i] * log(r[i]), i),
    Let(r[i], c[i] / sum_over(c[j], j)),
    given=(r, c),
    subject_to=Equals(sum_over(r[i], i), 1),
)

# %% [markdown]
# *In words:* the frequencies. Minimising cross-entropy and maximising likelihood are one thing, and
# a model that could say anything would say what it has counted. All that makes a language model
# more than a table is that it cannot.
#
# ## Why softmax
#
# Scores have to become probabilities somehow. Suppose that we ask for the distribution with a high
# average score, but that we do not want it to be more certain than the scores justify: we add
# $\tau$ times its entropy. There is one best answer. To find it, take Lagrange's function with a
# multiplier $\nu$ for the sum.

# %%
s, tau, nu, J = n.vector("x"), scalar("tau", domain="positive"), scalar("nu"), scalar("J")
objective = sum_over(r[i] * s[i], i) - tau * sum_over(r[i] * log(r[i]), i)
lagrange = (r, s, tau, nu, Let(J, objective - nu * (sum_over(r[i], i) - 1), "Lagrange's function"))
calculation(Partial(J, r[i]), given=lagrange, title="Its slope").then(
    s[i] - tau * log(r[i]) - tau - nu, because="only one term of each sum holds $p_i$"
)

# %%
calculation(
    Equals(s[i] - tau * log(r[i]) - tau - nu, 0),
    given=lagrange,
    unknown=(r,),
    title="Where it is zero",
).implies(Equals(log(r[i]), (s[i] - tau - nu) / tau), because="solved for the logarithm").implies(
    Equals(r[i], exp(s[i] / tau) * exp(-1 - nu / tau)), because="exponentials of both sides"
)

# %% [markdown]
# The second factor is the same for all $i$, so it is what makes the sum one: one over the sum of
# the first. That is softmax at the temperature $\tau$.

# %%
maximum(
    objective,
    Let(r[i], exp(s[i] / tau) / sum_over(exp(s[j] / tau), j)),
    given=(r, s, tau),
    subject_to=Equals(sum_over(r[i], i), 1),
)

# %% [markdown]
# *In words:* softmax trades average score against entropy, and temperature is the price of entropy.
# At $\tau$ near zero it picks the best score; at a large $\tau$ it forgets the scores.
#
# The value that is reached has a name as well: it is the log-sum-exp.

# %%
best = Let(p[i], exp(s[i] / tau) / sum_over(exp(s[j] / tau), j), "softmax at a temperature")
calculation(
    sum_over(p[i] * s[i], i) - tau * sum_over(p[i] * log(p[i]), i),
    given=(s, tau, best),
    title="The value that is reached",
).then(
    sum_over(p[i] * s[i], i) - sum_over(p[i] * (s[i] - tau * log(sum_over(exp(s[j] / tau), j))), i),
    because="the logarithm of softmax",
).then(tau * log(sum_over(exp(s[j] / tau), j)), because="the probabilities sum to one")

# %% [markdown]
# ## The stable softmax
#
# Exponentials of scores overflow long before the probabilities mean nothing: in single precision
# from 89 on. Any number $m$ may be subtracted from all scores, though.

# %%
m = scalar("m")
calculation(exp(s[i] - m) / sum_over(exp(s[j] - m), j), given=(s, m), title="Shifted scores").then(
    exp(s[i]) / sum_over(exp(s[j]), j), because="$e^{-m}$ is in all terms, and cancels"
)

# %% [markdown]
# If $m$ is the maximum, no exponent is positive and one of them is zero, so that the sum is between
# one and $n$. The log-sum-exp is therefore close to the maximum: it is at least any score,

# %%
calculation(log(sum_over(exp(s[j]), j)), given=(s,), over=(i,), title="From below").at_least(
    s[i], because="one term is less than all of them"
)

# %% [markdown]
# and at most $\log n$ more than whatever is no smaller than all of them.

# %%
calculation(
    log(sum_over(exp(s[j]), j)),
    given=(s, m),
    assuming=(s[i] <= m,),
    title="From above",
).at_most(log(sum_over(exp(m), j)), because="every score is at most $m$").then(
    m + log(n.symbol), because="$n$ equal terms"
)

# %% [markdown]
# ## From rewards to policies
#
# The same argument that gave softmax gives the loss of direct preference optimisation. A policy
# $\pi$ is to earn a high reward $r$ and to stay near a reference policy $\rho$: every nat of
# divergence costs $\beta$.

# %%
pi, rho = n.vector("pi", domain="positive"), n.vector("rho", domain="distribution")
reward, beta = n.vector("r"), scalar("beta", domain="positive")
maximum(
    sum_over(pi[i] * reward[i], i) - beta * sum_over(pi[i] * log(pi[i] / rho[i]), i),
    Let(pi[i], rho[i] * exp(reward[i] / beta) / sum_over(rho[j] * exp(reward[j] / beta), j)),
    given=(pi, rho, reward, beta),
    subject_to=Equals(sum_over(pi[i], i), 1),
)

# %% [markdown]
# Nobody can compute the denominator, a sum over all texts. But solve for the reward instead, and it
# is the same for all answers to one prompt: in a *difference* of two rewards it is gone.

# %%
Z = scalar("Z")
policy = (
    rho, reward, beta,
    Let(Z, sum_over(rho[j] * exp(reward[j] / beta), j), "what nobody can compute"),
    Let(pi[i], rho[i] * exp(reward[i] / beta) / Z, "the best policy"),
)  # fmt: skip
calculation(
    beta * log(pi[i] / rho[i]) - beta * log(pi[j] / rho[j]), given=policy, title="Two answers"
).then(
    beta * (reward[i] / beta - log(Z)) - beta * (reward[j] / beta - log(Z)),
    because="put in the best policy",
).then(reward[i] - reward[j], because="$\\log Z$ cancels")

# %% [markdown]
# *In words:* the policy is its own reward model. Put this difference into the logistic model of
# preferences, and what is left to train is the loss whose gradient the chapter on preferences
# derives.
#
# ## Exercises
#
# **1.** Show that two independent choices have the entropies of both, added.
#
# **2.** What is the slope of the log-sum-exp, and what does it say about its bounds?
#
# **3.** The variance of a score under softmax is the slope of its average with respect to
# $1/\tau$. Show it.
#
# ### Answers
#
# **1.** The logarithm of a product is a sum, and the other distribution sums to one.

# %%
k = Dim("k")
a = k.index("a")
u = k.vector("u", domain="distribution")
calculation(-sum_over(p[i] * u[a] * log(p[i] * u[a]), i, a), given=(p, u)).then(
    -sum_over(p[i] * u[a] * log(p[i]), i, a) - sum_over(p[i] * u[a] * log(u[a]), i, a),
    because="logarithm of a product",
).then(-sum_over(p[i] * log(p[i]), i) - sum_over(u[a] * log(u[a]), a), because="each sums to one")

# %% [markdown]
# **2.** Softmax, whose entries lie between zero and one: no score can raise it by more than it
# grows itself.

# %%
lse = scalar("z")
calculation(
    Partial(lse, s[i]), given=(s, Let(lse, log(sum_over(exp(s[j]), j)), "log-sum-exp"))
).then(exp(s[i]) / sum_over(exp(s[j]), j), because="chain rule").at_most(
    1, because="one term of the sum"
)

# %% [markdown]
# **3.** Let $b = 1/\tau$. The slope of a mean is a mean of squares less the square of a mean.

# %%
b, average, w = scalar("b"), scalar("mu"), n.vector("p")
tilted = (
    s, b,
    Let(w[i], exp(b * s[i]) / sum_over(exp(b * s[j]), j), "softmax"),
    Let(average, sum_over(w[i] * s[i], i), "the average score"),
)  # fmt: skip
calculation(Partial(average, b), given=tilted).then(
    sum_over(w[i] * s[i] ** 2, i) - sum_over(w[i] * s[i], i) ** 2, because="quotient rule"
).then(sum_over(w[i] * (s[i] - average) ** 2, i), because="the variance")

# %% [markdown]
# ### References
#
# C. E. Shannon, *A mathematical theory of communication*, Bell System Technical Journal 27, 1948.
#
# E. T. Jaynes, *Information theory and statistical mechanics*, Physical Review 106, 1957.
#
# T. M. Cover and J. A. Thomas, *Elements of information theory*, Wiley, 2006.
#
# R. Rafailov, A. Sharma, E. Mitchell, S. Ermon, C. D. Manning and C. Finn, *Direct preference
# optimization: your language model is secretly a reward model*, NeurIPS 2023, arXiv:2305.18290.
