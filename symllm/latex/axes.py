"""Functions of whole axes: softmax, means, norms, traces; and of several arrays together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from .arrays import Value, aligned, averaged, copied, diagonal, summed, total
from .names import folded
from .scope import Scope
from .sizes import Mismatch
from .tree import Node
from .usual import WITH_EPS, WITHOUT_EPS, mean, smoothing, variance


def partition(scope: Scope, value: Value) -> sp.Expr:
    """The sum of exponentials over the last axis."""
    axis = value.axes[-1]
    other = scope.sizes.index(scope.sizes.of[axis], scope.sizes.letter[axis])
    return total(scope.sizes, other, sp.exp(value.expr.xreplace({axis: other})))


def softmax(scope: Scope, value: Value, node: Node) -> Value:
    return replace(value, expr=sp.exp(value.expr) / partition(scope, value))


def log_softmax(scope: Scope, value: Value, node: Node) -> Value:
    return replace(value, expr=value.expr - sp.log(partition(scope, value)))


def logsumexp(scope: Scope, value: Value, node: Node) -> Value:
    return Value(sp.log(partition(scope, value)), value.axes[:-1])


def root_mean_square(scope: Scope, value: Value, node: Node) -> Value:
    square = averaged(scope.sizes, replace(value, expr=value.expr**2), value.axes[-1:])
    extra = smoothing(scope, "RMS is", (WITH_EPS.replace("variance", "mean square"), "its root"))
    return replace(square, expr=sp.sqrt(square.expr + extra))


def spread(scope: Scope, value: Value, node: Node) -> Value:
    if value.rank != 1:
        raise Mismatch("a variance is taken of a vector", node.at)
    return Value(variance(scope, value))


def standard_deviation(scope: Scope, value: Value, node: Node) -> Value:
    extra = smoothing(scope, "the standard deviation is", (WITH_EPS, WITHOUT_EPS))
    return Value(sp.sqrt(spread(scope, value, node).expr + extra))


def trace(scope: Scope, value: Value, node: Node) -> Value:
    found = diagonal(scope.sizes, value, node.at)
    if value.rank != 2:
        raise Mismatch("a trace is taken of a matrix", node.at)
    return summed(scope.sizes, found, found.axes)


def row_sum(scope: Scope, value: Value, node: Node) -> Value:
    if value.rank != 2:
        raise Mismatch("rowsum takes a matrix", node.at)
    return summed(scope.sizes, value, value.axes[1:])


def column_sum(scope: Scope, value: Value, node: Node) -> Value:
    if value.rank != 2:
        raise Mismatch("colsum takes a matrix", node.at)
    return summed(scope.sizes, value, value.axes[:1])


def covariance(scope: Scope, values: Sequence[Value], node: Node) -> Value:
    """The mean product of the distances of two vectors from their means."""
    if len(values) != 2 or any(value.rank != 1 for value in values):
        raise scope.error("a covariance is taken of two vectors", node)
    sizes = scope.sizes
    own = [copied(sizes, value) for value in values]
    apart = [replace(value, expr=value.expr - mean(scope, value)) for value in own]
    first, second = apart
    left, right, shape = aligned(sizes, first, second, scope.choose, node.at, "compared")
    return averaged(sizes, replace(shape, expr=left * right), shape.axes)


def extreme(scope: Scope, values: Sequence[Value], node: Node, kind: Any) -> Value:
    if len(values) < 2:
        raise scope.error("a maximum is read of numbers: \\max(0, x)", node)
    found = values[0]
    for value in values[1:]:
        a, b, shape = aligned(scope.sizes, found, value, scope.choose, node.at, "compared")
        found = replace(shape, expr=kind(a, b))
    if scope.entry is not None and found.rank == 1:
        scope.sizes.unify(scope.sizes.of[found.axes[0]], scope.sizes.of[scope.entry])
        return Value(found.expr.xreplace({found.axes[0]: scope.entry}))
    return found


OnAxes = Callable[[Scope, Value, Node], Value]

OF_ONE: dict[str, OnAxes] = {
    "softmax": softmax,
    "logsoftmax": log_softmax,
    "logsumexp": logsumexp,
    "lse": logsumexp,
    "mean": lambda scope, value, node: averaged(scope.sizes, value, value.axes),
    "avg": lambda scope, value, node: averaged(scope.sizes, value, value.axes),
    "var": spread,
    "std": standard_deviation,
    "rms": root_mean_square,
    "sum": lambda scope, value, node: summed(scope.sizes, value, value.axes),
    "rowsum": row_sum,
    "colsum": column_sum,
    "diag": lambda scope, value, node: diagonal(scope.sizes, value, node.at),
    "tr": trace,
    "trace": trace,
}

OfSeveral = Callable[[Scope, Sequence[Value], Node], Value]

OF_SEVERAL: dict[str, OfSeveral] = {
    "max": lambda scope, values, node: extreme(scope, values, node, sp.Max),
    "min": lambda scope, values, node: extreme(scope, values, node, sp.Min),
    "cov": covariance,
}


def is_on_axes(head: str) -> bool:
    """Is this the name of a function of whole axes?"""
    return len(head) > 1 and folded(head) in OF_ONE.keys() | OF_SEVERAL.keys()
