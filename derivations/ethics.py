# %% [markdown]
# # Privacy and fairness in numbers
#
# Some promises about a model can be written as inequalities: that it does not give away who was in
# its training data, that it treats groups alike. Written so, they can be checked; and it turns out
# that some of them exclude each other. This chapter proves what follows from definitions, and says
# what it takes from elsewhere.

# %%
from sympy import Abs, Min, Rational, erf, exp, log, sqrt

from symllm import (
    Dim,
    Equals,
    Let,
    Var,
    calculation,
    delta,
    random,
    scalar,
    sum_over,
)

# %% [markdown]
# ## What one example can change
#
# A mechanism is private if its answer would be nearly as likely without any one of the examples. To
# make training private, bound first what one example can do. DP-SGD clips the gradient of *each*
# example to a length of at most $C$, and then adds them up.

# %%
n, d = Dim("n"), Dim("d")
i, k, a = n.index("i"), n.index("k"), d.index("a")
g, clipped = d.vector("g").batched((n,)), d.vector("ghat").batched((n,))
length, C = n.vector("r"), scalar("C", domain="positive")
total, without = d.vector("s"), d.vector("t").batched((n,))
sums = (
    g, C,
    Let(length[i], sqrt(sum_over(g[i, a] ** 2, a)), "the length of a gradient"),
    Let(clipped[i, a], g[i, a] * Min(1, C / length[i]), "clipped"),
    Let(total[a], sum_over(clipped[i, a], i), "all examples"),
    Let(without[k, a], sum_over((1 - delta(i, k)) * clipped[i, a], i), "all but one"),
)  # fmt: skip
calculation(total[a] - without[k, a], given=sums, title="What one example changes").then(
    clipped[k, a], because="only its own term is missing"
)

# %%
calculation(
    sqrt(sum_over((total[a] - without[k, a]) ** 2, a)), given=sums, title="The sensitivity"
).then(sqrt(sum_over(clipped[k, a] ** 2, a)), because="by the line above").then(
    length[k] * Min(1, C / length[k]), because="the factor is out"
).at_most(C, because="the smaller of the length and $C$")

# %% [markdown]
# ## Noise that hides one example
#
# The simplest private answer is one number plus noise whose density falls exponentially with
# distance, on the scale $b$: the Laplace mechanism. Let the true answers with and without one
# example be $y$ and $z$, no more than $C$ apart. How much more likely can an answer $x$ be under
# the one than under the other?

# %%
x, y, z = (scalar(name) for name in "xyz")
epsilon = scalar("epsilon", domain="positive")
b = scalar("b")
laplace = (x, y, z, C, epsilon, Let(b, C / epsilon, "the scale of the noise"))
calculation(
    exp(-Abs(x - y) / b) / exp(-Abs(x - z) / b),
    given=laplace,
    assuming=(Abs(y - z) <= C,),
    title="The ratio of densities",
).then(exp((Abs(x - z) - Abs(x - y)) / b), because="one exponential").at_most(
    exp(Abs(y - z) / b), because="the triangle inequality"
).at_most(exp(C / b), because="the sensitivity").then(exp(epsilon), because="by the scale")

# %% [markdown]
# *In words:* whatever is seen, it is at most $e^\epsilon$ times as likely as it would have been
# without that example: $\epsilon$-differential privacy. Two such answers together are at most
# $e^{2 \epsilon}$ times as likely, for independent probabilities multiply.
#
# For vectors, Gaussian noise is better, but no ratio of Gaussian densities is bounded everywhere.
# One allows a small probability $\delta$ for the bound to fail. How small it is for noise of
# deviation $\sigma C$ is known exactly (Balle and Wang, 2018): in terms of the error function, it
# is what stands first below. That a certain $\sigma$ is enough is a theorem that we cite and
# do not prove; the numbers agree.

# %%
eps, dlt = scalar("epsilon", domain="unit"), scalar("delta", domain="unit")
sigma = scalar("sigma")


def normal(value):
    """The probability that a standard normal number is below a value."""
    return (1 + erf(value / sqrt(2))) / 2


gaussian = (eps, dlt, Let(sigma, sqrt(2 * log(5 / (4 * dlt))) / eps, "the noise multiplier"))
calculation(
    normal(1 / (2 * sigma) - eps * sigma) - exp(eps) * normal(-1 / (2 * sigma) - eps * sigma),
    given=gaussian,
    title="The Gaussian mechanism",
).at_most(
    dlt,
    because="the noise is large enough",
    cited="C. Dwork and A. Roth, 2014, theorem A.1, for $\\epsilon < 1$",
)

# %% [markdown]
# What does privacy cost? The mean gradient of a batch of $n$ examples gets noise of deviation
# $\sigma C / n$ in each entry. It falls with the batch, faster than the noise of sampling:

# %%
noise, multiplier = scalar("xi"), scalar("sigma", domain="positive")
calculation(
    Var(multiplier * C * noise / n),
    given=(noise, multiplier, C, n),
    assuming=(random(noise),),
    title="The noise of a private mean",
).then(multiplier**2 * C**2 / n**2, because="constants are squared")

# %% [markdown]
# ## Groups
#
# Let each of $n$ persons belong to a group, $a_i = 1$, or not, $a_i = 0$, and let a model give a
# favourable answer with probability $y_i$. *Demographic parity* asks that both groups have
# the same rate of favourable answers. The overall rate is a mixture of the two.

