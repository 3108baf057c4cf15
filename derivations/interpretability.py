# %% [markdown]
# # Looking inside
#
# A trained model is a few billion numbers, and none of them says what it is for. But the
# equations say more than one expects about where to look. The residual stream is a sum, so that a
# prediction can be divided among the layers that made it. A head has four matrices, and only two
# products of them matter. And gradients say which inputs a prediction depends on, if one is careful
# about what is asked. This chapter derives these tools and shows where each of them misleads: in
# most cases one line of algebra says so.

# %%
from sympy import Max, Rational, Symbol, exp, sqrt

from symllm import (
    Dim,
    Equals,
    Iverson,
    Let,
    Partial,
    calculation,
    delta,
    matrix,
    mean,
    pictures,
    scalar,
    sum_over,
)

# %% [markdown]
# ## A prediction is a sum
#
# Every layer of a transformer reads the residual stream and adds its output to it. So what arrives
# at the end is the embedding $x$ and the outputs $F_l$ of all $D$ layers, added up. An RMSNorm with
# the scale $\gamma$ and a matrix $U$, a row for each of $v$ tokens, turn that into the logits $z$.

# %%
c, depth, v = (
    Dim("c", "width of the stream"),
    Dim("D", "layers"),
    Dim("v", "tokens of the vocabulary"),
)
a, b, e = c.indices("a b e")
l, t = depth.index("l"), v.index("t")
x = c.vector("x", note="input")
gamma = c.vector("gamma", note="scale of the norm")
y = c.vector("y", note="stream at the end")
F = c.vector("F", note="outputs of the layers").batched((depth,))
U = matrix("U", v, c, note="rows for the logits")
z = v.vector("z")
r, eps = scalar("r"), scalar("eps", domain="positive", note="a small positive constant")
stream = (
    x, F, U, gamma, eps,
    Let(y[a], x[a] + sum_over(F[l, a], l), "stream at the end"),
    Let(
        r, 1 / sqrt(sum_over(y[b] ** 2, b) / c + eps), "one over the size of the stream",
        means="one over the size of the input",
    ),
    Let(z[t], sum_over(U[t, a] * gamma[a] * r * y[a], a), "logits"),
)  # fmt: skip
calculation(z[t], given=stream, title="Direct logit attribution").then(
    r * sum_over(U[t, a] * gamma[a] * x[a], a)
    + sum_over(r * sum_over(U[t, a] * gamma[a] * F[l, a], a), l),
    because="put in the stream, one sum for each layer",
)

# %% [markdown]
# *In words:* each layer, and in it each head and each neuron, votes on the logits, and the votes
# add up exactly. Stop the outer sum at some layer, with the $r$ of what has been added until then,
# and what is there is the *logit lens* (nostalgebraist, 2020): the prediction as it would be if the
# model ended here. Two cautions. The factor $r$ is common to all and depends on all, so that a vote
# says what a layer contributed, and not what would happen without it. And a vote counts what goes
# to the logits directly, not what later layers make of it.
#
# ## What a head reads and what it writes
#
# A head of width $d$ has four matrices, and names them query, key, value and output. The names
# suggest that a query means something by itself. Let the stream at position $i$ have the entries
# $X_{ia}$, and ask what of the four can be seen from outside. First, a score:

# %%
n, d = Dim("n", "positions"), Dim("d", "width of a head")
i, j, k = n.indices("i j k")
p, q = d.indices("p q")
X = c.vector("X", note="stream").batched((n,))
W_Q = matrix("W_Q", d, c, note="weights of the queries")
W_K = matrix("W_K", d, c, note="weights of the keys")
W_V = matrix("W_V", d, c, note="weights of the values")
W_O = matrix("W_O", c, d, note="weights of the output")
W_QK = matrix("W_QK", c, c, note="QK circuit")
W_OV = matrix("W_OV", c, c)
P = n.vector("P", domain="distribution", note="attention weights").batched((n,))
Q, K, V = (d.vector(name).batched((n,)) for name in "QKV")
reads = (
    X, W_Q, W_K,
    Let(Q[i, p], sum_over(W_Q[p, a] * X[i, a], a), "queries"),
    Let(K[j, p], sum_over(W_K[p, b] * X[j, b], b), "keys"),
    Let(W_QK[a, b], sum_over(W_Q[p, a] * W_K[p, b], p), "QK circuit"),
)  # fmt: skip
calculation(sum_over(Q[i, p] * K[j, p], p), given=reads, title="What a head reads").then(
    sum_over(X[i, a] * sum_over(W_Q[p, a] * W_K[p, b], p) * X[j, b], a, b),
    because="put in query and key, sum over $p$ first",
).then(sum_over(X[i, a] * W_QK[a, b] * X[j, b], a, b), because="one matrix")

