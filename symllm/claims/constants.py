"""A number that was measured, recognised as what a person would have written."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import sympy as sp

from .points import Point

#: Numbers that people multiply by, or forget to.
NUMBERS: tuple[sp.Expr, ...] = (
    *(sp.Integer(k) for k in (-1, 2, -2, 3, 4, 8)),
    *(sp.Rational(1, k) for k in (2, -2, 3, 4, 8)),
    *(sp.Rational(p, q) for p, q in ((2, 3), (3, 2), (3, 4), (4, 3))),
    sp.log(2),
    1 / sp.log(2),
    sp.log(10),
    1 / sp.log(10),
    sp.sqrt(2),
    1 / sp.sqrt(2),
    sp.pi,
    1 / sp.pi,
    2 * sp.pi,
    sp.sqrt(sp.pi),
    1 / sp.sqrt(sp.pi),
    sp.sqrt(2 / sp.pi),
    sp.sqrt(sp.pi / 2),
    sp.sqrt(2 * sp.pi),
    1 / sp.sqrt(2 * sp.pi),
    2 / sp.sqrt(sp.pi),
)

POWERS = tuple(map(sp.Rational, ("1", "-1", "1/2", "-1/2", "2", "-2")))


def recognised(
    measured: Sequence[float], points: Sequence[Point], precision: float
) -> sp.Expr | None:
    """The simplest of the usual factors that has these values at these points, if any.

    Numbers, sizes and scalar constants of the op, their roots and powers, and
    products of two; ``precision`` is how well they are known, relatively.
    """
    if not all(np.isfinite(measured)):
        return None
    for factor in usual(points[0]):
        at = [number(factor, point) for point in points]
        if all(
            abs(m - a) <= precision * max(abs(a), 1e-12) for m, a in zip(measured, at, strict=True)
        ):
            return factor
    return None


def usual(point: Point) -> Iterator[sp.Expr]:
    """Factors that a point's sizes and constants allow, the simpler first."""
    question = point.question
    sizes = [dim.symbol for dim in question.op.program.dims if dim.size is None]
    batch = [dim.symbol for dim in question.op.program.batch]
    scalars = [
        sp.Symbol(t.name)
        for t in question.op.program.inputs
        if not t.dims and t.role == "constant" and not t.integer
    ]
    return iter(products(tuple(sizes), tuple(scalars), tuple(batch)))


@lru_cache(maxsize=256)
def products(
    sizes: tuple[sp.Expr, ...], scalars: tuple[sp.Expr, ...], batch: tuple[sp.Expr, ...]
) -> tuple[sp.Expr, ...]:
    plain = [sp.S.One, sp.S.Zero, *NUMBERS]
    powers = [s**p for p in POWERS for s in (*sizes, *scalars)]
    without = [f for n in sizes for f in (n / (n - 1), (n - 1) / n, 1 / (n - 1))]
    rows = [sp.Mul(*batch), 1 / sp.Mul(*batch)] if len(batch) > 1 else []
    pairs = [a * b for a, b in itertools.combinations(powers, 2)]
    mixed = [n * f for f in (*powers, *without, *rows) for n in NUMBERS[:6]]
    ones = [1 - s for s in scalars] + [1 / (1 - s) for s in scalars]
    found = [*plain, *powers, *without, *rows, *ones, *mixed, *pairs]
    found += [-f for f in (*without, *rows, *ones, *pairs)]
    return tuple(dict.fromkeys(found))


def number(factor: sp.Expr, point: Point) -> float:
    """The value of a factor in a point's sizes and scalar inputs."""
    known = {s: value_of(str(s), point) for s in factor.free_symbols}
    try:
        return float(factor.xreplace({s: sp.Float(v, 20) for s, v in known.items()}))
    except (TypeError, OverflowError):
        return float("nan")


def value_of(name: str, point: Point) -> float:
    if name in point.sizes:
        return float(point.sizes[name])
    drawn = point.drawn.get(name)
    return float(drawn) if drawn is not None and drawn.ndim == 0 else float("nan")
