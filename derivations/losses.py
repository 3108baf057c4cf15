# %% [markdown]
# # Losses
#
# Cross-entropy with one right answer is what language models are trained with. Around it stands
# a family of losses: some soften the target, some take it from another model, some keep the
# logits in bounds. Most of their gradients are again a prediction less a target, and what has to
# be found out is which prediction, and which target.

# %%
from symllm import ops

# %% [markdown]
# ## Label smoothing
#
# A target of one and zeros can never be reached: to push a probability to one, a logit has to
# grow without end. Label smoothing asks for less. It takes a share $\epsilon$ from the right class
# and spreads it evenly over all classes, the right one included.

# %%
ops.label_smoothing

# %% [markdown]
# ### The gradient
#
# The smoothed target $q$ is still a distribution: what was taken from one class was given to all.
# That its entries sum to one is derived here, as a lemma, and not assumed.

# %%
ops.label_smoothing.gradient("z")

# %% [markdown]
# *In words:* predicted less wanted, as for plain cross-entropy, with another wish. The gradient
# vanishes where $p = q$, that is at finite logits, so that a right and confident answer is
# pulled back a little instead of being pushed ever further.

# %% [markdown]
# ## Z-loss
#
# Softmax does not change if one number is added to all logits, so nothing in cross-entropy keeps
# them from drifting, and in low precision large logits are rounded coarsely. The z-loss adds a
# penalty on the square of the log of softmax's denominator. It is smallest where the exponentials
# sum to one, and the logits are log-probabilities already.

# %%
ops.z_loss

# %% [markdown]
# ### The gradient
#
# A square of something whose gradient is known: the log-sum-exp is cited, and the power rule
# does the rest.

# %%
ops.z_loss.gradient("z")

# %% [markdown]
# *In words:* all logits are pushed one way, down if the exponentials sum to more than one and up
# if they sum to less, each in proportion to its probability. The pushes add up to twice the
# weight times the log-sum-exp, so they can be added to those of cross-entropy, which add up to
# zero, without being undone by them.

# %% [markdown]
# ## The Kullback-Leibler divergence
#
# How far is one distribution from another? The divergence of $p$ from $q$ is what it costs, in
# surprise, to expect $q$ where $p$ is true. It is zero where the two agree, it is never negative,
# and it is not symmetric, so its two gradients have little in common.

# %%
ops.kl_divergence

# %% [markdown]
# ### Both gradients
#
# Here $p$ and $q$ are given as they are, as positive numbers, and each entry is differentiated by
# as if the others stood still. Whoever keeps them on the simplex, by a softmax, say, applies that
# softmax's gradient afterwards; it takes away what all entries have in common.

# %%
ops.kl_divergence.gradient()

# %% [markdown]
# *In words:* with respect to $q$, the pull is strongest where $p$ has mass and $q$ has little: a
# model that is fitted this way covers everything that occurs. With respect to $p$, the gradient is
# large where $p$ puts mass that $q$ does not expect: a model that is fitted that way would rather
# leave something out. The constant one is common to all entries, and a softmax before it
# swallows it.

# %% [markdown]
# ## The Jensen-Shannon divergence
#
# To treat both alike, compare each of the two with the average of them, and take the mean of both
# divergences, $\frac{1}{2} \mathrm{KL}(p \| m) + \frac{1}{2} \mathrm{KL}(q \| m)$. Collect the
# logarithms, and it is the entropy of the average less the average of the entropies: what is
# gained in surprise when the two are mixed. Since $m$ is nowhere zero where one of them is not,
# it is finite always.

# %%
ops.jensen_shannon

# %% [markdown]
# ### The gradient
#
# Each entry of $p$ acts on its own entropy and, by half, on the average. Both paths bring a
# constant one, with opposite signs.

# %%
ops.jensen_shannon.gradient("p")

# %% [markdown]
# *In words:* half the logarithm of how much more likely an outcome is under $p$ than under the
# average. That ratio is at most two, so the gradient never grows beyond
# $\frac{1}{2} \log 2$; it has no lower bound, where $p$ does not expect what $q$ does.

# %% [markdown]
# ## Distillation
#
# A teacher that has learned well knows more than the right answer: it knows which wrong answers
# are nearly right. Distillation makes its whole prediction the student's target. A temperature
# $\tau$ above one flattens both predictions, so that small probabilities count.

# %%
ops.distillation

# %% [markdown]
# ### The gradient
#
# The teacher is not trained, so its logits are given and $q$ is a constant target that sums to
# one. What is new is the division of the logits by $\tau$ on the way into softmax, which is a
# division of their gradient on the way out.

# %%
ops.distillation.gradient("z")

# %% [markdown]
# *In words:* once more predicted less wanted, divided by the temperature. At high temperature the
# difference itself shrinks like $1/\tau$ as well, for both predictions become flat; that is why
# this loss is often multiplied by $\tau^2$, to keep its gradient in step with others beside it.

# %% [markdown]
# ## Mean squared error
#
# Where numbers are predicted and not classes, as rewards or values are, the square of the error
# takes the place of the surprise. No softmax is involved, and no distribution.

# %%
ops.mse

# %%
ops.mse.gradient("x")

# %% [markdown]
# *In words:* predicted less observed, for the last time. That the same difference comes out is no
# accident: the squared error is the surprise of a normal distribution around the prediction.

# %% [markdown]
# ### References
#
# C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, *Rethinking the Inception
# architecture for computer vision*, CVPR 2016, arXiv:1512.00567.
#
# A. Chowdhery et al., *PaLM: scaling language modeling with Pathways*, arXiv:2204.02311, 2022.
#
# S. Kullback and R. A. Leibler, *On information and sufficiency*, Annals of Mathematical
# Statistics 22, 1951.
#
# J. Lin, *Divergence measures based on the Shannon entropy*, IEEE Transactions on Information
# Theory 37, 1991.
#
# G. Hinton, O. Vinyals and J. Dean, *Distilling the knowledge in a neural network*,
# arXiv:1503.02531, 2015.
