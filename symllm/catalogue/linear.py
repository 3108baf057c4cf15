"""The linear layer: a matrix, a vector and a bias."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, matrix, sum_over
from ..op import Op

m, n = Dim("m", "entries of the input"), Dim("n", "entries of the output")
(i,) = n.indices("i")
(j,) = m.indices("j")
x, y = m.vector("x", note="input"), n.vector("y", note="output")
W = matrix("W", n, m, role="parameter", note="weights")
b = n.vector("b", role="parameter", note="bias")


def forward(x: np.ndarray, W: np.ndarray, b: np.ndarray) -> Any:
    return W @ x + b


linear = Op(
    name="linear",
    title="Linear layer",
    inputs=(x, W, b),
    equations=(Let(y[i], sum_over(W[i, j] * x[j], j) + b[i], "output"),),
    numpy=forward,
    about="A linear layer maps a vector by a matrix and adds a bias.",
)
