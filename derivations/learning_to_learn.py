# %% [markdown]
# # Learning through a step
#
# An optimizer's step is a function like any other, from parameters, gradient and memory to the next
# parameters and the next memory. So it has a gradient itself, which says how the loss *after* a
# step depends on what was before it: on the start, on the gradient, on the learning rate. One who
# asks which start is best for a few steps of training, which learning rate, or which example should
# have been left out, needs that gradient; so does anyone who trains an optimizer instead of
# designing it (Andrychowicz et al., 2016). This chapter derives it for each of the optimizers of
# the last one, where their equations are.
#
# $L$ is the loss after the step, and $\mathrm{d}\theta_{\mathrm{next}}$ its gradient there. The
# gradient $g$ that the step uses is an input; where it comes from a loss before the step is a
# matter of its own, to be chained with this one.

# %%
from symllm import Let, Partial, calculation, ops, pictures, scalar

# %% [markdown]
# ## Gradient descent
#
# The plainest step, and the shortest of derivations.

# %%
ops.sgd

# %%
ops.sgd.gradient("g")

# %% [markdown]
# *In words:* a larger $g$ would have moved the parameters further the other way. They themselves
# pass their gradient on as it is, here and in every step without decay.

# %% [markdown]
# ### Learning where to start
#
# Now let $g$ be the gradient at $\theta$ of a loss of its own, so that $\theta$ acts through it,
# too. Say that this loss is a parabola of curvature $\lambda$ about $a$, and $L$ another about
# $\hat{a}$: another task, for which $\theta$ should be a good start.

# %%
weight = scalar("theta", note="parameter")
minimum = scalar("a", note="minimum of the first parabola")
target = scalar("ahat", note="minimum of the second parabola")
after, loss = scalar("thetahat"), scalar("L")
AFTER = "parameter after the step"
curve = scalar("lamda", domain="positive", note="curvature")
lr = scalar("lr", domain="positive", note="learning rate")
task = (
    weight, minimum, target, curve, lr,
    Let(
        after,
        weight - lr * curve * (weight - minimum),
        "a step down the first parabola",
        means=AFTER,
    ),
    Let(loss, (after - target) ** 2 / 2, "how good that is for the second", means="loss"),
)  # fmt: skip
calculation(Partial(loss, weight), given=task, title="Through the gradient").then(
    (1 - lr * curve) * (after - target), because="the chain rule"
)

# %% [markdown]
# *In words:* a second derivative has come in, by the factor $1 - \eta \lambda$; for many
# parameters it is a Hessian. MAML (Finn et al., 2017) so finds a start from which one step goes far
# in many tasks. Its first-order version leaves the factor out, and need not differentiate twice:
# right as long as the step is short for the curvature.
#
# ### Learning how far to go
#
# The learning rate is an input as well. A step against $g$ leads to a place where the gradient of
# the loss is $\hat{g}$. How does the loss there depend on the step's length?

# %%
g, there = scalar("g", note="gradient"), scalar("ghat")
one_step = (
    weight, minimum, curve, lr, g,
    Let(after, weight - lr * g, AFTER),
    Let(loss, curve * (after - minimum) ** 2 / 2, "the loss there", means="loss"),
    Let(there, curve * (after - minimum), "the gradient there", means="gradient after the step"),
)  # fmt: skip
calculation(Partial(loss, lr), given=one_step, title="Through the learning rate").then(
    -g * there, because="the chain rule"
)

# %% [markdown]
# *In words:* if two gradients in a row point the same way, the first step was too short; if they
# point against each other, too long. One may let the learning rate follow that rule while training
# (hypergradient descent; Baydin et al., 2018). With 20 curvatures and a first learning rate that is
# far too small:

# %% tags=["shown"]
import numpy as np

lamda = np.linspace(0.1, 1, 20)
for adapt in (0, 0.01):
    theta, rate, last = np.ones(20), 0.01, np.zeros(20)
    for _ in range(100):
        slope = lamda * theta
        rate += adapt * slope @ last
        theta, last = theta - rate * slope, slope
    print(f"rate {rate:.2f}, loss {lamda @ theta**2 / 2:.4f}")

# %% [markdown]
# ## Momentum
#
# The memory with the new gradient, $\tilde{m} = \mu m + g$, acts twice: in this step, and in the
# next one, to which it is handed on. So its gradient has two parts.

# %%
ops.momentum.gradient()

# %% [markdown]
# *In words:* $\mathrm{d}\tilde{m}$ is what later steps ask of the memory, less what this step did
# with it. A step back, it fades by $\mu$: going backwards through many steps is momentum again, of
# the gradients of their parameters.

# %% [markdown]
# Nesterov's step, along $g + \mu \tilde{m}$, uses the gradient once more, and that adds a path for
# it.

# %%
ops.nesterov.gradient("g")

# %% [markdown]
# ## Adam
#
# From the parameters the gradient goes to the numerator and to the denominator of the step, from
# there to the two means, where it meets what comes from later steps, and from the means to $g$ and
# the old state.

# %%
pictures.graph(ops.adam)

# %%
ops.adam.gradient("g", "m", "v")

# %% [markdown]
# *In words:* a gradient has two effects: it moves its mean, and the step with it, and it raises
# the mean square, which shortens the step. Both fade from step to step, by $\beta_1$ and
# $\beta_2$.
#
# The root has no slope at zero. Where an entry of $g$ and of $v$ is zero, as for a parameter that
# was never used, $\hat{v}_i$ is zero and the formula divides by it. It is assumed that $v$ is
# positive; one who goes backwards through such steps adds a little to $\hat{v}_i$ under the root.

