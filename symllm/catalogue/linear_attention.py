"""Linear attention (Katharopoulos et al., 2020): weights that are scalar products of features.

Queries and keys come as features, after the feature map, and are positive, so that no
normaliser is zero.
"""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, Tensor, matrix, sum_over
from ..op import Op

n = Dim("n", "positions")
m = Dim("m", "keys")
d = Dim("d", "width of keys")
e = Dim("e", "width of values")
(i,), (j,), (k,), (l,) = n.indices("i"), m.indices("j"), d.indices("k"), e.indices("l")
Q = Tensor("Q", (n, d), domain="positive", note="queries")
K = Tensor("K", (m, d), domain="positive", note="keys")
V = matrix("V", m, e, note="values")
M, O = matrix("M", d, e, note="memory"), matrix("O", n, e, note="output")
u, Z = d.vector("u", note="sum of the keys"), n.vector("Z", note="normaliser")
dO, D = matrix("dO", n, e), n.vector("D")


def forward(Q: np.ndarray, K: np.ndarray, V: np.ndarray) -> Any:
    weights = Q @ K.T
    return weights / weights.sum(axis=1, keepdims=True) @ V


linear_attention = Op(
    name="linear_attention",
    title="Linear attention",
    inputs=(Q, K, V),
    equations=(
        Let(M[k, l], sum_over(K[j, k] * V[j, l], j), "keys times their values"),
        Let(u[k], sum_over(K[j, k], j), "sum of the keys"),
        Let(Z[i], sum_over(Q[i, k] * u[k], k), "normaliser"),
        Let(O[i, l], sum_over(Q[i, k] * M[k, l], k) / Z[i], "output"),
    ),
    aliases=(Let(D[i], sum_over(dO[i, l] * O[i, l], l), "row sums of dO * O"),),
    numpy=forward,
    about=(
        "Where weights are scalar products, keys and values can be summed up before any query "
        "is known, at a cost that grows with the length and not with its square."
    ),
    source="Katharopoulos et al., 2020",
)
