# %% [markdown]
# # Learning from preferences and rewards
#
# After a language model has learned to imitate, it is trained to be preferred: by people who
# compare its answers, or by a reward that scores them. Two things are new. Nobody says what the
# right answer would have been, only how good the one given was. And the reward, be it a person or
# a program that runs tests, cannot be differentiated. What can be is the probability of what the
# model has said, and this chapter shows how far that carries: from one trick with a logarithm to
# REINFORCE, PPO, GRPO and DPO.
#
# An answer of many tokens counts as one action here. Its log-probability is the sum of those
# of its tokens, so its gradient is a sum over them as well; what is behind them, the network,
# receives what this chapter derives and passes it on.

# %%
from sympy import Abs, Max, Min, Rational, Symbol, exp, log, sqrt

from symllm import (
    Dim,
    E,
    Let,
    Partial,
    calculation,
    matrix,
    mean,
    minimum,
    ops,
    pictures,
    random,
    scalar,
    sum_over,
)

# %% [markdown]
# ## The gradient of an expected reward
#
# Let there be $n$ answers. The model gives answer $j$ with the probability $\pi_j$, and is paid
# $R_j$ for it. What should grow is the average payment $J$. Its gradient is easy to write down, but
# as written it is a sum over all answers that there are. To estimate it from a few answers,
# it has to be an average *under the model itself*: each term must have its $\pi_j$ as a factor.

# %%
n = Dim("n", "answers")
i, j = n.indices("i j")
z, pi, R = n.vector("z", note="logits"), n.vector("pi"), n.vector("R", note="rewards")
J, B = scalar("J"), scalar("B", note="baseline")
policy = (
    z, R,
    Let(pi[i], ops.softmax(z[i], over=i), "policy"),
    Let(J, sum_over(pi[j] * R[j], j), "expected reward"),
)  # fmt: skip
calculation(Partial(J, z[i]), given=policy, title="The score function").then(
    sum_over(R[j] * Partial(pi[j], z[i]), j), because="rewards do not depend on the model"
).then(
    sum_over(pi[j] * (R[j] * Partial(log(pi[j]), z[i])), j),
    because="the derivative of a logarithm, times its argument",
)

# %% [markdown]
# *In words:* draw an answer, multiply the gradient of its log-probability by its reward, and the
# average over many draws is the gradient of the expected reward. Nothing was used of the
# reward, not even that it is continuous. This is REINFORCE (Williams, 1992): the model imitates
# its own answers, each as much as it was worth. For the logits of a softmax the average can be
# computed.

# %%
calculation(Partial(J, z[i]), given=policy, title="For logits").then(
    pi[i] * (R[i] - J), because="the gradient of softmax"
)

# %% [markdown]
# An answer gains if it is paid better than the average, however well the average is paid. But a
# single sample does not know that: if all rewards are positive, it pushes up whatever was
# drawn. What should be taken off the reward is a *baseline* $B$. May it?

# %%
calculation(
    sum_over(pi[j] * (B * Partial(log(pi[j]), z[i])), j), given=(*policy, B), title="A baseline"
).then(B * Partial(sum_over(pi[j], j), z[i]), because="the same trick, backwards").then(
    0, because="probabilities sum to one, whatever $z$ is"
)

# %% [markdown]
# *In words:* any number may be subtracted from all rewards, and the average gradient is the same.
# What changes is how far single samples are from it, and that is least where their mean square is.
# With $g_j$ for the length of the score of answer $j$, its gradient of $\log \pi_j$:

# %%
g = n.vector("g", domain="positive", note="length of the score")
chances = n.vector("pi", domain="distribution", note="policy")
minimum(
    sum_over(chances[j] * ((R[j] - B) * g[j]) ** 2, j),
    Let(
        B,
        sum_over(chances[j] * g[j] ** 2 * R[j], j) / sum_over(chances[j] * g[j] ** 2, j),
    ),
    given=(chances, R, g, B),
)

# %% [markdown]
# The best baseline is the average reward, in which answers with a long score count for more.
# In practice one takes the plain average, which is nearly as good, or lets a second network, the
# critic, foresee it for each question. Reward less baseline is called the *advantage* $A$. Here is
# what it buys: the same mean, and a fraction of the noise.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
prob, rewards = np.array([0.4, 0.3, 0.2, 0.1]), np.array([9, 10, 12, 15])
drawn = rng.choice(4, size=100_000, p=prob)
score = np.eye(4)[drawn] - prob
print("exact      ", np.round(prob * (rewards - prob @ rewards), 2))
for name, baseline in (("no baseline", 0), ("mean reward", prob @ rewards)):
    samples = (rewards[drawn] - baseline)[:, None] * score
    print(name, np.round(samples.mean(0), 2), f" deviation {samples.std():.2f}")

