# %% [markdown]
# # Masks
#
# Not every position may look at every other. A word that is still to be predicted must not be seen;
# a blank that only fills up a batch has nothing to say; what is far away may be left out to save
# time. A mask says who may look at whom. It changes what attention computes, and nothing in the
# formulas of its backward pass: every mask of this chapter leads to the six lines of the one
# before.

# %%
import numpy as np
from sympy import sqrt

from symllm import Dim, Iverson, Let, Op, calculation, matrix, ops, pictures, scalar, sum_over

# %% [markdown]
# ## Masked softmax
#
# A mask of zeros and ones multiplies the exponentials, so that what is forbidden gets a weight of
# exactly zero, and the others share the whole. A row in which everything is forbidden would be zero
# divided by zero. By convention its weights, and with them its gradients, are zero: a position that
# may look at nothing sees nothing.

# %%
ops.masked_softmax

# %%
ops.masked_softmax.gradient("x")

# %% [markdown]
# *In words:* the same formula as without a mask. Where a weight is zero, so is the gradient of
# its score, and the mask takes care of itself.

# %% [markdown]
# ## Causal attention
#
# A language model predicts each token from those before it, so it may not look ahead: position $i$
# attends to the positions $j \le i$ alone. Every position may look at itself, so no row is
# forbidden as a whole. What is gained is that one pass trains every position of a text at once,
# each as if the text ended there.

# %%
ops.causal_attention

# %% [markdown]
# The weights of six positions, for scores drawn at random, make a triangle. The first position can
# only look at itself; the later a row, the more it has to choose from.

# %%
scores = np.exp(np.random.default_rng(0).normal(size=(6, 6)))
pictures.matrix(
    np.tril(scores) / np.tril(scores).sum(1, keepdims=True),
    name="causal-weights",
    words="Weights of causal attention: a row for each query, a column for each key. All above the "
    "diagonal are zero, and every row sums to one.",
)

# %% [markdown]
# ### The gradient does not mention the mask
#
# Masked softmax takes the place of softmax, and since their gradients agree, nothing else
# changes.

# %%
ops.causal_attention.gradient()

# %% [markdown]
# *In words:* later positions get no gradient from earlier queries, because $P_{ij}$ is zero there,
# and $\mathrm{d}S_{ij}$ with it. The picture above is also the Jacobian of the output by the
# values: read by columns, it says that the last value hears from one query, and the first from all.

# %% [markdown]
# ## A mask that is added
#
# Other masks are given as a matrix $M$ that is added to the scores: minus infinity forbids, and
# zero allows. Finite values favour or discourage. Blanks that fill up a batch are forbidden to
# every query: each has a column of minus infinities. A row of them has the output zero, by the
# same convention.

# %%
ops.masked_attention

# %% [markdown]
# ## Linear biases
#
# ALiBi adds nothing to the embeddings. It lowers every score in proportion to the distance
# between query and key, so that what is far has to match better to be seen. The slope is fixed,
# another one for each head. It was made for running a model on longer texts than it was trained on:
# a longer distance is but more of the same.

# %%
ops.alibi

# %% [markdown]
# ## Sliding windows
#
# Attention to everything costs a square of the length. In a window, position $i$ attends to
# itself and to those just before it, $w$ positions in all, so the cost grows with the length
# times $w$. Mistral 7B has a window of 4096 (Jiang et al., 2023). In the equations the window is
# two brackets: not after $i$, and less than $w$ before.

# %%
ops.sliding_window

# %% [markdown]
# ## One backward pass for all
#
# A mask that is added, a bias and a window all stand beside the product of query and key, and
# depend on neither. Differentiated by queries or keys they drop out; what is left of them is in the
# weights $P$. So there is nothing new to print. The engine derives the gradient of each by itself,
# and what it finds is the same, symbol by symbol.

# %%
others = (ops.masked_attention.gradient(), ops.alibi.gradient(), ops.sliding_window.gradient())
for found in others:
    found.verify()

# %% tags=["shown"]
from symllm import ops

causal = dict.fromkeys(["alibi", "sliding_window"], "causal_attention")
for name, known in {"masked_attention": "attention", **causal}.items():
    one, other = ops[name].gradient(), ops[known].gradient()
    same = one.results == other.results and one.where["dS"] == other.where["dS"]
    print(f"{name} as {known}: {same}")

# %% [markdown]
# ## Exercises
#
# **1.** How much of the square does a causal mask leave? What does that say of the cost?
#
# **2.** A window of four positions, in layer upon layer. How far back can the last of three layers
# see?
#
# **3.** A bias $B$ beside the scores is learnt, an entry for each pair of positions. Find its
# gradient. And that of ALiBi's slope, were it learnt?
#
# **4.** Find the mistake: to make attention causal, somebody multiplies the weights $P$ by the
# mask, after the softmax.
#
# ### Answers
#
# **1.** A little more than half. A kernel that skips what is masked has about half the work; one
# that computes all scores and then masks them saves nothing.

