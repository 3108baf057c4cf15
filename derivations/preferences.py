# %% [markdown]
# # Learning from preferences and rewards
#
# After a language model has learned to imitate, it is trained to be preferred: by people who
# compare its answers, or by a reward that scores them. All that these methods differentiate by
# are log-probabilities of what the model has said. What is behind them, the network, does not
# matter here: its gradient is that of any log-probability, times what this chapter derives.

# %%
from symllm import ops

# %% [markdown]
# ## Direct preference optimisation
#
# Of two answers to one question, people chose one. Score each by how much more likely it has
# become under the model than it was under a reference, $c - \mathrm{ref}$ in logarithms. The
# difference of the two scores, scaled by $\beta$, is taken for the log-odds of the choice, and the
# loss is the surprise at the choice that was made. No reward model is needed.

# %%
ops.dpo

# %% [markdown]
# ### The gradient
#
# The loss meets the two log-probabilities in their difference alone, so their gradients are
# opposite. Between the margin $h$ and the loss stand a sigmoid and a logarithm, which simplify as
# softmax and the logarithm do.

# %%
ops.dpo.gradient()

# %% [markdown]
# *In words:* the chosen answer is made more likely and the rejected one less, with one and the
# same force. That force is $\beta$ times the probability $1 - s$ that the model still gives to the
# opposite choice, so pairs that are ranked right with confidence are let go. Only the difference
# is held: both log-probabilities may fall together, and in practice they often do.

# %% [markdown]
# ## PPO's clipped objective
#
# Samples are costly, so each is used for several steps, although the model moves on meanwhile.
# The ratio $\rho$ of an action's probability now to that when it was sampled makes up for this,
# but only while the two are close. PPO therefore limits what can be gained: the objective is the
# smaller of $\rho A$ and $\mathrm{clip}(\rho, 1 - \epsilon, 1 + \epsilon) A$.
#
# Of the two ends of the clip, one matters for each sign of the advantage. Where $A$ is positive,
# the smaller is bounded by $(1 + \epsilon) A$, where it is negative, by $(1 - \epsilon) A$; both
# are $A + \epsilon |A|$. So the objective is written here as the smaller of $\rho A$ and that
# bound $b$. The NumPy function that judges the result clips, as the paper does.

# %%
ops.ppo_clip

# %% [markdown]
# ### The gradient
#
# The advantages are given, the old log-probabilities as well; the bound does not depend on the
# model at all. What is left is one path, through the ratio, and a gate that the minimum puts
# into it.

# %%
ops.ppo_clip.gradient("logp")

# %% [markdown]
# *In words:* the gradient of a log-probability, weighted by the advantage and by the ratio, as
# long as there is something to gain. Once an action with a positive advantage has become
# $1 + \epsilon$ times as likely, or one with a negative advantage $1 - \epsilon$ times, its
# gradient is zero: the gate is shut. It is open on the other side, however far the model has
# strayed, so that a step in the wrong direction can always be taken back.

# %% [markdown]
# ## Group relative policy optimisation
#
# PPO needs advantages, and for them a second network that foresees rewards. GRPO draws a group of
# $G$ answers to one question instead and judges each by the others: its advantage is its reward,
# less the group's mean, over the group's standard deviation. The rest is PPO, and a penalty for
# leaving a reference model, with an estimate of the divergence that is never negative. This is the
# form for answers as wholes, each with one log-probability. A group whose rewards are all the same
# has no deviation to divide by, and has to be left out: it would have taught nothing.

# %%
ops.grpo

# %% [markdown]
# ### The gradient
#
# Rewards are given numbers, and with them the advantages, so nothing is differentiated through
# the normalisation. An answer's log-probability acts through its ratio and through its penalty.

# %%
ops.grpo.gradient("logp")

# %% [markdown]
# *In words:* PPO's gradient, and a pull towards the reference. Where the model is likelier than
# the reference to give the answer, the pull is downwards, and bounded; where it is less likely,
# it is upwards, and grows with the ratio. The advantages of a group sum to zero, so what some of
# its answers gain, others lose: nothing is learned but to prefer the better ones.

# %% [markdown]
# ### References
#
# R. Rafailov, A. Sharma, E. Mitchell, S. Ermon, C. D. Manning and C. Finn, *Direct preference
# optimization: your language model is secretly a reward model*, NeurIPS 2023, arXiv:2305.18290.
#
# J. Schulman, F. Wolski, P. Dhariwal, A. Radford and O. Klimov, *Proximal policy optimization
# algorithms*, arXiv:1707.06347, 2017.
#
# Z. Shao et al., *DeepSeekMath: pushing the limits of mathematical reasoning in open language
# models*, arXiv:2402.03300, 2024.
