"""Each row of the table of slips, in one equation."""

from __future__ import annotations

import pytest
import sympy as sp

from symllm import Dim, Let
from symllm.claims.slips import slips
from symllm.claims.variations import SLIPS, erf_by_tanh
from symllm.notation import Iverson, Tensor, delta, matrix
from symllm.program import Program

n, N = Dim("n"), Dim("N")
i, j, b = sp.symbols("i j b", integer=True)
x, y, g, w = (Tensor(name, (N, n)) for name in ("x", "y", "g", "w"))
r = Tensor("r", (N,))
A = matrix("A", n, n)
mask = Tensor("mask", (N, n), "target", "binary")
D = n.symbol


def total(body: sp.Expr) -> sp.Expr:
    return sp.Sum(body, (j, 0, D - 1))


#: The row, the right side of y[b, i] = ..., what it becomes, and what is said.
TABLE = [
    ("missing_term", x[b, i] + r[b], r[b], "the term {} is missing"),
    ("multiple_of_term", x[b, i] + r[b], r[b] - x[b, i], "the term {} has the wrong sign"),
    ("multiple_of_term", x[b, i] + r[b], 2 * x[b, i] + r[b], "the term {} is doubled"),
    ("factor_slips", r[b] * x[b, i], r[b], "in {}, the factor {} is missing"),
    ("factor_slips", r[b] * x[b, i], r[b] ** 2 * x[b, i], "in {}, the factor {} is there twice"),
    ("factor_slips", r[b] * x[b, i], x[b, i] / r[b], "in {}, the factor {} is turned upside down"),
    (
        "misplaced_bracket",
        r[b] * (x[b, i] + g[b, i]),
        r[b] * x[b, i] + g[b, i],
        "the factor {} multiplies the term {} alone",
    ),
    ("one_less", total(x[b, j]) / D, total(x[b, j]) / (D - 1), "it divides by {1} instead of {0}"),
    ("wrong_exponent", r[b] ** -3, r[b] ** -2, "{} should be there, not {}"),
    ("only_the_diagonal", total(x[b, j]), x[b, i],
     "of the sum {}, only the entry {} = {} is there"),
    ("other_index", total(g[b, j] * x[b, j]), total(g[b, j] * x[b, i]),
     "the factor {} stands outside the sum, as {}"),
    ("transposed", total(A[i, j] * x[b, j]), total(A[j, i] * x[b, j]),
     "the factor {} is transposed"),
    ("wrong_function", sp.erf(x[b, i]), erf_by_tanh(x[b, i]),
     "{} is computed by its approximation by tanh"),
    ("sine_for_cosine", sp.sin(x[b, i]) + 2 * sp.cos(x[b, i]),
     sp.cos(x[b, i]) + 2 * sp.sin(x[b, i]), "sine and cosine are exchanged, as in {}"),
    ("wrong_name", x[b, i] * r[b], g[b, i] * r[b], "{} should be there, not {}"),
    ("wrong_name_throughout", x[b, i] * (1 - x[b, i]), g[b, i] * (1 - g[b, i]),
     "{} should be there, not {}"),
    ("further_factor", x[b, i], x[b, i] * r[b], "there is a factor {} too many"),
    ("further_factor_inside", total(x[b, j]), total(x[b, j] * g[b, j]),
     "in {}, there is a factor {} too many"),
    ("size_for_sum", total(x[b, j]), D, "{} should be there, not {}"),
    ("turned_around", mask[b, i] * x[b, i], (1 - mask[b, i]) * x[b, i],
     "the mask {} is turned around"),
    ("other_relation", Iverson(sp.Le(j, i)), Iverson(sp.Le(i, j)), "{} should be there, not {}"),
    ("without_bound", sp.Min(x[b, i], r[b]), x[b, i], "{} should be there, not {} alone"),
    ("nothing_there", x[b, i], sp.S.Zero, "{} is taken as zero"),
]  # fmt: skip


def program(let: Let) -> Program:
    return Program(
        name="toy",
        inputs=(x, g, w, r, A, mask),
        equations=(let,),
        outputs=("y",),
        batch=(N,),
        declared=(y,),
    )


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row[0]}: {row[2]}")
def test_a_row(row: tuple[str, sp.Expr, sp.Expr, str]) -> None:
    name, right, wrong, words = row
    if right.has(Iverson) and right.has(j) and not right.has(sp.Sum):
        right, wrong = (total(e * x[b, j]) for e in (right, wrong))
    let = Let(y[b, i], right)
    (made,) = [one for one in SLIPS if one.__name__ == name]
    found = {slip.let.rhs: slip for slip in slips(program(let), let, (made,))}
    slip = found.get(Let(y[b, i], wrong).rhs)
    assert slip is not None, list(found)
    assert slip.says.words == words


def test_a_sum_over_more_axes() -> None:
    let = Let(y[b, i], total(x[b, j]))
    (made,) = [one for one in SLIPS if one.__name__ == "over_more_axes"]
    said = {slip.says.words for slip in slips(program(let), let, (made,))}
    assert "the sum {} also runs over the axis {}" in said
    assert "the sum {} runs over the axis {} instead of {}" in said


def test_every_row_has_a_case() -> None:
    assert {row.__name__ for row in SLIPS} == {row[0] for row in TABLE} | {"over_more_axes"}


def test_no_slip_leaves_the_equation_as_it_is() -> None:
    let = Let(y[b, i], r[b] * (x[b, i] - total(x[b, j] * delta(j, i)) / D))
    for slip in slips(program(let), let, SLIPS):
        assert slip.let != let
        assert slip.let.lhs == let.lhs
