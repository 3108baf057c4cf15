# %% [markdown]
# # Attention variants
#
# Attention by itself does not know where anything stands: shuffle the keys together with their
# values, and nothing changes. What follows tells it. Positions can be added to what goes in, or
# distances to the scores; what is far can be left out; and scores that grow too large can be
# bent back. Each is a change of a line or two of the forward pass, and the backward pass shows
# how little it costs.

# %%
from symllm import ops

# %% [markdown]
# ## Sinusoidal positions
#
# The first transformer added to every embedding a table of sines and cosines of its position, of
# frequencies that fall from one to nearly one over the base, as the hands of a clock turn at
# different speeds. Even columns hold the sines, odd columns the cosines. An embedding of width
# $2m$ is written here as its two halves: $a$ has the even columns and $b$ the odd ones, so the
# frequency of pair $k$ is the base to the power $-2k/2m$, which is $-k/m$. Columns and pairs are
# counted from zero.
#
# Sine and cosine go together for a reason: from both of a position one gets both of the position
# a fixed distance away, by a rotation that does not depend on where one starts.

# %%
ops.sinusoidal_positions

# %% [markdown]
# ### The backward pass
#
# What is added passes its gradient on unchanged, and positions in a text are integers that need
# none. But a position may be anything that varies: a diffusion model feeds the time of its noise
# through the same table. So we ask for that gradient as well.

# %%
ops.sinusoidal_positions.gradient()

# %% [markdown]
# *In words:* the embeddings get the gradients of the sums as they are. A position turns the
# angles of all pairs, each at its own frequency; an angle moves the sine by the cosine, and the
# cosine by minus the sine.

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
