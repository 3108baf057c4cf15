"""Slips in an equation: its parts, and what may stand in the place of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..equation import Let
from ..expressions import make_sum
from ..notation import Dim, Iverson
from ..program import Program
from .wording import Says


@dataclass(frozen=True)
class Place:
    """A part of an equation, and how the equation reads with another in its place.

    ``indices`` are those in scope, free ones first, each with its dimension.
    """

    program: Program
    let: Let
    part: sp.Expr
    around: Callable[[sp.Expr], sp.Expr]
    indices: Mapping[sp.Symbol, Dim]

    @property
    def whole(self) -> bool:
        """Is it the whole right side?"""
        return self.part is self.let.rhs

    @property
    def free(self) -> Mapping[sp.Symbol, Dim]:
        return {s: d for s, d in self.indices.items() if s in self.let.indices}


@dataclass(frozen=True)
class Slip:
    """One mistake in one equation: the equation with it, and what to say of it.

    ``weight`` orders slips from the likely to the contrived. ``term`` is what
    the sentence names, ``factor`` what a term was multiplied by.
    """

    let: Let
    weight: float
    says: Says
    term: sp.Expr
    factor: sp.Expr | None = None


@dataclass(frozen=True)
class Instead:
    """What may stand in a place by mistake; ``words`` name ``formulas``, the first one the term."""

    weight: float
    expr: sp.Expr
    words: str
    formulas: tuple[Any, ...]
    factor: sp.Expr | None = None


Row = Callable[[Place], Iterator[Instead]]


def slips(program: Program, let: Let, rows: Iterable[Row]) -> Iterator[Slip]:
    """All slips of a table in one equation; none changes its shape."""
    (right,) = let.expressions
    dims = program.tensors[let.name].dims
    free = dict(zip(let.indices, dims, strict=True))
    seen = {right}
    for place in places(program, let, right, lambda new: new, free):
        for row in rows:
            for instead in row(place):
                changed = place.around(instead.expr)
                again = changed in seen and instead.factor != 0  # terms may be measured yet
                if again or changed.has(sp.zoo, sp.nan, sp.oo):
                    continue
                seen.add(changed)
                says = Says(let, instead.words, instead.formulas)
                wrong = Let(let.lhs, changed, let.note)
                yield Slip(wrong, instead.weight, says, instead.formulas[0], instead.factor)


def places(
    program: Program,
    let: Let,
    part: sp.Expr,
    around: Callable[[sp.Expr], sp.Expr],
    indices: Mapping[sp.Symbol, Dim],
) -> Iterator[Place]:
    """Every part of a right side, the outermost first; not the insides of subscripts."""
    yield Place(program, let, part, around, indices)
    if isinstance(part, sp.Sum):
        inner = dict(indices) | {
            symbol: dim_of(program, high + 1) for symbol, _, high in part.limits
        }

        def over(new: sp.Expr) -> sp.Expr:
            return around(make_sum(new, part.limits))

        yield from places(program, let, part.function, over, inner)
    elif isinstance(part, sp.Add | sp.Mul | sp.Function | sp.Max | sp.Min) and not isinstance(
        part, Iverson | sp.KroneckerDelta
    ):
        for k, arg in enumerate(part.args):

            def among(new: sp.Expr, k: int = k) -> sp.Expr:
                return around(part.func(*part.args[:k], new, *part.args[k + 1 :]))

            yield from places(program, let, arg, among, indices)
    elif isinstance(part, Iverson) and part.has(sp.Indexed):
        condition = part.args[0]

        def under(new: sp.Expr) -> sp.Expr:
            return around(Iverson(condition.func(new, *condition.args[1:])))

        if isinstance(condition.args[0], sp.Expr):
            yield from places(program, let, condition.args[0], under, indices)
    elif isinstance(part, sp.Pow):

        def raised(new: sp.Expr) -> sp.Expr:
            return around(new**part.exp)

        yield from places(program, let, part.base, raised, indices)


def dim_of(program: Program, size: sp.Expr) -> Dim:
    return next((d for d in program.dims if d.symbol == size), Dim(str(size)))
