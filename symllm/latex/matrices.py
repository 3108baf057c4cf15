"""Matrices whose entries are written out: arrays whose axes are as long as a number says."""

from __future__ import annotations

import sympy as sp

from .arrays import Value
from .scope import Scope, reads
from .tree import Matrix

#: More rows or columns than this are no matrix that is written out by hand.
MOST_ROWS = 12


@reads(Matrix)
def read_matrix(scope: Scope, node: Matrix) -> Value:
    """Each entry where its row and its column are; one row or one column makes a vector."""
    rows, columns = len(node.lines), len(node.lines[0].cells)
    if max(rows, columns) > MOST_ROWS:
        raise scope.error(f"a matrix is written out with at most {MOST_ROWS} rows", node)
    sizes = [size for size in (rows, columns) if size > 1]
    axes = tuple(scope.sizes.index(sp.Integer(size)) for size in sizes)
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