# %% [markdown]
# Second, what is added to the stream, given the attention weights $P$:

# %%
writes = (
    X, P, W_V, W_O,
    Let(V[j, p], sum_over(W_V[p, b] * X[j, b], b), "values"),
    Let(W_OV[a, b], sum_over(W_O[a, p] * W_V[p, b], p), "OV circuit"),
)  # fmt: skip
calculation(
    sum_over(W_O[a, p] * sum_over(P[i, j] * V[j, p], j), p), given=writes, title="What it writes"
).then(
    sum_over(P[i, j] * sum_over(sum_over(W_O[a, p] * W_V[p, b], p) * X[j, b], b), j),
    because="put in the values, sum over $p$ first",
).then(sum_over(P[i, j] * sum_over(W_OV[a, b] * X[j, b], b), j), because="one matrix")

# %% [markdown]
# *In words:* a head is two matrices as wide as the stream, each of rank at most $d$. The *QK
# circuit* $W_Q^\top W_K$ decides from where to where something moves, and the *OV circuit*
# $W_O W_V$ what moves (Elhage et al., 2021). Neither knows of the other. Queries and keys by
# themselves have no meaning, and here is the proof, for a head without rotary positions: take any
# invertible matrix $M$ with the inverse $N$, turn all queries by $M$ and all keys by $N^\top$.

# %%
M = matrix("M", d, d, note="invertible matrix")
N = matrix("N", d, d, note="inverse of the invertible matrix")
new_Q, new_K = matrix("What_Q", d, c), matrix("What_K", d, c)
turned = (
    W_Q, W_K, M, N,
    Let(new_Q[p, a], sum_over(M[p, q] * W_Q[q, a], q), "weights of other queries"),
    Let(new_K[p, b], sum_over(N[q, p] * W_K[q, b], q), "weights of other keys"),
)  # fmt: skip
calculation(
    Equals(sum_over(N[q, p] * M[p, Symbol("o", integer=True)], p), delta(q, d.index("o"))),
    given=turned,
    unknown=(N,),
    title="The same head",
).implies(
    Equals(
        sum_over(new_Q[p, a] * new_K[p, b], p),
        sum_over(W_Q[p, a] * W_K[p, b], p),
    ),
    because="$M$ and its inverse meet in the sum over $p$",
)

# %% [markdown]
# *In words:* infinitely many pairs of matrices are one and the same head. A single entry of a
# query, or a picture of $W_Q$, shows a choice of basis that training made by accident; of the
# $2 c d$ numbers of the two, $d^2$ say nothing. What can be interpreted is what stays: the product.
#
# ## Heads that follow each other
#
# Two layers of attention, without anything between them, are still sums and products once the
# attention weights are given. Multiply them out, with the OV circuits $W_1$ and $W_2$ of one head
# each.

# %%
P_1 = n.vector("P_1", domain="distribution", note="attention weights of the first layer").batched(
    (n,)
)
P_2 = n.vector("P_2", domain="distribution", note="attention weights of the second layer").batched(
    (n,)
)
W_1 = matrix("W_1", c, c, note="OV circuit of the first layer")
W_2 = matrix("W_2", c, c, note="OV circuit of the second layer")
H = c.vector("H").batched((n,))
layers = (
    X, P_1, P_2, W_1, W_2,
    Let(
        H[i, a],
        X[i, a] + sum_over(P_1[i, j] * sum_over(W_1[a, b] * X[j, b], b), j),
        "stream after one layer",
    ),
)  # fmt: skip
calculation(
    H[i, a] + sum_over(P_2[i, k] * sum_over(W_2[a, e] * H[k, e], e), k),
    given=layers,
    title="Two layers",
).then(
    X[i, a]
    + sum_over(P_1[i, j] * sum_over(W_1[a, b] * X[j, b], b), j)
    + sum_over(P_2[i, j] * sum_over(W_2[a, b] * X[j, b], b), j)
    + sum_over(
        sum_over(P_2[i, k] * P_1[k, j], k)
        * sum_over(sum_over(W_2[a, e] * W_1[e, b], e) * X[j, b], b),
        j,
    ),
    because="multiplied out",
)

