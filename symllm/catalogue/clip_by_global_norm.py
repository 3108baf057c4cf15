"""Gradient clipping: shorten what is longer than a bound (Pascanu et al., 2013)."""

from typing import Any

import numpy as np
from sympy import Min, sqrt

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

n = Dim("n", "parameters")
i, j = n.indices("i j")
g = n.vector("g", note="gradient")
u, y = n.vector("u", note="direction"), n.vector("y", note="clipped gradient")
max_norm = scalar("max_norm", role="constant", domain="positive", note="bound on the norm")
r = scalar("r", note="norm")
f = scalar("f", note="factor of the gradient")


def forward(g: np.ndarray, max_norm: float) -> Any:
    norm = np.linalg.norm(g)
    return g if norm <= max_norm else g * (max_norm / norm)


clip_by_global_norm = Op(
    name="clip_by_global_norm",
    title="Clipping by the norm",
    inputs=(g, max_norm),
    equations=(
        Let(r, sqrt(sum_over(g[j] ** 2, j)), "norm"),
        Let(f, Min(1, max_norm / r), "factor, one where the norm is within bounds"),
        Let(y[i], f * g[i], "clipped gradient"),
    ),
    aliases=(Let(u[i], g[i] / r, "direction"),),
    numpy=forward,
    about="A gradient that is too long is shortened to the longest that is allowed.",
    source="Pascanu, Mikolov & Bengio, 2013",
)
