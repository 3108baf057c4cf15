"""Matrices whose entries are written out: arrays whose axes are as long as a number says."""

from __future__ import annotations

import sympy as sp

from ..expressions import parts, rebuilt
from .arrays import Value
from .scope import Scope, reads
from .tree import Matrix

#: More entries than this nobody writes out in one formula.
MOST_ENTRIES = 100

#: Products of such matrices are written out, up to about as many signs.
MOST_SIGNS = 20_000


@reads(Matrix)
def read_matrix(scope: Scope, node: Matrix) -> Value:
    """Each entry where its row and its column are; one row or one column makes a vector."""
    rows, columns = len(node.lines), len(node.lines[0].cells)
    sizes = [size for size in (rows, columns) if size > 1]
    axes = tuple(scope.sizes.index(sp.Integer(size)) for size in sizes)
    scope.written += rows * columns
    if scope.written > MOST_ENTRIES:
        raise scope.error(f"matrices with more than {MOST_ENTRIES} entries are not read", node)
    outer, scope.entry = scope.entry, None
    terms = []
    for r, line in enumerate(node.lines):
        if len(line.cells) != columns:
            raise scope.error(f"this row has {len(line.cells)} entries, the first {columns}", line)
        for c, cell in enumerate(line.cells):
            value = scope.value(cell)
            if value.axes:
                raise scope.error("a matrix that is written out has numbers for entries", cell)
            at = [k for k, size in ((r, rows), (c, columns)) if size > 1]
            here = (sp.KroneckerDelta(a, k) for a, k in zip(axes, at, strict=True))
            terms.append(sp.Mul(value.expr, *here))
    scope.entry = outer
    return Value(sp.Add(*terms), axes, row=rows == 1 and columns > 1)


def written_out(scope: Scope, expr: sp.Basic) -> sp.Basic:
    """The expression with sums over rows and columns that have numbers written term by term.

    Not for an op, where no entry is known by a number.
    """
    if not scope.written or not scope.context.theory:
        return expr
    signs = 0

    def walk(node: sp.Basic) -> sp.Basic:
        nonlocal signs
        if not node.args or isinstance(node, sp.IndexedBase):
            return node
        node = rebuilt(node, tuple(map(walk, node.args)))
        if not isinstance(node, sp.Sum):
            return node
        body, *limits = node.args
        for index, _, last in limits:
            if not (last.is_Integer and picks(body, index)):
                return node
            signs += int(last + 1) * size(body)
            if signs > MOST_SIGNS:
                raise scope.crowded("products of matrices")
            body = sp.Add(*(body.xreplace({index: k}) for k in map(sp.Integer, range(last + 1))))
        return body

    return walk(expr)


def picks(body: sp.Basic, index: sp.Symbol) -> bool:
    """Is a row or a column picked by its number along an index?"""
    deltas = parts(body, sp.KroneckerDelta)
    return any(index in d.args and any(a.is_Integer for a in d.args) for d in deltas)


def size(expr: sp.Basic) -> int:
    return 1 + sum(map(size, expr.args))
