"""The parts of a formula by what they are: numbers, powers, fractions, roots, sums of terms."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from .arrays import Value, added, divided, multiplied, summed
from .entries import name_value
from .layers import at_layer, of_layer
from .names import head_of, listed, spelled
from .powers import HIGHEST_POWER, power, raised
from .scope import Scope, reads
from .sizes import Mismatch
from .slopes import primed
from .tree import (
    Bars,
    Fraction,
    Group,
    Inner,
    Node,
    Number,
    Root,
    Scripted,
    Terms,
    alone,
)


@reads(Number)
def read_number(scope: Scope, node: Number) -> Value:
    if node.text == ".":  # as in \frac 0.5, whose denominator is the point
        raise scope.error("a point alone is no number", node)
    return Value(sp.Rational(node.text))


@reads(Group)
def read_group(scope: Scope, node: Group) -> Value:
    if len(node.parts) != 1:
        raise scope.error("a list is not understood here", node)
    return scope.value(node.parts[0])


@reads(Terms)
def read_terms(scope: Scope, node: Terms) -> Value:
    found: Value | None = None
    plain: list[sp.Expr] = []
    for sign, term in zip(node.signs, node.terms, strict=True):
        value = scope.value(term)
        if found is None and not value.axes:
            plain.append(sign * value.expr)  # all at once: SymPy's sums are slow one by one
            continue
        if found is None:
            found = Value(sp.Add(*plain)) if plain else None
        if found is None:
            found = replace(value, expr=sign * value.expr)
        else:
            found = added(scope.sizes, found, value, sign, scope.choose, term.at)
    return Value(sp.Add(*plain)) if found is None else found


@reads(Fraction)
def read_fraction(scope: Scope, node: Fraction) -> Value:
    above, below = scope.value(node.above), scope.value(node.below)
    if below.expr == 0:
        raise scope.error("this divides by zero", node.below)
    return divided(scope.sizes, above, below, scope.choose, node.at)


@reads(Root)
def read_root(scope: Scope, node: Root) -> Value:
    value = scope.value(node.body)
    degree = scope.number(node.degree, "the degree of a root") if node.degree else sp.Integer(2)
    if not (degree.is_Integer and 1 < degree <= HIGHEST_POWER):
        raise scope.error("the degree of a root is a small whole number", node)
    return replace(value, expr=power(scope, value.expr, 1 / degree, node))


@reads(Scripted)
def read_scripted(scope: Scope, node: Scripted) -> Value:
    base = alone(node.base)
    if (layer := of_layer(node, scope.context)) is not None:
        return at_layer(scope, node, *layer)
    if isinstance(base, Bars):
        return read_bars(scope, base, node.sub, node.sup)
    if head_of(base) == "e" and node.sup and not node.sub and is_constant(scope, "e"):
        up = alone(node.sup)
        if spelled(up) not in ("top", "T"):
            value = scope.value(up)
            return replace(value, expr=sp.exp(value.expr))
    value = name_value(scope, node, base, listed(node.sub))
    if node.primes:
        value = primed(scope, replace(node, primes=0), value, node.primes)
    return raised(scope, value, node.sup, node)


def is_constant(scope: Scope, letter: str) -> bool:
    """Is a letter free to mean a constant, for neither the op nor a definition has it?"""
    key = (letter, ())
    context = scope.context
    return key not in scope.definitions | context.names.keys() | context.sizes.keys()


@reads(Bars)
def read_plain_bars(scope: Scope, node: Bars) -> Value:
    return read_bars(scope, node, None, None)


def read_bars(scope: Scope, node: Bars, sub: Node | None, sup: Node | None) -> Value:
    """An absolute value, or a norm: the Euclidean one, if it does not say which."""
    outer = scope.entry
    if node.kind == "||":
        scope.entry = None
    value = scope.value(node.body)
    scope.entry = outer
    said = spelled(sub) if sub else ""
    if node.kind == "|" and not value.axes:
        if sub:
            raise scope.error("a subscript of an absolute value is not understood", node)
        found = Value(sp.Abs(value.expr))
    elif said == "1":
        found = summed(scope.sizes, replace(value, expr=sp.Abs(value.expr)), value.axes)
    elif said in ("", "2", "F"):
        if value.rank == 2 and said == "2":
            raise scope.error("the spectral norm of a matrix is not read", node)
        square = replace(value, expr=value.expr**2)
        found = Value(sp.sqrt(summed(scope.sizes, square, value.axes).expr))
    else:
        raise scope.error(f"the norm {said!r} is not understood; there are 1, 2 and F", node)
    return raised(scope, found, sup, node)


@reads(Inner)
def read_inner(scope: Scope, node: Inner) -> Value:
    if len(node.parts) != 2:
        raise scope.error("an inner product takes two parts", node)
    outer, scope.entry = scope.entry, None
    left, right = map(scope.value, node.parts)
    scope.entry = outer
    if left.rank == right.rank == 2:  # of matrices, entry by entry
        pairs = list(zip(left.axes, right.axes, strict=True))
        if not all(scope.sizes.unify(scope.sizes.of[a], scope.sizes.of[b]) for a, b in pairs):
            raise Mismatch("the two sides of this inner product differ in shape", node.at)
        body = left.expr * right.expr.xreplace({b: a for a, b in pairs})
        return summed(scope.sizes, Value(body, left.axes), left.axes)
    if left.rank != 1 or right.rank != 1:
        raise Mismatch("an inner product takes two vectors", node.at)
    return multiplied(scope.sizes, left, right, node.at, dot=True)
