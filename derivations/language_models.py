# %% [markdown]
# # Language models
#
# A language model predicts the next token at every position. What it is made of has been derived
# in the chapters before; here the parts are put together, and the gradient of the loss comes down
# through them, to every array of a checkpoint. The number of layers stays a symbol: what one layer
# does to the gradient is derived once, and a recurrence does the rest.
#
# Who has all of it on one page can write a model's backward pass, can tell what its first
# loss should be before it has run, and knows where its parameters sit. On the way, a GPT-2 that was
# generated from these equations is trained, in fifteen lines.

# %%
from sympy import Rational, Symbol, exp, log

from symllm import Dim, Let, calculation, delta, models, ops, pictures, scalar, sum_over

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
# ### Before anything is learnt
#
# A model that knows nothing gives all of its $v$ tokens the same logit, $a$. What it loses then, at
# every position and whatever comes next, does not depend on what the logit is.

# %%
v = Dim("v", "tokens of the vocabulary")
k = v.index("k")
a = scalar("a", note="logit of every token")
calculation(
    -log(exp(a) / sum_over(exp(a), k)), given=(a, v), title="The loss of an untrained model"
).then(-log(1 / v), because="$v$ equal terms below").then(log(v), because="a quotient's logarithm")

# %% [markdown]
# *In words:* $\log v$, which for GPT-2's 50257 tokens is 10.82. It is the first number to look at
# in any run. A first loss that is clearly higher means logits that are too large: the model is
# sure of something, and wrong. One that is lower, or that falls to almost nothing soon after,
# means that the target leaks into the input, as where a mask lets a position see what comes after
# it. Logits that are random, with standard deviation $s$, lose about $s^2/2$ more.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
size = 50257
print(f"log v = {np.log(size):.2f}")
for s in (0.0, 0.5, 1.0, 2.0):
    logits = s * rng.normal(size=(20, size))
    loss = np.mean(np.log(np.exp(logits).sum(1)) - logits.mean(1))
    print(f"s = {s}: loss {loss:.1f}, expected {np.log(size) + s**2 / 2:.1f}")

# %% [markdown]
# ## GPT-2
#
# Positions are learnt, normalisations have a mean to subtract, linear layers have biases, and the
# head's table is the embedding's (Radford et al., 2019; Press and Wolf, 2017): its gradient is the
# sum of both. The letters of a layer, and the gradients in between, are those of the chapter
# *Blocks*, with the layer's number on top; the $F$ without a number is the output of the last norm.

# %%
models.gpt2().gradient()

# %% [markdown]
# *In words:* three lines are the whole of it. At the top, probabilities less what came; in
# each layer, the gradient from above plus what two branches add; at each matrix, what went in
# times the gradient of what came out. The table of tokens learns twice. As embedding, a row gets
# something only if its token is in the text; as head, every row does at every position, for every
# token's probability is either to be raised or to be lowered.

# %% [markdown]
# ### Where the parameters are
#
# The smallest GPT-2 has 12 layers of width 768, a vocabulary of 50257 and 1024 positions. Its
# parts are counted from the equations.

# %%
smallest = models.gpt2().counts().at(n_layer=12, c=768, h=12, d=64, f=3072, v=50257, n=1024)
held = smallest.by_parameter
N_tab, N_attn, N_ff, N_norm = (scalar(f"N_{name}") for name in ("tab", "attn", "ff", "norm"))
parts = (
    Let(N_tab, held["W_E"] + held["W_P"], "tables of tokens and positions"),
    Let(N_attn, sum(held[f"{a}_{b}"] for a in "Wb" for b in "QKVO"), "attention"),
    Let(N_ff, sum(held[f"{a}_{b}"] for a in "Wb" for b in "12"), "feed-forward layers"),
    Let(N_norm, sum(held[name] for name in held if name[:2] in ("ga", "be")), "norms"),
)
calculation(N_tab + N_attn + N_ff + N_norm, given=parts, title="The smallest GPT-2").then(
    124_439_808, because="by parts"
)

