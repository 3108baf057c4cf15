# %% [markdown]
# # From slopes to backpropagation
#
# A language model is a function of very many numbers, its parameters. How badly it does is one
# number more, the *loss*, and training asks one question again and again: *if this parameter were a
# little larger, how much would the loss change?* For one parameter the answer is a slope, and
# school teaches how to find it. For a hundred billion parameters it is a hundred billion slopes. To
# try out each of them would take a hundred billion runs of the model. There is a way to have them
# all for the price of about two, and no model in this book could be trained without it. This
# chapter shows it, from the beginning. It needs the calculus of one variable, and some patience
# with subscripts.

# %%
import numpy as np
from sympy import (
    MatMul,
    Ne,
    Rational,
    Trace,
    Transpose,
    exp,
    sqrt,
    tanh,
)

from symllm import (
    Dim,
    Let,
    Op,
    Partial,
    calculation,
    delta,
    entry_of,
    matrix,
    pictures,
    scalar,
    sum_over,
)

# %% [markdown]
# ## One number
#
# What does a function do when its input takes a small step? Take the cube of $x$, and a step $s$.

# %%
x, s = scalar("x", note="input"), scalar("s", note="step")
calculation((x + s) ** 3, given=(x, s), title="A step").then(
    x**3 + 3 * x**2 * s + (3 * x + s) * s**2, because="multiplied out"
)

# %% [markdown]
# *In words:* three parts. The first is where we were. The second is proportional to the step. The
# third has the step in it at least twice: make the step ten times smaller, and this part becomes a
# hundred times smaller. From 1, a step of 0.1 leads to 1.331, and the first two parts say 1.3; a
# step of 0.01 leads to 1.030301, and they say 1.03. For a small step only these two count, and what
# stands beside $s$ in the second is the *slope*, $3x^2$.
#
# That is all that a derivative means in this book: *what a small step is multiplied by*. Everything
# below is this one idea, with more letters.

# %%
pictures.curves(
    {"the cube": x**3, "the first two parts": 1 + 3 * (x - 1)},
    over=(x, Rational(1, 2), Rational(3, 2)),
    name="foundations-slope",
    words="The cube, and its first two parts for a step from 1: near 1 hard to tell apart.",
    across="$x$",
)

# %% [markdown]
# ## How to read this book
#
# Look at the formula for the step once more. It was not typeset by hand: a program holds it as an
# object, judges it and prints what it has found. Definitions need no judge; beside each claim, or
# below it, stands one of three words.
#
# - *Proved*: the rules of algebra and calculus bring both sides to one and the same normal form.
# - *Checked*: a second program, which knows none of these rules, computes both sides at random
#   points, with 60 digits, and finds them equal. What is proved is checked as well.
# - *Cited*: the step rests on a theorem from elsewhere, which is named; it is checked all the same.
#
# The small print says where it was checked, and how closely both sides agreed. A formula that is
# false stops the printing; so if you find a mistake here, it is more likely to be in a sentence.
# What to remember of a long derivation is marked as its *result*. A paragraph that begins with
# *In words* says something that the formula above it does not say by itself. Programs can be run as
# they stand, and the answers to exercises were verified like everything else.
#
# ## A slope without calculus
#
# How can a program check a slope when it knows no calculus? It takes a small step and divides.

# %%
nonzero = {"given": (x, s), "assuming": (Ne(s, 0),)}
calculation(((x + s) ** 3 - x**3) / s, **nonzero, title="One step forwards").then(
    3 * x**2 + 3 * x * s + s**2, because="multiplied out"
)

# %% [markdown]
# The slope is there, and beside it an error, which shrinks only as fast as the step. A step in both
# directions does much better, for the same price: what bends upwards on one side does so on the
# other.

# %%
calculation(((x + s) ** 3 - (x - s) ** 3) / (2 * s), **nonzero, title="One step to each side").then(
    3 * x**2 + s**2, because="even powers of $s$ cancel"
)

