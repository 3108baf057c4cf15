"""The op with its reductions along another axis, as statistics of columns instead of rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import sympy as sp

from ..equation import Let
from ..expressions import name_of, subscripts_of
from ..notation import Dim, Tensor, entry
from ..program import Program
from .neighbour import Neighbour, gradient_at
from .question import Question


def other_axes(asked: Question, name: str) -> Iterator[Neighbour]:
    forward = asked.forward
    dims = [d for d in forward.dims if d.size is None]
    for kept, reduced in itertools.permutations(dims, 2):
        program = turned(forward, kept, reduced)
        if program is not None:
            yield Neighbour(
                f"it is the gradient of {asked.op.title} {along(kept, reduced)}",
                partial(gradient_at, asked, program, name),
            )


def along(kept: Dim, reduced: Dim) -> str:
    return f"along the axis {kept.name}, not {reduced.name}"


def turned(program: Program, kept: Dim, reduced: Dim) -> Program | None:
    """The program whose names for rows, which have the axis ``kept`` and not the axis ``reduced``,
    are for columns; None where there is no such program.
    """
    rows = {
        let.name: replace(t, dims=tuple(reduced if d == kept else d for d in t.dims))
        for let in program.equations
        for t in [program.tensors[let.name]]
        if let.name not in program.outputs
        and t.dims.count(kept) == 1
        and reduced not in t.dims
        and not t.merged
    }
    if not any(sums_over(let, reduced) for let in program.equations if let.name in rows):
        return None
    changed = []
    for let in program.equations:
        new = exchanged_axes if let.name in rows else columns_instead
        right = new(program, let, rows, kept, reduced)
        if right is None:
            return None
        changed.append(Let(let.lhs, right, let.note))
    shapes = tuple(rows.get(let.name, program.tensors[let.name]) for let in changed)
    return replace(program, equations=tuple(changed), declared=shapes)


def right_side(let: Let) -> sp.Expr:
    (right,) = let.expressions
    return right


def sums_over(let: Let, dim: Dim) -> bool:
    found = right_side(let).atoms(sp.Sum)
    return any(high + 1 == dim.symbol for s in found for _, _, high in s.limits)


def exchanged_axes(
    program: Program, let: Let, rows: dict[str, Tensor], kept: Dim, reduced: Dim
) -> sp.Expr | None:
    """The right side of an equation for rows, written for columns."""
    changes = {}
    for one in right_side(let).atoms(sp.Indexed):
        dims = program.tensors[name_of(one)].dims
        if name_of(one) in rows or (kept not in dims and reduced not in dims):
            continue
        if dims.count(kept) != 1 or dims.count(reduced) != 1:
            return None
        subscripts = list(subscripts_of(one))
        a, b = dims.index(kept), dims.index(reduced)
        subscripts[a], subscripts[b] = subscripts[b], subscripts[a]
        changes[one] = entry(name_of(one), *subscripts)
    sizes = {kept.symbol: reduced.symbol, reduced.symbol: kept.symbol}
    return right_side(let).xreplace(changes).xreplace(sizes)


def columns_instead(
    program: Program, let: Let, rows: dict[str, Tensor], kept: Dim, reduced: Dim
) -> sp.Expr | None:
    """The right side of another equation, where it names a column instead of a row."""
    free = dict(zip(program.tensors[let.name].dims, let.indices, strict=True))
    changes = {}
    for one in right_side(let).atoms(sp.Indexed):
        if name_of(one) in rows:
            if reduced not in free:
                return None
            at = program.tensors[name_of(one)].dims.index(kept)
            subscripts = list(subscripts_of(one))
            subscripts[at] = free[reduced]
            changes[one] = entry(name_of(one), *subscripts)
    return right_side(let).xreplace(changes)
