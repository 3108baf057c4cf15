"""From terms back to SymPy: factored, and with letters that a reader knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp

from ..expressions import fresh_letters, make_sum
from ..notation import Dim, Iverson, entry
from .factor import Factored, factored
from .numbers import Number, is_integer, tidy
from .read import FUNCTION_NAMES
from .terms import (
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
    Root,
    Size,
    Subscript,
    Sum,
    atom_poly,
)
from .walk import mono_atoms


@dataclass(frozen=True)
class Letters:
    """Which letters a reader expects.

    ``slots`` maps a tensor's name and axis to the letter it goes by in the
    forward equations, ``pools`` a dimension to the letters used for it, and
    ``names`` holds what is taken by tensors and dimensions.
    """

    slots: Mapping[tuple[str, int], str]
    pools: Mapping[str, tuple[str, ...]]
    names: frozenset[str]

    def slot(self, name: str, axis: int) -> str | None:
        found = self.slots.get((name, axis))
        if found is None and name.startswith("d"):
            return self.slots.get((name[1:], axis))
        return found

    def choose(self, index: Ix, body: Mono, taken: set[str], dims: Mapping[str, str]) -> str:
        """The letter for a bound index: as its tensors are written, if that is free.

        ``dims`` says over which dimension each letter of the expression runs
        already: one letter stands for one dimension.
        """
        wanted = sorted(
            letter
            for atom in mono_atoms(body)
            if isinstance(atom, Ref)
            for axis, s in enumerate(atom.subs)
            if s == index and (letter := self.slot(atom.name, axis))
        )
        for letter in (*wanted, *self.pools.get(index.dim, ())):
            if letter not in taken and dims.get(letter, index.dim) == index.dim:
                return letter
        others = {letter for letter, dim in dims.items() if dim != index.dim}
        return next(fresh_letters(taken | self.names | others))


def rational(value: Number) -> sp.Rational:
    if isinstance(value, int):
        return sp.Integer(value)
    return sp.Rational(value.numerator, value.denominator)


@lru_cache(maxsize=1024)
def integer_symbol(name: str) -> sp.Symbol:
    return sp.Symbol(name, integer=True)


@lru_cache(maxsize=1024)
def limit(letter: str, dim: str) -> sp.Tuple:
    """The range of a summed index: the whole of its dimension."""
    return sp.Tuple(integer_symbol(letter), sp.S.Zero, Dim(dim).symbol - 1)


class Writer:
    """Writes terms as SymPy expressions, one choice of letters throughout."""

    def __init__(self, letters: Letters, keep: frozenset[Ix] = frozenset()) -> None:
        self.letters = letters
        #: Free indices that trade places in a symmetric result.
        self.keep = keep
        #: The dimension of each letter in the expression that is being written.
        self._dims: dict[str, str] = {}
        self._written: dict[Poly, sp.Expr] = {}

    def poly(self, poly: Poly, bound: Mapping[Ix, str] | None = None) -> sp.Expr:
        """The factored expression. ``bound`` gives the letters of enclosing sums."""
        if bound:
            return self._whole(poly, bound)
        if poly not in self._written:
            self._written[poly] = self._whole(poly, {})
        return self._written[poly]

    def _whole(self, poly: Poly, bound: Mapping[Ix, str]) -> sp.Expr:
        known = dict(bound)
        taken = {ix.name for ix in poly.free if isinstance(ix.name, str)} | set(known.values())
        self._dims = {str(ix.name): ix.dim for ix in poly.free}
        self._dims |= {letter: ix.dim for ix, letter in known.items()}
        return self._tree(factored(poly, self.keep), known, taken)

    def subscript(self, s: Subscript) -> sp.Expr:
        return self._sub(s, {})

    def expanded(self, poly: Poly) -> sp.Expr:
        taken = {ix.name for ix in poly.free if isinstance(ix.name, str)}
        self._dims = {str(ix.name): ix.dim for ix in poly.free}
        terms = [self._mono(m, c, {}, taken) for m, c in poly.sorted()]
        return sp.Add(*terms)

    def _tree(self, tree: Factored, bound: dict[Ix, str], taken: set[str]) -> sp.Expr:
        outside = self._mono(tree.outside, tree.coefficient, bound, taken)
        if not tree.inside:
            return outside
        inner = sp.Add(*(self._tree(t, bound, taken) for t in tree.inside))
        inner = sp.Pow(inner, tree.exponent) if tree.exponent != 1 else inner
        if not tree.more:
            return inner if outside is sp.S.One else sp.Mul(outside, inner)
        return sp.Mul(outside, inner, *(self._tree(t, bound, taken) for t in tree.more))

    def _mono(
        self, mono: Mono, coefficient: Number, bound: dict[Ix, str], taken: set[str]
    ) -> sp.Expr:
        factors: list[sp.Expr] = [] if coefficient == 1 else [rational(coefficient)]
        exponent_of_e: list[sp.Expr] = []
        for atom, e in means_under_roots(mono):
            if isinstance(atom, Fn) and atom.name == "exp":
                exponent_of_e.append(rational(e) * self._poly(atom.args[0], bound, taken))
            else:
                base = self._atom(atom, bound, taken)
                factors.append(base if e == 1 else sp.Pow(base, rational(e)))
        if exponent_of_e:
            factors.append(sp.exp(sp.Add(*exponent_of_e)))
        return sp.Mul(*factors)

    def _poly(self, poly: Poly, bound: dict[Ix, str], taken: set[str]) -> sp.Expr:
        # Under a root or a bar no product is looked for: what is written there
        # is read back as the same atom.
        return self._tree(factored(poly, products=False), bound, taken)

    def _atom(self, atom: Atom, bound: dict[Ix, str], taken: set[str]) -> sp.Expr:
        if isinstance(atom, Ref):
            return self._ref(atom, bound)
        if isinstance(atom, Size):
            return Dim(atom.name).symbol
        if isinstance(atom, Root):
            return sp.pi if atom.value == "pi" else sp.Integer(atom.value)
        if isinstance(atom, Sum):
            return self._sum(atom, bound, taken)
        if isinstance(atom, Delta):
            left, right = self._sub(atom.left, bound), self._sub(atom.right, bound)
            return sp.KroneckerDelta(left, right)
        if isinstance(atom, Position):
            return self._sub(atom.index, bound)
        if isinstance(atom, Paren):
            return self._poly(atom.poly, bound, taken)
        if isinstance(atom, Compare):
            left, right = (self._poly(p, bound, taken) for p in (atom.left, atom.right))
            if atom.left.constant is not None:  # x > 0 rather than 0 < x
                return Iverson(right > left if atom.relation == "<" else right >= left)
            return Iverson(left < right if atom.relation == "<" else left <= right)
        assert isinstance(atom, Fn)
        return FUNCTIONS[atom.name](*(self._poly(a, bound, taken) for a in atom.args))

    def _ref(self, ref: Ref, bound: Mapping[Ix, str]) -> sp.Expr:
        return entry(ref.name, *(self._sub(s, bound) for s in ref.subs))

    def _sub(self, s: Subscript, bound: Mapping[Ix, str]) -> sp.Expr:
        if isinstance(s, Ref):
            return self._ref(s, bound) if s.subs else integer_symbol(s.name)
        return integer_symbol(bound[s] if s in bound else str(s.name))

    def _sum(self, atom: Sum, bound: dict[Ix, str], taken: set[str]) -> sp.Expr:
        bound, taken = dict(bound), set(taken)
        for ix in atom.bound:
            bound[ix] = self.letters.choose(ix, atom.body, taken, self._dims)
            taken.add(bound[ix])
            self._dims[bound[ix]] = ix.dim
        return self._nested(list(atom.bound), list(atom.body.factors), bound, taken)

    def _nested(
        self,
        indices: list[Ix],
        factors: list[tuple[Atom, Number]],
        bound: dict[Ix, str],
        taken: set[str],
    ) -> sp.Expr:
        """Sums one within another, each as far inside as it can go."""
        if not indices:
            return self._mono(Mono(tuple(factors)), 1, bound, taken)
        # Outermost goes the index whose sum would leave most factors inside.
        outer = max(indices, key=lambda ix: sum(ix in a.free for a, _ in factors))
        inner = [ix for ix in indices if ix != outer]
        loose = [f for f in factors if f[0].free.isdisjoint(inner)]
        if inner and not loose:
            limits = [limit(bound[ix], ix.dim) for ix in reversed(indices)]
            return make_sum(self._mono(Mono(tuple(factors)), 1, bound, taken), limits)
        tight = [f for f in factors if not f[0].free.isdisjoint(inner)]
        body = self._mono(Mono(tuple(loose)), 1, bound, taken)
        if inner:
            body = sp.Mul(body, self._nested(inner, tight, bound, taken))
        return make_sum(body, [limit(bound[outer], outer.dim)])


def means_under_roots(mono: Mono) -> Iterator[tuple[Atom, Number]]:
    """The factors, with ``sqrt(d) / sqrt(d eps + sum)`` as ``1 / sqrt(eps + sum / d)``.

    Normal form clears the denominators under a root; a reader expects the mean.
    """
    sizes = {a: e for a, e in mono.factors if isinstance(a, Size)}
    for atom, e in mono.factors:
        if atom in sizes:
            continue
        if isinstance(atom, Paren):
            held = {s for m in atom.poly.terms for s, _ in m.factors}
            for size, power in sizes.items():
                if size in held and not is_integer(power) and is_integer(power + e):
                    atom = Paren(atom.poly * atom_poly(size, -1))
                    sizes[size] = tidy(power + e)
        yield atom, e
    yield from ((size, power) for size, power in sizes.items() if power)


FUNCTIONS: dict[str, Any] = {name: kind for kind, name in FUNCTION_NAMES.items()}
