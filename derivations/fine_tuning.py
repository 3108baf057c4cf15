# %% [markdown]
# # Fine-tuning
#
# A model that somebody else has trained is to learn one thing more: a new task, a style, what
# a larger model knows. Its weights are far too many to store a second copy for each task, and
# to train one of them takes memory for several numbers besides. This chapter is about
# three ways around this. LoRA trains a small correction of each matrix; distillation trains a small
# model on what a large one says; a soft prompt trains no weights at all. Two of them come with a
# constant that people copy from one script to the next, $\alpha / r$ and $\tau^2$. Where these come
# from can be derived.

# %%
from sympy import Symbol, exp, log, sqrt

from symllm import (
    Dim,
    E,
    Equals,
    Let,
    Partial,
    Var,
    calculation,
    matrix,
    ops,
    pictures,
    random,
    scalar,
    sum_over,
)

# %% [markdown]
# ## A correction of low rank
#
# LoRA leaves the matrix $W$ as it is and adds to it $\alpha / r$ times a product of two thin ones,
# $B$ with $r$ columns and $A$ with $r$ rows. The chapter *The linear layer* derives the gradients.
# Here is what is trained, as a share of the $n m$ entries of $W$.

# %%
m, n, r = Dim("m", "entries of the input"), Dim("n", "entries of the output"), Dim("r", "rank")
count = ops.lora.counts().parameters
calculation(count / (m * n), given=(m, n, r), title="The share that is trained").then(
    r * (1 / m.symbol + 1 / n.symbol), because="entries of $A$ and of $B$"
)

# %% [markdown]
# *In words:* the rank by the widths. A square matrix 4096 wide and a rank of 8 make $1/256$. The
# optimizer's memory shrinks with it, for it keeps its averages of trained numbers alone.
#
# But why should so little be enough? One half of the answer is exact. Take a single step of
# gradient descent on *all* of $W$, with a batch of $N$ examples $X_s$, at whose outputs the
# gradients $g_s$ arrive. What it adds to $W$ is a LoRA, of rank $N$: the examples are the rows of
# $A$, and the gradients, times $-\eta$, are the columns of $B$.

# %%
N = Dim("N", "examples")
i, j, k, l, s = n.index("i"), m.index("j"), r.index("k"), m.index("l"), N.index("s")
x, W, dW = m.vector("x", note="input"), matrix("W", n, m, note="weights"), matrix("dW", n, m)
X = m.vector("X", note="inputs of the examples").batched((N,))
g = n.vector("g", note="gradient that arrives").batched((N,))
eta = scalar("eta", domain="positive", note="learning rate")
down, up = matrix("A", N, m), matrix("B", n, N)
MEETS, MAKES = "factor that meets the input", "factor that makes the output"
step = (
    x, X, g, W, eta,
    Let(dW[i, j], sum_over(g[s, i] * X[s, j], s), "gradient of all weights"),
    Let(down[s, j], X[s, j], "the examples", means=MEETS),
    Let(up[i, s], -eta * g[s, i], "what each asks for", means=MAKES),
)  # fmt: skip
calculation(
    sum_over((W[i, j] - eta * dW[i, j]) * x[j], j), given=step, title="A step on all of the matrix"
).then(
    sum_over(W[i, j] * x[j], j) - eta * sum_over(g[s, i] * sum_over(X[s, j] * x[j], j), s),
    because="put in the gradient, sum over $j$ first",
).then(
    sum_over(W[i, j] * x[j], j) + sum_over(up[i, s] * sum_over(down[s, j] * x[j], j), s),
    because="a matrix down to $N$ numbers, and one up again",
)