# %% [markdown]
# *In words:* a third is tables, and of the layers the feed-forward half holds two thirds. In a
# larger model the tables hardly count: they grow with the width, the layers with its square and
# with their number. The picture has both on axes where powers are straight lines, for models that
# have, as the smallest does, a layer for every 64 of their width.

# %%
wide = Symbol("c", positive=True)
pictures.curves(
    {"tables": (50257 + 1024) * wide, "layers": (12 * wide**2 + 13 * wide) * wide / 64},
    over=(wide, 128, 8192),
    name="tables-and-layers",
    words="Parameters over the width, of the tables and of the layers. The tables lead up to a "
    "width of about 520; at 8192 the layers hold more than two hundred times as many.",
    across="width",
    up="parameters",
    log="xy",
)

# %% [markdown]
# What training costs follows, for $B$ rows of $n$ tokens, a vocabulary of $v$ and
# $n_\mathrm{layer}$ layers of width $c$ with $h$ heads. The leading terms are six operations for
# each of the layers' parameters and each token; the chapter *Scaling* makes something of that.

# %%
width = Dim("c")
models.gpt2().counts().at(d=width / Dim("h"), f=4 * width)

# %% [markdown]
# ### It runs
#
# The same equations give a program. Here is a small GPT-2, written out as NumPy, with random
# parameters. First its loss, and then one entry of its gradient, of the first layer's queries,
# held against differences.

# %% tags=["shown"]
import numpy as np

from symllm import models

gpt2 = {}
exec(models.gpt2().code("numpy"), gpt2)
config = {"n_layer": 1, "n_embd": 32, "n_head": 4}
config |= {"n_positions": 32, "vocab_size": 27}
rng = np.random.default_rng(0)
params = {}
for name, shape in gpt2["shapes"](config).items():
    norm = "ln_" in name and name.endswith("weight")
    params[name] = np.ones(shape) if norm else 0.02 * rng.normal(size=shape)
tokens = rng.integers(0, 27, (4, 33))
text, following = tokens[:, :-1], tokens[:, 1:]
loss, cache = gpt2["forward"](params, text, following, config)
print(f"loss {loss:.2f}, log v = {np.log(27):.2f}")

# %% tags=["shown"]
queries = "transformer.h.0.attn.c_attn.weight"
derived = gpt2["backward"](params, cache)[queries][0, 0]
losses = []
for by in (1e-4, -1e-4):
    moved = {**params, queries: params[queries].copy()}
    moved[queries][0, 0] += by
    losses.append(gpt2["forward"](moved, text, following, config)[0])
differences = (losses[0] - losses[1]) / 2e-4
print(f"derived {derived:.3e}, by differences {differences:.3e}")

# %% [markdown]
# And it learns. The text is one sentence over and over; gradient descent is as plain as can be.
# The loss starts at $\log v$, falls to what knowing the frequencies of letters is worth, and then
# below, as the model begins to use what stands before.

# %% tags=["shown"]
letters = " abcdefghijklmnopqrstuvwxyz"
sentence = "the cat sat on the mat and the dog sat on the log "
codes = np.array([letters.index(letter) for letter in sentence * 3])
shares = np.bincount(codes) / len(codes)
entropy = -sum(share * np.log(share) for share in shares if share)
print(f"frequencies alone: {entropy:.1f}")
for step in range(121):
    starts = rng.integers(0, 50, 4)
    rows = codes[starts[:, None] + np.arange(33)]
    loss, cache = gpt2["forward"](params, rows[:, :-1], rows[:, 1:], config)
    for name, gradient in gpt2["backward"](params, cache).items():
        params[name] -= 0.2 * gradient
    if step % 30 == 0:
        print(f"step {step:3}: loss {loss:.1f}")

# %% [markdown]
# ## Llama
#
# Positions are rotations of queries and keys, groups of query heads share keys and values, the
# feed-forward layer has a gate, and nothing has a bias (Touvron et al., 2023). The gradient comes
# down the same way.

# %%
models.llama().gradient()

# %% [markdown]
# *In words:* read it beside GPT-2's. The recurrence is the same sum of a stream and two branches,
# with a term less in each norm, since there is no mean to subtract. The head's table is one of its
# own, so that a row of the embedding learns only where its token is in the text.

