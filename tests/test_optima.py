"""Optima: what is claimed is least or greatest, and every planted slip is caught."""

from __future__ import annotations

import pytest
from sympy import exp, log

from symllm import Dim, Equals, Let, VerificationError, maximum, minimum, scalar, sum_over

n = Dim("n")
i, j = n.indices("i j")
p = n.vector("p", domain="positive")
x, y = n.vector("x"), n.vector("y")
s, t = scalar("s"), scalar("t")

FREE = -sum_over(p[i] * log(p[i]), i) + sum_over(p[i] * x[i], i)
SUMS = Equals(sum_over(p[i], i), 1)
SOFTMAX = exp(x[i]) / sum_over(exp(x[j]), j)


def test_softmax_is_the_maximum():
    found = maximum(FREE, Let(p[i], SOFTMAX), given=(p, x), subject_to=SUMS)
    assert found.seen.competitors > 4
    assert "greatest" in found.to_markdown()


def test_least_squares():
    best = Let(t, sum_over(x[i] * y[i], i) / sum_over(x[i] ** 2, i))
    assert minimum(sum_over((y[i] - t * x[i]) ** 2, i), best, given=(t, x, y)).kind == "minimum"


PLANTED = {
    "the wrong way": (minimum, FREE, Let(p[i], SOFTMAX), (p, x), SUMS, "curves the wrong way"),
    "another place": (
        maximum, FREE, Let(p[i], exp(2 * x[i]) / sum_over(exp(2 * x[j]), j)), (p, x), SUMS,
        "still changes",
    ),
    "constraints broken": (maximum, FREE, Let(p[i], exp(x[i])), (p, x), SUMS, "are broken by"),
    "a saddle": (minimum, s**2 - t**2, (Let(s, 0), Let(t, 0)), (s, t), (), "curves"),
    "an inflection": (minimum, s**3, Let(s, 0), (s,), (), "elsewhere it is better"),
    "least nearby only": (
        minimum, s**4 - s**2 * 2 + s / 2 - 2 * s**6, Let(s, 0 * t), (s, t), (), "changes|curves",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTED)
def test_what_is_no_optimum(name):
    find, objective, at, given, held, says = PLANTED[name]
    with pytest.raises(VerificationError, match=says):
        find(objective, at, given=given, subject_to=held)
