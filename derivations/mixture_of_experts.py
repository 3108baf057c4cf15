# %% [markdown]
# # Mixtures of experts
#
# A larger model knows more, and each token costs more. The two need not go together: give a layer
# eight feed-forward networks in place of one, send each token through two of them, and the layer
# holds eight times the parameters at twice the work. What has to be learnt is whom to ask.
#
# A router gives every expert a logit; the few with the largest are chosen. The choice is a step,
# and steps have no slope, so how can a router learn? From two things that have one: the
# weights of the experts that were chosen, and a loss that keeps the experts evenly loaded. This
# chapter derives both, and asks what they do not see.

# %%
from sympy import Piecewise, Rational, exp

from symllm import (
    Dim,
    Let,
    Partial,
    Var,
    calculation,
    delta,
    matrix,
    ops,
    pictures,
    random,
    scalar,
    sum_over,
)

# %% [markdown]
# ## Gates
#
# The chosen experts share the whole weight by a softmax of their logits, and the others get none.
# Which are chosen comes as a mask of zeros and ones and is held constant. That is what a program
# does that sorts, takes the first few and goes on: a change of the logits too small to change
# their order leaves the choice as it is.

# %%
ops.top_k_gate

# %% [markdown]
# Some papers take a softmax over all experts first, keep the largest entries, and scale them to
# sum to one again. It is the same function: the sum over all cancels.

# %%
e, n = Dim("e", "experts"), Dim("n", "tokens")
k, j, i = e.index("k"), e.index("j"), n.index("i")
z, g = e.vector("z", note="logits of the router"), e.vector("g", note="gates")
p = e.vector("p", note="probabilities of the experts")
mask = e.vector("mask", domain="binary", note="is the expert chosen?")
softmaxes = (
    z, mask,
    Let(g[k], mask[k] * exp(z[k]) / sum_over(mask[j] * exp(z[j]), j), "gates"),
    Let(p[k], exp(z[k]) / sum_over(exp(z[j]), j), "probabilities among all"),
)  # fmt: skip
calculation(
    mask[k] * p[k] / sum_over(mask[j] * p[j], j), given=softmaxes, title="Two ways to gate"
).then(g[k], because="both lose the same factor")

# %% [markdown]
# ### Gates compete
#
# With the mask held constant, a gate is masked softmax in another role; its derivation is cited.

# %%
ops.top_k_gate.gradient("z")

# %% [markdown]
# *In words:* an expert's logit is raised as far as its gate would help more than the gates do on
# average. The logit of an expert that was not chosen gets no gradient, because its gate is zero:
# the output cannot say whether it would have done better. A router that never asks an expert never
# learns that it should have. Noise on the logits, as Shazeer et al. add it, makes it ask others
# now and then.

# %% [markdown]
# What does holding the choice constant hide? Raise one logit through the point where it overtakes
# another. Between such points the slope is as derived. At the tie one expert goes
# out with the whole of its weight, another comes in, and the output jumps.

# %% tags=["shown"]
import numpy as np

from symllm import ops

logits, outputs = np.array([2.0, 1.0, 0.0]), np.array([1.0, -1.0, 3.0])
slope = ops.mixture_of_experts.gradient("z").lambdify()


def mixed(logits):  # three experts, of which two are asked
    chosen = (logits >= np.sort(logits)[-2]).astype(float)
    return chosen * np.exp(logits) @ outputs / (chosen @ np.exp(logits)), chosen


print("  z_3  output  slope  by differences")
for logits[2] in (0.0, 0.999, 1.001, 1.5):
    found, chosen = mixed(logits)
    dz = slope(z=logits, mask=chosen, F=outputs[:, None], dy=np.ones(1))
    up, down = (mixed(logits + np.array([0, 0, by]))[0] for by in (1e-6, -1e-6))
    print(f"{logits[2]:.3f}  {found:6.3f}  {dz[2]:.3f}  {(up - down) / 2e-6:.3f}")

# %%
third = scalar("x")
pictures.curves(
    {
        "output": Piecewise(
            ((exp(2) - exp(1)) / (exp(2) + exp(1)), third < 1),
            ((exp(2) + 3 * exp(third)) / (exp(2) + exp(third)), True),
        )
    },
    over=(third, 0, 2),
    name="a-choice-jumps",
    words="The output of the three experts over the logit of the third. Up to one it is flat, for "
    "the third is not asked; at one it jumps from about a half to one and a half; from there it "
    "rises.",
    across="logit of the third expert",
    up="output",
)

# %% [markdown]
# ## The mixture
#
# The output of the layer is the sum of the experts' outputs, each weighted by its gate. Here
# $F_{ki}$ is the output of expert $k$ for one token; those that were not chosen need not be
# computed, since nothing depends on them.

# %%
ops.mixture_of_experts

# %% [markdown]
# ### Each expert against the mixture
#
# The gradient of a gate is the product of the expert's output with the gradient of the sum. What
# the softmax subtracts from it turns out to be the output of the whole layer.

# %%
ops.mixture_of_experts.gradient()

