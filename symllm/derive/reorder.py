"""Sums over all places of a permutation: terms in another order."""

from __future__ import annotations

from collections.abc import Collection

from ..algebra.change import Change
from ..algebra.sums import opened, total
from ..algebra.terms import Atom, Ix, Poly, Position, Ref, Sum, atom_poly, fresh_index


def in_order(poly: Poly, permutations: Collection[str]) -> Poly:
    """``sum_i f(pi[i]) = sum_i f(i)``, where the index is in nothing else."""
    if not poly.names & set(permutations):
        return poly

    def replace(atom: Atom) -> Poly | None:
        return reordered(atom, permutations) if isinstance(atom, Sum) else None

    return Change({}, replace).poly(poly)


def reordered(atom: Sum, permutations: Collection[str]) -> Poly | None:
    """The sum with plain indices in the place of permuted ones; None where there are none."""
    bound, body = opened(atom)
    found = False
    for index in bound:
        for name in sorted(atom.names & set(permutations)):
            plain = fresh_index(index.dim)
            new = without(body, Ref(name, (index,)), plain)
            if index not in new.free and plain in new.free:
                bound = tuple(plain if ix == index else ix for ix in bound)
                body, found = new, True
                break
    return total(bound, body) if found else None


def without(body: Poly, permuted: Ref, plain: Ix) -> Poly:
    place = atom_poly(Position(plain))
    return Change({}, lambda atom: place if atom == permuted else None).poly(body)
