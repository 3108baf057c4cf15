"""Sums over a whole range in closed form: geometric series, and powers of the index."""

from __future__ import annotations

from fractions import Fraction

from ..algebra.change import Change
from ..algebra.functions import function
from ..algebra.sums import opened, total
from ..algebra.terms import ONE, Atom, Fn, Ix, Mono, Poly, Position, Sum, atom_poly, compare, size


def closed(poly: Poly) -> Poly:
    """By ``sum_s q^s = (q^n - 1) / (q - 1)``, where q is not 1, and the sums of s, s^2, s^3."""
    if "@" not in poly.key:
        return poly

    def replace(atom: Atom) -> Poly | None:
        if not isinstance(atom, Sum):
            return None
        return counted(atom) or powers(atom) or geometric(atom)

    return Change({}, replace).poly(poly)


def counted(atom: Sum) -> Poly | None:
    """``sum_j [j < i] = i`` and ``sum_j [i < j] = n - 1 - i``, indices counted from zero."""
    bound, body = opened(atom)
    for index in bound:
        for other in sorted(body.free - {index}, key=lambda ix: ix.key):
            here, there = (atom_poly(Position(ix)) for ix in (index, other))
            known = {
                compare("<", here, there): there,
                compare("<", there, here): size(index.dim) - ONE - there,
            }
            if index.dim == other.dim and body in known:
                return closed(total([ix for ix in bound if ix != index], known[body]))
    return None


def powers(atom: Sum) -> Poly | None:
    """``sum_s s = n (n - 1) / 2`` and its like, the index counted from zero."""
    bound, body = opened(atom)
    n = size(bound[0].dim)
    once = (n**2 - n).scale(Fraction(1, 2))
    known = {1: once, 2: (once * (n.scale(2) - ONE)).scale(Fraction(1, 3)), 3: once**2}
    for power, value in known.items():
        if body == atom_poly(Position(bound[0])) ** power:
            return value
    return None


def geometric(atom: Sum) -> Poly | None:
    """The closed form of a sum of powers; None if it is another sum."""
    bound, body = opened(atom)
    ((mono, coefficient),) = body.terms.items()
    if len(bound) != 1 or coefficient != 1:
        return None
    (index,) = bound
    rate = Poly({})
    for factor, e in mono.factors:
        slope = per_step(factor, index)
        if slope is None:
            return None
        rate = rate + slope.scale(e)
    ratio = function("exp", rate)
    return (function("exp", rate * size(index.dim)) - ONE) * (ratio - ONE) ** -1


def per_step(factor: Atom, index: Ix) -> Poly | None:
    """c, where the factor is ``exp(c s)`` and s the index."""
    if not isinstance(factor, Fn) or factor.name != "exp":
        return None
    result = Poly({})
    for mono, coefficient in factor.args[0].terms.items():
        rest = tuple(f for f in mono.factors if f[0] != Position(index))
        if (Position(index), 1) not in mono.factors or any(index in a.free for a, _ in rest):
            return None
        result = result + Poly({Mono(rest): coefficient})
    return result
