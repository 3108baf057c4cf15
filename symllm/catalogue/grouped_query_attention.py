"""Grouped-query attention (Ainslie et al., 2023): query heads that share keys and values."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, Tensor
from ..op import Op
from .attention import attention

n = Dim("n", "positions")
m = Dim("m", "keys")
g = Dim("g", "heads of keys")
u = Dim("u", "heads of queries for one of keys")
d = Dim("d", "width of keys")
e = Dim("e", "width of values")
(i,), (j,), (k,), (l,) = n.indices("i"), m.indices("j"), d.indices("k"), e.indices("l")
(s,), (t,) = g.indices("s"), u.indices("t")
Q = Tensor("Q", (g, u, n, d), note="queries")
K = Tensor("K", (g, m, d), note="keys")
V = Tensor("V", (g, m, e), note="values")
O = Tensor("O", (g, u, n, e), note="output")


def forward(Q: np.ndarray, K: np.ndarray, V: np.ndarray) -> Any:
    groups, heads, rows, width = Q.shape
    output = np.empty((groups, heads, rows, V.shape[2]))
    for at in np.ndindex(groups, heads):
        scores = Q[at] @ K[at[0]].T / np.sqrt(width)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        output[at] = weights / weights.sum(axis=1, keepdims=True) @ V[at[0]]
    return output


grouped_query_attention = Op(
    name="grouped_query_attention",
    title="Grouped-query attention",
    inputs=(Q, K, V),
    equations=(
        Let(
            O[s, t, i, l],
            attention(Q[s, t, i, k], K[s, j, k], V[s, j, l], over=(i, k, j, l)),
            "output of each query head of each group",
        ),
    ),
    numpy=forward,
    about=(
        "The query heads of a group share one head of keys and values, which makes the cache of a "
        "model that generates text smaller by the size of a group."
    ),
    source="Ainslie et al., 2023",
)
