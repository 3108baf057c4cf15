# %% [markdown]
# # Attention
#
# Attention lets every position of a sequence look at every other, and take an average of what
# it finds. Two matrix products with a softmax between them: written with indices, its backward
# pass is five short lines, and one of them is what makes FlashAttention possible.

# %%
from symllm import ops

# %% [markdown]
# ## Scaled dot-product attention
#
# A query $Q_i$ is compared with every key $K_j$; the scores become weights by a softmax along
# each row; the output is the average of the values $V_j$ under those weights. Scores are sums
# of $d$ products, so they are divided by $\sqrt{d}$, lest the softmax saturate.

# %%
ops.attention

# %% [markdown]
# ### The backward pass

# %%
ops.attention.gradient()

# %% [markdown]
# *In words:* values are averaged on the way forward, so on the way back each value gathers the
# output gradients of the queries that looked at it. The gradient of the weights says how useful
# each value would have been; softmax centres it within each row; and what remains flows to
# queries and keys through the scores, as through any product.
#
# The mean of the gradient under a row's weights is the scalar $D_i$, and it can be had from the
# output and its gradient alone, without the row itself. So the backward pass never needs a
# whole row of weights at once, and attention can be computed in blocks, in memory that grows
# linearly with the length of the sequence.

# %% [markdown]
# ## Causal attention
#
# A language model may not look ahead. Position $i$ attends to positions $j \le i$ alone: the
# mask multiplies the exponentials, so that what is forbidden gets a weight of exactly zero.

# %%
ops.causal_attention

# %% [markdown]
# ### The backward pass
#
# No new work: where a weight is zero, so is the gradient of its score, and the mask takes care
# of itself.

# %%
ops.causal_attention.gradient()

# %% [markdown]
# ### References
#
# A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser and I.
# Polosukhin, *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# T. Dao, D. Y. Fu, S. Ermon, A. Rudra and C. Ré, *FlashAttention: fast and memory-efficient
# exact attention with IO-awareness*, NeurIPS 2022, arXiv:2205.14135.
