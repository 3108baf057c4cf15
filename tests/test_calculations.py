"""Chains: what holds is proved or checked, and every planted mistake is caught where it is."""

from __future__ import annotations

import pytest
import sympy as sp
from sympy import Max, Ne, Rational, cos, exp, log, sin, sqrt

from symllm import (
    Cov,
    Dim,
    E,
    Equals,
    Iverson,
    Let,
    NotationError,
    Partial,
    Var,
    VerificationError,
    calculation,
    delta,
    entry_of,
    matrix,
    permutation,
    random,
    scalar,
    sum_over,
)
from symllm.derive.theory import seen_nonnegative
from symllm.errors import OpError

n, m, d = Dim("n"), Dim("m"), Dim("d")
i, j, k = n.indices("i j k")
a, b = d.indices("a b")
x, y = n.vector("x"), n.vector("y")
p = n.vector("p", domain="distribution")
q = n.vector("q", domain="distribution")
s, t = scalar("s"), scalar("t")
pos = scalar("c", domain="positive")
pi = n.vector("pi", domain=n)

SUM = sum_over(x[j], j)
NORMAL = (random(x[i]), random(y[i]))
SPREAD = (random(x[i], mean=s, variance=pos),)

#: A name, the start, what follows, what is given and assumed, and is it proved?
EQUAL = {
    "scalars": ((s + t) ** 2, s**2 + 2 * s * t + t**2, (s, t), (), True),
    "a quotient": (1 / (1 + pos) + pos / (1 + pos), 1, (pos,), (), True),
    "powers": ((pos**s) ** Rational(1, 2) * pos, pos ** (s / 2 + 1), (pos, s), (), True),
    "angles": (sin(s + t), sin(s) * cos(t) + cos(s) * sin(t), (s, t), (), True),
    "a double angle": (cos(2 * s), 1 - 2 * sin(s) ** 2, (s,), (), True),
    "sums": (sum_over(s * x[j] + 1, j), s * SUM + n, (s, x), (), True),
    "a distribution": (sum_over(p[i] * (1 - p[i]), i), 1 - sum_over(p[i] ** 2, i), (p,), (), True),
    "a definition": (s * t, s**2 + s, (s, Let(t, s + 1)), (), True),
    "a derivative": (Partial(t, s), 3 * s**2, (s, Let(t, s**3)), (), True),
    "a reordering": (sum_over(x[pi[i]], i), sum_over(x[i], i), (x, pi), (permutation(pi),), True),
    "E is linear": (E(s * x[i] + t), s * E(x[i]) + t, (x, s, t), NORMAL[:1], True),
    "a mean": (E(x[i]), s, (x, s, pos), SPREAD, True),
    "of a sum": (Var(SUM), n * pos, (x, s, pos), SPREAD, True),
    "a shift": (Var(x[i] + t), pos, (x, s, t, pos), SPREAD, True),
    "independent": (E(x[i] * y[j]), 0, (x, y), NORMAL, True),
    "two of one": (E(x[i] * x[j]), delta(i, j), (x,), NORMAL[:1], True),
    "Cov": (Cov(x[i], SUM), pos, (x, s, pos), SPREAD, True),
    "a function": (E(exp(x[i]) * y[j]), E(exp(x[i])) * E(y[j]), (x, y), NORMAL, True),
    "a square of a sum": (E(SUM**2), n * pos + n**2 * s**2, (x, s, pos), SPREAD, True),
    "a coin": (E(t**3), s, (Let(scalar("u"), s), s, t), (random(t, mean=s, law="binary"),), True),
    "half": (
        E(Max(t, 0) ** 2), E(t**2) / 2, (t,), (random(t, law="symmetric"),), False,
    ),
    "a drawn index": (
        E(x[t]), SUM / n, (x, scalar("t", domain=n)), (random(t, law="uniform"),), True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EQUAL)
def test_what_is_equal(name):
    start, after, given, assuming, proved = EQUAL[name]
    made = calculation(start, given=given, assuming=assuming).then(after, because="it is so")
    assert made.verify().links[0].proved == proved
    assert made.links[0].found.count > 0


#: What a person might write instead.
PLANTED = {
    "a sign": ((s - t) ** 2, s**2 + 2 * s * t + t**2, (s, t), ()),
    "a size": (sum_over(s * x[j] + 1, j), s * SUM + 1, (s, x), ()),
    "an angle": (cos(s - t), cos(s) * cos(t) - sin(s) * sin(t), (s, t), ()),
    "a law of powers": (pos ** (s * t), pos**s * pos**t, (pos, s, t), ()),
    "a root of a square": (sqrt(s**2), s, (s,), ()),
    "sum and product": (sum_over(x[i] * y[i], i), SUM * sum_over(y[j], j), (x, y), ()),
    "the derivative": (Partial(t, s), s**2, (s, Let(t, s**3)), ()),
    "a second path": (Partial(t, s), 1, (s, Let(scalar("u"), s**2), Let(t, s + scalar("u"))), ()),
    "a square": (Var(s * x[i]), s, (x, s), NORMAL[:1]),
    "a variance that is a second moment": (Var(x[i]), E(x[i] ** 2), (x, s, pos), SPREAD),
    "E of a square": (E(x[i] ** 2), E(x[i]) ** 2, (x, s, pos), SPREAD),
    "E of a function": (E(exp(x[i])), exp(E(x[i])), (x,), NORMAL[:1]),
    "independence of one from itself": (E(x[i] * x[j]), E(x[i]) * E(x[j]), (x,), NORMAL[:1]),
    "a fourth moment": (E(x[i] ** 4), 3, (x,), NORMAL[:1]),
    "a third moment": (E(x[i] ** 3), 0, (x,), NORMAL[:1]),
    "of a mean": (Var(SUM / n), pos, (x, s, pos), SPREAD),
    "no symmetry": (E(Max(t, 0) ** 2), E(t**2) / 2, (t,), (random(t),)),
    "no permutation": (sum_over(x[pi[i]], i), sum_over(x[i], i), (x, pi), ()),
    "a masked permutation": (
        sum_over(Iverson(i <= j) * x[pi[i]], i),
        sum_over(Iverson(i <= j) * x[i], i),
        (x, pi),
        (permutation(pi),),
    ),
    "a series": (sum_over(pos**i.symbol, i), 1 / (1 - pos), (pos, n), ()),
    "a sum of squares": (sum_over(i.symbol**2, i), n.symbol**3 / 3, (n,), ()),
    "no distribution": (sum_over(x[i], i), 1, (x,), ()),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_false_link_says_which_and_where(name):
    start, after, given, assuming = PLANTED[name]
    made = calculation(start, given=given, assuming=assuming).then(start, because="itself")
    with pytest.raises(VerificationError, match=r"link 2 .* is false: .* they differ by") as caught:
        made.then(after, because="a slip")
    assert "(a slip)" in str(caught.value)
    assert "seed" in str(caught.value)


@pytest.mark.parametrize("name", PLANTED)
def test_the_engine_proves_nothing_false(name):
    """What is proved is not what was checked: it would be found false by itself."""
    start, after, given, assuming = PLANTED[name]
    made = calculation(start, given=given, assuming=assuming)
    left, right, free = made._both_sides(made.start[0], sp.sympify(after))
    assert not made.setting.theory.equal(left, right, free)
    assert made.setting.theory.equal(left, left, free)


ENTROPY = -sum_over(p[i] * log(p[i]), i)

BELOW = {
    "entropy": (ENTROPY, log(n.symbol), (p,), False),
    "a square": (2 * s * t, s**2 + t**2 + (s - t) ** 2, (s, t), True),
    "a sum of squares": (0, sum_over(x[i] ** 2, i), (x,), True),
    "squares of differences": (
        0,
        sum_over(p[i] * (x[i] - s) ** 2, i) / pos**3,
        (p, x, s, pos),
        True,
    ),
    "pairs": (0, sum_over((x[i] * p[k] - x[k] * p[i]) ** 2, i, k) / 2, (x, p), True),
    "a square beside it": (s, s + t**2 * sum_over(x[i] ** 2, i), (s, t, x), True),
    "an exponential beside it": (0, (s - 1) ** 2 * exp(t) + 1, (s, t), True),
    "one of many": (pos, pos + sum_over(exp(x[i]), i), (x, pos), True),
    "divergence": (0, sum_over(p[i] * log(p[i] / q[i]), i), (p, q), False),
}


@pytest.mark.parametrize("name", BELOW)
def test_what_is_at_most(name):
    low, high, given, proved = BELOW[name]
    assert calculation(low, given=given).at_most(high).links[0].proved == proved
    assert calculation(high, given=given).at_least(low).relation == ">="
    with pytest.raises(VerificationError, match=r"they differ by .* >= was claimed"):
        calculation(low, given=given).at_least(high)


@pytest.mark.parametrize("expr", [s, s**3, -(s**2), x[i] * s**2, pos - s**2, 1 / s, log(pos)])
def test_what_may_be_negative_is_not_taken_for_a_sum_of_squares(expr):
    assert not seen_nonnegative(sp.sympify(expr), frozenset({"c"}))


def test_a_bound_that_fails_far_away_only_is_caught():
    with pytest.raises(VerificationError, match="<= was claimed"):
        calculation(s, given=(s,)).at_most(4 + s**2 / 100)


IMPLIED = {
    "divided": (Equals(s * x[i], pos * s), Equals(x[i], pos), (x, s, pos), (x,), (Ne(s, 0),)),
    "a root": (Equals(s**2, pos), Equals(s, sqrt(pos)), (s, pos), (s,), (s > 0,)),
    "a logarithm": (Equals(exp(s), pos), Equals(s, log(pos)), (s, pos), (s,), ()),
    "put in": (Equals(s, t + 1), Equals(s * t, t**2 + t), (s, t), (s,), ()),
}


@pytest.mark.parametrize("name", IMPLIED)
def test_what_follows(name):
    before, after, given, unknown, assuming = IMPLIED[name]
    made = calculation(before, given=given, unknown=unknown, assuming=assuming).implies(after)
    assert made.links[0].proved


NOT_IMPLIED = {
    "the other root": (Equals(s**2, pos), Equals(s, sqrt(pos)), (s, pos), (s,)),
    "a wrong inverse": (Equals(exp(s), pos), Equals(s, 1 / pos), (s, pos), (s,)),
    "a wrong sign": (Equals(s + t, 0), Equals(s, t), (s, t), (s,)),
}


@pytest.mark.parametrize("name", NOT_IMPLIED)
def test_what_does_not_follow(name):
    before, after, given, unknown = NOT_IMPLIED[name]
    with pytest.raises(VerificationError, match=r"link 1 .* is false"):
        calculation(before, given=given, unknown=unknown).implies(after)


def test_dividing_by_what_may_be_zero_is_no_proof():
    made = calculation(Equals(s * t, 0), given=(s, t), unknown=(s,)).implies(Equals(s, 0))
    assert not made.links[0].proved


def test_a_premise_that_never_holds_checks_nothing():
    with pytest.raises(VerificationError, match="the conclusion was checked nowhere"):
        calculation(Equals(s**2, -1), given=(s,), unknown=(s,)).implies(Equals(s, 1))


def test_a_chain_without_links_is_an_error():
    with pytest.raises(VerificationError, match="no links"):
        calculation(s, given=(s,)).to_markdown()


def test_assumptions_that_never_hold_are_an_error():
    with pytest.raises(VerificationError, match="no point was found"):
        calculation(s, given=(s,), assuming=(s > 100,)).then(s)


def test_assumptions_are_kept():
    chain = calculation(log(s * t), given=(s, t), assuming=(s > 0, t > s))
    assert chain.then(log(s) + log(t)).links[0].found.count


def test_matrices_are_written_out():
    given = (matrix("A", n, n), matrix("B", n, n), n.vector("v"), matrix("C", m, n))
    A, B, v, C = (tensor.matrix for tensor in given)
    chain = calculation((A.T * B).T * v, given=given).then(B.T * (A * v), because="transposed")
    assert chain.links[0].proved
    trace = calculation(sp.Trace(C.T * C * A), given=given)
    assert trace.then(sp.Trace(C * A * C.T), because="cyclic").links[0].proved
    with pytest.raises(VerificationError, match="they differ by"):
        chain.then(B.T * v + A * v)
    with pytest.raises(NotationError, match="shape"):
        chain.then(A * B)


def test_an_entry_of_a_product_is_the_sum_that_it_stands_for():
    A, B = matrix("A", n, m), matrix("B", m, n)
    i, j, k = n.index("i"), n.index("j"), m.index("k")
    product = entry_of(A.matrix * B.matrix, i, j)
    chain = calculation(product, given=(A, B)).then(sum_over(A[i, k] * B[k, j], k))
    assert chain.links[0].proved
    with pytest.raises(VerificationError):
        calculation(product, given=(A, B)).then(sum_over(A[j, k] * B[k, i], k))
    with pytest.raises(NotationError, match="is no matrix"):
        entry_of(A[i, k], i)


WRONG = {
    "an unknown name": (lambda: calculation(s + t, given=(s,)), "t"),
    "an index of two dimensions": (
        lambda: calculation(x[i] * d.vector("u")[d.index("i")], given=(x, d.vector("u"))),
        "two dimensions",
    ),
    "from an equation to an expression": (
        lambda: calculation(Equals(s, t), given=(s, t)).then(s),
        "implies",
    ),
    "no unknown": (
        lambda: calculation(Equals(s, t), given=(s, t)).implies(Equals(t, s)),
        "unknown=",
    ),
    "up and down": (
        lambda: calculation(s, given=(s,)).at_most(s + 1).at_least(s),
        "up and down",
    ),
    "an assumption that Python has decided": (
        lambda: calculation(s, given=(s,), assuming=(s != 0,)),
        "Ne",
    ),
    "a float": (lambda: calculation(0.1 * s, given=(s,)), "inexact"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_gets_a_message(name):
    make, says = WRONG[name]
    with pytest.raises((NotationError, OpError, VerificationError), match=says):
        make()


def test_cited_is_neither_proved_nor_unchecked():
    made = calculation(ENTROPY, given=(p,)).at_most(log(n.symbol), cited="Jensen, 1906")
    assert "is cited: Jensen, 1906" in made.to_markdown()
    assert r"\text{cited}" in made.to_latex()
    with pytest.raises(VerificationError):
        calculation(ENTROPY, given=(p,)).at_most(log(n.symbol) / 2, cited="nobody, never")
