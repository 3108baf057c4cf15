# %% [markdown]
# # Normalisation
#
# Deep networks multiply many matrices, and the sizes of what flows through them drift.
# Normalisation pins the size down at every layer. It is cheap on the way forward; on the way
# back it is a projection, and many hand-written gradients go wrong here, because the mean and the
# variance depend on the input too.

# %%
from symllm import ops, pictures

# %% [markdown]
# ## Layer normalisation
#
# Layer normalisation shifts and scales a vector to mean zero and variance one, then lets the
# network choose another scale and shift. Every output depends on every input, through the mean
# and through the variance, so the gradient is longer than the formula.

# %%
ops.layer_norm

# %% [markdown]
# ### The gradient of the input
#
# Walk the equations backwards, from $y$ to $x$, and collect every path: an entry of $x$ acts
# through its own centred value, through the mean and through the variance. One path gives
# nothing: what the variance sends back through the mean is a multiple of the sum of the centred
# values, and that is zero.

# %%
ops.layer_norm.gradient("x")

# %% [markdown]
# *In words:* scale the upstream gradient by $\gamma$; remove its mean, that is its component
# along the vector of ones; remove (but for $\epsilon$) its component along $\hat{x}$; and divide
# by the standard deviation. A layer norm passes back nothing that would only shift its input, and
# almost nothing that would only stretch it, for neither would have changed its output.

# %% [markdown]
# The picture shows the paths: what is computed from what, and each gradient opposite the name that
# it belongs to.

# %%
pictures.graph(ops.layer_norm.gradient())

# %% [markdown]
# Nobody should believe a gradient unseen. Differences of the forward pass judge it, and how well
# they can is a matter of the step: where it is too large they see the curve bend, where it is too
# small the digits run out. The best step of each rule lies at the bottom of its valley.

# %%
pictures.error_curve(ops.layer_norm, "x")

# %% [markdown]
# ### The gradient of the scale
#
# The scale meets each entry once, and nothing lies between it and the output: the rule is that of
# a straight line, told here in its smallest steps.

# %%
ops.layer_norm.gradient("gamma")

# %% [markdown]
# *In words:* the upstream gradient times what the parameter multiplies. Over a batch, this is
# summed over the rows, as it is for the weights of a linear layer.

# %% [markdown]
# ### The gradient of the shift
#
# The shift is added, so there is nothing to multiply by.

# %%
ops.layer_norm.gradient("beta")

# %% [markdown]
# *In words:* the shift's gradient is the upstream gradient as it arrives; over a batch, its sum.

# %% [markdown]
# ## RMSNorm
#
# Is centring needed at all? RMSNorm leaves it out, and the shift as well, and divides by the root
# mean square alone. Llama and most of its descendants use it: one reduction instead of two.

# %%
ops.rms_norm

# %% [markdown]
# ### The gradient of the input
#
# Without a mean there are two paths: an entry acts on its own output, and on all outputs
# through $r$.

# %%
ops.rms_norm.gradient("x")

# %% [markdown]
# *In words:* the same projection as for layer normalisation, with one direction less to remove.
# What is left is (but for $\epsilon$) orthogonal to the input: it turns $x$ and does not stretch
# it.

# %% [markdown]
# ### The gradient of the scale
#
# The scale's gradient is that of layer normalisation, with another $\hat{x}$.

# %%
ops.rms_norm.gradient("gamma")

# %% [markdown]
# *In words:* once more the upstream gradient times what the parameter multiplies.

# %% [markdown]
# ### References
#
# J. L. Ba, J. R. Kiros and G. E. Hinton, *Layer normalization*, arXiv:1607.06450, 2016.
#
# B. Zhang and R. Sennrich, *Root mean square layer normalization*, NeurIPS 2019,
# arXiv:1910.07467.
