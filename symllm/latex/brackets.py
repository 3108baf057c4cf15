"""Conditions: Iverson's brackets, Kronecker's delta, and cases."""

from __future__ import annotations

import sympy as sp

from ..notation import Iverson
from .arrays import Value, added
from .entries import integer_value
from .names import head_of, listed, spelled
from .scope import Scope, reads, usual
from .sizes import Mismatch
from .tree import Cases, Node, Number, Relation, Scripted, alone

COMPARED = {"<=": sp.Le, "<": sp.Lt, ">=": sp.Ge, ">": sp.Gt, "=": sp.Eq, "!=": sp.Ne}


@reads(Relation)
def read_relation(scope: Scope, node: Relation) -> Value:
    """A relation in brackets is 1 where it holds, and else 0."""
    return Value(condition(scope, node))


def condition(scope: Scope, node: Node) -> sp.Expr:
    """1 where what is said holds, and else 0."""
    node = alone(node)
    if not isinstance(node, Relation):
        raise scope.error("a condition is a relation, such as i = j", node)
    found: sp.Expr = sp.S.One
    for left, right, sign in zip(node.sides, node.sides[1:], node.signs, strict=False):
        found *= compared(scope, left, right, sign)
    return found


def compared(scope: Scope, left: Node, right: Node, sign: str) -> sp.Expr:
    if sign not in COMPARED:
        raise scope.error("this relation is not understood here", left)
    sides = [integer_side(scope, side) for side in (left, right)]
    if any(sides) and all(
        found or isinstance(alone(side), Number)
        for found, side in zip(sides, (left, right), strict=True)
    ):
        a, b = (
            found[0] if found else scope.number(side, "a bound")
            for found, side in zip(sides, (left, right), strict=True)
        )
        sizes = [found[1] for found in sides if found]
        if all(sides) and not scope.sizes.unify(*sizes):
            raise Mismatch(
                f"{spelled(left)} and {spelled(right)} run over two dimensions and are compared",
                left.at,
            )
        if sign in ("=", "!="):
            equal = sp.KroneckerDelta(a, b)
            return equal if sign == "=" else 1 - equal
        return Iverson(COMPARED[sign](a, b))
    a, b = (scope.number(side, "a side of a condition") for side in (left, right))
    return Iverson(COMPARED[sign](a, b))


def integer_side(scope: Scope, node: Node) -> tuple[sp.Expr, sp.Expr] | tuple[()]:
    """An index or a class with its size; nothing for what is neither."""
    node = alone(node)
    text = spelled(node)
    if not text or isinstance(node, Number):
        return ()
    size = scope.sizes.hole()
    integer = integer_value(scope, node, size)
    if integer is not None:
        return integer, size
    base, subs = (node.base, listed(node.sub)) if isinstance(node, Scripted) else (node, ())
    own = tuple(map(spelled, subs))
    keys = {(head_of(base), own[:count]) for count in range(len(own) + 1)}
    known = scope.context.names.keys() | scope.context.sizes.keys() | scope.definitions.keys()
    index = scope.index(text, new=keys.isdisjoint(known | scope.parameters.keys()))
    return (index, scope.sizes.of[index]) if index is not None else ()


@usual
def kronecker(scope: Scope, node: Node, head: str, subs: tuple[Node, ...]) -> Value | None:
    """``\\delta_{ij}``, and ``\\mathbb{1}_{i = j}``"""
    if head == "delta" and len(subs) == 2:
        return Value(compared(scope, subs[0], subs[1], "="))
    if head in ("ones", "I") and len(subs) == 1 and isinstance(alone(subs[0]), Relation):
        return Value(condition(scope, subs[0]))
    return None


@reads(Cases)
def read_cases(scope: Scope, node: Cases) -> Value:
    """The value of the first row whose condition holds."""
    found: Value | None = None
    before: sp.Expr = sp.S.One
    for row in node.rows:
        value = scope.value(row.value)
        holds = condition(scope, row.condition) if row.condition is not None else sp.S.One
        part = Value(value.expr * before * holds, value.axes, value.row)
        found = part if found is None else added(scope.sizes, found, part, 1, scope.choose, row.at)
        before = before * (1 - holds)
    assert found is not None
    return found
