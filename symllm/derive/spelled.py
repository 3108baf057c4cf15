"""Functions and brackets spelled out, so that what is one number is written in one way.

Logarithms of numbers are those of primes, hyperbolic functions are exponentials, a maximum has
no positive factor in all its arguments, an absolute value begins with a plus, and ``j <= i`` is
``j < i`` or ``j = i``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sympy as sp

from ..algebra.change import Change
from ..algebra.functions import function
from ..algebra.numbers import Number
from ..algebra.products import product
from ..algebra.terms import (
    ONE,
    ZERO,
    Atom,
    Compare,
    Fn,
    Poly,
    Position,
    Root,
    atom_poly,
    compare,
    delta,
    number,
)

#: Numbers larger than this are not taken apart into primes.
LARGEST = 10**12


def spelled_out(poly: Poly) -> Poly:
    return Change({}, spelled).poly(poly)


def spelled(atom: Atom) -> Poly | None:
    if isinstance(atom, Compare):
        return bracket(atom)
    if isinstance(atom, Fn) and atom.name in FUNCTIONS:
        return FUNCTIONS[atom.name](atom)
    return None


def bracket(atom: Compare) -> Poly | None:
    """``[j <= i] = [j < i] + [i = j]``, where both count the same."""
    places = [index_of(side) for side in (atom.left, atom.right)]
    if atom.relation != "<=" or None in places or places[0].dim != places[1].dim:
        return None
    return compare("<", atom.left, atom.right) + delta(*places)


def index_of(poly: Poly) -> Any:
    """The index, where a polynomial is its place and nothing else."""
    atoms = [a for mono, c in poly.terms.items() if c == 1 for a, e in mono.factors if e == 1]
    alone = len(atoms) == 1 and poly == atom_poly(atoms[0])
    return atoms[0].index if alone and isinstance(atoms[0], Position) else None


def logarithm(atom: Fn) -> Poly | None:
    """``log(p/q)`` by primes: ``log 12 = 2 log 2 + log 3``."""
    (arg,) = atom.args
    if len(arg.terms) == 1 and not arg.constant:  # a prime whose roots are factors
        ((mono, c),) = arg.terms.items()
        ((inner, e), *more) = mono.factors
        if isinstance(inner, Root) and isinstance(inner.value, int) and c == 1 and not more:
            return of_prime(inner.value).scale(e)
        return None
    value = sp.Rational(arg.constant or 0)
    if value <= 0 or max(value.p, value.q) > LARGEST:
        return None
    result = ZERO
    for prime, e in sp.factorrat(value).items():
        result = result + of_prime(int(prime)).scale(int(e))
    return result


def of_prime(prime: int) -> Poly:
    return atom_poly(Fn("log", (number(prime),)))


def tangent(atom: Fn) -> Poly:
    """``tanh a = (exp(2a) - 1) / (exp(2a) + 1)``."""
    twice = function("exp", atom.args[0].scale(2))
    return (twice - ONE) * (twice + ONE) ** -1


def choice(atom: Fn) -> Poly | None:
    """``max(c a, c b) = c max(a, b)`` for what is positive; of one argument the size of it."""
    monos = [mono for arg in atom.args for mono in arg.terms]
    shared: dict[Atom, Number] = {a: e for a, e in monos[0].factors if a.positive} if monos else {}
    for mono in monos:
        powers = dict(mono.factors)
        shared = {a: min(e, powers[a]) for a, e in shared.items() if a in powers}
    if not shared:
        return None
    outside = product(shared)
    return outside * function(atom.name, *(arg * outside**-1 for arg in atom.args))


def magnitude(atom: Fn) -> Poly | None:
    """``abs(-a) = abs(a)``: what comes first has a positive sign."""
    (arg,) = atom.args
    if not arg.terms or arg.sorted()[0][1] > 0:
        return choice(atom)
    turned = arg.scale(-1)
    return choice(Fn(atom.name, (turned,))) or function(atom.name, turned)


FUNCTIONS: dict[str, Callable[[Fn], Poly | None]] = {
    "log": logarithm,
    "tanh": tangent,
    "max": choice,
    "min": choice,
    "abs": magnitude,
}
