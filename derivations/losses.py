# %% [markdown]
# # Losses
#
# Cross-entropy with one right answer is what language models are trained with. Around it stands
# a family of losses: some soften the target, some take it from another model, some keep the
# logits in bounds. Most of their gradients are again a prediction less a target, and what has to
# be found out is which prediction, and which target: that says where training with a loss ends.

# %%
from sympy import Rational, Symbol, exp, log, pi, sqrt

from symllm import (
    Dim,
    Equals,
    Let,
    Partial,
    calculation,
    delta,
    minimum,
    ops,
    pictures,
    scalar,
    sum_over,
)

# %% [markdown]
# ## Label smoothing
#
# A target of one and zeros can never be reached: to push a probability to one, a logit has to
# grow without end. Label smoothing asks for less. It takes a share $\epsilon$ from the right class
# and spreads it evenly over all classes, the right one included.

# %%
ops.label_smoothing

# %% [markdown]
# ### Predicted less wanted
#
# The smoothed target $q$ is still a distribution: what was taken from one class was given to all.
# That its entries sum to one is derived here, as a lemma, and not assumed.

# %%
ops.label_smoothing.gradient("z")

# %% [markdown]
# *In words:* as for plain cross-entropy, with another wish. The gradient
# vanishes where $p = q$, that is at finite logits, so that a right and confident answer is
# pulled back a little instead of being pushed ever further.

# %% [markdown]
# How far apart do the logits end up? Where $p = q$, the odds of the right class to a wrong one are
# those of the target, and the gap of their logits is the logarithm of the odds.

# %%
n = Dim("n", "classes")
i, j, k = n.indices("i j k")
epsilon = scalar("epsilon", domain="unit", note="share that is spread over all classes")
gap = scalar("g", domain="positive", note="gap of the logits")
calculation(
    Equals(exp(gap), (1 - epsilon + epsilon / n) / (epsilon / n)),
    given=(gap, epsilon, n),
    unknown=(gap,),
    title="The gap that label smoothing asks for",
).implies(Equals(gap, log(1 + n * (1 - epsilon) / epsilon)), because="the logarithm of both sides")

# %% [markdown]
# *In words:* with the usual $\epsilon = 0.1$ and fifty thousand classes the gap is 13, and with two
# classes it is 3. Plain cross-entropy asks for an infinite one. The picture has the losses of two
# classes over the gap; only one of the three has a bottom at a finite place.

# %%
lead = Symbol("g", real=True)
surprise, other = log(1 + exp(-lead)), log(1 + exp(lead))
pictures.curves(
    {
        "cross-entropy": surprise,
        "smoothed by 0.2": Rational(9, 10) * surprise + other / 10,
        "squared error": 1 / (1 + exp(lead)) ** 2,
    },
    over=(lead, -4, 8),
    name="loss-curves",
    words="Three losses over the gap by which the right class leads. Cross-entropy falls for ever, "
    "the smoothed one has its least value near a gap of two and rises again, and the squared error "
    "is flat on both sides.",
    across="gap $g$ of the right class",
    up="loss",
)

# %% [markdown]
# ## Z-loss
#
# Softmax does not change if one number is added to all logits, so nothing in cross-entropy keeps
# them from drifting, and in low precision large logits are rounded coarsely. The z-loss adds a
# penalty on the square of the log of softmax's denominator. It is smallest where the exponentials
# sum to one, and the logits are log-probabilities already.

# %%
ops.z_loss

# %% [markdown]
# ### All logits pushed one way
#
# A square of something whose gradient is known: the log-sum-exp is cited, and the power rule
# does the rest.

# %%
ops.z_loss.gradient("z")

# %% [markdown]
# *In words:* all logits are pushed the same way, down if the exponentials sum to more than one and
# up if they sum to less, each in proportion to its probability.

# %% [markdown]
# Do the two losses work against each other? Add up what each does to all the logits together.