# %% [markdown]
# *In words:* an example can change a matrix along one direction only, its own. The other half of
# the answer is an observation and no theorem: a thousand steps add up to a rank of thousands, but
# most of what they do can be had with far less (Aghajanyan et al., 2021; Hu et al., 2022). The
# model has learned its language already; a task asks it to turn a few knobs that are there.
#
# ## The first steps
#
# Training should start from the model itself, so the product $B A$ must be zero, and LoRA sets
# $B$ to zero and $A$ to random numbers. To derive by a $B$ that is zero, let $B = t\, C$, with
# any $C$, and look at $t = 0$. The loss $L$ stands for whatever comes after; all that matters of
# it is the gradient $g$ that arrives at $y$. The first line for each factor is its gradient at any
# time.

# %%
A, B = matrix("A", r, m, note=MEETS), matrix("B", n, r, note=MAKES)
C = matrix("C", n, r, note="direction of the output's factor")
h, y = r.vector("h", note="input, down to the rank"), n.vector("y")
arriving = n.vector("g", note="gradient that arrives")
alpha = scalar("alpha", domain="positive", note="scale of the correction")
t, L = scalar("t"), scalar("L")
start = (
    x, W, A, C, arriving, alpha,
    Let(t, 0, "at the start", means="size of what starts at zero"),
    Let(B[i, k], t * C[i, k], "so $B$ is zero"),
    Let(h[k], sum_over(A[k, j] * x[j], j), "the input, down to the rank"),
    Let(y[i], sum_over(W[i, j] * x[j], j) + alpha / r * sum_over(B[i, k] * h[k], k), "output"),
    Let(L, sum_over(arriving[i] * y[i], i), "as far as $y$ changes it", means="loss"),
)  # fmt: skip
calculation(Partial(L, A[k, j]), given=start, title="What $A$ learns at first").then(
    alpha / r * sum_over(B[i, k] * arriving[i], i) * x[j],
    because="the path from $A$ leads through $B$",
).then(0, because="$B$ is zero")

# %%
calculation(Partial(L, B[i, k]), given=start, title="What $B$ learns at first").then(
    alpha / r * arriving[i] * h[k], because="the path from $B$ leads through $A$"
)

# %% [markdown]
# *In words:* of the two factors one has to be zero, and not both. The zero factor gets a
# gradient, because the other is not zero; the other one gets none, and waits until $B$ has left
# zero. So the first step moves $B$ alone, and it is worth a closer look. What does it do to the
# weights that the model uses, compared with a step on all of $W$?

# %%
B_new = matrix("B", n, r)
first = (
    X, g, A, eta, alpha,
    Let(dW[i, j], sum_over(g[s, i] * X[s, j], s), "gradient of all weights"),
    Let(
        B_new[i, k],
        -eta * alpha / r * sum_over(g[s, i] * sum_over(A[k, j] * X[s, j], j), s),
        "after one step from zero",
    ),
)  # fmt: skip
calculation(
    alpha / r * sum_over(B_new[i, k] * A[k, j], k), given=first, title="The first change"
).then(
    -eta * alpha**2 / r**2 * sum_over(dW[i, l] * sum_over(A[k, l] * A[k, j], k), l),
    because="the sum over examples is the full gradient",
)

# %% [markdown]
# In matrices, it is the full gradient times $A^\top A$: seen through the $r$ random directions
# that are the rows of $A$, and blind to all others. On average over those directions, nothing is
# lost but length. Give the entries of $A$ the variance $1/m$, as the chapter *Initialisation* wants
# it.

# %%
calculation(
    E(-eta * alpha**2 / r**2 * sum_over(dW[i, l] * sum_over(A[k, l] * A[k, j], k), l)),
    given=(A, dW, eta, alpha),
    assuming=(random(A[k, j], variance=1 / m.symbol),),
    title="The first change, on average",
).then(
    -eta * alpha**2 / r**2 * sum_over(dW[i, l] * E(sum_over(A[k, l] * A[k, j], k)), l),
    because="only $A$ is random",
).then(
    -eta * alpha**2 / (r * m) * dW[i, j],
    because="$r$ products of mean $1/m$ where $l = j$, and zero elsewhere",
)

