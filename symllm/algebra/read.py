"""From SymPy to terms: what people write, in normal form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import sympy as sp

from ..errors import NotationError
from ..expressions import name_of, subscripts_of
from ..notation import LOSS, Direct, Iverson, Partial
from ..statements import Cov, E, Var
from .functions import function
from .numbers import Number
from .products import power
from .sums import total
from .terms import (
    ONE,
    ZERO,
    Ix,
    Poly,
    Position,
    Ref,
    Root,
    Size,
    Subscript,
    atom_poly,
    compare,
    delta,
    fresh_index,
    number,
)


@dataclass(frozen=True)
class Scope:
    """What the letters of an expression mean while it is read.

    ``indices`` maps a letter to its index, ``sizes`` holds the dimensions'
    names, and ``positive`` the names of tensors known to be greater than zero.
    ``slope`` differentiates what is read by an entry: an entry's own equation, or, if ``total``
    is said, along all paths.
    """

    indices: Mapping[str, Ix] = field(default_factory=dict)
    sizes: frozenset[str] = frozenset()
    positive: frozenset[str] = frozenset()
    slope: Callable[[Poly, Ref, bool], Poly] | None = None

    def within(self, letter: str, index: Ix) -> Scope:
        return replace(self, indices={**self.indices, letter: index})


def read(expr: sp.Basic, scope: Scope) -> Poly:
    """The normal form of a SymPy expression.

    Raises ``NotationError`` for what the engine has no term for.
    """
    for kind, reader in READERS:
        if isinstance(expr, kind):
            return reader(expr, scope)
    name = FUNCTION_NAMES.get(expr.func)
    if name is None:
        raise NotationError(f"{expr.func.__name__} is not a function that symllm knows: {expr}")
    return function(name, *(read(arg, scope) for arg in expr.args))


def rational(expr: sp.Expr) -> Number:
    if expr.is_Integer:
        return int(expr)
    if expr.is_Rational:
        return Fraction(int(expr.p), int(expr.q))
    raise NotationError(
        f"{expr} is not an exact number; write Rational({str(expr)!r}) instead of a float"
    )


def _symbol(expr: sp.Symbol, scope: Scope) -> Poly:
    name = expr.name
    if name in scope.indices:
        return atom_poly(Position(scope.indices[name]))
    if name in scope.sizes:
        return atom_poly(Size(name))
    return atom_poly(Ref(name, (), name in scope.positive))


def subscript(expr: sp.Expr, scope: Scope) -> Subscript:
    if isinstance(expr, sp.Symbol) and expr.name in scope.indices:
        return scope.indices[expr.name]
    if isinstance(expr, sp.Indexed | sp.Symbol):
        return ref(expr, scope)
    raise NotationError(f"a subscript is an index or an integer tensor's entry, not {expr}")


def ref(expr: sp.Expr, scope: Scope) -> Ref:
    name = name_of(expr)
    subs = tuple(subscript(s, scope) for s in subscripts_of(expr))
    return Ref(name, subs, name in scope.positive)


def _sum(expr: sp.Sum, scope: Scope) -> Poly:
    fresh = []
    for symbol, _, upper in reversed(expr.limits):  # outermost first
        index = fresh_index(name_of(upper + 1))
        fresh.append(index)
        scope = scope.within(symbol.name, index)
    return total(fresh, read(expr.function, scope))


def _add(expr: sp.Add, scope: Scope) -> Poly:
    result = ZERO
    for arg in expr.args:
        result = result + read(arg, scope)
    return result


def _mul(expr: sp.Mul, scope: Scope) -> Poly:
    result = ONE
    for arg in expr.args:
        result = result * read(arg, scope)
    return result


def _pow(expr: sp.Pow, scope: Scope) -> Poly:
    base, exponent = expr.args
    if exponent.is_Rational:
        return power(read(base, scope), rational(exponent))
    log = function("log", read(base, scope))
    return function("exp", log * read(exponent, scope))


def _delta(expr: sp.KroneckerDelta, scope: Scope) -> Poly:
    left, right = expr.args
    return delta(subscript(left, scope), subscript(right, scope))


RELATIONS: dict[Any, tuple[str, bool]] = {
    sp.Le: ("<=", False),
    sp.Lt: ("<", False),
    sp.Ge: ("<=", True),
    sp.Gt: ("<", True),
}


def _iverson(expr: Iverson, scope: Scope) -> Poly:
    condition = expr.args[0]
    if isinstance(condition, sp.Eq):
        return delta(subscript(condition.lhs, scope), subscript(condition.rhs, scope))
    if isinstance(condition, sp.Ne):
        return ONE - delta(subscript(condition.lhs, scope), subscript(condition.rhs, scope))
    if type(condition) not in RELATIONS:
        raise NotationError(f"an Iverson bracket takes =, !=, <, <=, > or >=, not {condition}")
    relation, swapped = RELATIONS[type(condition)]
    left, right = read(condition.lhs, scope), read(condition.rhs, scope)
    return compare(relation, right, left) if swapped else compare(relation, left, right)


def _partial(expr: Partial, scope: Scope) -> Poly:
    if scope.slope is None:
        raise NotationError(f"a derivative cannot be read without the equations: {expr}")
    if expr.quantity == LOSS or isinstance(expr.quantity, Partial):
        raise NotationError(f"what the loss depends on is in no expression: {expr}")
    quantity, entry = read(expr.quantity, scope), ref(expr.entry, scope)
    return scope.slope(quantity, entry, not isinstance(expr, Direct))


def _covariance(left: sp.Basic, right: sp.Basic, scope: Scope) -> Poly:
    x, y = read(left, scope), read(right, scope)
    return function("E", x * y) - function("E", x) * function("E", y)


READERS: tuple[tuple[Any, Callable[[Any, Scope], Poly]], ...] = (
    (sp.Number, lambda e, _: number(rational(e))),
    (sp.Symbol, _symbol),
    (sp.Indexed, lambda e, scope: atom_poly(ref(e, scope))),
    (sp.Add, _add),
    (sp.Mul, _mul),
    (sp.exp, lambda e, scope: function("exp", read(e.args[0], scope))),
    (sp.Pow, _pow),
    (sp.Sum, _sum),
    (sp.KroneckerDelta, _delta),
    (Iverson, _iverson),
    (Partial, _partial),
    (E, lambda e, scope: function("E", read(e.args[0], scope))),
    (Var, lambda e, scope: _covariance(e.args[0], e.args[0], scope)),
    (Cov, lambda e, scope: _covariance(e.args[0], e.args[1], scope)),
    (type(sp.pi), lambda e, _: atom_poly(Root("pi"))),
    (type(sp.E), lambda e, _: function("exp", ONE)),
)

FUNCTION_NAMES: dict[Any, str] = {
    sp.log: "log",
    sp.tanh: "tanh",
    sp.erf: "erf",
    sp.sin: "sin",
    sp.cos: "cos",
    sp.Max: "max",
    sp.Min: "min",
    sp.Abs: "abs",
    sp.sign: "sign",
}
