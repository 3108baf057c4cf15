"""A number that was measured, recognised as what a person would have written."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import sympy as sp

from .points import Point
from .question import Question

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

#: How many of them may stand beside a size or a constant.
SIMPLE = 11

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
    factors, values = known_factors(points)
    scale = np.where(values == 0, 1.0, np.abs(values))
    off = (np.abs(values - np.asarray(measured)) / scale).max(axis=1)
    best = np.where(off <= precision, np.round(4 * off / precision), np.inf)
    k = int(best.argmin())  # the first of those that are about as near
    return factors[k] if np.isfinite(best[k]) else None


def known_factors(points: Sequence[Point]) -> tuple[tuple[sp.Expr, ...], np.ndarray]:
    """The usual factors, and the value of each at each point."""
    memo = points[0].memo
    key = ("factors", *(id(point) for point in points))
    if key not in memo:
        symbols, factors, function = usual(points[0].question)
        known = [np.array([value_of(str(s), point) for point in points]) for s in symbols]
        with np.errstate(all="ignore"):
            values = [np.broadcast_to(value, len(points)) for value in function(*known)]
        memo[key] = factors, np.array(values, dtype=float)
    return memo[key]


Factors = tuple[tuple[sp.Symbol, ...], tuple[sp.Expr, ...], Callable[..., Any]]


def usual(asked: Question) -> Factors:
    """Factors that an op's sizes and constants allow, the simpler first, and their values."""
    program = asked.op.program
    sizes = [dim.symbol for dim in program.dims if dim.size is None]
    batch = [dim.symbol for dim in program.batch]
    scalars = [
        sp.Symbol(t.name)
        for t in program.inputs
        if not t.dims and t.role == "constant" and not t.integer
    ]
    return products(tuple(sizes), tuple(scalars), tuple(batch))


@lru_cache(maxsize=256)
def products(
    sizes: tuple[sp.Symbol, ...], scalars: tuple[sp.Symbol, ...], batch: tuple[sp.Symbol, ...]
) -> Factors:
    plain = [sp.S.One, sp.S.Zero, *NUMBERS]
    powers = [s**p for p in POWERS for s in (*sizes, *scalars)]
    without = [f for n in sizes for f in (n / (n - 1), (n - 1) / n, 1 / (n - 1))]
    rows = [sp.Mul(*batch), 1 / sp.Mul(*batch)] if len(batch) > 1 else []
    pairs = [a * b for a, b in itertools.combinations(powers, 2)]
    mixed = [n * f for f in (*powers, *without, *rows) for n in NUMBERS[:SIMPLE]]
    ones = [f**p for s in scalars for f in (1 - s, s / (1 - s)) for p in (1, -1, 2, -2)]
    found = [*plain, *powers, *without, *rows, *ones, *mixed, *pairs]
    found += [-f for f in (*without, *rows, *ones, *pairs)]
    factors = tuple(dict.fromkeys(found))
    symbols = (*sizes, *scalars)
    return symbols, factors, sp.lambdify(symbols, factors, "numpy")


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