# %% [markdown]
# ## PPO's clipped objective
#
# Samples are costly, so each is used for several steps, although the model moves on meanwhile.
# The ratio $\rho$ of an answer's probability now to that when it was sampled makes up for this,
# but only while the two are close. PPO therefore limits what can be gained: the objective is the
# smaller of $\rho A$ and $\mathrm{clip}(\rho, 1 - \epsilon, 1 + \epsilon) A$. It looks as if
# clipping bounded it on both sides. Only one of the two ends ever matters:

# %%
rho, A = scalar("rho", domain="positive", note="probability ratio"), scalar("A", note="advantage")
epsilon = scalar("epsilon", domain="unit", note="how far the ratio may go")
f = scalar("f")
clipped = Max(1 - epsilon, Min(rho, 1 + epsilon))
objective = (rho, A, epsilon, Let(f, Min(rho * A, clipped * A), "PPO's objective"))
calculation(f, given=objective, title="One bound is enough").then(
    Min(rho * A, A + epsilon * Abs(A)), because="the sign of $A$ says which end"
)

# %% [markdown]
# Written so, the cases can be told apart. When an answer was good and has become likely enough,
# there is nothing more to gain. But when the model has gone the wrong way, however far, the way
# back is open.

# %%
calculation(
    Partial(f, rho),
    given=objective,
    assuming=(A > 0, rho > 1 + epsilon),
    title="Good, and likelier",
).then(0, because="the bound is the smaller")

# %%
calculation(
    Partial(f, rho),
    given=objective,
    assuming=(A > 0, rho < 1 - epsilon),
    title="Good, and less likely",
).then(A, because="the gain is the smaller")

# %% [markdown]
# For a bad answer, $A < 0$, it is the other way round, as the picture shows.

# %%
ratio = Symbol("rho", positive=True)
pictures.curves(
    {
        "good answer, $A = 1$": Min(ratio, Rational(6, 5)),
        "bad answer, $A = \u22121$": Min(-ratio, -Rational(4, 5)),
    },
    over=(ratio, 0, 2),
    name="ppo-clip",
    words="The objective over the ratio, with epsilon 0.2. For a good answer it rises up to a "
    "ratio of 1.2 and is flat from there; for a bad one it is flat up to 0.8 and falls from there.",
    across="ratio of probabilities",
    up="objective",
)

# %% [markdown]
# ### A gate for each answer
#
# For a batch, the loss is minus the mean of this objective. The advantages are given, and so are
# the old log-probabilities; the bound does not depend on the model at all. What is left is one
# path, through the ratio, and a gate that the minimum puts into it.

# %%
ops.ppo_clip

# %%
ops.ppo_clip.gradient("logp")

# %% [markdown]
# *In words:* the gradient of REINFORCE, weighted by the ratio, as long as there is something to
# gain. At the first step all ratios are one and all gates are open, and PPO *is* REINFORCE with a
# baseline; the clip speaks from the second step on. It keeps no one from leaving the interval: a
# gate that is shut stops the push of one answer, and the pushes of others may carry its
# probability further.

# %% [markdown]
# ## Group relative policy optimisation
#
# PPO needs advantages, and for them a critic that is as large as the model. GRPO draws a group of
# $G$ answers to one question instead and judges each by the others: its advantage is its reward,
# less the group's mean, over the group's standard deviation. The rest is PPO, and a penalty for
# leaving a reference model. This is the form for answers as wholes, each with one
# log-probability. A group whose rewards are all the same has no deviation to divide by, and
# has to be left out: it would have taught nothing.

# %%
ops.grpo

# %% [markdown]
# Within a group, what some answers are praised for others are blamed for: whatever the rewards,
# the advantages sum to zero. And they are of one size, as what a layer norm makes is.

# %%
G = Dim("G", "answers of a group")
a, c = G.indices("i j")
reward, adv = G.vector("R", note="rewards"), G.vector("A")
mu, sigma = scalar("mu"), scalar("sigma")
group = (
    reward,
    Let(mu, mean(reward[c], c), "mean reward"),
    Let(sigma, sqrt(mean((reward[c] - mu) ** 2, c)), "standard deviation"),
    Let(adv[a], (reward[a] - mu) / sigma, "advantage"),
)
calculation(sum_over(adv[a], a), given=group, title="The advantages of a group").then(
    (sum_over(reward[a], a) - G * mu) / sigma, because="sum first"
).then(0, because="by the definition of the mean")

