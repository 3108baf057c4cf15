"""Derivatives of terms: one row per function."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from .change import Change
from .functions import function
from .products import power
from .sums import opened, total
from .terms import (
    ONE,
    Atom,
    Fn,
    Ix,
    Mono,
    Paren,
    Poly,
    Ref,
    Root,
    Subscript,
    Sum,
    atom_poly,
    compare,
    delta,
    number,
)


class Occurrence(NamedTuple):
    """A place where a tensor stands in a term, and the term's derivative there.

    d(term) = sum over ``bound`` of ``slope * d tensor[subs]``.
    """

    bound: tuple[Ix, ...]
    subs: tuple[Subscript, ...]
    slope: Poly
    rule: str


Slope = Callable[[Poly], Poly]


def _erf_slope(a: Poly) -> Poly:
    return function("exp", -(a**2)).scale(2) * power(atom_poly(Root("pi")), Fraction(-1, 2))


#: The derivative of each function of one argument, and the rule's name.
SLOPES: dict[str, tuple[Slope, str]] = {
    "exp": (lambda a: function("exp", a), "derivative of the exponential"),
    "log": (lambda a: a**-1, "derivative of the logarithm"),
    "tanh": (lambda a: ONE - function("tanh", a) ** 2, "derivative of tanh"),
    "erf": (_erf_slope, "derivative of the error function"),
    "sin": (lambda a: function("cos", a), "derivative of the sine"),
    "cos": (lambda a: -function("sin", a), "derivative of the cosine"),
    "abs": (lambda a: function("sign", a), "derivative of the absolute value"),
    "sign": (lambda a: number(0), "a sign is constant almost everywhere"),
}


def occurrences(poly: Poly, name: str) -> list[Occurrence]:
    """Where a tensor stands in a polynomial, with the slope at each place."""
    found: list[Occurrence] = []
    for mono, coefficient in poly.sorted():
        found += [o._replace(slope=o.slope.scale(coefficient)) for o in in_monomial(mono, name)]
    return found


def in_monomial(mono: Mono, name: str) -> list[Occurrence]:
    found: list[Occurrence] = []
    several = sum(not isinstance(a, Root) for a, _ in mono.factors) > 1
    for atom, e in mono.factors:
        places = in_atom(atom, name)
        if not places:
            continue
        rest = ONE
        for other, x in mono.factors:
            if other is not atom:
                rest = rest * atom_poly(other, x)
        outer = rest if e == 1 else rest * atom_poly(atom, e - 1).scale(e)
        for place in places:
            rule = place.rule
            if isinstance(atom, Fn) and atom.name == "exp":
                pass  # its powers are exponentials, too
            elif e < 0 and e == int(e):
                rule = "quotient rule"
            elif e != 1:
                rule = "power rule"
            elif several and rule == "linearity":
                rule = "product rule"
            # A slope under a sum's index must not meet the letters outside.
            found.append(place._replace(slope=outer * place.slope, rule=rule))
    return found


def in_atom(atom: Atom, name: str) -> list[Occurrence]:
    if isinstance(atom, Ref):
        return [Occurrence((), atom.subs, ONE, "linearity")] if atom.name == name else []
    if isinstance(atom, Sum):
        fresh, body = opened(atom)
        return [
            o._replace(bound=fresh + o.bound, rule="sum rule" if o.rule == "linearity" else o.rule)
            for o in occurrences(body, name)
        ]
    if isinstance(atom, Paren):
        return occurrences(atom.poly, name)
    if isinstance(atom, Fn):
        return in_function(atom, name)
    return []  # dimensions, deltas and brackets are constant (almost everywhere)


def in_function(fn: Fn, name: str) -> list[Occurrence]:
    found: list[Occurrence] = []
    for k, arg in enumerate(fn.args):
        inner = occurrences(arg, name)
        if not inner:
            continue
        if fn.name in ("max", "min"):
            slope, rule = _select(fn, k), f"derivative of the {fn.name}imum"
        elif fn.name in SLOPES and len(fn.args) == 1:
            derive, rule = SLOPES[fn.name]
            slope = derive(arg)
        else:
            raise NotImplementedError(f"the derivative of {fn.name} is not known")
        plain = len(inner) == 1 and inner[0].slope == ONE
        for o in inner:
            kind = rule if plain else f"chain rule, {rule}"
            found.append(o._replace(slope=slope * o.slope, rule=kind))
    return found


def _select(fn: Fn, k: int) -> Poly:
    """Where argument k is the largest (or least); at a tie the first that is counts."""
    result = ONE
    for n, other in enumerate(fn.args):
        if n != k:
            smaller, larger = (other, fn.args[k]) if fn.name == "max" else (fn.args[k], other)
            result = result * compare("<" if n < k else "<=", smaller, larger)
    return result


def pull_back(
    cotangent: Poly, indices: tuple[Ix, ...], place: Occurrence, entry: tuple[Ix, ...]
) -> Poly:
    """What one occurrence adds to the adjoint of ``tensor[entry]``.

    The sum over the equation's own indices and those bound around the
    occurrence, where the occurrence is this entry: an index that is summed
    over takes the entry's, for anything else there is a delta.
    """
    summed = (*indices, *place.bound)
    taken: dict[Ix, Subscript] = {}
    apart: list[tuple[Subscript, Ix]] = []
    for sub, ix in zip(place.subs, entry, strict=True):
        if isinstance(sub, Ix) and sub in summed and sub not in taken and sub.dim == ix.dim:
            taken[sub] = ix
        else:
            apart.append((sub, ix))
    change = Change(taken)
    term = change.poly(cotangent * place.slope)
    for sub, ix in apart:
        term = term * delta(change.subscript(sub), ix)
    return total([ix for ix in summed if ix not in taken], term)
