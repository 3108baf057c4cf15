"""Inequalities: what is nowhere negative, by how it is made, by assumption or by its digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import sympy as sp
from mpmath import iv

from ..algebra.terms import Atom, Fn, Mono, Paren, Poly, Sum
from ..algebra.walk import mono_atoms

#: Digits to which numbers are enclosed in intervals.
DIGITS = 30


def nonnegative(poly: Poly) -> bool:
    """Is every term a positive number times what is nowhere negative?"""
    return all(c > 0 and nowhere_negative(m) for m, c in poly.terms.items())


def nowhere_negative(mono: Mono) -> bool:
    odd = [a for a, e in mono.factors if not (isinstance(e, int) and e % 2 == 0)]
    return all(
        (a.positive and is_real(a))
        or (isinstance(a, Sum) and nowhere_negative(a.body))
        or (isinstance(a, Paren) and nonnegative(a.poly))
        or (isinstance(a, Fn) and (a.name == "abs" or (a.name == "E" and nonnegative(a.args[0]))))
        for a in odd
    )


def is_real(atom: Atom) -> bool:
    """Are all logarithms in it of what is positive? ``s^n`` reads ``exp(n log s)`` for any s."""
    inside = mono_atoms(Mono(((atom, 1),)))
    return all(a.args[0].positive for a in inside if isinstance(a, Fn) and a.name == "log")


def seen_nonnegative(written: sp.Basic, positive: frozenset[str]) -> bool:
    """Is it made of squares and of what is positive, as written? (Read, squares are opened.)"""
    if isinstance(written, (sp.Add, sp.Mul)):
        return all(seen_nonnegative(part, positive) for part in written.args)
    if isinstance(written, sp.Sum):
        return seen_nonnegative(written.function, positive)
    if isinstance(written, sp.Pow) and not written.exp.is_even:
        return seen_nonnegative(written.base, positive)
    if isinstance(written, sp.Indexed):
        return str(written.base) in positive
    known = isinstance(written, (sp.Pow, sp.exp)) or str(written) in positive
    return bool(known or written.is_nonnegative)


def opened(written: sp.Expr) -> sp.Expr:
    """The expression with its terms multiplied out, but not what stands inside them."""
    return sp.Add(*(sp.expand_mul(t, deep=False) for t in sp.Add.make_args(written)))


def product_nonnegative(
    written: sp.Expr, positive: frozenset[str], assumed: Sequence[sp.Expr]
) -> bool:
    """Is it a product, or a quotient, of factors whose signs are known?

    ``assumed`` are expressions that are nowhere negative by assumption.
    """
    factors = sp.Mul.make_args(sp.factor(sp.together(written)))
    signs = [sign(factor, positive, assumed) for factor in factors]
    return sp.prod(signs) == 1


def sign(factor: sp.Expr, positive: frozenset[str], assumed: Sequence[sp.Expr]) -> int:
    """1 for what is nowhere negative, -1 for what is nowhere positive, 0 for what is not known."""
    if isinstance(factor, sp.Pow) and factor.exp.is_odd:
        return sign(factor.base, positive, assumed)
    for way in (1, -1):
        signed = opened(way * factor)
        if seen_nonnegative(signed, positive) or any(
            (signed / known).is_positive or sp.expand(signed - known) == 0 for known in assumed
        ):
            return way
        if growing(signed, positive):
            return way
    return 0


def growing(written: sp.Expr, positive: frozenset[str]) -> bool:
    """Is it ``exp(a) - 1`` or ``1 - exp(-a)``, of what is not negative?"""
    above, below = written + 1, 1 - written
    if isinstance(above, sp.exp):
        return seen_nonnegative(above.args[0], positive)
    return isinstance(below, sp.exp) and seen_nonnegative(-below.args[0], positive)


# --------------------------------------------------------------------------
# Numbers
# --------------------------------------------------------------------------


def at_most(left: sp.Basic, right: sp.Basic) -> bool:
    """Is one number at most another, by intervals that hold them?"""
    if left.free_symbols | right.free_symbols:
        return False
    before, iv.dps = iv.dps, DIGITS
    try:
        return bool(enclosed(left) <= enclosed(right))
    finally:
        iv.dps = before


def enclosed(number: sp.Basic) -> Any:
    """A number as an interval that holds it; raises ``ValueError`` for what is none."""
    if isinstance(number, sp.Rational):
        return iv.mpf(int(number.p)) / iv.mpf(int(number.q))
    for kind, enclose in ENCLOSED:
        if isinstance(number, kind):
            return enclose(*map(enclosed, number.args))
    raise ValueError(f"{number} is no number that an interval is known for")


ENCLOSED: tuple[tuple[Any, Callable[..., Any]], ...] = (
    (type(sp.pi), lambda: iv.pi),
    (type(sp.E), lambda: iv.exp(1)),
    (sp.exp, iv.exp),
    (sp.log, iv.log),
    (sp.Pow, lambda base, exponent: iv.exp(exponent * iv.log(base))),
    (sp.Add, lambda *terms: sum(terms)),
    (sp.Mul, lambda *factors: math.prod(factors)),
)
