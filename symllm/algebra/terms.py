"""Atoms, monomials and polynomials in one canonical order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache
from math import gcd
from typing import NamedTuple

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


class Atom:
    """What a monomial is a product of. Atoms are equal where their keys are."""

    __slots__ = ("_hash", "free", "height", "key", "positive")

    key: str
    #: Free indices inside, by which sums and substitutions find their way.
    free: frozenset[Ix]
    #: How many numbers the sums inside use up for the indices they bind.
    height: int
    #: Is it known to be greater than zero?
    positive: bool

    def _set(
        self, key: str, free: frozenset[Ix] = frozenset(), height: int = 0, positive: bool = False
    ) -> None:
        self.key = key
        self._hash = hash(key)
        self.free = free
        self.height = height
        self.positive = positive

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Atom) and self.key == other.key

    def __repr__(self) -> str:
        return self.key

    def map(self, change: Change) -> Poly:
        """The atom with ``change`` applied to the polynomials and indices inside."""
        return atom_poly(self)

    def polys(self) -> tuple[Poly, ...]:
        """The polynomials inside, bound indices as numbers."""
        return ()


class Change:
    """How to rebuild a term.

    Free indices by a mapping, dimensions by their names, and whole atoms by a
    function that returns what to put in an atom's place, or None to leave it.
    """

    __slots__ = ("atom", "dims", "indices")

    def __init__(
        self,
        indices: Mapping[Ix, Subscript],
        atom: Callable[[Atom], Poly | None] | None = None,
        dims: Mapping[str, str] | None = None,
    ) -> None:
        self.indices = indices
        self.atom = atom
        self.dims = dims or {}

    @property
    def everywhere(self) -> bool:
        """Must every atom be looked at, or those only that hold a free index?"""
        return self.atom is not None or bool(self.dims)

    def with_indices(self, more: Mapping[Ix, Subscript]) -> Change:
        return Change({**self.indices, **more}, self.atom, self.dims)

    def subscript(self, s: Subscript) -> Subscript:
        if isinstance(s, Ix):
            return self.indices.get(s, s)
        (found,) = s.map(Change(self.indices)).terms
        return found.factors[0][0]  # type: ignore[return-value]

    def poly(self, poly: Poly) -> Poly:
        if not self.everywhere and poly.free.isdisjoint(self.indices):
            return poly
        result = Poly({})
        for mono, coefficient in poly.terms.items():
            result = result + self.mono(mono).scale(coefficient)
        return result

    def mono(self, mono: Mono) -> Poly:
        if not self.everywhere and mono.free.isdisjoint(self.indices):
            return Poly({mono: 1})
        result = ONE
        for atom, exponent in mono.factors:
            result = result * self.apply(atom) ** exponent
        return result

    def apply(self, atom: Atom) -> Poly:
        if not self.everywhere and atom.free.isdisjoint(self.indices):
            return atom_poly(atom)
        rebuilt = atom.map(self)
        if self.atom is None:
            return rebuilt
        if isinstance(atom, Paren) and len(rebuilt.terms) > 1:
            return self.atom(Paren(rebuilt)) or rebuilt
        if len(rebuilt.terms) != 1:
            return rebuilt
        ((mono, coefficient),) = rebuilt.terms.items()
        if len(mono.factors) != 1 or mono.factors[0][1] != 1:
            return rebuilt
        replaced = self.atom(mono.factors[0][0])
        return rebuilt if replaced is None else replaced.scale(coefficient)


class Ref(Atom):
    """An entry of a tensor: ``P[i,j]``, or ``z[t]`` where a tensor holds the index."""

    __slots__ = ("name", "subs")

    def __init__(self, name: str, subs: tuple[Subscript, ...] = (), positive: bool = False):
        self.name = name
        self.subs = subs
        free = frozenset().union(*({s} if isinstance(s, Ix) else s.free for s in subs))
        key = f"{name}[{','.join(s.key for s in subs)}]" if subs else name
        self._set(key, free, 0, positive)

    def map(self, change: Change) -> Poly:
        subs = tuple(change.subscript(s) for s in self.subs)
        return atom_poly(self if subs == self.subs else Ref(self.name, subs, self.positive))


Subscript = Ix | Ref


class Size(Atom):
    """A dimension as a number: d."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name
        self._set(f"|{name}|", positive=True)

    def map(self, change: Change) -> Poly:
        return atom_poly(Size(change.dims.get(self.name, self.name)))


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

    def map(self, change: Change) -> Poly:
        new = change.subscript(self.index)
        return atom_poly(Position(new) if isinstance(new, Ix) else new)


