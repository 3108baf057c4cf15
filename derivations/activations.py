# %% [markdown]
# # Activations
#
# Between two linear layers stands a function of one variable, applied to every entry by itself;
# without it, the two would be one. Its Jacobian is diagonal, so the gradient of each entry is the
# upstream gradient times a slope. What differs from one activation to the next is that slope, and
# how well it can be written with what the forward pass has already computed.

# %%
from symllm import ops

# %% [markdown]
# ## ReLU
#
# The rectifier keeps what is positive and drops the rest. It costs a comparison, and its slope is
# either one or zero: a gate that the sign of the input opens or shuts.

# %%
ops.relu

# %%
ops.relu.gradient("x")

# %% [markdown]
# *In words:* the gate that let the value through lets its gradient back. A unit that is shut for
# every example gets no gradient at all, and never opens again.

# %% [markdown]
# ## Sigmoid
#
# The logistic function squeezes the real line into the interval from zero to one. Differentiated
# by its input it looks untidy; written with its output, which is there already, it is a
# polynomial.

# %%
ops.sigmoid

# %%
ops.sigmoid.gradient("x")

# %% [markdown]
# *In words:* the slope is one quarter in the middle, where $y_i$ is one half, and vanishes at
# both ends. Each sigmoid on the way divides a gradient by four or more, which is why deep
# networks gave it up, except for gates.

# %% [markdown]
# ## Tanh
#
# The hyperbolic tangent is a sigmoid that was stretched and centred: it runs from minus one to
# one. Its slope, too, is a polynomial in its value.

# %%
ops.tanh

# %%
ops.tanh.gradient("x")

# %% [markdown]
# *In words:* small inputs pass almost unchanged, with slope one; large ones saturate.

# %% [markdown]
# ## Softplus
#
# Softplus is the rectifier with its corner rounded off. Where the slope of ReLU jumps from zero
# to one, that of softplus has to climb. Along which curve?

# %%
ops.softplus

# %%
ops.softplus.gradient("x")

# %% [markdown]
# *In words:* along the logistic function. Softplus is its integral, as ReLU is that of a step.

# %% [markdown]
# ## SiLU
#
# SiLU, or swish, weights an input by its own sigmoid: a gate again, but one that opens gradually.
# The gate depends on the same input as what it gates, so the product rule gives two terms.

# %%
ops.silu

# %%
ops.silu.gradient("x")

# %% [markdown]
# *In words:* the sigmoid itself, and a correction for how the gate moves. Far to the left the
# slope is slightly negative, and far to the right it comes down to one from above, since the
# function dips below zero before it rises.

# %% [markdown]
# ## GELU
#
# GELU weights an input by the share of standard normal draws that lie below it. It has the form
# of SiLU with another gate, the normal distribution function $\Phi$, and so its gradient has the
# same two terms.

# %%
ops.gelu

# %%
ops.gelu.gradient("x")

# %% [markdown]
# *In words:* the distribution function, and the input times the density, which is the slope of
# the distribution function. Both are needed on the way back, and neither can be had from $y$
# alone.

# %% [markdown]
# ## GELU as GPT-2 has it
#
# The error function used to be slow, so GPT-2 took a hyperbolic tangent of a cubic instead. The
# two differ by less than $0.0005$: nothing for a network, but enough to fail a gradient check.

# %%
ops.gelu_tanh

# %%
ops.gelu_tanh.gradient("x")

# %% [markdown]
# *In words:* again the gate, $\frac{1}{2} (1 + t_i)$, and the input times the slope of the gate:
# that of the hyperbolic tangent, $(1 - t_i)(1 + t_i)$, times that of the cubic.

# %% [markdown]
# ## SwiGLU
#
# A gate need not be worked by what it gates. In a gated linear unit, one half of a layer decides
# how much of the other half passes, entry by entry. In SwiGLU the gate is a SiLU; Llama and most
# of its descendants have it in every block.

# %%
ops.swiglu

# %%
ops.swiglu.gradient()

# %% [markdown]
# *In words:* a product, so each half gets the upstream gradient times the other half; the gate's
# share goes on through the slope of SiLU, which is cited. Where the gate is shut, nothing passes
# either way; where there is nothing to pass, the gate does not learn.

# %% [markdown]
# ## GEGLU
#
# The same with GELU at the gate. The later T5 models and Gemma use it, with GELU as a tanh.

# %%
ops.geglu

# %%
ops.geglu.gradient()

# %% [markdown]
# *In words:* again each half times the other, with the slope of GELU in place of that of SiLU.

# %% [markdown]
# ## Dropout
#
# Dropout is not an activation, but it too acts on every entry by itself: it leaves each out with
# probability $\mathrm{rate}$, so that no unit can rely on a certain other one. What is kept is
# scaled up, so that the mean stays, and nothing needs to be done when the model is used. The
# throws of the dice are given, as a mask of zeros and ones.

# %%
ops.dropout

# %%
ops.dropout.gradient("x")

# %% [markdown]
# *In words:* the gradient goes through the same mask and the same scale as the value did. Whoever
# draws the mask again on the way back, instead of keeping it, must draw the same one.

# %% [markdown]
# ### References
#
# V. Nair and G. E. Hinton, *Rectified linear units improve restricted Boltzmann machines*, ICML
# 2010.
#
# D. Hendrycks and K. Gimpel, *Gaussian error linear units (GELUs)*, arXiv:1606.08415, 2016.
#
# S. Elfwing, E. Uchibe and K. Doya, *Sigmoid-weighted linear units for neural network function
# approximation in reinforcement learning*, arXiv:1702.03118, 2017.
#
# N. Shazeer, *GLU variants improve transformer*, arXiv:2002.05202, 2020.
#
# N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, *Dropout: a simple
# way to prevent neural networks from overfitting*, Journal of Machine Learning Research 15, 2014.
