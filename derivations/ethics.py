# %% [markdown]
# # Privacy and fairness in numbers
#
# Language models have been made to recite telephone numbers that stood in their training data once
# (Carlini et al., 2021). Classifiers have accused one group of people twice as often as another.
# What should a model promise instead? Some promises can be written as inequalities: that it does
# not give away who was in its data, that it treats groups alike. Written so, they can be checked;
# their price can be computed; and it turns out that some of them exclude each other. This chapter
# proves what follows from definitions, and says what it takes from elsewhere. Which promise to
# make, it cannot say.

# %%
from sympy import Abs, Min, Rational, Symbol, erf, exp, log, sqrt

from symllm import (
    Cov,
    Dim,
    E,
    Equals,
    Let,
    Var,
    calculation,
    pictures,
    random,
    scalar,
    sum_over,
)

# %% [markdown]
# ## What one example can change
#
# A mechanism is private if its answer would be nearly as likely without any one of the examples. To
# make training private, bound first what one example can do. A gradient may be as long as it likes,
# so DP-SGD (Abadi et al., 2016) clips the gradient of *each* example to a length of at most $C$,
# and then adds them up. Take an example away, and the sum changes by its clipped gradient. How much
# is that?

# %%
n, d = Dim("n", "examples"), Dim("d", "parameters")
i, j = n.index("i"), d.index("j")
g = d.vector("g", note="gradients of the examples").batched((n,))
clipped = d.vector("ghat").batched((n,))
length, C = n.vector("l"), scalar("C", domain="positive", note="bound on the lengths")
sums = (
    g, C,
    Let(length[i], sqrt(sum_over(g[i, j] ** 2, j)), "length of a gradient"),
    Let(clipped[i, j], g[i, j] * Min(1, C / length[i]), "clipped", means="clipped gradients"),
)  # fmt: skip
calculation(sqrt(sum_over(clipped[i, j] ** 2, j)), given=sums, title="The sensitivity").then(
    length[i] * Min(1, C / length[i]), because="the factor is out"
).at_most(C, because="the smaller of the length and $C$")

# %% [markdown]
# *In words:* a batch may be as large as it likes, and its examples as strange: nobody moves the sum
# by more than $C$, and the sum of what they agree on grows with the batch. Clip the *sum* instead,
# as is done against exploding gradients, and one example can turn all of it around.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
gradients = 1 + rng.normal(size=(100, 20))
gradients[0] *= -1000  # one example is unlike all others


def clip(v):
    return v * np.minimum(1, 1 / np.linalg.norm(v, axis=-1, keepdims=True))


ways = {"each": lambda v: clip(v).sum(0), "the sum": lambda v: clip(v.sum(0))}
for what, add in ways.items():
    whole = add(gradients)
    rest = [add(np.delete(gradients, k, 0)) for k in range(100)]
    moved = max(np.linalg.norm(whole - part) for part in rest)
    size = np.linalg.norm(whole)
    print(f"clip {what}: length {size:.2f}, one moves it by {moved:.2f}")

# %% [markdown]
# ## Noise that hides one example
#
# The simplest private answer is one number plus noise whose density falls exponentially with
# distance, on the scale $b$: the Laplace mechanism (Dwork et al., 2006). Let the true answers with
# and without one example be $y_1$ and $y_0$, no more than $C$ apart. How much more likely can an
# answer $a$ be under the one than under the other?

# %%
a = scalar("a", note="answer that is given")
y_1 = scalar("y_1", note="true answer with the example")
y_0 = scalar("y_0", note="true answer without it")
epsilon = scalar("epsilon", domain="positive", note="bound on the privacy loss")
b, f_1, f_0 = scalar("b"), scalar("f_1"), scalar("f_0")
WITH = "how likely the answer is with the example"
WITHOUT = "how likely the answer is without the example"
laplace = (
    a, y_1, y_0, C, epsilon,
    Let(b, C / epsilon, "scale of the noise"),
    Let(f_1, exp(-Abs(a - y_1) / b) / (2 * b), "density with the example", means=WITH),
    Let(f_0, exp(-Abs(a - y_0) / b) / (2 * b), "density without it", means=WITHOUT),
)  # fmt: skip
calculation(
    f_1 / f_0,
    given=laplace,
    assuming=(Abs(y_1 - y_0) <= C,),
    title="The ratio of densities",
).then(exp((Abs(a - y_0) - Abs(a - y_1)) / b), because="one exponential").at_most(
    exp(Abs(y_1 - y_0) / b), because="the triangle inequality"
).at_most(exp(C / b), because="the sensitivity").then(exp(epsilon), because="by the scale")

