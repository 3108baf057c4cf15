"""Exponents and coefficients: integers where they are, else fractions."""

from __future__ import annotations

from fractions import Fraction

Number = int | Fraction


def is_integer(e: Number) -> bool:
    return isinstance(e, int) or e.denominator == 1


def magnitude(e: Number) -> Number:
    return -e if e < 0 else e


def tidy(e: Number) -> Number:
    """An integer where a fraction is one."""
    return e if type(e) is int or e.denominator != 1 else e.numerator
