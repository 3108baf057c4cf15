# %% [markdown]
# # Activations
#
# Between two linear layers stands a function of one variable, applied to every entry by itself. It
# looks like the least of a network's parts: no parameters, no sums, one line of code. Yet without
# it the network would be a single matrix, and with the wrong one it does not train. The history of
# activations is a search for a slope that does not die on the way back through many layers. This
# chapter follows it from the sigmoid to SwiGLU.

# %%
from sympy import Abs, Max, Rational, erf, exp, log, pi, sqrt, tanh

from symllm import Equals, Iverson, Let, Partial, calculation, ops, pictures, scalar

# %% [markdown]
# ## Why there must be one
#
# Two linear layers, one on top of the other with nothing between, are one linear layer, whose
# matrix is the product of theirs (the chapter on the linear layer multiplies it out). So are a
# hundred. Depth without an activation is an expensive way to write a matrix.
#
# What does an activation cost on the way back? Entry $i$ of the output depends on entry $i$ of the
# input alone, so the Jacobian is diagonal, and the gradient is the upstream gradient times a slope.
# Slopes of successive layers multiply. So there are two questions to ask of an activation: where is
# its slope near zero, and how large is it elsewhere?
#
# ## Slopes that vanish
#
# ### Sigmoid
#
# A neuron fires or it does not. The first networks said so with a step, whose slope is zero
# everywhere, and nothing can be learnt through it by gradients. The logistic function is the step
# made smooth. Differentiated by its input it looks untidy; written with its output, which is there
# already, it is a polynomial.

# %%
ops.sigmoid

# %%
ops.sigmoid.gradient("x")

# %% [markdown]
# *In words:* the slope is the output times what the output lacks to one. A sigmoid that is sure,
# either way, has nearly stopped learning: it is *saturated*.

# %% [markdown]
# And it never learns fast. Complete the square:

# %%
y = scalar("y", domain="unit", note="output")
calculation(y * (1 - y), given=(y,), title="The steepest place").then(
    Rational(1, 4) - (y - Rational(1, 2)) ** 2, because="complete the square"
).at_most(Rational(1, 4), because="with equality at one half")

# %% [markdown]
# *In words:* every sigmoid on the way takes away three quarters of the gradient, and ten of them
# six digits, at the least. The weights between would have to be four times as large to make up for
# it, and would then drive the sigmoids into their flat ends.
#
# ### Tanh
#
# The hyperbolic tangent runs from minus one to one and meets zero with slope one. It is no other
# function than the sigmoid, stretched by two in both directions and centred.

# %%
x = scalar("x", note="input")
calculation(tanh(x), given=(x,), title="Tanh is a sigmoid").then(
    (1 - exp(-2 * x)) / (1 + exp(-2 * x)), because=r"as it is defined, but divided by $e^x$"
).then(2 / (1 + exp(-2 * x)) - 1, because=r"$1 - e^{-2x}$ is $2 - (1 + e^{-2x})$")

# %% [markdown]
# So tanh is $2 \, \mathrm{sigmoid}(2x) - 1$: whatever a network of sigmoids computes, one of tanhs
# computes too, with other weights. But the two do not start at the same place. Small inputs pass a
# tanh as if it were not there, and a deep network of tanhs starts close to a linear one.

# %%
ops.tanh

# %%
ops.tanh.gradient("x")

# %% [markdown]
# *In words:* the slope is one in the middle, four times that of the sigmoid, and vanishes at both
# ends as before. The middle is mended, saturation is not.

# %% [markdown]
# ### What is left after thirty layers
#
# Theory says that sigmoids lose the gradient, that tanhs keep it for a while, and that rectifiers,
# which shut out half of it, keep it if the variance of the weights is twice as large (the chapter
# on initialisation says why). Here is a stack of thirty layers with random weights. What share of
# the gradient's size arrives at the bottom?

# %% tags=["shown"]
import numpy as np