# %% [markdown]
# *In words:* each expert gets the gradient of the output, weighted by its gate, and nothing
# if it was not chosen. A logit rises if its expert's output points further along $-\mathrm{d}y$
# than the output of the mixture does. With one expert chosen the two are the same, and the
# softmax over the choice gives the router no gradient: a layer that sends each token to a single
# expert must weight it by its probability among all (exercise 2).

# %% [markdown]
# ## A block with experts
#
# In Mixtral the feed-forward layer of Llama's block is not one but several. The experts are one
# more index, $k$, on the same three matrices, and the router is one more matrix.

# %%
ops.moe_block

# %% [markdown]
# ### Two matrices
#
# They tell how a block with experts learns: the router's, and the last one of the experts.

# %%
ops.moe_block.gradient("W_R", "W_D")

# %% [markdown]
# *In words:* an expert learns from the tokens that were sent to it, each weighted by its gate, for
# the gradient of $F_{ika}$ has that gate as a factor; a program computes nothing for the others.
# The router learns through the gates alone.

# %% [markdown]
# ## The load-balancing loss
#
# Left to itself, a router comes to prefer a few experts, which then learn more and are preferred
# all the more. So one adds a loss that is small when all are used alike: the fraction $f_k$ of
# tokens that are sent to expert $k$, times the mean probability $P_k$ that the router gives it,
# summed over the experts. In front stand a weight $\alpha$ and the number of experts, so that the
# loss is $\alpha$ when all are used alike.
#
# The assignment $a_i$ of token $i$ is the place of its largest logit, and $f$ is counted from it:
# a count has no slope, so it is held constant, and the probabilities beside it are what can learn.

# %%
ops.load_balancing

# %% [markdown]
# ### Counts steer
#
# Only $P$ depends on the logits, through the softmax of every token, which is cited.

# %%
ops.load_balancing.gradient("z")

# %% [markdown]
# *In words:* the count does the steering, though it is constant: an expert's logit falls for
# every token, by how much busier it is than the experts that this token would likely go to. When
# all are equally busy, the gradient vanishes, whatever the probabilities are.

# %% [markdown]
# ### Why an even load is best
#
# With $f$ held constant the loss is a straight line in $P$, and a straight line has no minimum
# inside. The reason why it leads to an even load is that counts follow probabilities: over many
# tokens, an expert that is likelier is chosen more often. Suppose they agree, $f = P$. Then the
# loss is a square, and how far it lies above its least value is how far the shares are from even.

# %%
P = e.vector("P", domain="distribution", note="mean probabilities")
alpha = scalar("alpha", domain="positive", note="weight of the penalty")
even = sum_over((P[k] - 1 / e) ** 2, k)
calculation(
    alpha * e * sum_over(P[k] * P[k], k),
    given=(P, alpha),
    title="Counts that agree with probabilities",
).then(alpha * (1 + e * even), because="the square completed, since shares sum to one").at_least(
    alpha, because="squares are nowhere negative"
)

# %% [markdown]
# *In words:* the loss is $\alpha$ times one plus the squared coefficient of variation of
# the shares. At worst one expert takes all, and it is $\alpha e$. But it rests on $f = P$, and
# exercise 1 shows a router for which the loss falls below $\alpha$.

# %% [markdown]
# ## Capacity
#
# Experts live on different devices, and a device sets aside room for a fixed number of tokens
# before it knows how many will come: its share of the $n$ tokens, $n/e$ where each goes to one
# expert, times a capacity factor $\kappa$. Tokens beyond that are dropped: the stream passes them
# by the layer unchanged. How much room is needed, if the router is perfectly fair?
#
# Let $u_i$ be one if token $i$ goes to a given expert, and zero if not. It is one with probability
# $1/e$, so its mean is $1/e$ and its variance $1/e - 1/e^2$.

# %%
u = n.vector("u", note="does the token go to the expert?")
fair = {
    "given": (u, e),
    "assuming": (random(u[i], mean=1 / e, variance=(1 - 1 / e) / e),),
}
calculation(
    Var(sum_over(u[i], i) / (n / e)), **fair, title="The load of an expert, in fair shares"
).then(e**2 / n**2 * sum_over(Var(u[i]), i), because="tokens choose independently").then(
    (e - 1) / n, because="$n$ equal terms"
)

# %% [markdown]
# *In words:* the load differs from its fair share by about $\sqrt{e/n}$ of it. What counts is the
# number of tokens for each expert: with 64 experts and 4096 tokens, an eighth more room than the
# fair share is one standard deviation. Larger groups of tokens need less room to spare, and more
# experts need more. A router that is not fair needs more than any of this.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
tokens, experts = 4096, 64
choices = rng.multinomial(tokens, np.full(experts, 1 / experts), size=200)
loads = choices / (tokens / experts)
predicted = ((experts - 1) / tokens) ** 0.5
print(f"standard deviation: {loads.std():.3f}, predicted {predicted:.3f}")
for kappa in (1.0, 1.125, 1.25, 1.5):
    dropped = np.maximum(loads - kappa, 0).mean()
    print(f"capacity factor {kappa}: {dropped:.2%} dropped")

