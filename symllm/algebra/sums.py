"""Sums: split, pulled out, merged and collapsed, their indices numbered canonically."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

from .change import REBUILD, Change
from .numbers import Number
from .terms import (
    ONE,
    ZERO,
    Atom,
    Delta,
    Ix,
    Mono,
    Poly,
    Subscript,
    Sum,
    atom_poly,
    fresh_index,
    size,
)


def opened(atom: Sum) -> tuple[tuple[Ix, ...], Poly]:
    """A sum's bound indices as fresh free ones, and its body in them."""
    fresh = tuple(fresh_index(ix.dim) for ix in atom.bound)
    return fresh, Change(dict(zip(atom.bound, fresh, strict=True))).mono(atom.body)


def _rebuild_sum(atom: Sum, change: Change) -> Poly | Atom:
    fresh, body = opened(atom)
    if change.dims:
        moved = {ix: Ix(ix.name, change.dims.get(ix.dim, ix.dim)) for ix in fresh}
        return total(moved.values(), change.with_indices(moved).poly(body))
    rebuilt = change.poly(body)
    return atom if rebuilt == body else total(fresh, rebuilt)


REBUILD[Sum] = _rebuild_sum


def total(indices: Iterable[Ix], poly: Poly) -> Poly:
    """The sum of a polynomial over free indices of it, which become bound.

    Sums are split, what does not depend on an index is pulled out, sums
    inside are merged with those outside, and a delta collapses its sum.
    """
    indices = tuple(indices)
    if not indices:
        return poly
    result = ZERO
    for mono, coefficient in poly.terms.items():
        result = result + _sum_of_monomial(indices, mono).scale(coefficient)
    return result


def _sum_of_monomial(indices: tuple[Ix, ...], mono: Mono) -> Poly:
    bound = set(indices)
    for atom, exponent in mono.factors:
        if isinstance(atom, Delta) and not atom.free.isdisjoint(bound):
            for old, new in ((atom.right, atom.left), (atom.left, atom.right)):
                if old in bound and isinstance(old, Ix) and _may_stand_for(new, old):
                    rest = Poly({Mono(tuple(f for f in mono.factors if f[0] is not atom)): 1})
                    left = tuple(ix for ix in indices if ix != old)
                    return total(left, Change({old: new}).poly(rest))
        if (
            isinstance(atom, Sum)
            and isinstance(exponent, int)
            and exponent > 0
            and not atom.free.isdisjoint(bound)
        ):
            inside, fresh = ONE, indices
            for _ in range(exponent):
                inner, body = opened(atom)
                inside, fresh = inside * body, fresh + inner
            rest = Poly({Mono(tuple(f for f in mono.factors if f[0] is not atom)): 1})
            return total(fresh, rest * inside)

    result = ONE
    outside: list[tuple[Atom, Number]] = []
    groups: list[tuple[set[Ix], list[tuple[Atom, Number]]]] = []
    for factor in mono.factors:
        touched = factor[0].free & bound
        if not touched:
            outside.append(factor)
            continue
        joined: tuple[set[Ix], list[tuple[Atom, Number]]] = (set(touched), [factor])
        apart = []
        for group in groups:
            if group[0] & touched:
                joined = (group[0] | joined[0], group[1] + joined[1])
            else:
                apart.append(group)
        groups = [*apart, joined]
    if outside:
        result = Poly({Mono(tuple(outside)): 1})
    used: set[Ix] = set()
    for indexed, factors in groups:
        used |= indexed
        result = result * atom_poly(close(tuple(ix for ix in indices if ix in indexed), factors))
    for ix in indices:
        if ix not in used:
            result = result * size(ix.dim)
    return result


def _may_stand_for(new: Subscript, old: Ix) -> bool:
    """May an index be renamed so? Only within its dimension, and not to what holds it."""
    if isinstance(new, Ix):
        return new.dim == old.dim and new != old
    return old not in new.free


def close(indices: tuple[Ix, ...], factors: list[tuple[Atom, Number]]) -> Sum:
    """The sum of a product over free indices, these numbered canonically."""
    mono = Mono(tuple(sorted(factors, key=lambda f: f[0].key)))
    start = mono.height

    def numbered(order: Iterable[Ix]) -> Sum:
        bound = {ix: Ix(start + k, ix.dim) for k, ix in enumerate(order)}
        ((body, one),) = Change(bound).mono(mono).terms.items()
        assert one == 1
        return Sum(tuple(bound.values()), body)

    if len(indices) == 1:
        return numbered(indices)
    signatures = _signatures(indices, mono)
    classes = [
        list(group)
        for _, group in itertools.groupby(
            sorted(indices, key=signatures.__getitem__), key=signatures.__getitem__
        )
    ]
    orders = itertools.product(*(itertools.permutations(c) for c in classes))
    candidates = [numbered(itertools.chain(*order)) for order in orders]
    return min(candidates, key=lambda s: s.key)


def _signatures(indices: tuple[Ix, ...], mono: Mono) -> dict[Ix, str]:
    """What tells the bound indices of one sum apart, whatever their letters."""
    signatures = {}
    for ix in indices:
        mask: dict[Ix, Subscript] = {o: Ix("?", o.dim) for o in indices}
        mask[ix] = Ix("!", ix.dim)
        change = Change(mask)
        parts = sorted(f"{change.apply(a).key}^{e}" for a, e in mono.factors if ix in a.free)
        signatures[ix] = f"{ix.dim}:{';'.join(parts)}"
    return signatures