# the function, its slope by its output, and 256 times the variance of a weight
KINDS = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda h: h * (1 - h), 1),
    "tanh": (np.tanh, lambda h: 1 - h**2, 1),
    "relu": (lambda z: np.maximum(z, 0), lambda h: (h > 0) * 1.0, 2),
}
for name, (f, slope, gain) in KINDS.items():
    rng = np.random.default_rng(0)
    h, g, layers = rng.normal(size=256), rng.normal(size=256), []
    start = np.linalg.norm(g)
    for _ in range(30):
        W = rng.normal(size=(256, 256)) * np.sqrt(gain / 256)
        h = f(W @ h)
        layers.append((W, slope(h)))
    for W, s in reversed(layers):
        g = W.T @ (s * g)
    print(f"{name:8} {np.linalg.norm(g) / start:.1g}")

# %% [markdown]
# Thirty quarters multiplied are about $10^{-18}$; the sigmoids leave less, for not all of them
# stand at their best place.
#
# ## A slope that is one
#
# ### ReLU
#
# The rectifier keeps what is positive and drops the rest. It costs a comparison, it does not
# saturate on its open side, and its slope is either one or zero: a gate that the sign of the input
# opens or shuts.

# %%
ops.relu

# %%
ops.relu.gradient("x")

# %% [markdown]
# *In words:* the gate that let the value through lets its gradient back, undiminished. Where it is
# shut the gradient is exactly zero: a unit that is shut for every example gets none at all, and
# stays shut unless the layers below it change its inputs. It is called *dead*.

# %% [markdown]
# But for its corner a rectifier is straight, and it has no scale of its own: stretch the input by a
# positive factor, and the output stretches with it. Multiply the weights and the bias before a
# rectifier by ten and divide the weights after it by ten, and the network is the same function. A
# sigmoid cares how large its input is, a rectifier does not: nothing keeps sizes from drifting from
# layer to layer, and that is why initialisation and normalisation have chapters of their own.
#
# ## The corner, rounded
#
# ### Softplus
#
# What if the corner were smooth? Softplus is the logarithm of one plus an exponential. Far to the
# left that is nearly zero, far to the right nearly $x$. Where the slope of ReLU jumps from zero to
# one, that of softplus has to climb. Along which curve?

# %%
ops.softplus

# %%
ops.softplus.gradient("x")

# %% [markdown]
# *In words:* along the logistic function. Softplus is the integral of a sigmoid, as ReLU is that of
# a step; so its slope is never zero, and it has no dead units.

# %% [markdown]
# How far is it from the rectifier? Under the logarithm stand $1$ and $e^x$. Take out the larger of
# the two.

# %%
calculation(log(1 + exp(x)), given=(x,), title="Softplus and the rectifier").then(
    Max(x, 0) + log(1 + exp(-Abs(x))), because="take out the larger"
)

# %% [markdown]
# *In words:* never by more than $\log 2$, and by so much only at the corner. The right side is also
# how programs compute softplus. As it is defined, it fails where $e^x$ is too large for the
# machine, although the value is harmless; with the larger taken out, the exponential can only be
# small.
#
# Softplus itself did not win: at zero it lets $\log 2$ through, and no unit is ever off.
# It lives on where something has to be positive, such as a step size or a variance. The corner
# was rounded in another way.
#
# ## A gate worked by what it gates
#
# A rectifier is its input times a gate, and the gate is a step. Replace the step by a curve that
# climbs from zero to one, and the input times that curve is a smooth rectifier that does go to zero
# on the left. Two curves are in use: the sigmoid makes SiLU (also called swish), the distribution
# function of the normal law makes GELU.
#
# Both curves have the symmetry of the step: what is open at $x$ is shut at $-x$. For the normal law
# it is plain, since a draw lies as often above $x$ as below $-x$; for the sigmoid:


# %%
def gate(z):
    return 1 / (1 + exp(-z))


def normal(z):
    return (1 + erf(z / sqrt(2))) / 2


calculation(gate(x) + gate(-x), given=(x,), title="Open and shut").then(
    1, because="a common denominator"
)

# %% [markdown]
# *In words:* the two shares make one, so ReLU, SiLU and GELU all satisfy $y(x) - y(-x) = x$. That
# fixes half of the function: it is one half of the identity, $x / 2$, plus something even, which
# for ReLU is half of the size of $x$, for the others a smooth copy of it. Hence the slopes at $x$
# and at $-x$ always make one together, and at zero the smooth ones have a slope of one half. On
# inputs that are spread evenly about zero the mean slope is one half, whichever is chosen; what
# differs is how that half is shared out.

