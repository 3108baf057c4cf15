"""Names with their subscripts: entries of tensors, sizes, and what people call things."""

from __future__ import annotations

from dataclasses import replace

import sympy as sp

from ..notation import Tensor, entry
from .arrays import Value, averaged, copied, total
from .context import gradient_of
from .layers import at_layer, of_layer
from .names import Signature, head_of, listed, spelled
from .powers import raised
from .scope import USUAL, Definition, Scope, reads
from .sizes import Mismatch
from .tree import Accent, Adjoint, Name, Node, Number, Scripted, alone

#: What people call a class index.
LABELS = ("y", "t")

#: What a bar over a name can mean.
BARS = ("its mean", "its gradient")

#: What stands for a whole axis: ``Q_{i,:}``.
WHOLE = ":"


@reads(Name, Accent)
def read_name(scope: Scope, node: Node) -> Value:
    return name_value(scope, node, node, ())


def name_value(
    scope: Scope, node: Node, base: Node, subscripts: tuple[Node, ...], adjoint: bool = False
) -> Value:
    """The value of a name with subscripts, of which the first may belong to the name itself."""
    base = alone(base)
    inner = alone(base.body) if isinstance(base, Accent) else base
    if isinstance(base, Accent) and isinstance(inner, Scripted) and plain(inner):  # \hat{x_i}
        subscripts = (*listed(inner.sub), *subscripts)
        base = replace(base, body=inner.base)
    head = head_of(base)
    if not head:
        return unnamed(scope, node, base, subscripts)
    texts = tuple(map(spelled, subscripts))
    for count in range(len(subscripts), -1, -1):
        found = known_value(scope, node, (head, texts[:count]), subscripts[count:], adjoint)
        if found is not None:
            return found
    if isinstance(base, Accent) and not adjoint and is_overlined(scope, base):
        return overlined(scope, node, base, subscripts)
    if adjoint:
        raise scope.error(f"there is no gradient by {head}: {scope.known()}", node)
    index = scope.index(head, new=False)
    if not subscripts and index is not None:
        return Value(index)
    for usual in USUAL:
        found = usual(scope, node, head, subscripts)
        if found is not None:
            return found
    raise scope.error(
        f"{head!r} is no name of {scope.context.title}, nor is it defined; {scope.known()}", node
    )


def plain(node: Scripted) -> bool:
    """Has it subscripts, and nothing else?"""
    return node.sup is None and not node.primes


def unnamed(scope: Scope, node: Node, base: Node, subscripts: tuple[Node, ...]) -> Value:
    """Something in braces or under an accent that is no name."""
    if isinstance(base, Accent):
        if base.kind != "bar" or subscripts:
            raise scope.error("this accent is not understood over a formula", node)
        return mean_over_clear_axis(scope, base.body, node)
    value = scope.value(base)
    return subscripted(scope, node, value, subscripts, "this") if subscripts else value


def is_overlined(scope: Scope, base: Accent) -> bool:
    """Is the bar over a name that is known without it?"""
    key = (head_of(base.body), ())
    return base.kind == "bar" and (key in scope.context.names or key in scope.definitions)


def overlined(scope: Scope, node: Node, base: Accent, subscripts: tuple[Node, ...]) -> Value:
    """``\\bar{x}``: the mean of x, or its gradient, as automatic differentiation has it."""
    name = head_of(base.body)
    gradient = f"d{scope.context.names.get((name, ()), '')}" in scope.context.tensors
    if gradient and (subscripts or scope.choose(f"{name} with a bar is", BARS) == BARS[1]):
        return name_value(scope, node, base.body, subscripts, adjoint=True)
    if subscripts:
        raise scope.error(f"the mean of {name} has no subscripts", node)
    return mean_over_clear_axis(scope, base.body, node)


def mean_over_clear_axis(scope: Scope, body: Node, node: Node) -> Value:
    """A mean whose axis is not said: over a vector's axis, or the one index that is new."""
    before = set(scope.free)
    outer, scope.entry = scope.entry, None
    value = scope.value(body)
    scope.entry = outer
    if value.rank == 1:
        return averaged(scope.sizes, value, value.axes)
    new = [letter for letter in scope.free if letter not in before]
    if value.axes or len(new) != 1:
        raise scope.error("over what this mean is taken is not clear; write it as a sum", node)
    index = scope.free.pop(new[0])
    return averaged(scope.sizes, Value(value.expr, (index,)), (index,))