# %% [markdown]
# *In words:* four paths: the stream itself, each head alone, and a *virtual head* that nobody put
# there. It moves along the product of both patterns what passes the product of both circuits. The
# second head may also read, as its key, what the first one wrote:

# %%
calculation(
    sum_over(X[i, a] * W_QK[a, b] * H[j, b], a, b),
    given=(*layers, W_QK),
    title="A key that a head wrote",
).then(
    sum_over(X[i, a] * W_QK[a, b] * X[j, b], a, b)
    + sum_over(
        P_1[j, k] * sum_over(X[i, a] * sum_over(W_QK[a, b] * W_1[b, e], b) * X[k, e], a, e), k
    ),
    because="put in what came before",
)

# %% [markdown]
# In the term with $P_1$, position $i$ looks for a position $j$ whose *neighbour* $k$ fits, a
# neighbour that the first head has found. If that is the token before, and "fits" means "is the
# same as mine", the head finds the places where the present token was seen before, one step
# further. Copy what stands there, and the text continues as it did before: an *induction head*
# (Olsson et al., 2022). Here is one by hand, without training.

# %% tags=["shown"]
import numpy as np

text = "the cat sat on the mat and the dog sat"
words = text.split()
vocabulary = sorted(set(words))
stream_1 = np.eye(len(vocabulary))[[vocabulary.index(word) for word in words]]
before = np.eye(len(words), k=-1)  # the first head looks at the token before
written = before @ stream_1  # and writes which token that was
fits = 20 * stream_1 @ written.T  # the second head looks for its own token there
fits[np.triu_indices(len(words), 1)] = -np.inf
pattern = np.exp(fits) / np.exp(fits).sum(1, keepdims=True)
votes = pattern @ stream_1  # and copies what it finds
for place in (-1, 4):
    best = vocabulary[votes[place].argmax()]
    print(f"{words[place]} -> {best}, with {votes[place].max():.2f} of the votes")

# %% [markdown]
# ## Attention rollout
#
# Products of patterns suggest a picture of a whole model: multiply the attention of all layers, and
# read off from which tokens an output came (Abnar and Zuidema, 2020). The residual stream has to be
# part of it, so each layer counts as half attention and half identity. Rows stay what they were,
# shares of a whole, in each layer and so in the product:

# %%
A, B = n.vector("A").batched((n,)), n.vector("B").batched((n,))
rollout = (
    P_1, P_2,
    Let(A[i, j], (P_1[i, j] + delta(i, j)) / 2, "shares in the first layer"),
    Let(B[i, j], (P_2[i, j] + delta(i, j)) / 2, "shares in the second layer"),
)  # fmt: skip
calculation(
    sum_over(sum_over(B[i, k] * A[k, j], k), j), given=rollout, title="A row of the product"
).then(sum_over(B[i, k] * sum_over(A[k, j], j), k), because="sum over $j$ first").then(
    1, because="the inner sum is one, and then the outer"
)

# %% [markdown]
# *In words:* rollout always says where a hundred percent came from, and it would say so of any
# matrices with rows that sum to one. Compare it with the four paths above: it keeps the patterns
# and leaves out the circuits. A head that attends to a token and writes nothing of it
# ($W_\mathrm{OV}$ maps it to zero) counts as much as one that copies it, and no two paths ever
# cancel.
#
# ## Gradient times input
#
# Attribution by gradients asks what the output depends on, circuits and all. The simplest takes the
# gradient by each input times that input. When do these parts add up to the output? A
# linear function is their sum; so is a network of relus without biases, though it is not linear.

# %%
m = Dim("m", "units")
unit = m.index("u")
w = m.vector("w", note="weights of the output")
W = matrix("W", m, c, note="weights of the relus")
f, OUTPUT = scalar("f"), "output of the model"
threshold = sum_over(W[unit, a] * x[a], a)
relus = sum_over(w[unit] * Max(threshold, 0), unit)
network = (x, w, W, Let(f, relus, "a network of relus", means=OUTPUT))
calculation(sum_over(x[a] * Partial(f, x[a]), a), given=network, title="Relus without bias").then(
    sum_over(w[unit] * Iverson(threshold > 0) * threshold, unit),
    because="the slope of a relu is zero or one",
).then(f, because="a relu is its input where that is positive")

# %% [markdown]
# Stretch the input of such a network, and its output is stretched: that is all that was used. Now a
# model with a normalisation at its door. Stretch the input, and the output is what it was.

