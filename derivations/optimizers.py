# %% [markdown]
# # Optimizers
#
# The last chapter asked how fast a step against the gradient can go. This one goes through the
# steps that are used: momentum, Adam, AdamW, Lion, and the clipping that stands before them. Each
# is a few lines of code, and for each line there is a reason that can be calculated.
#
# The learning rate is $\eta$, `lr` in code, and the factor by which momentum fades is $\mu$.
# All but clipping act entry by entry. Before and after are different names, $\theta_i$ and
# $\theta_{\mathrm{next}, i}$, for a name stands for one thing.

# %%
from sympy import Abs, Min, Rational, sqrt, symbols

from symllm import Dim, E, Equals, Let, Var, calculation, ops, pictures, random, scalar, sum_over

# %% [markdown]
# ## Momentum
#
# Plain gradient descent subtracts $\eta$ times the gradient.

# %%
ops.sgd

# %% [markdown]
# Momentum adds up the gradients, and lets each fade by the factor $\mu$ at every step. The memory
# $m$ takes in the new gradient and is then $\tilde{m}$, which is used in this step and handed on to
# the next one as $m_{\mathrm{next}}$.

# %%
ops.momentum

# %% [markdown]
# Is it the heavy ball of the last chapter, which adds to each step $\mu$ times the step before it?
# Let the parameters be $\theta_0$, $\theta_1$ and $\theta_2$ in three steps in a row. The step from
# $\theta_0$ to $\theta_1$ tells what was remembered.

# %%
lr = scalar("lr", domain="positive", note="learning rate")
mu, grad = scalar("mu", domain="unit", note="momentum"), scalar("g", note="gradient")
first = scalar("theta_0", note="parameter")
second = scalar("theta_1", note="parameter a step later")
third, kept, used = (scalar(name) for name in ("theta_2", "m", "mtilde"))
FRESH, SQUARES = "memory, with this gradient", "mean of the squares, with this gradient"
ball = (
    first, second, grad, lr, mu,
    Let(kept, (first - second) / lr, "$-\\eta m$ was the step before", means="memory"),
    Let(used, mu * kept + grad, "gradients, remembered with decay", means=FRESH),
    Let(third, second - lr * used, "a step along the memory", means="parameter two steps later"),
)  # fmt: skip
calculation(third - second, given=ball, title="The heavy ball").then(
    -lr * grad - lr * mu * kept, because="put in"
).then(-lr * grad + mu * (second - first), because="the step before")

# %% [markdown]
# It is. And how long is a step, if all gradients are the same? After $t$ steps, what is left of the
# gradient of $k$ steps ago is $\mu^k g$, for $k$ from zero to $t - 1$.

# %%
t = Dim("t", "number of the step")
k = t.index("k")
same = scalar("g", domain="positive", note="gradient")
calculation(sum_over(mu**k * same, k), given=(mu, same, t), title="A sum of fading gradients").then(
    same * (1 - mu**t) / (1 - mu), because="the geometric series"
).at_most(same / (1 - mu), because="$\\mu^t$ is positive")

# %% [markdown]
# *In words:* up to $1/(1 - \mu)$ times as long as without momentum, ten times for $\mu = 0.9$. One
# who turns momentum on has to turn the learning rate down.
#
# Nesterov looks ahead: the step is the one that the memory would take next, were the gradient the
# same once more.

# %%
ops.nesterov

# %% [markdown]
# ## Adam
#
# One learning rate has to fit all parameters, those with gradients of a thousand and those with
# gradients of a thousandth. Adam keeps two running means, of the gradients and of their squares,
# and steps by the first over the root of the second.

# %%
ops.adam

# %% [markdown]
# ### Why divide by the root
#
# Multiply all gradients by a number $\alpha > 0$. Both means are sums of past gradients with fading
# weights; what becomes of their quotient?

# %%
past = t.vector("g", note="gradients")
alpha = scalar("alpha", domain="positive", note="factor of the gradients")
beta1 = scalar("beta1", domain="unit", note="decay of the mean")
beta2 = scalar("beta2", domain="unit", note="decay of the mean square")
mean, square = scalar("mtilde"), scalar("vtilde")
scaled_mean, scaled_square = scalar("mtilde_alpha"), scalar("vtilde_alpha")


def mean_of(values, fading):
    return (1 - fading) * sum_over(fading**k * values, k)


