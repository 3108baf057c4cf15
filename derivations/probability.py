# %% [markdown]
# # Probability
#
# A language model is a probability distribution: it says how likely each token is to come next.
# Training it is a question about distributions: which one is nearest to the data? This chapter has
# what the rest of the book leans on. How is surprise measured, and what is a loss of 2.3 or a
# perplexity of 10? Why is training the same as maximising likelihood? Why is it softmax that makes
# scores into probabilities, and what does a temperature do?

# %%
from sympy import Rational, Symbol, exp, log, sqrt

from symllm import (
    Dim,
    Equals,
    Let,
    Partial,
    calculation,
    maximum,
    pictures,
    scalar,
    sum_over,
)

# %% [markdown]
# ## Surprise
#
# Call $-\log p$ the *surprise* at an event of probability $p$: nothing for what is certain, and
# more and more for what was thought unlikely. The logarithm is there because independent events
# multiply their probabilities, and their surprises should add up. *Entropy* is the average surprise
# of somebody who knows the probabilities. For a coin, let $h$ be the chance of heads.

# %%
heads, tails, H = scalar("h", domain="unit", note="chance of heads"), scalar("t"), scalar("H")
coin = (
    heads,
    Let(tails, 1 - heads, "chance of tails"),
    Let(H, -heads * log(heads) - tails * log(tails), "entropy"),
)
calculation(Partial(H, heads), given=coin, title="The slope of entropy").then(
    log(tails / heads), because="the product rule; the constants cancel"
)

# %% [markdown]
# *In words:* the slope is the log-odds of tails. It is positive for a rare head and negative for a
# frequent one, so entropy is largest for the fair coin: no other surprises more on average.

# %%
chance = Symbol("h", positive=True)
pictures.curves(
    {"entropy": -(chance * log(chance) + (1 - chance) * log(1 - chance)) / log(2)},
    over=(chance, Rational(1, 1000), Rational(999, 1000)),
    name="entropy-of-a-coin",
    words="The entropy of a coin, in bits: an arch that rises steeply from zero, is one at "
    "probability one half, and falls to zero again.",
    across="probability $h$ of heads",
    up="entropy in bits",
)

# %% [markdown]
# The picture is in *bits*, with logarithms to the base two. Losses are in *nats*, with natural
# logarithms; divide by $\log 2$, about 0.69, to have bits.
#
# ## Divergence is never negative
#
# Somebody expects $q$ where $p$ is true. The *Kullback–Leibler divergence* of $p$ from $q$ says how
# much more surprised they are, on average, than they had to be. That it is never negative needs
# one inequality only: a logarithm lies below its tangent.

# %%
n = Dim("n", "events")
i, j = n.indices("i j")
x = scalar("x", domain="positive", note="ratio of probabilities")
calculation(log(x), given=(x,), title="Below its tangent").at_most(
    x - 1, because="the logarithm is concave"
)

# %%
p = n.vector("p", domain="distribution", note="true probabilities")
q = n.vector("q", domain="distribution", note="probabilities of the model")
calculation(
    sum_over(p[i] * log(p[i] / q[i]), i), given=(p, q), title="The divergence of two distributions"
).then(-sum_over(p[i] * log(q[i] / p[i]), i), because="the quotient turned over").at_least(
    -sum_over(p[i] * (q[i] / p[i] - 1), i), because="below the tangent"
).then(sum_over(p[i], i) - sum_over(q[i], i), because="multiplied out").then(
    0, because="both sum to one"
)

# %% [markdown]
# *In words:* nobody is surprised less, on average, than those who expect what is true. Equality
# needs the tangent to touch everywhere, at $q_i / p_i = 1$: the divergence is zero for equal
# distributions alone.

# %% [markdown]
# ## Cross-entropy and perplexity
#
# The average surprise itself is the *cross-entropy*, the loss of nearly every language model. It is
# the entropy of the data plus the divergence of the data from the model. The first part nobody can
# change.

# %%
calculation(-sum_over(p[i] * log(q[i]), i), given=(p, q), title="Cross-entropy").then(
    -sum_over(p[i] * log(p[i]), i) + sum_over(p[i] * log(p[i] / q[i]), i),
    because="add and subtract the entropy",
).at_least(-sum_over(p[i] * log(p[i]), i), because="the divergence is not negative")