# --------------------------------------------------------------------------
# Names that are known
# --------------------------------------------------------------------------


def known_value(
    scope: Scope, node: Node, key: Signature, rest: tuple[Node, ...], adjoint: bool
) -> Value | None:
    """The value of a name that a definition or the op gives; None where there is none."""
    context = scope.context
    if not adjoint:
        if key in scope.parameters:
            value = copied(scope.sizes, scope.parameters[key])
            return subscripted(scope, node, value, rest, key[0])
        if key in scope.definitions and not scope.definitions[key].parameters:
            value = defined(scope, scope.definitions[key])
            return subscripted(scope, node, value, rest, key[0])
    name = context.names.get(key)
    if adjoint:
        if name is not None and f"d{name}" not in context.tensors:
            raise scope.error(f"{context.title} has no gradient d{name}", node)
        name = gradient_of(key, context) or None
    if name is not None:
        return tensor_value(scope, node, context.tensors[name], rest)
    if not adjoint and not rest and key in context.sizes:
        return Value(context.sizes[key].symbol)
    return None


def tensor_value(scope: Scope, node: Node, tensor: Tensor, rest: tuple[Node, ...]) -> Value:
    """A tensor's entry at subscripts, the axes without one left open."""
    if tensor.integer and not tensor.rank:
        symbol = sp.Symbol(tensor.name, integer=True)
        return subscripted(scope, node, Value(symbol), rest, tensor.name)
    axes = tuple(scope.sizes.index(dim.symbol) for dim in tensor.dims)
    value = Value(entry(tensor.name, *axes), axes)
    return subscripted(scope, node, value, rest, tensor.name, tensor)


def subscripted(
    scope: Scope,
    node: Node,
    value: Value,
    rest: tuple[Node, ...],
    name: str,
    tensor: Tensor | None = None,
) -> Value:
    """The entry of a value at subscripts; with none, a vector may stand for its entry."""
    if not rest:
        if scope.entry is not None and value.rank == 1:
            return fixed(scope, value, value.axes[0], scope.entry, node, name)
        return value
    if tensor is not None and tensor.merged and len(rest) == len(tensor.axes):
        rest = unmerged(scope, tensor, rest)
    if len(rest) > value.rank:
        axes = f"{value.rank} axes" if value.rank != 1 else "1 axis"
        raise scope.error(f"{name} has {axes or 'none'}, but {len(rest)} subscripts here", node)
    for axis, subscript in zip(value.axes, rest, strict=False):
        place = subscript_value(scope, subscript, scope.sizes.of[axis])
        if place is not None:
            value = fixed(scope, value, axis, place, subscript, name)
    return value


def fixed(
    scope: Scope, value: Value, axis: sp.Symbol, place: sp.Expr, node: Node, name: str
) -> Value:
    """A value at one place of one axis; an index that is used there runs as the axis does."""
    sizes = scope.sizes
    if place in sizes.of and not sizes.unify(sizes.of[place], sizes.of[axis]):
        letter = sizes.letter[place] or "the index"
        raise Mismatch(
            f"{letter} runs to {sizes.size(place)} elsewhere, but here it is an index of "
            f"{name}, to {sizes.size(axis)}",
            node.at,
        )
    axes = tuple(a for a in value.axes if a != axis)
    if place.is_Integer and not scope.context.theory:  # programs know no entry by its number
        picked = total(sizes, axis, value.expr * sp.KroneckerDelta(axis, place))
        return replace(value, expr=picked, axes=axes)
    return replace(value, expr=value.expr.xreplace({axis: place}), axes=axes)