means = (
    past, beta1, beta2, alpha,
    Let(mean, mean_of(past[k], beta1), "the running mean", means=FRESH),
    Let(square, mean_of(past[k] ** 2, beta2), "the running mean square", means=SQUARES),
    Let(scaled_mean, mean_of(alpha * past[k], beta1), "mean of the larger gradients"),
    Let(scaled_square, mean_of((alpha * past[k]) ** 2, beta2), "mean square of the larger ones"),
)  # fmt: skip
calculation(scaled_mean / sqrt(scaled_square), given=means, title="Gradients of another size").then(
    mean / sqrt(square), because="$\\alpha$ over the root of $\\alpha^2$"
)

# %% [markdown]
# *In words:* Adam does not care how large gradients are, only how they compare with those of the
# same parameter before. Where they are always the same the quotient is one in size, and the step
# $\eta$; where they are mostly noise it is small. Multiplying the loss by a thousand changes
# nothing, but for the little $\epsilon$.
#
# ### Why correct for the start
#
# Both means start at zero. Suppose that all gradients have the same mean $\bar{g}$. What is the
# running mean after $t$ steps, on average? The gradient of $k$ steps ago has the weight
# $(1 - \beta) \beta^k$.

# %%
beta = scalar("beta", domain="unit", note="decay of the mean")
sigma = scalar("sigma", note="standard deviation of the gradients")
average = scalar("gbar", note="mean of the gradients")
fading = Let(mean, mean_of(past[k], beta), "the running mean", means=FRESH)
running = (past, beta, average, sigma, fading)
noise = (random(past[k], mean=average, variance=sigma**2),)
calculation(E(mean), given=running, assuming=noise, title="The mean of the running mean").then(
    (1 - beta) * sum_over(beta**k * E(past[k]), k), because="linear"
).then(average * (1 - beta**t), because="the geometric series")

# %% [markdown]
# It is too small: the zero that it started from has the weight $\beta^t$ still. Divided by
# $1 - \beta^t$ it is right.
#
# The mean of squares fades more slowly, and is too small for longer. The picture has the share of
# the truth that the means have reached: with $\beta = 0.999$ it takes a thousand steps to get to
# nearly two thirds.

# %%
steps = symbols("t", positive=True)
pictures.curves(
    {
        f"$β$ = {float(f)}": 1 - f**steps
        for f in (Rational(9, 10), Rational(99, 100), Rational(999, 1000))
    },
    over=(steps, 1, 10_000),
    name="bias-correction",
    words="The share of the truth that a running mean has reached, over the number of steps: "
    "nearly two thirds after ten steps for 0.9, after a hundred for 0.99, a thousand for 0.999.",
    across="steps $t$",
    up="share of the truth reached",
    log="x",
)

# %% [markdown]
# So without the correction the denominator would be the worse of the two, and the first step not
# too small but too large, by a factor of three; with it, the first step is a sign.

# %%
calculation(
    (1 - beta1) / sqrt(1 - beta2),
    given=(Let(beta1, Rational(9, 10), "as usual"), Let(beta2, Rational(999, 1000), "as usual")),
    title="The first step, not corrected",
).then(sqrt(10), because="$0.1$ over the root of $0.001$").at_least(3, because="$9 < 10$")

# %%
right_m, right_v = scalar("mhat"), scalar("vhat")
calculation(
    right_m / sqrt(right_v),
    given=(
        grad, beta1, beta2,
        Let(mean, (1 - beta1) * grad, "the mean after one step", means=FRESH),
        Let(square, (1 - beta2) * grad**2, "the mean square", means=SQUARES),
        Let(right_m, mean / (1 - beta1), "corrected", means="memory, corrected for its start"),
        Let(
            right_v,
            square / (1 - beta2),
            "corrected likewise",
            means="mean of the squares, corrected for its start",
        ),
    ),
    title="The first step, corrected",
).then(grad / Abs(grad), because="both factors cancel")  # fmt: skip

# %% [markdown]
# And how noisy is the mean, once the start is forgotten? A plain mean of $N$ gradients has the
# variance $\sigma^2 / N$. The running mean comes to the same, for this $N$:

