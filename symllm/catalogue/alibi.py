"""ALiBi: causal attention with a bias that falls with distance (Press et al., 2022)."""

from typing import Any

import numpy as np
from sympy import sqrt

from ..equation import Let
from ..notation import Dim, Iverson, matrix, scalar, sum_over
from ..op import Op
from .masked_softmax import masked_softmax

n, d, e = Dim("n", "positions"), Dim("d", "width of keys"), Dim("e", "width of values")
i, j = n.indices("i j")
(k,), (l,) = d.indices("k"), e.indices("l")
Q = matrix("Q", n, d, note="queries")
K = matrix("K", n, d, note="keys")
V = matrix("V", n, e, note="values")
S, P = matrix("S", n, n, note="scores"), matrix("P", n, n, note="attention weights")
O, dO = matrix("O", n, e, note="output"), matrix("dO", n, e)
D = n.vector("D")
slope = scalar("slope", role="constant", domain="positive", note="slope of the penalty")
score = sum_over(Q[i, k] * K[j, k], k) / sqrt(d)


def forward(Q: np.ndarray, K: np.ndarray, V: np.ndarray, slope: float) -> Any:
    output = np.empty((len(Q), V.shape[1]))
    for row, query in enumerate(Q):
        distance = np.arange(row, -1, -1)
        scores = K[: row + 1] @ query / np.sqrt(len(query)) - slope * distance
        weights = np.exp(scores - scores.max())
        output[row] = weights / weights.sum() @ V[: row + 1]
    return output


alibi = Op(
    name="alibi",
    title="Attention with linear biases (ALiBi)",
    inputs=(Q, K, V, slope),
    equations=(
        Let(S[i, j], score + slope * (j - i), "scores, less with distance"),
        Let(P[i, j], masked_softmax(S[i, j], Iverson(j <= i), over=j), "attention weights"),
        Let(O[i, l], sum_over(P[i, j] * V[j, l], j), "output"),
    ),
    aliases=(Let(D[i], sum_over(dO[i, l] * O[i, l], l), "row sums of dO * O"),),
    numpy=forward,
    about="A score falls by the slope for every position that lies between query and key.",
    source="Press, Smith & Lewis, 2022",
)
