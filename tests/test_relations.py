"""Comparisons of links: what fails says where, and what compares nothing is an error."""

from __future__ import annotations

import pytest
from sympy import exp

from symllm import Dim, Equals, VerificationError, scalar, sum_over
from symllm.program import Program
from symllm.relations import compare, compare_implication
from symllm.trial import trials

n = Dim("n")
i, j = n.indices("i j")
x = n.vector("x")
s, t = scalar("s"), scalar("t", domain="positive")
POINTS = trials(Program("p", (x, s, t), (), ()), (), (0, 1, 2))
FREE = ((i.symbol, n),)


def test_every_entry_is_compared():
    found = compare("=", 2 * x[i], x[i] + x[i], FREE, POINTS)
    assert found.count == sum(point.sizes["n"] for point in POINTS)
    assert len(found.points) == 3


def test_one_wrong_entry_is_found():
    with pytest.raises(VerificationError, match=r"differ by .* i = \d+, n = \d+, .*seed 0"):
        compare("=", x[i], x[i] + (i.symbol - 1) ** 2, FREE, POINTS)


def test_nothing_compared_is_an_error():
    with pytest.raises(VerificationError, match="at no point at all"):
        compare("=", x[i], x[i], FREE, ())


def test_a_mistake_in_the_thirtieth_digit_is_one():
    with pytest.raises(VerificationError):
        compare("=", s, s * (1 + exp(-65)), (), POINTS)


def test_inequalities_may_be_equalities():
    assert compare("<=", s, s, (), POINTS).count == 3
    assert compare(">=", exp(s), 0, (), POINTS).count == 3


def test_systems_are_solved_for_all_unknown_entries():
    mean = Equals(sum_over(x[j], j) + x[i], s)
    value = Equals(x[i], s / (n + 1))
    found = compare_implication([(mean, FREE)], [(value, FREE)], ("x",), POINTS)
    assert found.count == sum(point.sizes["n"] for point in POINTS)


def test_an_unknown_that_is_positive_stays_so():
    root = Equals(t**2, s**2 + 1), ()
    found = compare_implication([root], [(Equals(abs(t._sympy_()), t), ())], ("t",), POINTS)
    assert found.count == 3


def test_fewer_equations_than_unknowns_check_nothing():
    with pytest.raises(VerificationError, match="checked nowhere"):
        compare_implication([(Equals(s + t, 1), ())], [(Equals(s, 0), ())], ("s", "t"), POINTS)
