"""The error of differences against their step: it falls, and rises again where digits run out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from .svg import drawing, element, label, number

#: Numbers of 53 bits, computed by integers alone: the same on every machine.
DOUBLE = mpmath.MPContext()
DOUBLE.prec = 53

WIDTH, HEIGHT = 460, 300
LEFT, RIGHT, TOP, BOTTOM = 62, 16, 16, 46

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
    colour: str


RULES = (
    Rule("one-sided", {0: (-1, 1), 1: (1, 1)}, "soft"),
    Rule("central", {-1: (-1, 2), 1: (1, 2)}, "accent"),
    Rule(
        "sixth order",
        {k: (s * w, 60) for s in (-1, 1) for k, w in ((s, 45), (2 * s, -9), (3 * s, 1))},
        "warm",
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

Curves = Mapping[Rule, Sequence[tuple[Fraction, float]]]


def drawn(curves: Curves, title: str) -> str:
    parts = [*axes()]
    for n, (rule, points) in enumerate(curves.items()):
        path = " ".join(f"{number(across(e))},{number(up(value))}" for e, value in points)
        line = {"points": path, "fill": "none", "stroke": rule.colour, "stroke-width": 1.8}
        parts.append(element("polyline", line | {"stroke-linejoin": "round"}))
        y = HEIGHT - BOTTOM - 52 + 20 * n
        sample = {"x1": LEFT + 14, "x2": LEFT + 38, "y1": y - 4, "y2": y - 4}
        parts.append(element("line", sample | {"stroke": rule.colour, "stroke-width": 1.8}))
        parts.append(label(LEFT + 46, y, rule.name, 13, **{"text-anchor": "start"}))
    return drawing(WIDTH, HEIGHT, title, parts)


def across(exponent: Fraction | int) -> float:
    share = float(exponent - STEPS[0]) / (STEPS[1] - STEPS[0])
    return LEFT + (WIDTH - LEFT - RIGHT) * share


def up(value: float) -> float:
    share = (min(max(value, ERRORS[0]), ERRORS[1]) - ERRORS[0]) / (ERRORS[1] - ERRORS[0])
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def axes() -> Iterator[str]:
    """Lines at powers of ten, each with its number."""
    frame = {"stroke": "soft", "stroke-width": 0.5}
    for e in range(STEPS[0], STEPS[1] + 1, 3):
        x = across(e)
        yield element("line", frame | {"x1": x, "x2": x, "y1": TOP, "y2": HEIGHT - BOTTOM})
        yield label(x, HEIGHT - BOTTOM + 18, power(e), 12)
    for e in range(ERRORS[0], ERRORS[1] + 1, 4):
        y = up(e)
        yield element("line", frame | {"x1": LEFT, "x2": WIDTH - RIGHT, "y1": y, "y2": y})
        yield label(LEFT - 8, y + 4, power(e), 12, **{"text-anchor": "end"})
    yield label((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, "step", 13)
    middle = (TOP + HEIGHT - BOTTOM) / 2
    turned = {"transform": f"rotate(-90 14 {number(middle)})"}
    yield label(14, middle, "relative error", 13, **turned)


def power(exponent: int) -> str:
    if not exponent:
        return "1"
    text = str(exponent).replace("-", "\u2212")
    return f'10<tspan dy="-5" font-size="9">{text}</tspan>'