# %%
g, sigma = c.vector("g", note="slopes of a linear function"), scalar("sigma")
normed = (
    x, g,
    Let(sigma, sqrt(mean(x[b] ** 2, b)), "root mean square"),
    Let(f, sum_over(g[a] * x[a] / sigma, a), "linear in what is normalised", means=OUTPUT),
)  # fmt: skip
calculation(
    sum_over(x[a] * Partial(f, x[a]), a), given=normed, title="Behind a normalisation"
).then(0, because="a normalisation passes back nothing along its input")

# %% [markdown]
# *In words:* behind an RMSNorm (but for its $\epsilon$), gradient times input divides *zero* among
# the inputs, whatever the model does: positive and negative parts of equal size, by construction.
# Whoever takes them for evidence against half of the inputs has read a property of the
# normalisation.
#
# ## Integrated gradients
#
# A gradient looks at one point. Walk instead from a baseline, here zero, to the input in a straight
# line, $s = \alpha x$ for $\alpha$ from zero to one, and look all the way (Sundararajan et al.,
# 2017). How the output changes along the path is the chain rule; here for the probability of one
# logit.

# %%
alpha, s, logit = scalar("alpha", note="place on the path"), c.vector("s"), scalar("z")
path = (
    x, g, alpha,
    Let(s[a], alpha * x[a], "point of the path"),
    Let(logit, sum_over(g[a] * s[a], a), "logit"),
    Let(f, 1 / (1 + exp(-logit)), "its probability", means=OUTPUT),
)  # fmt: skip
calculation(Partial(f, alpha), given=path, title="Along the path").then(
    sum_over(x[a] * Partial(f, s[a]), a), because="chain rule over all inputs"
)

# %% [markdown]
# The *integrated gradient* of input $a$ is its term of this sum, integrated over $\alpha$. So all
# of them together are the integral of the left side, and by the fundamental theorem of calculus
# that is the change of $f$ from one end of the path to the other. This is *completeness*, for every
# function that is smooth along the path. For the probability of one logit the terms can be seen:

# %%
calculation(x[a] * Partial(f, s[a]), given=path, title="One input's part").then(
    g[a] * x[a] / sum_over(g[b] * x[b], b) * Partial(f, alpha), because="its share of the logit"
)

# %% [markdown]
# The share does not depend on $\alpha$, so the integral is the share times the change of $f$, from
# one half at the baseline to where it is. And shares add up to one:

# %%
share = c.vector("phi")
gained = 1 / (1 + exp(-logit)) - Rational(1, 2)
whole = (
    x, g,
    Let(logit, sum_over(g[b] * x[b], b), "at the input", means="logit"),
    Let(share[a], g[a] * x[a] / logit * gained, "attribution"),
)  # fmt: skip
calculation(sum_over(share[a], a), given=whole, title="Completeness").then(
    gained, because="shares of the logit add up to one"
)

# %% [markdown]
# *In words:* what the probability has gained is divided among the inputs, and nothing is left over.
# Gradient times input has the same shares, but of the slope at the end; and where a model is sure,
# that slope is nearly zero. An input that decided everything is then said to matter nothing. That
# is *saturation*.

# %%
size = Symbol("z", positive=True)
probability = 1 / (1 + exp(-size))
pictures.curves(
    {
        "integrated gradients": probability - Rational(1, 2),
        "gradient times input": size * probability * (1 - probability),
    },
    over=(size, 0, 10),
    name="saturation",
    words="Sums of all attributions over the logit. Integrated gradients rise to one half, as the "
    "probability does above its baseline; gradient times input rises to a little over one "
    "fifth and falls back to zero.",
    across="logit",
    up="all inputs together",
)

# %% [markdown]
# In practice the integral is a mean over some points of the path, and completeness is the test for
# how many are enough. Here it is of the log-probability of the first of four tokens, with the
# gradient that the engine derives.

# %% tags=["shown"]
import numpy as np

from symllm import ops

logits, first = np.array([6.0, 2.0, 1.0, -3.0]), np.eye(4)[0]
predict = ops.log_softmax.lambdify()
slope = ops.log_softmax.gradient("x").lambdify()
change = (predict(x=logits) - predict(x=0 * logits))[0]
print(f"from baseline to input: {change:.4f}")
print("gradient times input:  ", np.round(logits * slope(x=logits, dy=first), 3))
for steps in (1, 4, 16, 64):
    middles = (np.arange(steps) + 0.5) / steps
    slopes = [slope(x=middle * logits, dy=first) for middle in middles]
    shares = logits * np.mean(slopes, axis=0)
    print(f"{steps:2} steps: {np.round(shares, 3)} sum {shares.sum():.4f}")

