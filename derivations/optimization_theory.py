# %% [markdown]
# # Why optimizers work
#
# The chapter on optimizers derives how gradients flow through an update. This one asks what the
# updates do: how fast gradient descent goes and when it diverges, what a batch costs in noise, why
# Adam divides by $1 - \beta^T$, and why weight decay is not the same as an L2 penalty.

# %%
from sympy import Abs, Max, Min, sqrt

from symllm import Dim, E, Equals, Let, Partial, Var, calculation, random, scalar, sum_over

# %% [markdown]
# ## Gradient descent on a quadratic
#
# Near a minimum every smooth loss is a quadratic. Along the axes of its curvature it falls apart
# into parabolas that know nothing of each other, with curvatures $\lambda_i > 0$. A step of size
# $\eta$ against the gradient takes $x$ to $x'$ (here with a hat).

# %%
n = Dim("n")
i, j = n.indices("i j")
x, lam, new = n.vector("x"), n.vector("lamda", domain="positive"), n.vector("xhat")
eta = scalar("eta", domain="positive")
loss, after = scalar("f"), scalar("fhat")
step = (
    x, lam, eta,
    Let(loss, sum_over(lam[i] * x[i] ** 2, i) / 2, "the loss"),
    Let(new[i], x[i] - eta * lam[i] * x[i], "after a step"),
    Let(after, sum_over(lam[i] * new[i] ** 2, i) / 2, "the loss after it"),
)  # fmt: skip
calculation(Partial(loss, x[j]), given=step, title="The gradient").then(
    lam[j] * x[j], because="only one term holds $x_j$"
)

# %%
calculation(after, given=step, title="One step").then(
    sum_over((1 - eta * lam[i]) ** 2 * lam[i] * x[i] ** 2, i) / 2,
    because="$x$ shrinks by $1 - \\eta \\lambda$",
)

# %% [markdown]
# Each coordinate is multiplied by $1 - \eta \lambda_i$ at every step. As long as that is less than
# one in size for all of them, $\eta < 2 / \lambda$ for the largest curvature, the loss falls.
# Beyond, it explodes, along one direction, however flat all others are.

# %%
calculation(loss - after, given=step, assuming=(eta * lam[i] < 2,), title="How far it falls").then(
    eta * sum_over(lam[i] ** 2 * x[i] ** 2 * (2 - eta * lam[i]), i) / 2, because="multiplied out"
).at_least(0, because="every factor is positive")

# %% [markdown]
# How large should the step be? With curvatures between $\mu$ and $L$, the slowest coordinate is the
# one at either end, and the best step makes both equally slow. No step can do better:

# %%
mu, ell = scalar("mu"), scalar("L")
ends = (eta, mu, ell)
between = (mu > 0, ell > mu)
slowest = Max(Abs(1 - eta * mu), Abs(1 - eta * ell))
calculation(slowest, given=ends, assuming=between, title="The slowest factor").at_least(
    (ell * Abs(1 - eta * mu) + mu * Abs(1 - eta * ell)) / (ell + mu),
    because="a mean of both",
).at_least((ell - mu) / (ell + mu), because="the triangle inequality")

# %%
best = Let(scalar("eta"), 2 / (ell + mu), "the best step")
calculation(slowest, given=(mu, ell, best), assuming=between, title="It is reached").then(
    (ell - mu) / (ell + mu), because="both are equal"
)

# %% [markdown]
# *In words:* what counts is the condition number $\kappa = L / \mu$. The error shrinks by
# $(\kappa - 1)/(\kappa + 1)$ at every step, which is about $1 - 2/\kappa$: a round bowl takes one
# step, and a valley a hundred times as steep across as along takes fifty for each factor of $e$.
# Normalisation, momentum and Adam are three ways around that number.
#
# ## The noise of a batch
#
# Nobody computes the whole gradient. A batch of $b$ examples, drawn from $n$ with replacement,
# gives a mean that is right on average.

# %%
b = Dim("b")
k = b.index("k")
g, t = n.vector("g"), b.vector("t", domain=n)
mean_g, var_g = scalar("gbar"), scalar("v")
drawn = (
    g, t,
    Let(mean_g, sum_over(g[i], i) / n, "the whole gradient"),
    Let(var_g, sum_over((g[i] - mean_g) ** 2, i) / n, "the spread of the examples"),
)  # fmt: skip
chance = (random(t[k], law="uniform"),)
calculation(
    E(sum_over(g[t[k]], k) / b), given=drawn, assuming=chance, title="The mean of a batch"
).then(sum_over(E(g[t[k]]), k) / b, because="linear").then(
    sum_over(mean_g, k) / b, because="each draw is any example"
).then(mean_g, because="$b$ equal terms")

# %%
calculation(Var(sum_over(g[t[k]], k) / b), given=drawn, assuming=chance, title="Its variance").then(
    sum_over(Var(g[t[k]]), k) / b**2, because="draws are independent"
).then(var_g / b, because="$b$ equal terms")

# %% [markdown]
# *In words:* four times the batch halves the noise, and costs four times as much. That is a bad
# bargain while the gradient is much larger than its noise, and the only way on once it is not.
#
# ## Adam's bias correction
#
# Adam keeps a running mean of the gradients, $m_T = \beta m_{T-1} + (1 - \beta) g_T$, and starts it
# at zero. Written out, the gradient of $s$ steps ago has the weight $(1 - \beta) \beta^s$. Suppose
# that all gradients have the same mean $\mu$. Is $m_T$ right on average?