# %% [markdown]
# *In words:* LoRA's first step is a step on all of $W$, at the learning rate $\eta \alpha^2 / (r
# m)$, seen through noise. Two things follow. With $\alpha = 16$, $r = 8$ and $m = 4096$ the factor
# is $1/128$, so gradient descent that is content with some learning rate on all weights crawls at
# the same rate on LoRA's. (Adam, which rescales gradients, hides this at the first step, but people
# raise its rate for LoRA as well, by ten times and more.) And the higher the rank, the *smaller*
# the step: the flaw of the scale $\alpha / r$, of which the next section has more.
#
# Here the average over many draws of $A$ is measured, and how well a single draw points along the
# full gradient. It gets better with the rank, and is not perfect even where $r$ is twice the width.

# %% tags=["shown"]
import numpy as np

rng = np.random.default_rng(0)
rows, columns, speed, scale = 24, 32, 0.1, 16
full = rng.normal(size=(rows, columns))
for rank in (1, 4, 16, 64):
    thin = rng.normal(size=(2000, rank, columns)) / np.sqrt(columns)
    seen = thin.transpose(0, 2, 1) @ thin
    change = -speed * (scale / rank) ** 2 * full @ seen
    along = -(change * full).sum((1, 2)) / (full**2).sum()
    length = np.sqrt((change**2).sum((1, 2)) / (full**2).sum())
    predicted = speed * scale**2 / (rank * columns)
    print(f"{rank:2}: rate {along.mean():.2f}, predicted {predicted:.2f}", end=", ")
    print(f"cosine {(along / length).mean():.2f}")

# %% [markdown]
# ## The scale
#
# How large is the correction once $B$ has been learned? Suppose that its entries have come to
# a variance $\sigma^2$ that does not depend on the rank, as with an optimizer whose steps have one
# size for all parameters, and that the $h_k$ have variance one.

# %%
sigma = scalar("sigma", domain="positive", note="standard deviation")
learned = {
    "given": (B, h, alpha, sigma),
    "assuming": (random(B[i, k], variance=sigma**2), random(h[k])),
}
calculation(
    Var(alpha / r * sum_over(B[i, k] * h[k], k)), **learned, title="The size of the correction"
).then(
    alpha**2 / r**2 * sum_over(Var(B[i, k]) * Var(h[k]), k), because="independent, with mean zero"
).then(alpha**2 * sigma**2 / r, because="$r$ equal terms")

# %% [markdown]
# The sum of $r$ terms is as large as $\sqrt{r}$, and it is divided by $r$. A higher rank, bought to
# learn more, speaks more softly. Divide by the root, as rank-stabilised LoRA does
# (Kalajdzievski, 2023):

# %%
calculation(
    Var(alpha / sqrt(r) * sum_over(B[i, k] * h[k], k)), **learned, title="Divided by the root"
).then(alpha**2 * sigma**2, because="$r$ equal terms, each divided by $r$")

# %% [markdown]
# *In words:* with $\alpha / \sqrt{r}$ the size of the correction is the same at every rank, and so
# is the rate of the first step, which becomes $\eta \alpha^2 / m$: put $\alpha \sqrt{r}$ for
# $\alpha$ in the result above. The common habit to set $\alpha = 2 r$ overshoots in the
# other direction, for then both grow with the rank.
#
# ## Merging
#
# When training is over, the correction need not stay beside the matrix. It can be added to it, and
# the model is as fast as it was before.

# %%
merged = matrix("What", n, m)
sides = (
    x, W, A, B, alpha,
    Let(
        merged[i, j],
        W[i, j] + alpha / r * sum_over(B[i, k] * A[k, j], k),
        "weights and correction in one",
    ),
    Let(h[k], sum_over(A[k, j] * x[j], j), "the input, down to the rank"),
)  # fmt: skip
calculation(sum_over(merged[i, j] * x[j], j), given=sides, title="One matrix for two paths").then(
    sum_over(W[i, j] * x[j], j) + alpha / r * sum_over(B[i, k] * h[k], k),
    because="sum over $j$ first",
)

