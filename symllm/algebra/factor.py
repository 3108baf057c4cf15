"""Choosing the cheapest way to write a polynomial: common factors outside.

A normal form is multiplied out; a reader wants ``p (g - sum p g)``. Factoring
only ever moves what all terms of a group share outside of a bracket.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm

import sympy as sp
from sympy.polys.domains import QQ
from sympy.polys.rings import ring

from .numbers import Number, magnitude, tidy
from .terms import UNIT, Atom, Compare, Delta, Fn, Ix, Mono, Paren, Poly, Ref, Root, Size, Sum


@dataclass(frozen=True)
class Factored:
    """``coefficient * outside * (sum of inside) ** exponent * product of more``."""

    coefficient: Number
    outside: Mono
    inside: tuple[Factored, ...] = ()
    exponent: int = 1
    more: tuple[Factored, ...] = ()


def factored(poly: Poly, keep: frozenset[Ix] = frozenset(), products: bool = True) -> Factored:
    """The polynomial with common factors pulled out, as deep as that pays.

    With ``products`` it is also written as a product of polynomials where it
    is one. Factors that hold some but not all of the indices in ``keep`` stay
    inside: a Hessian's symmetry is to be seen.
    """
    items = poly.sorted()
    if not items:
        return Factored(0, UNIT)
    if len(items) == 1:
        return Factored(items[0][1], items[0][0])
    common = common_factor([m for m, _ in items], keep)
    scale = _common_number([c for _, c in items]) if common else 1
    if common:
        inner = divide(poly, common, scale)
        tree = factored(inner, keep, products)
        if tree.coefficient == 1 and tree.outside == UNIT:
            return Factored(scale, _mono(common), tree.inside, tree.exponent, tree.more)
        return Factored(scale, _mono(common), (tree,))
    if len(items) >= 4 and products and not keep:
        product = into_product(poly)
        if product is not None:
            return product
    return Factored(1, UNIT, tuple(grouped(poly, keep, products)))


def common_factor(monos: list[Mono], keep: frozenset[Ix] = frozenset()) -> dict[Atom, Number]:
    """The powers that divide every monomial."""
    common = dict(monos[0].factors)
    for mono in monos[1:]:
        powers = dict(mono.factors)
        common = {
            a: (e if magnitude(e) <= magnitude(powers[a]) else powers[a])
            for a, e in common.items()
            if a in powers and (e > 0) == (powers[a] > 0)
        }
    return {a: e for a, e in common.items() if not (a.free & keep) or keep <= a.free}


def _common_number(coefficients: list[Number]) -> Number:
    """The rational that divides all coefficients; decimals such as 0.044715 do not count."""
    fractions = [Fraction(c) for c in coefficients]
    simple = [c for c in fractions if c.denominator <= 100]
    if not simple:
        return 1
    scale = Fraction(gcd(*(c.numerator for c in simple)), lcm(*(c.denominator for c in simple)))
    if all(c < 0 for c in coefficients):
        scale = -scale
    return tidy(scale)


def _mono(powers: dict[Atom, Number]) -> Mono:
    return Mono(tuple(sorted(powers.items(), key=lambda f: f[0].key)))


def divide(poly: Poly, common: dict[Atom, Number], scale: Number = 1) -> Poly:
    """Each term without the common powers."""
    terms: dict[Mono, Number] = {}
    for mono, c in poly.terms.items():
        powers = dict(mono.factors)
        for atom, e in common.items():
            powers[atom] = tidy(powers[atom] - e)
        rest = _mono({a: e for a, e in powers.items() if e})
        terms[rest] = tidy(Fraction(c) / scale)
    return Poly(terms)


def grouped(poly: Poly, keep: frozenset[Ix], products: bool = True) -> list[Factored]:
    """The terms, those that share an atom gathered where that saves writing."""
    counts: dict[Atom, int] = {}
    for mono in poly.terms:
        for atom, e in mono.factors:
            if isinstance(atom, Size | Root) or (atom.free & keep and not keep <= atom.free):
                continue
            if e > 0:
                counts[atom] = counts.get(atom, 0) + 1
    shared = [(n * _weight(a), a.key, a) for a, n in counts.items() if n >= 2]
    if not shared:
        return [Factored(c, m) for m, c in poly.sorted()]
    best = min(shared, key=lambda s: (-s[0], s[1]))[2]
    inside = {m: c for m, c in poly.terms.items() if any(a == best and e > 0 for a, e in m.factors)}
    outside = {m: c for m, c in poly.terms.items() if m not in inside}
    if not outside:
        return [Factored(c, m) for m, c in poly.sorted()]
    gathered = factored(Poly(inside), keep, products)
    rest = factored(Poly(outside), keep, products)
    plain = rest.outside == UNIT and rest.coefficient == 1 and not rest.more and rest.exponent == 1
    return [gathered, *(rest.inside if rest.inside and plain else (rest,))]


def _weight(atom: Atom) -> int:
    return 1 + len(atom.key) // 8 if isinstance(atom, Sum | Fn | Paren) else 1


def into_product(poly: Poly) -> Factored | None:
    """A product of polynomials, where the terms multiply out to it."""
    atoms = sorted({a for m in poly.terms for a, _ in m.factors}, key=lambda a: a.key)
    exponents = [e for m in poly.terms for _, e in m.factors]
    if len(atoms) > 8 or not all(isinstance(e, int) and e > 0 for e in exponents):
        return None
    gens = ring([f"x{k}" for k in range(len(atoms))], QQ)
    domain, symbols = gens[0], gens[1:]
    place = {a: symbols[k] for k, a in enumerate(atoms)}
    element = domain.zero
    for mono, c in poly.terms.items():
        term = domain(QQ(c.numerator, c.denominator))
        for atom, e in mono.factors:
            term = term * place[atom] ** int(e)
        element = element + term
    number, parts = element.factor_list()
    if sum(k for _, k in parts) < 2:
        return None
    trees = []
    value: Number = tidy(Fraction(int(number.numerator), int(number.denominator)))
    for part, k in sorted(parts, key=lambda p: str(p[0])):
        terms = {_part_mono(m, atoms): _fraction(c) for m, c in part.terms()}
        unit = _unit(terms)
        terms = {m: tidy(Fraction(c) / unit) for m, c in terms.items()}
        value = tidy(value * Fraction(unit) ** k)
        inner = tuple(grouped(Poly(terms), frozenset()))
        trees.append(Factored(1, UNIT, inner, k))
    first, *rest = trees
    return Factored(value, UNIT, first.inside, first.exponent, tuple(rest))


def _unit(terms: dict[Mono, Number]) -> Number:
    """What to divide a factor by, so that it reads ``1 - t`` or ``1 + 0.134 x^2``."""
    constant = terms.get(UNIT)
    if constant is not None and any(magnitude(c) > 100 for c in terms.values()):
        return constant
    negative = all(c < 0 for c in terms.values()) or (constant is not None and constant < 0)
    return -1 if negative else 1


def _part_mono(powers: tuple[int, ...], atoms: list[Atom]) -> Mono:
    return _mono({a: e for a, e in zip(atoms, powers, strict=True) if e})


def _fraction(c: sp.Rational) -> Number:
    return tidy(Fraction(int(c.numerator), int(c.denominator)))


# --------------------------------------------------------------------------
# What an expression costs a reader
# --------------------------------------------------------------------------


def cost(poly: Poly) -> float:
    """How much there is to read and to compute: entries, sums, functions."""
    if len(poly.terms) <= 1:
        return sum(1 + mono_cost(m) for m in poly.terms)
    return _cost(poly)


@lru_cache(maxsize=8192)
def _cost(poly: Poly) -> float:
    return 1 + tree_cost(factored(poly, products=False))


def tree_cost(tree: Factored) -> float:
    inner = sum(0.5 + tree_cost(t) for t in tree.inside)
    return mono_cost(tree.outside) + inner + sum(map(tree_cost, tree.more))


def mono_cost(mono: Mono) -> float:
    return sum(atom_cost(a) + (0 if e == 1 else 0.25 if e == -1 else 0.5) for a, e in mono.factors)


def atom_cost(atom: Atom) -> float:
    if isinstance(atom, Ref):
        return 1 + 0.1 * len(atom.subs)
    if isinstance(atom, Sum):
        return 2 * len(atom.bound) + mono_cost(atom.body)
    if isinstance(atom, Fn):
        return 2 + sum(map(cost, atom.args))
    if isinstance(atom, Paren):
        return 1 + cost(atom.poly)
    if isinstance(atom, Delta | Compare):
        return 1
    return 0.25
