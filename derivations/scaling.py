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
from sympy import Rational, sqrt

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
L = Dim("L", "layers")
n = Dim("n", "tokens of the context")
v = Dim("v", "tokens of the vocabulary")
B = Dim("B", "rows of a batch")
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
# For 12 blocks of width 768, 50257 tokens and 1024 positions, this is the 124 million by which the
# smallest GPT-2 is known; the chapter *Language models* says where they are.

# %% [markdown]
# ## Six operations for each parameter and token
#
# A matrix that is applied to a row does a multiplication and an addition for each of its entries:
# two operations. Backwards it is applied twice, once for the gradient of the row and once for its
# own, which makes four more. Nothing else grows as fast, as long as the context is short compared
# to the width. Here is a linear layer without a bias on $D$ rows.

# %%
D = Dim("D", "rows")
m = Dim("m", "inputs of the layer")
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
A = scalar("A", domain="positive", note="weight of the parameters in the loss")
b = scalar("B", domain="positive", note="weight of the tokens in the loss")
e = scalar("E", domain="positive", note="floor of the loss")
C = scalar("C", domain="positive", note="budget of operations")
alpha = scalar("alpha", domain="positive", note="exponent of the parameters")
beta = scalar("beta", domain="positive", note="exponent of the tokens")
N = scalar("N", domain="positive", note="parameters")
D = scalar("D", domain="positive", note="tokens")
mu = scalar("mu", domain="positive", note="price of an operation")
reached = e + A / N**alpha + b / D**beta
law = (A, b, e, alpha, beta)
Lag = scalar("Lambda")
penalised = (N, D, mu, C, *law, Let(Lag, reached + mu * (6 * N * D - C), "loss, with a price"))

# %% [markdown]
# Lagrange's way is to put a price $\mu$ on each operation beyond the budget, and to ask that
# the loss with the price has no slope, neither in $N$ nor in $D$.

# %%
calculation(Partial(Lag, N), given=penalised, title="Slope in parameters").then(
    6 * mu * D - alpha * A / N ** (alpha + 1), because="they cost operations and lower the loss"
)

# %%
calculation(Partial(Lag, D), given=penalised, title="Slope in tokens").then(
    6 * mu * N - beta * b / D ** (beta + 1), because="the same, with the other term"
)

# %% [markdown]
# Both slopes are zero at the best size, and the budget is spent. Multiply the first by $N$ and the
# second by $D$: the price stands alone in both, with the same factor $6ND$, and drops out.

# %%
calculation(
    Equals(6 * mu * D, alpha * A / N ** (alpha + 1)),
    Equals(6 * mu * N, beta * b / D ** (beta + 1)),
    given=(N, D, mu, *law),
    unknown=(D, mu),
    title="Without the price",
).implies(Equals(alpha * A / N**alpha, beta * b / D**beta), because="both are $6 \\mu N D$")

# %% [markdown]
# Each term of the loss, times its exponent, tells what another percent of its resource would
# save: at the best size both would save the same. The budget says what $D$ is, and then there is
# one equation for one unknown.

# %%
tokens_bought = Let(D, C / (6 * N), "tokens that the budget buys")
G = Let(scalar("G"), (alpha * A / (beta * b)) ** (1 / (alpha + beta)), "a constant")
calculation(
    Equals(alpha * A / N**alpha, beta * b / D**beta),
    given=(N, C, *law, tokens_bought, G),
    unknown=(N,),
    title="The best size",
).implies(
    Equals(N ** (alpha + beta), alpha * A / (beta * b) * (C / 6) ** beta),
    because="put in $D = C / 6N$ and collect powers of $N$",
).implies(Equals(N, G.lhs * (C / 6) ** (beta / (alpha + beta))), because="take the root")

# %% [markdown]
# The slope is zero there; that it is a minimum, and not a maximum, has to be seen as well.

# %%
minimum(
    reached,
    Let(N, G.rhs * (C / 6) ** (beta / (alpha + beta))),
    given=(N, C, *law, tokens_bought),
)

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
# *tokens'* $\beta$ above the bar, and the tokens with one that has the size's $\alpha$. They
# are easily exchanged. To remember which is which, look at what the best size is solved
# from: the two terms of the loss fall together. The one whose exponent is small falls slowly, so
# what it depends on must grow faster. With $\alpha = 0.34$ and $\beta = 0.28$, as the paper fitted
# them, $N$ grows with $C^{0.45}$ and $D$ with $C^{0.55}$: in nearly equal measure.
#
# The picture shows the loss for three budgets, each a hundred times the one before, with the
# constants of that fit: $E = 1.69$, $A = 406.4$, $B = 410.7$. On the left of each curve the model
# is too small for its tokens, on the right there are too few tokens for the model. The valleys are
# flat: twice the best size costs little.

# %%
x = scalar("x")


def at_budget(operations):
    return 1.69 + 406.4 / x**0.34 + 410.7 / (operations / (6 * x)) ** 0.28


