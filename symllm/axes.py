"""Axes that hold several dimensions: an op's dimension written as a product of others.

Where a layer takes one axis of length d, its caller may have two, heads and
what lies inside each: every subscript stays a plain index, and the entry
(h, k) of the two is the entry ``h K + k`` of the one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Set
from dataclasses import replace
from functools import lru_cache
from typing import Any

import sympy as sp

from .calls import with_aliases, without_calls
from .equation import Call, Let, map_value, symbols_of
from .errors import OpError
from .expressions import fresh_letters
from .notation import Dim, Index, Tensor, array
from .program import Program

#: What stands for each index and dimension that is written as several.
Spread = Mapping[sp.Symbol, tuple[sp.Expr, ...]]


def with_products(program: Program, several: Mapping[Dim, tuple[Any, ...]]) -> Program:
    """The program with each dimension given written as a product of as many.

    Those that are numbers for the caller stay numbers.
    """
    taken = {d.name for d in program.dims} | program.tensors.keys()
    parts = []
    for dim, indices in several.items():
        new = []
        for index in indices:
            number = isinstance(index, Index) and index.dim.size is not None
            names = (f"{dim.name}{k}" for k in itertools.count(1))
            name = index.dim.name if number else next(n for n in names if n not in taken)
            taken.add(name)
            new.append(Dim(name))
        parts.append((dim, tuple(new)))
    return split_axes(program, tuple(parts))


@lru_cache(maxsize=256)
def split_axes(program: Program, parts: tuple[tuple[Dim, tuple[Dim, ...]], ...]) -> Program:
    """The program with dimensions written as products.

    Calls over such a dimension are written out. Raises ``OpError`` for an
    integer tensor over one.
    """
    split = dict(parts)
    flat = with_aliases(program)
    if any(touches(flat, let, split.keys()) for let in flat.equations):
        flat = without_calls(flat)
    for tensor in flat.inputs:
        if tensor.domain in split:
            raise OpError(
                f"{program.name}: {tensor.name} indexes {tensor.domain.name}, "
                f"which cannot be written as a product"
            )
    return replace(
        flat,
        inputs=tuple(spread_tensor(t, split) for t in flat.inputs),
        equations=tuple(spread_let(flat, let, split) for let in flat.equations),
        declared=tuple(spread_tensor(t, split) for t in flat.tensors.values()),
    )


def touches(program: Program, let: Let, dims: Set[Dim]) -> bool:
    """Is an op called that runs over one of these dimensions?"""
    if not isinstance(let.rhs, Call):
        return False
    axes = {s for argument in let.rhs.arguments for s in argument.axes}
    return not dims.isdisjoint(program.index_dims[let.name][s] for s in axes)


def spread_tensor(tensor: Tensor, split: Mapping[Dim, tuple[Dim, ...]]) -> Tensor:
    axes = (tuple(part for dim in axis for part in split.get(dim, (dim,))) for axis in tensor.axes)
    return array(tensor.name, *axes, role=tensor.role, domain=tensor.domain)


def spread_let(program: Program, let: Let, split: Mapping[Dim, tuple[Dim, ...]]) -> Let:
    taken = {s.name for s in symbols_of(let)} | program.tensors.keys()
    taken |= {d.name for d in program.dims} | {d.name for new in split.values() for d in new}
    letters = fresh_letters(taken)
    change: dict[sp.Symbol, tuple[sp.Expr, ...]] = {
        dim.symbol: tuple(part.symbol for part in new) for dim, new in split.items()
    }
    for index, dim in program.index_dims[let.name].items():
        if dim in split:
            change[index] = tuple(sp.Symbol(next(letters), integer=True) for _ in split[dim])
    sizes = {
        change[index]: change[dim.symbol]
        for index, dim in program.index_dims[let.name].items()
        if dim in split
    }
    wider = map_value(let, lambda value: spread(value, change, sizes))
    return replace(wider, lhs=spread(let.lhs, change, sizes))


def spread(
    expr: sp.Basic, change: Spread, sizes: Mapping[tuple[sp.Expr, ...], tuple[sp.Expr, ...]]
) -> sp.Basic:
    """The expression with several indices for one, and a product for its dimension."""

    def walk(node: sp.Basic) -> sp.Basic:
        if isinstance(node, sp.Indexed):
            subscripts = (
                part for s in node.indices for part in (change[s] if s in change else (walk(s),))
            )
            return sp.Indexed(node.base, *subscripts)
        if isinstance(node, sp.Sum):
            limits = []
            for index, lower, upper in node.limits:
                if index in change:
                    pairs = zip(change[index], sizes[change[index]], strict=True)
                    limits += [(part, 0, size - 1) for part, size in pairs]
                else:
                    limits.append((index, walk(lower), walk(upper)))
            return sp.Sum(walk(node.function), *limits)
        if isinstance(node, sp.KroneckerDelta):
            left, right = (change.get(s, (walk(s),)) for s in node.args[:2])
            if len(left) == len(right):
                return sp.Mul(*map(sp.KroneckerDelta, left, right))
        if node in change:
            found = change[node]
            return position(found, sizes[found]) if found in sizes else sp.Mul(*found)
        if not node.args:
            return node
        return node.func(*map(walk, node.args))

    return walk(expr)


def position(indices: tuple[sp.Expr, ...], sizes: tuple[sp.Expr, ...]) -> sp.Expr:
    """Where the entry (h, k) stands: ``h K + k``."""
    place: sp.Expr = sp.S.Zero
    for index, size in zip(indices, sizes, strict=True):
        place = place * size + index
    return place