# %% [markdown]
# *In words:* whatever is seen, it is at most $e^\epsilon$ times as likely as it would have been
# without that example: $\epsilon$-differential privacy. What does the promise mean to whom it is
# made? Somebody suspects, with probability $\pi$, that you are in the data. What they see has the
# probability $f_1$ if you are, and $f_0$ if you are not. Then they know this much:

# %%
prior, seen_with, seen_without = (
    scalar("pi", domain="unit", note="suspicion before"),
    scalar("f_1", domain="positive", note=WITH),
    scalar("f_0", domain="positive", note=WITHOUT),
)
posterior, either = scalar("pihat"), prior * seen_with + (1 - prior) * seen_without
suspicion = (
    prior, seen_with, seen_without, epsilon,
    Let(posterior, prior * seen_with / either, "by Bayes' theorem", means="suspicion after"),
)  # fmt: skip
calculation(
    posterior / (1 - posterior),
    given=suspicion,
    assuming=(seen_with <= exp(epsilon) * seen_without,),
    title="The odds of a suspicion",
).then(prior / (1 - prior) * (seen_with / seen_without), because="the denominator cancels").at_most(
    exp(epsilon) * prior / (1 - prior), because="the answer is private"
)

# %% [markdown]
# *In words:* no one, however clever and whatever else they know, multiplies their odds by more than
# $e^\epsilon$. At $\epsilon = 0.1$ that is next to nothing; at $\epsilon = 10$, as some systems
# advertise, it is 22 000, and the inequality alone promises nothing.
#
# Nor does it help to process the answer further. Let there be $m$ answers, of which number $k$ has
# the probability $f_{1,k}$ with you and $f_{0,k}$ without, and let somebody draw a conclusion from
# it with the probability $u_k$.

# %%
m = Dim("m", "answers")
k = m.index("k")
with_you = m.vector("f_1", domain="distribution", note=WITH)
without_you = m.vector("f_0", domain="distribution", note=WITHOUT)
u = m.vector("u", domain="unit", note="probability of a conclusion")
calculation(
    sum_over(u[k] * with_you[k], k),
    given=(with_you, without_you, u, epsilon),
    assuming=(with_you[k] <= exp(epsilon) * without_you[k],),
    title="Whatever is made of the answer",
).at_most(sum_over(u[k] * (exp(epsilon) * without_you[k]), k), because="term by term").then(
    exp(epsilon) * sum_over(u[k] * without_you[k], k), because="a constant factor"
)

# %% [markdown]
# So if the gradients of a training run are private, the model is, and so is every text it writes.
#
# ## Training with Gaussian noise
#
# For vectors, Gaussian noise is better, of the deviation $\sigma C$ in each entry. But no ratio of
# Gaussian densities is bounded everywhere: far out on one side, one density is any number of times
# the other. One allows a small probability $\delta$ for the bound to fail. How small it is for a
# given $\sigma$ is known exactly (Balle and Wang, 2018): it is the left side of the inequality
# below. That a certain $\sigma$ is enough is a theorem that we cite and do not prove; the numbers
# agree.

# %%
eps = scalar("epsilon", domain="unit", note="bound on the privacy loss")
dlt = scalar("delta", domain="unit", note="probability that the bound fails")
sigma, F_1, F_0 = scalar("sigma"), scalar("Phi_1"), scalar("Phi_0")


def normal(value):
    """The probability that a standard normal number is below a value."""
    return (1 + erf(value / sqrt(2))) / 2


def likely(noise, bound):
    """How likely the bound is exceeded, with the example and without."""
    return tuple(normal(sign / (2 * noise) - bound * noise) for sign in (1, -1))


with_it, without_it = likely(sigma, eps)
gaussian = (
    eps, dlt,
    Let(sigma, sqrt(2 * log(5 / (4 * dlt))) / eps, "noise multiplier"),
    Let(F_1, with_it, "how likely the bound is exceeded with the example"),
    Let(F_0, without_it, "how likely the bound is exceeded without it"),
)  # fmt: skip
calculation(F_1 - exp(eps) * F_0, given=gaussian, title="The Gaussian mechanism").at_most(
    dlt,
    because="the noise is large enough",
    cited="C. Dwork and A. Roth, 2014, theorem A.1, for $\\epsilon < 1$",
)

