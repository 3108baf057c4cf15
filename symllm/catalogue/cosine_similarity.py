"""Cosine similarity: how nearly two vectors point the same way."""

from typing import Any

import numpy as np
from sympy import sqrt

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

d = Dim("d", "entries")
i, j = d.indices("i j")
x = d.vector("x", note="first vector")
y = d.vector("y", note="second vector")
xhat, yhat = d.vector("xhat"), d.vector("yhat")
ell_x, ell_y, s = scalar("ell_x"), scalar("ell_y"), scalar("s")


def forward(x: np.ndarray, y: np.ndarray) -> Any:
    return x @ y / (np.linalg.norm(x) * np.linalg.norm(y))


cosine_similarity = Op(
    name="cosine_similarity",
    title="Cosine similarity",
    inputs=(x, y),
    equations=(
        Let(ell_x, sqrt(sum_over(x[j] ** 2, j)), "length of x"),
        Let(ell_y, sqrt(sum_over(y[j] ** 2, j)), "length of y"),
        Let(xhat[i], x[i] / ell_x, "direction of x"),
        Let(yhat[i], y[i] / ell_y, "direction of y"),
        Let(s, sum_over(xhat[i] * yhat[i], i), "cosine of the angle between them"),
    ),
    numpy=forward,
    about=(
        "Cosine similarity compares the directions of two vectors, neither of them zero, and "
        "forgets their lengths: it is 1 where they agree, 0 where they are orthogonal and -1 where "
        "they are opposite."
    ),
    source="Salton, Wong & Yang, 1975",
)
