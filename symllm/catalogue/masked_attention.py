"""Attention with a mask that is added to the scores."""

from typing import Any

import numpy as np
from sympy import sqrt

from ..equation import Let
from ..notation import Dim, matrix, sum_over
from ..op import Op
from .softmax import softmax

n = Dim("n", "positions")
m = Dim("m", "keys")
d = Dim("d", "width of keys")
e = Dim("e", "width of values")
(i,), (j,), (k,), (l,) = n.indices("i"), m.indices("j"), d.indices("k"), e.indices("l")
Q = matrix("Q", n, d, note="queries")
K = matrix("K", m, d, note="keys")
V = matrix("V", m, e, note="values")
M = matrix("M", n, m, role="target", note="what is added to the scores")
S, P = matrix("S", n, m, note="scores"), matrix("P", n, m, note="attention weights")
O, dO = matrix("O", n, e, note="output"), matrix("dO", n, e)
D = n.vector("D")


def forward(Q: np.ndarray, K: np.ndarray, V: np.ndarray, M: np.ndarray) -> Any:
    scores = Q @ K.T / np.sqrt(Q.shape[1]) + M
    top = scores.max(axis=1, keepdims=True)
    weights = np.exp(scores - np.where(np.isfinite(top), top, 0))
    total = weights.sum(axis=1, keepdims=True)
    return weights / np.where(total == 0, 1, total) @ V


masked_attention = Op(
    name="masked_attention",
    title="Masked attention",
    inputs=(Q, K, V, M),
    equations=(
        Let(S[i, j], sum_over(Q[i, k] * K[j, k], k) / sqrt(d) + M[i, j], "masked scores"),
        Let(P[i, j], softmax(S[i, j], over=j), "attention weights"),
        Let(O[i, l], sum_over(P[i, j] * V[j, l], j), "output"),
    ),
    aliases=(Let(D[i], sum_over(dO[i, l] * O[i, l], l), "row sums of dO * O"),),
    numpy=forward,
    about=(
        "A mask added to the scores says who may attend to whom: minus infinity forbids, "
        "a finite bias favours. A row where everything is forbidden gives zero."
    ),
    source="Vaswani et al., 2017",
)