# %%
z = n.vector("z", note="logits")
y = n.vector("y", domain="distribution", note="target")
p = n.vector("p", note="probabilities")
weight = scalar("weight", domain="positive", note="weight of the penalty")
zeta, L = scalar("zeta", note="log of the partition function"), scalar("L", note="loss")
both = (
    z, y, weight,
    Let(p[i], ops.softmax(z[i], over=i), "predicted probabilities"),
    Let(zeta, log(sum_over(exp(z[j]), j)), "the log-sum-exp"),
)  # fmt: skip
calculation(
    sum_over((p[i] - y[i]) + 2 * weight * zeta * p[i], i), given=both, title="The sum of all pushes"
).then(2 * weight * zeta, because="cross-entropy's pushes cancel; probabilities sum to one")

# %% [markdown]
# *In words:* cross-entropy never moves the mean of the logits, and the z-loss does. A small weight,
# $10^{-4}$ in PaLM, is enough, since nothing pulls the other way.

# %% [markdown]
# ## The Kullback–Leibler divergence
#
# The chapter *Probability* has shown what the divergence of $p$ from $q$ is, and that it is never
# negative. It is not symmetric, so its two gradients have little in common.

# %%
ops.kl_divergence

# %% [markdown]
# ### Both gradients
#
# Here $p$ and $q$ are given as they are, as positive numbers, and each entry is varied as if the
# others stood still. Whoever keeps their sums at one, by a softmax, say, applies that softmax's
# gradient afterwards; it takes away what all entries have in common.

# %%
ops.kl_divergence.gradient()

# %% [markdown]
# *In words:* with respect to $q$, the pull is strongest where $p$ has mass and $q$ has little: a
# model that is fitted this way covers everything that occurs. With respect to $p$, the gradient is
# large where $p$ puts mass that $q$ does not expect: a model that is fitted that way would rather
# leave something out. The constant one is common to all entries, and a softmax before it
# swallows it.

# %% [markdown]
# ### Which of the two?
#
# Let $p$ be the data and $q$ a model with logits $z$. The *forward* divergence, of the data from
# the model, is what cross-entropy minimises. The *reverse* is that of the model from the data; with
# the best policy of the chapter *Probability* in place of the data, it is what reinforcement
# learning with a penalty minimises. Their gradients, through softmax:

# %%
data, q = (
    n.vector("p", domain="distribution", note="probabilities"),
    n.vector("q", note="other probabilities"),
)
model = (data, z, Let(q[i], ops.softmax(z[i], over=i), "the model"))
forward = Let(L, sum_over(data[j] * log(data[j] / q[j]), j), "forward divergence")
calculation(Partial(L, z[i]), given=(*model, forward), title="The forward divergence").then(
    q[i] - data[i], because="the entropy of the data is constant: as cross-entropy"
)

# %%
reverse = Let(L, sum_over(q[j] * log(q[j] / data[j]), j), "reverse divergence")
calculation(Partial(L, z[i]), given=(*model, reverse), title="The reverse divergence").then(
    q[i] * (log(q[i] / data[i]) - L), because="softmax's gradient; the constant one cancels"
)

# %% [markdown]
# *In words:* the factor $q_i$ makes all the difference. What the model never says gets no reverse
# gradient, however often the data say it; a model may settle on a part of the data and stay
# there. Forward, the same token has the gradient $-p_i$: whatever occurs must be covered.
#
# To see it, take data with two bumps and a model with one, a discretised bell curve. The best bell
# in the forward sense has the mean and the spread of all the data, as a model with two features
# must (chapter *Probability*). In the reverse sense it sits on the larger bump.

# %% tags=["shown"]
import numpy as np

places = np.arange(-20, 61)


def bell(mean, spread):
    weights = np.exp(-((places - mean) ** 2) / (2 * spread**2))
    return weights / weights.sum()


data = 0.6 * bell(10, 2) + 0.4 * bell(30, 2)
mean = places @ data
bells = {(m, s): bell(m, s) for m in range(41) for s in np.arange(1.8, 12, 0.2)}
forward = min(bells, key=lambda at: data @ np.log(data / bells[at]))
reverse = min(bells, key=lambda at: bells[at] @ np.log(bells[at] / data))
spread = np.sqrt((places - mean) ** 2 @ data)
found = {"data": (mean, spread), "forward": forward, "reverse": reverse}
for name, (m, s) in found.items():
    print(f"{name:8} mean {m:.1f}, spread {s:.1f}")

