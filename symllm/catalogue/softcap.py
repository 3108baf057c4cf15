"""Soft capping: keep scores between -c and c (Gemma 2, 2024)."""

from typing import Any

import numpy as np
from sympy import tanh

from ..equation import Let
from ..notation import Dim, scalar
from ..op import Op

n = Dim("n", "scores")
i = n.index("i")
x = n.vector("x", note="scores")
t, y = n.vector("t"), n.vector("y")
c = scalar("c", role="constant", domain="positive", note="bound on the scores")


def forward(x: np.ndarray, c: float) -> Any:
    return c * np.tanh(x / c)


softcap = Op(
    name="softcap",
    title="Soft capping",
    inputs=(x, c),
    equations=(
        Let(t[i], tanh(x[i] / c), "squashed scores"),
        Let(y[i], c * t[i], "scores within c of zero"),
    ),
    numpy=forward,
    about="Soft capping leaves small scores alone and keeps large ones below a bound.",
    source="Gemma Team, 2024",
)