# %% [markdown]
# *In words:* with a step of a thousandth, the first is wrong by thousandths and the second by
# millionths. These *central differences* judge every gradient in this book. The chapter *Numerics*
# draws what happens when the step becomes too small.
#
# ## Indices
#
# A *vector* $x$ is a list of numbers, and $x_i$ is the one at place $i$. A *matrix* $W$ is a table,
# and $W_{ij}$ stands in row $i$ and column $j$. The product of a matrix and a vector says what the
# subscripts are for.

# %%
n, m, e = (
    Dim("n", "entries of the output"),
    Dim("m", "entries of the input"),
    Dim("e", "columns of the second matrix"),
)
i, j, k = n.index("i"), m.index("j"), m.index("k")
l = e.index("l")
x, W = m.vector("x", note="input"), matrix("W", n, m, note="weights")

calculation(
    entry_of(MatMul(W.matrix, x.matrix), i), given=(W, x), title="Matrix times vector"
).then(sum_over(W[i, j] * x[j], j), because="row $i$ by the column $x$").then(
    sum_over(W[i, k] * x[k], k), because="another letter"
)

# %% [markdown]
# *In words:* the index $j$ is *bound*: the sum takes it through all of its values, and outside of
# the sum it means nothing, so any other letter will do. The index $i$ is *free*: the equation holds
# for each of its values, and the result has one axis for each free index. Both sides of an equation
# have the same free indices. Where they do not, somebody has made a mistake, and it shows before
# anything is computed.
#
# The other products differ only in which indices are free. Two vectors that share their index have
# none left: the *scalar product* $x^\top v$ is a number. Two vectors with an index each have two:
# the *outer product* $y x^\top$ is a whole matrix, and $y_i x_j$ stands in its row $i$ and column
# $j$.
#
# Two matrices whose inner index is shared make a matrix, and indices make short work of its rules.
# To transpose is to write two indices in the other order. So why does the order of the *factors*
# change when a product is transposed?

# %%
A, B = matrix("A", n, m, note="any matrix"), matrix("B", m, e, note="another matrix")
calculation(
    entry_of(Transpose(MatMul(A.matrix, B.matrix)), l, i),
    given=(A, B),
    title="A product, transposed",
).then(entry_of(MatMul(A.matrix, B.matrix), i, l), because="its row is the product's column").then(
    sum_over(A[i, j] * B[j, l], j), because="row $i$ by column $l$"
).then(
    sum_over(entry_of(Transpose(B.matrix), l, j) * entry_of(Transpose(A.matrix), j, i), j),
    because="each factor, transposed",
).then(
    entry_of(MatMul(Transpose(B.matrix), Transpose(A.matrix)), l, i),
    because="equal indices side by side: a product",
)

# %% [markdown]
# The *trace* is the sum of a square matrix's diagonal. Under it, two factors may change places,
# though their products are matrices of different sizes.

# %%
B = matrix("B", m, n, note="another matrix")
calculation(Trace(MatMul(A.matrix, B.matrix)), given=(A, B), title="The trace of a product").then(
    sum_over(A[i, j] * B[j, i], i, j), because="both indices are bound"
).then(Trace(MatMul(B.matrix, A.matrix)), because="read from the second factor on")

# %% [markdown]
# One more symbol, and the alphabet is complete. *Kronecker's delta* $\delta_{ij}$ is one where
# $i = j$ and zero elsewhere: the entries of the identity matrix. In a sum it picks one term.

# %%
calculation(sum_over(delta(j, k) * x[k], k), given=(x,), title="Picking").then(
    x[j], because="all other terms are zero"
)

# %% [markdown]
# *In words:* a delta under a sum renames an index, here $k$ to $j$, and then both sum and delta are
# gone. Most gradients in this book come out in just this way.
#
# NumPy can be given formulas in this notation: in `einsum`, the letters after the arrow are free
# and all others bound.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
A, B, x = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=3)
print(np.allclose(np.einsum("ij,j->i", A, x), A @ x))
print(np.allclose(np.einsum("ij,jl->il", A, B), A @ B))
print(np.allclose(np.einsum("i,j->ij", x, x), np.outer(x, x)))
print(np.allclose(np.einsum("ij,ij->", A, A), np.trace(A @ A.T)))