pictures.curves(
    {f"1e{power} operations": at_budget(10.0**power) for power in (19, 21, 23)},
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
# A formula for the best size is only as good as the constants in it. Besiroglu et al. read the
# points off the paper's figure, fitted the same law again and found others. Here both fits are
# asked how to spend $5.76 \cdot 10^{23}$ operations, by the formula and by search. Chinchilla,
# which had that budget, has 70 billion parameters and saw 1.4 trillion tokens.

# %% tags=["shown"]
import numpy as np

budget = 5.76e23
sizes = np.geomspace(1e9, 1e12, 30001)
for who, A, B, alpha, beta in (
    ("Hoffmann et al. ", 406.4, 410.7, 0.34, 0.28),
    ("Besiroglu et al.", 482.01, 2085.43, 0.3478, 0.3658),
):
    losses = A / sizes**alpha + B / (budget / (6 * sizes)) ** beta
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    best = G * (budget / 6) ** (beta / (alpha + beta))
    print(f"{who} N = {best:.2e}, by search {sizes[losses.argmin()]:.2e},")
    print(f"{' ' * 16} {budget / 6 / best**2:.0f} tokens for each parameter")

# %% [markdown]
# *In words:* a second fit to nearly the same points moves the answer by a factor of two, and the
# tokens for each parameter by a factor of five. The law is right about the shape of the valley;
# where it lies has to be measured near the budget that is meant.
#
# ## The memory of a training step
#
# The backward pass needs much of what the forward pass computed. What a GPT-2 block keeps is
# counted from its equations, for $n$ tokens of width $c$ and feed-forward layers $4c$ wide, whose
# heads are $d$ wide: probabilities for every head and pair of positions, and twenty numbers of each
# token for each entry of its width.

# %%
d = Dim("d", "width of a head")
kept = ops.gpt2_block.counts().at(h=c / d, f=4 * c).activations
A_row, A_prob = scalar("A_row"), scalar("A_prob")
numbers = (
    c, n, d,
    Let(A_row, 20 * c + 2, "for each token"),
    Let(A_prob, n * c / d, "probabilities of a token's heads"),
)  # fmt: skip
calculation(kept, given=numbers, title="Numbers kept by a block").then(
    n * (A_row + A_prob), because="sorted"
)

# %% [markdown]
# Which of the two is larger? The probabilities, as soon as there are twenty tokens for each entry
# of a head's width. For heads 64 wide, that is 1280 tokens.

# %%
long = scalar("n", domain="positive", note="tokens of the context")
calculation(
    Equals(long * c / d, 20 * c), given=(c, d, long), unknown=(long,), title="Where they are equal"
).implies(Equals(long, 20 * d), because="divide by $c / d$")

# %% [markdown]
# *In words:* beyond that length, attention that keeps its probabilities spends most of its memory
# on them. The chapter *Fast attention* shows how to keep none: what is left is twenty numbers for
# each entry of the stream, whatever the length. For a width of 4096 and 32 layers, at two bytes,
# that is 5 megabytes for each token of the batch. Exercise 4 asks how to keep less.
#
# ## The memory of a context
#
# A model that writes a text keeps the keys and the values of all earlier positions, or it would
# have to compute them anew for each token. Each of $L$ layers keeps two vectors of width $d$ for
# every head of keys and every position; there are $h_K$ such heads, fewer than heads of queries
# where these share them. With $s$ bytes for a number and $B$ texts of $n$ tokens, this is the
# cache, and what sharing saves of it.

# %%
B = Dim("B", "texts at once")
h_K, s, M = scalar("h_K"), scalar("s", domain="positive", note="bytes of a number"), scalar("M")
cache = (
    s,
    h,
    scalar("g", domain="positive", note="heads of queries for one of keys"),
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
# **4.** Keep the stream at $k$ places of the stack only, and compute what lies between two of them
# again when the backward pass comes there. If a layer's stream takes $a$ numbers and all that it
# keeps takes $b$, how many places are best?
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
T = scalar("T", domain="positive", note="tokens")
calculation(Equals(2 * L * c * T, 12 * L * c**2), given=(c, L, T), unknown=(T,)).implies(
    Equals(T, 6 * c), because="divide by $2 L c$"
)

# %% [markdown]
# **3.** Both with the square root of the budget.

# %%
C = scalar("C", domain="positive", note="budget of operations")
beta = scalar("beta", domain="positive", note="exponent of the tokens")
alpha = scalar("alpha", domain="positive")
calculation((C / 6) ** (beta / (alpha + beta)), given=(C, beta, Let(alpha, beta))).then(
    sqrt(C / 6), because="$\\beta / 2 \\beta = 1/2$"
)

# %% [markdown]
# **4.** With $k$ places there are $k a$ numbers in store, and $b L / k$ while one of the $k$ pieces
# is under way. Memory grows with the square root of the depth, for one more forward pass.

# %%
a = scalar("a", domain="positive", note="numbers of a layer's stream")
q = scalar("b", domain="positive", note="numbers that a layer keeps")
K_n = scalar("k", domain="positive", note="places that are kept")
L_n = scalar("L", domain="positive", note="layers")
minimum(K_n * a + q * L_n / K_n, Let(K_n, sqrt(L_n * q / a)), given=(a, q, K_n, L_n))

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
# generalized multi-query transformer models from multi-head checkpoints*, arXiv:2305.13245, 2023.