# %% [markdown]
# ## The Jensen–Shannon divergence
#
# To treat both alike, compare each of the two with the average $m$ of them, and take the mean of
# both divergences. Since $m$ is nowhere zero where one of them is not, it is finite always. Collect
# the logarithms, and it is the entropy of the average less the average of the entropies: that is
# how it is computed.

# %%
ops.jensen_shannon

# %%
first = n.vector("p", domain="distribution", note="probabilities")
second = n.vector("q", domain="distribution", note="other probabilities")
middle = n.vector("m", note="average of both")
of_middle = scalar("a", note="entropy of the average")
of_both = scalar("b", note="average entropy")
of_first, of_second = scalar("D_p"), scalar("D_q")
mixed = (
    first, second,
    Let(middle[i], (first[i] + second[i]) / 2, "average of both"),
    Let(of_middle, -sum_over(middle[j] * log(middle[j]), j), "entropy of the average"),
    Let(of_both, -sum_over(first[j] * log(first[j]) + second[j] * log(second[j]), j) / 2,
        "average entropy"),
    Let(of_first, sum_over(first[j] * log(first[j] / middle[j]), j), "divergence of $p$"),
    Let(of_second, sum_over(second[j] * log(second[j] / middle[j]), j), "divergence of $q$"),
)  # fmt: skip
calculation(of_middle - of_both, given=mixed, title="One divergence from two").then(
    (of_first + of_second) / 2, because="the terms of $\\log m$ have the average as their weight"
).at_most(
    sum_over(first[i] * log(2), i) / 2 + sum_over(second[i] * log(2), i) / 2,
    because="either is at most twice the average",
).then(log(2), because="both sum to one")

# %% [markdown]
# *In words:* one bit at most. Draw a sample from one of the two, each with probability one half:
# this is how much it tells, on average, about which of them it came from.
#
# ### A gradient with a ceiling
#
# Each entry of $p$ acts on its own entropy and, by half, on the average. Both paths bring a
# constant one, with opposite signs.

# %%
ops.jensen_shannon.gradient("p")

# %% [markdown]
# *In words:* half the logarithm of how much more likely an outcome is under $p$ than under the
# average. That ratio is at most two, so the gradient never grows beyond
# $\frac{1}{2} \log 2$; it has no lower bound, where $p$ does not expect what $q$ does.

# %% [markdown]
# ## Distillation
#
# A teacher that has learned well knows more than the right answer: it knows which wrong answers
# are nearly right. Distillation makes its whole prediction the student's target. A temperature
# $\tau$ above one flattens both predictions, so that small probabilities count.

# %%
ops.distillation

# %% [markdown]
# ### Divided by the temperature
#
# The teacher is not trained, so its logits are given and $q$ is a constant target that sums to
# one. What is new is the division of the logits by $\tau$ on the way into softmax, which is a
# division of their gradient on the way out.

# %%
ops.distillation.gradient("z")

# %% [markdown]
# *In words:* once more predicted less wanted, divided by the temperature. At high temperature the
# difference itself shrinks as well. What follows from that for the weight of this loss, and why it
# is often multiplied by $\tau^2$, is in the chapter *Fine-tuning*.

# %% [markdown]
# ## Mean squared error
#
# Where numbers are predicted and not classes, as rewards or values are, the square of the error
# takes the place of the surprise. No softmax is involved, and no distribution.

# %%
ops.mse

# %%
ops.mse.gradient("x")

# %% [markdown]
# *In words:* predicted less observed once more, but for a factor.

# %% [markdown]
# That the same difference comes out is no accident. Suppose that observations scatter around the
# prediction $x$ with a normal density of standard deviation $\sigma$. The surprise at $y$ is

