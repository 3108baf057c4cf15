"""What a calculation is about: tensors, definitions, and what is assumed of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy as sp

from .derive.theory import Theory
from .elaborate import elaborated, is_explicit, scalars_elaborated
from .equation import Let
from .errors import NotationError
from .expressions import fresh_letters, parts
from .notation import Dim, Index, Tensor, entry
from .program import Program
from .relations import STARTS
from .shapes import index_dims
from .statements import Permutation, Random
from .trial import Assumption, Trial, trials

Free = tuple[tuple[sp.Symbol, Dim], ...]
Given = Tensor | Let | Dim

#: The seeds of the points for equalities; inequalities are looked at in more places.
SEEDS = (0, 1, 2, 3)
MANY_SEEDS = tuple(range(12))

#: Where expectations are summed over outcomes, fewer points must do.
FEW = 2


@dataclass(frozen=True)
class Setting:
    """What a calculation is about: tensors, definitions, and what is assumed of them."""

    given: tuple[Given, ...] = ()
    assuming: tuple[Assumption, ...] = ()
    over: tuple[Index, ...] = ()
    sizes: tuple[tuple[str, int], ...] = ()

    @cached_property
    def program(self) -> Program:
        """Tensors and definitions; raises ``OpError`` where they contradict each other."""
        found = [g for g in self.given if isinstance(g, Tensor)]
        above = self.positive
        tensors = tuple(replace(t, domain="positive") if t.name in above else t for t in found)
        # A dimension that no tensor has is one by what stands for it here.
        known = {d for t in tensors for d in t.dims}
        alone = dict.fromkeys([*(g for g in self.given if isinstance(g, Dim)), *self._over_dims])
        tensors += tuple(Tensor(f"_{d.name}", (d,)) for d in alone if d not in known)
        lets = tuple(g for g in self.given if isinstance(g, Let))
        return Program("calculation", tensors, lets, ())

    @property
    def _over_dims(self) -> tuple[Dim, ...]:
        return tuple(index.dim for index in self.over)

    @property
    def definitions(self) -> tuple[Let, ...]:
        return tuple(g for g in self.given if isinstance(g, Let))

    @property
    def random(self) -> tuple[Random, ...]:
        return tuple(a for a in self.assuming if isinstance(a, Random))

    @property
    def positive(self) -> tuple[str, ...]:
        """The names of which it is assumed that all their entries are greater than zero."""
        found = (a for a in self.assuming if isinstance(a, sp.StrictGreaterThan))
        return tuple(
            str(a.lhs.base.label) if isinstance(a.lhs, sp.Indexed) else str(a.lhs)
            for a in found
            if a.rhs == 0 and isinstance(a.lhs, sp.Symbol | sp.Indexed)
        )

    @property
    def nonzero(self) -> tuple[str, ...]:
        found = (a for a in self.assuming if isinstance(a, sp.Unequality) and a.rhs == 0)
        return tuple(str(a.lhs).split("[")[0] for a in found)

    @property
    def nonnegative(self) -> tuple[sp.Expr, ...]:
        """What is nowhere negative by assumption: ``b - a`` of ``a <= b``."""
        ordered = (sp.StrictGreaterThan, sp.GreaterThan, sp.StrictLessThan, sp.LessThan)
        return tuple(a.gts - a.lts for a in self.assuming if isinstance(a, ordered))

    @cached_property
    def theory(self) -> Theory:
        permuted = (a.name for a in self.assuming if isinstance(a, Permutation))
        return Theory(self.program, self.random, self.nonzero, permuted, self.nonnegative)

    @cached_property
    def points(self) -> tuple[Trial, ...]:
        seeds = SEEDS[:FEW] if self.random else SEEDS
        return tuple(trials(self.program, self.assuming, seeds, dict(self.sizes)))

    @cached_property
    def many_points(self) -> tuple[Trial, ...]:
        stretched = not self.random
        seeds = MANY_SEEDS if stretched else MANY_SEEDS[: 2 * FEW]
        return tuple(trials(self.program, self.assuming, seeds, dict(self.sizes), stretched))

    @cached_property
    def starts(self) -> tuple[Trial, ...]:
        return tuple(trials(self.program, self.assuming, range(STARTS), dict(self.sizes)))

    def in_indices(
        self, expr: Any, free: Free | None = None, known: Free = ()
    ) -> tuple[sp.Expr, Free]:
        """An expression in index notation, and the dimensions of its free indices.

        A matrix is written out at a row and a column; ``free`` are those of the matrix that it
        is compared with, ``known`` what an expression that it is compared with says of indices.
        Raises what a wrong op would raise for wrong indices.
        """
        if isinstance(expr, sp.MatrixExpr):
            if is_explicit(*expr.shape):
                zero = sp.S.Zero
                return elaborated(
                    expr, zero, zero, self.program.tensors
                ), ()  # entry by entry, where it is compared
            free = self._places(expr) if free is None else free
            row, column = (dict(enumerate(s for s, _ in free)).get(k, sp.S.Zero) for k in (0, 1))
            if expr.rows == 1 and expr.cols != 1:
                row, column = sp.S.Zero, row
            return elaborated(expr, row, column, self.program.tensors), free
        expr = scalars_elaborated(sp.sympify(expr), self.program.tensors)
        indices = self.free_in(expr)
        dims = dict(known) | self.dims_in(expr)
        for s in indices:
            if s not in dims:
                names = [t for t in self.program.tensors if not t.startswith("_")]
                raise NotationError(
                    f"nothing says what {s} is in {expr}: given are {', '.join(names) or 'none'}. "
                    f"A name or a dimension stands in given=(...); of an index whose dimension "
                    f"no tensor says, say over=(n.index('{s}'),)"
                )
        return expr, tuple((s, dims[s]) for s in indices)

    def free_in(self, expr: sp.Expr) -> list[sp.Symbol]:
        """The free indices of an expression, in the order of the alphabet."""
        known = set(self.program.tensors) | {d.name for d in self.program.dims}
        symbols = {s for s in expr.free_symbols if isinstance(s, sp.Symbol)}
        bases = {base.label for base in parts(expr, sp.IndexedBase)}
        return sorted((s for s in symbols - bases if s.name not in known), key=str)

    def dims_in(self, expr: sp.Expr) -> dict[sp.Symbol, Dim]:
        """Over which dimensions the indices of an expression run, as far as it says so."""
        let = Let(entry("_value", *self.free_in(expr)), expr)
        found = index_dims(let, self.program.tensors, "calculation")
        return {ix.symbol: ix.dim for ix in self.over} | found

    def _places(self, expr: Any) -> Free:
        taken = {*self.program.tensors, *(d.name for d in self.program.dims)}
        letters = fresh_letters(taken | {str(s) for s in expr.free_symbols})
        sides = [size for size in expr.shape if size != 1]
        return tuple((sp.Symbol(next(letters), integer=True), Dim(str(s))) for s in sides)
