"""Rotary position embedding (Su et al., 2021): pairs of entries turned by an angle."""

from typing import Any

import numpy as np
from sympy import cos, sin

from ..equation import Let
from ..notation import Dim, Iverson, array, matrix, scalar, sum_over
from ..op import Op

n, m, two = Dim("n", "positions"), Dim("m", "pairs"), Dim("2")
i, k, (s, u) = n.index("i"), m.index("k"), two.indices("s u")
pos = n.vector("pos", role="constant", note="positions")
base = scalar("base", role="constant", domain="positive", note="base of the wavelengths")
theta, J = matrix("theta", n, m, note="angles"), matrix("J", two, two, note="quarter turn")

ANGLE = Let(theta[i, k], pos[i] * base ** (-k / m), "angle of each pair at each position")
TURN = Let(J[s, u], Iverson(u < s) - Iverson(s < u), "a quarter turn")


def turned(a: np.ndarray, b: np.ndarray, pos: np.ndarray, base: float) -> tuple[Any, Any]:
    """The points (a, b), each column k turned by the angle pos base^(-k/m)."""
    columns = a.shape[-1]
    points = (a + 1j * b) * np.exp(1j * np.outer(pos, base ** -(np.arange(columns) / columns)))
    return points.real, points.imag


def forward(x: np.ndarray, pos: np.ndarray, base: float) -> Any:
    y = np.empty_like(x)
    y[:, ::2], y[:, 1::2] = turned(x[:, ::2], x[:, 1::2], pos, base)
    return y


def forward_halves(x: np.ndarray, pos: np.ndarray, base: float) -> Any:
    first, second = np.hsplit(x, 2)
    return np.hstack(turned(first, second, pos, base))


x = array("x", n, (m, two), note="input")
y = array("y", n, (m, two), note="output")
rope = Op(
    name="rope",
    title="Rotary position embedding",
    inputs=(x, pos, base),
    equations=(
        ANGLE,
        TURN,
        Let(
            y[i, k, s],
            cos(theta[i, k]) * x[i, k, s] + sin(theta[i, k]) * sum_over(J[s, u] * x[i, k, u], u),
            "each pair turned",
        ),
    ),
    declared=(theta, J, y),
    numpy=forward,
    about=(
        "Neighbouring entries, 2k and 2k + 1, make a point in the plane, which is turned by an "
        "angle in proportion to the position; between two positions, only the difference of "
        "their angles is left in a scalar product."
    ),
    source="Su et al., 2021",
)

x, y = array("x", n, (two, m), note="input"), array("y", n, (two, m), note="output")
rope_halves = Op(
    name="rope_halves",
    title="Rotary position embedding by halves",
    inputs=(x, pos, base),
    equations=(
        ANGLE,
        TURN,
        Let(
            y[i, s, k],
            cos(theta[i, k]) * x[i, s, k] + sin(theta[i, k]) * sum_over(J[s, u] * x[i, u, k], u),
            "each pair turned",
        ),
    ),
    declared=(theta, J, y),
    numpy=forward_halves,
    about=(
        "The pairs are (k, k + m), an entry of the first half with one of the second, as in the "
        "checkpoints of Llama; otherwise this is rotary embedding with its axes renumbered."
    ),
    source="Su et al., 2021",
)
