"""Formulas of theory, read in the setting of a calculation: what they are, or why they are none."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from symllm import Cov, Dim, E, Let, ReadError, Var, permutation, random, scalar, sum_over
from symllm.latex.parse import parse
from symllm.latex.reading import read_expression, read_part
from symllm.latex.theory import context_in
from symllm.latex.tree import Relation
from symllm.notation import Partial
from symllm.setting import Setting

n, d = Dim("n"), Dim("d")
i, j = n.indices("i j")
x, y, a_m, b = n.vector("x"), n.vector("y"), n.vector("a_m"), scalar("b")
pi = n.vector("pi", domain=n)
f = scalar("f")
SETTING = Setting(
    given=(x, y, a_m, b, pi, scalar("sigma"), Let(f, sum_over(x[i] ** 2, i)), d),
    assuming=(random(x[i]), random(y[i]), permutation(pi)),
)

READ: tuple[tuple[str, Any], ...] = (
    (r"\mathbb{E}[x_i]", E(x[i])),
    (r"\mathbb{E}\left[ \sum_j x_j y_j \right]^2", E(sum_over(x[j] * y[j], j)) ** 2),
    (r"\mathrm{Var}(x_i + b)", Var(x[i] + b)),
    (r"\operatorname{Cov}(x_i, y_i)", Cov(x[i], y[i])),
    (r"\mathbb{E}[\mathbb{E}[x_i] y_i]", E(E(x[i]) * y[i])),
    (r"a_{m, i} + a_{m,i}", 2 * a_m[i]),
    (r"x_{\pi_i}", x[pi[i]]),
    (r"\frac{\partial f}{\partial x_i}", Partial(f, x[i])),
    (r"\partial f / \partial x_i", Partial(f, x[i])),
    (r"\sigma (x_i + b)", sp.Symbol("sigma") * (x[i] + b)),
    (r"\max(x_i, b, 0)", sp.Max(x[i], b, 0)),
    (r"b^{d} + d^{1/2}", b**d.symbol + sp.sqrt(d.symbol)),
    (r"\sum_j x_j^{2 j}", sum_over(x[j] ** (2 * j.symbol), j)),
)


@pytest.mark.parametrize(("text", "expr"), READ)
def test_theory_is_read(text: str, expr: Any) -> None:
    (outcome,) = read_expression(text, context_in(SETTING), {i.symbol: n})
    assert outcome.found is not None, outcome.error
    assert outcome.found.expr == sp.sympify(expr)


def test_a_product_of_matrices_is_one_entry_by_entry() -> None:
    text = r"\begin{pmatrix} b & 1 \\ 0 & b \end{pmatrix} \begin{pmatrix} b \\ x_i \end{pmatrix}"
    (outcome,) = read_expression(text, context_in(SETTING), {i.symbol: n}, rank=1)
    assert outcome.found is not None, outcome.error
    ((axis, size),) = outcome.found.axes
    assert size == Dim("2")
    found = [sp.expand(outcome.found.expr.xreplace({axis: sp.Integer(k)})) for k in (0, 1)]
    assert found == [b**2 + x[i], b * x[i]]


def test_a_chain_keeps_its_signs() -> None:
    text = r"\begin{aligned} \sum_j x_j^2 &\ge x_i^2 \\ &\ge 0 \end{aligned}"
    ((relation, *_),) = parse(text)
    assert isinstance(relation, Relation)
    assert relation.signs == (">=", ">=")
    context = context_in(SETTING)
    sides = [read_part(s, text, context, {i.symbol: n})[0].found for s in relation.sides]
    assert [side and side.expr for side in sides] == [sum_over(x[j] ** 2, j), x[i] ** 2, 0]


REFUSED = (
    (r"\mathbb{E}_i[x_i]", "over all that is random, with no subscript"),
    (r"\mathrm{Cov}(x_i)", "Cov takes 2 arguments"),
    (r"\mathbb{E}[x_i, y_i]", "E takes 1 argument"),
    (r"\mathrm{Cov}(x, y)", "covariance is read of two numbers"),
    (r"\prod_j x_j", "product over an index"),
    (r"x_{i+1}", "a subscript is an index"),
    (r"\mathbb{E}[z_i]", "'z' is no name of the calculation"),
    (r"\sum_k b", "nothing says which dimension"),
)


@pytest.mark.parametrize(("text", "says"), REFUSED)
def test_what_is_no_theory_is_refused(text: str, says: str) -> None:
    outcomes = read_expression(text, context_in(SETTING), {i.symbol: n})
    assert all(isinstance(outcome.error, ReadError) for outcome in outcomes)
    assert says in str(outcomes[0].error)


def test_an_index_runs_as_its_letter_does_beside_it() -> None:
    context = context_in(SETTING, [x[sp.Symbol("k", integer=True)]])
    (outcome,) = read_expression(r"\sum_k b", context, {})
    assert outcome.found is not None
    assert outcome.found.expr == sum_over(b, n.index("k"))


def test_an_implication_keeps_its_arrow() -> None:
    text = r"x_i &= b \\ \Longrightarrow \quad x_i^2 &= b^2 \quad \iff \quad -b = -x_i, \; b = x_i"
    assert [piece.arrow for piece in parse(text)] == ["", "=>", "<=>", ""]
