"""Matrix notation written out in indices: what ``A B^T`` is at row i and column j."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import singledispatch
from typing import Any

import sympy as sp

from .errors import NotationError
from .expressions import fresh_letters, make_sum, parts
from .notation import Tensor, entry

Fresh = Iterator[str]
Tensors = Mapping[str, Tensor]


def is_explicit(*sizes: Any) -> bool:
    """Are these sizes numbers, all larger than one, so that entries can be written one by one?"""
    return all(sp.sympify(size).is_Integer and size > 1 for size in sizes)


def elaborated(expr: Any, row: Any, column: Any, tensors: Tensors) -> sp.Expr:
    """The entry of a matrix expression in index notation.

    Raises ``NotationError`` for a kind of matrix that it does not know.
    """
    taken = {s.name for s in (row, column) if isinstance(s, sp.Symbol)} | set(tensors)
    taken |= {str(s) for s in parts(expr, sp.Symbol)}
    return at(expr, row, column, tensors, fresh_letters(taken))


def scalars_elaborated(expr: Any, tensors: Tensors) -> Any:
    """A scalar expression with the traces and matrix entries in it written out."""
    if not isinstance(expr, sp.Basic) or not expr.args:
        return expr
    taken = {str(s) for s in parts(expr, sp.Symbol)} | set(tensors)
    fresh = fresh_letters(taken)
    if isinstance(expr, sp.Trace):
        index = sp.Symbol(next(fresh), integer=True)
        body = elaborated(expr.arg, index, index, tensors)
        return summed(body, index, expr.arg.rows)
    if isinstance(expr, sp.matrices.expressions.matexpr.MatrixElement):
        return elaborated(expr.parent, expr.i, expr.j, tensors)
    return expr.func(*(scalars_elaborated(arg, tensors) for arg in expr.args))


def summed(body: Any, index: sp.Symbol, size: Any) -> Any:
    if size == 1:
        return body.subs(index, 0) if index in body.free_symbols else body
    return make_sum(body, [sp.Tuple(index, sp.S.Zero, size - 1)])


@singledispatch
def at(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    raise NotationError(f"symllm cannot write out {expr}, a {type(expr).__name__}, in indices")


Entry = Callable[..., Any]


@at.register(sp.MatrixSymbol)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    name = str(expr.name)
    if name not in tensors:
        raise NotationError(f"the matrix {name} is not given; given are {', '.join(tensors)}")
    return entry(name, row) if tensors[name].rank == 1 else entry(name, row, column)


@at.register(sp.ImmutableDenseMatrix)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    if not (row.is_Integer and column.is_Integer):
        raise NotationError(f"the rows and columns of {expr} are numbered, not {row}, {column}")
    return expr[int(row), int(column)]


@at.register(sp.Transpose)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    return at(expr.arg, column, row, tensors, fresh)


@at.register(sp.MatAdd)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    return sp.Add(*(at(a, row, column, tensors, fresh) for a in expr.args))


@at.register(sp.HadamardProduct)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    return sp.Mul(*(at(a, row, column, tensors, fresh) for a in expr.args))


@at.register(sp.MatMul)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    scalar, matrices = expr.as_coeff_matrices()
    left, bound, body = row, [], scalars_elaborated(scalar, tensors)
    if is_explicit(*(matrix.cols for matrix in matrices[:-1])):
        return body * numbered(matrices, row, column, tensors, fresh)
    for matrix in matrices[:-1]:
        size = matrix.cols
        right = sp.S.Zero if size == 1 else sp.Symbol(next(fresh), integer=True)
        if size != 1:
            bound.append((right, size))
        body = body * at(matrix, left, right, tensors, fresh)
        left = right
    body = body * at(matrices[-1], left, column, tensors, fresh)
    for index, size in reversed(bound):
        body = summed(body, index, size)
    return body


def numbered(matrices: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    """An entry of a product whose inner sizes are numbers: all terms."""
    first, *rest = matrices
    if not rest:
        return at(first, row, column, tensors, fresh)
    return sp.Add(
        *(
            at(first, row, sp.Integer(k), tensors, fresh)
            * numbered(rest, sp.Integer(k), column, tensors, fresh)
            for k in range(int(first.cols))
        )
    )


@at.register(sp.MatPow)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    if not (expr.exp.is_Integer and expr.exp > 0):
        raise NotationError(f"a power of a matrix is a natural number, not {expr.exp}: {expr}")
    product = sp.MatMul(*[expr.base] * int(expr.exp), evaluate=False)
    return at(product if expr.exp > 1 else expr.base, row, column, tensors, fresh)


@at.register(sp.Identity)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    return sp.KroneckerDelta(row, column)


@at.register(sp.OneMatrix)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    return sp.S.One


@at.register(sp.ZeroMatrix)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    return sp.S.Zero


@at.register(sp.DiagMatrix)
def _(expr: Any, row: Any, column: Any, tensors: Tensors, fresh: Fresh) -> Any:
    return sp.KroneckerDelta(row, column) * at(expr.args[0], row, sp.S.Zero, tensors, fresh)
