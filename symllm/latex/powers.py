"""What stands above a value: exponents, within bounds, and transposes."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from ..expressions import is_entry
from .arrays import Value, transposed
from .names import spelled
from .scope import Scope
from .sizes import Mismatch
from .tree import Node, alone

#: Numbers with more bits than this are no part of a formula.
MOST_BITS = 400

#: A power of what is no number; a higher one is written out by nobody, but of a name alone.
HIGHEST_POWER, HIGHEST_OF_NAME = 64, 10_000

TRANSPOSE, EXPONENT = "the transpose", "an exponent"


def raised(scope: Scope, value: Value, sup: Node | None, node: Node) -> Value:
    """A value with what stands above it: a transpose, or an exponent."""
    if sup is None:
        return value
    up = alone(sup)
    text = spelled(up)
    if text == "top" or (text == "T" and is_transpose(scope, value)):
        if scope.entry is not None and not value.axes:
            raise Mismatch("an entry has no transpose", node.at)
        return transposed(scope.sizes, value) if value.rank < 3 else value
    exponent = scope.number(up, "an exponent")
    if value.rank == 2 and exponent != 1:
        raise scope.error(
            "a power of a matrix could be taken entry by entry or not; write it as a product", node
        )
    return replace(value, expr=power(scope, value.expr, exponent, node))


def is_transpose(scope: Scope, value: Value) -> bool:
    key = ("T", ())
    known = key in scope.context.names or key in scope.context.sizes or key in scope.definitions
    if not known:
        return True
    return bool(value.axes) and scope.choose("the T above is", (TRANSPOSE, EXPONENT)) == TRANSPOSE


def power(scope: Scope, base: sp.Expr, exponent: sp.Expr, node: Node) -> sp.Expr:
    """A power whose value, if it is a number, is of a size that people write."""
    highest = HIGHEST_OF_NAME if is_entry(base) else HIGHEST_POWER
    if exponent.is_Rational and abs(exponent) > highest and not base.is_number:
        raise scope.error(f"a power of {exponent} is not read", node)
    if base.is_Rational and exponent.is_Rational:
        bits = max(abs(base.p).bit_length(), abs(base.q).bit_length())
        if bits > MOST_BITS or bits * abs(exponent) > MOST_BITS or exponent.q > HIGHEST_POWER:
            raise scope.error("a number as large as this is not read", node)
        if base == 0 and exponent < 0:
            raise scope.error("this divides by zero", node)
    elif base.is_number and exponent.is_number and depth_of(exponent) > 3:
        raise scope.error("a number as large as this is not read", node)
    return sp.Pow(base, exponent)


def depth_of(expr: sp.Expr) -> int:
    return 1 + max((depth_of(arg) for arg in expr.args), default=0)
