# %% [markdown]
# # How fast gradient descent goes
#
# Training follows a gradient downhill, and takes days. How many steps does it need, what decides
# that number, and what may be done about it? Too large a step diverges, too small a step gets
# nowhere, and the gradient is not even known: what a batch gives is a noisy estimate of it.
#
# All of this can be calculated where the loss is a quadratic, and near a minimum every smooth loss
# is nearly one. What comes out is the vocabulary in which training runs are discussed: condition
# number, stability, momentum, noise floor, critical batch size. The optimizers themselves, Adam and
# others, are in the next chapter.

# %%
from sympy import Abs, Max, Rational, exp, sqrt, symbols

from symllm import (
    Dim,
    E,
    Equals,
    Let,
    Partial,
    Var,
    calculation,
    maximum,
    pictures,
    random,
    scalar,
    sum_over,
)

# %% [markdown]
# ## A bowl
#
# Choose coordinates along the axes of the bowl, with the minimum at zero. The loss is then a sum of
# parabolas that know nothing of each other, with curvatures $\lambda_i > 0$: the eigenvalues of
# the Hessian. A step of size $\eta$ against the gradient takes $\theta$ to $\hat{\theta}$.

# %%
d = Dim("d", "coordinates")
i, j = d.indices("i j")
theta = d.vector("theta", note="parameters")
lam = d.vector("lamda", domain="positive", note="curvatures")
new = d.vector("thetahat")
eta = scalar("eta", domain="positive", note="learning rate")
loss, after, q = scalar("L"), scalar("Lhat"), scalar("q", domain="positive", note="largest factor")
step = (
    theta, lam, eta,
    Let(loss, sum_over(lam[i] * theta[i] ** 2, i) / 2, "the loss"),
    Let(new[i], theta[i] - eta * lam[i] * theta[i], "parameters after a step"),
    Let(after, sum_over(lam[i] * new[i] ** 2, i) / 2, "the loss after it"),
)  # fmt: skip
calculation(Partial(loss, theta[j]), given=step, title="The slope of a bowl").then(
    lam[j] * theta[j], because="only one term holds $\\theta_j$"
)

# %% [markdown]
# So the step subtracts $\eta \lambda_i \theta_i$ from $\theta_i$: it multiplies each coordinate by
# $1 - \eta \lambda_i$, again and again. If $q$ is the largest of these factors in size, the loss
# falls to at most $q^2$ of what it was in every step.

# %%
calculation(
    after, given=(*step, q), assuming=(Abs(1 - eta * lam[i]) <= q,), title="The loss after a step"
).then(
    sum_over((1 - eta * lam[i]) ** 2 * lam[i] * theta[i] ** 2, i) / 2,
    because="each $\\theta_i$ is multiplied",
).at_most(q**2 * loss, because="no factor is larger than $q$")

# %% [markdown]
# *In words:* it converges if $q < 1$, that is if $\eta < 2 / \lambda$ for *every* curvature. The
# sharpest direction alone decides whether training explodes, however flat all the others are, and
# it explodes along that direction.
#
# ## The best step
#
# With curvatures between $\lambda_{\min}$ and $\lambda_{\max}$, the slowest coordinate is one at
# either end. A longer step makes the flat end faster and the sharp one slower. Is there a bound
# that no step can beat?

# %%
low = scalar("lamda_min", domain="positive", note="least curvature")
high = scalar("lamda_max", domain="positive", note="largest curvature")
between = (high > low,)
flat, sharp = scalar("q_flat"), scalar("q_sharp")
factors = (
    Let(flat, Abs(1 - eta * low), "the factor at the flat end"),
    Let(sharp, Abs(1 - eta * high), "the factor at the sharp end"),
)
calculation(
    Max(flat, sharp),
    given=(eta, low, high, *factors),
    assuming=between,
    title="The slowest factor",
).at_least((high * flat + low * sharp) / (high + low), because="a weighted mean of both").at_least(
    (high - low) / (high + low), because="the triangle inequality"
)

# %% [markdown]
# There is, and the step that makes both ends equally slow reaches it.

# %%
best = Let(scalar("eta"), 2 / (high + low), "the best step", means="learning rate")
calculation(
    Max(flat, sharp),
    given=(low, high, best, *factors),
    assuming=between,
    title="The best step reaches it",
).then((high - low) / (high + low), because="both are equal")

# %% [markdown]
# Only the quotient of the curvatures matters, the condition number
# $\kappa = \lambda_{\max} / \lambda_{\min}$, which is above one. How many steps does it cost? Take
# the power of $T$ steps, and bound it by an exponential, which is easy to solve for $T$.