# %%
calculation(mean(adv[a] ** 2, a), given=group, title="Their mean square").then(
    mean((reward[a] - mu) ** 2, a) / sigma**2, because="the deviation is the same for all"
).then(1, because="and its square is this mean")

# %% [markdown]
# Where a reward says right or wrong, the deviation is that of a coin, and the advantage of a right
# answer depends on one number, the share of the group that was right. That share is the mean.

# %%
right = G.vector("R", domain="binary", note="rewards")
calculation(
    (1 - mu) / sigma,
    given=(right, *group[1:3]),
    assuming=(sigma > 0,),
    title="The advantage of being right",
).then((1 - mu) / sqrt(mean(right[c] ** 2, c) - mu**2), because="the variance").then(
    (1 - mu) / sqrt(mu * (1 - mu)), because="zero and one are their own squares"
).then(sqrt((1 - mu) / mu), because="a root in common")

# %% [markdown]
# *In words:* a right answer counts for 7 where one in fifty is right, for 1 where half of them are,
# and for little where nearly all are; for wrong answers it is the other way round. Questions that
# are nearly always or nearly never answered get more weight than the plain difference from the mean
# would give them. Whether they should is disputed; without the division the advantage is between
# $-1$ and 1 (Liu et al., 2025).
#
# ### The penalty
#
# The divergence of the policy $\pi$ from the reference, with the probabilities $q$, is an average
# under the policy, so it could be estimated by $\log (\pi_i / q_i)$ of the answers that were drawn.
# That estimate is negative for some answers, although no divergence is. GRPO takes another, with
# the same average (Schulman, 2020).

# %%
q = n.vector("q", domain="distribution", note="probabilities of the reference")
calculation(
    sum_over(chances[i] * (q[i] / chances[i] - log(q[i] / chances[i]) - 1), i),
    given=(chances, q),
    title="The average of the estimate",
).then(
    sum_over(q[i], i) - sum_over(chances[i], i) + sum_over(chances[i] * log(chances[i] / q[i]), i),
    because="three sums",
).then(sum_over(chances[i] * log(chances[i] / q[i]), i), because="both sum to one")

# %% [markdown]
# The estimate is never negative: the logarithm lies below its tangent at one, which is also how
# *Probability* shows that no divergence is negative.
#
# ### A pull to the reference
#
# In the loss, $\mathrm{ref}$ is the log-probability $\log q$ of each answer that was drawn.
# Rewards are given numbers, and with them the advantages, so nothing is differentiated through
# the normalisation. An answer's log-probability acts through its ratio and through its penalty.

# %%
ops.grpo.gradient("logp")

# %% [markdown]
# *In words:* PPO's gradient, and a pull towards the reference. Where the model is likelier than
# the reference to give the answer, the pull is downwards, and bounded; where it is less likely,
# it is upwards, and grows with how much likelier the reference is. The advantages of a group sum to
# zero: as long as all ratios are one, what some of its answers gain, others lose, and nothing is
# learned but to prefer the better ones.

# %% [markdown]
# ## Comparisons instead of scores
#
# People find it hard to score an answer and easy to say which of two is better. The model of
# Bradley and Terry turns comparisons into scores: an answer is chosen in proportion to the
# exponential of its reward.

# %%
R_w = scalar("R_w", note="reward of the chosen answer")
R_l = scalar("R_l", note="reward of the rejected answer")
calculation(
    exp(R_w) / (exp(R_w) + exp(R_l)), given=(R_w, R_l), title="The chance to be chosen"
).then(1 / (1 + exp(-(R_w - R_l))), because="divide by the first exponential")

# %% [markdown]
# *In words:* a sigmoid of the difference; what is added to both rewards does not matter. So rewards
# can be fitted to comparisons by logistic regression, and then be maximised by PPO. That is
# two trainings, with a model in between that can be fooled. Are both needed?
#
# ## Direct preference optimisation
#
# What does PPO with a penalty look for? A policy that earns much, where every nat of divergence
# from the reference costs $\beta$. The best one is known from the section *From rewards to
# policies* of the chapter *Probability*: the reference times $e^{R / \beta}$, over the sum $Z$ that
# makes it a distribution. Call it $\hat{\pi}$. Put into the objective, it shows at a glance that
# nothing is better.

# %%
beta = scalar("beta", domain="positive", note="price of divergence")
Z, best = scalar("Z"), n.vector("pihat")
tilted = (
    R, q, beta,
    Let(Z, sum_over(q[j] * exp(R[j] / beta), j), "normaliser of the best policy"),
    Let(best[i], q[i] * exp(R[i] / beta) / Z, "best policy"),
)  # fmt: skip
calculation(
    sum_over(chances[i] * R[i], i) - beta * sum_over(chances[i] * log(chances[i] / q[i]), i),
    given=(chances, *tilted),
    title="Reward less divergence",
).then(
    beta * log(Z) - beta * sum_over(chances[i] * log(chances[i] / best[i]), i),
    because=r"put in $\log \hat{\pi}_i = \log q_i + R_i / \beta - \log Z$",
)

