# %% [markdown]
# # Attention variants
#
# One attention is seldom enough, and seldom left as it is. It is done by several heads at once,
# some of which may share their keys and values; distances can be added to the scores; what is far
# can be left out; and scores that grow too large can be bent back. Each is a change of a line
# or two of the forward pass, and the backward pass shows how little it costs.

# %%
from symllm import ops

# %% [markdown]
# ## Several heads
#
# A softmax that looks at one thing cannot look at another. So attention is done several times side
# by side, by heads that each have projections of their own, and an output matrix adds up what
# they have found. Programs cut the columns of one large matrix into heads and put them together
# again; in the equations a head is an index, $s$, and there is nothing to cut.

# %%
ops.multi_head_attention

# %% [markdown]
# ### The backward pass
#
# Heads meet twice: in the output matrix, which sums over them, and in the input, which all of them
# read. In between, each attends by itself, and what is known of attention holds for each.

# %%
ops.multi_head_attention.gradient()

# %% [markdown]
# *In words:* every head gets the same gradient of the output, read through its own part of
# $W_O$. The input has three paths into each head, through queries, keys and values, and its
# gradient sums over all paths and all heads.

# %% [markdown]
# ## Grouped queries
#
# When a model writes text, the keys and values of all that came before are kept, and reading them
# takes longer than computing with them. So the heads are put into groups. Each query head $t$ of a
# group $s$ has queries of its own, but the group shares one head of keys and values. With a single
# group this is multi-query attention; with one query head in each, it is the attention
# above.

# %%
ops.grouped_query_attention

# %% [markdown]
# ### The backward pass
#
# Keys and values bear no index $t$, so their gradients sum over it, as those of a parameter sum
# over a batch.

# %%
ops.grouped_query_attention.gradient()

# %% [markdown]
# *In words:* what is shared on the way forward is summed over on the way back. The gradients of
# keys and values add up what all the query heads of their group ask of them; the queries' own are
# as before.

# %% [markdown]
# ## Linear biases
#
# ALiBi adds nothing to the embeddings. It lowers every score in proportion to the distance
# between query and key, so that what is far has to match better to be seen. The slope is fixed,
# another one for each head, and the model can be run on longer texts than it was trained on, for
# a longer distance is but more of the same.

# %%
ops.alibi

# %% [markdown]
# ### The backward pass
#
# The bias stands beside the product of query and key and depends on neither.

# %%
ops.alibi.gradient()

# %% [markdown]
# *In words:* the formulas are those of causal attention; the bias acts through the weights $P$
# alone. Were the slope learned, it would gather $\mathrm{d}S_{ij}$ times the distance, with a
# minus sign, over all pairs.

# %% [markdown]
# ## Sliding windows
#
# Attention to everything costs a square of the length. In a window, position $i$ attends to
# itself and to those just before it, $w$ positions in all, so the cost grows with the length
# times $w$. Stacked layers see further, each by about a window. The window is two brackets:
# not after $i$, and less than $w$ before.

# %%
ops.sliding_window

# %% [markdown]
# ### The backward pass
#
# Both brackets compare positions, which are not differentiated by. They go into the mask of the
# softmax, whose gradient is cited.

# %%
ops.sliding_window.gradient()

# %% [markdown]
# *In words:* outside the window $P_{ij}$ is zero, and $\mathrm{d}S_{ij}$ with it, so a key gets
# gradient from the $w$ queries that could see it and from no others. Every position sees itself
# as long as $w$ is positive; no row is without entries.

# %% [markdown]
# ## Soft capping
#
# Where a score runs away from the others, the softmax turns into a choice, and its gradient into
# nothing. A tanh keeps every score between $-c$ and $c$ and leaves those near zero as they are.
# Gemma 2 caps the scores of attention at 50, between the product of query and key and the
# softmax, and its final logits at 30.

# %%
ops.softcap

# %%
ops.softcap.gradient("x")

# %% [markdown]
# *In words:* the slope is one at zero and falls to zero as a score nears its bound. In attention
# this is one factor more: $\mathrm{d}S$ is multiplied, entry by entry, by one minus the square
# of the capped score over $c$ before it goes on to queries and keys.

# %% [markdown]
# ### References
#
# A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser and I.
# Polosukhin, *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# J. Ainslie, J. Lee-Thorp, M. de Jong, Y. Zemlyanskiy, F. Lebrón and S. Sanghai, *GQA: training
# generalized multi-query transformer models from multi-head checkpoints*, EMNLP 2023,
# arXiv:2305.13245.
#
# O. Press, N. A. Smith and M. Lewis, *Train short, test long: attention with linear biases
# enables input length extrapolation*, ICLR 2022, arXiv:2108.12409.
#
# I. Beltagy, M. E. Peters and A. Cohan, *Longformer: the long-document transformer*, 2020,
# arXiv:2004.05150.
#
# A. Q. Jiang et al., *Mistral 7B*, 2023, arXiv:2310.06825.
#
# Gemma Team, *Gemma 2: improving open language models at a practical size*, 2024,
# arXiv:2408.00118.