# %%
T = Dim("T", "steps")
kappa = scalar("kappa", domain="positive", note="condition number")
calculation(
    ((kappa - 1) / (kappa + 1)) ** T.symbol,
    given=(kappa, T),
    assuming=(kappa > 1,),
    title="After $T$ steps",
).then((1 - 2 / (kappa + 1)) ** T.symbol, because="divided").at_most(
    exp(-2 * T / (kappa + 1)), because="an exponential lies above its tangent"
)

# %% [markdown]
# *In words:* $(\kappa + 1)/2$ steps for every factor of $e$ in the error. A round bowl takes one
# step. A valley a hundred times as steep across as along takes fifty steps for each factor of $e$,
# and the Hessians of networks have condition numbers far beyond a hundred. Normalisation, momentum
# and the division in Adam are three ways around that one number.
#
# ## Momentum
#
# Down a valley, gradient descent goes to and fro across it and hardly forwards. A heavy ball keeps
# its speed (Polyak, 1964): to each step, add $\mu$ times the step before it. What is across
# cancels, what is along adds up. How much faster is that?
#
# One coordinate of curvature $\lambda$ is enough. Three positions in a row are $\theta_0$,
# $\theta_1$ and $\theta_2$. Is there a quantity that shrinks by the same factor in every step? A
# square of the position does not, for the ball swings; but a mixed form of two positions does.

# %%
curve, mu = (
    scalar("lamda", domain="positive", note="curvature"),
    scalar("mu", domain="unit", note="momentum"),
)
a0 = scalar("theta_0", note="position")
a1 = scalar("theta_1", note="position a step later")
a2 = scalar("theta_2")
c, form, form_next = scalar("c"), scalar("F"), scalar("Fhat")
ball = (
    a0, a1, curve, eta, mu,
    Let(
        c,
        1 + mu - eta * curve,
        "so that $\\theta_2 = c \\theta_1 - \\mu \\theta_0$",
        means="factor of the last position in the next",
    ),
    Let(
        a2,
        a1 - eta * curve * a1 + mu * (a1 - a0),
        "against the slope, and on as before",
        means="position two steps later",
    ),
    Let(form, a1**2 - c * a1 * a0 + mu * a0**2, "a form of two positions"),
    Let(form_next, a2**2 - c * a2 * a1 + mu * a1**2, "the same form, a step later"),
)  # fmt: skip
calculation(form_next, given=ball, title="What shrinks").then(
    a2 * (a2 - c * a1) + mu * a1**2, because="two terms hold $\\theta_2$"
).then(-mu * a0 * a2 + mu * a1**2, because="by the first line").then(
    mu * form, because="the same once more"
)

# %% [markdown]
# It shrinks by $\mu$, whatever the curvature. And it bounds the position, if only the square of
# $c$ is not too large: complete the square.

# %%
calculation(form, given=ball, title="It bounds the position").then(
    (a1 - c * a0 / 2) ** 2 + (mu - c**2 / 4) * a0**2, because="a completed square"
).at_least((mu - c**2 / 4) * a0**2, because="a square is not negative")

# %% [markdown]
# So $\theta_T^2$ is at most $\mu^T$ times a constant, as long as $\mu - c^2/4$ is positive.
# When is it?

# %%
root = scalar("r", domain="unit", note="root of the momentum")
calculation(
    4 * (mu - c**2 / 4),
    given=(curve, eta, root, Let(mu, root**2, "momentum"), Let(c, 1 + mu - eta * curve)),
    title="The range of curvatures",
).then(
    (eta * curve - (1 - root) ** 2) * ((1 + root) ** 2 - eta * curve),
    because="a difference of squares, twice",
)

# %% [markdown]
# *In words:* every coordinate with $\eta \lambda$ between $(1 - \sqrt{\mu})^2$ and
# $(1 + \sqrt{\mu})^2$ shrinks by the *same* factor $\sqrt{\mu}$ in every step. Gradient descent
# has one curvature at which it is fast; momentum has a whole range at which it is equally good. The
# best $\mu$ is the least one whose range still covers all curvatures: with $r$ for its root, the
# quotient of both ends must be $\kappa$.

# %%
calculation(
    Equals((1 + root) / (1 - root), sqrt(kappa)),
    given=(root, kappa),
    assuming=(kappa > 1,),
    unknown=(root,),
    title="The best momentum",
).implies(Equals(root, (sqrt(kappa) - 1) / (sqrt(kappa) + 1)), because="solved for $r$")