# %% [markdown]
# *In words:* the first term does not know the policy, and the second is a divergence: never
# negative, and zero only where $\pi$ is $\hat{\pi}$. Nobody can compute $Z$, a sum over all
# answers. But read it backwards. Of which reward is a given policy the best answer?

# %%
calculation(beta * log(best[i] / q[i]), given=tilted, title="The reward behind a policy").then(
    R[i] - beta * log(Z), because="the exponential meets the logarithm"
)

# %% [markdown]
# Up to one number for all answers to a question, it is $\beta$ times the logarithm of how much
# likelier than the reference the policy makes them. So let the model itself be the policy, and put
# *its* reward into the model of comparisons. Now $c_w$ and $c_l$ are the log-probabilities of the
# two answers under the policy, $\mathrm{ref}_w$ and $\mathrm{ref}_l$ those under the reference.

# %%
c_w, c_l, ref_w, ref_l, _ = ops.dpo.inputs.values()
normaliser = scalar("Z", domain="positive", note="normaliser of the best policy")
implied = (
    c_w, c_l, ref_w, ref_l, normaliser, beta,
    Let(R_w, beta * (c_w - ref_w) + beta * log(normaliser), "reward of the chosen answer"),
    Let(R_l, beta * (c_l - ref_l) + beta * log(normaliser), "reward of the rejected answer"),
)  # fmt: skip
calculation(R_w - R_l, given=implied, title="The sum is gone").then(
    beta * ((c_w - ref_w) - (c_l - ref_l)),
    because=r"$\beta \log Z$ is in both rewards, and cancels",
)

# %% [markdown]
# And the difference is all that the sigmoid asks for. What is left depends on four
# log-probabilities that two forward passes give. No reward model has to be trained, and no answer
# has to be drawn. The loss is the surprise at the choice that was made.

# %%
ops.dpo

# %% [markdown]
# ### One force, both ways
#
# The loss meets the two log-probabilities in their difference alone, so their gradients are
# opposite. Between the lead $u$ and the loss stand a sigmoid and a logarithm, which simplify as
# softmax and the logarithm do.

# %%
ops.dpo.gradient()

# %% [markdown]
# *In words:* the chosen answer is made more likely and the rejected one less, with one and the
# same force. That force is $\beta$ times the probability $1 - p$ that the model still gives to the
# opposite choice, so pairs that are ranked right with confidence are let go. Only the difference
# is held: both log-probabilities may fall together, and in practice they often do.

# %% [markdown]
# ## Exercises
#
# **1.** An answer ends with a token that can no longer change a reward earned before it. Show that
# such a reward may be left out of that token's gradient.
#
# **2.** The mean of a group contains the answer that is judged by it. Compare the advantage with
# that of a mean over the *other* answers. Is the gradient still right on average?
#
# **3.** GRPO differentiates its penalty for the answers that were drawn, and not the probability
# to draw them. Is the average of what it gets the gradient of the divergence?
#
# **4.** Of many people, a share $\alpha$ prefers the first answer. Which lead of this answer does
# the loss of DPO aim at? What if all of them prefer it?
#
# ### Answers
#
# **1.** Let the first of two tokens be $a$, with the reward $R_a$, and the second $b$, with
# probabilities that depend on the first. For the second token that reward is a number like any
# other, a baseline.

# %%
m = Dim("m", "tokens")
first, second, last = m.indices("a b j")
pay, logit = m.vector("R", note="rewards"), matrix("z", m, m, note="logits")
then = matrix("pi", m, m)
two = (
    pay, logit,
    Let(
        then[first, second],
        ops.softmax(logit[first, second], over=second),
        "the second token's probabilities",
        means="policy",
    ),
)  # fmt: skip
calculation(
    sum_over(
        then[first, second] * pay[first] * Partial(log(then[first, second]), logit[first, last]),
        second,
    ),
    given=two,
).then(
    pay[first] * Partial(sum_over(then[first, second], second), logit[first, last]),
    because="the trick of the baseline",
).then(0, because="whatever the first token was, the second's probabilities sum to one")

# %% [markdown]
# **2.** It is the same but for a factor, $1 - 1/G$.

