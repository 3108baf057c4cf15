"""Sinusoidal positions: sines and cosines that tell positions apart (Vaswani et al., 2017)."""

from typing import Any

import numpy as np
from sympy import cos, sin

from ..equation import Let
from ..notation import Dim, matrix, scalar
from ..op import Op

n, m = Dim("n", "positions"), Dim("m", "pairs")
(i,), (k,) = n.indices("i"), m.indices("k")
a = matrix("a", n, m, note="even columns")
b = matrix("b", n, m, note="odd columns")
y_a = matrix("y_a", n, m, note="output, even columns")
y_b = matrix("y_b", n, m, note="output, odd columns")
theta = matrix("theta", n, m, note="angles")
pos, omega = n.vector("pos", note="positions"), m.vector("omega", note="frequencies")
base = scalar("base", role="constant", domain="positive", note="base of the wavelengths")


def forward(a: np.ndarray, b: np.ndarray, pos: np.ndarray, base: float) -> Any:
    table = np.empty((*a.shape, 2))
    for k in range(a.shape[1]):
        angles = pos / base ** (k / a.shape[1])
        table[:, k] = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    return a + table[..., 0], b + table[..., 1]


sinusoidal_positions = Op(
    name="sinusoidal_positions",
    title="Sinusoidal positions",
    inputs=(a, b, pos, base),
    equations=(
        Let(omega[k], base ** (-k / m), "frequencies, each lower than the one before"),
        Let(theta[i, k], pos[i] * omega[k], "angles"),
        Let(y_a[i, k], a[i, k] + sin(theta[i, k]), "even columns"),
        Let(y_b[i, k], b[i, k] + cos(theta[i, k]), "odd columns"),
    ),
    outputs=("y_a", "y_b"),
    declared=(omega,),
    numpy=forward,
    about=(
        "Each position is told by sines and cosines of many frequencies, which are added to its "
        "embedding: sines to the even columns a, cosines to the odd columns b."
    ),
    source="Vaswani et al., 2017",
)
