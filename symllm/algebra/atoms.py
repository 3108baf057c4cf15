"""Atoms: what a monomial is a product of, as data.

Atoms, monomials and polynomials hold one another; here are the first, in
``terms`` the other two. Everything is named by its key.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .terms import Mono, Poly

Number = int | Fraction


class Ix(NamedTuple):
    """An index: its name, and the dimension that it runs over.

    A free index bears a letter, an index that a sum binds a number.
    """

    name: str | int
    dim: str

    @property
    def key(self) -> str:
        return self.name if isinstance(self.name, str) else f"#{self.name}"


NONE: frozenset[Any] = frozenset()


def united(sets: Iterable[frozenset[Any]]) -> frozenset[Any]:
    """The union; most terms hold one set or none, which are not copied."""
    result = NONE
    for s in sets:
        if s and s is not result:
            result = result | s if result else s
    return result


class Atom:
    """What a monomial is a product of. Atoms are equal where their keys are."""

    __slots__ = ("_hash", "free", "height", "key", "names", "positive")

    key: str
    #: The names of the tensors mentioned inside.
    names: frozenset[str]
    #: Free indices inside, by which sums and substitutions find their way.
    free: frozenset[Ix]
    #: How many numbers the sums inside use up for the indices they bind.
    height: int
    #: Is it known to be greater than zero?
    positive: bool

    def _set(
        self,
        key: str,
        free: frozenset[Ix] = NONE,
        height: int = 0,
        positive: bool = False,
        names: frozenset[str] = NONE,
    ) -> None:
        self.key = key
        self._hash = hash(key)
        self.free = free
        self.names = names
        self.height = height
        self.positive = positive

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.key == other.key

    def __repr__(self) -> str:
        return self.key

    def polys(self) -> tuple[Poly, ...]:
        """The polynomials inside, bound indices as numbers."""
        return ()


class Ref(Atom):
    """An entry of a tensor: ``P[i,j]``, or ``z[t]`` where a tensor holds the index."""

    __slots__ = ("name", "subs")

    def __init__(self, name: str, subs: tuple[Subscript, ...] = (), positive: bool = False):
        self.name = name
        self.subs = subs
        free = frozenset(s for s in subs if isinstance(s, Ix))
        gathers = [s for s in subs if not isinstance(s, Ix)]
        key = f"{name}[{','.join(s.key for s in subs)}]" if subs else name
        names = united([frozenset((name,)), *(s.names for s in gathers)])
        self._set(key, united([free, *(s.free for s in gathers)]), 0, positive, names)


Subscript = Ix | Ref


class Size(Atom):
    """A dimension as a number: d."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name
        self._set(f"|{name}|", positive=True)


class Root(Atom):
    """A prime whose fractional powers are factors, or pi."""

    __slots__ = ("value",)

    def __init__(self, value: int | str):
        self.value = value
        self._set(f"{value}", positive=True)


class Position(Atom):
    """An index as a number, as in ``[j <= i]``."""

    __slots__ = ("index",)

    def __init__(self, index: Ix):
        self.index = index
        self._set(f"@{index.key}", frozenset({index}))


class Delta(Atom):
    """Kronecker's delta of two subscripts: 1 where they are equal, else 0."""

    __slots__ = ("left", "right")

    def __init__(self, left: Subscript, right: Subscript):
        left, right = sorted((left, right), key=subscript_order)
        self.left, self.right = left, right
        free = frozenset(s for s in (left, right) if isinstance(s, Ix))
        gathers = [s for s in (left, right) if not isinstance(s, Ix)]
        self._set(
            f"[{left.key}={right.key}]",
            united([free, *(s.free for s in gathers)]),
            names=united(s.names for s in gathers),
        )


class Compare(Atom):
    """Iverson's bracket of an inequality: 1 where it holds, else 0."""

    __slots__ = ("left", "relation", "right")

    def __init__(self, relation: str, left: Poly, right: Poly):
        self.relation, self.left, self.right = relation, left, right
        self._set(
            f"[{left.key}{relation}{right.key}]",
            left.free | right.free,
            max(left.height, right.height),
            names=left.names | right.names,
        )

    def polys(self) -> tuple[Poly, ...]:
        return (self.left, self.right)


class Fn(Atom):
    """A function of one argument or more: ``log``, ``tanh``, ``erf``, ``max``..."""

    __slots__ = ("args", "name")

    def __init__(self, name: str, args: tuple[Poly, ...], positive: bool = False):
        self.name, self.args = name, args
        height = max((a.height for a in args), default=0)
        key = f"{name}({','.join(a.key for a in args)})"
        names = united(a.names for a in args)
        self._set(key, united(a.free for a in args), height, positive or name == "exp", names)

    def polys(self) -> tuple[Poly, ...]:
        return self.args


class Paren(Atom):
    """A polynomial of several terms, raised to a power that is not natural."""

    __slots__ = ("poly",)

    def __init__(self, poly: Poly):
        self.poly = poly
        self._set(f"({poly.key})", poly.free, poly.height, poly.positive, poly.names)

    def polys(self) -> tuple[Poly, ...]:
        return (self.poly,)


class Sum(Atom):
    """A sum of one monomial over indices that it binds by number.

    The numbers start above those used by sums inside, so that a name depends
    on the structure alone: sums that differ in the letter of the index only
    are equal.
    """

    __slots__ = ("body", "bound")

    def __init__(self, bound: tuple[Ix, ...], body: Mono):
        self.bound, self.body = bound, body
        dims = ",".join(ix.dim for ix in bound)
        self._set(
            f"sum{{{dims}}}({body.key})",
            body.free.difference(bound),
            body.height + len(bound),
            body.positive,
            body.names,
        )


def subscript_order(s: Subscript) -> tuple[int, str]:
    # A tensor that holds an index stands for all that equals it.
    return (1, s.key) if isinstance(s, Ix) else (0, s.key)


_counter = itertools.count()


def fresh_index(dim: str) -> Ix:
    """A free index that occurs nowhere else; it never survives in a term.

    Padded, so that the order among fresh indices does not depend on how many
    there were before.
    """
    return Ix(f"~{next(_counter):09d}", dim)


def is_integer(e: Number) -> bool:
    return isinstance(e, int) or e.denominator == 1


def magnitude(e: Number) -> Fraction:
    return abs(Fraction(e))


def tidy(e: Number) -> Number:
    """An integer where a fraction is one."""
    return e.numerator if isinstance(e, Fraction) and e.denominator == 1 else e
