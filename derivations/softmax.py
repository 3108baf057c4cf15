# %% [markdown]
# # Softmax and cross-entropy
#
# A language model ends in a vector of scores, one for each token of its vocabulary. Softmax
# makes them into probabilities, and cross-entropy says how surprised those probabilities are by
# the token that came. Between them they give the simplest gradient in deep learning: what was
# predicted, less what was seen. This chapter derives it, and all that leads up to it.

# %%
from symllm import ops

# %% [markdown]
# ## Softmax
#
# Exponentials make scores positive; dividing by their sum makes them add up to one. That sum is
# why the gradient is not what the formula's look suggests: raise one score, and every other
# probability falls.

# %%
ops.softmax

# %% [markdown]
# ### The Jacobian
#
# Since each output depends on each input, the derivative is a square matrix. It is symmetric,
# and its rows sum to zero: adding the same number to every score changes nothing.

# %%
ops.softmax.jacobian("x")

# %% [markdown]
# ### The gradient
#
# Nobody builds that matrix. Backpropagation needs its product with the gradient that arrives
# from above, and the product costs no more than softmax itself.

# %%
ops.softmax.gradient("x")

# %% [markdown]
# *In words:* centre the upstream gradient around its mean under $p$, then weight it by $p$.
# What is common to all outputs is removed, for probabilities cannot all grow at once; and an
# output that is close to zero passes almost nothing back. An output that is close to one leaves
# almost nothing after centring. This is why a saturated softmax learns slowly.

# %% [markdown]
# ## Log-sum-exp
#
# The logarithm of softmax's denominator is a function in its own right: a smooth maximum,
# convex, and never more than $\log n$ above the largest entry. It holds softmax in its
# gradient.

# %%
ops.logsumexp

# %%
ops.logsumexp.gradient("x")

# %% [markdown]
# *In words:* the gradient of the smooth maximum is a smooth "arg max". A hard maximum would
# send all of its gradient to the winner; this one shares it out in proportion to the
# probabilities.

# %% [markdown]
# ## Log-softmax
#
# Losses want logarithms of probabilities. To take them after the division is to lose digits,
# and to lose everything where a probability underflows; the difference of a score and the
# log-sum-exp of all scores is the same number, computed safely.

# %%
ops.log_softmax

# %%
ops.log_softmax.gradient("x")

# %% [markdown]
# *In words:* each entry keeps its own upstream gradient and pays its share, $p_i$, of the
# total.

# %% [markdown]
# ## Cross-entropy
#
# Cross-entropy compares the prediction with a target distribution $y$. It is a scalar and the
# end of the line, so no gradient arrives from above: it is where gradients start.

# %%
ops.cross_entropy

# %%
ops.cross_entropy.gradient("z")

# %% [markdown]
# *In words:* predicted less observed. The softmax's own saturation is gone: the logarithm
# undoes the exponential exactly, and a confident mistake gets a gradient of nearly its full
# size. That the target sums to one was needed here; without it, the first term would carry a
# factor $\sum_j y_j$.

# %% [markdown]
# ### The Hessian
#
# How fast does the gradient itself turn? The second derivative does not know the target at all:
# it is the Jacobian of softmax, the covariance matrix of one draw from $p$. It has no negative
# eigenvalue, so cross-entropy is convex in the logits.

# %%
ops.cross_entropy.hessian("z")

# %% [markdown]
# ## Cross-entropy with a class index
#
# In practice the target is one token, $t$, and its distribution is all zeros but for a one at
# that place. The sum over the vocabulary disappears before it is ever computed.

# %%
ops.cross_entropy_index

# %%
ops.cross_entropy_index.gradient("z")

# %% [markdown]
# *In words:* take the probabilities, and subtract one at the right answer. Only that score is
# pushed up; every other is pushed down by the probability that it wrongly holds.
#
# ### References
#
# J. S. Bridle, *Probabilistic interpretation of feedforward classification network outputs,
# with relationships to statistical pattern recognition*, in Neurocomputing, NATO ASI Series 68,
# 1990.