# %% [markdown]
# ## Exercises
#
# **1.** Add one vector $\beta$ to all rows of the matrix $U$. What does the model predict, and what
# becomes of the votes of its layers? Which question about a vote has an answer that stays?
#
# **2.** Suppose that all heads of all layers look everywhere evenly, $P_{ij} = 1/n$. What is the
# rollout of two layers? Of many?
#
# **3.** What do integrated gradients and gradient times input say about $f = x_1 x_2$?
#
# **4.** How many points does the mean need for a quadratic function $\sum_{a, b} x_a C_{ab} x_b$?
#
# ### Answers
#
# **1.** All logits grow by the same number, so all probabilities stay; but every vote changes,
# by what its layer says to $\beta$. Differences of two logits do not know $\beta$. Ask for them:
# "why this token $t$ rather than that, $h$?"

# %%
shifted, added, other = (
    matrix("Uhat", v, c),
    c.vector("beta", note="what is added to all rows"),
    v.index("h"),
)
rows = Let(shifted[t, a], U[t, a] + added[a], "shifted", means="rows for the logits, shifted")
calculation(
    sum_over((shifted[t, a] - shifted[other, a]) * y[a], a), given=(U, added, y, rows)
).then(sum_over((U[t, a] - U[other, a]) * y[a], a), because="$\\beta$ cancels")

# %% [markdown]
# **2.** A quarter of the identity, and three quarters of the even distribution. With every layer
# half of what is left of the identity goes: after twelve, rollout is flat, wherever the
# information went.

# %%
calculation(
    sum_over((1 / n.symbol + delta(i, k)) / 2 * ((1 / n.symbol + delta(k, j)) / 2), k),
    given=(n,),
    over=(i, j, k),
).then(delta(i, j) / 4 + 3 / (4 * n.symbol), because="multiplied out")

# %% [markdown]
# **3.** Gradient times input gives each the whole product, together twice as much as there is. The
# integrated gradient gives each half: along the path, the term of $x_1$ is the slope of half
# the product times $\alpha^2$.

# %%
x_1 = scalar("x_1", note="first input")
x_2 = scalar("x_2", note="second input")
s_1, s_2 = scalar("s_1"), scalar("s_2")
product = (
    x_1, x_2, alpha,
    Let(s_1, alpha * x_1, "first input on the path"),
    Let(s_2, alpha * x_2, "second input on the path"),
    Let(f, s_1 * s_2, "product along the path", means=OUTPUT),
)  # fmt: skip
calculation(x_1 * Partial(f, s_1), given=product).then(
    alpha * x_1 * x_2, because="put in the path"
).then(Partial(alpha**2 * x_1 * x_2 / 2, alpha), because="the derivative of a square")

# %% [markdown]
# **4.** One is enough, and so is any number $T$ of them, if they lie in the middle of $T$ equal
# pieces: the gradient grows linearly along the path, and a linear function's mean is that of its
# middle. Of the pieces $k$, counted from zero, the middles lie at $(k + 1/2) / T$:

# %%
pieces = Dim("T", "pieces of the path")
piece, form = pieces.index("k"), matrix("C", c, c, note="matrix of a quadratic form")
slopes = sum_over((form[a, b] + form[b, a]) * x[b] * (piece + Rational(1, 2)) / pieces, b)
calculation(mean(sum_over(x[a] * slopes, a), piece), given=(x, form), over=(piece,)).then(
    sum_over(x[a] * form[a, b] * x[b], a, b), because="the middles have the mean one half"
)

# %% [markdown]
# ### References
#
# N. Elhage et al., *A mathematical framework for transformer circuits*, Transformer Circuits
# Thread, 2021.
#
# C. Olsson et al., *In-context learning and induction heads*, arXiv:2209.11895, 2022.
#
# nostalgebraist, *Interpreting GPT: the logit lens*, LessWrong, 2020.
#
# S. Abnar and W. Zuidema, *Quantifying attention flow in transformers*, ACL 2020, arXiv:2005.00928.
#
# M. Sundararajan, A. Taly and Q. Yan, *Axiomatic attribution for deep networks*, ICML 2017,
# arXiv:1703.01365.