# %%
x = scalar("x", note="prediction")
seen = scalar("y", note="target")
sigma = scalar("sigma", domain="positive", note="standard deviation")
f = scalar("f")
density = Let(
    f, exp(-((x - seen) ** 2) / (2 * sigma**2)) / (sigma * sqrt(2 * pi)), "normal density"
)
calculation(
    -log(f), given=(x, seen, sigma, density), title="The surprise of a normal density"
).then(
    (x - seen) ** 2 / (2 * sigma**2) + log(sigma * sqrt(2 * pi)),
    because="the logarithm undoes the exponential",
)

# %% [markdown]
# *In words:* least squares is maximum likelihood for normal errors, as cross-entropy is for tokens.
# The second term does not depend on the prediction.

# %% [markdown]
# ## Exercises
#
# **1.** Show that label smoothing is a mixture of two cross-entropies, with weights $1 - \epsilon$
# and $\epsilon$. What is the second of them for?
#
# **2.** A token is *not* to be said. Minimise $-\log(1 - p_u)$ (Welleck et al., 2020). What is the
# gradient, and when is it weak?
#
# **3.** A single logit $z$ decides between yes and no. Its loss is $\log(1 + \exp(z)) - y z$ for an
# answer $y$ of one or zero. Derive its gradient.
#
# **4.** One number $c$ is to predict many. Which has the least squared error?
#
# ### Answers
#
# **1.** The second compares with the even distribution: no class may be thought impossible. That is
# what keeps the gap finite.

# %%
right = n.vector("y", domain="distribution", note="target")
smoothed = Let(q[i], (1 - epsilon) * right[i] + epsilon / n, "smoothed target")
calculation(-sum_over(q[i] * log(p[i]), i), given=(z, right, epsilon, both[3], smoothed)).then(
    -(1 - epsilon) * sum_over(right[i] * log(p[i]), i) - epsilon / n * sum_over(log(p[i]), i),
    because="multiplied out",
)

# %% [markdown]
# **2.** It is the gradient of cross-entropy, turned round, with a factor $p_u / (1 - p_u)$ before
# it. Of the logit $z_u$ itself it is $p_u$, for the factor cancels: weak where the token is
# unlikely already, which is as it should be, and strong where it is nearly certain.

# %%
u = scalar("u", domain=n, note="token not to be said")
unlikely = (
    z, u, both[3],
    Let(L, -log(1 - p[u]), "the surprise at anything else"),
)  # fmt: skip
calculation(Partial(L, z[i]), given=unlikely).then(
    p[u] / (1 - p[u]) * (delta(i, u) - p[i]), because="the logarithm, then softmax"
)

# %% [markdown]
# **3.** Predicted less observed, once more; the prediction is a sigmoid.

# %%
logit, answer = scalar("z", note="logit"), scalar("y", note="target")
calculation(
    Partial(L, logit),
    given=(logit, answer, Let(L, log(1 + exp(logit)) - answer * logit, "surprise")),
).then(1 / (1 + exp(-logit)) - answer, because="the derivative of the logarithm")

# %% [markdown]
# **4.** Their mean. A network trained with squared errors predicts averages.

# %%
many, one = n.vector("y", note="targets"), scalar("c", note="the one prediction for all")
minimum(sum_over((many[i] - one) ** 2, i), Let(one, sum_over(many[i], i) / n), given=(many, one))

# %% [markdown]
# ### References
#
# C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, *Rethinking the Inception
# architecture for computer vision*, CVPR 2016, arXiv:1512.00567.
#
# A. Chowdhery et al., *PaLM: scaling language modeling with Pathways*, arXiv:2204.02311, 2022.
#
# S. Kullback and R. A. Leibler, *On information and sufficiency*, Annals of Mathematical
# Statistics 22, 1951.
#
# J. Lin, *Divergence measures based on the Shannon entropy*, IEEE Transactions on Information
# Theory 37, 1991.
#
# S. Welleck, I. Kulikov, S. Roller, E. Dinan, K. Cho and J. Weston, *Neural text generation with
# unlikelihood training*, ICLR 2020, arXiv:1908.04319.
#
# G. Hinton, O. Vinyals and J. Dean, *Distilling the knowledge in a neural network*,
# arXiv:1503.02531, 2015.