# %% [markdown]
# ## The gradient
#
# Now the input is a vector, and every entry takes a small step of its own. Let the loss be the
# squared length of $x$, the simplest function that has to do with all of them.

# %%
x, step, L = m.vector("x", note="input"), m.vector("s", note="step"), scalar("L")
calculation(
    sum_over((x[j] + step[j]) ** 2, j),
    given=(x, step, Let(L, sum_over(x[j] ** 2, j), "where we were", means="loss")),
    title="A step in every entry",
).then(L + sum_over(2 * x[j] * step[j], j) + sum_over(step[j] ** 2, j), because="multiplied out")

# %% [markdown]
# *In words:* the same three parts as before. In the second, each entry's step is multiplied by a
# slope of its own, $2 x_j$, and these slopes together are the *gradient*. There is one for each
# entry of $x$: a gradient has the shape of what it is the gradient of, always. For a matrix of
# parameters it is a matrix of slopes, one beside each parameter.
#
# Here is one. Let the loss add up the outputs of $W x$, the output $i$ times a number $g_i$:

# %%
W = matrix("W", n, m, note="weights")
S = matrix("s", n, m, note="step")
g = n.vector("g", note="gradient")
calculation(
    sum_over(g[i] * (W[i, j] + S[i, j]) * x[j], i, j),
    given=(
        x, g, W, S,
        Let(L, sum_over(g[i] * W[i, j] * x[j], i, j), "where we were", means="loss"),
    ),
    title="A step in every weight",
).then(L + sum_over(g[i] * x[j] * S[i, j], i, j), because="multiplied out")  # fmt: skip

# %% [markdown]
# Beside the step $s_{ij}$ stands $g_i x_j$, so the gradient is the outer product of $g$ and $x$.
# Nearly all the weights of a language model have gradients that look like this: something that
# came in, times something that comes back.
#
# ### Slopes by rules
#
# Multiplying out soon becomes tiresome. The rules of school do as well, once it is clear what the
# slope of one entry by another is. Entries do not depend on each other:

# %%
x, q = n.vector("x", note="input"), scalar("q")
A = matrix("A", n, n, note="any matrix")
i, j, k = n.indices("i j k")
calculation(Partial(x[i], x[k]), given=(x,), title="One entry by another").then(
    delta(i, k), because="one by itself, and none by any other"
)

# %% [markdown]
# The curly $\partial$ says that there are other inputs, which stay as they are; what is computed
# from $x_k$ moves with it. With this, a gradient that many people remember wrongly is a matter of
# three lines.

# %%
quadratic = (x, A, Let(q, sum_over(x[i] * A[i, j] * x[j], i, j), "quadratic form"))
calculation(Partial(q, x[k]), given=quadratic, title="The slope of a quadratic form").then(
    sum_over(A[i, j] * (delta(i, k) * x[j] + x[i] * delta(j, k)), i, j), because="product rule"
).then(
    sum_over(A[k, j] * x[j], j) + sum_over(A[i, k] * x[i], i), because="each delta renames an index"
).then(entry_of(MatMul(A.matrix + Transpose(A.matrix), x.matrix), k), because="as a matrix")

# %% [markdown]
# *In words:* $x$ occurs twice in the form, and each occurrence has its term. Only if $A$ is
# symmetric are the two alike, and the gradient is $2 A x$.
#
# ### Downhill
#
# Why does one want a gradient at all? Let $g$ be the gradient of a loss. As long as it is small, a
# step $s$ changes the loss by the scalar product of both. So take the step $-\eta g$, against the
# gradient. The loss falls, if only $\eta$ is small enough and $g$ is not zero.

