"""Causal attention: each position attends to itself and to what came before."""

from typing import Any

import numpy as np
from sympy import sqrt

from ..equation import Let
from ..notation import Dim, Iverson, matrix, sum_over
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


def forward(Q: np.ndarray, K: np.ndarray, V: np.ndarray) -> Any:
    output = np.empty((len(Q), V.shape[1]))
    for row, query in enumerate(Q):
        scores = K[: row + 1] @ query / np.sqrt(len(query))
        weights = np.exp(scores - scores.max())
        output[row] = weights / weights.sum() @ V[: row + 1]
    return output


causal_attention = Op(
    name="causal_attention",
    title="Causal attention",
    inputs=(Q, K, V),
    equations=(
        Let(S[i, j], sum_over(Q[i, k] * K[j, k], k) / sqrt(d), "scores"),
        Let(P[i, j], masked_softmax(S[i, j], Iverson(j <= i), over=j), "attention weights"),
        Let(O[i, l], sum_over(P[i, j] * V[j, l], j), "output"),
    ),
    aliases=(Let(D[i], sum_over(dO[i, l] * O[i, l], l), "row sums of dO * O"),),
    numpy=forward,
    about="A language model may not look ahead: position i attends to positions j up to i.",
    source="Vaswani et al., 2017",
)
