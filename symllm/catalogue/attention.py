"""Scaled dot-product attention (Vaswani et al., 2017)."""

from typing import Any

import numpy as np
from sympy import sqrt

from ..equation import Let
from ..notation import Dim, matrix, sum_over
from ..op import Op
from .softmax import softmax

n = Dim("n", "queries")
m = Dim("m", "keys")
d = Dim("d", "width of keys")
e = Dim("e", "width of values")
(i,), (j,), (k,), (l,) = n.indices("i"), m.indices("j"), d.indices("k"), e.indices("l")
Q = matrix("Q", n, d, note="queries")
K = matrix("K", m, d, note="keys")
V = matrix("V", m, e, note="values")
S, P = matrix("S", n, m, note="scores"), matrix("P", n, m, note="attention weights")
O, dO = matrix("O", n, e, note="output"), matrix("dO", n, e)
D = n.vector("D")


def forward(Q: np.ndarray, K: np.ndarray, V: np.ndarray) -> Any:
    scores = Q @ K.T / np.sqrt(Q.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True) @ V


attention = Op(
    name="attention",
    title="Scaled dot-product attention",
    inputs=(Q, K, V),
    equations=(
        Let(S[i, j], sum_over(Q[i, k] * K[j, k], k) / sqrt(d), "scores"),
        Let(P[i, j], softmax(S[i, j], over=j), "attention weights"),
        Let(O[i, l], sum_over(P[i, j] * V[j, l], j), "output"),
    ),
    aliases=(Let(D[i], sum_over(dO[i, l] * O[i, l], l), "row sums of dO * O"),),
    numpy=forward,
    about="Each query takes an average of the values, weighted by how well the keys match it.",
    source="Vaswani et al., 2017",
)