# %% [markdown]
# ## Parameters held, parameters used
#
# Now the bargain that the chapter began with, in numbers. Mixtral 8x7B has 32 layers of width 4096
# with 8 experts, 14336 wide, of which 2 are asked; its keys and values are 1024 wide, for its
# queries share them, and the tables of its 32000 tokens are not tied. What an expert holds comes
# from the equations of its block.

# %%
held = ops.moe_block.counts().at(e=1).by_parameter
s = scalar("s", note="experts asked")
c, w, d, v, E_held = (scalar(name) for name in ("c", "w", "d", "v", "e"))
N_exp, N_rest, N_tab = (scalar(name) for name in ("N_exp", "N_rest", "N_tab"))
sizes = (
    Let(c, 4096, "width of the stream"), Let(w, 14336, "width of an expert"),
    Let(d, 1024, "width of keys and values"), Let(v, 32000, "tokens of the vocabulary"),
    Let(E_held, 8, "experts"), Let(s, 2, "experts asked"),
    Let(N_exp, held["W_G"] + held["W_U"] + held["W_D"], "an expert"),
    Let(N_rest, 2 * c**2 + 2 * c * d + 2 * c + E_held * c, "attention, norms, router"),
    Let(N_tab, 2 * v * c + c, "tables, last norm"),
)  # fmt: skip
calculation(32 * (N_rest + E_held * N_exp) + N_tab, given=sizes, title="Parameters held").then(
    46_702_792_704, because="arithmetic"
)

# %%
calculation(32 * (N_rest + s * N_exp) + N_tab, given=sizes, title="Used by a token").then(
    12_879_925_248, because="two experts instead of eight"
)

# %% [markdown]
# *In words:* 47 billion parameters in memory and 13 billion at work. The name says eight times
# seven, but attention and tables are not multiplied. Operations follow what is used, at two for
# each parameter and token on the way forward; memory follows what is held.

# %% [markdown]
# ## Exercises
#
# **1.** Is $\alpha$ the least value of the load-balancing loss? Look for a router with two experts
# for which it is less.
#
# **2.** The Switch transformer asks one expert and weights its output by its probability among
# all experts. Derive the router's gradient. Does the logit of an expert that was not asked get one?
#
# **3.** With $s$ of $e$ experts chosen for each token, all choices being equally likely, by how
# much does the load of an expert vary?
#
# ### Answers
#
# **1.** No. Let 51 of 100 tokens go to the first expert, each with probability 0.51, and 49 to the
# second, each with certainty. Then $f$ is $(0.51, 0.49)$, but $P$ is another vector: its first
# entry is the mean of 51 times 0.51 and 49 times zero.

# %%
P_1 = Let(scalar("P_1"), Rational(51, 100) * Rational(51, 100), "mean probability of the first")
calculation(
    2 * alpha * (Rational(51, 100) * P_1.lhs + Rational(49, 100) * (1 - P_1.lhs)),
    given=(alpha, P_1),
    title="A loss below the even one",
).at_most(Rational(995, 1000) * alpha, because="arithmetic")

# %% [markdown]
# **2.** It does: raising any other logit lowers the probability of the one that was asked. Here $j$
# is the expert that was asked, and $F_j$ its output.

# %%
c = Dim("c", "width of the stream")
l = c.index("i")
F = matrix("F", e, c, note="outputs of the experts")
switch = (z, F, Let(p[k], ops.softmax(z[k], over=k), "probabilities among all experts"))
calculation(Partial(p[j] * F[j, l], z[k]), given=switch, title="Switch gate").then(
    (delta(k, j) - p[k]) * p[j] * F[j, l], because="the gradient of softmax"
)

# %% [markdown]
# **3.** A token comes with probability $s/e$ now, and the fair share $ns/e$. The variance of
# the load, in fair shares, is smaller by a factor of $s$ or more: as if there were more tokens.

# %%
s = scalar("s", domain="positive", note="experts asked")
calculation(
    Var(sum_over(u[i], i) / (n * s / e)),
    given=(u, e, s),
    assuming=(random(u[i], mean=s / e, variance=(1 - s / e) * s / e),),
    title="Several chosen",
).then((e - s) / (n * s), because="$n$ equal terms, over the square of the share")

# %% [markdown]
# ### References
#
# N. Shazeer, A. Mirhoseini, K. Maziarz, A. Davis, Q. Le, G. Hinton and J. Dean, *Outrageously
# large neural networks: the sparsely-gated mixture-of-experts layer*, ICLR 2017,
# arXiv:1701.06538.
#
# W. Fedus, B. Zoph and N. Shazeer, *Switch transformers: scaling to trillion parameter models with
# simple and efficient sparsity*, Journal of Machine Learning Research 23, 2022, arXiv:2101.03961.
#
# A. Q. Jiang et al., *Mixtral of experts*, arXiv:2401.04088, 2024.