class Delta(Atom):
    """Kronecker's delta of two subscripts: 1 where they are equal, else 0."""

    __slots__ = ("left", "right")

    def __init__(self, left: Subscript, right: Subscript):
        left, right = sorted((left, right), key=_subscript_order)
        self.left, self.right = left, right
        free = frozenset().union(*({s} if isinstance(s, Ix) else s.free for s in (left, right)))
        self._set(f"[{left.key}={right.key}]", free)

    def map(self, change: Change) -> Poly:
        return delta(change.subscript(self.left), change.subscript(self.right))


class Compare(Atom):
    """Iverson's bracket of an inequality: 1 where it holds, else 0."""

    __slots__ = ("left", "relation", "right")

    def __init__(self, relation: str, left: Poly, right: Poly):
        self.relation, self.left, self.right = relation, left, right
        self._set(
            f"[{left.key}{relation}{right.key}]",
            left.free | right.free,
            max(left.height, right.height),
        )

    def map(self, change: Change) -> Poly:
        return compare(self.relation, change.poly(self.left), change.poly(self.right))

    def polys(self) -> tuple[Poly, ...]:
        return (self.left, self.right)


class Fn(Atom):
    """A function of one argument or more: ``log``, ``tanh``, ``erf``, ``max``..."""

    __slots__ = ("args", "name")

    def __init__(self, name: str, args: tuple[Poly, ...], positive: bool = False):
        self.name, self.args = name, args
        free = frozenset().union(*(a.free for a in args))
        height = max((a.height for a in args), default=0)
        key = f"{name}({','.join(a.key for a in args)})"
        self._set(key, free, height, positive or name == "exp")

    def map(self, change: Change) -> Poly:
        return function(self.name, *(change.poly(a) for a in self.args))

    def polys(self) -> tuple[Poly, ...]:
        return self.args


class Paren(Atom):
    """A polynomial of several terms, raised to a power that is not natural."""

    __slots__ = ("poly",)

    def __init__(self, poly: Poly):
        self.poly = poly
        self._set(f"({poly.key})", poly.free, poly.height, poly.positive)

    def map(self, change: Change) -> Poly:
        return change.poly(self.poly)

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
        )

    def open(self) -> tuple[tuple[Ix, ...], Poly]:
        """The bound indices as fresh free ones, and the body in them."""
        fresh = tuple(fresh_index(ix.dim) for ix in self.bound)
        return fresh, Change(dict(zip(self.bound, fresh, strict=True))).mono(self.body)

    def map(self, change: Change) -> Poly:
        fresh, body = self.open()
        if change.dims:
            moved = {ix: Ix(ix.name, change.dims.get(ix.dim, ix.dim)) for ix in fresh}
            return total(moved.values(), change.with_indices(moved).poly(body))
        return total(fresh, change.poly(body))


def _subscript_order(s: Subscript) -> tuple[int, str]:
    # A tensor that holds an index stands for all that equals it.
    return (1, s.key) if isinstance(s, Ix) else (0, s.key)


_counter = itertools.count()


def fresh_index(dim: str) -> Ix:
    """A free index that occurs nowhere else; it never survives in a term."""
    return Ix(f"~{next(_counter)}", dim)


# --------------------------------------------------------------------------
# Monomials and polynomials
# --------------------------------------------------------------------------


class Mono:
    """A product of atoms with rational exponents, sorted by key."""

    __slots__ = ("_hash", "factors", "free", "height", "key")

    def __init__(self, factors: tuple[tuple[Atom, Number], ...]):
        self.factors = factors
        self.key = "*".join(a.key if e == 1 else f"{a.key}^{e}" for a, e in factors)
        self._hash = hash(self.key)
        self.free = frozenset().union(*(a.free for a, _ in factors))
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


def is_integer(e: Number) -> bool:
    return isinstance(e, int) or e.denominator == 1


def tidy(e: Number) -> Number:
    """An integer where a fraction is one."""
    return e.numerator if isinstance(e, Fraction) and e.denominator == 1 else e


