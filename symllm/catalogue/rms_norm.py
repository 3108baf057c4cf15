"""RMSNorm: rescale a vector to unit root mean square (Zhang & Sennrich, 2019)."""

from typing import Any

import numpy as np
from sympy import sqrt

from ..equation import Let
from ..notation import Dim, mean, scalar
from ..op import Op

d = Dim("d", "entries")
i, j = d.indices("i j")
x = d.vector("x", note="input")
xhat, y = d.vector("xhat", note="normalised input"), d.vector("y", note="output")
gamma = d.vector("gamma", role="parameter", note="scale of the norm")
eps = scalar("eps", role="constant", domain="positive", note="a small positive constant")
r = scalar("r", note="one over the size of the input")


def forward(x: np.ndarray, gamma: np.ndarray, eps: float) -> Any:
    return gamma * x / np.sqrt((x**2).mean() + eps)


rms_norm = Op(
    name="rms_norm",
    title="RMSNorm",
    inputs=(x, gamma, eps),
    equations=(
        Let(r, 1 / sqrt(mean(x[j] ** 2, j) + eps), "reciprocal root mean square"),
        Let(xhat[i], r * x[i], "unit-RMS input"),
        Let(y[i], gamma[i] * xhat[i], "learned scale"),
    ),
    numpy=forward,
    about="RMSNorm rescales a vector to unit root mean square, without centring it first.",
    source="Zhang & Sennrich, 2019",
)
