# %% [markdown]
# # The linear layer
#
# Nearly all of a transformer's parameters, and nearly all of its arithmetic, are in linear
# layers. Their gradients are two matrix products and a sum, and the only question is which
# matrix to transpose, and what to sum over. Indices answer both without a guess.

# %%
from symllm import ops

# %% [markdown]
# ## A batch of vectors
#
# The layer meets $N$ examples at once, each a row of $x$ and of $y$. Every example has its own
# input and its own output, but all share one matrix $W$ and one bias $b$. That is what the
# subscripts say: the index of the example is on $x$ and $y$ alone.

# %%
ops.linear.batched("N")

# %% [markdown]
# ### The backward pass
#
# In each of the three gradients, the indices of the input that is asked for stay, and all
# others are summed over. For $x$, that sum runs over the outputs; for the parameters, it runs over
# the examples.

# %%
ops.linear.batched("N").gradient()

# %% [markdown]
# *In words:* the gradient flows back to the input through the same weights, read the other way.
# A weight's gradient is the product of what came in along it and what is wanted at its end, added
# up over the batch; a bias is a weight whose input is always one. The sums are where batches
# meet: examples do not touch each other on the way forward, and on the way back they do so only
# in the parameters.

# %% [markdown]
# ## Without a bias
#
# Many models since Llama have no biases: what a bias could add, a normalisation before the layer or
# the weights around it can mostly do as well. What is left is a projection.

# %%
ops.projection.batched("N")

# %%
ops.projection.batched("N").gradient()

# %% [markdown]
# *In words:* the same two products; what is not there has no gradient.

# %% [markdown]
# ## LoRA
#
# To adapt a large model, its matrices need not be trained as wholes. LoRA freezes $W$ and learns
# a correction that is the product of two thin matrices: $A$ takes the input down to a few numbers,
# $r$ of them, and $B$ takes those up to the output. With $B$ zero at first, training starts from
# the model as it was.

# %%
ops.lora.batched("N")

# %% [markdown]
# ### The backward pass
#
# There are two paths from the output to the input, one through the frozen matrix and one through
# the correction. The frozen matrix passes the gradient on and gets none itself.

# %%
ops.lora.batched("N").gradient()

# %% [markdown]
# *In words:* two linear layers, one on top of the other, each with the gradients of a linear
# layer. All that has to be kept for the parameters are $h$ and $\mathrm{d}h$, with $r$ numbers for
# each example, and no matrix as large as $W$ is ever made for a gradient; that is what is saved.
# While $B$ is zero, so is $\mathrm{d}h$ and with it the gradient of $A$: at first only $B$ learns.

# %% [markdown]
# ### References
#
# D. E. Rumelhart, G. E. Hinton and R. J. Williams, *Learning representations by
# back-propagating errors*, Nature 323, 1986.
#
# E. J. Hu et al., *LoRA: low-rank adaptation of large language models*, ICLR 2022,
# arXiv:2106.09685.
