"""Soft capping: keep scores within a bound (Gemma 2, 2024)."""

from typing import Any

import numpy as np
from sympy import tanh

from ..equation import Let
from ..notation import Dim, scalar
from ..op import Op

m = Dim("m", "keys")
j = m.index("j")
x = m.vector("x", note="scores")
xtilde, y = m.vector("xtilde", note="squashed scores"), m.vector("y", note="output")
kappa = scalar("kappa", role="constant", domain="positive", note="bound on the scores")


def forward(x: np.ndarray, kappa: float) -> Any:
    return kappa * np.tanh(x / kappa)


softcap = Op(
    name="softcap",
    title="Soft capping",
    inputs=(x, kappa),
    equations=(
        Let(xtilde[j], tanh(x[j] / kappa), "squashed scores"),
        Let(y[j], kappa * xtilde[j], "scores within the bound"),
    ),
    numpy=forward,
    about="Soft capping leaves small scores alone and keeps large ones below a bound.",
    source="Gemma Team, 2024",
)
