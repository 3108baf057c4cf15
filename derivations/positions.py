# %% [markdown]
# # Positions
#
# Attention looks at a set: shuffle the rows of its keys and values together, and the output is the
# same. Where a word stands has to be told by other means.

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
# ## Rotary position embedding
#
# Two entries of a query or a key make a point in a plane, and the point is turned by an angle in
# proportion to the position. A scalar product does not change when both its sides are turned by
# the same angle; so what is left between a query and a key is the difference of their positions.
# Each pair has a frequency of its own, the first, for which $k$ counts as zero, the highest. Here
# $J_{su}$ is the quarter turn that takes the point $(a, b)$ to $(-b, a)$, and the axis $s$ runs
# over the two entries of a pair.

# %%
ops.rope

# %%
ops.rope.gradient("x")

# %% [markdown]
# *In words:* the gradient is turned back by the same angle, for with its two indices exchanged a
# quarter turn goes the other way. Nothing shrinks and nothing grows, on the way in or out.

# %% [markdown]
# ## Rotary embedding by halves
#
# Llama's published checkpoints pair entry $k$ with entry $m + k$ of the other half, the paper
# pairs neighbours. The mathematics is the same with the axes of the pair exchanged, but weights
# that were trained for one are wrong for the other.

# %%
ops.rope_halves

# %%
ops.rope_halves.gradient("x")

# %% [markdown]
# *In words:* again the same rotation by the opposite angle.

# %% [markdown]
# ### References
#
# A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser and I.
# Polosukhin, *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# J. Su, Y. Lu, S. Pan, A. Murtadha, B. Wen and Y. Liu, *RoFormer: enhanced transformer with rotary
# position embedding*, arXiv:2104.09864, 2021.