# %% [markdown]
# The two effects may cancel. In the first step Adam divides a gradient by its own size, and what is
# left is a sign: nothing that is done to $g$, short of turning it around, changes the step. Does
# the formula know? Here $m$ and $v$ are zero at first, but for a little $v$ to divide by.

# %% tags=["shown"]
import numpy as np

from symllm import ops

dg = ops.adam.gradient("g").lambdify()
zero, one = np.zeros(3), np.ones(3)
fixed = {"lr": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "theta": zero}
after_it = {"dtheta_next": one, "dm_next": zero, "dv_next": zero}
slopes = np.array([0.5, -2.0, 4.0])
first = dg(g=slopes, m=zero, v=1e-12 * one, t=1, **fixed, **after_it)
memory = {"m": 0.1 * slopes, "v": 0.001 * slopes**2}
second = dg(g=slopes / 2, t=2, **memory, **fixed, **after_it)
print("first step ", np.abs(first).round(6))
print("second step", second.round(6))

# %% [markdown]
# It does. In the second step the gradient has halved, and then it matters, the less the larger
# gradients are: for Adam's step does not depend on their scale.
#
# ## AdamW
#
# The parameters pass on a little less of their gradient than all: a loss far ahead asks less of
# weights that will have decayed.

# %%
ops.adamw.gradient("theta")

# %% [markdown]
# ## Lion
#
# Lion steps by the sign of $b = \beta_1 m + (1 - \beta_1) g$. A sign is constant almost everywhere:
# its derivative is zero, and at the jump, where there is none, zero is taken for it.

# %%
ops.lion.gradient("g")

# %% [markdown]
# *In words:* how far the gradient points one way does not matter to the step, so nothing comes
# back through it; what does, comes through the memory. The result is that of the program as it
# is, and yet of little use: to learn through a sign, one puts something smooth in its place.

# %% [markdown]
# ## Clipping by the norm
#
# Clipping multiplies $g$, of norm $r$, by the factor $f = \min(1, c / r)$. Below the bound $c$ the
# factor is one and has no slope. Above it the norm of the result is fixed, and all that can change
# is the direction.

# %%
ops.clip_by_global_norm.gradient("g")

# %% [markdown]
# *In words:* within bounds the gradient passes unchanged. Beyond, it loses its component along
# $u$, the direction of $g$, and is scaled by $f$, which is then the bound over the norm: to make
# a clipped gradient longer changes nothing. It is the projection of a normalisation, switched on
# where the bound is reached.

# %% [markdown]
# ## Exercises
#
# **1.** Go through two steps of gradient descent instead of one, down a parabola of curvature
# $\lambda$. How does the loss depend on the start? What becomes of that through a hundred steps?
#
# **2.** Instead of the start, learn the *target*: where the first parabola has its minimum, say
# because labels were chosen by hand. What is the gradient of $a$?
#
# **3.** Somebody stores nothing while training and wants to go back through momentum's steps all
# the same. From $\theta_{\mathrm{next}}$, $m_{\mathrm{next}}$ and $g$, what were $\theta$ and $m$?
#
# ### Answers
#
# **1.** By the factor twice. Through a hundred steps it vanishes if the steps were good, and
# explodes if they were too long: the trouble of recurrent networks, here with steps for layers.

# %%
second = scalar("thetatilde")
twice = (
    weight, minimum, target, curve, lr,
    Let(after, weight - lr * curve * (weight - minimum), "after one step", means=AFTER),
    Let(second, after - lr * curve * (after - minimum), "parameter after two steps"),
    Let(loss, (second - target) ** 2 / 2, "the loss then", means="loss"),
)  # fmt: skip
calculation(Partial(loss, weight), given=twice).then(
    (1 - lr * curve) ** 2 * (second - target), because="the chain rule, twice"
)

# %% [markdown]
# **2.** The rest of it: what the step took from the start it took towards $a$.

# %%
calculation(Partial(loss, minimum), given=task).then(
    lr * curve * (after - target), because="the chain rule"
)

# %% [markdown]
# **3.** Run the step backwards: first the parameters, for $m_{\mathrm{next}}$ is $\tilde{m}$, then
# the memory, if $\mu$ is not zero. Each division by $\mu$ magnifies rounding, and with $\mu = 0.9$
# a thousand of them by more than all digits there are; Maclaurin et al. (2015) keep the few bits
# that each step loses.

# %%
mu = scalar("mu", domain="unit", note="momentum")
kept, used = scalar("m", note="memory"), scalar("mtilde")
forwards = (
    weight, g, kept, lr, mu,
    Let(used, mu * kept + g, "memory, with this gradient"),
    Let(after, weight - lr * used, "a step", means=AFTER),
)  # fmt: skip
calculation(after + lr * used, given=forwards).then(weight, because="the step back")

# %%
calculation((used - g) / mu, given=forwards).then(kept, because="what was remembered before")

# %% [markdown]
# ### References
#
# D. Maclaurin, D. Duvenaud and R. P. Adams, *Gradient-based hyperparameter optimization through
# reversible learning*, ICML 2015, arXiv:1502.03492.
#
# M. Andrychowicz et al., *Learning to learn by gradient descent by gradient descent*, NeurIPS 2016,
# arXiv:1606.04474.
#
# C. Finn, P. Abbeel and S. Levine, *Model-agnostic meta-learning for fast adaptation of deep
# networks*, ICML 2017, arXiv:1703.03400.
#
# A. G. Baydin, R. Cornish, D. Martínez Rubio, M. Schmidt and F. Wood, *Online learning rate
# adaptation with hypergradient descent*, ICLR 2018, arXiv:1703.04782.
