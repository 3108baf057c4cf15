# %% [markdown]
# # Optimizers
#
# An optimizer's step is a function like any other: from parameters, their gradient and what is
# remembered of earlier ones to the next parameters and the next memory. So it has a gradient
# itself. It is what meta-learning needs, which asks how the loss after a step would change with
# what was before it: with the start, with the gradient, with the state.
#
# The parameters are $\theta$, their gradient is $g$, the learning rate is written
# $\mathrm{lr}$. All acts entry by entry. Before and after are different names,
# $\theta_i$ and $\theta_{\mathrm{next}, i}$, for a name stands for one thing. In what follows $L$
# is the loss *after* the step, and $g$ is but an input: that it came from a loss before the step
# is another derivation, to be chained with this one.

# %%
from symllm import ops

# %% [markdown]
# ## Gradient descent
#
# The plainest step goes against the gradient.

# %%
ops.sgd

# %%
ops.sgd.gradient()

# %% [markdown]
# *In words:* the parameters pass their gradient on as it is, and a larger $g$ would have moved
# them the other way. If $g$ is itself the gradient at $\theta$, what comes back to $\theta$
# through $g$ is a Hessian times $-\mathrm{lr} \, \mathrm{d}\theta_{\mathrm{next}}$: the second
# order term that first order meta-learning leaves out.

# %% [markdown]
# ## Momentum
#
# A ball that rolls keeps its speed. Momentum adds up the gradients, and lets each fade by the
# factor $\mu$ at every step. What is remembered is used in this step and handed on to the next
# one; the two uses get a name each, $M$ and $m_{\mathrm{next}}$.

# %%
ops.momentum

# %% [markdown]
# ### The backward pass
#
# The memory $M$ acts twice, and so its gradient has two parts.

# %%
ops.momentum.gradient()

# %% [markdown]
# *In words:* $\mathrm{d}M$ is what later steps ask of the memory, less what this step did with
# it. A step back, it fades by $\mu$: going backwards through many steps is momentum again, of
# the gradients of their parameters.

# %% [markdown]
# ## Nesterov's momentum
#
# Nesterov looks ahead: the step is the one that the memory would take next, were the gradient
# the same once more.

# %%
ops.nesterov

# %%
ops.nesterov.gradient()

# %% [markdown]
# *In words:* as before, but the gradient acts on the parameters at once and through the memory,
# there by a factor of $\mu$ less.

# %% [markdown]
# ## Adam
#
# Adam keeps two running means, of the gradients and of their squares. The first over the root of
# the second is a step of about one, however large the gradients are; the learning rate sets its
# size. Both means start at zero and are too small at first, $M_i$ by a factor
# $1 - \beta_1^t$ after $t$ steps, which is put right by dividing.

# %%
ops.adam

# %% [markdown]
# ### The backward pass
#
# From the parameters the gradient goes to the numerator and to the denominator of the step, from
# there to the two means, where it meets what comes from later steps, and from the means to the
# gradient and the old state.

# %%
ops.adam.gradient()

# %% [markdown]
# *In words:* a gradient has two effects: it moves its mean, and the step with it, and it raises
# the mean square, which shortens the step. Both fade from step to step, by $\beta_1$ and
# $\beta_2$.
#
# The root has no slope at zero. Where an entry of $g$ and of $v$ is zero, as for a parameter that
# was never used, $\hat{v}_i$ is zero and the formula divides by it. It is assumed that $v$ is
# positive; one who goes backwards through such steps adds a little to $\hat{v}_i$ under the root.

# %% [markdown]
# ## AdamW
#
# To add the weights to the gradient, which is what a quadratic penalty does, is another thing
# under Adam than to shrink them: what is added is rescaled with the gradient, so that weights
# with large gradients hardly decay. AdamW shrinks the weights themselves, and leaves the means
# alone.

# %%
ops.adamw

# %%
ops.adamw.gradient()

# %% [markdown]
# *In words:* all is as for Adam, except that the parameters pass on a little less of their
# gradient than all: a loss far ahead asks less of weights that will have decayed.

# %% [markdown]
# ## Lion
#
# Lion was found by a search over programs. It steps by the sign of a mixture of gradient and
# memory, so that every weight moves by the same amount, and has one state where Adam has two.

# %%
ops.lion

# %% [markdown]
# ### The backward pass
#
# A sign is constant almost everywhere: its derivative is zero, and at the jump, where there is
# none, zero is taken for it.

# %%
ops.lion.gradient()

# %% [markdown]
# *In words:* how far the gradient points one way does not matter to the step, so nothing comes
# back through it; what does, comes through the memory. The results are those of the program as
# it is, and yet of little use: to learn through a sign, one puts something smooth in its place.

# %% [markdown]
# ## Clipping by the norm
#
# One example out of many may have a gradient so large that a single step undoes the work of
# thousands. Clipping shortens it to a bound and keeps its direction. The norm is that of all
# parameters together: $g$ is one long vector of them.
#
# PyTorch divides by the norm plus $10^{-6}$, so that a norm of zero does no harm; here it is the
# norm itself, which is assumed to be positive.

# %%
ops.clip_by_global_norm

# %% [markdown]
# ### The backward pass
#
# Below the bound the scale is one and has no slope. Above it the norm of the result is fixed,
# and all that can change is the direction.

# %%
ops.clip_by_global_norm.gradient("g")

# %% [markdown]
# *In words:* within bounds the gradient passes unchanged. Beyond, it loses its component along
# $u$, the direction of $g$, and is scaled by $s$, which is then the bound over the norm: to make
# a clipped gradient longer changes nothing.

# %% [markdown]
# ### References
#
# H. Robbins and S. Monro, *A stochastic approximation method*, Annals of Mathematical Statistics
# 1951.
#
# B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, 1964.
#
# I. Sutskever, J. Martens, G. Dahl and G. Hinton, *On the importance of initialization and
# momentum in deep learning*, ICML 2013.
#
# D. P. Kingma and J. Ba, *Adam: a method for stochastic optimization*, ICLR 2015,
# arXiv:1412.6980.
#
# I. Loshchilov and F. Hutter, *Decoupled weight decay regularization*, International Conference
# on Learning Representations 2019, arXiv:1711.05101.
#
# X. Chen et al., *Symbolic discovery of optimization algorithms*, NeurIPS 2023,
# arXiv:2302.06675.
#
# R. Pascanu, T. Mikolov and Y. Bengio, *On the difficulty of training recurrent neural
# networks*, ICML 2013, arXiv:1211.5063.
