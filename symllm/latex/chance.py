"""Averages over what is random: expectations, variances, covariances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..statements import Average, Cov, E, Var
from .arrays import Value
from .scope import Scope
from .tree import Node

AVERAGES: dict[str, type[Average]] = {"E": E, "Var": Var, "Cov": Cov}
#: How people write them: upright words, whatever their capitals, and double letters.
CALLED = {"e": "E", "expectation": "E", "var": "Var", "cov": "Cov"}


def average(scope: Scope, name: str, values: Sequence[Value], node: Node) -> Value:
    """The average of a quantity, entry by entry; the covariance of two numbers."""
    kind = AVERAGES[name]
    count = 2 if kind is Cov else 1
    if len(values) != count:
        raise scope.error(f"{name} takes {count} argument{'s' * (count > 1)}", node)
    if count > 1 and any(value.axes for value in values):
        raise scope.error("a covariance is read of two numbers", node)
    return replace(values[0], expr=kind(*(value.expr for value in values)))
