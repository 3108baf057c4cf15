"""Ops from formulas: what the inputs are, and over which dimensions they run, is inferred."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from ..equation import Let
from ..errors import OpError, ReadError
from ..expressions import is_entry, name_of, parts
from ..notation import Dim, Domain, Role, Tensor
from ..program import Program
from ..values import run
from .claim import entry_of
from .context import Context
from .inputs import RENAMED, SIZES, Dims, Equation, Said, bounds, inputs_of, uses
from .names import head_of, listed, spelled
from .quantities import with_derivatives
from .readings import Choices
from .scope import Scope
from .sizes import Mismatch, Sizes
from .statements import equations as equations_of
from .statements import is_label, letters_below
from .tidy import tidied
from .tree import Scripted, alone

#: Dimensions that nobody has named are called so, in this order.
LETTERS = ("n", "m", "d", "e", "k", "l")


@dataclass(frozen=True)
class Defined:
    """What an op is made of."""

    inputs: tuple[Tensor, ...]
    equations: tuple[Let, ...]
    outputs: tuple[str, ...]
    declared: tuple[Tensor, ...]


def op_from_latex(
    texts: Sequence[str] | str,
    dims: Dims,
    roles: Mapping[str, Role],
    domains: Mapping[str, Domain],
    outputs: Iterable[str],
) -> Defined:
    """The inputs and equations that formulas say; see ``Op.from_latex``."""
    found = written((texts,) if isinstance(texts, str) else tuple(texts))
    said = Said.of(dims)
    sizes = Sizes()
    tensors = inputs_of(found, said, roles, domains)
    if not tensors:
        raise ReadError("a formula of an op names at least one input", found[0].text, found[0].at)
    names = tuple(tensors)
    lone = tuple(dict.fromkeys(n for e in found for n in size_letters(e, tensors)))
    dims_known = tuple(map(Dim, dict.fromkeys((*said.names, *sorted(bounds(found)), *lone))))
    read = []
    for equation in found:
        context = Context(
            "the formula", tensors, tuple(tensors), names, (equation.name,), dims_known
        )
        one = read_equation(equation, context, sizes, said)
        tensors = tensors | {equation.name: Tensor(equation.name, one.dims)}
        read.append(one)
    name_sizes(sizes, tensors, (*said.names, *sorted(bounds(found))), lone)
    taken = frozenset(tensors)
    lets = [finished(one, taken) for one in read]
    done = {name: with_dims(tensor, sizes) for name, tensor in tensors.items()}
    inner = {n for let in lets for n in let.mentioned}
    logged = {name for let in lets for name in under_logarithms(let.rhs)} - domains.keys()
    return Defined(
        inputs=tuple(
            replace(done[n], domain="positive") if n in logged else done[n] for n in names
        ),
        equations=tuple(lets),
        outputs=tuple(outputs) or tuple(e.name for e in found if e.name not in inner),
        declared=tuple(done[e.name] for e in found if done[e.name].rank),
    )


def written(texts: Sequence[str]) -> list[Equation]:
    """Each equation of the texts, every name defined once."""
    found: list[Equation] = []
    for text in texts:
        for left, rights, condition in equations_of(text):
            if condition is not None or len(rights) != 1:
                raise ReadError("an op's equation has one side that defines it", text, left.at)
            node = alone(left)
            base, subs = (node.base, listed(node.sub)) if isinstance(node, Scripted) else (node, ())
            if isinstance(node, Scripted) and (node.sup is not None or node.primes):
                raise ReadError("the left side of an equation is a name", text, node.at)
            head = head_of(base)
            own = tuple(spelled(s) for s in subs if is_label(s))
            indices = tuple(spelled(s) for s in subs if not is_label(s))
            if not head or not all(indices):
                raise ReadError("the left side of an equation is a name", text, node.at)
            name = "_".join((RENAMED.get(head, head), *own))
            if any(name == other.name for other in found):
                raise ReadError(f"{name} is defined twice", text, node.at)
            found.append(Equation(name, head, own, indices, rights[0], text, node.at))
    if not found:
        raise OpError("an op needs at least one equation")
    return in_order(found)


def in_order(found: Sequence[Equation]) -> list[Equation]:
    """The equations, each after those whose names it uses; raises ``ReadError`` for a circle."""
    heads = {(e.head, e.own) for e in found}
    done: list[Equation] = []
    waiting = list(found)
    while waiting:
        ready = [e for e in waiting if needs(e) & heads <= {(d.head, d.own) for d in done}]
        if not ready:
            circle = ", ".join(e.name for e in waiting)
            raise ReadError(f"defined by themselves: {circle}", waiting[0].text, waiting[0].at)
        done.append(ready[0])
        waiting.remove(ready[0])
    return done


def needs(equation: Equation) -> set[tuple[str, tuple[str, ...]]]:
    """The names on the right side, with the subscripts that belong to them."""
    letters = letters_below(equation.right) | set(equation.indices)
    return {
        (head, tuple(spelled(s) for s in subs if is_label(s)))
        for head, subs, _ in uses(equation.right, letters)
    }


# --------------------------------------------------------------------------
# The equations
# --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Read:
    """An equation that was read, some of its sizes perhaps still to be named."""

    equation: Equation
    scope: Scope
    expr: sp.Expr
    axes: tuple[sp.Symbol, ...]

    @property
    def dims(self) -> tuple[Dim, ...]:
        return tuple(Dim(str(self.scope.sizes.size(axis))) for axis in self.axes)


def read_equation(equation: Equation, context: Context, sizes: Sizes, said: Said) -> Read:
    """An equation's right side; raises ``ReadError``, also where there are several ways."""
    right = with_derivatives(equation.right, context, frozenset())
    letters = letters_below(right) | set(equation.indices)
    by_letter = {
        letter: Dim(names[0]).symbol
        for letter, names in said.by_name.items()
        if letter in letters and letter not in context.tensors
    }
    choose = Choices({})
    scope = Scope(equation.text, context, choose, sizes=sizes, said=by_letter)
    axes = tuple(scope.index(letter) for letter in equation.indices)
    try:
        value = scope.value(right)
    except Mismatch as error:
        raise ReadError(error.message, equation.text, error.at) from None
    for question, answer in choose.made.items():
        others = ", ".join(made[question] for made in choose.others if made[question] != answer)
        raise ReadError(
            f"this can be read in several ways: {question} {answer}, or {others}; make it plain",
            equation.text,
            right.at,
        )
    used = value.expr.free_symbols
    loose = sorted(c for c, s in scope.free.items() if s in used and c not in equation.indices)
    if loose:
        raise ReadError(
            f"{', '.join(loose)} is free on the right but not on the left: sum over it",
            equation.text,
            right.at,
        )
    if scope.written or any(d.has(sp.Integer) for d in parts(value.expr, sp.KroneckerDelta)):
        raise ReadError(
            "the entries of what an op holds have no numbers: matrices are not written out in its "
            "equations, but are its inputs",
            equation.text,
            right.at,
        )
    if axes and value.axes:
        raise ReadError(
            f"the left side is an entry, the right side {sizes.text(*value.axes)}",
            equation.text,
            right.at,
        )
    return Read(equation, scope, value.expr, axes or value.axes)