# %%
g, eta = n.vector("g", note="gradient"), scalar("eta", domain="positive", note="learning rate")
calculation(
    sum_over(g[i] * (-eta * g[i]), i), given=(g, eta), title="A step against the gradient"
).then(-eta * sum_over(g[i] ** 2, i), because="a sum of squares").at_most(
    0, because="squares are not negative"
)

# %% [markdown]
# And no other step of the same length changes it more, because a scalar product is at most the
# product of the two lengths. Compare the squares of both:

# %%
step = n.vector("s", note="step")
slope, stride, change = scalar("ell_g"), scalar("ell_s"), scalar("Delta")
lengths = (
    g, step,
    Let(slope, sqrt(sum_over(g[i] ** 2, i)), "length of the gradient"),
    Let(stride, sqrt(sum_over(step[i] ** 2, i)), "length of the step"),
    Let(change, sum_over(g[i] * step[i], i), "how the loss changes"),
)  # fmt: skip
calculation(slope**2 * stride**2 - change**2, given=lengths, title="Cauchy and Schwarz").then(
    sum_over((g[i] * step[j] - g[j] * step[i]) ** 2, i, j) / 2, because="multiplied out"
).at_least(0, because="squares are not negative")

# %% [markdown]
# *In words:* nothing is left over where all the brackets are zero, which is where the step goes
# along the gradient, up or down. So a gradient is a direction as well as a list of slopes: it
# points where the loss rises fastest, and its length says how fast.
#
# ## The Jacobian
#
# Layers have many outputs. Each output has a slope by each input, so that the slopes are a matrix,
# the *Jacobian*: $J_{ij}$ says by how much output $i$ changes with input $j$. As an example, turn
# $n$ positive numbers into shares of their sum. An input acts on its own share, and on all shares
# through the total.

# %%
total, share = scalar("Z"), n.vector("p")
x = n.vector("x", domain="positive", note="input")
shares = (x, Let(total, sum_over(x[j], j), "total"), Let(share[i], x[i] / total, "shares"))
calculation(Partial(share[i], x[j]), given=shares, title="Shares").then(
    delta(i, j) / total - x[i] / total**2, because="quotient rule"
).then((delta(i, j) - share[i]) / total, because="by the definition of the shares")

# %% [markdown]
# *In words:* what one input gains for itself, all shares pay for in proportion to their size. The
# columns of the matrix sum to zero, because the shares always sum to one. Take exponentials first,
# and this is softmax, whose Jacobian comes out much like this one.

# %% [markdown]
# ## Many paths
#
# A model is long, but it is made of short pieces, and for those the slopes are known. How do they
# combine? Here is a number $x$ that reaches $y$ along two paths.

# %%
x = scalar("x", note="input")
y, u, w = (scalar(name) for name in ("y", "u", "w"))
paths = Op(
    name="two_paths",
    title="Two paths",
    inputs=(x,),
    equations=(
        Let(u, x**2, "one path", means="value on one path"),
        Let(w, exp(x), "the other", means="value on another path"),
        Let(y, u * w, "where they meet", means="output"),
    ),
    numpy=lambda x: x**2 * np.exp(x),
)
pictures.graph(paths)

# %%
calculation(Partial(y, x), given=(x, *paths.equations), title="Along both paths").then(
    Partial(y, u) * Partial(u, x) + Partial(y, w) * Partial(w, x),
    because="slopes multiply along a path; paths add",
).then(w * 2 * x + u * exp(x), because="each slope from its own equation")

# %% [markdown]
# *In words:* this is the *chain rule*, and there is no other. A small step in $x$ is multiplied by
# one slope after the other along each path, and where paths meet their steps are added. Even the
# product rule is this: its two terms are two paths.
#
# When a layer of $n$ numbers follows another, there are $n$ paths from one input to one output, and
# an index says which. The sum over paths becomes a sum over that index: a matrix product.

