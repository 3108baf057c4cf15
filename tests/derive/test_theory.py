"""The prover of calculations: what it proves, and what it must not."""

from __future__ import annotations

import pytest
from sympy import Abs, Max, Min, Rational, cos, exp, log, pi, sin, sqrt, tanh

from symllm import Dim, E, Equals, Iverson, Let, Partial, Var, delta, random, scalar, sum_over
from symllm.derive.theory import Theory
from symllm.program import Program

n = Dim("n")
i, j, k, l = n.indices("i j k l")
x, y = n.vector("x"), n.vector("y")
y_of = n.vector("share")
p = n.vector("p", domain="distribution")
s, t, u = scalar("s"), scalar("t"), scalar("u")
c, d = scalar("c", domain="positive"), scalar("d", domain="positive")
FREE = tuple((index.symbol, n) for index in (i, j, k, l))


def theory(*lets: Let, random: tuple = (), nonzero: tuple = ()) -> Theory:
    return Theory(Program("p", (x, y, p, s, t, u, c, d), lets, ()), random, nonzero)


PROVED = {
    "one denominator": (1 / (c + d) + d / (c * (c + d)), 1 / c),
    "quotients in exponents": (c ** (d / (c + d)) * c ** (c / (c + d)), c),
    "a triple angle": (sin(3 * s), 3 * sin(s) - 4 * sin(s) ** 3),
    "squares in a sum": (sum_over(x[i] * (sin(y[i]) ** 2 + cos(y[i]) ** 2), i), sum_over(x[i], i)),
    "a series": (sum_over(c**i.symbol * (c - 1), i), c**n.symbol - 1),
    "cubes": (sum_over(i.symbol**3, i), (n.symbol * (n - 1) / 2) ** 2),
    "logarithms of shares": (log(p[i] / (c * p[j])), log(p[i]) - log(p[j]) - log(c)),
    "logarithms of numbers": (log(c / 12), log(c) - 2 * log(2) - log(3)),
    "a logarithm of a root": (log(sqrt(2 * c)), log(2) / 2 + log(c) / 2),
    "powers of a half": (Rational(1, 2) ** c * 4**c, 2**c),
    "a hyperbolic tangent": (tanh(s), (exp(s) - exp(-s)) / (exp(s) + exp(-s))),
    "a factor of a maximum": (Max(0, c * s), c * Max(0, s)),
    "an absolute value, turned": (
        Abs(sum_over(x[i] - y[i], i)), Abs(sum_over(y[i] - x[i], i)),
    ),
    "an absolute value, turned, with a factor": (
        Abs(c * sum_over(x[i], i) - c * s), c * Abs(s - sum_over(x[i], i)),
    ),
    "an absolute value of a number": (Abs(s * 0 - 2), 2 * Abs(s * 0 + 1)),
    "a factor of a minimum": (Min(c * s, c * d), c * Min(s, d)),
    "a bracket, peeled": (
        sum_over(Iverson(j.symbol <= i.symbol) * x[j], j),
        x[i] + sum_over(Iverson(j.symbol < i.symbol) * x[j], j),
    ),
    "pairs in order": (
        sum_over(Iverson(j.symbol <= i.symbol), j, i), n.symbol * (n.symbol + 1) / 2
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PROVED)
def test_what_is_proved(name):
    assert theory().equal(*PROVED[name], FREE)


FALSE = {
    "a series of other powers": (sum_over(c ** (i.symbol + 1), i), (c**n.symbol - 1) / (c - 1)),
    "angles of two": (sin(s) ** 2 + cos(t) ** 2, 1),
    "sums in another order": (sum_over(x[i] * y[j], i), sum_over(x[j] * y[i], i)),
    "a root": (sqrt(s**2), s),
    "a logarithm of what may be negative": (log(s * t), log(s) + log(t)),
    "an absolute value, half turned": (Abs(s - sum_over(x[i], i)), Abs(s + sum_over(x[i], i))),
    "a factor of a maximum that may be negative": (Max(0, s * t), s * Max(0, t)),
    "a logarithm of another number": (log(c / 12), log(c) - log(2) - 2 * log(3)),
    "brackets that are not the same": (
        sum_over(Iverson(j.symbol <= i.symbol) * x[j], j),
        sum_over(Iverson(j.symbol < i.symbol) * x[j], j),
    ),
    "pairs that are not in order": (
        sum_over(Iverson(j.symbol < i.symbol), j, i),
        n.symbol * (n.symbol + 1) / 2,
    ),
}


@pytest.mark.parametrize("name", FALSE)
def test_what_is_not(name):
    assert not theory().equal(*FALSE[name], FREE)


NORMAL = (random(x[i], mean=s, variance=c), random(y[i]))

EXPECTED = {
    "three of one": (
        E(y[i] * y[j] * y[k] * y[l]) - E(y[i] * y[j] * y[k] * y[l]), 0,
    ),
    "two pairs": (E(x[i] * x[j] * y[k] * y[l]), E(x[i] * x[j]) * E(y[k] * y[l])),
    "a square and another": (Var(x[i] * y[i]), c + s**2),
    "functions of one": (E(exp(x[i]) * y[i] ** 2), E(exp(x[i]))),
    "a sum of functions": (E(sum_over(s * exp(x[i]), i)), s * sum_over(E(exp(x[i])), i)),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_expectations_that_are_proved(name):
    assert theory(random=NORMAL).equal(*EXPECTED[name], FREE)


NOT_EXPECTED = {
    "functions of two entries": (E(exp(x[i]) * exp(x[j])), E(exp(x[i])) * E(exp(x[j]))),
    "a product within": (E(exp(x[i] * y[i])), exp(E(x[i]) * E(y[i]))),
    "a fourth moment": (E(y[i] ** 4), 1),
    "a variance of a sum of one": (Var(x[i] + x[i]), 2 * c),
}


@pytest.mark.parametrize("name", NOT_EXPECTED)
def test_expectations_that_are_not(name):
    assert not theory(random=NORMAL).equal(*NOT_EXPECTED[name], FREE)


def test_derivatives_along_all_paths():
    chain = theory(Let(scalar("v"), s**2), Let(scalar("w"), s * scalar("v")))
    assert chain.equal(Partial(scalar("w"), s), 3 * s**2, ())
    assert chain.equal(Partial(scalar("w"), scalar("v")), s, ())
    assert not chain.equal(Partial(scalar("w"), s), scalar("v"), ())


def test_derivatives_of_expressions():
    share = theory(Let(y_of[i], x[i] / sum_over(x[j], j)))
    slope = (delta(i, k) * s - s * y_of[i]) / sum_over(x[j], j)
    assert share.equal(Partial(s * y_of[i], x[k]), slope, FREE)
    assert share.equal(
        Partial(sum_over(log(y_of[i]), i), x[k]), 1 / x[k] - n.symbol / sum_over(x[j], j), FREE
    )
    assert not share.equal(Partial(s * y_of[i], x[k]), 2 * slope, FREE)


def test_entries_of_an_input_depend_on_nothing_but_themselves():
    found = theory()
    assert found.equal(Partial(x[i], x[j]), delta(i, j), FREE)
    assert found.equal(Partial(s, s), 1, ())
    assert found.equal(Partial(x[i], y[j]), 0, FREE)
    assert not found.equal(Partial(x[i], x[j]), 1, FREE)


SIGNS = {
    "squares": (0, s**2 + t**2 * c, True),
    "a sum of squares": (0, sum_over((x[i] * y[i]) ** 2, i), True),
    "a size": (0, Abs(s) * c, True),
    "an expectation": (0, E(x[i] ** 2), True),
    "what may be negative": (0, s, False),
    "a sum of what may be": (0, sum_over(x[i], i), False),
    "a difference": (0, c - d, False),
    "a square and a number": (c, c * (sum_over((x[i] - 1) ** 2, i) + 1), True),
    "numbers": (Rational(271, 100), exp(1), True),
    "numbers, the other way": (exp(1), Rational(271, 100), False),
    "logarithms and roots": (pi, sqrt(10) + log(2) / 1000, True),
    "a quotient": (c / (c + d), 1, True),
    "a quotient that may be negative": (s / (c + d), 1, False),
    "a power that may be odd": (0, s**n.symbol, False),
    "a power that may be odd, times": (c * s**n.symbol, 2 * c * s**n.symbol, False),
    "a power of what is positive": (c**n.symbol, 2 * c**n.symbol, True),
    "a square of a difference": (2 * s * t, s**2 + t**2, True),
    "what grows": (exp(-c), 1, True),
    "what falls": (1, exp(-c), False),
    "a quotient of what grows": (1 / (1 - exp(-c * d)), 1 / (1 - exp(-c)), False),
}

#: Left, right, what is assumed to be nowhere negative, and whether it is proved.
ASSUMED = {
    "a factor": (s * c, s, (s, 1 - c), True),
    "a factor of the other sign": (s * c, s, (s, c - 1), False),
    "a factor that is not assumed": (s * c, s, (1 - c,), False),
    "two of them": (s * (1 - c) * d, s * (1 - c), (-s, c - 1, 1 - d), True),
    "a multiple of it": (s / (2 * (2 - 2 * c)), s / (1 - c), (s, 1 - c), True),
}


@pytest.mark.parametrize("name", ASSUMED)
def test_signs_that_are_assumed(name):
    low, high, assumed, proved = ASSUMED[name]
    found = Theory(Program("p", (s, t, c, d), (), ()), assumed=assumed)
    assert found.at_most(low, high, ()) == proved


@pytest.mark.parametrize("name", SIGNS)
def test_signs(name):
    low, high, proved = SIGNS[name]
    assert theory().at_most(low, high, FREE) == proved


FOLLOWS = {
    "a multiple": (Equals(s + t, u), Equals(c * s + c * t, c * u), True),
    "divided by what is positive": (Equals(c * s, c * t), Equals(s, t), True),
    "divided by what may be zero": (Equals(u * s, u * t), Equals(s, t), False),
    "another sign": (Equals(s + t, 0), Equals(s - t, 0), False),
    "a root of a power": (Equals(c**d, 2), Equals(c, 2 ** (1 / d)), True),
}


@pytest.mark.parametrize("name", FOLLOWS)
def test_what_follows(name):
    before, after, proved = FOLLOWS[name]
    assert theory().follows(before, after, ()) == proved


def test_what_is_assumed_not_to_be_zero_may_be_divided_by():
    before, after = Equals(u * s, u * t), Equals(s, t)
    assert theory(nonzero=("u",)).follows(before, after, ())
