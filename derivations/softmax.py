# %% [markdown]
# # Softmax and cross-entropy
#
# A language model ends in a vector of scores, one for each token of its vocabulary. Softmax
# makes them into probabilities, and cross-entropy says how surprising, by those probabilities, the
# token is that came. Each alone has a gradient with sums and products in it; together they have the
# simplest gradient in deep learning, what was predicted less what was seen. This chapter derives
# it, shows what goes wrong with another loss, and how to compute all of it in numbers that have a
# largest one. Why it is softmax, and what a temperature does, is in the chapter *Probability*.

# %%
from sympy import Abs, Max, Symbol, exp, log

from symllm import (
    Dim,
    Let,
    Partial,
    calculation,
    delta,
    ops,
    pictures,
    scalar,
    sum_over,
)

# %% [markdown]
# ## Softmax
#
# Exponentials make scores positive; dividing by their sum makes them add up to one. That sum
# couples the entries: raise one score, and every other probability falls.

# %%
ops.softmax

# %% [markdown]
# ### What softmax does not see
#
# Raise all the scores by one number $c$. Numerator and denominator grow by the same factor.

# %%
n = Dim("n", "classes")
i, j, k = n.indices("i j k")
x, c = n.vector("x", note="scores"), scalar("c", note="shift of all scores")
calculation(exp(x[i] + c) / sum_over(exp(x[j] + c), j), given=(x, c), title="Shifted scores").then(
    exp(x[i]) / sum_over(exp(x[j]), j), because="$\\exp(c)$ is in all terms, and cancels"
)

# %% [markdown]
# *In words:* only differences of scores mean anything. Of $n$ numbers that a model computes, one is
# wasted; nothing holds it in place, and it may drift.
#
# What cannot be seen can be chosen, and that saves the computation. Exponentials overflow long
# before the probabilities mean nothing: in single precision at 89. Subtract the maximum. Then no
# exponent is positive and one of them is zero, so the sum lies between one and $n$. This is the
# *stable* softmax, and nobody should compute any other.

# %% tags=["shown"]
import numpy as np


def naive(x):
    return np.exp(x) / np.exp(x).sum()


def stable(x):
    return naive(x - x.max())


with np.errstate(over="ignore", invalid="ignore"):
    for scores in ([1, 2, 3], [88, 89, 90], [-200, -201, -202]):
        row = np.array(scores, np.float32)
        print(f"{scores!s:19} naive {naive(row).round(3)}", end=" ")
        print(f"stable {stable(row).round(3)}")

# %% [markdown]
# ### Two paths, one Jacobian
#
# A score reaches a probability along two paths: through its own exponential, which stands in the
# numerator of one probability, and through the sum, which stands in the denominator of all. The
# first path gives a diagonal matrix, the second a full one.

# %%
ops.softmax.jacobian("x")

# %% [markdown]
# *In words:* raising a score raises its own probability, most of all where that is one half, and
# takes from every other in proportion to both.

# %%
pictures.heat_map(ops.softmax.jacobian("x"), x=[2, 1, 0, -1])

# %% [markdown]
# Every row of the picture adds up to zero. It must: the same step on all scores changes nothing.
# Is that the only direction that is lost? Take any direction $v$ and see what the matrix makes of
# it from both sides.

# %%
p, v = n.vector("p", domain="distribution", note="probabilities"), n.vector("v", note="direction")
quadratic = sum_over(sum_over(v[i] * p[i] * (delta(i, j) - p[j]) * v[j], j), i)
mu = scalar("mu")
average = Let(mu, sum_over(p[j] * v[j], j), "the mean under these probabilities", means="mean")
calculation(quadratic, given=(p, v, average), title="A variance").then(
    sum_over(p[i] * v[i] ** 2, i) - mu**2, because="multiplied out"
).then(
    sum_over(p[i] * (v[i] - mu) ** 2, i),
    because="a mean of squares less the square of the mean",
).at_least(0, because="squares, with positive weights")

