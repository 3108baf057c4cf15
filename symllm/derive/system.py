"""A program as the engine sees it: its equations in normal form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from ..algebra.factor import cost
from ..algebra.read import Scope, read
from ..algebra.terms import Ix, Poly, Ref, Subscript, Sum
from ..algebra.write import Letters
from ..calls import names_inside, with_aliases
from ..equation import Call, Let
from ..expressions import subscripts_of
from ..notation import Tensor
from ..program import Program


@dataclass(frozen=True)
class Equation:
    """``name[indices] = right``; calls of other ops have no right side here."""

    name: str
    indices: tuple[Ix, ...]
    right: Poly
    note: str
    alias: bool = False


@dataclass(frozen=True)
class CallArgument:
    """What a call passes for one input: the entry at ``axes``, in normal form."""

    tensor: Tensor
    axes: tuple[Ix, ...]
    value: Poly


@dataclass(frozen=True)
class CallEquation:
    """``name[indices] = callee(arguments)[at]``."""

    name: str
    indices: tuple[Ix, ...]
    callee: Program
    at: tuple[Ix, ...]
    arguments: tuple[CallArgument, ...]
    inside: Mapping[str, tuple[str, tuple[Ix, ...]]]

    @property
    def batch(self) -> tuple[Ix, ...]:
        return tuple(ix for ix in self.indices if ix not in self.at)


class System:
    """A program's equations, aliases and letters, ready for rewriting."""

    positive: frozenset[str]

    def __init__(self, program: Program) -> None:
        self.program = program
        self.sizes = frozenset(d.name for d in program.dims)
        positive = {t.name for t in program.inputs if t.domain == "positive"}
        self.equations: dict[str, Equation] = {}
        self.calls: dict[str, CallEquation] = {}
        self.levels: dict[str, int] = {t.name: 0 for t in program.inputs}
        for let in program.equations:
            scope = self._scope(let, positive)
            indices = tuple(scope.indices[s.name] for s in let.indices)
            if isinstance(let.rhs, Call):
                call = self._call(let, let.rhs, indices, scope)
                self.calls[let.name] = call
                known = system(call.callee).positive
                positive |= {name for n, (name, _) in call.inside.items() if n in known}
            else:
                right = read(let.rhs, scope)
                self.equations[let.name] = Equation(let.name, indices, right, let.note)
                if right.positive:
                    positive.add(let.name)
            used = let.mentioned & self.levels.keys()
            self.levels[let.name] = 1 + max((self.levels[n] for n in used), default=0)
        self.positive = frozenset(positive)
        self.aliases: dict[str, Equation] = {}
        for let in program.aliases:
            scope = self._scope(let, positive)
            right = read(let.rhs, scope)
            indices = tuple(scope.indices[s.name] for s in let.indices)
            self.aliases[let.name] = Equation(let.name, indices, right, let.note, alias=True)
            if right.positive:
                positive.add(let.name)
        self.positive = frozenset(positive)

    def _scope(self, let: Let, positive: set[str]) -> Scope:
        dims = self.program.index_dims[let.name]
        indices = {s.name: Ix(s.name, d.name) for s, d in dims.items()}
        return Scope(indices, self.sizes, frozenset(positive))

    def _call(self, let: Let, call: Call, indices: tuple[Ix, ...], scope: Scope) -> CallEquation:
        arguments = tuple(
            CallArgument(
                call.program.input(a.name),
                tuple(scope.indices[s.name] for s in a.axes),
                read(a.value, scope),
            )
            for a in call.arguments
        )
        at = tuple(scope.indices[s.name] for s in call.at)
        inside = {
            n: (found.name, tuple(scope.indices[s.name] for s in found.lead))
            for n, found in names_inside(self.program)[let.name].items()
        }
        assert isinstance(call.program, Program)
        callee = with_aliases(call.program)
        return CallEquation(let.name, indices, callee, at, arguments, inside)

    # -- what depends on what ---------------------------------------------

    @cached_property
    def mentions(self) -> dict[str, frozenset[str]]:
        """The names each equation mentions."""
        found = {n: frozenset(e.right.names) for n, e in self.equations.items()}
        for n, c in self.calls.items():
            found[n] = frozenset().union(*(a.value.names for a in c.arguments))
        return found

    @cached_property
    def entrywise(self) -> dict[str, frozenset[str]]:
        """The names each name depends on other than through a sum."""
        found: dict[str, frozenset[str]] = {t.name: frozenset() for t in self.program.inputs}
        for let in self.program.equations:
            if let.name in self.calls:
                direct = self.mentions[let.name]
            else:
                direct = frozenset(outside_sums(self.equations[let.name].right))
            found[let.name] = direct.union(*(found.get(n, frozenset()) for n in direct))
        return found

    def price(self, poly: Poly) -> float:
        """What a polynomial costs a reader, who must look up intermediate names."""
        return cost(poly) + 1.25 * len(poly.names & self._looked_up)

    @cached_property
    def _looked_up(self) -> frozenset[str]:
        computed = {name for name, level in self.levels.items() if level > 0}
        return frozenset(computed | self.aliases.keys()).difference(self.program.outputs)

    # -- letters ------------------------------------------------------------

    @cached_property
    def letters(self) -> Letters:
        slots: dict[tuple[str, int], str] = {}
        for name, expr in self.program.entry_of.items():
            for axis, s in enumerate(subscripts_of(expr)):
                slots[name, axis] = s.name
        pools: dict[str, set[str]] = {}
        for let in (*self.program.equations, *self.program.aliases):
            scope = self._scope(let, set())
            for letter, ix in scope.indices.items():
                if len(letter) == 1:
                    pools.setdefault(ix.dim, set()).add(letter)
        taken = set(self.program.tensors) | self.sizes
        return Letters(slots, {d: tuple(sorted(p)) for d, p in pools.items()}, frozenset(taken))

    def entry(self, name: str) -> tuple[Ix, ...]:
        """The free indices of a tensor's entry, in the letters a reader expects."""
        tensor = self.program.tensors[name]
        symbols = subscripts_of(self.program.entry_of[name])
        return tuple(Ix(s.name, d.name) for s, d in zip(symbols, tensor.dims, strict=True))

    def ref(self, name: str, subs: tuple[Subscript, ...]) -> Ref:
        return Ref(name, subs, name in self.positive)

    def scope(self, indices: tuple[Ix, ...]) -> Scope:
        """For reading an expression with these free indices."""
        return Scope({str(ix.name): ix for ix in indices}, self.sizes, self.positive)


def outside_sums(poly: Poly) -> set[str]:
    """The names that a polynomial mentions other than under a sum."""
    found: set[str] = set()
    for mono in poly.terms:
        for atom, _ in mono.factors:
            if isinstance(atom, Ref):
                found.add(atom.name)
            elif not isinstance(atom, Sum):
                for inner in atom.polys():
                    found |= outside_sums(inner)
    return found


@lru_cache(maxsize=256)
def system(program: Program) -> System:
    return System(program)
