# %% [markdown]
# # Scaling
#
# You have so many processors for so many days. How large a model should you train, on how many
# tokens, and will it fit into memory? Three numbers answer most questions of this
# kind before anything is trained: the parameters $N$, the tokens $D$ and the operations $C$. This
# chapter counts them from the equations of a model, finds how best to spend a budget of
# operations, and ends with memory: what a training step keeps for its backward pass, and what a
# model that writes keeps of its context.

# %%
from sympy import Rational, expand, sqrt

from symllm import (
    Dim,
    Equals,
    Let,
    Partial,
    calculation,
    leading,
    minimum,
    models,
    ops,
    pictures,
    scalar,
)

# %% [markdown]
# ## Parameters
#
# A transformer block of width $c$ holds four square matrices in its attention, for queries, keys,
# values and the output, and two more in its feed-forward layer, from $c$ to $4c$ and back. Biases
# and the scales of two layer norms are vectors. They are counted here, to see how little they
# matter. The counts come from the equations of the catalogue's GPT-2 block, with its $h$ heads
# $c/h$ wide.

# %%
c = Dim("c", "width of the stream")
h = Dim("h", "heads")
layers = Dim("n_layer", "layers")
n = Dim("n", "tokens of the context")
v = Dim("v", "tokens of the vocabulary")
B = Dim("B", "rows of a batch")
block = ops.gpt2_block.counts().at(d=c / h, f=4 * c).by_parameter
N_attn, N_ff, N_norm = (scalar(name) for name in ("N_attn", "N_ff", "N_norm"))
parts = (
    Let(
        N_attn,
        sum(block[f"{a}_{b}"] for a in "Wb" for b in "QKVO"),
        "attention",
        means="parameters of the attention",
    ),
    Let(
        N_ff,
        sum(block[f"{a}_{b}"] for a in "Wb" for b in "12"),
        "feed-forward layer",
        means="parameters of the feed-forward layer",
    ),
    Let(
        N_norm,
        sum(block[f"{a}_{b}"] for a in ("gamma", "beta") for b in "12"),
        "norms",
        means="parameters of the norms",
    ),
)

# %%
calculation(N_attn + N_ff + N_norm, given=(c, *parts), title="Parameters of a block").then(
    12 * c**2 + 13 * c, because="collected"
)

# %% [markdown]
# A model is $n_{\mathrm{layer}}$ such blocks, a table of $v$ tokens, a table of $n$ positions, and
# a last norm. The left side is what the equations of the whole model hold.

# %%
gpt2 = models.gpt2().counts().at(d=c / h, f=4 * c)
N_block = scalar("N_block")
held = (c, layers, n, v, Let(N_block, 12 * c**2 + 13 * c, "a block", means="parameters of a block"))
calculation(gpt2.parameters, given=held, title="Parameters of GPT-2").then(
    layers * N_block + (v + n + 2) * c, because="blocks, then tables and norm"
)

# %% [markdown]
# For 12 blocks of width 768, 50257 tokens and 1024 positions, this is the 124 million by which the
# smallest GPT-2 is known; the chapter *Language models* says where they are.

# %% [markdown]
# ## Six operations for each parameter and token
#
# A matrix that is applied to a row does a multiplication and an addition for each of its entries:
# two operations. Backwards it is applied twice, once for the gradient of the row and once for its
# own, which makes four more. Nothing else grows as fast, as long as the context is short compared
# to the width. Here is the first matrix of a feed-forward layer, from width $c$ to $f$, applied to
# the rows of $D$ tokens.

# %%
D, f = Dim("D", "tokens"), Dim("f", "width of the feed-forward layer")
layer = ops.projection.batched("D").counts().at(m=c, n=f)
C_fwd, C_bwd, N = scalar("C_fwd"), scalar("C_bwd"), scalar("N", note="parameters")
calculation(
    C_fwd + C_bwd,
    given=(
        D,
        Let(N, layer.parameters, "parameters"),
        Let(C_fwd, layer.forward_flops, "operations forwards"),
        Let(C_bwd, layer.backward_flops, "operations backwards"),
        c,
        f,
    ),
    title="One layer",
).then(6 * N * D, because="in parameters and tokens")

# %% [markdown]
# In a whole model there is more: the scores of every position with every other, which have no
# parameters. Of all that the equations of GPT-2 count for each token, in rows of $n$ tokens, these
# are the terms of the highest degree in width, context and vocabulary; the one with $n$ is that of
# the scores.

# %%
each_token = expand(leading(gpt2.training_flops, c, n, v) / (B * n))
weights = Let(N, 12 * layers * c**2 + v * c, "entries of matrices")
calculation(each_token, given=(c, layers, n, v, weights), title="A whole model").then(
    6 * N + 12 * layers * c * n, because="put in $N$"
).at_most(6 * N * (1 + n / (6 * c)), because="$N$ counts tables, too")

