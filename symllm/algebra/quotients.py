"""Quotients: what is zero, once it is multiplied by its denominators, was zero."""

from __future__ import annotations

from .products import product
from .terms import ZERO, Paren, Poly


def cleared(poly: Poly) -> Poly:
    """The polynomial times whatever sums stand in denominators; zero where it was zero."""
    for _ in range(8):
        below = {a: e for m in poly.terms for a, e in m.factors if isinstance(a, Paren) and e < 0}
        if not below:
            return poly
        bracket = min(below, key=lambda a: a.key)
        lowest = min(dict(m.factors).get(bracket, 0) for m in poly.terms)
        result = ZERO
        for mono, coefficient in poly.terms.items():
            powers = dict(mono.factors)
            powers[bracket] = powers.get(bracket, 0) - lowest
            result = result + product(powers).scale(coefficient)
        poly = result
    return poly