class Poly:
    """A sum of monomials with rational coefficients; the normal form of a term."""

    __slots__ = ("_free", "_key", "terms")

    def __init__(self, terms: dict[Mono, Number]):
        self.terms = terms
        self._key: str | None = None
        self._free: frozenset[Ix] | None = None

    @property
    def key(self) -> str:
        if self._key is None:
            parts = sorted((m.key, c) for m, c in self.terms.items())
            self._key = "+".join(f"{c}*{k}" if c != 1 else k or "1" for k, c in parts) or "0"
        return self._key

    @property
    def free(self) -> frozenset[Ix]:
        if self._free is None:
            self._free = frozenset().union(*(m.free for m in self.terms))
        return self._free

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
        if not self.terms or not other.terms:
            return ZERO
        if other.terms.keys() == UNIT_ONLY:
            return self.scale(other.terms[UNIT])
        if self.terms.keys() == UNIT_ONLY:
            return other.scale(self.terms[UNIT])
        result: dict[Mono, Number] = {}
        for (m1, c1), (m2, c2) in itertools.product(self.terms.items(), other.terms.items()):
            for mono, c in multiply(m1, m2).terms.items():
                new = result.get(mono, 0) + c * c1 * c2
                if new:
                    result[mono] = tidy(new)
                else:
                    result.pop(mono, None)
        return Poly(result)

    def __pow__(self, exponent: Number) -> Poly:
        return power(self, exponent)


UNIT_ONLY = {UNIT: 1}.keys()
ZERO = Poly({})
ONE = Poly({UNIT: 1})


def number(value: Number) -> Poly:
    return Poly({UNIT: tidy(value)}) if value else ZERO


def atom_poly(atom: Atom, exponent: Number = 1) -> Poly:
    return Poly({Mono(((atom, exponent),)): 1})


def multiply(m1: Mono, m2: Mono) -> Poly:
    """The product of two monomials; powers of one atom are added."""
    if not m1.factors:
        return Poly({m2: 1})
    if not m2.factors:
        return Poly({m1: 1})
    powers: dict[Atom, Number] = dict(m1.factors)
    for atom, exponent in m2.factors:
        powers[atom] = powers.get(atom, 0) + exponent
    return product(powers)


def product(powers: dict[Atom, Number]) -> Poly:
    """The normal form of a product of powers of atoms."""
    coefficient: Number = 1
    factors: list[tuple[Atom, Number]] = []
    expanded = ONE
    equal: dict[Ix, Subscript] = {}
    for atom, exponent in powers.items():
        if not exponent:
            continue
        exponent = tidy(exponent)
        if isinstance(atom, Delta):
            exponent = 1
            if isinstance(atom.right, Ix):
                equal[atom.right] = atom.left
        elif isinstance(atom, Compare):
            exponent = 1
        elif isinstance(atom, Paren) and exponent >= 1:
            whole = exponent.numerator // exponent.denominator
            for _ in range(whole):
                expanded = expanded * atom.poly
            exponent = tidy(exponent - whole)
            if not exponent:
                continue
        elif isinstance(atom, Root) and isinstance(atom.value, int) and not 0 <= exponent < 1:
            whole = exponent.numerator // exponent.denominator
            coefficient = coefficient * Fraction(atom.value) ** whole
            exponent = tidy(exponent - whole)
            if not exponent:
                continue
        factors.append((atom, exponent))
    if equal:
        result = _under_deltas(factors, equal)
    else:
        factors.sort(key=lambda f: f[0].key)
        result = Poly({Mono(tuple(factors)): 1})
    if coefficient != 1:
        result = result.scale(coefficient)
    return result if expanded is ONE else result * expanded


def _under_deltas(factors: list[tuple[Atom, Number]], equal: dict[Ix, Subscript]) -> Poly:
    """Write each entry beside ``[i = j]`` in the index that comes first."""
    for right, left in list(equal.items()):
        while isinstance(left, Ix) and left in equal and equal[left] != right:
            left = equal[left]
        equal[right] = left
    change = Change(equal)
    settled = all(
        a.free.isdisjoint(equal) or (isinstance(a, Delta) and equal.get(a.right) == a.left)
        for a, _ in factors
    )
    if settled:
        factors.sort(key=lambda f: f[0].key)
        return Poly({Mono(tuple(factors)): 1})
    result = ONE
    for atom, exponent in factors:
        if isinstance(atom, Delta) and equal.get(atom.right) is not None:
            left, right = equal[atom.right], atom.right
            result = result * (delta(left, right) if left != right else ONE)
            if equal[atom.right] != atom.left:
                result = result * delta(change.subscript(atom.left), left)
        else:
            result = result * change.apply(atom) ** exponent
    return result