# %% [markdown]
# *In words:* nothing is approximated, but for rounding. Subtract the product again, and the old
# model is back; keep it beside, and one copy of $W$ serves a hundred tasks at once, at the price
# of two thin products more.
#
# ## Distillation at high temperature
#
# A small model, the student, learns the whole prediction of a large one, its teacher, both
# softened by a temperature $\tau$ (Hinton et al., 2015). The chapter *Losses* derives the gradient,
# $(p_i - q_i) / \tau$. Most scripts multiply this loss by $\tau^2$. Why the square? One factor of
# $\tau$ is there to be seen. The other hides in the difference, for at a high temperature both
# predictions are nearly even. To see how fast they become so, write $u$ for $1/\tau$ and look
# at $u = 0$, where temperature is infinite.

# %%
c = n.index("j")
z = n.vector("z", note="logits of the student")
v = n.vector("v", note="logits of the teacher")
p, q, z_hat, v_hat = n.vector("p"), n.vector("q"), n.vector("zhat"), n.vector("vhat")
u = scalar("u")
centred = (
    z, v,
    Let(z_hat[i], z[i] - sum_over(z[c], c) / n, "logits of the student, centred"),
    Let(v_hat[i], v[i] - sum_over(v[c], c) / n, "logits of the teacher, centred"),
)  # fmt: skip
hot = (
    *centred,
    Let(u, 0, "at infinite temperature", means="one over the temperature"),
    Let(p[i], exp(u * z[i]) / sum_over(exp(u * z[c]), c), "probabilities of the student"),
    Let(q[i], exp(u * v[i]) / sum_over(exp(u * v[c]), c), "probabilities of the teacher"),
)
calculation(p[i] - q[i], given=hot, title="At infinite temperature").then(
    0, because="both predict $1/n$"
)

# %%
calculation(Partial(p[i] - q[i], u), given=hot, title="And near it").then(
    p[i] * (z[i] - sum_over(p[c] * z[c], c)) - q[i] * (v[i] - sum_over(q[c] * v[c], c)),
    because="the derivative of softmax, twice",
).then((z_hat[i] - v_hat[i]) / n, because="both predict $1/n$")

# %% [markdown]
# A function that is zero at zero begins as its slope times $u$. So for large $\tau$ the difference
# $p_i - q_i$ is this slope over $\tau$, and the gradient is this slope over $\tau^2$. The factor
# $\tau^2$ undoes it, and what it leaves is a gradient that we know.

# %%
calculation(
    Partial(L, z[i]),
    given=(
        *centred,
        Let(L, sum_over((z_hat[c] - v_hat[c]) ** 2, c) / (2 * n), "squared error", means="loss"),
    ),
    title="The gradient of a squared error of logits",
).then((z_hat[i] - v_hat[i]) / n, because="what the mean sends back sums to zero")

# %% [markdown]
# *In words:* at high temperature, distillation fits the student's logits to the teacher's by least
# squares, up to one number added to all of them, which no softmax sees; at a low one it fits the
# likeliest tokens. With the factor $\tau^2$ the temperature chooses between these two without also
# choosing a learning rate, and a second loss beside it keeps its weight.
#
# The picture has the gradient of one of two tokens, whose logits differ by 2 for the student and by
# 4 for the teacher. Left alone, it falls with the square of the temperature in the end. Times
# $\tau$ it still falls. Times $\tau^2$ it tends to a number.

# %%
tau = Symbol("tau", positive=True)
wanted, predicted = (1 / (1 + exp(-gap / tau)) for gap in (4, 2))
pictures.curves(
    {
        "gradient": (wanted - predicted) / tau,
        r"times $\tau$": wanted - predicted,
        r"times $\tau$ squared": tau * (wanted - predicted),
    },
    over=(tau, 0.5, 50),
    name="distillation-temperature",
    words="Three curves over the temperature. From 2 on the gradient falls fast, times the "
    "temperature it falls too, and times its square it levels off at one half.",
    across="temperature",
    up="size of the gradient",
    log="x",
)

# %% [markdown]
# The same in three logits, and entry by entry:

# %% tags=["shown"]
import numpy as np


def softmax(logits):
    e = np.exp(logits - logits.max())
    return e / e.sum()


student, teacher = np.array([1.0, 0.0, -1.0]), np.array([4.0, -1.0, -3.0])
for hot in (1, 4, 16, 64):
    gradient = (softmax(student / hot) - softmax(teacher / hot)) / hot
    print(f"tau = {hot:2}, times tau squared:", np.round(hot**2 * gradient, 3))
print("the limit:                  ", np.round((student - teacher) / 3, 3))

# %% [markdown]
# ## Soft prompts
#
# The cheapest correction of all trains vectors that stand before the text, as if they were tokens.
# In each layer they are keys and values that every position can attend to, besides those of the
# text (Li and Liang, 2021). How much can that change? Let a query have the scores $a_j$ with the
# $M$ vectors of the prompt, whose values are $U_j$, and the scores $S_k$ with the $T$ tokens of the
# text, whose values are $V_k$.

# %%
size, text = Dim("M", "positions of the prompt"), Dim("T", "positions of the text")
width = Dim("e", "width of values")
b, e, f, w = size.index("j"), text.index("k"), text.index("i"), width.index("l")
a, scores = (
    size.vector("a", note="scores of the prompt"),
    text.vector("S", note="scores of the text"),
)
U = width.vector("U", note="values of the prompt").batched((size,))
V = width.vector("V", note="values of the text").batched((text,))
Z_1, Z_2, share = scalar("Z_1"), scalar("Z_2"), scalar("w")
O_1, O_2, P = width.vector("O_1"), width.vector("O_2"), text.vector("P")
prompted = (
    a, scores, U, V,
    Let(Z_1, sum_over(exp(a[b]), b), "normaliser of the prompt"),
    Let(Z_2, sum_over(exp(scores[e]), e), "normaliser of the text"),
    Let(share, Z_1 / (Z_1 + Z_2), "share of the prompt"),
    Let(P[e], exp(scores[e]) / (Z_1 + Z_2), "attention weights of the text"),
    Let(O_1[w], sum_over(exp(a[b]) * U[b, w], b) / Z_1, "output for the prompt alone"),
    Let(O_2[w], sum_over(exp(scores[e]) * V[e, w], e) / Z_2, "output for the text alone"),
)  # fmt: skip
calculation(
    (sum_over(exp(a[b]) * U[b, w], b) + sum_over(exp(scores[e]) * V[e, w], e)) / (Z_1 + Z_2),
    given=prompted,
    title="Attention to both",
).then(
    share * O_1[w] + (1 - share) * O_2[w],
    because="each sum is a mean, times its share of the whole",
)

# %%
calculation(P[e] / P[f], given=prompted, title="Two words of the text").then(
    exp(scores[e] - scores[f]), because="the prompt cancels"
)

# %% [markdown]
# *In words:* a soft prompt moves the output of a head towards a vector that it has learned, and
# takes attention from the text as a whole. How that attention is shared *among* the words of
# the text it cannot change, in the layer that it enters: their ratios do not know it. It can turn
# up what the model can do already; to look elsewhere, weights have to change (Petrov et al., 2024).
#
# ## Exercises
#
# **1.** At which rank does LoRA train as many numbers as $W$ has? What is it for a square matrix?
#
# **2.** Somebody starts with $A$ and $B$ both at zero, to be safe. What happens?
#
# **3.** Train both factors with very small steps, so that $A$ moves along $-B^\top G$ and $B$ along
# $-G A^\top$, where $G$ is the gradient of the product. Show that $A A^\top - B^\top B$
# never changes. What does it say of a $B$ that started at zero?
#
# **4.** Some code minimises the divergence of the student from the teacher, and some the
# cross-entropy. Does the choice change what is learned?
#
# ### Answers
#
# **1.** At half the harmonic mean of its sides; for a square matrix, at half its width.

