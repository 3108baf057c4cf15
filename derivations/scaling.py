# %% [markdown]
# # Scaling
#
# How large a model, how many tokens, how much memory? Three numbers answer most questions of this
# kind before anything is trained: the parameters $N$, the tokens $D$ and the operations $C$. This
# chapter counts them from the equations of a model, finds how best to spend a budget of
# operations, and ends with the memory that a model needs for each token of its context.

# %%

from sympy import Rational, sqrt

from symllm import Dim, Equals, Let, Partial, calculation, leading, minimum, models, ops, scalar

# %% [markdown]
# ## Parameters
#
# A transformer block of width $c$ holds four square matrices in its attention, for queries, keys,
# values and the output, and two more in its feed-forward layer, from $c$ to $4c$ and back. Biases
# and the scales of two layer norms are vectors. They are counted here, to see how little they
# matter. The counts come from the equations of the catalogue's GPT-2 block, with its $h$ heads
# $c/h$ wide.

# %%
c, h, L, n, v, B = (Dim(name) for name in ["c", "h", "L", "n", "v", "B"])
block = ops.gpt2_block.counts().at(d=c / h, f=4 * c).by_parameter
P_attn, P_ff, P_norm = (scalar(name) for name in ("P_attn", "P_ff", "P_norm"))
parts = (
    Let(P_attn, sum(block[f"{a}_{b}"] for a in "Wb" for b in "QKVO"), "attention"),
    Let(P_ff, sum(block[f"{a}_{b}"] for a in "Wb" for b in "12"), "feed-forward layer"),
    Let(P_norm, sum(block[f"{a}_{b}"] for a in ("gamma", "beta") for b in "12"), "norms"),
)

# %%
calculation(P_attn + P_ff + P_norm, given=(c, *parts), title="Parameters of a block").then(
    12 * c**2 + 13 * c, because="collected"
).at_least(12 * c**2, because="the matrices alone")

# %% [markdown]
# A model is $L$ such blocks, a table of $v$ tokens, a table of $n$ positions, and a last norm. The
# left side is what the equations of the whole model hold.

# %%
gpt2 = models.gpt2().counts().at(d=c / h, f=4 * c)
calculation(gpt2.parameters, given=(c, L, n, v), title="Parameters of GPT-2").then(
    L * (12 * c**2 + 13 * c) + (v + n + 2) * c, because="blocks, then tables and norm"
)

# %% [markdown]
# With $L = 12$, $c = 768$, $v = 50257$ and $n = 1024$, this is the 124 million by which the
# smallest GPT-2 is known.

# %%
depth, width, tokens, places = (
    Let(scalar("L"), 12, "blocks"),
    Let(scalar("c"), 768, "width"),
    Let(scalar("v"), 50257, "tokens"),
    Let(scalar("n"), 1024, "positions"),
)
calculation(
    depth.lhs * (12 * width.lhs**2 + 13 * width.lhs) + (tokens.lhs + places.lhs + 2) * width.lhs,
    given=(depth, width, tokens, places),
).then(124_439_808, because="arithmetic")

# %% [markdown]
# ## Six operations for each parameter and token
#
# A matrix that is applied to a row does a multiplication and an addition for each of its entries:
# two operations. Backwards it is applied twice, once for the gradient of the row and once for its
# own, which makes four more. Nothing else grows as fast, as long as the context is short compared
# to the width. Here is a linear layer without a bias on $D$ rows.

# %%
D = Dim("D")
m = Dim("m")
layer = ops.projection.batched("D").counts()
C_fwd, C_bwd, N = scalar("C_fwd"), scalar("C_bwd"), scalar("N")
calculation(
    C_fwd + C_bwd,
    given=(
        D,
        Let(N, layer.parameters, "parameters"),
        Let(C_fwd, layer.forward_flops, "operations forwards"),
        Let(C_bwd, layer.backward_flops, "operations backwards"),
        m,
        n,
    ),
    title="One layer",
).then(6 * N * D, because="in parameters and rows")

