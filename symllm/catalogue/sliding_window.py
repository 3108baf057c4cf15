"""Sliding-window attention: each position attends to the last w positions alone."""

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
w = scalar("w", role="constant", domain="positive", note="width of the window")
near = Iverson(j <= i) * Iverson(i - j < w)


def forward(Q: np.ndarray, K: np.ndarray, V: np.ndarray, w: float) -> Any:
    output = np.empty((len(Q), V.shape[1]))
    for row, query in enumerate(Q):
        first = max(0, row + 1 - int(np.ceil(w)))
        scores = K[first : row + 1] @ query / np.sqrt(len(query))
        weights = np.exp(scores - scores.max())
        output[row] = weights / weights.sum() @ V[first : row + 1]
    return output


sliding_window = Op(
    name="sliding_window",
    title="Sliding-window attention",
    inputs=(Q, K, V, w),
    equations=(
        Let(S[i, j], sum_over(Q[i, k] * K[j, k], k) / sqrt(d), "scores"),
        Let(P[i, j], masked_softmax(S[i, j], near, over=j), "attention weights"),
        Let(O[i, l], sum_over(P[i, j] * V[j, l], j), "output"),
    ),
    aliases=(Let(D[i], sum_over(dO[i, l] * O[i, l], l), "row sums of dO * O"),),
    numpy=forward,
    about="Position i attends to itself and to the positions before it, w of them in all.",
    source="Beltagy, Peters & Cohan, 2020",
)
