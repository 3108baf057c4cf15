"""A function that resembles the op, and its gradient at a point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .. import questions
from ..calls import without_calls
from ..errors import SymllmError
from ..program import Program
from ..values import run
from .points import Point
from .question import Question


@dataclass(frozen=True)
class Neighbour:
    """A function that resembles the op, and the gradient of it in the place of the asked one."""

    words: str
    gradient: Callable[[Point], np.ndarray]


def gradient_at(asked: Question, forward: Program, name: str, point: Point) -> np.ndarray:
    """The gradient ``name`` of another forward program, at a point; empty where it has none."""
    key = (forward, name)
    if key not in asked.memo:
        asked.memo[key] = derived(asked, forward, name)
    program = asked.memo[key]
    if key not in point.memo:
        known = run(program, point.drawn, point.sizes) if program else {name: np.empty(0)}
        point.memo[key] = known[name]
    return point.memo[key]


def derived(asked: Question, forward: Program, name: str) -> Program | None:
    """The backward program of a forward program, where it has one."""
    unit = frozenset(forward.outputs) if asked.unit else frozenset()
    try:
        derivation = questions.gradient(asked.op, forward, (name.removeprefix("d"),), unit)
        return without_calls(derivation.backward)
    except (SymllmError, RecursionError):  # it is no function, or none that is understood
        return None