# %% [markdown]
# *In words:* six operations for each parameter and token, the rule of Kaplan et al. (2020), are
# right to within a share of $n/6c$. For a width of 4096 and a context of 2048 that is a twelfth;
# only where the context is six times the width do the scores cost as much as the weights.

# %% [markdown]
# ## How to spend a budget
#
# Hoffmann et al. (2022) trained four hundred models and fitted the loss that they reached. It falls
# with a power of the parameters, and with a power of the tokens, towards a floor that no model gets
# below. A budget of $C$ operations buys $6ND = C$: what goes into parameters is not there for
# tokens. Where is the loss least?

# %%
e = scalar("E", domain="positive", note="floor of the loss")
C = scalar("C", domain="positive", note="budget of operations")
A_N = scalar("A_N", domain="positive", note="weight of the parameters in the loss")
A_D = scalar("A_D", domain="positive", note="weight of the tokens in the loss")
alpha = scalar("alpha", domain="positive", note="exponent of the parameters")
beta = scalar("beta", domain="positive", note="exponent of the tokens")
N = scalar("N", domain="positive", note="parameters")
D = scalar("D", domain="positive", note="tokens")
mu = scalar("mu", domain="positive", note="price of an operation")
reached = e + A_N / N**alpha + A_D / D**beta
law = (A_N, A_D, e, alpha, beta)
Lag = scalar("Lambda")
penalised = (N, D, mu, C, *law, Let(Lag, reached + mu * (6 * N * D - C), "loss, with a price"))

# %% [markdown]
# Lagrange's way is to put a price $\mu$ on each operation beyond the budget, and to ask that
# the loss with the price has no slope, neither in $N$ nor in $D$. Times $N$, the slope says what
# one *percent* more of the parameters would change, in hundredths:

# %%
calculation(N * Partial(Lag, N), given=penalised, title="A percent of the parameters").then(
    6 * mu * N * D - alpha * A_N / N**alpha, because="they cost operations and lower the loss"
)

# %%
calculation(D * Partial(Lag, D), given=penalised, title="A percent of the tokens").then(
    6 * mu * N * D - beta * A_D / D**beta, because="likewise"
)

# %% [markdown]
# Both are zero at the best size. A percent of either costs the same, so a percent of either has to
# save the same: the price drops out.

# %%
calculation(
    Equals(6 * mu * N * D, alpha * A_N / N**alpha),
    Equals(6 * mu * N * D, beta * A_D / D**beta),
    given=(N, D, mu, *law),
    unknown=(D, mu),
    title="Without the price",
).implies(Equals(alpha * A_N / N**alpha, beta * A_D / D**beta), because="both are $6 \\mu N D$")

# %% [markdown]
# The budget says what $D$ is, and then there is one equation for one unknown.

# %%
tokens_bought = Let(D, C / (6 * N), "tokens that the budget buys")
a, b, G = scalar("a"), scalar("b"), scalar("G")
share = Let(a, beta / (alpha + beta), "exponent of the best size")
rest = Let(b, alpha / (alpha + beta), "one less $a$", means="exponent of the tokens")
constant = Let(G, (alpha * A_N / (beta * A_D)) ** (1 / (alpha + beta)), "constant of the best size")
best_size = Let(N, G * (C / 6) ** a, "best size")
calculation(
    Equals(alpha * A_N / N**alpha, beta * A_D / D**beta),
    given=(N, C, *law, tokens_bought, share, constant),
    unknown=(N,),
    title="The best size",
).implies(
    Equals(N ** (alpha + beta), alpha * A_N / (beta * A_D) * (C / 6) ** beta),
    because="put in $D = C / 6N$ and collect powers of $N$",
).implies(Equals(N, G * (C / 6) ** a), because="take the root")

# %% [markdown]
# The slope is zero there; that it is a minimum, and not a maximum, has to be seen as well.

# %%
minimum(reached, best_size, given=(N, C, *law, tokens_bought, share, constant))

# %% [markdown]
# The tokens are what is left of the budget, and they grow with the other exponent.

# %%
calculation(
    C / (6 * N),
    given=(C, *law, share, rest, constant, best_size),
    title="The tokens that go with it",
).then((C / 6) ** b / G, because="$1 - a = b$")

# %% [markdown]
# *In words:* the size of the model grows with a power $a$ of the budget that has the *tokens'*
# $\beta$ above the bar, and the tokens with a power $b$ that has the size's $\alpha$. They are
# easily exchanged. To remember which is which, look at what the best size is solved
# from: the two terms of the loss fall together. The one whose exponent is small falls slowly, so
# what it depends on must grow faster. With $\alpha = 0.34$ and $\beta = 0.28$, as the paper fitted
# them, $N$ grows with $C^{0.45}$ and $D$ with $C^{0.55}$: in nearly equal measure.
#
# The picture shows the loss for three budgets, each a hundred times the one before, with the
# constants of that fit: $E = 1.69$, $A_N = 406.4$, $A_D = 410.7$. On the left of each curve the
# model is too small for its tokens, on the right there are too few tokens for the model. The
# valleys are flat: twice the best size costs little.

