"""Proving links of calculations: equalities, inequalities and implications.

Names are written out by their definitions; what is random is averaged by the rules of
expectations, derivatives are taken, and both sides are put over one denominator. What is then
zero was equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property

import sympy as sp

from ..algebra.functions import function
from ..algebra.quotients import cleared
from ..algebra.read import Scope, read
from ..algebra.rewrite import Rewrite, apply
from ..algebra.terms import ONE, ZERO, Atom, Ix, Mono, Poly, Ref, fresh_index
from ..calls import without_calls
from ..equation import Let
from ..errors import NotationError
from ..notation import Dim
from ..program import Program
from ..statements import Equals, Random
from .adjoint import unfold
from .angles import in_single_angles
from .chance import Distribution, expected
from .paths import LONGEST, along_paths, by_parts
from .reorder import in_order
from .series import closed
from .signs import at_most as numbers_at_most
from .signs import nonnegative, opened, product_nonnegative, seen_nonnegative
from .spelled import spelled_out
from .system import System, system

Free = Sequence[tuple[sp.Symbol, Dim]]

#: What says that the engine has no proof, and nothing of whether there is one.
NO_PROOF = (
    NotationError,
    NotImplementedError,
    ZeroDivisionError,
    ValueError,
    KeyError,
    AssertionError,
)


class Theory:
    """What the engine knows: definitions, domains, and which names are random, and how."""

    def __init__(
        self,
        program: Program,
        random: Iterable[Random] = (),
        nonzero: Iterable[str] = (),
        permutations: Iterable[str] = (),
        assumed: Iterable[sp.Expr] = (),
    ) -> None:
        """``assumed``: what is nowhere negative by assumption."""
        program = without_calls(program)
        self.facts = tuple(t for t in program.inputs if t.domain == "distribution")
        # Points are drawn with all entries of these greater than zero.
        inputs = tuple(
            replace(t, domain="positive") if t.domain in ("distribution", "unit") else t
            for t in program.inputs
        )
        self.flat: System = system(replace(program, inputs=inputs))
        self.random = tuple(random)
        self.nonzero = frozenset(nonzero)
        self.permutations = frozenset(permutations)
        self.assumed = tuple(assumed)

    @cached_property
    def laws(self) -> dict[str, Distribution]:
        return {random.name: self._law(random) for random in self.random}

    def _law(self, random: Random) -> Distribution:
        tensor = self.flat.program.input(random.name)
        free = tuple(zip(random.indices, tensor.dims, strict=True))
        domain = tensor.domain.name if isinstance(tensor.domain, Dim) else ""
        mean, variance = (
            self._written_out(self._read(side, free)) for side in (random.mean, random.variance)
        )
        indices = tuple(Ix(s.name, d.name) for s, d in free)
        return Distribution(random.name, indices, mean, variance, random.law, domain)

    # -- reading ------------------------------------------------------------

    def _read(self, expr: sp.Basic, free: Free) -> Poly:
        scope: Scope = self.flat.scope(tuple(Ix(str(s), d.name) for s, d in free))
        return read(sp.sympify(expr), replace(scope, slope=self._slope))

    def _slope(self, quantity: Poly, entry: Ref, along: bool) -> Poly:
        """The derivative of a quantity by an entry, along all paths."""
        return by_parts(quantity, lambda q: along_paths(self.flat, q, entry, frozenset()))

    def _written_out(self, poly: Poly, but: str = "") -> Poly:
        for name in reversed(self.flat.equations):
            if name != but:
                poly = self._without(poly, name)
        return poly

    def _without(self, poly: Poly, name: str) -> Poly:
        if name not in poly.names:
            return poly
        if len(poly.key) > LONGEST:
            raise NotationError("written out, this is too long for a proof")
        return unfold(self.flat, poly, {name})

    def _zero(self, poly: Poly) -> bool:
        """Is it zero, by the facts that are declared and the rules of chance and of angles?"""
        poly = in_single_angles(expected(poly, self.laws))
        poly = closed(in_order(spelled_out(poly), self.permutations))
        return not cleared(self._with_facts(poly))

    def _with_facts(self, poly: Poly) -> Poly:
        """By the declared: the entries of each row of a distribution sum to one."""
        for tensor in self.facts:
            indices = tuple(fresh_index(d.name) for d in tensor.dims)
            ref = self.flat.ref(tensor.name, indices)
            poly = apply(Rewrite(tensor.name, "declared", indices[-1:], ((ref, 1),), ONE), poly)
        return poly

    def _difference(self, left: sp.Basic, right: sp.Basic, free: Free) -> Poly:
        """Right less left, all names written out."""
        return self._written_out(self._read(right, free) - self._read(left, free))

    # -- questions ------------------------------------------------------------

    def equal(self, left: sp.Basic, right: sp.Basic, free: Free) -> bool:
        """Do both sides reach one normal form, names written out one after the other?"""
        try:
            poly = self._read(right, free) - self._read(left, free)
            for name in (None, *reversed(self.flat.equations)):
                poly = self._without(poly, name) if name else poly
                if self._zero(poly):
                    return True
            return self._equal_logarithms(left, right, free)
        except NO_PROOF:
            return False

    def _equal_logarithms(self, left: sp.Basic, right: sp.Basic, free: Free) -> bool:
        """Powers whose exponents are quotients are compared by these."""
        sides = [self._written_out(self._read(side, free)) for side in (left, right)]
        if not all(len(side.terms) == 1 and side.positive for side in sides):
            return False
        a, b = (function("log", side) for side in sides)
        return self._zero(b - a)

    def at_most(self, left: sp.Basic, right: sp.Basic, free: Free) -> bool:
        """Is right less left a sum, or a product, of what is nowhere negative?"""
        left, right = sp.sympify(left), sp.sympify(right)
        positive = self.flat.positive
        ways: tuple[Callable[[], bool], ...] = (
            lambda: numbers_at_most(left, right),
            lambda: nonnegative(
                self._with_facts(expected(self._difference(left, right, free), self.laws))
            ),
            lambda: seen_nonnegative(opened(right - left), positive),
            lambda: product_nonnegative(right - left, positive, self.assumed),
        )
        return any(map(succeeds, ways))

    def follows(self, before: Equals, after: Equals, free: Free) -> bool:
        """Is one equation the other, solved, multiplied or in logarithms?"""
        same = sp.Id
        for first, then in ((same, same), (sp.log, sp.log), (sp.log, same), (same, sp.log)):
            try:
                p = self._difference(first(before.lhs), first(before.rhs), free)
                q = self._difference(then(after.lhs), then(after.rhs), free)
                if proportional(p, q, self.nonzero):
                    return True
            except NO_PROOF:
                continue
        return self._by_substitution(before, after, free)

    def _by_substitution(self, before: Equals, after: Equals, free: Free) -> bool:
        """Does it hold once ``name = value`` is put into it?"""
        name, value = before.lhs, before.rhs
        inputs = {t.name for t in self.flat.program.inputs}
        if not isinstance(name, sp.Symbol) or name.name not in inputs or value.has(name):
            return False
        rest = tuple(t for t in self.flat.program.inputs if t.name != name.name)
        program = self.flat.program
        try:
            lets = (Let(name, value), *program.equations)
            wider = replace(program, inputs=rest, equations=lets)
            further = Theory(wider, self.random, self.nonzero, self.permutations, self.assumed)
            further.facts = self.facts
            return further.equal(after.lhs, after.rhs, free)
        except NO_PROOF:
            return False


def succeeds(way: Callable[[], bool]) -> bool:
    try:
        return way()
    except NO_PROOF:
        return False


# --------------------------------------------------------------------------
# Equations that say the same
# --------------------------------------------------------------------------


def proportional(p: Poly, q: Poly, nonzero: frozenset[str] = frozenset()) -> bool:
    """Does q vanish where p does: is it p times a factor, divided by nothing that may be zero?

    The factor is what stands beside one atom that is in both, in each to the same power.
    """
    p, q = cleared(p), cleared(q)
    if not p.terms or not q.terms:
        return not q.terms
    shared = {f for m in p.terms for f in m.factors} & {f for m in q.terms for f in m.factors}
    for factor in sorted(shared, key=lambda f: f[0].key):
        a, b = beside(p, factor), beside(q, factor)
        if never_zero(a, nonzero) and not cleared(p * b - q * a):
            return True
    first = Poly(dict(list(p.terms.items())[:1]))
    for mono, coefficient in q.terms.items():
        ratio = Poly({mono: coefficient}) * first**-1
        ((factors, _),) = ratio.terms.items()
        below = Poly({Mono(tuple(f for f in factors.factors if f[1] < 0)): 1})
        if never_zero(below, nonzero) and not cleared(p * ratio - q):
            return True
    return False


def never_zero(poly: Poly, nonzero: frozenset[str]) -> bool:
    """Is it of one sign, or a product of entries that are known not to be zero?"""
    if poly.positive or (-poly).positive:
        return True
    return len(poly.terms) == 1 and all(
        a.positive or (isinstance(a, Ref) and a.name in nonzero)
        for m in poly.terms
        for a, _ in m.factors
    )


def beside(poly: Poly, factor: tuple[Atom, object]) -> Poly:
    """What a factor is multiplied by, in all terms that hold it."""
    result = ZERO
    for mono, coefficient in poly.terms.items():
        if factor in mono.factors:
            rest = Mono(tuple(f for f in mono.factors if f != factor))
            result = result + Poly({rest: coefficient})
    return result
