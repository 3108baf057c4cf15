"""Cosine similarity: how nearly two vectors point the same way."""

from typing import Any

import numpy as np
from sympy import sqrt

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

d = Dim("d", "width of the stream")
i, j = d.indices("i j")
x = d.vector("x", note="first vector")
u = d.vector("u", note="second vector")
xhat = d.vector("xhat", note="normalised input")
uhat = d.vector("uhat", note="second vector, normalised")
ell_x = scalar("ell_x", note="length of the first vector")
ell_u = scalar("ell_u", note="length of the second vector")
s = scalar("s", note="cosine of the angle")


def forward(x: np.ndarray, u: np.ndarray) -> Any:
    return x @ u / (np.linalg.norm(x) * np.linalg.norm(u))


cosine_similarity = Op(
    name="cosine_similarity",
    title="Cosine similarity",
    inputs=(x, u),
    equations=(
        Let(ell_x, sqrt(sum_over(x[j] ** 2, j)), "first length"),
        Let(ell_u, sqrt(sum_over(u[j] ** 2, j)), "second length"),
        Let(xhat[i], x[i] / ell_x, "first direction"),
        Let(uhat[i], u[i] / ell_u, "second direction"),
        Let(s, sum_over(xhat[i] * uhat[i], i), "cosine of the angle between them"),
    ),
    numpy=forward,
    about=(
        "Cosine similarity compares the directions of two vectors, neither of them zero, and "
        "forgets their lengths: it is 1 where they agree, 0 where they are orthogonal and -1 where "
        "they are opposite."
    ),
    source="Salton, Wong & Yang, 1975",
)