# %%
noise = Symbol("sigma", positive=True)
half = Rational(1, 2)
above, below = likely(noise, half)
pictures.curves(
    {
        "as is known exactly": above - exp(half) * below,
        "as the theorem has it": Rational(5, 4) * exp(-(noise**2) / 8),
    },
    over=(noise, 4, 12),
    name="gaussian-mechanism",
    words="How often the bound fails, for epsilon one half, over the noise multiplier. Both curves "
    "fall ever faster; the exact one is below the other, at first sixty and then a thousand times.",
    across=r"noise multiplier $\sigma$",
    up=r"$\delta$",
    log="y",
)

# %% [markdown]
# *In words:* the theorem is safe and wasteful; what it asks for in noise is more than is needed.
# Software computes $\delta$ exactly.
#
# Training takes thousands of steps, and each gives something away. How does it add up? The
# logarithm of the ratio of densities, at the answer that is given, is the *privacy loss*. In the
# worst case the true answers are just $C$ apart, and the answer is off by $\xi$ deviations.

# %%
xi = scalar("xi", note="noise, in deviations")
multiplier = scalar("sigma", domain="positive", note="noise multiplier")
step = (
    y_1, xi, multiplier, C,
    Let(y_0, y_1 - C, "true answer without the example"),
    Let(a, y_1 + multiplier * C * xi, "answer that is given"),
)  # fmt: skip
calculation(
    ((a - y_0) ** 2 - (a - y_1) ** 2) / (2 * multiplier**2 * C**2),
    given=step,
    title="Privacy loss",
).then(xi / multiplier + 1 / (2 * multiplier**2), because="squares cancel")

# %%
T = Dim("T", "steps")
t, draws = T.index("t"), T.vector("xi", note="noise, in deviations")
losses = sum_over(draws[t] / multiplier + 1 / (2 * multiplier**2), t)
run = {"given": (draws, multiplier), "assuming": (random(draws[t]),)}
calculation(E(losses), **run, title="Its mean after $T$ steps").then(
    T / (2 * multiplier**2), because="the noise has mean zero"
)

# %%
calculation(Var(losses), **run, title="Its variance").then(
    T / multiplier**2, because="independent draws of variance one"
)

# %% [markdown]
# *In words:* losses of independent steps behave like a random walk. With $\sigma$ well above
# $\sqrt{T}$ the mean does not matter, and a typical loss is $\sqrt{T} / \sigma$: to run four times
# as long at the same privacy takes twice the noise, and not four times. Sampling helps as well. If
# each example takes part in a step with probability $q$ only, then what is seen is a mixture:

# %%
q = scalar("q", domain="unit", note="share of steps an example takes part in")
calculation(
    (q * seen_with + (1 - q) * seen_without) / seen_without,
    given=(q, seen_with, seen_without, epsilon),
    assuming=(seen_with <= exp(epsilon) * seen_without,),
    title="Hidden by sampling",
).then(1 + q * (seen_with / seen_without - 1), because="divide").at_most(
    1 + q * (exp(epsilon) - 1), because="one step is private"
)

# %% [markdown]
# For small $\epsilon$ that is about $e^{q \epsilon}$: the share of steps that an example takes part
# in counts. And the price of it all is noise in the mean gradient of a batch of $n$ examples.

# %%
calculation(
    Var(multiplier * C * xi / n),
    given=(xi, multiplier, C, n),
    assuming=(random(xi),),
    title="The noise of a private mean",
).then(multiplier**2 * C**2 / n**2, because="constants are squared")

# %% [markdown]
# *In words:* its deviation falls like $1/n$, faster than that of sampling, which falls like
# $1/\sqrt{n}$, as the chapters on training show. Private training therefore wants batches that are
# as large as memory and time allow.
#
# ## Groups
#
# Draw a person at random. They belong to a group, $A = 1$, with the probability $w$; if they do,
# the model gives them a favourable answer at the rate $r_1$, and otherwise at $r_0$. *Demographic
# parity* asks that both rates be the same. As a statement on expectations:

# %%
A = scalar("A", domain="binary", note="one for members of the group")
w = scalar("w", domain="unit", note="share of the group")
r_1 = scalar("r_1", domain="unit", note="rate of the group")
r_0 = scalar("r_0", domain="unit", note="rate of the others")
h = scalar("h")
drawn = (A, w, r_1, r_0, Let(h, r_1 * A + r_0 * (1 - A), "rate for the person drawn"))
calculation(
    Cov(A, h),
    given=drawn,
    assuming=(random(A, mean=w, law="binary"),),
    title="Group and answer",
).then((r_1 - r_0) * Var(A), because="what does not depend on $A$ drops out").then(
    w * (1 - w) * (r_1 - r_0), because="the variance of a coin"
)

