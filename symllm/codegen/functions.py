"""What generated code can say that textbook expressions do not: stable functions, reductions."""

from __future__ import annotations

import sympy as sp


class Sigmoid(sp.Function):
    """``1/(1 + exp(-x))``, computed without overflow on either side."""

    nargs = 1


class Softplus(sp.Function):
    """``log(1 + exp(x))``."""

    nargs = 1


class Expm1(sp.Function):
    """``exp(x) - 1``, exact for small x."""

    nargs = 1


class Log1p(sp.Function):
    """``log(1 + x)``, exact for small x."""

    nargs = 1


class Allowed(sp.Function):
    """``Allowed(c, u)``: u where c is not zero, minus infinity elsewhere."""

    nargs = 2


class NonZero(sp.Function):
    """``NonZero(z)``: z, or 1 where z is zero; a divisor whose numerator vanishes with it."""

    nargs = 1


class Over(sp.Expr):
    """A reduction of ``body`` over indices, each with the size of its dimension."""

    is_commutative = True

    def __new__(cls, body: sp.Expr, limits: sp.Tuple) -> Over:
        return sp.Expr.__new__(cls, body, limits)

    @property
    def body(self) -> sp.Expr:
        return self.args[0]

    @property
    def limits(self) -> tuple[tuple[sp.Symbol, sp.Symbol], ...]:
        return tuple((index, size) for index, size in self.args[1])

    @property
    def bound(self) -> tuple[sp.Symbol, ...]:
        return tuple(index for index, _ in self.limits)

    @property
    def free_symbols(self) -> set[sp.Basic]:
        return self.body.free_symbols - set(self.bound)


class Total(Over):
    """The sum."""


class Mean(Over):
    """The arithmetic mean."""


class Top(Over):
    """The largest."""


class FiniteTop(Top):
    """The largest; of entries that are all minus infinity, the smallest finite number."""


REDUCTION_NAMES = {Total: "sum", Mean: "mean", Top: "max", FiniteTop: "max"}


def is_index(expr: sp.Basic) -> bool:
    """Is this symbol an index? Dimensions are positive, integer inputs carry no assumption."""
    return isinstance(expr, sp.Symbol) and bool(expr.is_integer) and not expr.is_positive


def is_size(expr: sp.Basic) -> bool:
    """Is this a dimension? Those that are numbers are whole and positive as well."""
    if isinstance(expr, sp.Integer):
        return bool(expr.is_positive)
    return isinstance(expr, sp.Symbol) and bool(expr.is_integer) and bool(expr.is_positive)


def indices_of(expr: sp.Basic) -> tuple[sp.Symbol, ...]:
    """The free indices of an expression, in the order in which they are met."""
    found: dict[sp.Symbol, None] = {}

    def walk(node: sp.Basic, bound: frozenset[sp.Basic]) -> None:
        if is_index(node):
            if node not in bound:
                found[node] = None
        elif isinstance(node, Over):
            walk(node.body, bound | set(node.bound))
        elif not isinstance(node, sp.IndexedBase):
            for arg in node.args:
                walk(arg, bound)

    walk(expr, frozenset())
    return tuple(found)
