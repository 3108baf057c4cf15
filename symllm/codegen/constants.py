"""Numbers and sizes as a person writes them: ``0.044715``, ``math.sqrt(2 / math.pi)``."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from .functions import is_size
from .pieces import ATOM, MUL, POWER, Piece, product


def is_constant(expr: sp.Expr) -> bool:
    """Is this made of numbers and sizes alone?"""
    return all(is_size(s) for s in expr.free_symbols) and not expr.has(sp.Indexed)


def is_inverse(expr: sp.Expr) -> bool:
    """Is this one over something?"""
    return isinstance(expr, sp.Pow) and bool(expr.exp.could_extract_minus_sign())


def constant_pieces(value: sp.Expr) -> tuple[list[Piece], list[Piece]]:
    """A positive constant as numerators and denominators; 1 is neither."""
    root = value.has(sp.Pow) and any(
        p.exp.is_Rational and p.exp.q == 2 for p in value.atoms(sp.Pow)
    )
    if root and not isinstance(value, sp.Add):
        above, below = sp.fraction(sp.together(sp.expand_power_base(value**2, force=True)))
        if below == 1:
            return [call("math.sqrt", plain(above))], []
        if above == 1:
            return [], [call("math.sqrt", plain(below))]
        return [call("math.sqrt", product([plain(above)], [plain(below)]))], []
    above, below = sp.fraction(value)
    if above.is_Integer and below.is_Integer and (text := decimal(sp.Rational(above, below))):
        return [Piece(text, kind="weak")], []
    return (
        [] if above == 1 else [plain(above)],
        [] if below == 1 else [plain(below)],
    )


def decimal(value: sp.Rational, always: bool = False) -> str:
    """A short decimal that is exactly the fraction, unless a division reads better."""
    if not always and (value.q == 1 or (value.p == 1 and value.q <= 10)):
        return ""
    q = int(value.q)
    for prime in (2, 5):
        while q % prime == 0:
            q //= prime
    text = repr(float(value))
    return text if q == 1 and len(text) <= 12 and sp.Rational(text) == value else ""


def call(function: str, piece: Piece) -> Piece:
    return Piece(f"{function}({piece.text})", kind="weak")


def plain(value: sp.Expr) -> Piece:
    """A constant without roots, as Python."""
    if value is sp.pi:
        return Piece("math.pi", kind="weak")
    if value is sp.E:
        return Piece("math.e", kind="weak")
    if value.is_Rational and value.q != 1:
        text = decimal(value)
        return Piece(text or f"{value.p} / {value.q}", level=ATOM if text else MUL, kind="weak")
    if value.is_Float:
        return Piece(repr(float(value)), kind="weak")
    if isinstance(value, sp.Mul):
        return replace(product([plain(f) for f in value.args], []), kind="weak")
    if isinstance(value, sp.Pow):
        base, power = plain(value.base), plain(value.exp)
        return Piece(f"{base.tight(ATOM)}**{power.tight(ATOM)}", level=POWER, kind="weak")
    if isinstance(value, sp.Function):
        name = {"log": "math.log", "exp": "math.exp"}[type(value).__name__]
        return call(name, plain(value.args[0]))
    if isinstance(value, sp.Add):
        return Piece(" + ".join(plain(t).text for t in value.args), level=1, kind="weak")
    return Piece(str(value), kind="weak")