# %%
x, hidden, y = n.vector("x", note="input"), n.vector("h"), n.vector("y")
W, U = matrix("W", n, n, note="weights"), matrix("U", n, n, note="weights of the second layer")
g = n.vector("g", note="gradient")
l = n.index("l")
layers = (
    x, W, U, g,
    Let(hidden[k], sum_over(W[k, l] * x[l], l), "first layer", means="hidden layer"),
    Let(y[j], sum_over(U[j, k] * hidden[k], k), "second layer", means="output"),
    Let(L, sum_over(g[j] * y[j], j), "a scalar at the end", means="loss"),
)  # fmt: skip
calculation(Partial(L, x[l]), given=layers, title="Through two layers").then(
    sum_over(Partial(L, y[j]) * Partial(y[j], hidden[k]) * Partial(hidden[k], x[l]), j, k),
    because="all paths from $x_l$ to $L$",
).then(sum_over(g[j] * U[j, k] * W[k, l], j, k), because="each slope from its own equation").then(
    entry_of(MatMul(Transpose(g.matrix), U.matrix, W.matrix), 0, l),
    because="a row times matrices",
)

# %% [markdown]
# Two layers have $n^2$ paths from an input to the loss, twelve layers have $n^{12}$. Nobody could
# add them one by one. The matrix product adds them all, because paths share their pieces. All that
# is left to decide is where to begin.
#
# ## Forwards or backwards
#
# The brackets in $g^\top U W$ can be set in two ways, and the result is the same. The price is not.
# Below, the operations of both are counted from their equations; $n$ is the width.

# %%
row, product = n.vector("r"), matrix("P", n, n)


def operations(let, *inputs):
    return Op("product", "Product", inputs, (let,), lambda **inputs: None).counts().forward_flops


matrix_matrix = operations(Let(product[j, l], sum_over(U[j, k] * W[k, l], k)), U, W)
row_matrix = operations(Let(row[k], sum_over(g[j] * U[j, k], j)), g, U)
forwards, backwards = scalar("C_fwd"), scalar("C_bwd")
D = Dim("D", "layers")
costs = (
    n, D,
    Let(forwards, (D - 1) * matrix_matrix + row_matrix, "matrices first", means="cost forwards"),
    Let(backwards, D * row_matrix, "the row first", means="cost backwards"),
)  # fmt: skip
calculation(forwards, given=costs, title="A chain of $D$ layers").then(
    n * backwards - (n - 1) * row_matrix, because="a matrix is $n$ rows"
)

# %% [markdown]
# *In words:* beginning at the inputs costs $n$ times as much as beginning at the loss, but for one
# layer; and $n$ is thousands. There is one loss, and there are many inputs: that is the whole
# reason why slopes are computed *backwards*. Of many outputs by one input it would be the other way
# round.
#
# Backwards, then, each layer is asked one thing. It is given a number for each of its outputs,
# how the loss changes with it, and it answers with a number for each of its inputs. This book
# writes $\mathrm{d}y$ for the gradient of the loss by $y$, which has the shape of $y$; others call
# it an adjoint, or a cotangent.
# The layer's answer is a row times its Jacobian, a *vector–Jacobian product*. The other way round,
# a Jacobian times a column says how the outputs change when the inputs take a step $s$: a
# *Jacobian–vector product*, or directional derivative. Neither needs the matrix itself, and each
# can be held against the other.

# %%
J, dy = matrix("J", n, m, note="Jacobian"), n.vector("dy")
i, j = n.index("i"), m.index("j")
step = m.vector("s", note="step")
calculation(
    sum_over(dy[i] * sum_over(J[i, j] * step[j], j), i),
    given=(J, dy, step),
    title="The same number, twice",
).then(sum_over(sum_over(dy[i] * J[i, j], i) * step[j], j), because="the other sum first")

# %% [markdown]
# *In words:* send a step forwards and weigh the outputs, or send the weights backwards and multiply
# by the step: it is the same. So a backward pass can be tested without its Jacobian, by one random
# step and one random $\mathrm{d}y$. Here it is done for the shares, whose backward pass takes one
# line.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
x, step, dy = rng.uniform(1, 2, 5), rng.normal(size=5), rng.normal(size=5)