# %%
axis = scalar("x")
ACROSS = {"across": "$x$", "over": (axis, -4, 4)}
GELU = axis * normal(axis)
SILU = axis * gate(axis)
pictures.curves(
    {"ReLU": Max(axis, 0), "GELU": GELU, "SiLU": SILU, "softplus": log(1 + exp(axis))},
    name="rectifiers",
    words="ReLU has a corner at zero. Softplus lies above it everywhere, by 0.7 at zero. SiLU and "
    "GELU pass through zero, dip below it on the left, by 0.28 and by 0.17, and join ReLU on "
    "both sides, GELU sooner.",
    up="value",
    **ACROSS,
)

# %% [markdown]
# ### SiLU
#
# The gate depends on the same input as what it gates, so the product rule gives two terms.

# %%
ops.silu

# %%
ops.silu.gradient("x")

# %% [markdown]
# *In words:* the sigmoid itself, and a correction for how the gate moves. The slope is no longer
# between zero and one: on the left it is slightly negative, since the function dips before it
# rises, and on the right it exceeds one by as much, by the symmetry above.

# %% [markdown]
# ### GELU
#
# GELU was found by asking for dropout that depends on the input: keep an entry with the probability
# that a standard normal draw lies below it, and drop it otherwise. On average that leaves the input
# times this probability, which is the normal distribution function $\Phi$.

# %%
ops.gelu

# %%
ops.gelu.gradient("x")

# %% [markdown]
# *In words:* the distribution function, and the input times the density, which is the slope of the
# distribution function: the same two terms as for SiLU. Neither slope can be had from $y$ alone,
# for each value in the dip is taken twice; the backward pass needs $x$.

# %%
normal_slope = normal(axis) + axis * exp(-(axis**2) / 2) / sqrt(2 * pi)
pictures.curves(
    {
        "sigmoid": gate(axis) * (1 - gate(axis)),
        "tanh": 1 - tanh(axis) ** 2,
        "softplus": gate(axis),
        "SiLU": gate(axis) + SILU * (1 - gate(axis)),
        "GELU": normal_slope,
    },
    name="slopes",
    words="The slopes of sigmoid and tanh are bells, of height one quarter and one. That of "
    "softplus climbs from zero to one. Those of SiLU and GELU climb too, dip below zero first and "
    "rise above one at the end, GELU more steeply.",
    up="slope",
    **ACROSS,
)

# %% [markdown]
# ### GELU as GPT-2 has it
#
# The error function used to be slow, so GPT-2 took a hyperbolic tangent of a cubic in place of it.

# %%
ops.gelu_tanh

# %%
ops.gelu_tanh.gradient("x")

# %% [markdown]
# *In words:* again the gate, $\frac{1}{2} (1 + t_i)$, and the input times the slope of the gate:
# that of the hyperbolic tangent, $(1 - t_i)(1 + t_i)$, times that of the cubic.

# %% [markdown]
# Where do the constants come from? The gate of GELU is $\frac{1}{2} (1 + \mathrm{erf})$, so the
# tangent has to imitate the error function, and the two should agree in slope at zero. Twice the
# density there is $\sqrt{2/\pi}$: that is the first constant. The other is asked for in Exercise 3.
# The two functions differ by less than $0.0005$. For a network that is nothing; for somebody who
# compares the gradients of two programs it is a bug that takes a day to find (Exercise 4).

# %% [markdown]
# ## A gate worked by another
#
# A gate need not be worked by what it gates. In a *gated linear unit* one half of a layer decides
# how much of the other half passes, entry by entry. In SwiGLU the gate is a SiLU; Llama and most of
# its descendants have it in every block.

# %%
ops.swiglu

# %%
ops.swiglu.gradient()

# %% [markdown]
# *In words:* a product, so each half gets the upstream gradient times the other half; the gate's
# share goes on through the slope of SiLU, which is cited. Where the gate is shut, nothing passes
# either way; where there is nothing to pass, the gate does not learn.

# %% [markdown]
# GEGLU has a GELU at the gate. The later T5 models and Gemma use it, with GELU as a tanh. Only the
# gradient of the gate is another.

# %%
ops.geglu