# %%
x = scalar("x")


def at_budget(operations):
    return 1.69 + 406.4 / x**0.34 + 410.7 / (operations / (6 * x)) ** 0.28


pictures.curves(
    {f"$10^{{{power}}}$ operations": at_budget(10.0**power) for power in (19, 21, 23)},
    over=(x, 1e7, 1e12),
    within=(2, 4.5),
    name="loss-at-fixed-compute",
    words=(
        "Three curves of the loss against the number of parameters, one for each budget of "
        "operations: each has one flat valley; a larger budget moves it down and to the right."
    ),
    across="parameters $N$",
    up="loss",
    log="x",
)

# %% [markdown]
# A formula for the best size is only as good as the constants in it. Besiroglu et al. (2024) read
# the points off the paper's figure, fitted the same law again and found others. Here both fits are
# asked how to spend $5.76 \cdot 10^{23}$ operations, by the formula and by search. Chinchilla,
# which had that budget, has 70 billion parameters and saw 1.4 trillion tokens.

# %% tags=["shown"]
import numpy as np

budget = 5.76e23
sizes = np.geomspace(1e9, 1e12, 30001)
for who, A_N, A_D, alpha, beta in (
    ("Hoffmann et al.", 406.4, 410.7, 0.34, 0.28),
    ("Besiroglu et al.", 482.01, 2085.43, 0.3478, 0.3658),
):
    losses = A_N / sizes**alpha + A_D / (budget / (6 * sizes)) ** beta
    ratio = (alpha * A_N / (beta * A_D)) ** (1 / (alpha + beta))
    best = ratio * (budget / 6) ** (beta / (alpha + beta))
    print(who)
    print(f"  N = {best:.2e}, by search {sizes[losses.argmin()]:.2e}")
    print(f"  {budget / 6 / best**2:.0f} tokens for each parameter")

# %% [markdown]
# *In words:* a second fit to nearly the same points moves the answer by a factor of two, and the
# tokens for each parameter by a factor of five. The law is right about the shape of the valley;
# where it lies has to be measured near the budget that is meant.
#
# ## The memory of a training step
#
# The backward pass needs much of what the forward pass computed. What a GPT-2 block keeps is
# counted from its equations, for $n$ tokens of width $c$, heads $d$ wide and a feed-forward layer
# $4c$ wide: probabilities for every head and pair of positions, and twenty numbers of each token
# for each entry of its width.

# %%
d = Dim("d", "width of a head")
kept = ops.gpt2_block.counts().at(h=c / d, f=4 * c).activations
M_row, M_prob = scalar("M_row"), scalar("M_prob")
numbers = (
    c, n, d,
    Let(M_row, 20 * c + 2, "for each token", means="numbers kept of a token"),
    Let(M_prob, n * c / d, "probabilities of a token's heads"),
)  # fmt: skip
calculation(kept, given=numbers, title="Numbers kept by a block").then(
    n * (M_row + M_prob), because="sorted"
)

# %% [markdown]
# *In words:* the probabilities are the larger part as soon as $n$ is more than $20 d$: for heads 64
# wide, beyond 1280 tokens. The chapter *Fast attention* shows how to keep none: what is left is
# twenty numbers for each entry of the stream, whatever the length. For a width of 4096 and 32
# layers, at two bytes, that is 5 megabytes for each token of the batch. Exercise 4 asks how to keep
# less.
#
# ## The memory of a context
#
# A model that writes a text keeps the keys and the values of all earlier positions, or it would
# have to compute them anew for each token. Each of $n_{\mathrm{layer}}$ layers keeps two vectors of
# width $d$ for every head of keys and every position; there are $h_K$ such heads, fewer than the
# $h$ heads of queries where $g$ of these share one (Shazeer, 2019; Ainslie et al., 2023). With $s$
# bytes for a number, a text of $n$ tokens takes the cache $M$. Here it is for the sizes of Llama
# 2's largest model and 4096 tokens.

# %%
names = ("s", "n", "n_layer", "h", "d", "g", "h_K", "M")
s, n_1, layers_1, h_1, d_1, g, h_K, M = (scalar(name) for name in names)
calculation(M, title="The cache", given=(
    Let(s, 2, "bytes of a number"), Let(n_1, 4096, "tokens"), Let(layers_1, 80, "layers"),
    Let(d_1, 128, "width of a head"), Let(h_1, 64, "heads of queries"),
    Let(g, 8, "heads that share one of keys"), Let(h_K, h_1 / g, "heads of keys"),
    Let(M, 2 * s * n_1 * layers_1 * h_K * d_1, "bytes of the cache"),
)).then(1_342_177_280, because="arithmetic")  # fmt: skip

