"""Matrix notation in indices: each kind of matrix, at one entry, against SymPy's own matrices."""

from __future__ import annotations

import pytest
import sympy as sp

from symllm import Dim, matrix
from symllm.elaborate import elaborated, scalars_elaborated
from symllm.errors import NotationError

n, m = Dim("n"), Dim("m")
TENSORS = {t.name: t for t in (matrix("A", n, m), matrix("B", n, m), n.vector("v"))}
A, B, v = (tensor.matrix for tensor in TENSORS.values())
i, j = sp.symbols("i j", integer=True)

EXPRESSIONS = {
    "a matrix": A,
    "a transpose": A.T,
    "a sum": A + 2 * B,
    "a product": A * B.T,
    "three": A * B.T * A,
    "entrywise": sp.HadamardProduct(A, B),
    "a power": (A * B.T) ** 2,
    "the identity": sp.Identity(n.symbol) + A * A.T,
    "ones": A + sp.OneMatrix(n.symbol, m.symbol),
    "zeros": A + sp.ZeroMatrix(n.symbol, m.symbol),
    "a diagonal": sp.DiagMatrix(v) * A,
    "a vector": A.T * v,
    "an outer product": v * v.T,
    "a quadratic form": v.T * A * A.T * v,
}
SIZES = {n.symbol: 3, m.symbol: 2}
FILLED = {
    "A": sp.Matrix(3, 2, [2, 3, 5, 7, 11, 13]),
    "B": sp.Matrix(3, 2, [1, -4, 6, 8, -9, 10]),
    "v": sp.Matrix(3, 1, [17, 19, 23]),
}


def with_numbers(entry):
    """The entry with its sums written out and all entries of matrices put in."""
    summed = entry.subs(SIZES).doit()

    def value(found):
        row, column = (*found.indices, 0)[:2]
        return FILLED[str(found.base.label)][int(row), int(column)]

    return summed.replace(lambda e: isinstance(e, sp.Indexed), value)


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_entries_are_those_of_matrices(name):
    expr = EXPRESSIONS[name]
    explicit = expr.subs(SIZES)
    for matrix_name, filled in FILLED.items():
        symbol = TENSORS[matrix_name].matrix.subs(SIZES)
        explicit = explicit.subs(symbol, sp.ImmutableMatrix(filled))
    explicit = sp.ImmutableMatrix(explicit.doit().as_explicit())
    rows, columns = explicit.shape
    for r in range(rows):
        for c in range(columns):
            entry = elaborated(expr, sp.Integer(r), sp.Integer(c), TENSORS)
            assert with_numbers(entry) == explicit[r, c]


def test_traces_are_sums():
    assert with_numbers(scalars_elaborated(sp.Trace(A * B.T), TENSORS)) == sum(
        FILLED["A"][k] * FILLED["B"][k] for k in range(6)
    )


def test_indices_do_not_clash():
    entry = elaborated(A * B.T, i, j, TENSORS)
    assert entry.free_symbols >= {i, j}
    assert {i, j}.isdisjoint({limit[0] for limit in entry.limits})


UNKNOWN = {
    "an inverse": (A * A.T).inverse(),
    "what is not given": sp.MatrixSymbol("C", 2, 2),
    "a fractional power": sp.MatPow(A * A.T, sp.Rational(1, 2)),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_cannot_be_written_out(name):
    with pytest.raises(NotationError):
        elaborated(UNKNOWN[name], i, j, TENSORS)
    with pytest.raises(NotationError, match="has axes"):
        _ = n.vector("x").batched((m, n)).matrix