# %% [markdown]
# There are $g$ heads of keys and values, each $2m$ wide, and $u$ heads of queries share one of
# them. With the sizes of Llama 2's smallest, counting gives the parameters that the "7B" stands
# for.

# %%
sizes = (
    Let(scalar("c"), 4096, "width of the stream"),
    Let(scalar("f"), 11008, "width of the feed-forward layers"),
    Let(scalar("g"), 32, "heads of keys"),
    Let(scalar("u"), 1, "heads of queries for each"),
    Let(scalar("m"), 64, "pairs that are rotated, in each head"),
    Let(scalar("n_layer"), 32, "layers"),
    Let(scalar("v"), 32000, "tokens of the vocabulary"),
)
count = models.llama().counts().at(e=2 * Dim("m")).parameters
letters = {Dim(let.name).symbol: let.lhs for let in sizes}
calculation(count.subs(letters), given=sizes, title="Llama 2, the smallest").then(
    6_738_415_616, because="arithmetic"
)

# %% [markdown]
# ## Exercises
#
# **1.** Gradients are often collected over several small batches before a step. A program averages
# the mean losses of two batches with $n_1$ and $n_2$ tokens that count. When is that the
# mean over all tokens? What should it do?
#
# **2.** Add the same number to all logits of a position. What happens to the loss? What does that
# say of the sum of the logits' gradient?
#
# **3.** What is the gradient of an untrained model's logits, and by how much is the largest entry
# larger than the others in size?
#
# **4.** A model reports a loss of 2.5 in nats for each token, another one of 0.9 bits for each
# byte. A token has four bytes on average. Which is better?
#
# ### Answers
#
# **1.** Only where both batches have the same number that count, or the same loss. The means have
# to be weighted by the number of their tokens. Else each token of the smaller batch counts for
# more; widely used programs have had this mistake.

# %%
n_1 = scalar("n_1", domain="positive", note="positions that count in the first batch")
n_2 = scalar("n_2", domain="positive", note="positions that count in the second batch")
L_1 = scalar("L_1", domain="positive", note="loss of the first batch")
L_2 = scalar("L_2", domain="positive", note="loss of the second batch")
calculation(
    (L_1 + L_2) / 2 - (n_1 * L_1 + n_2 * L_2) / (n_1 + n_2),
    given=(n_1, n_2, L_1, L_2),
    title="Mean of means, less mean",
).then((n_2 - n_1) * (L_1 - L_2) / (2 * (n_1 + n_2)), because="a common denominator")

# %% [markdown]
# **2.** Nothing, since softmax does not see it; so the gradient has no component in that
# direction: its entries sum to zero. What one token's logit gains, the others lose.

# %%
q = v.vector("p", domain="distribution", note="probabilities of the model")
t = scalar("t", domain=v, note="right token")
calculation(
    sum_over(q[k] - delta(k, t), k), given=(q, t), title="Probabilities less what came, summed"
).then(0, because="both sum to one")

# %% [markdown]
# **3.** It is $1/v$ for all tokens but the one that came, and $1/v - 1$ for that. The one is
# $v - 1$ times the others in size: as much as all of them together.

# %%
calculation((1 - 1 / v) / (1 / v), given=(v,), title="Ratio of the two").then(
    v - 1, because="multiplied out"
)

# %% [markdown]
# **4.** The second, though not by much: 2.5 nats a token are 0.9017 bits a byte.

# %%
calculation(Rational(5, 2) / log(2) / 4, title="Bits for each byte").at_least(
    Rational(9, 10), because="arithmetic"
)

# %% [markdown]
# ### References
#
# A. Radford, J. Wu, R. Child, D. Luan, D. Amodei and I. Sutskever, *Language models are
# unsupervised multitask learners*, OpenAI, 2019.
#
# H. Touvron et al., *LLaMA: open and efficient foundation language models*, arXiv:2302.13971, 2023.
#
# H. Touvron et al., *Llama 2: open foundation and fine-tuned chat models*, arXiv:2307.09288, 2023.
#
# O. Press and L. Wolf, *Using the output embedding to improve language models*, EACL 2017,
# arXiv:1608.05859.
