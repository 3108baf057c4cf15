"""Atoms, monomials and polynomials: the engine's terms as data.

A monomial is a mapping from atoms to exponents, a polynomial one from
monomials to coefficients; everything is sorted and named by its key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from .atoms import (
    Atom,
    Compare,
    Delta,
    Ix,
    Number,
    Ref,
    Subscript,
    Sum,
    is_integer,
    tidy,
    united,
)


class Mono:
    """A product of atoms with rational exponents, sorted by key."""

    __slots__ = ("_hash", "factors", "free", "height", "key", "names")

    def __init__(self, factors: tuple[tuple[Atom, Number], ...]):
        self.factors = factors
        self.key = "*".join(a.key if e == 1 else f"{a.key}^{e}" for a, e in factors)
        self._hash = hash(self.key)
        self.free = united(a.free for a, _ in factors)
        self.names = united(a.names for a, _ in factors)
        self.height = max((a.height for a, _ in factors), default=0)

    @property
    def positive(self) -> bool:
        return all(a.positive or not is_integer(e) for a, e in self.factors)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mono) and self.key == other.key

    def __repr__(self) -> str:
        return self.key or "1"


UNIT = Mono(())


class Poly:
    """A sum of monomials with rational coefficients; the normal form of a term."""

    __slots__ = ("_free", "_key", "_names", "terms")

    def __init__(self, terms: dict[Mono, Number]):
        self.terms = terms
        self._key: str | None = None
        self._free: frozenset[Ix] | None = None
        self._names: frozenset[str] | None = None

    @property
    def key(self) -> str:
        if self._key is None:
            parts = sorted((m.key, c) for m, c in self.terms.items())
            self._key = "+".join(f"{c}*{k}" if c != 1 else k or "1" for k, c in parts) or "0"
        return self._key

    @property
    def free(self) -> frozenset[Ix]:
        if self._free is None:
            self._free = united(m.free for m in self.terms)
        return self._free

    @property
    def names(self) -> frozenset[str]:
        """The names of the tensors mentioned."""
        if self._names is None:
            self._names = united(m.names for m in self.terms)
        return self._names

    @property
    def height(self) -> int:
        return max((m.height for m in self.terms), default=0)

    @property
    def positive(self) -> bool:
        return bool(self.terms) and all(c > 0 and m.positive for m, c in self.terms.items())

    @property
    def constant(self) -> Number | None:
        """Its value, if it is a number."""
        if not self.terms:
            return 0
        if len(self.terms) == 1 and UNIT in self.terms:
            return self.terms[UNIT]
        return None

    def sorted(self) -> list[tuple[Mono, Number]]:
        return sorted(self.terms.items(), key=lambda item: item[0].key)

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Poly) and self.terms == other.terms

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __repr__(self) -> str:
        return self.key

    def __add__(self, other: Poly) -> Poly:
        if not self.terms:
            return other
        terms = dict(self.terms)
        for mono, coefficient in other.terms.items():
            new = terms.get(mono, 0) + coefficient
            if new:
                terms[mono] = tidy(new)
            else:
                terms.pop(mono, None)
        return Poly(terms)

    def __neg__(self) -> Poly:
        return self.scale(-1)

    def __sub__(self, other: Poly) -> Poly:
        return self + other.scale(-1)

    def scale(self, number: Number) -> Poly:
        if number == 1:
            return self
        if not number:
            return ZERO
        return Poly({m: tidy(c * number) for m, c in self.terms.items()})

    def __mul__(self, other: Poly) -> Poly:
        return OPERATIONS["*"](self, other)

    def __pow__(self, exponent: Number) -> Poly:
        return OPERATIONS["**"](self, exponent)


#: How polynomials are multiplied and raised to powers. Products know how to
#: rebuild what stands beside a delta, rebuilding multiplies: the table, which
#: ``products`` fills in, keeps the data apart from that circle.
OPERATIONS: dict[str, Callable[[Poly, Any], Poly]] = {}


ZERO = Poly({})
ONE = Poly({UNIT: 1})


def number(value: Number) -> Poly:
    return Poly({UNIT: tidy(value)}) if value else ZERO


def atom_poly(atom: Atom, exponent: Number = 1) -> Poly:
    return Poly({Mono(((atom, exponent),)): 1})


def delta(left: Subscript, right: Subscript) -> Poly:
    return ONE if left == right else atom_poly(Delta(left, right))


def compare(relation: str, left: Poly, right: Poly) -> Poly:
    difference = (left - right).constant
    if difference is None:
        return atom_poly(Compare(relation, left, right))
    holds = difference < 0 or (difference == 0 and relation == "<=")
    return ONE if holds else ZERO


# --------------------------------------------------------------------------
# Walking
# --------------------------------------------------------------------------


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