# %% [markdown]
# *In words:* the Jacobian $J$ is a covariance: $v^\top J v$ is the variance of $v$ under $p$. So it
# has no negative eigenvalue, and it is zero for constant $v$ alone. In the directions that are
# left, it is as weak as the distribution is certain.

# %% [markdown]
# ### The gradient without the matrix
#
# Nobody builds that matrix: for a vocabulary of fifty thousand it would have two and a half
# billion entries. Backpropagation only needs its product with the gradient that arrives from
# above, and walking the equations backwards finds that product without the matrix.

# %%
ops.softmax.gradient("x")

# %% [markdown]
# *In words:* centre the upstream gradient around its mean under $p$, then weight it by $p$. The
# centring takes away what all outputs have in common, for probabilities cannot all grow at once.
# The weighting silences outputs that are close to zero; one that is close to one carries the
# mean with it, and is silenced by the centring. Hence a saturated softmax learns slowly.

# %% [markdown]
# ## Log-sum-exp
#
# The logarithm of softmax's denominator is a function in its own right. Its gradient says
# what kind of function.

# %%
ops.logsumexp

# %%
ops.logsumexp.gradient("x")

# %% [markdown]
# *In words:* this is a smooth maximum. A hard one would send all of its gradient to the winner;
# this one shares it out by softmax, which is therefore a smooth "arg max".

# %% [markdown]
# How far is it from the hard one? It is at least every score,

# %%
calculation(
    log(sum_over(exp(x[j]), j)), given=(x,), over=(i,), title="No score is above it"
).at_least(log(exp(x[i])), because="one term is less than all of them").then(
    x[i], because="the logarithm of an exponential"
)

# %% [markdown]
# and at most $\log n$ above any $m$ that no score exceeds:

# %%
m = scalar("m", note="bound on the scores")
calculation(
    log(sum_over(exp(x[j]), j)), given=(x, m), assuming=(x[i] <= m,), title="How far it is above"
).at_most(log(sum_over(exp(m), j)), because="every score is at most $m$").then(
    m + log(n.symbol), because="$n$ equal terms"
)

# %% [markdown]
# *In words:* take the maximum for $m$, and the two bounds enclose the log-sum-exp in a band as wide
# as $\log n$. Divide the scores by a temperature $\tau$ and multiply the result by it: the band is
# $\tau \log n$ wide then, and closes as $\tau$ goes to zero. The picture has two scores, one of
# which is zero.

# %%
t = Symbol("x", real=True)
pictures.curves(
    {
        "temperature 1": log(1 + exp(t)),
        "temperature 1/4": log(1 + exp(4 * t)) / 4,
        "maximum": Max(0, t),
    },
    over=(t, -3, 3),
    name="smooth-maximum",
    words="The smooth maximum of a number and zero: two curves above the maximum's corner, which "
    "the one at the lower temperature follows more closely.",
    across="a score; the other is zero",
    up="smooth maximum",
)

# %% [markdown]
# ## Log-softmax
#
# Losses want logarithms of probabilities. To take them after the division is to lose digits,
# and to lose everything where a probability underflows. A score less the log-sum-exp of all
# scores is the same number, computed safely, and its gradient is simpler too.

# %%
ops.log_softmax

# %%
ops.log_softmax.gradient("x")

# %% [markdown]
# *In words:* each entry keeps its own upstream gradient and pays its share, $p_i$, of the
# total. Nothing is multiplied by a vanishing probability any more, so log-softmax does not
# saturate as softmax does.

# %% [markdown]
# ## Cross-entropy
#
# Cross-entropy compares the prediction $p$ with a target distribution $y$: the logarithm of each
# probability, weighted by how often its outcome is to be expected. The loss is a scalar and the
# end of the line, so no gradient arrives from above; this is where gradients start.

# %%
ops.cross_entropy

# %% [markdown]
# ### Predicted less observed
#
# Softmax has been differentiated already, so its gradient enters here as a lemma, in one step.

# %%
ops.cross_entropy.gradient("z")

