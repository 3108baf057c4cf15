"""Multi-head attention (Vaswani et al., 2017), the heads as an index."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, Tensor, matrix, sum_over
from ..op import Op
from .attention import attention

n = Dim("n", "positions")
c = Dim("c", "width of the stream")
h = Dim("h", "heads")
d = Dim("d", "width of keys")
e = Dim("e", "width of values")
i, j = n.indices("i j")
(a,), (s,), (k,), (l,) = c.indices("a"), h.indices("s"), d.indices("k"), e.indices("l")
X, Y = matrix("X", n, c, note="input"), matrix("Y", n, c, note="output of the layer")
W_Q = Tensor("W_Q", (h, d, c), "parameter", note="weights of the queries")
W_K = Tensor("W_K", (h, d, c), "parameter", note="weights of the keys")
W_V = Tensor("W_V", (h, e, c), "parameter", note="weights of the values")
W_O = Tensor("W_O", (h, c, e), "parameter", note="weights of the output")
Q, K = Tensor("Q", (n, h, d), note="queries"), Tensor("K", (n, h, d), note="keys")
V, O = Tensor("V", (n, h, e), note="values"), Tensor("O", (n, h, e), note="output")


def forward(
    X: np.ndarray, W_Q: np.ndarray, W_K: np.ndarray, W_V: np.ndarray, W_O: np.ndarray
) -> Any:
    output = np.zeros_like(X)
    for query, key, value, mix in zip(W_Q, W_K, W_V, W_O, strict=True):
        scores = (X @ query.T) @ (X @ key.T).T / np.sqrt(len(query))
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        output += weights @ (X @ value.T) @ mix.T
    return output


multi_head_attention = Op(
    name="multi_head_attention",
    title="Multi-head attention",
    inputs=(X, W_Q, W_K, W_V, W_O),
    equations=(
        Let(Q[i, s, k], sum_over(W_Q[s, k, a] * X[i, a], a), "queries of each head"),
        Let(K[i, s, k], sum_over(W_K[s, k, a] * X[i, a], a), "keys of each head"),
        Let(V[i, s, l], sum_over(W_V[s, l, a] * X[i, a], a), "values of each head"),
        Let(
            O[i, s, l],
            attention(Q[i, s, k], K[j, s, k], V[j, s, l], over=(i, k, j, l)),
            "output of each head",
        ),
        Let(Y[i, a], sum_over(W_O[s, a, l] * O[i, s, l], s, l), "mixed by the output matrix"),
    ),
    numpy=forward,
    about=(
        "Each head looks for something else: it attends by projections of its own, and the output "
        "matrix adds up what the heads have found."
    ),
    source="Vaswani et al., 2017",
)