# %%
rank = scalar("r", domain="positive", note="rank")
calculation(Equals(rank * (m + n), m * n), given=(rank, m, n), unknown=(rank,)).implies(
    Equals(rank, m * n / (m + n)), because="solved for the rank"
)

# %% [markdown]
# **2.** Nothing, for ever: either gradient has the other factor in it. Now $A$ is $t\, D$, and the
# gradient of $B$ is gone as well.

# %%
D = matrix("D", r, m, note="direction of the input's factor")
stuck = (
    x, W, C, D, arriving, alpha,
    Let(t, 0, "at the start", means="size of what starts at zero"),
    Let(A[k, j], t * D[k, j], "so $A$ is zero"),
    Let(B[i, k], t * C[i, k], "and so is $B$"),
    *start[-3:],
)  # fmt: skip
calculation(Partial(L, B[i, k]), given=stuck).then(
    alpha / r * arriving[i] * h[k], because="as before"
).then(0, because="$A$ is zero, and so is $h$")

# %% [markdown]
# **3.** Both products change at one and the same rate, so their difference stays. What $B$ has
# gained is what $A$ has gained: $B^\top B$ is always $A A^\top$ less what it was at the start.

# %%
first_row, second_row = r.index("k"), r.index("l")
G = matrix("G", n, m, note="gradient of the product")
F, H = matrix("F", r, m), matrix("H", n, r)
flow = (
    A, B, G,
    Let(F[k, j], -sum_over(B[i, k] * G[i, j], i), "the rate of $A$", means="rate of a factor"),
    Let(H[i, k], -sum_over(G[i, j] * A[k, j], j), "the rate of $B$", means="rate of a factor"),
)  # fmt: skip
calculation(
    sum_over(F[first_row, j] * A[second_row, j] + A[first_row, j] * F[second_row, j], j),
    given=flow,
).then(
    -sum_over(
        B[i, first_row] * G[i, j] * A[second_row, j] + A[first_row, j] * B[i, second_row] * G[i, j],
        i,
        j,
    ),
    because="put in the rate of $A$",
).then(
    sum_over(H[i, first_row] * B[i, second_row] + B[i, first_row] * H[i, second_row], i),
    because="read as the rate of $B$",
)

# %% [markdown]
# **4.** It does not. The divergence is less by the entropy of the teacher, which no logit of the
# student changes.

# %%
tau, loss = scalar("tau", domain="positive", note="temperature"), scalar("L")
diverging = (
    z, v, tau,
    Let(p[i], ops.softmax(z[i] / tau, over=i), "probabilities of the student"),
    Let(q[i], ops.softmax(v[i] / tau, over=i), "probabilities of the teacher"),
    Let(loss, sum_over(q[i] * log(q[i] / p[i]), i), "the divergence", means="loss"),
)  # fmt: skip
calculation(Partial(loss, z[i]), given=diverging).then(
    (p[i] - q[i]) / tau, because="as that of the cross-entropy"
)

# %% [markdown]
# ### References
#
# E. J. Hu, Y. Shen, P. Wallis, Z. Allen-Zhu, Y. Li, S. Wang, L. Wang and W. Chen, *LoRA: low-rank
# adaptation of large language models*, ICLR 2022, arXiv:2106.09685.
#
# A. Aghajanyan, S. Gupta and L. Zettlemoyer, *Intrinsic dimensionality explains the effectiveness
# of language model fine-tuning*, ACL 2021, arXiv:2012.13255.
#
# D. Kalajdzievski, *A rank stabilization scaling factor for fine-tuning with LoRA*,
# arXiv:2312.03732, 2023.
#
# G. Hinton, O. Vinyals and J. Dean, *Distilling the knowledge in a neural network*,
# arXiv:1503.02531, 2015.
#
# X. L. Li and P. Liang, *Prefix-tuning: optimizing continuous prompts for generation*, ACL 2021,
# arXiv:2101.00190.
#
# A. Petrov, P. H. S. Torr and A. Bibi, *When do prompting and prefix-tuning work? A theory of
# capabilities and limitations*, ICLR 2024, arXiv:2310.19698.
