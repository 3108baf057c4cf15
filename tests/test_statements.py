"""What theory is stated with, and what is refused."""

from __future__ import annotations

import pytest
import sympy as sp

from symllm import Cov, Dim, E, Equals, NotationError, Var, permutation, random, scalar

n = Dim("n")
i = n.index("i")
x, p = n.vector("x"), scalar("p")


def test_averages_are_not_evaluated():
    assert str(E(x[i])) == "E[x[i]]"
    assert str(Cov(x[i], p)) == "Cov[x[i], p]"
    assert Var(x[i]) != E(x[i])
    assert E(2 * x[i]).subs(x[i], sp.Symbol("q")) == E(2 * sp.Symbol("q"))


def test_an_equation_of_equals_is_no_truth_value():
    assert Equals(p, p) is not True
    assert str(Equals(p, 1)) == "p = 1"


def test_the_variance_of_a_coin_follows():
    assert sp.expand(random(p, mean=sp.Rational(1, 4), law="binary").variance) == sp.Rational(3, 16)


WRONG = {
    "no entry": (lambda: random(2 * x[i]), "an entry such as"),
    "a number as index": (lambda: random(x[0]), "an entry such as"),
    "an unknown law": (lambda: random(x[i], law="normal"), "a law is one of"),
    "a vector of numbers": (lambda: permutation(x), "its own dimension"),
    "indices of another dimension": (
        lambda: permutation(n.vector("t", domain=Dim("m"))),
        "its own dimension",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(name):
    make, says = WRONG[name]
    with pytest.raises(NotationError, match=says):
        make()