# %% [markdown]
# *In words:* parity says that group and answer are uncorrelated. It says nothing of who deserves
# the answer. *Equalised odds* (Hardt et al., 2016) does. It asks for parity twice, once among those
# whom a test should find, $Y = 1$, and once among those whom it should not. So of the former it
# finds the same share TPR in both groups, and of the latter it accuses the same share FPR. The rate
# at which a group is called then depends on one thing alone, its *base rate* $p$, the share of
# those to be found:

# %%
Y = scalar("Y", domain="binary", note="one for those to be found")
tpr = scalar("TPR", domain="unit", note="share that is found")
fpr = scalar("FPR", domain="unit", note="share of the innocent that is accused")
base = scalar("p", domain="unit", note="base rate")
calculation(
    E(tpr * Y + fpr * (1 - Y)),
    given=(Y, tpr, fpr, base),
    assuming=(random(Y, mean=base, law="binary"),),
    title="The rate of a group",
).then(tpr * base + fpr * (1 - base), because="the mean of a coin")

# %% [markdown]
# How far apart does that leave the group and the others?

# %%
p_1 = scalar("p_1", domain="unit", note="base rate of the group")
p_0 = scalar("p_0", domain="unit", note="base rate of the others")
rates = (
    tpr, fpr, p_1, p_0,
    Let(r_1, tpr * p_1 + fpr * (1 - p_1), "rate of the group"),
    Let(r_0, tpr * p_0 + fpr * (1 - p_0), "rate of the others"),
)  # fmt: skip
calculation(r_1 - r_0, given=rates, title="The gap between them").then(
    (tpr - fpr) * (p_1 - p_0), because="subtract"
)

# %% [markdown]
# *In words:* the first two promises exclude each other. Where base rates differ, a test with equal
# odds gives equal rates only if TPR is FPR, that is, if it is of no use to anybody.
#
# ## What cannot be had together
#
# There is a third promise. Count the four kinds of answers: right and wrong positives, TP and FP,
# and right and wrong negatives, TN and FN. To whom a positive answer is given, it matters that it
# is right equally often in every group, with the share PPV: *predictive parity*, calibration of the
# positive answers (Chouldechova, 2017). Shares of the missed (FNR) and of the accused (FPR) are
# what equalised odds is about.

# %%
TP = scalar("TP", domain="positive", note="right positives")
FP = scalar("FP", domain="positive", note="wrong positives")
TN = scalar("TN", domain="positive", note="right negatives")
FN = scalar("FN", domain="positive", note="wrong negatives")
ppv, fnr = scalar("PPV"), scalar("FNR")
table = (
    TP, FP, TN, FN,
    Let(base, (TP + FN) / (TP + FP + TN + FN), "base rate"),
    Let(ppv, TP / (TP + FP), "share of positives that are right"),
    Let(fnr, FN / (TP + FN), "share of those to be found that is missed"),
    Let(fpr, FP / (FP + TN), "share of the innocent that is accused"),
)  # fmt: skip
calculation(fpr, given=table, title="One rate by the others").then(
    base / (1 - base) * (1 - ppv) / ppv * (1 - fnr), because="by the definitions"
)

# %% [markdown]
# *In words:* the three rates and the base rate are not independent: three of them say the fourth.
# If two groups differ in their base rates, and positives are right equally often and found equally
# often, then the innocent *must* be accused at different rates, unless the test is perfect.
# Nothing about the test or the people was assumed; it is arithmetic.

# %% tags=["shown"]
for group, persons, to_find in (("the group", 1000, 500), ("the others", 1000, 200)):
    right = 0.8 * to_find  # both groups: four of five are found,
    wrong = right * 0.2 / 0.8  # and four of five positives are right
    share = wrong / (persons - to_find)
    print(f"{group}: {wrong:.0f} of {persons - to_find} innocent accused, {share:.0%}")

# %%
share_right = scalar("PPV", domain="unit", note="share of positives that are right")
share_missed = scalar("FNR", domain="unit", note="share of those to be found that is missed")
fpr_1, fpr_0, odds_1, odds_0 = (scalar(name) for name in ("FPR_1", "FPR_0", "o_1", "o_0"))
common = (1 - share_right) / share_right * (1 - share_missed)
pair = (
    p_1, p_0, share_right, share_missed,
    Let(odds_1, p_1 / (1 - p_1), "odds of the group"),
    Let(odds_0, p_0 / (1 - p_0), "odds of the others"),
    Let(fpr_1, odds_1 * common, "accused in the group"),
    Let(fpr_0, odds_0 * common, "accused among the others"),
)  # fmt: skip
calculation(fpr_1 / fpr_0, given=pair, title="Two groups, one test").then(
    odds_1 / odds_0, because="what is equal cancels"
)

