"""Atoms, monomials and polynomials: the engine's terms as data.

A monomial is a mapping from atoms to exponents, a polynomial one from
monomials to coefficients; everything is sorted and named by its key.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

from .numbers import Number, is_integer, tidy
from .slots import NONE, kept, united


class Ix(NamedTuple):
    """An index: its name, and the dimension that it runs over.

    A free index bears a letter, an index that a sum binds a number.
    """

    name: str | int
    dim: str

    @property
    def key(self) -> str:
        return self.name if isinstance(self.name, str) else f"#{self.name}"


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
        return self is other or (isinstance(other, Atom) and self.key == other.key)

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
        names = frozenset((name,))
        if not subs:
            self._set(name, NONE, 0, positive, names)
            return
        key = f"{name}[{','.join([s.key for s in subs])}]"
        free = frozenset([s for s in subs if isinstance(s, Ix)])
        if len(free) < len(subs):
            gathers = [s for s in subs if isinstance(s, Ref)]
            free = united([free, *(s.free for s in gathers)])
            names = united([names, *(s.names for s in gathers)])
        self._set(key, free, 0, positive, names)


Subscript = Ix | Ref


class Size(Atom):
    """A dimension as a number: d."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name
        self._set(f"|{name}|", positive=True)


def size(name: str) -> Poly:
    """A dimension as a polynomial: a symbol, or the number that it is."""
    return number(int(name)) if name.isdigit() else atom_poly(Size(name))


class Root(Atom):
    """A prime whose fractional powers are factors, or pi."""

    __slots__ = ("value",)

    def __init__(self, value: int | str):
        self.value = value
        self._set(f"'{value}", positive=True)


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


class Mono:
    """A product of atoms with rational exponents, sorted by key."""

    def __init__(self, factors: tuple[tuple[Atom, Number], ...]):
        self.factors = factors
        self._hash = hash(factors)

    @kept
    def key(self) -> str:
        return "*".join([a.key if e == 1 else f"{a.key}^{e}" for a, e in self.factors])

    @kept
    def free(self) -> frozenset[Ix]:
        return united([a.free for a, _ in self.factors])

    @kept
    def names(self) -> frozenset[str]:
        return united([a.names for a, _ in self.factors])

    @kept
    def height(self) -> int:
        return max([a.height for a, _ in self.factors], default=0)

    @property
    def positive(self) -> bool:
        return all(a.positive or not is_integer(e) for a, e in self.factors)

    @property
    def nonnegative(self) -> bool:
        return all(a.positive or not is_integer(e) or e % 2 == 0 for a, e in self.factors)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mono) and self.factors == other.factors

    def __repr__(self) -> str:
        return self.key or "1"


UNIT = Mono(())


class Poly:
    """A sum of monomials with rational coefficients; the normal form of a term."""

    def __init__(self, terms: dict[Mono, Number]):
        self.terms = terms

    @kept
    def key(self) -> str:
        parts = sorted([(m.key, c) for m, c in self.terms.items()])
        return "+".join([f"{c}*{k}" if c != 1 else k or "1" for k, c in parts]) or "0"

    @kept
    def free(self) -> frozenset[Ix]:
        return united([m.free for m in self.terms])

    @kept
    def names(self) -> frozenset[str]:
        """The names of the tensors mentioned."""
        return united([m.names for m in self.terms])

    @property
    def height(self) -> int:
        return max((m.height for m in self.terms), default=0)

    @property
    def positive(self) -> bool:
        if not all(c > 0 and m.nonnegative for m, c in self.terms.items()):
            return False
        return any(m.positive for m in self.terms)

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
        return self is other or (isinstance(other, Poly) and self.terms == other.terms)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __repr__(self) -> str:
        return self.key

    def __add__(self, other: Poly) -> Poly:
        if not self.terms or not other.terms:
            return self if self.terms else other
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
OPERATIONS: dict[str, Callable[..., Poly]] = {}


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
