"""Derivatives of the loss, of quantities, of second order: names that the truth is asked for."""

from __future__ import annotations

from ..equation import Let
from ..expressions import is_entry, name_of, subscripts_of
from ..notation import Partial, entry
from .arrays import Value, transposed
from .entries import name_value
from .names import listed
from .powers import raised
from .scope import Scope, Wanted, reads, usual
from .sizes import Mismatch
from .tree import Adjoint, Name, Node, Scripted, Slope, alone

NUMERATOR, DENOMINATOR = "the numerator along rows", "the denominator along rows"


@reads(Slope)
def read_slope(scope: Scope, node: Slope) -> Value:
    return slope(scope, node, node.above, node.below)


def slope(scope: Scope, node: Node, above: Node | None, below: tuple[Node, ...]) -> Value:
    """The derivative of a quantity, or of the loss, by one entry or by two."""
    if above is None and len(below) == 1:
        (of,) = below
        return scope.value(Adjoint(node.at, node.end, of))
    if above is None:
        return second(scope, node, below)
    if scope.context.theory:
        return by_each(scope, above, below)
    if len(below) != 1:
        raise scope.error("second derivatives are read of the loss alone", node)
    return first(scope, node, above, below[0])


def variable(scope: Scope, node: Node) -> tuple[str, Value]:
    """The quantity that is differentiated by, and its entry."""
    of = alone(node)
    base, subs = (of.base, listed(of.sub)) if isinstance(of, Scripted) else (of, ())
    value = name_value(scope, of, base, subs)
    name = name_of(value.expr) if is_entry(value.expr) else ""
    if isinstance(of, Scripted):
        value = raised(scope, value, of.sup, of)
    if name not in scope.context.forward or not is_entry(value.expr):
        raise scope.error(f"there is no derivative by this; {scope.known()}", node)
    return name, value


def first(scope: Scope, node: Node, above: Node, below: Node) -> Value:
    """``\\partial p_i / \\partial x_j``: the entry of a Jacobian."""
    if scope.entry is not None and not scope.context.pointwise:
        raise Mismatch("the derivative of a vector by a vector is a matrix", node.at)
    quantity = scope.value(above)
    name, by = variable(scope, below)
    subs, axes = subscripts_of(by.expr), by.axes
    if is_entry(quantity.expr) and name_of(quantity.expr) in scope.context.forward:
        of = name_of(quantity.expr)
        wanted = Wanted(f"d{of}_d{name}", of, name)
        rows = subscripts_of(quantity.expr)
    else:
        rows = tuple(s for s in sorted(quantity.expr.free_symbols, key=str) if s in scope.sizes.of)
        of = f"u{len(scope.wanted) + 1}"
        wanted = Wanted(f"d{of}_d{name}", Let(entry(of, *rows), quantity.expr), name)
    scope.wanted[wanted.name] = wanted
    value = Value(entry(wanted.name, *rows, *subs), (*quantity.axes, *axes))
    if len(quantity.axes) == len(axes) == 1:
        layout = scope.choose("derivatives are laid out with", (NUMERATOR, DENOMINATOR))
        if layout == DENOMINATOR:
            return Value(value.expr, value.axes[::-1])
    return value


def by_each(scope: Scope, above: Node, below: tuple[Node, ...]) -> Value:
    """The derivative as it is written, by one name after the other."""
    found = scope.value(above)
    for one in below:
        _, by = variable(scope, one)
        found = Value(Partial(found.expr, by.expr), (*found.axes, *by.axes))
    return found


def primed(scope: Scope, node: Scripted, value: Value, primes: int) -> Value:
    """``y'``: the derivative of an activation; of a matrix, its transpose."""
    context = scope.context
    name = name_of(value.expr) if is_entry(value.expr) else ""
    if context.pointwise and name in context.forward and context.vector and primes == 1:
        return first(scope, node, node, Name(node.at, node.end, context.vector))
    if primes == 1 and value.rank in (1, 2):
        return transposed(scope.sizes, value)
    raise scope.error("what the prime means here is not clear", node)


def second(scope: Scope, node: Node, below: tuple[Node, ...]) -> Value:
    """The entry of the Hessian of the loss."""
    (name, row), (other, column) = (variable(scope, one) for one in below)
    if len(below) != 2 or other != name:
        raise scope.error("second derivatives are read by one quantity, twice", node)
    if not scope.context.loss:
        raise scope.error("a Hessian is of one scalar output", node)
    wanted = Wanted(f"d2{scope.context.loss}_d{name}2", scope.context.loss, name, 2)
    scope.wanted[wanted.name] = wanted
    subs = (*subscripts_of(row.expr), *subscripts_of(column.expr))
    return Value(entry(wanted.name, *subs), (*row.axes, *column.axes))


@usual
def jacobian(scope: Scope, node: Node, head: str, subs: tuple[Node, ...]) -> Value | None:
    """``J`` and ``H``, where the op has one output and one input that is derived by."""
    context = scope.context
    inputs = [n for n in context.inputs if context.tensors[n].differentiable]
    if head not in ("J", "H") or len(inputs) != 1 or len(context.outputs) != 1 or subs:
        return None
    below = Name(node.at, node.end, inputs[0])
    above = Name(node.at, node.end, context.outputs[0])
    outer, scope.entry = scope.entry, None
    found = second(scope, node, (below,) * 2) if head == "H" else first(scope, node, above, below)
    scope.entry = outer
    return found
