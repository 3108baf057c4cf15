"""The error of differences against their step: it falls, and rises again where digits run out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import mpmath
import sympy as sp

from ..arithmetic import HIGH, Arithmetic, mp
from ..concrete import Concrete, run
from ..evaluate import Point, evaluate, sample
from ..expressions import subscripts_of
from ..notation import LOSS, Partial
from ..render.subject import Definition
from .picture import Picture
from .plane import Axis, Line, plane

#: Numbers of 53 bits, computed by integers alone: the same on every machine.
DOUBLE = mpmath.MPContext()
DOUBLE.prec = 53

#: Powers of ten: of the step, and of the error.
STEPS, ERRORS = (-15, 0), (-16, 2)
PER_DECADE = 4

#: Powers of two in one of ten.
BITS = Fraction(3322, 1000)


@dataclass(frozen=True, eq=False)
class Rule:
    """A way to take differences: ``weights`` by how many steps away."""

    name: str
    weights: dict[int, tuple[int, int]]


RULES = (
    Rule("one-sided", {0: (-1, 1), 1: (1, 1)}),
    Rule("central", {-1: (-1, 2), 1: (1, 2)}),
    Rule(
        "sixth order",
        {k: (s * w, 60) for s in (-1, 1) for k, w in ((s, 45), (2 * s, -9), (3 * s, 1))},
    ),
)


def error_curve(op: Definition, wrt: str, seed: int = 0) -> Picture:
    """The relative error of differences for one entry of a gradient, against the step.

    The differences are taken in double precision, the gradient with 60 digits.
    """
    point = sample(op.program, seed, upstream=True)
    at = (0,) * op.program.tensors[wrt].rank
    entry = op.program.entry_of[wrt]
    letters = dict(zip(subscripts_of(entry), at, strict=True))
    exact = evaluate(Partial(LOSS, entry), point, letters)
    curves = {
        rule: [(e, error(rule, point, wrt, at, e, exact)) for e in exponents()] for rule in RULES
    }
    words = (
        f"{op.title}: the relative error of differences for one entry of the gradient by "
        f"{wrt}, against the step. Small steps lose digits, large ones curve."
    )
    return Picture(f"{op.name}-differences", drawn(curves, words), words)


def exponents() -> list[Fraction]:
    """The steps' powers of ten."""
    return [Fraction(k, PER_DECADE) for k in range(STEPS[0] * PER_DECADE, 1)]


def error(
    rule: Rule, point: Point, wrt: str, at: tuple[int, ...], exponent: Fraction, exact: Any
) -> float:
    """The error of one difference, as a power of ten."""
    step = DOUBLE.ldexp(1, round(exponent * BITS))  # exact, so that adding it is the only error
    total = DOUBLE.mpf(0)
    for steps, (p, q) in rule.weights.items():
        total += loss(point, wrt, at, steps * step) * p / q
    found = mp.mpf(total) / mp.mpf(step)
    relative = abs((found - exact) / exact)
    lowest = mp.mpf(10) ** ERRORS[0]
    return round(float(mp.log10(max(relative, lowest))), 2)


def loss(point: Point, wrt: str, at: tuple[int, ...], change: Any) -> Any:
    """What the upstream gradients make of the outputs, in double precision."""
    program = point.program
    given = {
        tensor.name: {k: DOUBLE.mpf(v) for k, v in point.values[tensor.name].items()}
        for tensor in program.inputs
    }
    given[wrt][at] += change
    values = run(Concrete(program, point.sizes, double()), given)
    weights = {name: point.upstream[f"d{name}"] for name in program.outputs}
    return sum(
        (values[name][k] * DOUBLE.mpf(w) for name, row in weights.items() for k, w in row.items()),
        DOUBLE.mpf(0),
    )


def double() -> Arithmetic:
    """The evaluator's arithmetic with fewer digits."""
    names = {kind: kind.__name__ for kind in HIGH.functions if kind is not sp.Abs}
    return replace(
        HIGH,
        rational=lambda p, q: DOUBLE.mpf(p) / q,
        pi=+DOUBLE.pi,
        functions={kind: getattr(DOUBLE, name) for kind, name in names.items()} | {sp.Abs: abs},
        is_real=lambda value: bool(DOUBLE.isfinite(value)),
    )


# --------------------------------------------------------------------------
# Drawing
# --------------------------------------------------------------------------


def drawn(curves: Mapping[Rule, Sequence[tuple[Fraction, float]]], title: str) -> str:
    lines = [
        Line(rule.name, tuple((float(e), value) for e, value in points))
        for rule, points in curves.items()
    ]
    return plane(axis("step", STEPS, 3), axis("relative error", ERRORS, 4), lines, title)


def axis(title: str, ends: tuple[int, int], apart: int) -> Axis:
    low, high = map(Fraction, ends)
    ticks = tuple(map(Fraction, range(ends[0], ends[1] + 1, apart)))
    return Axis(title, low, high, ticks, log=True)
