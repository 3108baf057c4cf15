# %% [markdown]
# # Positions
#
# Attention looks at a set: shuffle the rows of its keys and values together, and the output is the
# same. Where a word stands has to be told by other means.

# %%
from symllm import ops

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
# J. Su, Y. Lu, S. Pan, A. Murtadha, B. Wen and Y. Liu, *RoFormer: enhanced transformer with rotary
# position embedding*, arXiv:2104.09864, 2021.