def shares_of(x):
    return x / x.sum()


dx = (dy - dy @ shares_of(x)) / x.sum()  # the row dy times the Jacobian
ahead, behind = shares_of(x + 1e-5 * step), shares_of(x - 1e-5 * step)
print(f"forwards  {dy @ (ahead - behind) / 2e-5:.8f}")
print(f"backwards {dx @ step:.8f}")

# %% [markdown]
# ## A program, walked backwards
#
# Now all of it at once, for a small network: a matrix $W$, a bend, a matrix $U$, and half the
# squared distance of the output $y$ from a target $t$. Without a bend, here the function $\tanh$,
# two matrices would be no more than one. Written down, it is a short program: each line makes a new
# name from names that are there.

# %%
m, d, n = (
    Dim("m", "entries of the input"),
    Dim("d", "hidden width"),
    Dim("n", "entries of the output"),
)
i, j, k = n.index("i"), m.index("j"), d.index("k")
x, t = m.vector("x", note="input"), n.vector("t", role="target", note="target")
a, hidden, y = d.vector("a"), d.vector("h"), n.vector("y")
W = matrix("W", d, m, role="parameter", note="weights")
U = matrix("U", n, d, role="parameter", note="weights of the second layer")


def forward(x, W, U, t):
    return ((U @ np.tanh(W @ x) - t) ** 2).sum() / 2


network = Op(
    name="network",
    title="A network of two layers",
    inputs=(x, W, U, t),
    equations=(
        Let(a[k], sum_over(W[k, j] * x[j], j), "first layer", means="hidden layer before its bend"),
        Let(hidden[k], tanh(a[k]), "bent", means="hidden layer"),
        Let(y[i], sum_over(U[i, k] * hidden[k], k), "second layer", means="output"),
        Let(L, sum_over((y[i] - t[i]) ** 2, i) / 2, "loss"),
    ),
    numpy=forward,
)
network

# %% [markdown]
# The backward pass reads the program from its last line to its first. At each line it asks: the
# gradient of the name on the left is known; what does this line send to each name on its right? The
# answer is a vector–Jacobian product, of one line only. Where a name is used in several lines, what
# they send is added. That is all, and a machine can do it. The method is called *backpropagation*;
# Linnainmaa (1976) followed rounding errors with it, and Rumelhart, Hinton and Williams (1986) made
# it known as a way to train networks.

# %%
network.gradient("W", "U")

# %% [markdown]
# *In words:* what arrives at the output is the error $y - t$. Each matrix sends it back through its
# transpose, and the bend multiplies it by its slope. Both parameters get an outer product, as
# foreseen: what comes back, times what came in.

# %% [markdown]
# The picture shows the same. Gradients stand opposite the names that they belong to, and flow the
# other way. Dotted lines lead from values of the forward pass to the gradients that need
# them: these have to be kept until the backward pass comes for them.

# %%
pictures.graph(network.gradient("W", "U"))

# %% [markdown]
# And the price? These are the operations for a batch of $N$ examples, counted from the equations,
# the gradient of $x$ included, which a layer below would need.

# %%
network.batched("N").counts()

# %% [markdown]
# *In words:* forwards, each matrix costs two operations for each of its entries and each example.
# Backwards it costs twice that: once to send the error back, once for its own gradient. So all
# slopes together cost about as much as two more runs of the model, however many parameters it has.
# Something like it holds for every program: all slopes of one number cost a small multiple of the
# number itself (Baur and Strassen, 1983). What is paid besides is memory, for all that the dotted
# lines need.
#
# Does it learn? Here is all of it once more, in plain NumPy and for one example: forwards,
# backwards, and a step downhill, forty times.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
x, t = rng.normal(size=3), rng.normal(size=2)
W, U = rng.normal(size=(4, 3)), rng.normal(size=(2, 4))
for number in range(41):
    h = np.tanh(W @ x)
    dy = U @ h - t
    if number % 10 == 0:
        print(f"step {number:2}: loss {(dy**2).sum() / 2:.4f}")
    dW, dU = np.outer(U.T @ dy * (1 - h**2), x), np.outer(dy, h)
    W, U = W - 0.05 * dW, U - 0.05 * dU

