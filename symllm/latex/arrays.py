"""Matrix notation as index notation: what a sum or a product of arrays is, entry by entry.

A value is an expression with an index for each of its axes. Vectors are columns unless they
were transposed. Shapes are compared as dimensions, so that what does not fit is found before
there are numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import sympy as sp

from ..expressions import make_sum
from .sizes import Mismatch, Sizes


@dataclass(frozen=True)
class Value:
    """``expr`` is the entry at ``axes``; ``row`` says that a vector lies on its side.

    ``bare`` is the letter of an index that is used as a number.
    """

    expr: sp.Expr
    axes: tuple[sp.Symbol, ...] = ()
    row: bool = False

    @property
    def rank(self) -> int:
        return len(self.axes)


def described(sizes: Sizes, value: Value) -> str:
    """A shape as people say it: ``a number``, ``an n-vector``, ``n x m``."""
    if not value.axes:
        return "a number"
    if value.rank == 1:
        text = sizes.text(*value.axes)
        return f"1 x {text}" if value.row else f"a vector of length {text}"
    return sizes.text(*value.axes)


def total(sizes: Sizes, index: sp.Symbol, body: sp.Expr) -> sp.Expr:
    """The sum of a body over an index."""
    limits = sp.Tuple(index, sp.S.Zero, sizes.of[index] - 1)
    if isinstance(body, sp.Sum):
        return make_sum(body.function, (*body.limits, limits))
    return make_sum(body, (limits,))


def at(value: Value, *indices: sp.Expr) -> sp.Expr:
    """The entry of a value at these indices."""
    change = dict(zip(value.axes, indices, strict=True))
    return value.expr.xreplace({old: new for old, new in change.items() if old != new})


def copied(sizes: Sizes, value: Value) -> Value:
    """The same value with axes of its own, so that it may be used twice."""
    new = tuple(sizes.index(sizes.of[axis], sizes.letter[axis]) for axis in value.axes)
    return Value(at(value, *new), new, value.row)


def transposed(sizes: Sizes, value: Value) -> Value:
    if value.rank == 1:
        return replace(value, row=not value.row)
    return replace(value, axes=value.axes[::-1])


Pick = Callable[[str, tuple[str, ...]], str]
ROWS, COLUMNS = "a number for each row", "a number for each column"


def aligned(
    sizes: Sizes, left: Value, right: Value, choose: Pick, where: int, verb: str
) -> tuple[sp.Expr, sp.Expr, Value]:
    """Entries of two values side by side, and a value that has the shape of the outcome.

    A number goes with every entry, a vector with every row or column of a matrix that is as
    long; where it could be either, both are readings.
    """
    if not left.axes or not right.axes:
        wide = left if left.axes else right
        return left.expr, right.expr, wide
    if left.rank == right.rank:
        pairs = zip(left.axes, right.axes, strict=True)
        if left.row == right.row and all(sizes.fit(sizes.of[a], sizes.of[b]) for a, b in pairs):
            for a, b in zip(left.axes, right.axes, strict=True):
                sizes.unify(sizes.of[a], sizes.of[b])
            return left.expr, at(right, *left.axes), left
    elif {left.rank, right.rank} == {1, 2}:
        vector, matrix = (left, right) if left.rank == 1 else (right, left)
        axis = beside(sizes, vector, matrix, choose)
        if axis is not None:
            sizes.unify(sizes.of[vector.axes[0]], sizes.of[axis])
            entry = at(vector, axis)
            pair = (entry, matrix.expr) if vector is left else (matrix.expr, entry)
            return *pair, matrix
    raise Mismatch(
        f"{described(sizes, left)} and {described(sizes, right)} cannot be {verb}"
        f"{hint(sizes, left, right)}",
        where,
    )


def hint(sizes: Sizes, left: Value, right: Value) -> str:
    same = left.rank == right.rank == 2 and left.axes != right.axes
    if same and [sizes.size(a) for a in left.axes] == [sizes.size(a) for a in right.axes[::-1]]:
        return "; one of them is transposed"
    return ""


def beside(sizes: Sizes, vector: Value, matrix: Value, choose: Pick) -> sp.Symbol | None:
    """The axis of a matrix along which a vector beside it runs."""
    own = sizes.of[vector.axes[0]]
    rows, columns = matrix.axes
    fits_rows, fits_columns = (sizes.fit(own, sizes.of[axis]) for axis in matrix.axes)
    if vector.row:
        return columns if fits_columns else None
    if fits_rows and fits_columns:
        said = choose("a vector beside a matrix is", (ROWS, COLUMNS))
        return rows if said == ROWS else columns
    if fits_rows:
        return rows
    return columns if fits_columns else None


def multiplied(sizes: Sizes, left: Value, right: Value, where: int, dot: bool = False) -> Value:
    """The product of two values side by side: of numbers, of matrices, of rows and columns.

    With a ``dot`` between them, two vectors make their inner product.
    """
    if not left.axes:
        return replace(right, expr=left.expr * right.expr)
    if not right.axes:
        return replace(left, expr=left.expr * right.expr)
    if left.rank > 2 or right.rank > 2:
        raise Mismatch("an array with more than two axes needs its indices in a product", where)
    outer = left.rank == 1 and not left.row and right.rank == 1 and right.row
    if outer:
        return Value(left.expr * right.expr, (*left.axes, *right.axes))
    if dot and left.rank == right.rank == 1:
        left, right = replace(left, row=True), replace(right, row=False)
    columns = left.rank == 1 and not left.row
    rows = right.rank == 1 and right.row
    inner, other = left.axes[-1], right.axes[0]
    if columns or rows or not sizes.fit(sizes.of[inner], sizes.of[other]):
        raise Mismatch(
            f"{described(sizes, left)} and {described(sizes, right)} do not multiply"
            f"{advice(sizes, left, right)}",
            where,
        )
    sizes.unify(sizes.of[inner], sizes.of[other])
    entry = left.expr * right.expr.xreplace({other: inner})
    axes = (*left.axes[:-1], *right.axes[1:])
    row = left.rank == 1 and right.rank == 2
    return Value(total(sizes, inner, entry), axes, row)


def advice(sizes: Sizes, left: Value, right: Value) -> str:
    """What would multiply instead, where it is plain to see."""
    if [sizes.size(a) for a in left.axes] == [sizes.size(a) for a in right.axes]:
        return r"; multiply them entry by entry, with \odot, or transpose one"
    if left.rank == 2 and sizes.size(left.axes[0]) == sizes.size(right.axes[0]):
        if right.rank == 1:
            return "; it has one number for each row, and not for each column"
        return "; the first of them would have to be transposed"
    return ""


def entrywise(sizes: Sizes, left: Value, right: Value, choose: Pick, where: int) -> Value:
    """The product entry by entry."""
    a, b, shape = aligned(sizes, left, right, choose, where, "multiplied entry by entry")
    return replace(shape, expr=a * b)


def divided(sizes: Sizes, above: Value, below: Value, choose: Pick, where: int) -> Value:
    if not below.axes:
        return replace(above, expr=above.expr / below.expr)
    a, b, shape = aligned(sizes, above, below, choose, where, "divided entry by entry")
    return replace(shape, expr=a / b)


def added(sizes: Sizes, left: Value, right: Value, sign: int, choose: Pick, where: int) -> Value:
    verb = "added" if sign > 0 else "subtracted"
    a, b, shape = aligned(sizes, left, right, choose, where, verb)
    return replace(shape, expr=a + sign * b)


def summed(sizes: Sizes, value: Value, axes: tuple[sp.Symbol, ...]) -> Value:
    """The sum over some of the axes."""
    expr = value.expr
    for axis in axes:
        expr = total(sizes, axis, expr)
    return Value(expr, tuple(a for a in value.axes if a not in axes))


def averaged(sizes: Sizes, value: Value, axes: tuple[sp.Symbol, ...]) -> Value:
    found = summed(sizes, value, axes)
    return replace(found, expr=found.expr / sp.Mul(*(sizes.of[a] for a in axes)))


def diagonal(sizes: Sizes, value: Value, where: int) -> Value:
    """A vector as a diagonal matrix, or the diagonal of a matrix."""
    if value.rank == 1:
        (row,) = value.axes
        column = sizes.index(sizes.of[row], sizes.letter[row])
        return Value(value.expr * sp.KroneckerDelta(row, column), (row, column))
    if value.rank == 2 and sizes.unify(*(sizes.of[a] for a in value.axes)):
        row, column = value.axes
        return Value(value.expr.xreplace({column: row}), (row,))
    raise Mismatch(f"diag takes a vector or a square matrix, not {described(sizes, value)}", where)


def ones(sizes: Sizes) -> Value:
    """A vector of ones, as long as it needs to be."""
    return Value(sp.S.One, (sizes.index(),))
