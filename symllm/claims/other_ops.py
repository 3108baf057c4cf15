"""Other ops of the catalogue, and the op itself at other inputs."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import sympy as sp

from ..catalogue import ops
from ..notation import Dim, Tensor
from ..op import Op
from ..values import run
from .constants import number
from .neighbour import Neighbour
from .points import Point, shaped, spread
from .question import Question, question


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
    """For each dimension of an op the one that it is for another, where their faces agree.

    The other may lack a parameter, as a bias.
    """
    lead = asked.program.batch
    match: dict[Dim, Dim] = {}
    pairs = [(t, asked.inputs.get(n)) for n, t in op.inputs.items()]
    pairs += list(zip(op.outputs.values(), asked.outputs.values(), strict=False))
    if len(op.outputs) != len(asked.outputs):
        return None
    for mine, theirs in pairs:
        if theirs is None and mine.role == "parameter":
            continue
        if theirs is None or mine.role != theirs.role or bool(mine.merged) != bool(theirs.merged):
            return None
        axes = theirs.axes[len(lead) :] if theirs.dims[: len(lead)] == lead else theirs.axes
        if len(axes) != len(mine.axes):
            return None
        for axis, other in zip(mine.axes, axes, strict=True):
            if len(axis) != len(other):
                return None
            same = set(axis) == set(other)  # two in one axis may come in another order
            for a, b in zip(axis, axis if same else other, strict=True):
                if match.setdefault(a, b) != b:
                    return None
    known = all(dim in match for tensor in op.inputs.values() for dim in tensor.dims)
    return match if known else None


def other_gradient(
    asked: Question, op: Op, match: dict[Dim, Dim], name: str, point: Point
) -> np.ndarray:
    batch = [d.name for d in asked.op.program.batch]
    if op not in asked.memo:
        asked.memo[op] = question(op.batched(*batch) if batch else op, asked.unit)
    theirs = asked.memo[op]
    if op in point.memo:
        return point.memo[op][name]
    sizes = {d.name: point.sizes[d.name] for d in asked.op.program.batch}
    sizes |= {mine.name: point.sizes[other.name] for mine, other in match.items()}
    names = dict(zip(theirs.op.outputs, asked.op.outputs, strict=True))
    drawn = {
        n: spread(point.array(n), t, sizes) if n in point.drawn else np.zeros(shape_of(t, sizes))
        for n, t in theirs.op.inputs.items()
    }
    if not asked.unit:
        drawn |= {
            f"d{mine}": spread(point.array(f"d{other}"), theirs.op.outputs[mine], sizes)
            for mine, other in names.items()
        }
    found = run(theirs.textbook, drawn, sizes)
    point.memo[op] = {
        f"d{n}": spread(shaped(found[f"d{n}"], t), asked.op.inputs[n], point.sizes)
        for n, t in theirs.op.inputs.items()
        if n in asked.wrt
    }
    return point.memo[op][name]


def shape_of(tensor: Tensor, sizes: Mapping[str, int]) -> list[int]:
    return [sizes[dim.name] for dim in tensor.dims]


def exchanged(asked: Question, name: str) -> Iterator[Neighbour]:
    """The op with two inputs of one shape exchanged, as the two of a divergence."""
    inputs = [t for t in asked.op.inputs.values() if t.role in ("data", "target")]
    for a, b in itertools.combinations(inputs, 2):
        partner = {a.name: b.name, b.name: a.name}
        of = name.removeprefix("d")
        alike = a.dims == b.dims and a.domain == b.domain and a.dims and not a.integer
        if alike and partner.get(of, of) in asked.wrt:
            yield Neighbour(
                f"it is the gradient of {asked.op.title} with {a.name} and {b.name} exchanged",
                partial(exchanged_gradient, (a.name, b.name), f"d{partner.get(of, of)}"),
            )


def exchanged_gradient(pair: tuple[str, str], name: str, point: Point) -> np.ndarray:
    if pair not in point.memo:
        a, b = pair
        point.memo[pair] = point.changed(**{a: point.drawn[b], b: point.drawn[a]})
    return point.memo[pair].truth(name)


def elsewhere(asked: Question, name: str) -> Iterator[Neighbour]:
    """The op at other inputs: a temperature, positions from 1, no reference."""
    title = asked.op.title
    for changes in other_inputs(asked):
        instead = ", ".join(str(new).replace("**", "^") for new in changes.values())
        yield Neighbour(
            f"it is the gradient of {title} at {instead} instead of {', '.join(changes)}",
            partial(gradient_elsewhere, changes, name),
        )


def other_inputs(asked: Question) -> Iterator[dict[str, sp.Expr]]:
    """What may be taken for some of the inputs, in terms of themselves and sizes."""
    sizes = [d.symbol for d in asked.op.program.dims if d.size is None]
    multiples = [sp.S.Half, sp.Integer(2), sp.log(2), 1 / sp.log(2)]
    multiples += [sp.sqrt(n) ** k for n in sizes for k in (-1, 1)]
    real = [t for t in asked.op.inputs.values() if t.domain == "real" and not t.integer]
    for tensor in real:
        one = sp.Symbol(tensor.name)
        if tensor.role in ("data", "target"):
            yield from ({tensor.name: one * factor} for factor in multiples)
        elif tensor.role == "constant" and tensor.dims:
            yield from ({tensor.name: one + shift} for shift in (1, -1))
    targets = [t.name for t in real if t.role == "target"]
    if targets:
        yield dict.fromkeys(targets, sp.S.Zero)


def gradient_elsewhere(changes: dict[str, sp.Expr], name: str, point: Point) -> np.ndarray:
    key = tuple(changes.items())
    if key not in point.memo:
        drawn = {of: changed_input(of, new, point) for of, new in changes.items()}
        point.memo[key] = point.changed(**drawn)
    return point.memo[key].truth(name)


def changed_input(of: str, new: sp.Expr, point: Point) -> np.ndarray:
    one = sp.Symbol(of)
    shift = new.xreplace({one: sp.S.Zero})
    return point.drawn[of] * number(new.coeff(one), point) + number(shift, point)