# %%
n = Dim("n", "positions")
i, j = n.indices("i j")
calculation(sum_over(sum_over(Iverson(j <= i), j), i), given=(n,), title="Allowed pairs").then(
    n * (n + 1) / 2, because="one in the first row, $n$ in the last"
)

# %% [markdown]
# **2.** Nine positions back: each layer adds three. Which position can hear of which through
# several layers is told by a product of masks, one for each layer. In general each layer adds
# $w - 1$ positions, so that depth makes up for width.

# %% tags=["shown"]
import numpy as np

position = np.arange(16)
back = position[:, None] - position
window = (back >= 0) & (back < 4)
reach = window
for layer in range(1, 4):
    print(f"layer {layer} sees {back[reach].max()} positions back")
    reach = reach @ window

# %% [markdown]
# **3.** A bias stands beside the scores, so it gets what they get. Summed over the batch and, for
# biases that depend on the distance $i - j$ alone, over each diagonal, this is how relative
# position biases are learnt (Raffel et al., 2020). A slope gets the distances $j - i$, weighted by
# $\mathrm{d}S$. The engine finds that only $j$ counts: what comes from $i$ is the same for a whole
# row, and a row of $\mathrm{d}S$ sums to zero. Here $D_i$ is the mean of a row, as before:
# $\sum_l O_{il} \, \mathrm{d}O_{il}$.

# %%
m, d, e = Dim("m", "keys"), Dim("d", "width of keys"), Dim("e", "width of values")
(c,), (k,), (l,) = m.indices("j"), d.indices("k"), e.indices("l")
Q = matrix("Q", n, d, note="queries")
K = matrix("K", m, d, note="keys")
V = matrix("V", m, e, note="values")
O = matrix("O", n, e)
S, P, dO, D = matrix("S", n, m), matrix("P", n, m), matrix("dO", n, e), n.vector("D")
B = matrix("B", n, m, role="parameter", note="bias of the scores")
slope = scalar("slope", role="parameter", note="slope of the penalty")
product = sum_over(Q[i, k] * K[c, k], k) / sqrt(d)


def with_bias(parameter, bias, forward):
    """The gradient of what a bias beside the scores is made of."""
    attention = Op(
        name="biased_attention",
        title="Attention with a learnt bias",
        inputs=(Q, K, V, parameter),
        equations=(
            Let(S[i, c], product + bias, "scores and bias"),
            Let(P[i, c], ops.softmax(S[i, c], over=c), "attention weights"),
            Let(O[i, l], sum_over(P[i, c] * V[c, l], c), "output"),
        ),
        aliases=(Let(D[i], sum_over(dO[i, l] * O[i, l], l), "row sums of dO * O"),),
        numpy=forward,
    )
    gradient = attention.gradient(parameter.name)
    gradient.verify()
    return gradient


def sloped(Q, K, V, slope):
    distance = np.arange(len(K)) - np.arange(len(Q))[:, None]
    return ops.masked_attention.numpy(Q, K, V, slope * distance)


by_entry = with_bias(B, B[i, c], lambda Q, K, V, B: ops.masked_attention.numpy(Q, K, V, B))
by_slope = with_bias(slope, slope * (c - i), sloped)
dB, dslope = matrix("dB", n, m), scalar("dslope")
Let(dB[i, c], by_entry.result), Let(dslope, by_slope.result), by_slope.where["dS"]

# %% [markdown]
# **4.** The rows no longer sum to one: what the forbidden positions had is lost, and the output of
# an early position shrinks towards zero. Worse, the future leaks. The allowed weights are divided
# by a sum over all scores, those of later positions included. The weight that the first position
# gives to itself should be one, and depends on what comes after it:

# %% tags=["shown"]
import numpy as np

for later in (-3.0, 0.0, 3.0):
    S = np.array([[0.0, later], [0.0, 0.0]])
    P = np.exp(S) / np.exp(S).sum(1, keepdims=True)
    print(f"a later score of {later:4.1f}: weight {np.tril(P)[0, 0]:.3f}")

# %% [markdown]
# ### References
#
# A. Vaswani, N. Shazeer, N. Parmar, J. Uszkoreit, L. Jones, A. N. Gomez, Ł. Kaiser and I.
# Polosukhin, *Attention is all you need*, NeurIPS 2017, arXiv:1706.03762.
#
# C. Raffel et al., *Exploring the limits of transfer learning with a unified text-to-text
# transformer*, Journal of Machine Learning Research 21, 2020, arXiv:1910.10683.
#
# I. Beltagy, M. E. Peters and A. Cohan, *Longformer: the long-document transformer*,
# arXiv:2004.05150, 2020.
#
# O. Press, N. A. Smith and M. Lewis, *Train short, test long: attention with linear biases
# enables input length extrapolation*, ICLR 2022, arXiv:2108.12409.
#
# A. Q. Jiang et al., *Mistral 7B*, arXiv:2310.06825, 2023.