def power(base: Poly, exponent: Number) -> Poly:
    """A polynomial to a rational power; natural powers are multiplied out."""
    exponent = tidy(exponent)
    if exponent == 1:
        return base
    if exponent == 0:
        return ONE
    if not base.terms:
        if exponent > 0:
            return ZERO
        raise ZeroDivisionError("a denominator is zero")
    if len(base.terms) == 1:
        ((mono, coefficient),) = base.terms.items()
        return _monomial_power(mono, coefficient, exponent)
    if isinstance(exponent, int) and exponent > 0:
        result = base
        for _ in range(exponent - 1):
            result = result * base
        return result
    outside, primitive = content(base)
    if outside is ONE:
        return atom_poly(Paren(primitive), exponent)
    return power(outside, exponent) * atom_poly(Paren(primitive), exponent)


def _monomial_power(mono: Mono, coefficient: Number, exponent: Number) -> Poly:
    if isinstance(exponent, int):
        powers = {a: e * exponent for a, e in mono.factors}
        return product(powers).scale(tidy(Fraction(coefficient) ** exponent))
    if coefficient < 0:
        raise ValueError(f"a root of a negative term: ({coefficient}*{mono})^{exponent}")
    result = rational_power(coefficient, exponent)
    kept: list[tuple[Atom, Number]] = []
    for atom, e in mono.factors:
        if atom.positive or not is_integer(e):
            result = result * product({atom: e * exponent})
        else:
            kept.append((atom, e))
    if kept:
        rest = Poly({Mono(tuple(kept)): 1})
        result = result * atom_poly(Paren(rest), exponent)
    return result


@lru_cache(maxsize=1024)
def rational_power(value: Number, exponent: Number) -> Poly:
    """A positive rational to a rational power, as powers of primes."""
    fraction = Fraction(value)
    result = ONE
    for part, sign in ((fraction.numerator, 1), (fraction.denominator, -1)):
        p = 2
        while part > 1:
            if p * p > part:
                p = part
            count = 0
            while part % p == 0:
                part //= p
                count += 1
            if count:
                result = result * product({Root(p): sign * count * exponent})
            p += 1
    return result


def content(poly: Poly) -> tuple[Poly, Poly]:
    """A monomial that divides every term, and the rest with a positive first term.

    The rest has integer coefficients without a common divisor.
    """
    items = poly.sorted()
    common: dict[Atom, Number] = dict(items[0][0].factors)
    for mono, _ in items[1:]:
        powers = dict(mono.factors)
        common = {
            a: min(e, powers[a]) if e > 0 else max(e, powers[a])
            for a, e in common.items()
            if a in powers and (e > 0) == (powers[a] > 0)
        }
        if not common:
            break
    # A denominator that only some terms have is taken out as well.
    lowest: dict[Atom, Number] = {}
    for mono, _ in items:
        for atom, e in mono.factors:
            if e < 0 and is_integer(e):
                lowest[atom] = min(lowest.get(atom, 0), e)
    common = {a: e for a, e in common.items() if e > 0} | lowest
    numerators = [Fraction(c).numerator for _, c in items]
    denominators = [Fraction(c).denominator for _, c in items]
    scale = Fraction(gcd(*numerators), _lcm(denominators))
    if items[0][1] < 0 and all(c < 0 for _, c in items):
        scale = -scale
    if not common and scale == 1:
        return ONE, poly
    outside = product(common).scale(tidy(scale))
    inverse = product({a: -e for a, e in common.items()}).scale(tidy(1 / scale))
    return outside, poly * inverse


def _lcm(values: Iterable[int]) -> int:
    result = 1
    for v in values:
        result = result * v // gcd(result, v)
    return result


# --------------------------------------------------------------------------
# Functions and brackets
# --------------------------------------------------------------------------


