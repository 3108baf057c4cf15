"""Other functions whose gradient might have been given instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import sympy as sp

from .. import questions
from ..calls import without_calls
from ..catalogue import ops
from ..equation import Let
from ..errors import SymllmError
from ..expressions import name_of, nodes
from ..notation import Dim, Iverson, Tensor, entry
from ..op import Op
from ..program import Program
from ..values import run
from .points import Point
from .question import Question, question
from .variations import (
    RESEMBLING,
    Instead,
    Place,
    Row,
    Slip,
    missing_term,
    one_less,
    slips,
    wrong_function,
)
from .wording import Says

#: An op with more equations than this is a whole block, and its neighbours are too many to try.
MANY = 16


@dataclass(frozen=True)
class Neighbour:
    """A function that resembles the op, and the gradient of it in the place of the asked one."""

    words: str
    gradient: Callable[[Point], np.ndarray]


def neighbours(asked: Question, name: str) -> Iterator[Neighbour]:
    """What the gradient ``name`` might be of instead; the nearest first."""
    if name.removeprefix("d") in asked.wrt:
        yield from inner_gradients(asked, name)
        yield from changed_ops(asked, name, MASKS)
        yield from other_ops(asked, name)
        yield from changed_ops(asked, name, CHANGES)
        yield from given_instead(asked, name)


def inner_gradients(asked: Question, name: str) -> Iterator[Neighbour]:
    """The gradient with respect to a name on the way, as probabilities instead of logits."""
    of = name.removeprefix("d")
    dims = asked.tensor(of).dims
    for program in (asked.line_by_line, asked.textbook):
        for let in program.equations:
            inner = let.name.removeprefix("d")
            if let.name == name or inner == let.name or inner in asked.wrt:
                continue
            if program.tensors[let.name].dims != dims or inner not in asked.forward.tensors:
                continue
            if not affine(asked.forward, inner, of):
                yield Neighbour(
                    f"it is the gradient with respect to {inner}, not to {of}",
                    partial(value_at, let.name),
                )


def affine(program: Program, name: str, of: str) -> bool:
    """Is an intermediate the input up to terms and factors, so that another name for it is none?"""
    let = program.let[name]
    terms = sp.Add.make_args(let.rhs)
    return any(isinstance(t, sp.Indexed) and name_of(t) == of for t in terms)


def value_at(name: str, point: Point) -> np.ndarray:
    return point.values[name]


# --------------------------------------------------------------------------
# The op itself, something in it changed
# --------------------------------------------------------------------------


def without_constant(place: Place) -> Iterator[Instead]:
    """A scale, a temperature or a mask that is not there."""
    if isinstance(place.part, sp.Mul):
        for factor in place.part.args:
            if factor != -1 and no_data(place, factor):
                yield Instead(2.0, place.part / factor, "without the factor {}", (factor,))


def without_offset(place: Place) -> Iterator[Instead]:
    """An epsilon, or a mask that is added, left out."""
    for instead in missing_term(place):
        if no_data(place, instead.formulas[0]):
            yield replace(instead, words="without the term {}")


def no_data(place: Place, part: sp.Expr) -> bool:
    """Is it made of numbers, sizes, constants, targets and brackets alone?"""
    tensors = place.program.tensors
    given = {t.name for t in place.program.inputs if not t.differentiable}
    return all(
        name_of(n) in given or name_of(n) not in tensors
        for n in nodes(part)
        if isinstance(n, sp.Indexed | sp.Symbol)
    ) and not part.has(sp.Sum)


def epsilon_outside(place: Place) -> Iterator[Instead]:
    """Epsilon added to the root instead of under it."""
    part = place.part
    if isinstance(part, sp.Pow) and abs(part.exp) == sp.S.Half and isinstance(part.base, sp.Add):
        inside = [t for t in part.base.args if no_data(place, t)]
        if len(inside) == 1:
            outside = (sp.sqrt(part.base - inside[0]) + inside[0]) ** (2 * part.exp)
            yield Instead(2.0, outside, "with {} outside the root", (inside[0],))


def resembling(place: Place) -> Iterator[Instead]:
    """A function in the place of its like: GELU by tanh."""
    if place.part.func in RESEMBLING:
        for instead in wrong_function(place):
            yield replace(instead, words=instead.words.replace("{} is", "with {}"))


def without_bracket(place: Place) -> Iterator[Instead]:
    """A causal mask, or another one, left out."""
    if isinstance(place.part, Iverson):
        yield Instead(1.5, sp.S.One, "without the mask {}", (place.part,))


def temperature(place: Place) -> Iterator[Instead]:
    """Logits divided by something, or multiplied."""
    part = place.part
    if isinstance(part, sp.exp) and not no_data(place, part):
        sizes = [d.symbol for d in place.program.dims if d.size is None]
        for factor in (
            sp.S.Half,
            sp.Integer(2),
            *(sp.sqrt(n) ** k for n in sizes for k in (-1, 1)),
        ):
            yield Instead(
                2.4,
                sp.exp(part.args[0] * factor),
                "with {1} instead of {0}",
                (part, sp.exp(part.args[0] * factor)),
            )


#: Changes that leave a function which people know; ``MASKS`` come before all others.
MASKS = (without_bracket,)
CHANGES = (
    without_constant,
    without_offset,
    epsilon_outside,
    one_less,
    resembling,
    temperature,
)


def changed_ops(asked: Question, name: str, rows: Iterable[Row]) -> Iterator[Neighbour]:
    """The op with one piece changed that is no data."""
    forward = asked.forward
    if len(forward.equations) <= MANY:
        found = [slip for let in forward.equations for slip in slips(forward, let, rows)]
        for slip in sorted(found, key=lambda s: s.weight):
            yield of_changed(asked, slip, name)


def given_instead(asked: Question, name: str) -> Iterator[Neighbour]:
    """Probabilities given where logits are expected: an intermediate name is the input itself."""
    of = name.removeprefix("d")
    forward = asked.forward
    for let in forward.equations:
        same = forward.tensors[let.name].dims == forward.tensors[of].dims
        if same and let.name not in forward.outputs:
            direct = Let(let.lhs, entry(of, *let.indices), let.note)
            says = Says(let, "with {} = {}", (let.lhs, direct.rhs))
            yield of_changed(asked, Slip(direct, 3.0, says, let.lhs), name)


def of_changed(asked: Question, slip: Slip, name: str) -> Neighbour:
    says = slip.says.formatted(asked.forward)
    words = says if says.startswith("with") else f"where {says}"
    title = asked.op.title
    return Neighbour(
        f"it is the gradient of {title} {words}", partial(changed_gradient, asked, slip, name)
    )


def changed_gradient(asked: Question, slip: Slip, name: str, point: Point) -> np.ndarray:
    """The gradient of the op with one equation changed, at a point."""
    key = (slip.let, name)
    if key not in asked.memo:
        asked.memo[key] = derived(asked, slip, name)
    program = asked.memo[key]
    return run(program, point.drawn, point.sizes)[name] if program else np.empty(0)


def derived(asked: Question, slip: Slip, name: str) -> Program | None:
    """The backward program of the changed op, where it has one."""
    forward = asked.forward
    equations = tuple(slip.let if e.name == slip.let.name else e for e in forward.equations)
    try:
        changed = replace(forward, equations=equations, declared=declared(forward))
        unit = frozenset(changed.outputs) if asked.unit else frozenset()
        derivation = questions.gradient(asked.op, changed, (name.removeprefix("d"),), unit)
        return without_calls(derivation.backward)
    except SymllmError:
        return None


def declared(program: Program) -> tuple[Tensor, ...]:
    """All shapes said, for a changed equation may no longer say its own."""
    return tuple(program.tensors[let.name] for let in program.equations)


# --------------------------------------------------------------------------
# Other ops of the catalogue
# --------------------------------------------------------------------------


def other_ops(asked: Question, name: str) -> Iterator[Neighbour]:
    """Ops that take inputs of the same names and give an output of the same shape."""
    for other in ops:
        op = ops[other]
        match = dims_between(op, asked.op)
        if other == asked.op.name or match is None or name.removeprefix("d") not in op.inputs:
            continue
        yield Neighbour(
            f"it is the gradient of {op.title} ({other})",
            partial(other_gradient, asked, op, match, name),
        )


def dims_between(op: Op, asked: Op) -> dict[Dim, Dim] | None:
    """For each dimension of an op the one that it is for another, where their faces agree."""
    lead = asked.program.batch
    match: dict[Dim, Dim] = {}
    pairs = [(t, asked.inputs.get(n)) for n, t in op.inputs.items()]
    pairs += list(zip(op.outputs.values(), asked.outputs.values(), strict=False))
    if len(op.outputs) != len(asked.outputs):
        return None
    for mine, theirs in pairs:
        if theirs is None or mine.role != theirs.role or bool(mine.merged) != bool(theirs.merged):
            return None
        dims = theirs.dims[len(lead) :] if theirs.dims[: len(lead)] == lead else theirs.dims
        if len(dims) != len(mine.dims):
            return None
        for a, b in zip(mine.dims, dims, strict=True):
            if match.setdefault(a, b) != b:
                return None
    return match


def other_gradient(
    asked: Question, op: Op, match: dict[Dim, Dim], name: str, point: Point
) -> np.ndarray:
    batch = [d.name for d in asked.op.program.batch]
    theirs = question(op.batched(*batch) if batch else op, asked.unit)
    sizes = {d.name: point.sizes[d.name] for d in asked.op.program.batch}
    sizes |= {mine.name: point.sizes[other.name] for mine, other in match.items()}
    names = dict(zip(theirs.op.outputs, asked.op.outputs, strict=True))
    drawn = {n: point.drawn[n] for n in theirs.op.inputs}
    if not asked.unit:
        drawn |= {f"d{mine}": point.drawn[f"d{other}"] for mine, other in names.items()}
    return run(theirs.textbook, drawn, sizes)[name]
