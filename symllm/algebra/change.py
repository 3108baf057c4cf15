"""Rebuilding terms with other indices, dimensions or atoms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .functions import function
from .terms import (
    OPERATIONS,
    Atom,
    Compare,
    Delta,
    Fn,
    Ix,
    Mono,
    Paren,
    Poly,
    Position,
    Ref,
    Size,
    Subscript,
    atom_poly,
    compare,
    delta,
    size,
)


class Change:
    """How to rebuild a term.

    Free indices by a mapping, dimensions by their names, and whole atoms by a
    function that returns what to put in an atom's place, or None to leave it;
    ``heads`` are the tensors it looks for, where it looks for some only.
    """

    __slots__ = ("atom", "dims", "heads", "indices")

    def __init__(
        self,
        indices: Mapping[Ix, Subscript],
        atom: Callable[[Atom], Poly | None] | None = None,
        dims: Mapping[str, str] | None = None,
        heads: frozenset[str] | None = None,
    ) -> None:
        self.indices = indices
        self.atom = atom
        self.dims = dims or {}
        self.heads = heads

    def leaves(self, term: Poly | Mono | Atom) -> bool:
        """Does the change leave a term as it is? Cheap to say, and true of most."""
        if self.dims or not term.free.isdisjoint(self.indices):
            return False
        if self.atom is None:
            return True
        return self.heads is not None and self.heads.isdisjoint(term.names)

    def with_indices(self, more: Mapping[Ix, Subscript]) -> Change:
        return Change({**self.indices, **more}, self.atom, self.dims, self.heads)

    def subscript(self, s: Subscript) -> Subscript:
        if isinstance(s, Ix):
            return self.indices.get(s, s)
        replaced = self.atom(s) if self.atom is not None else None
        if replaced is not None:  # what an integer tensor stands for is an index or another one
            ((mono, _),) = replaced.terms.items()
            ((atom, _),) = mono.factors
            return atom.index if isinstance(atom, Position) else atom  # type: ignore[return-value]
        return _ref(s, Change(self.indices))

    def poly(self, poly: Poly) -> Poly:
        if self.leaves(poly):
            return poly
        result = Poly({})
        for mono, coefficient in poly.terms.items():
            result = result + self.mono(mono).scale(coefficient)
        return result

    def mono(self, mono: Mono) -> Poly:
        if self.leaves(mono):
            return Poly({mono: 1})
        return OPERATIONS["of powers"]([(self.image(atom), e) for atom, e in mono.factors])

    def apply(self, atom: Atom) -> Poly:
        image = self.image(atom)
        return image if isinstance(image, Poly) else atom_poly(image)

    def image(self, atom: Atom) -> Poly | Atom:
        """What an atom becomes; one that stays an atom need not be made a polynomial."""
        if self.leaves(atom):
            return atom.poly if isinstance(atom, Paren) else atom
        rebuilt = rebuild(atom, self)
        if self.atom is None:
            return rebuilt
        if isinstance(rebuilt, Atom):
            replaced = self.atom(rebuilt)
            return rebuilt if replaced is None else replaced
        if isinstance(atom, Paren) and len(rebuilt.terms) > 1:
            return self.atom(Paren(rebuilt)) or rebuilt
        if len(rebuilt.terms) != 1:
            return rebuilt
        ((mono, coefficient),) = rebuilt.terms.items()
        if len(mono.factors) != 1 or mono.factors[0][1] != 1:
            return rebuilt
        replaced = self.atom(mono.factors[0][0])
        return rebuilt if replaced is None else replaced.scale(coefficient)


def rebuild(atom: Atom, change: Change) -> Poly | Atom:
    """The atom with a change made to the indices and polynomials inside it."""
    build = REBUILD.get(type(atom))
    return build(atom, change) if build else atom


def _ref(ref: Ref, change: Change) -> Ref:
    subs = tuple([change.subscript(s) for s in ref.subs])
    return ref if subs == ref.subs else Ref(ref.name, subs, ref.positive)


def _position(atom: Position, change: Change) -> Atom:
    new = change.subscript(atom.index)
    return Position(new) if isinstance(new, Ix) else new


def _compare(atom: Compare, change: Change) -> Poly:
    return compare(atom.relation, change.poly(atom.left), change.poly(atom.right))


#: How each kind of atom is rebuilt; sums join where it is known how to sum.
REBUILD: dict[type[Atom], Callable[[Any, Change], Poly | Atom]] = {
    Ref: _ref,
    Size: lambda a, change: size(change.dims.get(a.name, a.name)),
    Position: _position,
    Delta: lambda a, change: delta(change.subscript(a.left), change.subscript(a.right)),
    Compare: _compare,
    Fn: lambda a, change: function(a.name, *(change.poly(p) for p in a.args)),
    Paren: lambda a, change: change.poly(a.poly),
}