# %% [markdown]
# It is the factor of gradient descent, with $\sqrt{\kappa}$ in the place of $\kappa$: at a
# condition number of ten thousand, fifty steps for each factor of $e$ and not five thousand. The
# picture has both factors over the curvature, for $\kappa = 100$. Gradient descent is dragged along
# by its ends; momentum is level.

# %%
x = symbols("x", positive=True)
memory = Rational(9, 11) ** 2
inside = 1 + memory - Rational(4, 121) * x
pictures.curves(
    {
        "gradient descent": Abs(1 - 2 * x / 101),
        "momentum": Max(
            Abs(inside + sqrt(inside**2 - 4 * memory)), Abs(inside - sqrt(inside**2 - 4 * memory))
        )
        / 2,
    },
    over=(x, 1, 100),
    name="factors-by-curvature",
    words="The factor by which one step shrinks a coordinate, over its curvature from 1 to 100. "
    "With the best step, gradient descent is near 1 at both ends and 0 at their mean, near 50; "
    "momentum is 9/11 everywhere.",
    across="curvature $λ$",
    up="factor in a step",
    log="x",
)

# %% [markdown]
# A run agrees: steps that it takes to shrink the error by a million, counted and as predicted.

# %% tags=["shown"]
import numpy as np

lams = np.linspace(1, 100, 50)


def steps(eta, mu):
    theta, old, count = np.ones(50), np.ones(50), 0
    while np.abs(theta).max() > 1e-6:
        theta, old = theta - eta * lams * theta + mu * (theta - old), theta
        count += 1
    return count


plain, heavy = (np.log(1e6) / np.log(f) for f in (101 / 99, 11 / 9))
count = steps(4 / 121, (9 / 11) ** 2)
print(f"gradient descent: {steps(2 / 101, 0)} steps, predicted {plain:.0f}")
print(f"momentum: {count} steps, predicted {heavy:.0f} and some")

# %% [markdown]
# Momentum takes a third more, for at both ends of the range $\mu - c^2/4$ is zero and the bound
# says nothing: there the power comes with a factor of $T$. A little more momentum than the best is
# therefore safer than a little less.

# %% [markdown]
# ## The noise of a batch
#
# Nobody computes the whole gradient. Let $g_u$ be the derivative, by one parameter, of the loss of
# the $u$-th of $n$ examples. A batch of $b$ of them, drawn with replacement, gives a mean that is
# right on average.

# %%
n, b = Dim("n", "examples"), Dim("b", "examples of a batch")
u, k = n.index("u"), b.index("k")
g = n.vector("g", note="gradients of the examples")
s = b.vector("s", domain=n, note="examples that are drawn")
mean_g, var_g = scalar("gbar"), scalar("v")
drawn = (
    g, s,
    Let(mean_g, sum_over(g[u], u) / n, "the whole gradient"),
    Let(
        var_g,
        sum_over((g[u] - mean_g) ** 2, u) / n,
        "the spread of the examples",
        means="variance of the gradient of one example",
    ),
)  # fmt: skip
chance = (random(s[k], law="uniform"),)
calculation(
    E(sum_over(g[s[k]], k) / b), given=drawn, assuming=chance, title="The mean of a batch"
).then(sum_over(E(g[s[k]]), k) / b, because="linear").then(
    mean_g, because="each draw is any example"
)

# %%
calculation(
    Var(sum_over(g[s[k]], k) / b), given=drawn, assuming=chance, title="The variance of a batch"
).then(sum_over(Var(g[s[k]]), k) / b**2, because="draws are independent").then(
    var_g / b, because="$b$ equal terms"
)

# %% [markdown]
# *In words:* four times the batch halves the standard deviation, and costs four times as much.
#
# ## Where noise stops the descent
#
# With noise in the gradient the parameters never come to rest: each step pulls them towards the
# minimum and kicks them away from it. Let $\xi$ be the noise, of variance $v/b$ as above.

# %%
one = scalar("theta", note="parameter")
kick = scalar("xi", note="noise of the gradient")
next_one = scalar("thetahat")
spread = scalar("v", domain="positive", note="variance of the gradient of one example")
noisy = (
    one, kick, curve, eta, spread, b,
    Let(
        next_one,
        one - eta * (curve * one + kick),
        "a step with noise",
        means="parameters after a step",
    ),
)  # fmt: skip
kicks = (random(kick, variance=spread / b),)
calculation(E(next_one**2), given=noisy, assuming=kicks, title="A noisy step").then(
    (1 - eta * curve) ** 2 * one**2 + eta**2 * spread / b,
    because="the mixed term is zero on average",
)

