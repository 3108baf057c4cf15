"""Walking through terms, atom by atom."""

from __future__ import annotations

from collections.abc import Iterator

from .terms import Atom, Delta, Ix, Mono, Poly, Ref, Sum


def atoms(poly: Poly) -> Iterator[Atom]:
    """Every atom in a polynomial, sums and functions opened (indices as numbers)."""
    for mono in poly.terms:
        yield from mono_atoms(mono)


def mono_atoms(mono: Mono) -> Iterator[Atom]:
    for atom, _ in mono.factors:
        yield atom
        if isinstance(atom, Sum):
            yield from mono_atoms(atom.body)
        for inner in atom.polys():
            yield from atoms(inner)
        if isinstance(atom, Ref):
            for s in atom.subs:
                if not isinstance(s, Ix):
                    yield s
        elif isinstance(atom, Delta):
            for s in (atom.left, atom.right):
                if not isinstance(s, Ix):
                    yield s