# %%
calculation(reward[a] - sum_over(reward[c], c) / G, given=(reward,)).then(
    (1 - 1 / G.symbol) * (reward[a] - (sum_over(reward[c], c) - reward[a]) / (G - 1)),
    because="the others are all but one",
)

# %% [markdown]
# The others are independent of the answer, and so a baseline that may be subtracted. So the
# average gradient is a little too short, and points the right way. Here an answer is a coin $x_i$
# that falls on one with probability $\theta$, and $x_i - \theta$ is the gradient of its
# log-probability by its logit.

# %%
coin, s = G.vector("x", domain="binary", note="answer, as a coin"), G.vector("s")
chance = scalar("theta", domain="unit", note="probability of a right answer")
R_1 = scalar("R_1", note="reward of a right answer")
R_0 = scalar("R_0", note="reward of a wrong answer")
game = (
    coin, chance, R_1, R_0,
    Let(reward[a], R_1 * coin[a] + R_0 * (1 - coin[a]), "reward of the answer", means="rewards"),
    Let(s[a], coin[a] - chance, "score of the answer"),
    Let(mu, mean(reward[c], c), "mean reward"),
)  # fmt: skip
calculation(
    E((reward[a] - mu) * s[a]),
    given=game,
    assuming=(random(coin[a], mean=chance, law="binary"),),
).then((1 - 1 / G.symbol) * E(reward[a] * s[a]), because="scores of others have mean zero")

# %% [markdown]
# **3.** It is not: it is that of the divergence in the *other* direction, of the reference from the
# policy. Near the reference the two are alike; far from it they are not.

# %%
drift = (
    z, q,
    Let(pi[i], ops.softmax(z[i], over=i), "policy"),
)  # fmt: skip
calculation(
    sum_over(pi[j] * Partial(q[j] / pi[j] - log(q[j] / pi[j]) - 1, z[i]), j), given=drift
).then(
    -sum_over(q[j] * Partial(log(pi[j]), z[i]), j),
    because="the scores themselves average to zero",
).then(
    Partial(sum_over(q[j] * log(q[j] / pi[j]), j), z[i]),
    because="the divergence of $q$ from $\\pi$",
).then(pi[i] - q[i], because="as for any cross-entropy")

# %%
calculation(Partial(sum_over(pi[j] * log(pi[j] / q[j]), j), z[i]), given=drift).then(
    pi[i] * (log(pi[i] / q[i]) - sum_over(pi[j] * log(pi[j] / q[j]), j)),
    because="what it was meant to be",
)

# %% [markdown]
# **4.** At the log-odds of the preference.

# %%
lead = scalar("u", note="lead of the chosen answer")
alpha = scalar("alpha", domain="unit", note="share that prefers the first answer")
minimum(
    alpha * log(1 + exp(-lead)) + (1 - alpha) * log(1 + exp(lead)),
    Let(lead, log(alpha / (1 - alpha))),
    given=(lead, alpha),
)

# %% [markdown]
# If all prefer the first, the loss falls for ever: its slope is negative at every lead, and the
# penalty for leaving the reference, which $\beta$ was to be, does not stop it. IPO (Azar et al.,
# 2023) asks for a lead of a certain size instead.

# %%
L = scalar("L")
agreed = (lead, Let(L, log(1 + exp(-lead)), "everybody agrees", means="loss"))
falls = calculation(Partial(L, lead), given=agreed).then(-1 / (1 + exp(lead)), because="chain rule")
falls.at_most(0, because="an exponential is positive")

# %% [markdown]
# ### References
#
# R. J. Williams, *Simple statistical gradient-following algorithms for connectionist reinforcement
# learning*, Machine Learning 8, 1992.
#
# J. Schulman, F. Wolski, P. Dhariwal, A. Radford and O. Klimov, *Proximal policy optimization
# algorithms*, arXiv:1707.06347, 2017.
#
# J. Schulman, *Approximating KL divergence*, joschu.net, 2020.
#
# Z. Shao et al., *DeepSeekMath: pushing the limits of mathematical reasoning in open language
# models*, arXiv:2402.03300, 2024.
#
# Z. Liu et al., *Understanding R1-Zero-like training: a critical perspective*, arXiv:2503.20783,
# 2025.
#
# R. A. Bradley and M. E. Terry, *Rank analysis of incomplete block designs: I. The method of paired
# comparisons*, Biometrika 39, 1952.
#
# R. Rafailov, A. Sharma, E. Mitchell, S. Ermon, C. D. Manning and C. Finn, *Direct preference
# optimization: your language model is secretly a reward model*, NeurIPS 2023, arXiv:2305.18290.
#
# M. G. Azar et al., *A general theoretical paradigm to understand learning from human preferences*,
# arXiv:2310.12036, 2023.
