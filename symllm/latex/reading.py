"""Expressions by themselves: every reading of a formula that is one, and of the sides of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from ..errors import ReadError
from ..notation import Dim
from .arrays import described
from .claim import Free, tidy_wanted
from .context import Context
from .parse import parse
from .quantities import with_derivatives
from .readings import Choices, Outcome, readings
from .scope import Scope, Wanted
from .sizes import Mismatch
from .tidy import dim_of, tidied
from .tree import Node


@dataclass(frozen=True)
class Expression:
    """An expression in index notation, at ``axes`` if it is an array, and the derivatives that it
    mentions."""

    expr: sp.Expr
    axes: Free
    wanted: tuple[Wanted, ...]


def read_expression(
    text: str, context: Context, free: Mapping[sp.Symbol, Dim | None], rank: int = 0
) -> tuple[Outcome[Expression], ...]:
    """Every reading of an expression with these free indices and so many axes besides.

    Of an index that has no dimension in ``free`` the formula is to say it, where it matters.
    """
    ((node, condition_of, _),) = parse(text)
    if condition_of is not None:
        raise ReadError("an expression holds under no condition", text, condition_of.at)
    return read_part(node, text, context, free, rank)


def read_part(
    node: Node, text: str, context: Context, free: Mapping[sp.Symbol, Dim | None], rank: int = 0
) -> tuple[Outcome[Expression], ...]:
    """Every reading of a part of a formula, as of ``read_expression``."""
    node = with_derivatives(node, context, frozenset())
    said = {symbol.name: dim.symbol for symbol, dim in free.items() if dim is not None}
    letters = {symbol.name for symbol in free}

    def read(choose: Choices) -> Expression:
        scope = Scope(text, context, choose, said=said)
        for letter in sorted(letters):
            scope.index(letter)
        value = scope.value(node)
        if value.rank != rank:
            what = "a number" if not rank else f"an array with {rank} axes"
            raise Mismatch(f"this is {described(scope.sizes, value)}, not {what}", node.at)
        if loose := scope.free.keys() - letters:
            raise Mismatch(f"{', '.join(sorted(loose))} is free", node.at)
        scope.settle()
        taken = frozenset(context.tensors) | {d.name for d in context.dims}
        dims = tuple(dim_of(scope, axis) for axis in value.axes)
        indices = (*scope.free.values(), *value.axes)
        expr, change = tidied(scope, value.expr, indices, taken - letters)
        axes = tuple((change[a], dim) for a, dim in zip(value.axes, dims, strict=True))
        wanted = tuple(tidy_wanted(scope, w, taken) for w in scope.wanted.values())
        return Expression(expr, axes, wanted)

    return readings(read)
