"""Matrices: transposes, products, and the entrywise product."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

from .names import subscript_list
from .printer import Printer, bracketed, writes
from .products import joined, product_parts


@writes(sp.MatrixSymbol)
def write_matrix_name(p: Printer, expr: Any) -> str:
    return str(p.name(str(expr.name)))


@writes(sp.ImmutableDenseMatrix)
def write_explicit(p: Printer, expr: Any) -> str:
    rows = (" & ".join(p(expr[r, c]) for c in range(expr.cols)) for r in range(expr.rows))
    return r"\begin{pmatrix} " + r" \\ ".join(rows) + r" \end{pmatrix}"


@writes(MatrixElement)
def write_matrix_entry(p: Printer, expr: Any) -> str:
    """``(A B)_ij``; a column's entry is told by its row, and a row's by its column."""
    places = ((expr.i, expr.parent.rows), (expr.j, expr.parent.cols))
    subscripts = subscript_list([p(place) for place, size in places if size != 1])
    whole = matrix_factor(p, expr.parent)
    whole = bracketed(whole) if isinstance(expr.parent, sp.Transpose) else whole
    return f"{whole}_{subscripts}" if subscripts else whole


@writes(sp.Transpose)
def write_transpose(p: Printer, expr: Any) -> str:
    return matrix_factor(p, expr.arg) + r"^\top"


@writes(sp.MatMul)
def write_matrix_product(p: Printer, expr: Any) -> str:
    scalar, matrices = expr.as_coeff_matrices()
    negative, front = product_parts(p, scalar)
    front = [] if front == ["1"] else front
    texts = front + [matrix_factor(p, m) for m in matrices]
    return ("-" if negative else "") + joined(texts)


@writes(sp.MatAdd)
def write_matrix_sum(p: Printer, expr: Any) -> str:
    texts = sorted((p(a) for a in expr.args), key=lambda t: t.startswith("-"))
    return texts[0] + "".join(f" - {t[1:]}" if t[0] == "-" else f" + {t}" for t in texts[1:])


@writes(sp.HadamardProduct)
def write_hadamard(p: Printer, expr: Any) -> str:
    return r" \odot ".join(
        bracketed(p(a)) if isinstance(a, sp.MatAdd | sp.MatMul) else p(a) for a in expr.args
    )


@writes(sp.OneMatrix)
def write_ones(p: Printer, expr: Any) -> str:
    column, row = r"\mathbf{1}", r"\mathbf{1}^\top"
    return {(False, True): column, (True, False): row}.get(
        (expr.rows == 1, expr.cols == 1), f"{column} {row}"
    )


@writes(sp.ZeroMatrix)
def write_zeros(p: Printer, expr: Any) -> str:
    return "0"


@writes(sp.Identity)
def write_identity(p: Printer, expr: Any) -> str:
    return "I"


@writes(sp.DiagMatrix)
def write_diagonal(p: Printer, expr: Any) -> str:
    return rf"\mathrm{{diag}}{bracketed(p(expr.args[0]))}"


def matrix_factor(p: Printer, expr: Any) -> str:
    loose = isinstance(expr, sp.MatAdd | sp.HadamardProduct | sp.MatMul)
    return bracketed(p(expr)) if loose else p(expr)
