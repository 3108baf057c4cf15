"""The block of GPT-2 (Radford et al., 2019): attention and a feed-forward layer on a residual."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, Tensor, scalar
from ..op import Op
from .activations import gelu_tanh
from .causal_attention import causal_attention
from .layer_norm import layer_norm
from .linear import linear

n = Dim("n", "positions")
c = Dim("c", "width of the stream")
h = Dim("h", "heads")
d = Dim("d", "width of a head")
f = Dim("f", "width of the feed-forward layer")
(i,), (a,), (s,), (k, l), (j,) = (
    n.indices("i"), c.indices("a"), h.indices("s"), d.indices("k l"), f.indices("j"),
)  # fmt: skip
x = Tensor("x", (n, c), note="input")
X = Tensor("X", (n, c), note="input of attention")
A = Tensor("A", (n, c), note="output of attention")
x_A = Tensor("x_A", (n, c), note="stream after attention")
M = Tensor("M", (n, c), note="input of the feed-forward layer")
F = Tensor("F", (n, c), note="output of the feed-forward layer")
y = Tensor("y", (n, c), note="output")
Q, K = Tensor("Q", (n, h, d), note="queries"), Tensor("K", (n, h, d), note="keys")
V, O = Tensor("V", (n, h, d), note="values"), Tensor("O", (n, h, d), note="output")
U, H = Tensor("U", (n, f), note="widened"), Tensor("H", (n, f), note="hidden units")
gamma_1 = c.vector("gamma_1", role="parameter", note="scale of the first norm")
beta_1 = c.vector("beta_1", role="parameter", note="shift of the first norm")
gamma_2 = c.vector("gamma_2", role="parameter", note="scale of the second norm")
beta_2 = c.vector("beta_2", role="parameter", note="shift of the second norm")
b_O = c.vector("b_O", role="parameter", note="bias of the output")
b_2 = c.vector("b_2", role="parameter", note="bias of the second layer")
W_Q = Tensor("W_Q", (c, h, d), "parameter", note="weights of the queries")
W_K = Tensor("W_K", (c, h, d), "parameter", note="weights of the keys")
W_V = Tensor("W_V", (c, h, d), "parameter", note="weights of the values")
b_Q = Tensor("b_Q", (h, d), "parameter", note="bias of the queries")
b_K = Tensor("b_K", (h, d), "parameter", note="bias of the keys")
b_V = Tensor("b_V", (h, d), "parameter", note="bias of the values")
W_O = Tensor("W_O", (h, d, c), "parameter", note="weights of the output")
W_1 = Tensor("W_1", (c, f), "parameter", note="weights of the first layer")
b_1 = f.vector("b_1", role="parameter", note="bias of the first layer")
W_2 = Tensor("W_2", (f, c), "parameter", note="weights of the second layer")
eps = scalar("eps", role="constant", domain="positive", note="a small positive constant")


def normed(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float) -> Any:
    mean, var = x.mean(axis=1, keepdims=True), x.var(axis=1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def forward(
    x: np.ndarray, gamma_1: np.ndarray, beta_1: np.ndarray,
    W_Q: np.ndarray, b_Q: np.ndarray, W_K: np.ndarray, b_K: np.ndarray,
    W_V: np.ndarray, b_V: np.ndarray, W_O: np.ndarray, b_O: np.ndarray,
    gamma_2: np.ndarray, beta_2: np.ndarray,
    W_1: np.ndarray, b_1: np.ndarray, W_2: np.ndarray, b_2: np.ndarray, eps: float,
) -> Any:  # fmt: skip
    X = normed(x, gamma_1, beta_1, eps)
    stream = x + b_O
    for head in range(W_Q.shape[1]):
        query, key, value = (
            X @ W[:, head] + b[head] for W, b in ((W_Q, b_Q), (W_K, b_K), (W_V, b_V))
        )
        for row in range(len(x)):
            scores = key[: row + 1] @ query[row] / np.sqrt(len(query[row]))
            weights = np.exp(scores - scores.max())
            stream[row] += weights / weights.sum() @ value[: row + 1] @ W_O[head]
    u = normed(stream, gamma_2, beta_2, eps) @ W_1 + b_1
    u = u / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (u + 0.044715 * u**3)))
    return stream + u @ W_2 + b_2


gpt2_block = Op(
    name="gpt2_block",
    title="The block of GPT-2",
    inputs=(
        x, gamma_1, beta_1, W_Q, b_Q, W_K, b_K, W_V, b_V, W_O, b_O,
        gamma_2, beta_2, W_1, b_1, W_2, b_2, eps,
    ),
    equations=(
        Let(X[i, a], layer_norm(x[i, a], gamma_1[a], beta_1[a], eps, over=a), "normalised"),
        Let(Q[i, s, k], linear(X[i, a], W_Q[a, s, k], b_Q[s, k], over=(a, (s, k))), "queries"),
        Let(K[i, s, k], linear(X[i, a], W_K[a, s, k], b_K[s, k], over=(a, (s, k))), "keys"),
        Let(V[i, s, k], linear(X[i, a], W_V[a, s, k], b_V[s, k], over=(a, (s, k))), "values"),
        Let(
            O[i, s, l],
            causal_attention(Q[i, s, k], K[i, s, k], V[i, s, l], over=(i, k, l)),
            "each head's output",
        ),
        Let(A[i, a], linear(O[i, s, k], W_O[s, k, a], b_O[a], over=((s, k), a)), "mixed"),
        Let(x_A[i, a], x[i, a] + A[i, a], "added to the stream"),
        Let(M[i, a], layer_norm(x_A[i, a], gamma_2[a], beta_2[a], eps, over=a), "normalised"),
        Let(U[i, j], linear(M[i, a], W_1[a, j], b_1[j], over=(a, j)), "widened"),
        Let(H[i, j], gelu_tanh(U[i, j], over=j), "activated"),
        Let(F[i, a], linear(H[i, j], W_2[j, a], b_2[a], over=(j, a)), "narrowed again"),
        Let(y[i, a], x_A[i, a] + F[i, a], "added to the stream"),
    ),
    numpy=forward,
    about=(
        "Two branches are added to a residual stream: causal attention with several heads, and a "
        "feed-forward layer, each after a layer normalisation of its own."
    ),
    source="Radford et al., 2019",
)  # fmt: skip