# %% [markdown]
# The rest of this book is the same thing with other lines: what each part of a language model
# computes, what it sends back, and why it was chosen.
#
# ## Exercises
#
# **1.** Somebody claims that the gradient of $x^\top A x$ is $2 A x$, and their test passes. How
# did they choose $A$?
#
# **2.** What is the gradient of $\mathrm{tr}(A B)$ by $A$?
#
# **3.** A backward pass has `dx = ...` in two places, one for each use of $x$. What is wrong?
#
# **4.** The slopes of the gradient are the *Hessian*, $n^2$ numbers. Find its product with a vector
# $s$ for the price of two gradients.
#
# ### Answers
#
# **1.** Symmetric: the identity, perhaps. For any other $A$ the slope that was found above is
# another: $(A + A^\top) x$. The program behind this book, given the claim, says which factor is
# wrong.

# %% tags=["shown"]
from symllm import Op, check_latex

form = Op.from_latex(r"q = \sum_i \sum_j x_i A_{ij} x_j", dims="n")
print(check_latex(r"\frac{\partial q}{\partial x} = 2 A x", form).explanation)

# %% [markdown]
# **2.** The transpose of $B$, which has the shape of $A$, as it must.

# %%
n, m = Dim("n", "entries of the output"), Dim("m", "entries of the input")
i, k = n.indices("i k")
A, B = matrix("A", n, m, note="any matrix"), matrix("B", m, n, note="another matrix")
j, l = m.indices("j l")
calculation(
    Partial(L, A[i, j]),
    given=(A, B, Let(L, sum_over(A[k, l] * B[l, k], k, l), "the trace", means="loss")),
).then(sum_over(delta(i, k) * delta(j, l) * B[l, k], k, l), because="one entry by another").then(
    B[j, i], because="both deltas"
)

# %% [markdown]
# **3.** The second assignment forgets the first path. Paths add, so it has to be `+=`.
#
# **4.** It is the directional derivative of the gradient, so take the gradient at two places. For a
# quadratic form, whose gradient was found above, that is exact at any distance $c$; for other
# functions only in the limit of a small one.

# %%
x, step = n.vector("x", note="input"), n.vector("s", note="step")
c = scalar("c", domain="positive", note="how far the step is taken")
ahead, behind = n.vector("f"), n.vector("r")
A = matrix("A", n, n, note="any matrix")
slopes = MatMul(A.matrix + Transpose(A.matrix))
calculation(
    entry_of(slopes * ahead.matrix - slopes * behind.matrix, k) / (2 * c),
    given=(
        x, step, A, c,
        Let(ahead[i], x[i] + c * step[i], "point ahead"),
        Let(behind[i], x[i] - c * step[i], "point behind"),
    ),
).then(entry_of(slopes * step.matrix, k), because="both are linear")  # fmt: skip

# %% [markdown]
# ### References
#
# S. Linnainmaa, *Taylor expansion of the accumulated rounding error*, BIT 16, 1976.
#
# W. Baur and V. Strassen, *The complexity of partial derivatives*, Theoretical Computer Science 22,
# 1983.
#
# D. E. Rumelhart, G. E. Hinton and R. J. Williams, *Learning representations by back-propagating
# errors*, Nature 323, 1986.
#
# A. Griewank and A. Walther, *Evaluating derivatives: principles and techniques of algorithmic
# differentiation*, 2nd edition, SIAM, 2008.
#
# A. G. Baydin, B. A. Pearlmutter, A. A. Radul and J. M. Siskind, *Automatic differentiation in
# machine learning: a survey*, Journal of Machine Learning Research 18, 2018, arXiv:1502.05767.
