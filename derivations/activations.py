# %% [markdown]
# # Activations
#
# Between two linear maps stands a function of one variable, applied to every entry by itself.
# Its Jacobian is diagonal, so the gradient of each entry is the upstream gradient times a
# slope. What differs from one activation to the next is that slope, and how well it can be
# written with what the forward pass has already computed.

# %%
from symllm import ops

# %% [markdown]
# ## ReLU
#
# The rectifier keeps what is positive. Its slope is one or zero, a gate that the sign of the
# input opens or shuts; at zero itself there is no slope, and by convention the gate is shut.

# %%
ops.relu

# %%
ops.relu.gradient("x")

# %% [markdown]
# ## Sigmoid
#
# The logistic function squeezes the real line into the interval from zero to one. Its slope is
# a polynomial in its own value, so nothing but the output needs to be kept for the way back.

# %%
ops.sigmoid

# %%
ops.sigmoid.gradient("x")

# %% [markdown]
# *In words:* the slope is largest, one quarter, in the middle, and vanishes at both ends.

# %% [markdown]
# ## Tanh
#
# The hyperbolic tangent is a sigmoid that was stretched and centred, and its slope, too, is a
# polynomial in its value.

# %%
ops.tanh

# %%
ops.tanh.gradient("x")

# %% [markdown]
# ## Softplus
#
# Softplus is the rectifier with its corner rounded off. Where ReLU's slope jumps from zero to
# one, softplus climbs along the logistic function.

# %%
ops.softplus

# %%
ops.softplus.gradient("x")

# %% [markdown]
# ## SiLU
#
# SiLU, or swish, weights an input by its own sigmoid. It dips below zero for moderately
# negative inputs, and so its slope is negative there.

# %%
ops.silu

# %%
ops.silu.gradient("x")

# %% [markdown]
# ## GELU
#
# GELU weights an input by the share of standard normal draws that lie below it. The product
# rule gives a slope of two terms: the distribution function, and the input times the density.

# %%
ops.gelu

# %%
ops.gelu.gradient("x")

# %% [markdown]
# ## GELU as GPT-2 has it
#
# The error function used to be slow, so GPT-2 took a hyperbolic tangent of a cubic instead. The
# two differ in the fourth digit, which is nothing for the output, but enough to make a gradient
# check fail. It is another function, with another gradient.

# %%
ops.gelu_tanh

# %%
ops.gelu_tanh.gradient("x")

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
