r"""Formulas as the field writes them: papers, lecture notes, blog posts, READMEs.

Each row has what is claimed as LaTeX and, by hand, as NumPy, and how the truth is found by
differences, so that a verdict rests on neither the reader nor the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from differences import forward, gradient, jacobian, slope, softmax

Point = SimpleNamespace
Numbers = Callable[[Point], Any]


@dataclass(frozen=True)
class Formula:
    """``truth`` and ``claimed`` give arrays at a point; ``kind`` is the verdict expected."""

    op: str
    latex: str
    kind: str
    truth: Numbers
    claimed: Numbers | None
    where: tuple[str, ...] = ()


def by(name: str) -> Numbers:
    """The gradient by an input."""
    return lambda s: gradient(s, name)


def output(s: Point) -> Any:
    return forward(s)


def pointwise(s: Point) -> Any:
    """The derivative of each entry by its own input."""
    return np.diagonal(jacobian(s, "x"))


def eye(s: Any) -> np.ndarray:
    return np.eye(len(s))


def norm(s: Point) -> Point:
    """Layer norm's quantities: centre, spread, and so on."""
    s.mu, s.v = s.x.mean(), s.x.var()
    s.r = 1 / np.sqrt(s.v + s.eps)
    s.xhat = (s.x - s.mu) * s.r
    s.dxhat = s.gamma * s.g
    return s


def rms(s: Point) -> Point:
    s.r = 1 / np.sqrt((s.x**2).mean() + s.eps)
    s.xhat = s.x * s.r
    s.h = s.gamma * s.g
    return s


def heads(s: Point) -> Point:
    """Attention's quantities and their gradients, each by differences of what follows it."""
    s.S = s.Q @ s.K.T / np.sqrt(s.Q.shape[1])
    s.P = softmax(s.S)
    s.O = s.P @ s.V
    s.dO = s.g
    s.dP = slope(lambda P: (s.g * (P @ s.V)).sum(), s.P)
    s.dS = slope(lambda S: (s.g * (softmax(S) @ s.V)).sum(), s.S)
    s.D = (s.dO * s.O).sum(1)
    return s


G = r"\frac{\partial L}{\partial y_i}"
GI = (r"g_i = \frac{\partial L}{\partial y_i}",)
GG = (r"g_i = \gamma_i \frac{\partial L}{\partial y_i}",)
Y = (r"\mathbf{g} = \frac{\partial L}{\partial \mathbf{y}}",)


def one_hot(s: Point) -> np.ndarray:
    return np.eye(len(s.z))[s.t]
