# %% [markdown]
# # Normalisation
#
# Deep networks multiply many matrices, and the sizes of what flows through them drift.
# Normalisation pins the size down at every layer. It is cheap on the way forward; on the way
# back it is a small projection, and the place where most hand-written gradients go wrong.

# %%
from symllm import ops

# %% [markdown]
# ## Layer normalisation
#
# Layer normalisation shifts and scales a vector to mean zero and variance one, then lets the
# network choose another scale and shift. Every output depends on every input, through the mean
# and through the variance, so the gradient is not what the formula's look suggests.

# %%
ops.layer_norm

# %% [markdown]
# ### The gradient of the input

# %%
ops.layer_norm.gradient("x")

# %% [markdown]
# *In words:* scale the upstream gradient by $\gamma$; remove its mean, that is its component
# along the vector of ones; remove its component along $\hat{x}$; and divide by the standard
# deviation. A layer norm passes back no gradient that would only shift its input, and (but for
# $\epsilon$) none that would only stretch it, for neither would have changed its output.

# %% [markdown]
# ### The gradients of the parameters
#
# Scale and shift meet each entry once, so their gradients are those of a straight line: the
# upstream gradient times what the parameter multiplies. Over a batch, both are summed over its
# rows.

# %%
ops.layer_norm.gradient("gamma")

# %%
ops.layer_norm.gradient("beta")

# %% [markdown]
# ## RMSNorm
#
# Is centring needed at all? RMSNorm leaves it out and divides by the root mean square. Llama
# and most of its descendants use it: one reduction instead of two, and no shift.

# %%
ops.rms_norm

# %% [markdown]
# ### The gradient of the input

# %%
ops.rms_norm.gradient("x")

# %% [markdown]
# *In words:* the same projection as for layer normalisation, with one direction less to remove.
# What is left is (but for $\epsilon$) orthogonal to the input itself.

# %% [markdown]
# ### The gradient of the scale

# %%
ops.rms_norm.gradient("gamma")

# %% [markdown]
# ### References
#
# J. L. Ba, J. R. Kiros and G. E. Hinton, *Layer normalization*, arXiv:1607.06450, 2016.
#
# B. Zhang and R. Sennrich, *Root mean square layer normalization*, NeurIPS 2019,
# arXiv:1910.07467.
