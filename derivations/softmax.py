# %% [markdown]
# # Softmax and cross-entropy
#
# A language model ends in a vector of scores, one for each token of its vocabulary. Softmax
# makes them into probabilities, and cross-entropy says how surprised those probabilities are by
# the token that came. Each alone has a gradient with sums and products in it; together they
# have the simplest gradient in deep learning, what was predicted less what was seen. This
# chapter derives it, and all that leads up to it.

# %%
from symllm import ops, pictures

# %% [markdown]
# ## Softmax
#
# Exponentials make scores positive; dividing by their sum makes them add up to one. That sum
# couples the entries: raise one score, and every other probability falls.

# %%
ops.softmax

# %% [markdown]
# ### The Jacobian
#
# A score reaches a probability along two paths: through its own exponential, which stands in the
# numerator of one probability, and through the sum, which stands in the denominator of all. The
# first path gives a diagonal matrix, the second a full one.

# %%
ops.softmax.jacobian("x")

# %% [markdown]
# *In words:* raising a score raises its own probability, most of all where that is one half, and
# takes from every other in proportion to both. The rows of the matrix sum to zero, because adding
# one number to all of the scores changes nothing; so do its columns, because the probabilities
# always sum to one.

# %% [markdown]
# In numbers: the diagonal is where a score acts on its own probability, and what it gains there is
# what its row loses elsewhere.

# %%
pictures.heat_map(ops.softmax.jacobian("x"), x=[2, 1, 0, -1])

# %% [markdown]
# ### The gradient
#
# Nobody builds that matrix: for a vocabulary of fifty thousand it would have two and a half
# billion entries. Backpropagation only needs its product with the gradient that arrives from
# above, and walking the equations backwards finds that product without the matrix.

# %%
ops.softmax.gradient("x")

# %% [markdown]
# *In words:* centre the upstream gradient around its mean under $p$, then weight it by $p$. The
# centring takes away what all outputs have in common, for probabilities cannot all grow at once.
# The weighting silences outputs that are close to zero; one that is close to one carries the
# mean with it, and is silenced by the centring. Hence a saturated softmax learns slowly.

# %% [markdown]
# ## Log-sum-exp
#
# The logarithm of softmax's denominator is a function in its own right: a smooth maximum, at
# least the largest entry and at most $\log n$ above it. Its gradient says where that maximum
# comes from.

# %%
ops.logsumexp

# %%
ops.logsumexp.gradient("x")

# %% [markdown]
# *In words:* the gradient of the smooth maximum is softmax, a smooth "arg max". A hard maximum
# would send all of its gradient to the winner; this one shares it out in proportion to the
# probabilities.

# %% [markdown]
# ## Log-softmax
#
# Losses want logarithms of probabilities. To take them after the division is to lose digits,
# and to lose everything where a probability underflows. A score less the log-sum-exp of all
# scores is the same number, computed safely, and its gradient is simpler too.

# %%
ops.log_softmax

# %%
ops.log_softmax.gradient("x")

# %% [markdown]
# *In words:* each entry keeps its own upstream gradient and pays its share, $p_i$, of the
# total. Nothing is multiplied by a vanishing probability any more, so log-softmax does not
# saturate as softmax does.

# %% [markdown]
# ## Cross-entropy
#
# Cross-entropy compares the prediction $p$ with a target distribution $y$: the logarithm of each
# probability, weighted by how often its outcome is to be expected. The loss is a scalar and the
# end of the line, so no gradient arrives from above; this is where gradients start.

# %%
ops.cross_entropy

# %% [markdown]
# ### The gradient
#
# Softmax has been differentiated already, so its gradient enters here as a lemma, in one step.

# %%
ops.cross_entropy.gradient("z")

# %% [markdown]
# *In words:* predicted less observed. The logarithm undoes the exponential exactly, and with it
# the saturation: a confident mistake gets a gradient of nearly full size. That the target sums to
# one was needed; without it, $p_i$ would carry the factor $\sum_j y_j$.

# %% [markdown]
# ### The Hessian
#
# How fast does the gradient itself turn? Newton's method and every study of the loss surface
# ask for the second derivative. To find it, differentiate the gradient once more.

# %%
ops.cross_entropy.hessian("z")

# %% [markdown]
# *In words:* the curvature does not know the target at all. It is the Jacobian of softmax, and
# also the covariance matrix of one draw from $p$, written as an indicator vector. A covariance has
# no negative eigenvalue, so cross-entropy is convex in the logits.

# %% [markdown]
# ## Cross-entropy with a class index
#
# In practice the target is one token, $t$, and its distribution is all zeros but for a one at
# that place. Picking one entry replaces the sum over the vocabulary, and the target no longer
# needs a vector.

# %%
ops.cross_entropy_index

# %%
ops.cross_entropy_index.gradient("z")

# %% [markdown]
# *In words:* take the probabilities, and subtract one at the right answer. Only that score is
# pushed up; every other is pushed down by the probability that it wrongly holds.

# %% [markdown]
# ### References
#
# J. S. Bridle, *Probabilistic interpretation of feedforward classification network outputs,
# with relationships to statistical pattern recognition*, in Neurocomputing, NATO ASI Series 68,
# 1990.
#
# I. Goodfellow, Y. Bengio and A. Courville, *Deep learning*, MIT Press, 2016, chapter 6.