# %% [markdown]
# In a whole model there is more: the scores of every position with every other, which have no
# parameters. Of all that the equations of GPT-2 count for a batch of $B$ rows of $n$ tokens,
# these are the terms of the highest degree in width, context and vocabulary.

# %%
weights = (
    Let(N, 12 * L * c**2 + v * c, "entries of matrices"),
    Let(D_tok := scalar("D"), B * n, "tokens"),
)
calculation(
    leading(gpt2.training_flops, c, n, v),
    given=(c, L, n, v, B, *weights),
    title="A whole model",
).then(6 * N * D_tok + 12 * L * c * n * D_tok, because="weights, then scores").at_most(
    6 * N * D_tok * (1 + n / (6 * c)), because="$N$ is at least $12 L c^2$"
)

# %% [markdown]
# *In words:* six operations for each parameter and token are right to within a share of $n/6c$.
# For a width of 4096 and a context of 2048 that is a twelfth; only where the context is several
# times the width do the scores take over.

# %% [markdown]
# ## How to spend a budget
#
# Hoffmann et al. trained four hundred models and fitted the loss that they reached. It falls with
# a power of the parameters, and with a power of the tokens, towards a floor that no model gets
# below. A budget of $C$ operations buys $6ND = C$: what goes into parameters is not there for
# tokens. Where is the loss least?

# %%
A, b, e, C = (scalar(name, domain="positive") for name in ("A", "B", "E", "C"))
alpha, beta = (scalar(name, domain="positive") for name in ("alpha", "beta"))
N, D, loss = scalar("N", domain="positive"), scalar("D"), scalar("loss")
law = (
    N, C, A, b, e, alpha, beta,
    Let(D, C / (6 * N), "tokens that the budget buys"),
    Let(loss, e + A / N**alpha + b / D**beta, "loss that is reached"),
)  # fmt: skip

# %%
slope = calculation(Partial(loss, N), given=law, title="The slope").then(
    (beta * b / D**beta - alpha * A / N**alpha) / N,
    because="both terms, for $D$ falls as $N$ grows",
)
slope

# %% [markdown]
# More parameters help as long as the first term in the bracket is the smaller one. At the best
# size both are equal: a little more of either, parameters or tokens, would bring the same. That is
# what Lagrange's multiplier says, too, and it can be solved.

# %%
G = Let(scalar("G"), (alpha * A / (beta * b)) ** (1 / (alpha + beta)), "a constant")
solved = (
    calculation(
        Equals(beta * b / D**beta, alpha * A / N**alpha),
        given=(*law, G),
        unknown=(N,),
        title="The best size",
    )
    .implies(
        Equals(N ** (alpha + beta), alpha * A / (beta * b) * (C / 6) ** beta),
        because="put in $D = C / 6N$ and collect powers of $N$",
    )
    .implies(
        Equals(N, G.lhs * (C / 6) ** (beta / (alpha + beta))),
        because="take the root",
    )
)
solved

# %% [markdown]
# The slope is zero there; that it is a minimum, and not a maximum, has to be seen as well.

# %%
minimum(loss, Let(N, G.rhs * (C / 6) ** (beta / (alpha + beta))), given=law)

# %% [markdown]
# The tokens are what is left of the budget, and they grow with the other exponent.

# %%
best = Let(N, G.lhs * (C / 6) ** (beta / (alpha + beta)), "best size")
calculation(
    C / (6 * N), given=(C, A, b, alpha, beta, G, best), title="The tokens that go with it"
).then(
    (C / 6) ** (alpha / (alpha + beta)) / G.lhs, because="one less $\\beta / (\\alpha + \\beta)$"
)