# %% [markdown]
# *In words:* this loss does not go to zero. What is left when a model is perfect is the entropy of
# language, and nobody knows exactly how large that is.
#
# Entropy is largest for the even distribution, as it was for the coin: take $q_i = 1/n$ above.

# %%
entropy = -sum_over(p[i] * log(p[i]), i)
calculation(entropy, given=(p,), title="How large entropy is").then(
    log(n.symbol) - sum_over(p[i] * log(n * p[i]), i), because="with $q_i = 1/n$"
).at_most(log(n.symbol), because="the divergence is not negative")

# %% [markdown]
# So a model of $n$ tokens that knows nothing has the loss $\log n$: 10.8 nats for the 50257 tokens
# of GPT-2. The first number that a training run prints should be close to that.
#
# *Perplexity* is the exponential of the cross-entropy. It counts: who guesses evenly among $n$
# tokens has a perplexity of $n$,

# %%
calculation(
    exp(-sum_over(p[i] * log(1 / n.symbol), i)), given=(p,), title="The perplexity of a guess"
).then(n, because="every token costs $\\log n$")

# %% [markdown]
# so a perplexity of ten is the uncertainty of an even choice among ten. For a text, it is one over
# the geometric mean of the probabilities that its tokens had. With two tokens, of probabilities
# $a$ and $b$:

# %%
a = scalar("a", domain="unit", note="probability of the first token")
b = scalar("b", domain="unit", note="probability of the second token")
L = scalar("L")
two = (a, b, Let(L, -(log(a) + log(b)) / 2, "mean surprise", means="loss"))
calculation(exp(L), given=two, title="The perplexity of two tokens").then(
    1 / sqrt(a * b), because="a sum of logarithms is that of the product"
)

# %% [markdown]
# *In words:* one token that was thought impossible ruins it, for no number of good guesses makes
# up for a factor of zero. It is well that softmax gives no token a probability of zero.

# %% [markdown]
# All this can be measured. Draw many tokens from $p$; the mean surprise comes out as the formulas
# say, with the true probabilities and with wrong ones.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
true, wrong = np.array([0.7, 0.2, 0.1]), np.array([0.2, 0.3, 0.5])
text = rng.choice(3, size=200_000, p=true)
surprise, misled = -np.log(true), -np.log(wrong)
for name, each in (("true", surprise), ("wrong", misled)):
    loss, mean = true @ each, each[text].mean()
    print(f"{name:5} {loss:.2f}, measured {mean:.2f}, perplexity {np.exp(loss):.2f}")
print(f"divergence {true @ np.log(true / wrong):.2f}")

# %% [markdown]
# ## Maximum likelihood
#
# A text has $c_i$ tokens of kind $i$, a share $f_i$ of all. If tokens are independent, the
# logarithm of its probability is the sum of $c_i \log q_i$. For each token, and with the sign
# turned, that is a cross-entropy.

# %%
c, f = n.vector("c", domain="positive", note="tokens of each kind"), n.vector("f")
shares = (c, q, Let(f[i], c[i] / sum_over(c[j], j), "share of each kind"))
calculation(
    -sum_over(c[i] * log(q[i]), i) / sum_over(c[j], j),
    given=shares,
    title="The logarithm of a likelihood, for each token",
).then(-sum_over(f[i] * log(q[i]), i), because="by the shares").at_least(
    -sum_over(f[i] * log(f[i]), i), because="the divergence is not negative"
)

# %% [markdown]
# Minimising cross-entropy and maximising likelihood are one thing. The bound is reached where the
# divergence is zero, and that is at the shares themselves:

# %%
free = n.vector("q", domain="positive", note="probabilities of the model")
maximum(
    sum_over(c[i] * log(free[i]), i),
    Let(free[i], c[i] / sum_over(c[j], j)),
    given=(free, c),
    subject_to=Equals(sum_over(free[i], i), 1),
)

# %% [markdown]
# *In words:* a model that could say anything would say what it has counted. All that makes a
# language model more than a table is that it cannot.

# %% [markdown]
# What does it say instead? Let a model have one parameter $\theta$, which weighs a feature $s_i$ of
# each token: how often it is a noun, say. Differentiate its cross-entropy.