# %% [markdown]
# If the step is short enough to converge at all, $\eta \lambda < 2$, the mean square $m$ of the
# parameter settles where a step leaves it as it is.

# %%
size = scalar("m", domain="positive", note="mean square of the parameter")
stable = (eta * curve < 2,)
calculation(
    Equals(size, (1 - eta * curve) ** 2 * size + eta**2 * spread / b),
    given=(size, curve, eta, spread, b),
    assuming=stable,
    unknown=(size,),
    title="Where pull and kicks balance",
).implies(
    Equals(size, eta * spread / (b * curve * (2 - eta * curve))), because="terms with $m$ together"
)

# %%
calculation(
    curve * size / 2,
    given=(
        curve, eta, spread, b,
        Let(size, eta * spread / (b * curve * (2 - eta * curve)), "mean square, by the balance"),
    ),
    assuming=stable,
    title="The noise floor",
).then(eta * spread / (2 * b * (2 - eta * curve)), because="the curvature cancels").at_least(
    eta * spread / (4 * b), because="the bracket is less than two"
)  # fmt: skip

# %% [markdown]
# *In words:* below about $\eta v / 4 b$ for each parameter the loss does not go, however long one
# trains. That is why the learning rate is lowered towards the end, and why the loss drops when it
# is. It is also why step and batch may be exchanged: what matters to the floor is $\eta / b$.
# Measured over many runs at once:

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)


def floor(eta, b):
    theta = np.full(20_000, 5.0)  # as many runs, of curvature 1
    for _ in range(200):
        theta -= eta * (theta + rng.normal(size=theta.shape) / b**0.5)
    return np.mean(theta**2) / 2


for rate, many in [(0.4, 1), (0.2, 1), (0.2, 4), (0.8, 4)]:
    predicted = rate / (2 * many * (2 - rate))
    found = floor(rate, many)
    print(f"step {rate}, batch {many}: {found:.3f}, predicted {predicted:.3f}")

# %% [markdown]
# ## How large a batch pays
#
# Far from the minimum the question is another: how much does one step gain? Let all curvatures be
# $\lambda$ and every one of the $d$ entries of the gradient noisy, with variance $v/b$. Write $G$
# for the squared length of the gradient.

# %%
noise = d.vector("xi", note="noise of the gradient")
G = scalar("G", domain="positive", note="squared length of the gradient")
gain = (
    theta, noise, curve, eta, spread, b,
    Let(
        new[i],
        theta[i] - eta * (curve * theta[i] + noise[i]),
        "a step with noise",
        means="parameters after a step",
    ),
    Let(loss, curve * sum_over(theta[i] ** 2, i) / 2, "the loss"),
    Let(after, curve * sum_over(new[i] ** 2, i) / 2, "the loss after it"),
    Let(G, sum_over((curve * theta[i]) ** 2, i), "squared length of the gradient"),
)  # fmt: skip
calculation(
    E(loss - after),
    given=gain,
    assuming=(random(noise[i], variance=spread / b),),
    title="What a step gains",
).then(
    eta * G - curve * eta**2 / 2 * (G + d * spread / b),
    because="the noise is zero on average, its square is not",
)

# %% [markdown]
# Noise does not change what the slope promises, only what curvature takes back. Write $N$ for $d$
# times $v$, the noise of one example in all its entries. The noisier the gradient, the shorter is
# the best step.

# %%
N = scalar("N", domain="positive", note="noise of one example")
B = scalar("B", domain="positive", note="noise scale")
won = eta * G - curve * eta**2 / 2 * (G + N / b)
best_step = b * G / (curve * (b * G + N))
maximum(won, Let(eta, best_step), given=(eta, G, N, curve, b))

# %%
calculation(
    won,
    given=(
        G,
        N,
        curve,
        b,
        Let(B, N / G, "the noise scale"),
        Let(eta, best_step, "the best step", means="learning rate"),
    ),
    title="The most that a step gains",
).then(eta * G / 2, because="half of what the slope promises").then(
    G / (2 * curve) * (b / (b + B)), because="put in"
)

# %% [markdown]
# *In words:* a batch of $B$ examples, the *critical* batch size (McCandlish et al., 2018), gains
# half of what a batch without end would. Far below $B$, twice the batch makes twice the progress:
# on twice the machines, training takes half the time. Far above, all further examples are wasted.
# As training goes on the gradient shrinks and its noise hardly does, so $B$ grows, and long runs
# raise their batch size on the way.