# %% [markdown]
# *In words:* the size of the model grows with a power of the budget whose exponent has the
# *tokens'* $\beta$ above the bar, and the tokens with one that has the size's $\alpha$. Published
# notes have the two exchanged. To remember which is which, look at what the best size is solved
# from: the two terms of the loss fall together. The one whose exponent is small falls slowly, so
# what it depends on must grow faster. With $\alpha = 0.34$ and $\beta = 0.28$, as the paper fitted
# them, $N$ grows with $C^{0.45}$ and $D$ with $C^{0.55}$: in nearly equal measure.
#
# ## The memory of a context
#
# A model that writes a text keeps the keys and the values of all earlier positions, or it would
# have to compute them anew for each token. Each of $L$ layers keeps two vectors of width $d$ for
# every head of keys and every position; there are $h_K$ such heads, fewer than heads of queries
# where these share them. With $s$ bytes for a number and $B$ texts of $n$ tokens, this is the
# cache, and what sharing saves of it.

# %%
d = Dim("d")
h_K, s, M = scalar("h_K"), scalar("s", domain="positive"), scalar("M")
cache = (
    s,
    h,
    scalar("g", domain="positive"),
    Let(h_K, h / scalar("g"), "heads of keys, each shared by $g$ of queries"),
    Let(M, 2 * s * B * n * L * h_K * d, "bytes of the cache"),
)
calculation(M, given=(*cache, B, n, L, d), title="The cache").then(
    2 * s * B * n * L * (h * d) / scalar("g"), because="the width of all heads, by $g$"
)

# %% [markdown]
# A model with the sizes of Llama 2's largest has 80 layers and 64 heads of width 128. Eight of its
# heads share one of keys. For one text of 4096 tokens, at two bytes a number, the cache takes a
# gigabyte and a third; without sharing it would be more than ten.

# %%
calculation(2 * s * n * L * h * d / scalar("g"), given=(
    Let(s, 2, "bytes"), Let(scalar("n"), 4096, "tokens"), Let(scalar("L"), 80, "layers"),
    Let(scalar("h"), 64, "heads"), Let(scalar("d"), 128, "width of a head"),
    Let(scalar("g"), 8, "heads of queries for one of keys"),
)).then(1_342_177_280, because="bytes")  # fmt: skip

# %% [markdown]
# ## Exercises
#
# **1.** Llama's feed-forward layer has three matrices instead of two, and is $8c/3$ wide. How many
# parameters do the matrices of a block have, if queries do not share keys?
#
# **2.** The cache of a model grows with every token, its weights do not. At how many tokens
# is the cache, at the same number of bytes, as large as the matrices of the blocks?
#
# **3.** Suppose both terms of the loss fell with the same exponent. How would size and tokens grow?
#
# ### Answers
#
# **1.** As many as GPT-2's, which is why that width was chosen.

# %%
f = Let(scalar("f"), Rational(8, 3) * c, "width of the feed-forward layer")
calculation(4 * c**2 + 3 * c * f.lhs, given=(c, f)).then(12 * c**2, because="$4 + 8$ squares")

# %% [markdown]
# **2.** When the texts together are six times as long as the model is wide. Without shared keys,
# every token takes $2 L c$ numbers:

# %%
T = scalar("T", domain="positive")
calculation(Equals(2 * L * c * T, 12 * L * c**2), given=(c, L, T), unknown=(T,)).implies(
    Equals(T, 6 * c), because="divide by $2 L c$"
)

# %% [markdown]
# **3.** Both with the square root of the budget.

# %%
calculation((C / 6) ** (beta / (alpha + beta)), given=(C, beta, Let(alpha, beta))).then(
    sqrt(C / 6), because="$\\beta / 2 \\beta = 1/2$"
)

# %% [markdown]
# ### References
#
# J. Kaplan, S. McCandlish, T. Henighan, T. B. Brown, B. Chess, R. Child, S. Gray, A. Radford, J. Wu
# and D. Amodei, *Scaling laws for neural language models*, arXiv:2001.08361, 2020.
#
# J. Hoffmann et al., *Training compute-optimal large language models*, arXiv:2203.15556, 2022.
#
# N. Shazeer, *Fast transformer decoding: one write-head is all you need*, arXiv:1911.02150, 2019.
#
# J. Ainslie, J. Lee-Thorp, M. de Jong, Y. Zemlyanskiy, F. Lebrón and S. Sanghai, *GQA: training
# generalized multi-query transformer models from multi-head checkpoints*, arXiv:2305.13245, 2023.
