# %% [markdown]
# # Attention
#
# Attention lets every position of a sequence look at every other, and take an average of what
# it finds. It is two matrix products with a softmax between them. Written with indices, its
# backward pass is six short lines, and the shortest of them is what makes FlashAttention possible.

# %%
from symllm import ops

# %% [markdown]
# ## Scaled dot-product attention
#
# A query $Q_i$ is compared with every key $K_j$; the scores become weights by a softmax along
# each row; the output is the average of the values $V_j$ under those weights. A score is a sum of
# $d$ products, whose size grows as $\sqrt{d}$, so it is divided by that, lest the softmax
# saturate.

# %%
ops.attention

# %% [markdown]
# ### The backward pass
#
# The gradient goes back through the same three equations in reverse: from the output to the
# weights and the values, through the softmax to the scores, and from the scores to the queries
# and the keys. The softmax is cited, not derived again.

# %%
ops.attention.gradient()

# %% [markdown]
# *In words:* values are averaged on the way forward, so on the way back each value gathers the
# output gradients of the queries that looked at it. The gradient of a weight says how fast the
# loss would grow if that value counted for more; softmax centres it within each row; and what
# remains flows to queries and keys through the scores, as through any product.
#
# The centre of a row, the mean of its gradients under its weights, is the scalar $D_i$. It can be
# had from the output and its gradient alone, without the row itself. So, given each row's log-
# sum-exp from the forward pass, no row of weights is ever needed whole, and attention can be
# computed in blocks, in memory that grows linearly with the length of the sequence.

# %% [markdown]
# ## Masked softmax
#
# Often some positions must not be looked at: those that come later, or those that only pad a
# sequence to the length of its batch. A mask of zeros and ones multiplies the exponentials, so
# that what is forbidden gets a weight of exactly zero, and the others share the whole.
#
# A row in which everything is forbidden would be zero divided by zero. By convention its
# weights, and with them its gradients, are zero: a position that may look at nothing sees
# nothing.

# %%
ops.masked_softmax

# %%
ops.masked_softmax.gradient("x")

# %% [markdown]
# *In words:* the same formula as without a mask. Where a weight is zero, so is the gradient of
# its score, and the mask takes care of itself.

# %% [markdown]
# ## Causal attention
#
# A language model predicts each token from those before it, so it may not look ahead: position
# $i$ attends to the positions $j \le i$ alone. Every position may look at itself, so no row is
# forbidden as a whole.

# %%
ops.causal_attention

# %% [markdown]
# ### The backward pass
#
# Masked softmax takes the place of softmax, and since their gradients agree, nothing else
# changes.

# %%
ops.causal_attention.gradient()

# %% [markdown]
# *In words:* the formulas are those of attention without a mask. Later positions get no gradient
# from earlier queries, because $P_{ij}$ is zero there, and $\mathrm{d}S_{ij}$ with it.

# %% [markdown]
# ## A mask that is added
#
# Other masks are given as a matrix $M$ that is added to the scores: minus infinity forbids, and
# zero allows. Finite values favour or discourage, as the distance biases of ALiBi do. A row of
# which every entry is minus infinity is again fully masked, and its output is zero by
# convention.

# %%
ops.masked_attention

# %% [markdown]
# ### The backward pass
#
# What is added to the scores does not depend on queries or keys, and drops out when they are
# differentiated by.

# %%
ops.masked_attention.gradient()

# %% [markdown]
# *In words:* the mask acts through the weights $P$ alone, and the backward pass never mentions
# it. A bias that is itself learned would get the gradient $\mathrm{d}S$, for it stands beside
# the scores.

# %% [markdown]
# ### References
#
# A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser and I.
# Polosukhin, *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# T. Dao, D. Y. Fu, S. Ermon, A. Rudra and C. Ré, *FlashAttention: fast and memory-efficient
# exact attention with IO-awareness*, NeurIPS 2022, arXiv:2205.14135.
#
# O. Press, N. A. Smith and M. Lewis, *Train short, test long: attention with linear biases
# enables input length extrapolation*, ICLR 2022, arXiv:2108.12409.