# %%
worth = scalar("N")
as_many = Let(worth, (1 + beta) / (1 - beta), "gradients that the mean is worth")
calculation(
    Var(mean), given=(*running, as_many), assuming=noise, title="The noise of the running mean"
).then((1 - beta) ** 2 * sum_over(beta ** (2 * k) * sigma**2, k), because="independent terms").then(
    sigma**2 / worth * (1 - beta ** (2 * t)), because="the geometric series"
)

# %% [markdown]
# *In words:* nineteen gradients for $\beta = 0.9$. Momentum is a larger batch, made of batches of
# the past.
#
# ## Weight decay, and why AdamW
#
# A penalty of half $\lambda$ times the squared weights adds $\lambda \theta$ to the gradient;
# weight decay takes the share $\eta \lambda$ from the weight itself. For plain gradient
# descent they are the same.

# %%
weight = scalar("theta", note="parameter")
decay = scalar("lamda", note="weight decay")
root = scalar("s", domain="positive", note="size of a gradient")
both = (weight, grad, decay, lr)
calculation(
    weight - lr * (grad + decay * weight), given=both, title="Gradient descent with a penalty"
).then((1 - lr * decay) * weight - lr * grad, because="terms with $\\theta$ together")

# %% [markdown]
# Adam divides the gradient by its size $s$. A penalty is part of the gradient, and is divided too.
# To see it, leave the memory out ($\beta_1 = 0$).

# %%
calculation(
    weight - lr * (grad + decay * weight) / root, given=(*both, root), title="Adam with a penalty"
).then((1 - lr * decay / root) * weight - lr * grad / root, because="terms with $\\theta$ together")

# %% [markdown]
# *In words:* with the penalty, weights decay *less* where gradients are large, for $s$ is large
# there: nobody asked for that. AdamW decays every weight by the same share, and leaves
# the division to the gradient.

# %%
ops.adamw

# %% [markdown]
# Two weights that start at one and whose gradients are nothing but noise, of size 0.1 and of size
# 10: decay should pull both to zero.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
noises = np.full((500, 2), (0.1, 10))  # 500 weights of each kind
for name, penalty, share in [("penalty", 0.1, 0), ("AdamW  ", 0, 0.1)]:
    weights, squares = np.ones((500, 2)), 0
    for step in range(1, 1001):
        gradient = noises * rng.normal(size=noises.shape) + penalty * weights
        squares = 0.99 * squares + 0.01 * gradient**2
        root_mean = np.sqrt(squares / (1 - 0.99**step))
        weights -= 0.01 * (gradient / root_mean + share * weights)
    print(name, "mean weights", weights.mean(axis=0).round(1))

# %% [markdown]
# After a thousand steps, each of which takes a thousandth, a share of $1/e$ should be left. It is
# with AdamW for both. Under the penalty the first weight is gone and the second hardly moved.
#
# ## Lion
#
# Lion was found by a search over programs. It steps by the sign of a mixture of gradient and
# memory, so that every weight moves by the same amount, and has one state where Adam has two.

# %%
ops.lion

# %% [markdown]
# How far can weights go, if each step is at most $\eta$ and decay pulls back? Suppose that
# a weight is at most $1/\lambda$ in size, with $\eta \lambda < 1$.

# %%
direction = scalar("q", note="direction of the step")
bounded = (Abs(direction) <= 1, Abs(decay * weight) <= 1, decay > 0, lr * decay < 1)
calculation(
    Abs(weight - lr * (direction + decay * weight)),
    given=(weight, direction, decay, lr),
    assuming=bounded,
    title="How far weights go",
).at_most((1 - lr * decay) * Abs(weight) + lr, because="the triangle inequality").at_most(
    (1 - lr * decay) / decay + lr, because="as supposed"
).at_most(1 / decay, because="subtracted")

# %% [markdown]
# *In words:* then it still is after the step, and so forever. With steps of bounded size, weight
# decay is no penalty but a fence: all weights stay within $1/\lambda$. To AdamW the same applies
# as far as its quotient stays below one.
#
# ## Clipping by the norm
#
# One example out of many may have a gradient so large that a single step undoes the work of
# thousands. Clipping shortens it to a bound and keeps its direction. The norm is that of all
# parameters together: $g$ is one long vector of them. PyTorch divides by the norm plus $10^{-6}$,
# so that a norm of zero does no harm; here it is the norm itself, which is assumed to be positive.

# %%
ops.clip_by_global_norm

