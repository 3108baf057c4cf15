# %% [markdown]
# # Mixtures of experts
#
# A mixture of experts has many feed-forward layers and sends each token through few of them. A
# router gives every expert a logit; the few with the largest are chosen. The choice is a step,
# and steps have no slope, so all that a router learns it learns from two things that do: the
# weights of the experts that were chosen, and a loss that keeps them evenly loaded.

# %%
from symllm import ops

# %% [markdown]
# ## Gates
#
# The chosen experts share the whole weight by a softmax of their logits, and the others get none.
# Which are chosen comes as a mask of zeros and ones and is held constant. That is what a program
# does that sorts, takes the first few and goes on: a change of the logits too small to change
# their order leaves the choice as it is. Where two logits tie at the edge of the choice there is
# no derivative at all, for one of them comes in as the other goes out; the gradient here is then
# that of the side that the mask says.

# %%
ops.top_k_gate

# %% [markdown]
# ### The backward pass
#
# It is masked softmax in another role, and its derivation is cited.

# %%
ops.top_k_gate.gradient("z")

# %% [markdown]
# *In words:* an expert's logit is raised as far as its gate would help more than the gates do on
# average. The logit of an expert that was not chosen gets no gradient, because its gate is zero:
# the output cannot say whether it would have done better.

# %% [markdown]
# ## The mixture
#
# The output of the layer is the sum of the experts' outputs, each weighted by its gate. Here
# $F_{ki}$ is the output of expert $k$ for one token; those that were not chosen need not be
# computed, since nothing depends on them.

# %%
ops.mixture_of_experts

# %% [markdown]
# ### The backward pass
#
# The gradient of a gate is the product of the expert's output with the gradient of the sum. What
# the softmax subtracts from it turns out to be the output of the whole layer, as $D$ does in
# attention.

# %%
ops.mixture_of_experts.gradient()

# %% [markdown]
# *In words:* each expert gets the gradient of the output, weighted by its gate, and nothing
# if it was not chosen. A logit rises if its expert's output points further along $-\mathrm{d}y$
# than the output of the mixture does. With one expert chosen the two are the same, and the
# softmax over the choice gives the router no gradient: a layer that sends each token to a single
# expert must weight it by its probability among all.

# %% [markdown]
# ## The load-balancing loss
#
# Left to itself, a router comes to prefer a few experts, which then learn more and are preferred
# all the more. So one adds a loss that is least when all are used alike: the fraction $f_k$ of
# tokens that are sent to expert $k$, times the mean probability $P_k$ that the router gives it,
# summed over the experts. The number of experts in front makes it $\alpha$ when all are used
# alike.
#
# The assignment $a_i$ of token $i$ is the place of its largest logit, and $f$ is counted from it.
# It is held constant. Where two logits are the largest together, the token may be counted for
# either, and the loss jumps as one overtakes the other; the gradient does not see it.

# %%
ops.load_balancing

# %% [markdown]
# ### The backward pass
#
# Only $P$ depends on the logits, through the softmax of every token, which is cited.

# %%
ops.load_balancing.gradient("z")

# %% [markdown]
# *In words:* the count does the steering, though it is constant: an expert's logit falls for
# every token, by how much busier it is than the experts that this token would likely go to. When
# all are equally busy, the gradient vanishes.

# %% [markdown]
# ### References
#
# N. Shazeer, A. Mirhoseini, K. Maziarz, A. Davis, Q. Le, G. Hinton and J. Dean, *Outrageously
# large neural networks: the sparsely-gated mixture-of-experts layer*, ICLR 2017,
# arXiv:1701.06538.
#
# W. Fedus, B. Zoph and N. Shazeer, *Switch transformers: scaling to trillion parameter models
# with simple and efficient sparsity*, JMLR 2022, arXiv:2101.03961.