# %%
member, answer = n.vector("a", domain="binary"), n.vector("y", domain="unit")
inside, outside, share = scalar("r_1"), scalar("r_0"), scalar("w")
groups = (
    member, answer,
    Let(share, sum_over(member[i], i) / n, "the share of the group"),
    Let(inside, sum_over(member[i] * answer[i], i) / sum_over(member[i], i), "its rate"),
    Let(
        outside,
        sum_over((1 - member[i]) * answer[i], i) / sum_over(1 - member[i], i),
        "the rate of the others",
    ),
)  # fmt: skip
calculation(sum_over(answer[i], i) / n, given=groups, title="The overall rate").then(
    share * inside + (1 - share) * outside, because="everybody is in one of the two"
)

# %% [markdown]
# So the gap between the rates is also how far one of them is from the whole, scaled.

# %%
calculation(
    inside - sum_over(answer[i], i) / n, given=groups, title="A group against the whole"
).then((1 - share) * (inside - outside), because="by the mixture")

# %% [markdown]
# ## What cannot be had together
#
# A test sorts people into four kinds: right and wrong positives, $t$ and $f$, and right and wrong
# negatives, $u$ and $m$. Three things are asked of it in every group: that a positive answer is
# right equally often (*calibration* of the positive answers), that those who should be found are
# missed equally often, and that the others are accused equally often (together, *equalised odds*).

# %%
t, f, v, m = (scalar(name, domain="positive") for name in ("t", "f", "u", "m"))
base, right, missed, accused = (scalar(name) for name in ("p", "v", "mu", "alpha"))
table = (
    t, f, v, m,
    Let(base, (t + m) / (t + f + v + m), "the base rate"),
    Let(right, t / (t + f), "positives that are right"),
    Let(missed, m / (t + m), "of those to be found, missed"),
    Let(accused, f / (f + v), "of the others, accused"),
)  # fmt: skip
calculation(accused, given=table, title="One rate by the others").then(
    base / (1 - base) * (1 - right) / right * (1 - missed), because="by the definitions"
)

# %% [markdown]
# *In words:* the three rates and the base rate are not independent: three of them say the fourth.
# If two groups differ in their base rates, and positives are right equally often and found equally
# often, then the innocent *must* be accused at different rates, unless the test is perfect.
# Nothing about the test or the people was assumed; it is arithmetic. Which of the three to
# give up is a decision, and no mathematics makes it.

# %%
p_1, p_2, w, q = (scalar(name, domain="unit") for name in ("p_1", "p_2", "v", "mu"))
alpha_1, alpha_2 = scalar("alpha_1"), scalar("alpha_2")
pair = (
    p_1, p_2, w, q,
    Let(alpha_1, p_1 / (1 - p_1) * (1 - w) / w * (1 - q), "accused in the first group"),
    Let(alpha_2, p_2 / (1 - p_2) * (1 - w) / w * (1 - q), "accused in the second"),
)  # fmt: skip
calculation(alpha_1 / alpha_2, given=pair, title="Two groups, one test").then(
    (p_1 / (1 - p_1)) / (p_2 / (1 - p_2)), because="what is equal cancels"
)

# %% [markdown]
# ## Exercises
#
# **1.** An interviewer asks a delicate question. Everybody tells the truth with probability $3/4$
# and lies otherwise. How private is an answer, and how is the true rate found?
#
# **2.** Gradients are clipped one by one, and then averaged. How large can an entry of the mean be?
#
# ### Answers
#
# **1.** A yes is three times as likely from who would truly say yes: $\epsilon = \log 3$. The rate
# of yeses is a mixture, and can be solved for the true rate.

# %%
rate, seen = scalar("p", domain="unit"), scalar("y")
calculation(
    Equals(seen, 3 * rate / 4 + (1 - rate) / 4), given=(rate, seen), unknown=(rate,),
    assuming=(seen > 0,),
).implies(Equals(rate, 2 * seen - Rational(1, 2)), because="solved")  # fmt: skip

# %% [markdown]
# **2.** At most $C$: no entry is larger than the length of its gradient, and no mean is larger than
# the largest of what it is the mean of.

# %%
calculation(Abs(sum_over(clipped[i, a], i) / n), given=sums).at_most(
    sum_over(Abs(clipped[i, a]), i) / n, because="the triangle inequality"
).at_most(C, because="each is at most $C$")

# %% [markdown]
# ### References
#
# C. Dwork, F. McSherry, K. Nissim and A. Smith, *Calibrating noise to sensitivity in private data
# analysis*, TCC 2006.
#
# C. Dwork and A. Roth, *The algorithmic foundations of differential privacy*, Foundations and
# Trends in Theoretical Computer Science 9, 2014.
#
# M. Abadi et al., *Deep learning with differential privacy*, CCS 2016, arXiv:1607.00133.
#
# B. Balle and Y.-X. Wang, *Improving the Gaussian mechanism for differential privacy*, ICML 2018,
# arXiv:1805.06530.
#
# A. Chouldechova, *Fair prediction with disparate impact*, Big Data 5, 2017, arXiv:1703.00056.
#
# J. Kleinberg, S. Mullainathan and M. Raghavan, *Inherent trade-offs in the fair determination of
# risk scores*, ITCS 2017, arXiv:1609.05807.