def finished(read: Read, taken: frozenset[str]) -> Let:
    body, change = tidied(read.scope, read.expr, read.axes, taken)
    subs = tuple(change[axis] for axis in read.axes)
    return Let(entry_of(read.equation.name, subs), body)


def under_logarithms(expr: Any) -> set[str]:
    """The names whose logarithm or root is taken, and which are positive therefore."""
    inside = [f.args[0] for f in parts(expr, sp.log)]
    inside += [p.base for p in parts(expr, sp.Pow) if p.exp.is_Rational and not p.exp.is_Integer]
    return {name_of(arg) for arg in inside if is_entry(arg)}


def name_sizes(
    sizes: Sizes, tensors: Mapping[str, Tensor], said: Sequence[str], lone: Sequence[str]
) -> None:
    """A name for every size that has none: the letter that is left over, or a usual one."""
    taken = {*tensors, *said}
    free = (c for c in dict.fromkeys((*lone, *LETTERS)) if c not in taken)
    for tensor in tensors.values():
        for dim in tensor.dims:
            if sizes.is_open(dim.symbol):
                sizes.unify(dim.symbol, Dim(next(free)).symbol)


def size_letters(equation: Equation, tensors: Mapping[str, Tensor]) -> list[str]:
    letters = letters_below(equation.right) | set(equation.indices)
    return [h for h, subs, _ in uses(equation.right, letters) if h in SIZES and h not in tensors]


def with_dims(tensor: Tensor, sizes: Sizes) -> Tensor:
    """A tensor with the dimensions that were found for it."""
    return replace(tensor, dims=tuple(Dim(str(sizes.found(d.symbol))) for d in tensor.dims))


# --------------------------------------------------------------------------
# The judge of such an op
# --------------------------------------------------------------------------


def forward_function(program: Program) -> Callable[..., Any]:
    """The forward pass as a NumPy function that evaluates the equations as they stand.

    It shares nothing with the engine nor with generated code, and so can judge both; only what
    was read wrongly it cannot see.
    """

    def forward(*given: Any, **named: Any) -> Any:
        inputs = dict(zip((t.name for t in program.inputs), given, strict=False)) | named
        arrays = {name: np.asarray(value, float) for name, value in inputs.items()}
        sizes = {
            dim.name: length
            for tensor in program.inputs
            for dim, length in zip(tensor.dims, arrays[tensor.name].shape, strict=True)
        }
        found = run(program, arrays, sizes)
        outputs = [found[name][()] for name in program.outputs]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    return forward