# %% [markdown]
# *In words:* the logarithm undoes the exponential exactly, and with it
# the saturation: a confident mistake gets a gradient of nearly full size. That the target sums to
# one was needed; exercise 3 says what happens if it does not.

# %% [markdown]
# ### The Hessian does not know the target
#
# How fast does the gradient itself turn? Newton's method and every study of the loss surface ask
# for the second derivative, the *Hessian*: in row $i$ and column $j$ it has the slope of the
# gradient's entry $i$ by the logit $j$. The first four steps are those of the gradient. Then it is
# differentiated once more, and softmax is all of it that moves.

# %%
ops.cross_entropy.hessian("z")

# %% [markdown]
# *In words:* the target is gone. Wherever it is, the loss is curved alike, as the prediction alone
# says. And what is left is the Jacobian of softmax, which we know to be a covariance, without
# negative eigenvalues: cross-entropy is convex in the logits, and has no valleys to get stuck in
# but those that the network below it makes. The curvature vanishes where the prediction is certain,
# rightly or wrongly: a confident mistake stands on a slope of nearly full size that does not bend.

# %% [markdown]
# ## Why not the squared error?
#
# Probabilities are numbers, and so is the target. Why not ask for the smallest squared difference?
# The question is what its gradient looks like after softmax.

# %%
z, q = n.vector("z", note="logits"), n.vector("p")
y = n.vector("y", domain="distribution", note="target")
e, L = n.vector("e"), scalar("L")
predicted = Let(q[i], ops.softmax(z[i], over=i), "predicted probabilities", means="probabilities")
squared = (
    z, y, predicted,
    Let(e[i], q[i] - y[i], "error"),
    Let(L, sum_over(e[j] ** 2, j) / 2, "half its square", means="loss"),
)  # fmt: skip
calculation(Partial(L, z[i]), given=squared, title="The squared error after softmax").then(
    q[i] * (e[i] - sum_over(q[j] * e[j], j)), because="softmax's gradient, with $e$ arriving"
)

# %%
slope = Abs(q[i] * (e[i] - sum_over(q[j] * e[j], j)))
calculation(slope, given=squared, title="How large that slope can be").at_most(
    q[i] * (Abs(e[i]) + sum_over(q[j] * Abs(e[j]), j)), because="the triangle inequality"
).at_most(2 * q[i], because="no error is larger than one")

# %% [markdown]
# *In words:* the gradient of a score is at most twice its probability. Let the right token be the
# one that the model thinks impossible: the worst mistake there is, and its score feels nothing.
# Cross-entropy's gradient is $p_i - y_i$ there, close to $-1$, whatever the mistake.

# %% [markdown]
# With two tokens all depends on one number, the margin $g$ by which the right one leads. The
# probability of the right one is $1 / (1 + \exp(-g))$, and these are the slopes of both losses:

# %%
lead = Symbol("g", real=True)
right = 1 / (1 + exp(-lead))
pictures.curves(
    {
        "cross-entropy": 1 - right,
        "squared error": (1 - right) * right * (1 - right) * 2,
    },
    over=(lead, -8, 8),
    name="loss-gradients",
    words="How hard each loss pushes, over the margin of the right answer. Cross-entropy pushes "
    "with force one where the answer is quite wrong; the squared error pushes only near zero.",
    across="margin $g$ of the right answer",
    up="size of the gradient",
)

# %% [markdown]
# Now train from a confident mistake, a margin of $-8$, by plain gradient descent, with the
# gradients that were derived:

# %% tags=["shown"]
import numpy as np

from symllm import ops

softmax, back = ops.softmax.lambdify(), ops.softmax.gradient("x").lambdify()
y = np.array([1.0, 0.0])
for name in ("cross-entropy", "squared error"):
    z, steps = np.array([-4.0, 4.0]), 0
    while softmax(x=z)[0] < 0.9:
        error = softmax(x=z) - y
        z -= error if name == "cross-entropy" else back(x=z, dp=error)
        steps += 1
    print(f"{name}: right with 90% after {steps} steps")

