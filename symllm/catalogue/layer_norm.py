"""Layer normalisation (Ba, Kiros & Hinton, 2016)."""

from typing import Any

import numpy as np
from sympy import sqrt

from ..equation import Let
from ..notation import Dim, mean, scalar
from ..op import Op

d = Dim("d", "entries")
i, j = d.indices("i j")
x = d.vector("x", note="input")
c, xhat = d.vector("c", note="centred input"), d.vector("xhat", note="normalised input")
y = d.vector("y", note="output")
gamma = d.vector("gamma", role="parameter", note="scale of the norm")
beta = d.vector("beta", role="parameter", note="shift of the norm")
eps = scalar("eps", role="constant", domain="positive", note="a small positive constant")
mu, v = scalar("mu", note="mean"), scalar("v", note="variance")
r = scalar("r", note="one over the size of the input")


def forward(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float) -> Any:
    return gamma * (x - x.mean()) / np.sqrt(x.var() + eps) + beta


layer_norm = Op(
    name="layer_norm",
    title="Layer normalisation",
    inputs=(x, gamma, beta, eps),
    equations=(
        Let(mu, mean(x[j], j), "mean"),
        Let(c[i], x[i] - mu, "centred input"),
        Let(v, mean(c[j] ** 2, j), "variance"),
        Let(r, 1 / sqrt(v + eps), "reciprocal standard deviation"),
        Let(xhat[i], r * c[i], "normalised input"),
        Let(y[i], gamma[i] * xhat[i] + beta[i], "learned scale and shift"),
    ),
    numpy=forward,
    about=(
        "Layer normalisation shifts and scales a vector to mean zero and variance one, then lets "
        "the network choose another scale and shift."
    ),
    source="Ba, Kiros & Hinton, 2016",
)
