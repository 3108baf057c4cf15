"""Averages over what is random: expectations, variances, covariances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..statements import Average, Cov, E, Var
from .arrays import Value, at, total
from .names import spelled
from .scope import Scope
from .sizes import Mismatch
from .tree import Node, Relation

AVERAGES: dict[str, type[Average]] = {"E": E, "Var": Var, "Cov": Cov}
#: How people write them: upright words, whatever their capitals, and double letters.
CALLED = {"e": "E", "expectation": "E", "var": "Var", "cov": "Cov"}


def averaged(scope: Scope, name: str, values: Sequence[Value], node: Node) -> Value:
    """The average of a quantity, entry by entry; the covariance of two numbers."""
    kind = AVERAGES[name]
    count = 2 if kind is Cov else 1
    if len(values) != count:
        raise scope.error(f"{name} takes {count} argument{'s' * (count > 1)}", node)
    if count > 1 and any(value.axes for value in values):
        raise scope.error("a covariance is read of two numbers", node)
    return replace(values[0], expr=kind(*(value.expr for value in values)))


def drawn(scope: Scope, law: Relation, parts: Sequence[Node], node: Node) -> Value:
    """``\\mathbb{E}_{i \\sim p}[x_i]``: over an index, each with its weight in a vector."""
    letter = spelled(law.sides[0])
    if law.signs != ("~",) or not letter or len(parts) != 1:
        raise scope.error("an average over an index is written with its law, i \\sim p", node)
    if (letter, ()) in scope.context.names:
        raise scope.error(f"what is drawn is an index, and {letter} is a quantity", law)
    outer, scope.entry = scope.entry, None
    weights = scope.value(law.sides[1])
    scope.entry = outer
    if weights.rank != 1:
        raise Mismatch("what an index is drawn from is a vector, one weight for each", node.at)
    with scope.binding((letter,), node.at) as (index,):
        scope.sizes.unify(scope.sizes.of[index], scope.sizes.of[weights.axes[0]])
        body = scope.value(parts[0])
        if index not in body.expr.free_symbols:
            raise scope.error(f"nothing in this average depends on {letter}", node)
        expr = total(scope.sizes, index, at(weights, index) * body.expr)
    return replace(body, expr=expr)