# %%
s = n.vector("s", note="feature of each token")
theta = scalar("theta", note="weight of the feature")
model = n.vector("q")
weighed = (
    p, s, theta,
    Let(model[i], exp(theta * s[i]) / sum_over(exp(theta * s[j]), j), "the model"),
    Let(L, -sum_over(p[i] * log(model[i]), i), "its cross-entropy", means="loss"),
)  # fmt: skip
calculation(Partial(L, theta), given=weighed, title="A model with one parameter").then(
    sum_over(model[i] * s[i], i) - sum_over(p[i] * s[i], i),
    because="what the model expects of the feature, less what is true",
)

# %% [markdown]
# *In words:* where the slope is zero, both averages agree. With several features it is so for each:
# trained to the end, such a model has the right average of every feature that it can weigh, and no
# promise is made of any other.

# %% [markdown]
# ## Why softmax
#
# Scores $z_i$ have to become probabilities somehow. We ask for a high average score, but do not
# want to be more certain than the scores justify: so we add $\tau$ times the entropy. There is one
# best answer. To find it, take Lagrange's function with a multiplier $\nu$ for the sum.

# %%
s = n.vector("z", note="scores")
tau = scalar("tau", domain="positive", note="temperature")
nu = scalar("nu", note="Lagrange multiplier")
J = scalar("J")
objective = sum_over(free[i] * s[i], i) - tau * sum_over(free[i] * log(free[i]), i)
lagrange = (
    free, s, tau, nu,
    Let(J, objective - nu * (sum_over(free[i], i) - 1), "Lagrange's function"),
)  # fmt: skip
calculation(Partial(J, free[i]), given=lagrange, title="The slope of Lagrange's function").then(
    s[i] - tau * log(free[i]) - tau - nu, because="only one term of each sum holds $q_i$"
)

# %%
calculation(
    Equals(s[i] - tau * log(free[i]) - tau - nu, 0),
    given=lagrange,
    unknown=(free,),
    title="Where that slope is zero",
).implies(
    Equals(log(free[i]), (s[i] - tau - nu) / tau), because="solved for the logarithm"
).implies(
    Equals(free[i], exp(s[i] / tau) * exp(-1 - nu / tau)), because="exponentials of both sides"
)

# %% [markdown]
# The second factor is the same for all $i$, so it is what makes the sum one: one over the sum of
# the first. That is softmax at the temperature $\tau$.

# %%
maximum(
    objective,
    Let(free[i], exp(s[i] / tau) / sum_over(exp(s[j] / tau), j)),
    given=(free, s, tau),
    subject_to=Equals(sum_over(free[i], i), 1),
)

# %% [markdown]
# *In words:* softmax trades average score against entropy, and temperature is what entropy is
# worth. Whoever fixes the average score instead, and asks for the largest entropy that it leaves,
# finds the same function; then $1/\tau$ is the multiplier (Jaynes, 1957).
#
# The value that is reached has a name as well: it is the log-sum-exp.

# %%
best = Let(model[i], exp(s[i] / tau) / sum_over(exp(s[j] / tau), j), "softmax at a temperature")
calculation(
    sum_over(model[i] * s[i], i) - tau * sum_over(model[i] * log(model[i]), i),
    given=(s, tau, best),
    title="The value that is reached",
).then(
    sum_over(model[i] * s[i], i)
    - sum_over(model[i] * (s[i] - tau * log(sum_over(exp(s[j] / tau), j))), i),
    because="the logarithm of softmax",
).then(tau * log(sum_over(exp(s[j] / tau), j)), because="the probabilities sum to one")

# %% [markdown]
# ## Temperature
#
# Take any two tokens. What a temperature does to all is seen in their odds:

# %%
k = n.index("k")
at_tau = (s, tau, best)
calculation(model[i] / model[k], given=at_tau, title="The odds of two tokens").then(
    exp((s[i] - s[k]) / tau), because="the denominator is the same"
)

# %% [markdown]
# Two limits can be read off. When $\tau$ goes to zero, any gap in the scores becomes infinite odds:
# what is not the best has no chance, and softmax becomes a choice of the maximum. And when $\tau$
# grows, all odds go to one. How fast is bounded on both sides, if all scores lie between $m$ and
# $M$:

# %%
low, high = scalar("m", note="least score"), scalar("M", note="largest score")
bounded = {"given": (*at_tau, low, high), "assuming": (low <= s[i], s[i] <= high)}
calculation(model[i], **bounded, title="No probability is far above even").at_most(
    exp(high / tau) / sum_over(exp(low / tau), j), because="larger above, smaller below"
).then(exp((high - low) / tau) / n, because="$n$ equal terms")

# %%
calculation(model[i], **bounded, title="None is far below even").at_least(
    exp(low / tau) / sum_over(exp(high / tau), j), because="smaller above, larger below"
).then(exp(-(high - low) / tau) / n, because="$n$ equal terms")

# %% [markdown]
# In between, the distribution passes from the one limit to the other without turning back: its
# entropy only rises.

# %%
mu, entropy_of = scalar("mu"), scalar("H")
warm = (
    *at_tau,
    Let(mu, sum_over(model[i] * s[i], i), "average score"),
    Let(entropy_of, -sum_over(model[i] * log(model[i]), i), "entropy"),
)
calculation(Partial(entropy_of, tau), given=warm, title="Entropy and temperature").then(
    sum_over(model[i] * (s[i] - mu) ** 2, i) / tau**3, because="differentiate, and collect"
).at_least(0, because="squares, with positive weights")

# %% [markdown]
# *In words:* the slope is the variance of the scores over $\tau^3$. Only equal scores have none; of
# others, one temperature belongs to every entropy between the two limits, and a sampler may ask
# for the one or for the other. Here are three tokens with the scores 2, 1 and 0:

# %%
t = Symbol("tau", positive=True)
total = sum(exp(score / t) for score in (2, 1, 0))
pictures.curves(
    {f"score {score}": exp(score / t) / total for score in (2, 1, 0)},
    over=(t, Rational(1, 10), 20),
    name="temperature",
    words="Probabilities of three tokens with scores 2, 1 and 0 over the temperature: at a low one "
    "the best has all, at a high one all have nearly a third.",
    across=r"temperature $\tau$",
    up="probability",
    log="x",
)

# %% [markdown]
# ## From rewards to policies
#
# The same argument that gave softmax gives the loss of direct preference optimisation. A policy
# $\pi$ is to earn a high reward $r$ and to stay near a reference policy $\rho$: every nat of
# divergence costs $\beta$.

# %%
pi = n.vector("pi", domain="positive", note="policy")
rho = n.vector("rho", domain="distribution", note="reference policy")
reward = n.vector("r", note="reward")
beta = scalar("beta", domain="positive", note="price of divergence")
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
    Let(
        Z, sum_over(rho[j] * exp(reward[j] / beta), j), "what nobody can compute",
        means="partition function",
    ),
    Let(pi[i], rho[i] * exp(reward[i] / beta) / Z, "the best policy"),
)  # fmt: skip
calculation(
    beta * log(pi[i] / rho[i]) - beta * log(pi[j] / rho[j]),
    given=policy,
    title="The difference of two rewards",
).then(
    beta * (reward[i] / beta - log(Z)) - beta * (reward[j] / beta - log(Z)),
    because="put in the best policy",
).then(reward[i] - reward[j], because="$\\log Z$ cancels")

# %% [markdown]
# *In words:* the policy is its own reward model. Put this difference into the logistic model of
# preferences, and what is left to train is the loss whose gradient the chapter *Learning from
# preferences and rewards* derives.

# %% [markdown]
# ## Exercises
#
# **1.** Show that the entropy of two independent choices is the sum of their entropies.
#
# **2.** One model reports a loss of $L$ nats for each token, and its tokens have $\ell$ characters
# on average; another has other tokens. How are the two to be compared?
#
# **3.** Show that the average score falls as the temperature rises. (Take $\kappa = 1/\tau$, and
# differentiate by it.)
#
# **4.** Find the mistake: "A divergence is a distance, so it does not matter which of the two
# comes first."
#
# **5.** Add one to every count before the shares are taken. Which objective does that maximise?
#
# ### Answers
#
# **1.** The logarithm of a product is a sum, and the other distribution sums to one.