# %% [markdown]
# ## Cross-entropy with a class index
#
# In practice the target is one token, $t$, and its distribution is all zeros but for a one at
# that place. Picking one entry replaces the sum over the vocabulary, and the target no longer
# needs a vector.

# %%
ops.cross_entropy_index

# %%
ops.cross_entropy_index.gradient("z")

# %% [markdown]
# *In words:* take the probabilities, and subtract one at the right answer. Only that score is
# pushed up; every other is pushed down by the probability that it wrongly holds.

# %% [markdown]
# ## Exercises
#
# **1.** Show that softmax of two scores is a sigmoid. Of what?
#
# **2.** Logits are divided by a temperature before cross-entropy. How does the gradient change, and
# how the curvature?
#
# **3.** Some code marks padding by a target row of zeros. What is the gradient of such a row? And
# if another row sums to two by mistake?
#
# **4.** How long can the gradient of cross-entropy be, as a vector?
#
# ### Answers
#
# **1.** Of their difference. This is why a classifier of two classes needs one output only.

# %%
a, b = scalar("a", note="first score"), scalar("b", note="second score")
calculation(exp(a) / (exp(a) + exp(b)), given=(a, b)).then(
    1 / (1 + exp(b - a)), because="divided by the first exponential"
)

# %% [markdown]
# **2.** Each derivative divides by $\tau$ once. At a low temperature the loss is steep and
# sharply curved; at a high one it is flat in both respects.

# %%
tau, dz = scalar("tau", domain="positive", note="temperature"), n.vector("dz")
z = n.vector("z", note="logits")
y = n.vector("y", domain="distribution", note="target")
cooled = (
    z, y, tau,
    Let(q[i], ops.softmax(z[i] / tau, over=i), "at a temperature", means="probabilities"),
    Let(L, -sum_over(y[j] * log(q[j]), j), "cross-entropy", means="loss"),
)  # fmt: skip
calculation(Partial(L, z[i]), given=cooled).then(
    (q[i] - y[i]) / tau, because="the chain rule through the division"
)

# %%
calculation(
    Partial(dz[i], z[k]), given=(*cooled, Let(dz[i], (q[i] - y[i]) / tau, "gradient"))
).then(q[i] * (delta(i, k) - q[k]) / tau**2, because="once more")

# %% [markdown]
# **3.** Without the fact that the target sums to one, $p_i$ keeps a factor. For zeros all is zero,
# as it should be. For a sum of two, the model is pushed away from what it predicts with twice the
# force, and still settles at the target's shares: it learns the same from this row, twice as fast.

# %%
free = n.vector("w", note="target without a fixed sum")
calculation(
    Partial(L, z[i]),
    given=(
        z, free, predicted,
        Let(L, -sum_over(free[j] * log(q[j]), j), "cross-entropy", means="loss"),
    ),
).then(q[i] * sum_over(free[j], j) - free[i], because="nothing is known of the sum")  # fmt: skip

# %% [markdown]
# **4.** At most $\sqrt{2}$, whatever the size of the vocabulary: gradients that explode do so
# further down.

# %%
calculation(sum_over((p[i] - y[i]) ** 2, i), given=(p, y)).at_most(
    sum_over(p[i] ** 2, i) + sum_over(y[i] ** 2, i), because="the mixed term is negative"
).at_most(sum_over(p[i], i) + sum_over(y[i], i), because="no number is above one").then(
    2, because="both sum to one"
)

# %% [markdown]
# ### References
#
# J. S. Bridle, *Probabilistic interpretation of feedforward classification network outputs, with
# relationships to statistical pattern recognition*, in Neurocomputing: algorithms, architectures
# and applications, Springer, 1990.
#
# I. Goodfellow, Y. Bengio and A. Courville, *Deep learning*, MIT Press, 2016, chapter 6.
#
# P. Blanchard, D. J. Higham and N. J. Higham, *Accurately computing the log-sum-exp and softmax
# functions*, IMA Journal of Numerical Analysis 41, 2021.
