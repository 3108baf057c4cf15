"""Curves of functions of one variable, from their formulas."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import mpmath
import sympy as sp

from ..errors import NotationError
from .picture import Picture
from .plane import LOOKS, Axis, Line, plane, round_ticks

#: Into how many pieces the variable's range is cut, and the digits that are computed.
PIECES, DIGITS = 240, 30

#: A formula, or points.
Given: TypeAlias = Any | Sequence[tuple[float, float]]


def curves(
    lines: Mapping[str, Given],
    over: tuple[Any, Any, Any],
    *,
    name: str,
    words: str,
    across: str = "",
    up: str = "",
    within: tuple[Any, Any] | None = None,
    log: str = "",
) -> Picture:
    """Functions of one variable as curves, by what each is called; or points, joined.

    ``over`` is the variable and its range, ``within`` the range that is shown of the
    values (all of it if not given), ``across`` and ``up`` say what the axes are, ``log``
    which are logarithmic: ``"x"``, ``"y"`` or ``"xy"``. Between dollars, letters are
    those of mathematics. ``name`` is that of the picture's file, ``words`` what it shows,
    for who cannot see it and below it. Where a function is not real, its curve has a gap.

    Raises ``NotationError`` where an expression has another variable, where a range is
    empty, or where there is nothing to draw.
    """
    x, low, high = sp.sympify(over[0]), *over[1:]
    if not 0 < len(lines) <= len(LOOKS):
        raise NotationError(f"a picture has 1 to {len(LOOKS)} curves, not {len(lines)}")
    if unknown := set(log) - set("xy"):
        raise NotationError(f"log={log!r}: axes are 'x' and 'y', not {min(unknown)!r}")
    first, last = scaled(low, "x" in log, "over"), scaled(high, "x" in log, "over")
    if not first < last:
        raise NotationError(f"over: from {low} to {high} there is nothing to draw over")
    found = [
        Line(called, tuple(points_of(called, given, x, (first, last), log)))
        for called, given in lines.items()
    ]
    heights = [point[1] for line in found for point in line.points if point]
    if not heights:
        raise NotationError(f"{', '.join(lines)}: no value is real from {low} to {high}")
    if within is None:
        bottom, top = outwards(min(heights), max(heights))
    else:
        bottom, top = (scaled(value, "y" in log, "within") for value in within)
    sideways = axis(across or f"${x}$", first, last, "x" in log)
    return Picture(name, plane(sideways, axis(up, bottom, top, "y" in log), found, words), words)


def scaled(value: Any, log: bool, what: str) -> Fraction:
    """A number as it is counted along an axis."""
    exact = sp.nsimplify(value, rational=True)
    if not exact.is_Rational or (log and exact <= 0):
        raise NotationError(f"{what}: {value} is no {'positive ' if log else ''}number")
    number = Fraction(int(exact.p), int(exact.q))
    return rounded(math.log10(number)) if log else number


def rounded(value: float) -> Fraction:
    return Fraction(f"{value:.9f}")


def outwards(low: float, high: float) -> tuple[Fraction, Fraction]:
    """A range that ends at round numbers."""
    if high - low < 1e-9:
        low, high = low - 1, high + 1
    ticks = round_ticks(rounded(low), rounded(high))
    step = ticks[1] - ticks[0] if len(ticks) > 1 else rounded(high - low)
    return (
        math.floor(rounded(low) / step) * step,
        math.ceil(rounded(high) / step) * step,
    )


def axis(title: str, low: Fraction, high: Fraction, log: bool) -> Axis:
    ticks = round_ticks(low, high)
    if log and high - low >= 2:
        ticks = tuple(dict.fromkeys(tick for tick in ticks if tick.denominator == 1))
    elif log:
        decades = range(math.floor(low), math.ceil(high) + 1)
        within = (rounded(math.log10(n) + e) for e in decades for n in (1, 2, 5))
        ticks = tuple(tick for tick in within if low <= tick <= high)
    return Axis(title, low, high, ticks, log)


def points_of(
    called: str, given: Given, x: sp.Symbol, over: tuple[Fraction, Fraction], log: str
) -> Iterator[tuple[float, float] | None]:
    """Points along an axis, ``None`` where the value is not real."""
    if isinstance(given, Sequence):
        for across, up in given:
            yield float(scaled(across, "x" in log, called)), float(scaled(up, "y" in log, called))
        return
    given = sp.sympify(given)
    if others := sorted(map(str, given.free_symbols - {x})):
        raise NotationError(f"{called}: a curve over {x} cannot have {', '.join(others)} in it")
    function = sp.lambdify(x, given, "mpmath")
    low, high = over
    for n in range(PIECES + 1):
        along = low + (high - low) * n / PIECES
        yield point_at(function, along, log)


def point_at(function: Any, along: Fraction, log: str) -> tuple[float, float] | None:
    with mpmath.workdps(DIGITS):
        place = mpmath.mpf(along.numerator) / along.denominator
        try:
            value = mpmath.mpmathify(function(mpmath.mpf(10) ** place if "x" in log else place))
            if not mpmath.isfinite(value) or value.imag or ("y" in log and value <= 0):
                return None
            return float(along), float(mpmath.log10(value) if "y" in log else value)
        except (ValueError, ZeroDivisionError, OverflowError):  # it has no value there
            return None
