# %% [markdown]
# # Language models
#
# A language model predicts the next token at every position. What it is made of has been derived
# in the chapters before; here the parts are put together, and the gradient of the loss comes down
# through them, to every array of a checkpoint. The number of layers stays a symbol: what one layer
# does to the gradient is derived once, and a recurrence does the rest.

# %%
from symllm import models, ops

# %% [markdown]
# ## The loss
#
# The head turns the last layer's rows into logits, one for each token of the vocabulary. The loss
# is the cross-entropy of the token that really came next, averaged over the positions that count;
# padding and prompts do not.

# %%
ops.masked_mean

# %%
ops.masked_mean.gradient("x")

# %% [markdown]
# *In words:* each position that counts has an equal share; the others have none.

# %% [markdown]
# ## GPT-2
#
# Positions are learnt, normalisations have a mean to subtract, linear layers have biases, and the
# head's table is the embedding's: its gradient is the sum of both.

# %%
models.gpt2().gradient()

# %% [markdown]
# What it costs, for rows of $n$ tokens, $L$ layers of width $c$ with $h$ heads of width $d$, and a
# vocabulary of $v$. With $d = c/h$ and $f = 4c$ a layer has $12 c^2$ parameters and some more, and
# the leading term of training is six operations for each parameter and token.

# %%
models.gpt2().counts()

# %% [markdown]
# ## Llama
#
# Positions are rotations of queries and keys, groups of query heads share keys and values, the
# feed-forward layer has a gate, and nothing has a bias. The gradient comes down the same way.

# %%
models.llama().gradient()

# %%
models.llama().counts()

# %% [markdown]
# ### References
#
# A. Radford, J. Wu, R. Child, D. Luan, D. Amodei and I. Sutskever, *Language models are
# unsupervised multitask learners*, OpenAI, 2019.
#
# H. Touvron et al., *LLaMA: open and efficient foundation language models*, arXiv:2302.13971, 2023.