# %%
u = n.vector("u", domain="distribution", note="probabilities of one choice")
v = n.vector("v", domain="distribution", note="probabilities of another choice")
calculation(-sum_over(u[i] * v[j] * log(u[i] * v[j]), i, j), given=(u, v)).then(
    -sum_over(u[i] * v[j] * log(u[i]), i, j) - sum_over(u[i] * v[j] * log(v[j]), i, j),
    because="logarithm of a product",
).then(-sum_over(u[i] * log(u[i]), i) - sum_over(v[j] * log(v[j]), j), because="each sums to one")

# %% [markdown]
# **2.** By what they say of the same text, in bits for each character: there the number of tokens
# is gone. Perplexities of different tokens are not comparable: larger tokens have larger ones.

# %%
T = scalar("T", domain="positive", note="tokens of a text")
loss = scalar("L", domain="positive", note="loss")
width = scalar("ell", domain="positive", note="characters of a token")
bits, characters = scalar("B"), scalar("C")
text = (
    T, loss, width,
    Let(bits, T * loss / log(2), "bits for the text"),
    Let(characters, T * width, "characters of the text"),
)  # fmt: skip
calculation(bits / characters, given=text).then(loss / (width * log(2)), because="$T$ cancels")

# %% [markdown]
# **3.** The slope of the average is a mean of squares less the square of a mean. It is a variance,
# so the average rises with $\kappa$, and falls with the temperature.

# %%
kappa, average, w = scalar("kappa", note="inverse temperature"), scalar("mu"), n.vector("q")
tilted = (
    s, kappa,
    Let(w[i], exp(kappa * s[i]) / sum_over(exp(kappa * s[j]), j), "softmax"),
    Let(average, sum_over(w[i] * s[i], i), "average score"),
)  # fmt: skip
calculation(Partial(average, kappa), given=tilted).then(
    sum_over(w[i] * s[i] ** 2, i) - sum_over(w[i] * s[i], i) ** 2, because="quotient rule"
).then(sum_over(w[i] * (s[i] - average) ** 2, i), because="the variance")

# %% [markdown]
# **4.** It is not symmetric. For a fair coin and one with heads of probability $h$, the two
# orders differ; near $h = 0$ the first grows without bound, and the second tends to $\log 2$. The
# chapter *Losses* shows what that means for training.

# %%
half, bent = Rational(1, 2), (heads, Let(tails, 1 - heads, "chance of tails"))
calculation(
    half * log(half / heads) + half * log(half / tails), given=bent, title="The fair coin first"
).then(-log(4 * heads * tails) / 2, because="collect the logarithms")

# %%
calculation(
    heads * log(2 * heads) + tails * log(2 * tails), given=bent, title="The bent coin first"
).then(log(2) + heads * log(heads) + tails * log(tails), because="the logarithm of two, taken out")

# %% [markdown]
# **5.** The logarithm of the likelihood, and a sum of $\log q_i$ that keeps every probability away
# from zero: as if every kind had been seen once more.

# %%
maximum(
    sum_over(c[i] * log(free[i]), i) + sum_over(log(free[i]), i),
    Let(free[i], (c[i] + 1) / sum_over(c[j] + 1, j)),
    given=(free, c),
    subject_to=Equals(sum_over(free[i], i), 1),
)

# %% [markdown]
# ### References
#
# C. E. Shannon, *A mathematical theory of communication*, Bell System Technical Journal 27, 1948.
#
# S. Kullback and R. A. Leibler, *On information and sufficiency*, Annals of Mathematical
# Statistics 22, 1951.
#
# F. Jelinek, R. L. Mercer, L. R. Bahl and J. K. Baker, *Perplexity: a measure of the difficulty of
# speech recognition tasks*, Journal of the Acoustical Society of America 62, 1977.
#
# E. T. Jaynes, *Information theory and statistical mechanics*, Physical Review 106, 1957.
#
# T. M. Cover and J. A. Thomas, *Elements of information theory*, 2nd edition, Wiley, 2006.
#
# R. Rafailov, A. Sharma, E. Mitchell, S. Ermon, C. D. Manning and C. Finn, *Direct preference
# optimization: your language model is secretly a reward model*, NeurIPS 2023, arXiv:2305.18290.
