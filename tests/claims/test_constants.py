"""Numbers that were measured, recognised as what a person would have written."""

from __future__ import annotations

import pytest
import sympy as sp

from symllm import ops
from symllm.claims.constants import number, recognised
from symllm.claims.points import points
from symllm.claims.question import question

POINTS = points(question(ops.softcap.batched("B", "N"), False))
B, N, n, c = sp.symbols("B N m kappa")

FACTORS = [
    -1, 2, sp.Rational(1, 2), sp.log(2), 1 / sp.log(2), sp.sqrt(2 / sp.pi), 1 / N, n, sp.sqrt(n),
    1 / sp.sqrt(n), n**2, c, 1 / c, c**2, n / (n - 1), 1 / (n - 1), 1 / (B * N), B * N, 2 / n,
    n / 2, -n, c / N, 1 - c, 1 / (1 - c), (1 - c) / c,
]  # fmt: skip


@pytest.mark.parametrize("factor", FACTORS, ids=str)
def test_a_factor_is_recognised(factor: sp.Expr) -> None:
    factor = sp.sympify(factor)
    measured = [number(factor, point) * (1 + 1e-9) for point in POINTS]
    found = recognised(measured, POINTS, 1e-6)
    assert found is not None
    assert [number(found, p) for p in POINTS] == pytest.approx([number(factor, p) for p in POINTS])


def test_what_follows_no_law_is_not_recognised() -> None:
    assert recognised([1.2345, 1.2345, 1.2345], POINTS, 1e-6) is None
    assert recognised([1.0, 2.0, 3.0], POINTS, 1e-6) is None
    assert recognised([1.0, float("nan"), 1.0], POINTS, 1e-6) is None


def test_the_nearest_is_taken_where_little_is_known() -> None:
    assert recognised([1.49, 1.51, 1.5], POINTS, 0.6) == sp.Rational(3, 2)
    assert recognised([1e-9] * 3, POINTS, 1e-6) == 0
