"""Expectations in normal form: linear, constants outside, independent factors apart.

``E[x_i x_j]`` of independent entries depends on whether i is j. Over all ways in which the
indices of a product may coincide it is a sum of cumulants: ``m_i m_j + [i = j] v_i``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import factorial

from ..algebra.change import Change
from ..algebra.functions import function
from ..algebra.numbers import Number
from ..algebra.products import product
from ..algebra.sums import opened, total
from ..algebra.terms import (
    ONE,
    ZERO,
    Atom,
    Fn,
    Ix,
    Mono,
    Poly,
    Position,
    Ref,
    Sum,
    atom_poly,
    fresh_index,
    number,
    size,
)
from .paths import equal

Factor = tuple[Atom, Number]
#: An entry, and the factors that are functions of it.
Entry = tuple[Ref, list[Factor]]

#: Products of more entries of one name than this have too many coincidences.
MOST = 5


@dataclass(frozen=True)
class Distribution:
    """What the engine knows of a random name: mean and variance of the entry at ``indices``."""

    name: str
    indices: tuple[Ix, ...]
    mean: Poly
    variance: Poly
    law: str
    dim: str = ""


def expected(poly: Poly, laws: Mapping[str, Distribution]) -> Poly:
    """The polynomial with every expectation in it brought to normal form."""

    def replace(atom: Atom) -> Poly | None:
        return average(atom.args[0], laws) if isinstance(atom, Fn) and atom.name == "E" else None

    for _ in range(8):  # an expectation may stand in another
        new = Change({}, replace).poly(poly)
        if new == poly:
            return poly
        poly = new
    return poly


def average(poly: Poly, laws: Mapping[str, Distribution]) -> Poly:
    result = ZERO
    for mono, coefficient in poly.terms.items():
        result = result + of_product(mono, laws).scale(coefficient)
    return result


def of_product(mono: Mono, laws: Mapping[str, Distribution]) -> Poly:
    """The expectation of a product: sums in it opened, and what is not random outside."""
    for atom, e in mono.factors:
        if isinstance(atom, Sum) and isinstance(e, int) and e > 0 and atom.names & laws.keys():
            inside, bound = ONE, tuple[Ix, ...]()
            for _ in range(e):
                inner, body = opened(atom)
                inside, bound = inside * body, bound + inner
            rest = product({a: x for a, x in mono.factors if a is not atom})
            return total(bound, average(rest * inside, laws))
    outside = product({a: e for a, e in mono.factors if not a.names & laws.keys()})
    result = outside
    for group in independent(mono, laws):
        result = result * of_group(group, laws)
    return result


def independent(mono: Mono, laws: Mapping[str, Distribution]) -> list[list[Factor]]:
    """The random factors, in groups that have no random name in common."""
    groups: list[tuple[set[str], list[Factor]]] = []
    for factor in mono.factors:
        names = set(factor[0].names & laws.keys())
        if not names:
            continue
        touched = [g for g in groups if g[0] & names]
        apart = [g for g in groups if not g[0] & names]
        joined = [f for g in touched for f in g[1]]
        groups = [*apart, (names.union(*(g[0] for g in touched)), [*joined, factor])]
    return [factors for _, factors in groups]


def of_group(group: list[Factor], laws: Mapping[str, Distribution]) -> Poly:
    """The expectation of factors that depend on each other.

    Where they are all of one name, each of one entry of it, it is a sum over all ways in which
    these entries may coincide.
    """
    names = frozenset[str]().union(*(a.names for a, _ in group)) & laws.keys()
    law = laws[min(names)]
    items: dict[Ref, list[Factor]] = {}
    for atom, e in group:
        found = {h.key: h for h in holders(atom, law.name)}
        if len(found) != 1 or atom.names & laws.keys() != {law.name}:
            return unknown(group)
        (holder,) = found.values()
        items.setdefault(holder, []).append((atom, e))
    if len(items) > MOST or any(s.key.startswith("#") for h in items for s in h.subs):
        return unknown(group)
    result = ZERO
    for blocks in partitions(list(items.items())):
        term = ONE
        for block in blocks:
            (first, _), *others = block
            for entry, _ in others:
                term = term * equal(first.subs, entry.subs)
            term = term * cumulant(block, law)
        result = result + term
    return result


def cumulant(block: list[Entry], law: Distribution) -> Poly:
    """The joint cumulant of factors of one and the same entry."""
    result = ZERO
    for parts in partitions(block):
        term = number((-1) ** (len(parts) - 1) * factorial(len(parts) - 1))
        for part in parts:
            factors = [(a, e, entry) for entry, found in part for a, e in found]
            term = term * moment(block[0][0], factors, law)
        result = result + term
    return result


def moment(ref: Ref, factors: list[tuple[Atom, Number, Ref]], law: Distribution) -> Poly:
    """The expectation of a product of functions of one entry, from what is known of it."""
    if all(a == entry and isinstance(e, int) and e > 0 for a, e, entry in factors):
        known = of_power(ref, sum(int(e) for _, e, _ in factors), law)
        if known is not None:
            return known
    index = fresh_index(law.dim) if law.law == "uniform" else None
    there = atom_poly(ref) if index is None else atom_poly(Position(index))
    body = ONE
    for atom, e, entry in factors:
        body = body * instead(entry, there).mono(Mono(((atom, e),)))
    if index is not None:  # any index, each as likely as any other
        return total((index,), body) * size(law.dim) ** -1
    return function("E", body)


def instead(entry: Ref, there: Poly) -> Change:
    return Change({}, lambda a: there if a == entry else None)


def of_power(ref: Ref, power: int, law: Distribution) -> Poly | None:
    """``E[x_i^power]``, where the mean and the variance say it."""
    here = Change(dict(zip(law.indices, ref.subs, strict=True)))
    mean, variance = here.poly(law.mean), here.poly(law.variance)
    if law.law == "uniform":
        return None
    if power == 1 or law.law == "binary":
        return mean
    if power == 2:
        return variance + mean**2
    return ZERO if law.law == "symmetric" and power % 2 and not mean else None


def unknown(group: Iterable[Factor]) -> Poly:
    """An expectation of which no more is known: an atom of its own."""
    return function("E", product(dict(group)))


def holders(atom: Atom, name: str) -> Iterator[Ref]:
    """The entries of a name inside an atom, as subscripts too."""
    if isinstance(atom, Ref):
        if atom.name == name:
            yield atom
        for s in atom.subs:
            if isinstance(s, Ref):
                yield from holders(s, name)
    for side in ("left", "right"):
        inner = getattr(atom, side, None)
        if isinstance(inner, Ref):
            yield from holders(inner, name)
    polys = (*atom.polys(), *([Poly({atom.body: 1})] if isinstance(atom, Sum) else []))
    for poly in polys:
        for mono in poly.terms:
            for inner, _ in mono.factors:
                yield from holders(inner, name)


def partitions(items: list[Entry]) -> Iterator[list[list[Entry]]]:
    """All ways to divide a list into blocks."""
    if not items:
        yield []
        return
    first, *rest = items
    for smaller in partitions(rest):
        yield [[first], *smaller]
        for k, block in enumerate(smaller):
            yield [*smaller[:k], [first, *block], *smaller[k + 1 :]]
