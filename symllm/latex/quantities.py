"""Derivatives as they are written: ``\\frac{\\partial L}{\\partial x}``, ``\\nabla_x L``, ``dx``.

What was read sign by sign is put together here, by what an op's names are: ``dS`` is the
gradient of S where there is an S, and else d times S.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from .context import Context, gradient_of
from .layers import of_layer
from .names import head_of, listed, spelled
from .tree import Adjoint, Fraction, Group, Mark, Name, Node, Product, Scripted, Slope, alone

#: What the loss is called where the op has no quantity of that name.
LOSSES = frozenset({"L", "ell", "loss", "Loss", "J", "E", "C", "lossval"})
SIGNS = frozenset({"partial", "d"})
CURLY = frozenset({"partial"})


def with_derivatives(node: Node, context: Context, defined: frozenset[str]) -> Node:
    """The tree with derivatives and gradients put together.

    ``defined`` are heads that definitions give a meaning of their own.
    """

    def change(value: Any) -> Any:
        if isinstance(value, Node):
            return walk(value)
        if isinstance(value, tuple):
            return tuple(map(change, value))
        return value

    def walk(node: Node) -> Node:
        if isinstance(node, Fraction):
            slope = slope_of(node, context, defined)
            if slope is not None:
                return slope if slope.above is None else replace(slope, above=walk(slope.above))
        if isinstance(node, Product):
            items = merged(node.items, context, defined)
            if len(items) == 1:
                return walk(items[0])
            node = replace(node, items=items)
        changed = {f.name: change(getattr(node, f.name)) for f in fields(node)}
        return replace(node, **changed)

    return walk(node)


def is_sign(node: Node, signs: frozenset[str] = SIGNS) -> bool:
    """Is this the d of a derivative, curly or not, perhaps raised to an order?"""
    base = node.base if isinstance(node, Scripted) and node.sub is None else node
    return isinstance(base, Name) and base.text in signs


def parts_of(node: Node) -> tuple[Node, ...]:
    node = alone(node)
    return node.items if isinstance(node, Product) else (node,)


def is_loss(node: Node, context: Context) -> bool:
    node = alone(node)
    base = node.base if isinstance(node, Scripted) and node.sup is None else node
    head = head_of(base)
    if context.loss and head == context.loss:
        return True
    under = node.sub if isinstance(node, Scripted) else None
    labels = tuple(map(spelled, listed(under)))
    known = any((head, labels[:k]) in context.names for k in range(len(labels) + 1))
    return head in LOSSES and not known


def slope_of(node: Fraction, context: Context, defined: frozenset[str]) -> Slope | None:
    """A fraction as a derivative, if both of its sides begin as those of one."""
    above, below = parts_of(node.above), parts_of(node.below)
    if not is_sign(above[0]) or not is_sign(below[0]) or len(below) < 2:
        return None
    entries = entries_below(below, order_of(above[0]))
    if not entries or len(above) == 1:
        return None
    return Slope(node.at, node.end, quantity(above[1:], context), entries)


def order_of(sign: Node) -> int:
    text = spelled(sign.sup) if isinstance(sign, Scripted) and sign.sup else "1"
    return int(text) if text.isdigit() and len(text) == 1 else 1


def entries_below(below: Sequence[Node], order: int) -> tuple[Node, ...]:
    """What is differentiated by: each name after a sign."""
    entries: list[Node] = []
    for sign, name in zip(below[::2], below[1::2], strict=False):
        if not is_sign(sign):
            return ()
        raised = isinstance(name, Scripted) and name.sup and spelled(name.sup) == str(order)
        if isinstance(name, Scripted) and raised and order > 1:
            entries += [replace(name, sup=None)] * order
        else:
            entries.append(name)
    return tuple(entries) if len(below) % 2 == 0 and len(entries) == order else ()


def quantity(items: Sequence[Node], context: Context) -> Node | None:
    """What is differentiated; None for the loss."""
    if len(items) == 1 and is_loss(items[0], context):
        return None
    if len(items) == 2 and is_loss(items[0], context) and isinstance(items[1], Group):
        return None  # L(z, y)
    return items[0] if len(items) == 1 else Product(items[0].at, items[-1].end, tuple(items))


def merged(items: tuple[Node, ...], context: Context, defined: frozenset[str]) -> tuple[Node, ...]:
    """Factors in which the names of gradients and derivatives are one factor each."""
    found: list[Node] = []
    at = 0
    while at < len(items):
        for rule in (inline_slope, operator, gradient_sign, gradient_name):
            taken, node = rule(items[at:], context, defined)
            if taken:
                found.append(node)
                at += taken
                break
        else:
            found.append(items[at])
            at += 1
    return tuple(found)


Taken = tuple[int, Node]
NOTHING: Taken = (0, Name(0, 0, ""))


def inline_slope(items: tuple[Node, ...], context: Context, defined: frozenset[str]) -> Taken:
    """``\\partial L / \\partial x_i`` and ``\\partial^2 L / \\partial x_i \\, \\partial x_j``"""
    slash = next((k for k, item in enumerate(items) if is_slash(item)), 0)
    if slash < 2 or not is_sign(items[0], CURLY):
        return NOTHING
    end = slash + 1
    while end + 1 < len(items) and is_sign(items[end], CURLY):
        end += 2
    entries = entries_below(items[slash + 1 : end], order_of(items[0]))
    if not entries:
        return NOTHING
    above = quantity(merged(items[1:slash], context, defined), context)
    return end, Slope(items[0].at, items[end - 1].end, above, entries)


def is_slash(node: Node) -> bool:
    return isinstance(node, Mark) and node.op == "/"


def operator(items: tuple[Node, ...], context: Context, defined: frozenset[str]) -> Taken:
    """``\\frac{\\partial}{\\partial x_i}`` before what it differentiates."""
    first = items[0]
    if not isinstance(first, Fraction) or len(items) < 2:
        return NOTHING
    above, below = parts_of(first.above), parts_of(first.below)
    if len(above) != 1 or not is_sign(above[0]) or not is_sign(below[0]):
        return NOTHING
    entries = entries_below(below, order_of(above[0]))
    if not entries:
        return NOTHING
    rest = merged(items[1:], context, defined)
    return len(items), Slope(first.at, items[-1].end, quantity(rest, context), entries)


def gradient_sign(items: tuple[Node, ...], context: Context, defined: frozenset[str]) -> Taken:
    """``\\nabla_x L`` and ``\\nabla_z^2 L``"""
    first = items[0]
    base = first.base if isinstance(first, Scripted) else first
    of = first.sub if isinstance(first, Scripted) else None
    if head_of(base) != "nabla" or len(items) < 2:
        return NOTHING
    if of is None:  # by all that there is to differentiate by
        inputs = [n for n in context.inputs if context.tensors[n].differentiable]
        if len(inputs) != 1:
            return NOTHING
        of = Name(first.at, first.end, inputs[0])
    count = 3 if len(items) > 2 and isinstance(items[2], Group) else 2
    above = quantity(items[1:count], context)
    return count, Slope(first.at, items[count - 1].end, above, (of,) * order_of(first))


def gradient_name(items: tuple[Node, ...], context: Context, defined: frozenset[str]) -> Taken:
    """``dQ`` and ``\\delta A``"""
    first = items[0]
    if len(items) < 2 or not isinstance(first, Name) or first.text not in ("d", "delta"):
        return NOTHING
    of = items[1]
    if isinstance(of, Name) and of.text == "d" and len(items) > 2:
        return NOTHING
    if not has_gradient(of, context):
        return NOTHING
    taken = {(first.text, ())} & (context.names.keys() | context.sizes.keys())
    touching = first.end == of.at or first.style == "upright"
    if (taken or first.text in defined) and not touching:
        return NOTHING
    return 2, Adjoint(first.at, of.end, of)


def has_gradient(node: Node, context: Context) -> bool:
    """Does this name a quantity, so that a d before it makes its gradient?"""
    if of_layer(node, context) is not None and context.layered is not None:
        context = context.layered
    node = alone(node)
    base, subs = (node.base, listed(node.sub)) if isinstance(node, Scripted) else (node, ())
    head = head_of(base)
    texts = tuple(map(spelled, subs))
    keys = [(head, texts[:count]) for count in range(len(texts) + 1)]
    return any(gradient_of(key, context) for key in keys)
