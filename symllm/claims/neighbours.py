"""Other functions whose gradient might have been given instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import sympy as sp

from ..equation import Let
from ..expressions import name_of, nodes
from ..notation import Iverson, entry
from ..program import Program
from .neighbour import Neighbour, gradient_at
from .other_axes import other_axes
from .other_ops import elsewhere, exchanged, other_ops
from .points import Point
from .question import Question
from .slips import Instead, Place, Row, Slip, slips
from .variations import RESEMBLING, missing_term, one_less, other_relation, wrong_function
from .wording import Says

#: An op with more equations than this is a whole block, and its neighbours are too many to try.
MANY = 16


def neighbours(asked: Question, name: str) -> Iterator[Neighbour]:
    """What the gradient ``name`` might be of instead; the nearest first."""
    if name.removeprefix("d") in asked.wrt:
        yield from changed_ops(asked, name, MASKS)
        yield from inner_gradients(asked, name)
        yield from other_ops(asked, name)
        yield from exchanged(asked, name)
        yield from changed_ops(asked, name, CHANGES)
        yield from elsewhere(asked, name)
        yield from other_axes(asked, name)
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
    """A causal mask, or one that is given, left out."""
    part = place.part
    tensor = place.program.tensors.get(name_of(part)) if isinstance(part, sp.Indexed) else None
    if isinstance(part, Iverson) or (tensor is not None and tensor.domain == "binary"):
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


def with_other_bracket(place: Place) -> Iterator[Instead]:
    """A mask the wrong way round."""
    for instead in other_relation(place):
        yield replace(instead, words="with {1} instead of {0}")


#: Changes that leave a function which people know; ``MASKS`` come before all others.
MASKS = (without_bracket, with_other_bracket)
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
    return Neighbour(
        f"it is the gradient of {asked.op.title} {words}",
        partial(gradient_at, asked, with_equation(asked.forward, slip.let), name),
    )


def with_equation(program: Program, changed: Let) -> Program:
    """The program with one equation changed; shapes are said, for it may no longer say its own."""
    equations = tuple(changed if e.name == changed.name else e for e in program.equations)
    shapes = tuple(program.tensors[let.name] for let in equations)
    return replace(program, equations=equations, declared=shapes)
