"""Functions, told from names by what they are called and by the brackets after them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sympy as sp

from .arrays import Value
from .axes import OF_ONE, OF_SEVERAL, is_on_axes
from .brackets import condition
from .chance import AVERAGES, CALLED, averaged, drawn
from .functions import FOLDED, FUNCTIONS, derivative
from .names import folded, head_of, listed, spelled
from .powers import raised
from .scope import Definition, Scope
from .slopes import slope
from .tree import Group, Name, Node, Number, Relation, Scripted, alone

#: Names that are functions only before brackets, as they also stand for quantities.
SHY = frozenset({"sigma", "Phi", "phi", "max", "min"})
LOGISTIC, DEVIATION = "the logistic function", "the standard deviation"

#: More arguments than this no maximum has on a page.
MOST_ARGUMENTS = 6


#: What SymPy spends on a function grows like a power of how many are inside it; of such units
#: no formula on a page needs more.
MOST_EFFORT = 150


@dataclass(frozen=True)
class Callee:
    """A function as it stands in a formula: its name and what it carries."""

    name: str
    sub: tuple[Node, ...] = ()
    sup: Node | None = None
    primes: int = 0
    definition: Definition | None = None
    of: str = ""


def callee(scope: Scope, node: Node, after: Node | None) -> Callee | None:
    """The function that a factor is, if it is one; ``after`` is the factor after it."""
    base = node
    sub: tuple[Node, ...] = ()
    sup, primes = None, 0
    if isinstance(node, Scripted):
        base, sub, sup, primes = node.base, listed(node.sub), node.sup, node.primes
    base = alone(base)
    group = after.base if isinstance(after, Scripted) else after
    brackets = isinstance(group, Group) and group.kind != "{"
    if isinstance(base, Number):
        return Callee("indicator") if base.text == "1" and holds_relation(group) else None
    head = head_of(base)
    if not head:
        return None
    if scope.context.theory and (average := average_name(base, head)):
        return Callee(average, sub, sup, primes)
    if brackets and is_expectation(base):
        return Callee("mean", sub, sup, primes)
    if brackets and folded(head) in scope.context.calls:
        return Callee("call", sub, sup, primes, of=scope.context.calls[folded(head)])
    texts = tuple(map(spelled, sub))
    if any((head, texts[:count]) in scope.context.names for count in range(1, len(texts) + 1)):
        return None
    definition = scope.definitions.get((head, texts))
    if definition is not None:
        return Callee(head, (), sup, primes, definition) if definition.parameters else None
    if (head, ()) in scope.parameters or (head, ()) in scope.definitions:
        return None
    if head in ("ones", "I") and not sub and holds_relation(group):
        return Callee("indicator")
    name = function_name(scope, base, head)
    if name is None or (not brackets and (name in SHY or name == "own")):
        return None
    if (
        (name not in SHY or scope.context.theory)
        and name != "own"
        and (head, ()) in scope.context.names
    ):
        return None
    if name == "sigma" and brackets and not primes and deviates(scope):
        return None
    return Callee(name, sub, sup, primes)


def is_expectation(base: Node) -> bool:
    """``\\mathbb{E}``, whatever else is called E."""
    return isinstance(base, Name) and base.style == "double" and base.text == "E"


def average_name(base: Node, head: str) -> str:
    """``\\mathbb{E}`` and ``\\mathrm{Var}``, where there is chance."""
    set_apart = isinstance(base, Name) and (base.style == "double" or len(head) > 1)
    return CALLED.get(head.lower(), "") if set_apart else ""


def holds_relation(node: Node | None) -> bool:
    return isinstance(node, Group) and len(node.parts) == 1 and isinstance(node.parts[0], Relation)


def deviates(scope: Scope) -> bool:
    """Is sigma the standard deviation, which it may be where there is an eps?"""
    if not scope.context.vector or "eps" not in scope.context.tensors:
        return False
    return scope.choose("sigma before brackets is", (LOGISTIC, DEVIATION)) == DEVIATION


def function_name(scope: Scope, base: Node, head: str) -> str | None:
    """What a function is called here: one of numbers, one of axes, or the op itself."""
    word = folded(head)
    if head in FUNCTIONS:
        return head
    if isinstance(base, Name) and len(head) > 1 and (found := FOLDED.get(word)):
        return found
    if is_on_axes(head):
        return word
    if word == scope.context.title.replace("_", "") and len(head) > 1:
        return "own"
    return "mean" if is_expectation(base) else None


def applied(scope: Scope, function: Callee, parts: tuple[Node, ...], node: Node) -> Value:
    """The value of a function at its arguments, and what is above its name done to it."""
    found = outcome(scope, function, parts, node)
    if function.sup is not None and spelled(function.sup) not in ("top",):
        up = alone(function.sup)
        exponent = scope.number(up, "an exponent")
        if not (exponent.is_Integer and exponent > 0):
            raise scope.error("is this a power or the inverse of a function?", function.sup)
    return raised(scope, found, function.sup, node)


def outcome(scope: Scope, function: Callee, parts: tuple[Node, ...], node: Node) -> Value:
    if function.name == "indicator":
        return Value(condition(scope, parts[0]))
    if function.definition is not None:
        return called(scope, function, parts, node)
    if function.name in AVERAGES:
        if function.sub or function.primes:
            raise scope.error(
                f"{function.name} is over all that is random, with no subscript", node
            )
        return averaged(scope, function.name, [scope.value(part) for part in parts], node)
    if function.name == "call":
        return called_op(scope, function, parts, node)
    if function.name == "own":
        return own(scope, function, parts, node)
    if function.name in FUNCTIONS:
        return of_numbers(scope, function, parts, node)
    if function.primes:
        raise scope.error(f"the derivative of {function.name} is not read", node)
    return of_axes(scope, function, parts, node)


# --------------------------------------------------------------------------
# Functions of numbers, entry by entry
# --------------------------------------------------------------------------


def of_numbers(scope: Scope, function: Callee, parts: tuple[Node, ...], node: Node) -> Value:
    if len(parts) != 1:
        raise scope.error(f"{function.name} takes one argument, not {len(parts)}", node)
    value = scope.value(parts[0])
    scalar = FUNCTIONS[function.name]
    scope.effort += 3 ** nesting(value.expr)
    if scope.effort > MOST_EFFORT:
        raise scope.error("too many functions of functions for one formula", node)
    if function.primes:
        return replace(value, expr=derivative(scalar, checked(scope, function, node), value.expr))
    expr = scalar(value.expr)
    if function.name == "log" and function.sub:
        base = scope.number(function.sub[0], "the base of a logarithm")
        expr = expr / sp.log(base)
    elif function.sub:
        raise scope.error(f"the subscript of {function.name} is not understood", node)
    return replace(value, expr=expr)


def nesting(expr: sp.Basic) -> int:
    """How many functions stand inside each other."""
    inner = max((nesting(arg) for arg in expr.args), default=0)
    return inner + isinstance(expr, sp.Function)


def checked(scope: Scope, function: Callee, node: Node) -> int:
    if function.primes > 2:
        raise scope.error("more than two derivatives are not read", node)
    return function.primes


def called(scope: Scope, function: Callee, parts: tuple[Node, ...], node: Node) -> Value:
    """A defined function with its arguments put in."""
    definition = function.definition
    assert definition is not None
    if len(parts) != len(definition.parameters):
        count = len(definition.parameters)
        raise scope.error(f"{function.name} takes {count} arguments, not {len(parts)}", node)
    if definition.name in scope.waiting:
        raise scope.error(f"{definition.name} is defined by itself", node)
    values = [scope.value(part) for part in parts]
    outer = scope.parameters, scope.text
    if function.primes:
        if len(values) != 1:
            raise scope.error("the derivative of a function of several numbers is not clear", node)
        variable = sp.Symbol("x@", real=True)
        arguments = [Value(variable)]
    else:
        arguments = values
    scope.waiting.append(definition.name)
    scope.parameters = {(p, ()): v for p, v in zip(definition.parameters, arguments, strict=True)}
    scope.text = definition.text
    found = scope.value(definition.body)
    scope.parameters, scope.text = outer
    scope.waiting.pop()
    if function.primes:
        (value,) = values
        body = found.expr
        expr = derivative(
            lambda x: body.xreplace({variable: x}), checked(scope, function, node), value.expr
        )
        return replace(value, expr=expr)
    return found


# --------------------------------------------------------------------------
# The op itself
# --------------------------------------------------------------------------


def own(scope: Scope, function: Callee, parts: tuple[Node, ...], node: Node) -> Value:
    """``\\mathrm{GELU}(x)``: the output, if the arguments are the op's inputs."""
    for part in parts:
        head = head_of(part)
        name = scope.context.names.get((head, ())) if head else None
        if name not in scope.context.inputs:
            raise scope.error(f"{scope.context.title} is here not a function of its inputs", part)
    output = Name(node.at, node.end, scope.context.outputs[0])
    if function.primes:
        return slope(scope, node, output, (alone(parts[0]),) * checked(scope, function, node))
    return scope.value(output)