def subscript_value(scope: Scope, node: Node, size: sp.Expr) -> sp.Expr | None:
    """What a subscript selects: an index, or an entry of integers; None for a whole axis."""
    node = alone(node)
    text = spelled(node)
    if text == WHOLE:
        return None
    integer = integer_value(scope, node, size)
    if integer is not None:
        return integer
    known = scope.sizes.found(size)
    if isinstance(node, Number) and known.is_Integer and node.text.isdigit():
        if int(node.text) >= known:
            raise scope.error(f"there is no entry {node.text}: of {known}, the first is 0", node)
        return sp.Integer(int(node.text))
    if not text or isinstance(node, Number) or text == "ones":
        raise scope.error(
            "a subscript is an index, such as i, or a class, such as t, and nothing else", node
        )
    return scope.index(text)


def integer_value(scope: Scope, node: Node, size: sp.Expr) -> sp.Expr | None:
    """The class or the position that a name holds, if it holds integers."""
    base, subs = (node.base, listed(node.sub)) if isinstance(node, Scripted) else (node, ())
    head, texts = head_of(base), tuple(map(spelled, subs))
    called = ((c, scope.context.names.get((head, texts[:c]))) for c in range(len(subs), -1, -1))
    own, name = next(((c, found) for c, found in called if found), (0, None))
    subs = subs[own:]
    if not name and head in LABELS and scope.context.label and scope.index(head, False) is None:
        name = scope.context.label
    if not name or not scope.context.tensors[name].integer:
        return None
    tensor = scope.context.tensors[name]
    if tensor.rank != len(subs):
        raise scope.error(f"{name} has {tensor.rank} axes, but {len(subs)} subscripts here", node)
    if not scope.sizes.unify(size, tensor.indexed.symbol):
        raise Mismatch(
            f"{name} counts to {tensor.indexed.name}, but the axis is as long as "
            f"{scope.sizes.found(size)}",
            node.at,
        )
    return tensor_value(scope, node, tensor, subs).expr


def unmerged(scope: Scope, tensor: Tensor, rest: tuple[Node, ...]) -> tuple[Node, ...]:
    raise scope.error(
        f"{tensor.name} has axes that hold several dimensions: write an index for each", rest[0]
    )


def defined(scope: Scope, definition: Definition) -> Value:
    """The name of a definition, whose equation the formula leans on; axes of its own each time."""
    name = definition.name
    if name in scope.waiting:
        raise scope.error(f"{name} is defined by itself", definition.body)
    if name not in scope.lets:
        scope.waiting.append(name)
        value = written_out(scope, definition)
        scope.waiting.pop()
        scope.lets[name] = value
    return scope.use(name)


def written_out(scope: Scope, definition: Definition) -> Value:
    """The body of a definition, with the indices on its left as axes."""
    outer = scope.free, scope.bound, scope.parameters, scope.entry, scope.text
    scope.free, scope.bound, scope.parameters, scope.text = {}, [], {}, definition.text
    if definition.indices:
        scope.entry = None
    axes = tuple(scope.index(letter) for letter in definition.indices)
    body = scope.value(definition.body)
    loose = scope.free.keys() - set(definition.indices)
    scope.free, scope.bound, scope.parameters, scope.entry, scope.text = outer
    if loose:
        raise Mismatch(
            f"in the definition of {definition.name}, {', '.join(sorted(loose))} is free on the "
            f"right but not on the left",
            definition.at,
        )
    if axes and body.axes:
        raise Mismatch(
            f"in the definition of {definition.name}, the left is an entry and the right is "
            f"{scope.sizes.text(*body.axes)}",
            definition.at,
        )
    return Value(body.expr, axes) if axes else body


# --------------------------------------------------------------------------
# Gradients by name
# --------------------------------------------------------------------------


@reads(Adjoint)
def read_adjoint(scope: Scope, node: Adjoint) -> Value:
    """``dQ``, ``d\\gamma_i``: the gradient of the loss by what is named, with what is above it."""
    of = alone(node.of)
    if (layer := of_layer(of, scope.context)) is not None:
        bare, place = layer
        return at_layer(scope, node, replace(node, of=bare), place)
    base, subs = (of.base, listed(of.sub)) if isinstance(of, Scripted) else (of, ())
    sup = of.sup if isinstance(of, Scripted) else None
    if head_of(base) == "sigma" and sup and spelled(sup) == "2" and not subs:
        return name_value(scope, node, Name(base.at, base.end, "v"), (), adjoint=True)
    value = name_value(scope, node, base, subs, adjoint=True)
    return raised(scope, value, sup, node)