# %% [markdown]
# *In words:* with all else equal, the innocent of two groups are accused in the ratio of the odds
# of their groups: four to one in the example. A better test lowers both rates and leaves their
# ratio. Which promise to give up is a decision, and no mathematics makes it.
#
# ## Exercises
#
# **1.** An interviewer asks a delicate question. Everybody tells the truth with probability $3/4$
# and lies otherwise. How private is an answer, and how is the true rate found?
#
# **2.** Gradients are clipped one by one, and then averaged. How large can an entry of the mean be?
#
# **3.** To be fair, a model is not told the group $A$. It sees a feature $x = c A + \xi$ instead,
# a postcode perhaps, and its answers are $v x$. Is there parity?
#
# **4.** A score is calibrated: among those with the score $s$, a share $s$ is to be found. Let the
# mean score of those to be found be $\mu_1$, and of the others $\mu_0$. Can both be the same in two
# groups?
#
# ### Answers
#
# **1.** A yes is three times as likely from who would truly say yes: $\epsilon = \log 3$. The rate
# $r$ of yeses is a mixture, and can be solved for the true rate $p$.

# %%
yeses = scalar("r", note="rate of yeses")
calculation(
    Equals(yeses, 3 * base / 4 + (1 - base) / 4),
    given=(base, yeses),
    unknown=(base,),
    assuming=(yeses > 0,),
).implies(Equals(base, 2 * yeses - Rational(1, 2)), because="solved")

# %% [markdown]
# **2.** At most $C$: no entry is larger than the length of its gradient, and no mean is larger than
# the largest of what it is the mean of.

# %%
calculation(Abs(sum_over(clipped[i, j], i) / n), given=sums).at_most(
    sum_over(Abs(clipped[i, j]), i) / n, because="the triangle inequality"
).at_most(C, because="each is at most $C$")

# %% [markdown]
# **3.** Not unless $c$ or $v$ is zero. What is not told can be inferred, and a covariance finds it.

# %%
slope = scalar("v", note="weight of the feature")
link = scalar("c", note="slope of the feature by the group")
calculation(
    Cov(A, slope * (link * A + xi)),
    given=(A, w, slope, link, xi),
    assuming=(random(A, mean=w, law="binary"), random(xi)),
).then(slope * link * w * (1 - w), because="the noise is independent of the group")

# %% [markdown]
# **4.** Only if the base rates are the same, or the score is perfect. Calibration makes the mean of
# all scores the base rate, and the means of the two kinds then say what that is (Kleinberg et al.,
# 2017).

# %%
mu_1 = scalar("mu_1", domain="unit", note="mean score of those to be found")
mu_0 = scalar("mu_0", domain="unit", note="mean score of the others")
calculation(
    Equals(base, base * mu_1 + (1 - base) * mu_0), given=(base, mu_1, mu_0), unknown=(base,)
).implies(Equals(base * (1 - mu_1), (1 - base) * mu_0), because="subtract").implies(
    Equals(base / (1 - base), mu_0 / (1 - mu_1)), because="divide"
)

# %% [markdown]
# ### References
#
# N. Carlini et al., *Extracting training data from large language models*, USENIX Security 2021,
# arXiv:2012.07805.
#
# C. Dwork, F. McSherry, K. Nissim and A. Smith, *Calibrating noise to sensitivity in private data
# analysis*, TCC 2006.
#
# C. Dwork and A. Roth, *The algorithmic foundations of differential privacy*, Foundations and
# Trends in Theoretical Computer Science 9, 2014.
#
# M. Abadi et al., *Deep learning with differential privacy*, CCS 2016, arXiv:1607.00133.
#
# B. Balle and Y.-X. Wang, *Improving the Gaussian mechanism for differential privacy: analytical
# calibration and optimal denoising*, ICML 2018, arXiv:1805.06530.
#
# M. Hardt, E. Price and N. Srebro, *Equality of opportunity in supervised learning*, NeurIPS 2016,
# arXiv:1610.02413.
#
# A. Chouldechova, *Fair prediction with disparate impact: a study of bias in recidivism prediction
# instruments*, Big Data 5, 2017, arXiv:1703.00056.
#
# J. Kleinberg, S. Mullainathan and M. Raghavan, *Inherent trade-offs in the fair determination of
# risk scores*, ITCS 2017, arXiv:1609.05807.
