"""Products and powers of polynomials, in normal form."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from math import gcd, lcm

from ..errors import NotationError
from .change import Change
from .numbers import Number, is_integer, tidy
from .terms import (
    ONE,
    OPERATIONS,
    UNIT,
    ZERO,
    Atom,
    Compare,
    Delta,
    Ix,
    Mono,
    Paren,
    Poly,
    Root,
    Subscript,
    atom_poly,
    delta,
    subscript_order,
)


def times(left: Poly, right: Poly) -> Poly:
    """The product of two polynomials, multiplied out."""
    if not left.terms or not right.terms:
        return ZERO
    if len(right.terms) == 1 and UNIT in right.terms:
        return left.scale(right.terms[UNIT])
    if len(left.terms) == 1 and UNIT in left.terms:
        return right.scale(left.terms[UNIT])
    result: dict[Mono, Number] = {}
    for (m1, c1), (m2, c2) in itertools.product(left.terms.items(), right.terms.items()):
        for mono, c in multiply(m1, m2).terms.items():
            new = result.get(mono, 0) + c * c1 * c2
            if new:
                result[mono] = tidy(new)
            else:
                result.pop(mono, None)
    return Poly(result)


def multiply(m1: Mono, m2: Mono) -> Poly:
    """The product of two monomials; powers of one atom are added."""
    if not m1.factors:
        return Poly({m2: 1})
    if not m2.factors:
        return Poly({m1: 1})
    powers: dict[Atom, Number] = dict(m1.factors)
    for atom, exponent in m2.factors:
        powers[atom] = powers.get(atom, 0) + exponent
    return product(powers)


def single(poly: Poly) -> Atom | None:
    """The atom, if the polynomial is one and nothing else."""
    if len(poly.terms) != 1:
        return None
    ((mono, coefficient),) = poly.terms.items()
    if coefficient != 1 or len(mono.factors) != 1:
        return None
    ((atom, exponent),) = mono.factors
    return atom if exponent == 1 else None


def of_powers(factors: Iterable[tuple[Poly | Atom, Number]]) -> Poly:
    """The product of powers; those of single atoms are added before anything is multiplied."""
    powers: dict[Atom, Number] = {}
    others: list[Poly] = []
    for base, exponent in factors:
        if isinstance(base, Atom):
            powers[base] = powers.get(base, 0) + exponent
        elif (atom := single(base)) is not None:
            powers[atom] = powers.get(atom, 0) + exponent
        else:
            others.append(base**exponent)
    result = product(powers) if powers else ONE
    for other in others:
        result = result * other
    return result


#: Atoms of whose powers more is known than that they can be added.
SPECIAL = frozenset({Delta, Compare, Paren, Root})


def product(powers: dict[Atom, Number]) -> Poly:
    """The normal form of a product of powers of atoms."""
    coefficient: Number = 1
    factors: list[tuple[Atom, Number]] = []
    expanded = ONE
    deltas = False
    for atom, exponent in powers.items():
        if not exponent:
            continue
        exponent = tidy(exponent)
        if type(atom) not in SPECIAL:
            factors.append((atom, exponent))
            continue
        if isinstance(atom, Delta):
            exponent, deltas = 1, True
        elif isinstance(atom, Compare):
            exponent = 1
        elif isinstance(atom, Paren) and exponent >= 1:
            whole = exponent.numerator // exponent.denominator
            for _ in range(whole):
                expanded = expanded * atom.poly
            exponent = tidy(exponent - whole)
            if not exponent:
                continue
        elif isinstance(atom, Root) and isinstance(atom.value, int) and not 0 <= exponent < 1:
            whole = exponent.numerator // exponent.denominator
            coefficient = coefficient * Fraction(atom.value) ** whole
            exponent = tidy(exponent - whole)
            if not exponent:
                continue
        factors.append((atom, exponent))
    if deltas:
        result = _under_deltas(factors)
    else:
        if len(factors) > 1:
            factors.sort(key=_by_key)
        result = Poly({Mono(tuple(factors)): 1})
    if coefficient != 1:
        result = result.scale(coefficient)
    return result if expanded is ONE else result * expanded


def _under_deltas(factors: list[tuple[Atom, Number]]) -> Poly:
    """Write each entry beside ``[i = j]`` in the subscript that comes first.

    Subscripts that deltas say are equal form classes; each is spelled as
    deltas from its first member to all others.
    """
    deltas = [a for a, _ in factors if isinstance(a, Delta) and of_one_dimension(a)]
    others = [(a, e) for a, e in factors if a not in deltas]
    first = _representatives(deltas)
    spelled = {a: 1 for s, r in first.items() if s != r for a, _ in _single(delta(r, s))}
    change = Change({s: r for s, r in first.items() if isinstance(s, Ix) and s != r})
    if all(a.free.isdisjoint(change.indices) for a, _ in others):
        return Poly({Mono(tuple(sorted([*spelled.items(), *others], key=_by_key))): 1})
    result = Poly({Mono(tuple(sorted(spelled.items(), key=_by_key))): 1})
    return result * of_powers((change.image(atom), exponent) for atom, exponent in others)


def of_one_dimension(d: Delta) -> bool:
    """Indices of two dimensions that are equal do not stand for each other."""
    return not (isinstance(d.left, Ix) and isinstance(d.right, Ix)) or d.left.dim == d.right.dim


def _representatives(deltas: list[Delta]) -> dict[Subscript, Subscript]:
    """For each subscript the first of those that are equal to it."""
    first: dict[Subscript, Subscript] = {}
    for d in deltas:
        left, right = first.get(d.left, d.left), first.get(d.right, d.right)
        lower, upper = sorted((left, right), key=subscript_order)
        first |= {d.left: left, d.right: right}
        first = {s: lower if r == upper else r for s, r in first.items()}
    return first


def _single(poly: Poly) -> tuple[tuple[Atom, Number], ...]:
    ((mono, _),) = poly.terms.items()
    return mono.factors


def _by_key(factor: tuple[Atom, Number]) -> str:
    return factor[0].key


def power(base: Poly, exponent: Number) -> Poly:
    """A polynomial to a rational power; natural powers are multiplied out."""
    exponent = tidy(exponent)
    if exponent == 1:
        return base
    if exponent == 0:
        return ONE
    if not base.terms:
        if exponent > 0:
            return ZERO
        raise ZeroDivisionError("a denominator is zero")
    if len(base.terms) == 1:
        ((mono, coefficient),) = base.terms.items()
        return _monomial_power(mono, coefficient, exponent)
    if isinstance(exponent, int) and exponent > 0:
        result = base
        for _ in range(exponent - 1):
            result = result * base
        return result
    outside, primitive = content(base, signed=isinstance(exponent, int))
    if outside is ONE:
        return atom_poly(Paren(primitive), exponent)
    return power(outside, exponent) * power(primitive, exponent)


def _monomial_power(mono: Mono, coefficient: Number, exponent: Number) -> Poly:
    if isinstance(exponent, int):
        powers = {a: e * exponent for a, e in mono.factors}
        return product(powers).scale(tidy(Fraction(coefficient) ** exponent))
    result = rational_power(abs(coefficient), exponent)
    kept: list[tuple[Atom, Number]] = []
    for atom, e in mono.factors:
        if atom.positive or not is_integer(e):
            result = result * product({atom: e * exponent})
        else:
            kept.append((atom, e))
    if coefficient < 0 and not kept:
        raise NotationError(f"a root of what is negative: ({coefficient}*{mono})^{exponent}")
    if kept:
        rest = Poly({Mono(tuple(kept)): 1 if coefficient > 0 else -1})
        result = result * atom_poly(Paren(rest), exponent)
    return result


@lru_cache(maxsize=1024)
def rational_power(value: Number, exponent: Number) -> Poly:
    """A positive rational to a rational power, as powers of primes."""
    fraction = Fraction(value)
    result = ONE
    for part, sign in ((fraction.numerator, 1), (fraction.denominator, -1)):
        p = 2
        while part > 1:
            if p * p > part:
                p = part
            count = 0
            while part % p == 0:
                part //= p
                count += 1
            if count:
                result = result * product({Root(p): sign * count * exponent})
            p += 1
    return result


def content(poly: Poly, signed: bool = True) -> tuple[Poly, Poly]:
    """A monomial that divides every term, and the rest with a positive first term.

    The rest has integer coefficients without a common divisor. Not ``signed``:
    the monomial is known to be positive, so that a root may be taken of it.
    """
    items = poly.sorted()
    common: dict[Atom, Number] = dict(items[0][0].factors)
    for mono, _ in items[1:]:
        powers = dict(mono.factors)
        common = {
            a: min(e, powers[a]) if e > 0 else max(e, powers[a])
            for a, e in common.items()
            if a in powers and (e > 0) == (powers[a] > 0)
        }
        if not common:
            break
    # A denominator that only some terms have is taken out as well.
    lowest: dict[Atom, Number] = {}
    for mono, _ in items:
        for atom, e in mono.factors:
            if e < 0 and is_integer(e):
                lowest[atom] = min(lowest.get(atom, 0), e)
    common = {a: e for a, e in common.items() if e > 0} | lowest
    if not signed:  # of what may be negative, even powers
        even = {a: e if a.positive or not is_integer(e) else e - e % 2 for a, e in common.items()}
        common = {a: e for a, e in even.items() if e}
    numerators = [Fraction(c).numerator for _, c in items]
    denominators = [Fraction(c).denominator for _, c in items]
    scale = Fraction(gcd(*numerators), lcm(*denominators))
    if signed and all(c < 0 for _, c in items):
        scale = -scale
    if not common and scale == 1:
        return ONE, poly
    # Exponents are added before anything is multiplied out: P^-1 P is 1.
    rest = ZERO
    for mono, c in items:
        powers = dict(mono.factors)
        for atom, e in common.items():
            powers[atom] = powers.get(atom, 0) - e
        rest = rest + product(powers).scale(tidy(Fraction(c) / scale))
    return product(common).scale(tidy(scale)), rest


OPERATIONS["*"] = times
OPERATIONS["**"] = power
OPERATIONS["of powers"] = of_powers