# %%
ops.geglu.gradient("gate")

# %% [markdown]
# *In words:* the slope of GELU stands where that of SiLU stood. Gating is one idea and its
# activation another; the calculus does not mix them.

# %% [markdown]
# A gate has two prices. The first is a third matrix. A plain feed-forward layer has two, of $d$ by
# $4 d$ entries; three have as many if the layer is two thirds as wide, $8 d / 3$. The $11008$ of
# Llama with $d = 4096$ is that, rounded up to a multiple of 256.
#
# The other is paid in large numbers. Where the gate is open a SiLU is as good as a rectifier, which
# has no scale of its own: stretch the inputs of both halves by ten, and the product is stretched by
# a hundred. An outlier that reaches both halves is squared. Products let one unit ask for two
# things at once; they are also where training in eight bits has been seen to fail (Fishman et al.,
# 2024).
#
# ## Dropout
#
# Dropout is not an activation, but it too acts on every entry by itself: it leaves each out with
# probability $\mathrm{rate}$, so that no unit can rely on a certain other one. What is kept is
# scaled up, so that the mean stays (an exercise of *Initialisation* computes it, and the variance),
# and nothing needs to be done when the model is used. The throws of the dice are given, as a mask
# of zeros and ones.

# %%
ops.dropout

# %%
ops.dropout.gradient("x")

# %% [markdown]
# *In words:* the gradient goes through the same mask and the same scale as the value did. Whoever
# draws the mask again on the way back, instead of keeping it, must draw the same one.

# %% [markdown]
# ## Exercises
#
# **1.** A *leaky* rectifier has a slope $\alpha$ between zero and one on the left, instead
# of zero. Derive its gradient. Can a unit die?
#
# **2.** Where is SiLU lowest? Show that its value there is one more than the place.
#
# **3.** GPT-2's cubic is $\kappa (x + \nu x^3)$. With $\kappa = \sqrt{2/\pi}$ the slopes of the two
# gates agree at zero. Choose $\nu$ so that their cubic terms agree as well. How far is that from
# $0.044715$?
#
# **4.** A function for the backward pass of GELU agrees with another library's to three digits, not
# more. What is wrong with it?
#
# ### Answers
#
# **1.** Its output can be written as two rectifiers, one for each side. Where $x$ is negative the
# slope is $\alpha$, never zero: no unit dies.

# %%
alpha = scalar("alpha", domain="unit", note="slope on the left")
leaky = scalar("y", note="output")
two = (x, alpha, Let(leaky, Max(x, 0) - alpha * Max(-x, 0), "a leak on the left"))
calculation(Partial(leaky, x), given=two, title="Leaky ReLU").then(
    Iverson(x > 0) + alpha * Iverson(x < 0), because="one side is shut, the other open"
)

# %% [markdown]
# **2.** Where the slope is zero, so is its factor in brackets, for the sigmoid never is. The place
# is near $-1.278$ and the value near $-0.278$.

# %%
out, share = scalar("y", note="output"), scalar("s", note="logistic function")
silu = (x, Let(share, gate(x), "the logistic function"), Let(out, x * share, "SiLU"))
calculation(Equals(Partial(out, x), 0), given=silu, unknown=(x,)).implies(
    Equals(share * (1 + x - out), 0), because=r"the slope is $s + x s (1 - s)$"
).implies(Equals(out, 1 + x), because="divide by the sigmoid")

# %% [markdown]
# **3.** Near zero both functions are a line less a cubic, and what is left is of the fifth order.
# The slope of the tangent is $1 - \tanh^2 u$, that of the error function $\kappa e^{-x^2/2}$; what
# holds for slopes holds for what they add up to.

# %%
u = scalar("u", domain="positive", note="argument of the tangent")
calculation(u - u**3 / 3, given=(u,), title="The tangent near zero").at_most(
    tanh(u), because=r"$\tanh u \le u$: a slope of at least $1 - u^2$"
).at_most(u - u**3 / 3 * (1 - 2 * u**2 / 5), because="so it is at most $1 - u^2 + 2 u^4 / 3$")

