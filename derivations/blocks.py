# %% [markdown]
# # Blocks
#
# A transformer is a stream of vectors, one for each position, that runs from the embeddings to the
# logits. Blocks read the stream and add to it. Everything inside a block has been derived before,
# so a block needs no calculus of its own: each step cites a lemma, and what is new is only how
# the gradients of the branches come together.

# %%
from symllm import ops, pictures

# %% [markdown]
# ## The feed-forward layer
#
# Attention moves information between positions; the feed-forward layer works on each position by
# itself. It widens the vector, lets each unit pass on what exceeds its threshold, and narrows the
# result again. Here it is for one position.

# %%
ops.mlp

# %% [markdown]
# ### The backward pass
#
# There is one path, through three ops, and three citations tell it.

# %%
ops.mlp.gradient()

# %% [markdown]
# *In words:* the gradient is widened by the second matrix, weighted by the slope of each unit, and
# narrowed by the first. A unit that is off passes nothing on and learns nothing from this
# example, neither about what turns it on nor about what it should say.

# %% [markdown]
# ## The block of GPT-2
#
# Two branches are added to the stream $x$, one after the other. The first normalises the stream,
# attends to what came before with several heads, and adds the mixture of what they found. The
# second normalises what the stream has become, $x_A$, and adds the output of a feed-forward layer.
# The sum itself is left alone: no norm stands in the stream.

# %%
ops.gpt2_block

# %% [markdown]
# ### The backward pass
#
# The stream forks twice, and where it forks the gradients of both ways are added. One of the ways
# is always the stream itself, and along it nothing happens to the gradient. The parameters come
# on the way, each when its branch is passed.

# %%
ops.gpt2_block.gradient()

# %% [markdown]
# *In words:* read the results for $x_A$ and $x$ from left to right. The first term is the
# gradient that comes down the stream, as it is; the second is what the branch adds, through its
# normalisation. So the gradient at the bottom of a deep stack is the gradient at its top
# plus one term for each branch. It need not pass through all the branches, one after the other, to
# arrive, and that is why deep stacks can be trained.
#
# A branch's gradient is divided by the size of the stream that it reads, through $r$: as the stream
# grows from block to block, each block is heard less, on the way forward as on the way back.
#
# The bias of the keys has a gradient of zero, which the formula hides: it adds the same to all
# scores of a row, and a softmax does not see what is added to all.

# %% [markdown]
# All that the derivation leans on, and what that leans on in turn:

# %%
leaned_on = (ops.causal_attention, ops.layer_norm, ops.linear, ops.gelu_tanh, ops.masked_softmax)
pictures.proof_graph(ops.gpt2_block.gradient(), *(op.gradient() for op in leaned_on))

# %% [markdown]
# ## The block of Llama
#
# The plan is the same, and every part is simpler or cheaper. Root mean squares take the place of
# means and variances, and biases are gone. Positions turn queries and keys, in each block again.
# The query heads of a group share their keys and values. In the feed-forward layer one
# projection gates the other.
#
# An entry of a query has four indices besides its position: its group $s$, its head $t$ in the
# group, its half $w$ and its place $k$ in the half, since the rotation turns one half against the
# other.

# %%
ops.llama_block

# %% [markdown]
# ### The backward pass
#
# Each lemma is one that was derived for an op of its own: the gradient of a rotation is the
# opposite rotation, that of shared keys sums over the heads that share them.

# %%
ops.llama_block.gradient()

# %% [markdown]
# *In words:* again the stream's own gradient plus a branch, twice. The normalised stream feeds
# queries, keys and values, so the gradient of $X$ has three terms; $M$ feeds the gate and what it
# gates, so that of $M$ has two.

# %% [markdown]
# ## A block with experts
#
# In Mixtral the feed-forward layer is not one but several, and a router decides for each token
# whom to ask. The experts are one more index, $k$, on the same three matrices. The mask says
# which experts were chosen; it comes from the router's largest logits, and is held constant.

# %%
ops.moe_block

# %% [markdown]
# ### The backward pass
#
# The normalised stream is read by the router and by every expert's gate and projection. All of
# these paths are summed, over the experts as well.

# %%
ops.moe_block.gradient()

# %% [markdown]
# *In words:* an expert learns from the tokens that were sent to it, each weighted by its gate, for
# the gradient of $F_{ika}$ has that gate as a factor; a program computes nothing for the others.
# The router learns through the gates alone. And whatever experts and router do, the stream
# passes its gradient on.

# %% [markdown]
# ### References
#
# A. Radford, J. Wu, R. Child, D. Luan, D. Amodei and I. Sutskever, *Language models are
# unsupervised multitask learners*, 2019.
#
# R. Xiong et al., *On layer normalization in the transformer architecture*, ICML 2020,
# arXiv:2002.04745.
#
# H. Touvron et al., *LLaMA: open and efficient foundation language models*, 2023,
# arXiv:2302.13971.
#
# A. Q. Jiang et al., *Mixtral of experts*, 2024, arXiv:2401.04088.