def called_op(scope: Scope, function: Callee, parts: tuple[Node, ...], node: Node) -> Value:
    """``\\mathrm{softmax}_j(S_{ij})``: an op, the indices that it mixes, and its arguments."""
    if function.primes:
        raise scope.error(f"the derivative of {function.of} is not read", node)
    values = [scope.number(part, f"an argument of {function.of}") for part in parts]
    letters = [scope.index(spelled(one)) for one in function.sub]
    return Value(sp.Function(function.of)(sp.Tuple(*letters), *values))


# --------------------------------------------------------------------------
# Functions of whole axes
# --------------------------------------------------------------------------


def of_axes(scope: Scope, function: Callee, parts: tuple[Node, ...], node: Node) -> Value:
    if len(parts) > MOST_ARGUMENTS:
        raise scope.error(f"{function.name} has {len(parts)} arguments, which are too many", node)
    if function.name == "mean" and len(function.sub) == 1:
        law = alone(function.sub[0])
        if isinstance(law, Relation):
            return drawn(scope, law, parts, node)
    outer, scope.entry = scope.entry, None
    values = [scope.value(part) for part in parts]
    scope.entry = outer
    if function.name in OF_SEVERAL:
        if function.sub:
            raise scope.error(f"the subscript of {function.name} is not understood", node)
        return OF_SEVERAL[function.name](scope, values, node)
    if len(values) != 1:
        raise scope.error(f"{function.name} takes one argument, not {len(values)}", node)
    value = with_axis(scope, function, values[0], node)
    found = OF_ONE[function.name](scope, value, node)
    if outer is not None and found.rank == 1:
        (axis,) = found.axes
        scope.sizes.unify(scope.sizes.of[axis], scope.sizes.of[outer])
        return Value(found.expr.xreplace({axis: outer}))
    if not values[0].axes and found.axes:  # the index stays in sight
        (axis,) = found.axes
        return Value(found.expr.xreplace({axis: index_of(scope, function, values[0], node)}))
    return found


def index_of(scope: Scope, function: Callee, value: Value, node: Node) -> sp.Symbol:
    """The index that a function of entries runs over: the one below its name, or the only one."""
    if len(function.sub) == 1:
        letter = spelled(function.sub[0])
        index = scope.index(letter, new=False)
        if index is None:
            raise scope.error(f"{letter} is no index of what {function.name} is applied to", node)
        return index
    there = [s for s in value.expr.free_symbols if s in scope.sizes.of]
    if len(there) != 1:
        raise scope.error(f"over which index {function.name} runs is not clear", node)
    return there[0]


def with_axis(scope: Scope, function: Callee, value: Value, node: Node) -> Value:
    """A value with an axis to run over: its own, or one made of an index."""
    if value.axes:
        if function.sub:
            raise scope.error(f"the subscript of {function.name} is not understood", node)
        return value
    index = index_of(scope, function, value, node)
    axis = scope.sizes.index(scope.sizes.of[index], scope.sizes.letter[index])
    return Value(value.expr.xreplace({index: axis}), (axis,))
