"""The mean squared error."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, mean, scalar
from ..op import Op

n = Dim("n", "entries")
i, j = n.indices("i j")
x, e = n.vector("x", note="prediction"), n.vector("e", note="error")
y = n.vector("y", role="target", note="target")
L = scalar("L", note="loss")


def forward(x: np.ndarray, y: np.ndarray) -> Any:
    return np.square(x - y).mean()


mse = Op(
    name="mse",
    title="Mean squared error",
    inputs=(x, y),
    equations=(
        Let(e[i], x[i] - y[i], "error"),
        Let(L, mean(e[j] ** 2, j), "loss"),
    ),
    numpy=forward,
    about="The mean squared error is the average square of what the prediction x misses y by.",
)
