"""The embedding: each token's row of a table."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, Tensor, matrix
from ..op import Op

n = Dim("n", "positions")
v = Dim("v", "tokens of the vocabulary")
d = Dim("d", "width of the stream")
(i,), (k,) = n.indices("i"), d.indices("k")
t = Tensor("t", (n,), role="target", domain=v, note="token at each position")
W = matrix("W", v, d, role="parameter", note="weights: one row for each token")
y = matrix("y", n, d, note="embedded tokens")


def forward(t: np.ndarray, W: np.ndarray) -> Any:
    return np.stack([W[token] for token in t])


embedding = Op(
    name="embedding",
    title="Embedding",
    inputs=(t, W),
    equations=(Let(y[i, k], W[t[i], k], "the row of the token that stands there"),),
    numpy=forward,
    about="An embedding stands for each token t by a row of its own in a table W.",
    source="Bengio et al., 2003",
)