# %%
T = Dim("T")
s = T.index("s")
past, beta, sigma = T.vector("g"), scalar("beta", domain="unit"), scalar("sigma", domain="positive")
m = scalar("m")
running = (
    past, beta, mu, sigma,
    Let(m, (1 - beta) * sum_over(beta**s * past[s], s), "the running mean after $T$ steps"),
)  # fmt: skip
noise = (random(past[s], mean=mu, variance=sigma**2),)
calculation(E(m), given=running, assuming=noise, title="The mean of the running mean").then(
    (1 - beta) * sum_over(beta**s * E(past[s]), s), because="linear"
).then((1 - beta) * mu * sum_over(beta**s, s), because="all have the same mean").then(
    mu * (1 - beta**T), because="the geometric series"
)

# %% [markdown]
# It is not: the zero that it started from has the weight $\beta^T$ still. Divided by $1 - \beta^T$,
# it is. Without the correction the first steps would be far too small in $m$, and for the mean of
# squares, whose $\beta$ is nearer to one, smaller yet; their quotient would start with steps that
# are too large.

# %%
calculation(E(m / (1 - beta**T)), given=running, assuming=noise, title="Corrected").then(
    E(m) / (1 - beta**T), because="a constant factor"
).then(mu, because="by the mean above")

# %% [markdown]
# What is left of the noise, once the start is forgotten, is that of about $(1 + \beta)/(1 - \beta)$
# independent gradients: nineteen for $\beta = 0.9$.

# %%
calculation(Var(m), given=running, assuming=noise, title="The noise of the running mean").then(
    (1 - beta) ** 2 * sum_over(beta ** (2 * s) * sigma**2, s), because="independent terms"
).then(sigma**2 * (1 - beta) / (1 + beta) * (1 - beta ** (2 * T)), because="the geometric series")

# %% [markdown]
# ## Weight decay and L2
#
# An L2 penalty adds $\lambda w$ to the gradient; weight decay takes the share $\eta \lambda$ from
# the weight itself. For plain gradient descent they are the same.

# %%
w, grad, decay, r = scalar("w"), scalar("g"), scalar("lamda"), scalar("r", domain="positive")
both = (w, grad, decay, eta, r)
calculation(w - eta * (grad + decay * w), given=both, title="Gradient descent").then(
    (1 - eta * decay) * w - eta * grad, because="terms with $w$ together"
)

# %% [markdown]
# Adam divides the gradient by $r$, the root of a running mean of its squares. A penalty is part of
# the gradient, and is divided too.

# %%
calculation(w - eta * (grad + decay * w) / r, given=both, title="Adam with L2").then(
    (1 - eta * decay / r) * w - eta * grad / r, because="terms with $w$ together"
)

# %% [markdown]
# *In words:* with the penalty, weights whose gradients are large decay *less*, since $r$ is large
# there: the opposite of what anyone wants. AdamW decays every weight by the same share, and leaves
# the division to the gradient.
#
# ## Clipping
#
# A gradient that is longer than $c$ is scaled back to the length $c$; one that is shorter is left
# alone. The length of what comes out is therefore never larger than $c$.

# %%
length, c = scalar("r"), scalar("c", domain="positive")
clipped = (g, c, Let(length, sqrt(sum_over(g[i] ** 2, i)), "the gradient's length"))
calculation(
    sqrt(sum_over((g[i] * Min(1, c / length)) ** 2, i)), given=clipped, title="Its length after"
).then(length * Min(1, c / length), because="the factor is out").then(
    Min(length, c), because="multiplied in"
).at_most(c, because="the smaller of two")

# %% [markdown]
# ## Exercises
#
# **1.** On a parabola of curvature $\lambda$, which step size reaches the minimum at once?
#
# **2.** Momentum adds up gradients, $u_T = \beta u_{T-1} + g_T$, and steps along $u$. How long is
# the step, if all gradients are the same?
#
# **3.** A batch is drawn with examples weighted by $q_i$, and each gradient is divided by $n q_i$.
# Is the mean still right?
#
# ### Answers
#
# **1.** One over the curvature, which is Newton's step.

# %%
one, curve = scalar("x"), scalar("lamda", domain="positive")
calculation(
    Equals(one - eta * curve * one, 0), given=(one, curve, eta), assuming=(one > 0,), unknown=(eta,)
).implies(Equals(eta, 1 / curve), because="divide by $\\lambda x$")

# %% [markdown]
# **2.** Up to $1/(1 - \beta)$ times as long; ten times for $\beta = 0.9$.

# %%
same = scalar("g", domain="positive")
calculation(sum_over(beta**s * same, s), given=(beta, same, T)).then(
    same * (1 - beta**T) / (1 - beta), because="the geometric series"
).at_most(same / (1 - beta), because="$\\beta^T$ is positive")

# %% [markdown]
# **3.** It is: what is drawn more often counts less each time.

# %%
q = n.vector("q", domain="distribution")
ratio = n.vector("r")
weighted = (q, g, Let(ratio[i], g[i] / (n * q[i]), "what is drawn"))
calculation(sum_over(q[i] * ratio[i], i), given=weighted).then(
    sum_over(g[i], i) / n, because="$q_i$ cancels"
)

# %% [markdown]
# ### References
#
# B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR
# Computational Mathematics and Mathematical Physics 4, 1964.
#
# D. P. Kingma and J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015,
# arXiv:1412.6980.
#
# I. Loshchilov and F. Hutter, *Decoupled weight decay regularization*, arXiv:1711.05101, 2019.
#
# R. Pascanu, T. Mikolov and Y. Bengio, *On the difficulty of training recurrent neural networks*,
# ICML 2013, arXiv:1211.5063.