def exponential(arg: Poly) -> Poly:
    """exp of a sum, as a product: exp(a + 2b) = exp(a) exp(b)^2."""
    result = ONE
    for mono, coefficient in arg.terms.items():
        atom, e = mono.factors[0] if len(mono.factors) == 1 else (None, 1)
        if isinstance(atom, Fn) and atom.name == "log" and e == 1:
            result = result * atom.args[0] ** coefficient
        else:
            result = result * atom_poly(Fn("exp", (Poly({mono: 1}),)), coefficient)
    return result


def logarithm(arg: Poly) -> Poly:
    """log of a product, as a sum, as far as its factors are known to be positive."""
    if arg == ONE:
        return ZERO
    if len(arg.terms) != 1:
        return atom_poly(Fn("log", (arg,)))
    ((mono, coefficient),) = arg.terms.items()
    result, kept = ZERO, []
    for atom, e in mono.factors:
        if isinstance(atom, Fn) and atom.name == "exp":
            result = result + atom.args[0].scale(e)
        elif atom.positive and len(mono.factors) + (coefficient != 1) > 1 and coefficient > 0:
            result = result + logarithm(atom_poly(atom)).scale(e)
        elif atom.positive and e != 1 and coefficient > 0:
            result = result + atom_poly(Fn("log", (atom_poly(atom),))).scale(e)
        else:
            kept.append((atom, e))
    rest = Poly({Mono(tuple(kept)): coefficient})
    return result if rest == ONE else result + atom_poly(Fn("log", (rest,)))


def _odd(name: str) -> Callable[[Poly], Poly]:
    def build(arg: Poly) -> Poly:
        if not arg:
            return ZERO
        if all(c < 0 for c in arg.terms.values()):
            return -atom_poly(Fn(name, (-arg,)))
        return atom_poly(Fn(name, (arg,)))

    return build


def maximum(*args: Poly) -> Poly:
    unique = sorted(set(args), key=lambda p: p.key)
    return unique[0] if len(unique) == 1 else atom_poly(Fn("max", tuple(unique)))


FUNCTIONS: dict[str, Callable[..., Poly]] = {
    "exp": exponential,
    "log": logarithm,
    "tanh": _odd("tanh"),
    "erf": _odd("erf"),
    "sin": _odd("sin"),
    "max": maximum,
}


def function(name: str, *args: Poly) -> Poly:
    build = FUNCTIONS.get(name)
    return build(*args) if build else atom_poly(Fn(name, args))


def delta(left: Subscript, right: Subscript) -> Poly:
    return ONE if left == right else atom_poly(Delta(left, right))


def compare(relation: str, left: Poly, right: Poly) -> Poly:
    difference = (left - right).constant
    if difference is None:
        return atom_poly(Compare(relation, left, right))
    holds = difference < 0 or (difference == 0 and relation == "<=")
    return ONE if holds else ZERO


# --------------------------------------------------------------------------
# Sums
# --------------------------------------------------------------------------


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
                if old in bound and isinstance(old, Ix) and old not in _inside(new):
                    rest = Poly({Mono(tuple(f for f in mono.factors if f[0] is not atom)): 1})
                    left = tuple(ix for ix in indices if ix != old)
                    return total(left, Change({old: new}).poly(rest))
        if (
            isinstance(atom, Sum)
            and isinstance(exponent, int)
            and exponent > 0
            and not atom.free.isdisjoint(bound)
        ):
            opened, fresh = ONE, indices
            for _ in range(exponent):
                inner, body = atom.open()
                opened, fresh = opened * body, fresh + inner
            rest = Poly({Mono(tuple(f for f in mono.factors if f[0] is not atom)): 1})
            return total(fresh, rest * opened)

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
    for touched, factors in groups:
        used |= touched
        result = result * atom_poly(close(tuple(ix for ix in indices if ix in touched), factors))
    for ix in indices:
        if ix not in used:
            result = result * atom_poly(Size(ix.dim))
    return result


def _inside(s: Subscript) -> frozenset[Ix]:
    return frozenset({s}) if isinstance(s, Ix) else s.free


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


def names(poly: Poly) -> set[str]:
    """The names of the tensors mentioned."""
    return {a.name for a in atoms(poly) if isinstance(a, Ref)}
