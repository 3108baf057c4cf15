"""Expressions with concrete sizes: sums and entries written out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import sympy as sp

from .errors import ShapeError
from .notation import Dim

#: More entries than this are no longer something to look at.
MOST_ENTRIES = 10_000


def explicit(
    expr: sp.Expr, free: tuple[tuple[sp.Symbol, Dim], ...], sizes: Mapping[str, int]
) -> sp.Expr:
    """The array of all entries over the free indices; an expression if there are none.

    Raises ``ShapeError`` where a dimension has no size, or a size is no positive integer.
    """
    shape = tuple(size_of(dim.name, sizes) for _, dim in free)
    count = int(sp.prod(shape))
    if count > MOST_ENTRIES:
        raise ShapeError(f"{count} entries are too many to write out; at most {MOST_ENTRIES}")
    entries = [
        at(expr, {symbol: k for (symbol, _), k in zip(free, place, strict=True)}, sizes)
        for place in itertools.product(*map(range, shape))
    ]
    return sp.ImmutableDenseNDimArray(entries, shape) if free else entries[0]


def size_of(name: str, sizes: Mapping[str, int]) -> int:
    if name not in sizes:
        given = ", ".join(f"{k}={v}" for k, v in sizes.items()) or "none"
        raise ShapeError(f"the size of dimension {name} is needed; given were: {given}")
    size = sizes[name]
    if not isinstance(size, int) or size < 1:
        raise ShapeError(f"dimension {name} is a positive integer, not {size!r}")
    return size


def at(expr: sp.Basic, env: Mapping[sp.Symbol, int], sizes: Mapping[str, int]) -> sp.Expr:
    """An expression with every index and dimension a number."""
    if isinstance(expr, sp.Sum):
        return sum_out(expr, env, sizes)
    if isinstance(expr, sp.Symbol):
        if expr in env:
            return sp.Integer(env[expr])
        if expr.is_integer and expr.is_positive:
            return sp.Integer(size_of(str(expr), sizes))
        return expr
    if isinstance(expr, sp.Indexed):
        return sp.Indexed(expr.base, *(at(s, env, sizes) for s in expr.indices))
    if not expr.args:
        return expr
    return expr.func(*(at(arg, env, sizes) for arg in expr.args))


def sum_out(total: sp.Sum, env: Mapping[sp.Symbol, int], sizes: Mapping[str, int]) -> sp.Expr:
    symbols = [limit[0] for limit in total.limits]
    ranges = [range(size_of(str(limit[2] + 1), sizes)) for limit in total.limits]
    return sp.Add(
        *(
            at(total.function, {**env, **dict(zip(symbols, place, strict=True))}, sizes)
            for place in itertools.product(*ranges)
        )
    )