# %% [markdown]
# *In words:* a gigabyte and a third for one text. Without sharing it would be more than ten.

# %% [markdown]
# ## Exercises
#
# **1.** Llama's feed-forward layer has three matrices instead of two, and is $8c/3$ wide. How many
# parameters do the matrices of a block have, if queries do not share keys?
#
# **2.** The cache of a model grows with every token, its weights do not. At how many tokens
# is the cache, at the same number of bytes, as large as the matrices of the blocks?
#
# **3.** Suppose both terms of the loss fell with the same exponent, $\alpha = \beta$. How would
# size and tokens grow with the budget, and how would the loss fall?
#
# **4.** Keep the stream at $k$ places of the stack only, and compute what lies between two of them
# again when the backward pass comes there. If a layer's stream takes $p$ numbers and all that it
# keeps takes $q$, how many places are best?
#
# ### Answers
#
# **1.** As many as GPT-2's, which is why that width was chosen.

# %%
wide = Let(scalar("f"), Rational(8, 3) * c, "width of the feed-forward layer")
calculation(4 * c**2 + 3 * c * wide.lhs, given=(c, wide)).then(12 * c**2, because="$4 + 8$ squares")

# %% [markdown]
# **2.** When the texts together are six times as long as the model is wide. Without shared keys,
# every token takes $2 n_{\mathrm{layer}} c$ numbers:

# %%
T = scalar("T", domain="positive", note="tokens in the cache")
calculation(
    Equals(2 * layers * c * T, 12 * layers * c**2), given=(c, layers, T), unknown=(T,)
).implies(Equals(T, 6 * c), because="divide by $2 n_{\\mathrm{layer}} c$")

# %% [markdown]
# **3.** Size and tokens both with the square root of the budget, for $a = b = 1/2$. At the best
# size the two terms are equal, since their exponents are, and what lies above the floor is twice
# the root of their product. It falls with half of the exponent: with $\alpha = 1/3$, to less than a
# half for a hundred times the budget.

# %%
C = scalar("C", domain="positive", note="budget of operations")
alpha = scalar("alpha", domain="positive", note="exponent of the parameters")
A_N = scalar("A_N", domain="positive", note="weight of the parameters in the loss")
A_D = scalar("A_D", domain="positive", note="weight of the tokens in the loss")
calculation(
    2 * sqrt(A_N / N**alpha * (A_D / D**alpha)), given=(N, C, alpha, A_N, A_D, tokens_bought)
).then(2 * sqrt(A_N * A_D) * (6 / C) ** (alpha / 2), because="the size cancels")

# %% [markdown]
# **4.** With $k$ places there are $k p$ numbers in store, and $q n_{\mathrm{layer}} / k$ while one
# of the $k$ pieces is under way. At the least both are $\sqrt{p q n_{\mathrm{layer}}}$: memory
# grows with the square root of the depth, for one more forward pass (Chen et al., 2016).

# %%
p = scalar("p", domain="positive", note="numbers of a layer's stream")
q = scalar("q", domain="positive", note="numbers that a layer keeps")
k = scalar("k", domain="positive", note="places of the stack")
layers_1 = scalar("n_layer", domain="positive", note="layers")
minimum(k * p + q * layers_1 / k, Let(k, sqrt(layers_1 * q / p)), given=(p, q, k, layers_1))

# %% [markdown]
# ### References
#
# J. Kaplan, S. McCandlish, T. Henighan, T. B. Brown, B. Chess, R. Child, S. Gray, A. Radford, J. Wu
# and D. Amodei, *Scaling laws for neural language models*, arXiv:2001.08361, 2020.
#
# J. Hoffmann et al., *Training compute-optimal large language models*, arXiv:2203.15556, 2022.
#
# T. Besiroglu, E. Erdil, M. Barnett and J. You, *Chinchilla scaling: a replication attempt*,
# arXiv:2404.10102, 2024.
#
# T. Chen, B. Xu, C. Zhang and C. Guestrin, *Training deep nets with sublinear memory cost*,
# arXiv:1604.06174, 2016.
#
# N. Shazeer, *Fast transformer decoding: one write-head is all you need*, arXiv:1911.02150, 2019.
#
# J. Ainslie, J. Lee-Thorp, M. de Jong, Y. Zemlyanskiy, F. Lebrón and S. Sanghai, *GQA: training
# generalized multi-query transformer models from multi-head checkpoints*, EMNLP 2023,
# arXiv:2305.13245.