# %%
first = scalar("kappa", domain="positive", note="slope of the cubic at zero")
third = scalar("nu", note="weight of the cube")
near = scalar("x", domain="positive", note="input")
calculation(
    sqrt(2 / pi) * (near - near**3 / 6), given=(near,), title="The error function near zero"
).at_most(erf(near / sqrt(2)), because=r"$e^{-x^2/2} \ge 1 - x^2/2$").at_most(
    sqrt(2 / pi) * (near - near**3 / 6 * (1 - 3 * near**2 / 20)),
    because=r"$e^{-x^2/2} \le 1 - x^2/2 + x^4/8$",
)

# %% [markdown]
# With $u = \kappa (x + \nu x^3)$ the cubic terms are $(\kappa \nu - \kappa^3/3) \, x^3$ and
# $-(\kappa/6) \, x^3$.

# %%
calculation(
    Equals(first * third - first**3 / 3, -first / 6),
    Equals(first, sqrt(2 / pi)),
    given=(first, third),
    unknown=(first, third),
    title="The same cubic term",
).implies(Equals(third, (4 - pi) / (6 * pi)), because=r"divide by $\kappa$, then put it in")

# %% [markdown]
# That is $0.0455$. The published constant is a little smaller: it gives up some of the agreement at
# zero for a better one further out.

# %% tags=["shown"]
import numpy as np
from scipy.special import erf as error_function

z = np.linspace(-6, 6, 2401)
for nu in (0.044715, (4 - np.pi) / (6 * np.pi)):
    by_tanh = z * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + nu * z**3))) / 2
    off = by_tanh - z * (1 + error_function(z / np.sqrt(2))) / 2
    print(f"nu = {nu:.6f}: off by {abs(off).max():.6f}")

# %% [markdown]
# **4.** Nothing, but it belongs to another function. The check tries the neighbours of what it was
# asked for, and finds which.

# %% tags=["shown"]
import numpy as np

from symllm import check_gradient, ops


def gelu_backward(dy, x):
    kappa, nu = np.sqrt(2 / np.pi), 0.044715
    t = np.tanh(kappa * (x + nu * x**3))
    return dy * ((1 + t) / 2 + x / 2 * (1 - t**2) * kappa * (1 + 3 * nu * x**2))


verdict = check_gradient(gelu_backward, ops.gelu)
print(verdict.kind, verdict.explanation, sep=": ")

# %% [markdown]
# ### References
#
# D. E. Rumelhart, G. E. Hinton and R. J. Williams, *Learning representations by back-propagating
# errors*, Nature 323, 1986.
#
# S. Hochreiter, Y. Bengio, P. Frasconi and J. Schmidhuber, *Gradient flow in recurrent nets: the
# difficulty of learning long-term dependencies*, in A field guide to dynamical recurrent networks,
# IEEE Press, 2001.
#
# C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau and R. Garcia, *Incorporating second-order functional
# knowledge for better option pricing*, NeurIPS 2000.
#
# V. Nair and G. E. Hinton, *Rectified linear units improve restricted Boltzmann machines*, ICML
# 2010.
#
# A. L. Maas, A. Y. Hannun and A. Y. Ng, *Rectifier nonlinearities improve neural network acoustic
# models*, ICML 2013 workshop on deep learning for audio, speech and language processing.
#
# D. Hendrycks and K. Gimpel, *Gaussian error linear units (GELUs)*, arXiv:1606.08415, 2016.
#
# S. Elfwing, E. Uchibe and K. Doya, *Sigmoid-weighted linear units for neural network function
# approximation in reinforcement learning*, arXiv:1702.03118, 2017.
#
# P. Ramachandran, B. Zoph and Q. V. Le, *Searching for activation functions*, arXiv:1710.05941,
# 2017.
#
# Y. N. Dauphin, A. Fan, M. Auli and D. Grangier, *Language modeling with gated convolutional
# networks*, ICML 2017, arXiv:1612.08083.
#
# N. Shazeer, *GLU variants improve transformer*, arXiv:2002.05202, 2020.
#
# M. Fishman, B. Chmiel, R. Banner and D. Soudry, *Scaling FP8 training to trillion-token LLMs*,
# arXiv:2409.12517, 2024.
#
# N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, *Dropout: a simple
# way to prevent neural networks from overfitting*, Journal of Machine Learning Research 15, 2014.