# %%
pictures.curves(
    {"progress in a step": x / (1 + x), "progress for an example": 1 / (1 + x)},
    over=(x, Rational(1, 100), 100),
    name="critical-batch-size",
    words="Progress as a share of the best: what a step gains rises from 0 to 1, what an example "
    "gains falls from 1 to 0; they cross at one half, at the critical batch size.",
    across="batch size $b / B$",
    up="share of the best",
    log="x",
)

# %% [markdown]
# ## Exercises
#
# **1.** Someone doubles the batch and wants to keep everything else as it was: one step is to do
# what two did. What should the step size be, and what does that change?
#
# **2.** A batch is drawn with the probability $p_u$ for the example $u$, and each gradient is
# divided by $n p_u$. Is the mean still right? What is it good for?
#
# **3.** Let the loss be half the mean squared distance to the examples $x_0, x_1, \dots$, shown one
# at a time, and let the $t$-th step have size $1/t$. Where is $\theta$ after $t$ steps?
#
# **4.** By the section above, a target is reached in $T_0 (1 + B/b)$ steps, where $T_0$ is what a
# batch without end would need. How many examples does it take, and what is the least number of
# both? Show that the shares by which both exceed their least multiply to one.
#
# ### Answers
#
# **1.** Twice as large: the *linear scaling rule* (Goyal et al., 2017). Two old kicks have the
# variance of a new one. The way down differs: two steps multiply by $(1 - \eta \lambda)^2$, the new
# one by $1 - 2 \eta \lambda$, less by $\eta^2 \lambda^2$. The rule holds while steps are small for
# their curvature.

# %%
first = scalar("xi_1", note="noise of the first step")
second = scalar("xi_2", note="noise of the second step")
calculation(
    Var(eta * first + eta * second),
    given=(first, second, eta, spread, b),
    assuming=(random(first, variance=spread / b), random(second, variance=spread / b)),
).then(2 * eta**2 * spread / b, because="two old kicks, or a new one: $(2 \\eta)^2$ times $v / 2b$")

# %% [markdown]
# **2.** It is: what is drawn more often counts less each time. Draw large gradients more often, and
# the variance falls.

# %%
share = n.vector("p", domain="distribution", note="probabilities of being drawn")
drawn_g = n.vector("ghat")
weighted = (share, g, Let(drawn_g[u], g[u] / (n * share[u]), "gradients as they are counted"))
calculation(sum_over(share[u] * drawn_g[u], u), given=weighted).then(
    sum_over(g[u], u) / n, because="$p_u$ cancels"
)

# %% [markdown]
# **3.** At the mean of the first $t$ examples. If it was at the mean of $t - 1$ of them before, the
# step takes it to that of $t$. A step that shrinks like $1/t$ averages all noise away (Robbins and
# Monro, 1951); one that is constant keeps forgetting, and has a floor.

# %%
u = T.index("u")
examples, newest = T.vector("x", note="examples"), scalar("x_new", note="the newest example")
before, steps_done = scalar("theta"), scalar("t")
averaged = (
    examples, newest,
    Let(steps_done, T + 1, "number of the step"),
    Let(
        before,
        sum_over(examples[u], u) / T,
        "the mean of all but the newest",
        means="parameter",
    ),
)  # fmt: skip
calculation(before - (before - newest) / steps_done, given=averaged).then(
    (sum_over(examples[u], u) + newest) / (T + 1), because="$t - 1$ old shares and a new one"
)

# %% [markdown]
# **4.** $T_0 (b + B)$ of them, $b$ times the steps, and never less than $T_0 B$. Who wants few
# steps pays in examples, and the other way round.

# %%
batch = scalar("b", domain="positive", note="examples of a batch")
fewest = scalar("T_0", domain="positive", note="steps with a batch without end")
n_steps, n_examples = scalar("T"), scalar("M")
spent = (
    fewest, B, batch,
    Let(n_steps, fewest * (1 + B / batch), "steps"),
    Let(n_examples, fewest * (batch + B), "examples"),
)  # fmt: skip
calculation((n_steps / fewest - 1) * (n_examples / (fewest * B) - 1), given=spent).then(
    1, because="$B / b$ times $b / B$"
)

# %% [markdown]
# ### References
#
# B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR
# Computational Mathematics and Mathematical Physics 4, 1964.
#
# H. Robbins and S. Monro, *A stochastic approximation method*, Annals of Mathematical Statistics
# 22, 1951.
#
# P. Goyal et al., *Accurate, large minibatch SGD: training ImageNet in 1 hour*, arXiv:1706.02677,
# 2017.
#
# S. McCandlish, J. Kaplan, D. Amodei and the OpenAI Dota team, *An empirical model of large-batch
# training*, arXiv:1812.06162, 2018.
