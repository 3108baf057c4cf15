# %% [markdown]
# # Embedding
#
# A language model begins by looking each token up in a table, and ends by comparing what it has
# computed with a table again. Looking up is not arithmetic, but it has a gradient like anything
# else: what was read on the way forward is written on the way back.

# %%
from symllm import ops

# %% [markdown]
# ## Looking up
#
# The table $W$ has one row for each token of the vocabulary. A text is a list of tokens $t_i$,
# and its embedding is the list of their rows. A token that occurs twice is read twice.

# %%
ops.embedding

# %% [markdown]
# ### The gradient of the table
#
# A row of the table reaches the output at every position where its token stands, and nowhere
# else. The bracket $[i = t_k]$ says so: it is one where position $k$ holds token $i$.

# %%
ops.embedding.gradient("W")

# %% [markdown]
# *In words:* each token's row gathers the gradients of the positions where the token stands, and
# a token that does not occur gets none. Nobody multiplies by that matrix of zeros and ones: the
# code adds each gradient to its row. It has to add, not assign, or all but one of the places of a
# frequent token would be lost.

# %% [markdown]
# ## Weight tying
#
# At the end of the network, the logit of a token says how well the output matches a row that
# belongs to the token. It can be the same row that embedded it. Tying both saves a large matrix,
# and each row learns from both its uses. Here a matrix $U$ stands for the network in between.

# %%
ops.weight_tying

# %% [markdown]
# ### The backward pass
#
# The table is used twice, so its gradient has two terms. The one from the logits is there at
# once. For the other, the gradient has to come back through the network to the embedding.

# %%
ops.weight_tying.gradient()

# %% [markdown]
# *In words:* as an input, a row learns from the places where its token stands; as an output, from
# every position, for every logit takes part in every softmax. The second term is a full matrix,
# the first has rows for the tokens of this text alone, and they are added up into one.

# %% [markdown]
# ### References
#
# Y. Bengio, R. Ducharme, P. Vincent and C. Jauvin, *A neural probabilistic language model*,
# Journal of Machine Learning Research 3, 2003.
#
# O. Press and L. Wolf, *Using the output embedding to improve language models*, EACL 2017,
# arXiv:1608.05859.
