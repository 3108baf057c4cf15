"""The linear layer without a bias."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, matrix, sum_over
from ..op import Op

m, n = Dim("m", "entries of the input"), Dim("n", "entries of the output")
(i,), (j,) = n.indices("i"), m.indices("j")
x, y = m.vector("x", note="input"), n.vector("y", note="output")
W = matrix("W", n, m, role="parameter", note="weights")


def forward(x: np.ndarray, W: np.ndarray) -> Any:
    return W @ x


projection = Op(
    name="projection",
    title="Projection",
    inputs=(x, W),
    equations=(Let(y[i], sum_over(W[i, j] * x[j], j), "output"),),
    numpy=forward,
    about="A linear layer without a bias, as Llama has throughout.",
)
