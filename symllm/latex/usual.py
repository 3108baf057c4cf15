"""What people call things where the op has no such name: mu, sigma, y hat, a class as one-hot."""

from __future__ import annotations

import sympy as sp

from .arrays import Value, averaged, copied
from .entries import subscripted, tensor_value
from .names import spelled
from .scope import Scope, usual
from .tree import Node

WITH_EPS, WITHOUT_EPS = "sqrt(variance + eps)", "sqrt(variance)"

#: The subscripts that people give to a dimension called d: d_k, d_model.
OF_DIMENSIONS = ("k", "h", "head", "model", "in", "x", "q")


@usual
def one_hot(scope: Scope, node: Node, head: str, subs: tuple[Node, ...]) -> Value | None:
    """``y_i`` where the op is given a class: 1 for that class, else 0."""
    label = scope.context.label
    if not label or head != "y":
        return None
    axis = scope.sizes.index(scope.context.tensors[label].indexed.symbol)
    value = Value(sp.KroneckerDelta(axis, sp.Symbol(label, integer=True)), (axis,))
    return subscripted(scope, node, value, subs, head)


@usual
def prediction(scope: Scope, node: Node, head: str, subs: tuple[Node, ...]) -> Value | None:
    if head != "yhat" or "p" not in scope.context.tensors:
        return None
    return tensor_value(scope, node, scope.context.tensors["p"], subs)


@usual
def moments(scope: Scope, node: Node, head: str, subs: tuple[Node, ...]) -> Value | None:
    """``mu`` and ``sigma`` of the one vector of data."""
    vector = scope.context.vector
    if head not in ("mu", "xbar", "sigma") or not vector:
        return None
    if [spelled(s) for s in subs] not in ([], [vector]):
        return None
    name = "mu" if head == "xbar" else head
    if name not in scope.lets:
        x = data(scope, node)
        scope.lets[name] = Value(mean(scope, x) if name == "mu" else deviation(scope, x))
    return scope.use(name)


def data(scope: Scope, node: Node) -> Value:
    """The one vector of data, as a whole."""
    outer, scope.entry = scope.entry, None
    x = tensor_value(scope, node, scope.context.tensors[scope.context.vector], ())
    scope.entry = outer
    return x


def mean(scope: Scope, x: Value) -> sp.Expr:
    own = copied(scope.sizes, x)
    return averaged(scope.sizes, own, own.axes).expr


def variance(scope: Scope, x: Value) -> sp.Expr:
    own = copied(scope.sizes, x)
    square = Value((own.expr - mean(scope, x)) ** 2, own.axes)
    return averaged(scope.sizes, square, square.axes).expr


def deviation(scope: Scope, x: Value) -> sp.Expr:
    return sp.sqrt(variance(scope, x) + smoothing(scope, "sigma is", (WITH_EPS, WITHOUT_EPS)))


def smoothing(scope: Scope, question: str, answers: tuple[str, str]) -> sp.Expr:
    """What is added under a root: eps, in the reading that has it and for an op that has one."""
    if "eps" in scope.context.tensors and scope.choose(question, answers) == answers[0]:
        return sp.Symbol("eps")
    return sp.S.Zero


@usual
def sizes(scope: Scope, node: Node, head: str, subs: tuple[Node, ...]) -> Value | None:
    """``d_k`` for the dimension d, ``N`` for one that a sum runs to."""
    if not subs and head in scope.called:
        return Value(scope.called[head])
    named = {dim.name: dim.symbol for dim in scope.context.dims}
    if head in named and len(subs) == 1 and spelled(subs[0]) in OF_DIMENSIONS:
        return Value(named[head])
    return None


@usual
def constants(scope: Scope, node: Node, head: str, subs: tuple[Node, ...]) -> Value | None:
    if subs:
        return None
    if head == "ones":
        return Value(sp.S.One, (scope.sizes.index(),))
    if head == "I":
        row = scope.sizes.index()
        column = scope.sizes.index(scope.sizes.of[row])
        return Value(sp.KroneckerDelta(row, column), (row, column))
    numbers = {"e": sp.E, "pi": sp.pi}
    return Value(numbers[head]) if head in numbers else None