# %%
n = Dim("n", "parameters")
i, j = n.indices("i j")
g, length = n.vector("g", note="gradient"), scalar("r")
c = scalar("c", domain="positive", note="bound on the norm")
clipped = (g, c, Let(length, sqrt(sum_over(g[i] ** 2, i)), "norm"))
calculation(
    sqrt(sum_over((g[i] * Min(1, c / length)) ** 2, i)),
    given=clipped,
    title="The length after clipping",
).then(length * Min(1, c / length), because="the factor comes out").then(
    Min(length, c), because="multiplied in"
).at_most(c, because="the smaller of two")

# %% [markdown]
# *In words:* long gradients have the length $c$, short ones are left alone. Before Adam, whose
# steps are of bounded size anyway, clipping protects the running means: one huge gradient would
# stay in the mean of squares for a thousand steps, and make all of them short.
#
# ## Exercises
#
# **1.** Somebody's Adam divides by $\sqrt{\hat{v} + \epsilon}$ instead of
# $\sqrt{\hat{v}} + \epsilon$, with the usual $\epsilon = 10^{-8}$. For gradients of one that is all
# but the same. Find a gradient for which it is not.
#
# **2.** Late in training Adam's quotient is mostly noise. Say that its entries are random, with
# mean zero and variance one, anew in each step. How large do weights become under AdamW, and what
# decides it?
#
# **3.** For how long does a single huge gradient shorten Adam's steps?
#
# ### Answers
#
# **1.** A small one: for $g = 10^{-8}$ the right one takes half a step, the wrong one less than
# a ten-thousandth of one.

# %%
eps, tiny = scalar("eps"), scalar("g")
small = (
    Let(eps, Rational(1, 10**8), "as usual"),
    Let(tiny, Rational(1, 10**8), "a tiny one", means="gradient"),
)
calculation(tiny / (sqrt(tiny**2) + eps), given=small).then(
    Rational(1, 2), because="twice the same below"
)

# %%
calculation(tiny / sqrt(tiny**2 + eps), given=small).at_most(
    Rational(1, 10**4), because="the root is more than $10^{-4}$"
)

# %% [markdown]
# **2.** Decay takes less than the whole weight, $\eta \lambda < 1$. The mean square $w$ of a weight
# settles where decay takes what noise brings, at about $\eta / 2 \lambda$. The weights forget how
# they were initialised, and one who halves the learning rate shrinks them, too.

# %%
size = scalar("w", domain="positive", note="mean square of the weight")
kick = scalar("q", note="direction of the step")
calculation(
    E((weight - lr * (kick + decay * weight)) ** 2),
    given=(weight, kick, decay, lr, size),
    assuming=(random(kick), random(weight, variance=size)),
).then((1 - lr * decay) ** 2 * size + lr**2, because="mixed terms are zero on average")

# %%
calculation(
    Equals(size, (1 - lr * decay) ** 2 * size + lr**2),
    given=(size, decay, lr),
    assuming=(decay > 0, lr * decay < 1),
    unknown=(size,),
).implies(Equals(size, lr / (decay * (2 - lr * decay))), because="terms with $w$ together")

# %% [markdown]
# **3.** Its weight fades by $\beta_2$ in each step: with 0.999 more than a third of it is there a
# thousand steps later. That is a reason to clip, and another to take a smaller $\beta_2$.

# %%
calculation(beta2**1000, given=(Let(beta2, Rational(999, 1000), "as usual"),)).at_least(
    Rational(36, 100), because="nearly $1/e$"
)

# %% [markdown]
# ### References
#
# H. Robbins and S. Monro, *A stochastic approximation method*, Annals of Mathematical Statistics
# 22, 1951.
#
# B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR
# Computational Mathematics and Mathematical Physics 4, 1964.
#
# I. Sutskever, J. Martens, G. Dahl and G. Hinton, *On the importance of initialization and
# momentum in deep learning*, ICML 2013.
#
# R. Pascanu, T. Mikolov and Y. Bengio, *On the difficulty of training recurrent neural
# networks*, ICML 2013, arXiv:1211.5063.
#
# D. P. Kingma and J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015,
# arXiv:1412.6980.
#
# I. Loshchilov and F. Hutter, *Decoupled weight decay regularization*, ICLR 2019,
# arXiv:1711.05101.
#
# X. Chen et al., *Symbolic discovery of optimization algorithms*, NeurIPS 2023,
# arXiv:2302.06675.
