"""The evaluator for theory: distributions have what was declared of them and nothing more."""

from __future__ import annotations

import pytest
from sympy import Rational, exp

from symllm import Cov, Dim, E, Equals, Partial, Var, permutation, random, scalar, sum_over
from symllm.arithmetic import mp
from symllm.equation import Let
from symllm.errors import NotationError, UnknownName, VerificationError
from symllm.program import Program
from symllm.trial import Trial, trials

n = Dim("n")
i, j = n.indices("i j")
x, y = n.vector("x"), n.vector("y")
s, m = scalar("s"), scalar("m")
t = scalar("t", domain=n)
TINY = mp.mpf(10) ** -50


def point(*assuming, lets=(), seed=0) -> Trial:
    program = Program("p", (x, y, s, m, t), lets, ())
    return trials(program, assuming, (seed,))[0]


LAWS = {
    "any": random(x[i], mean=m, variance=4),
    "symmetric": random(x[i], mean=m, variance=4, law="symmetric"),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("seed", range(3))
def test_outcomes_have_the_moments_declared(law, seed):
    trial = point(LAWS[law], seed=seed)
    for k in range(trial.sizes["n"]):
        outcomes = trial.outcomes(("x", (k,)))
        mean = sum(p * v for v, p in outcomes)
        assert abs(sum(p for _, p in outcomes) - 1) < TINY
        assert all(p > 0 for _, p in outcomes)
        assert abs(mean - trial(m)) < TINY
        assert abs(sum(p * (v - mean) ** 2 for v, p in outcomes) - 4) < TINY
        third = abs(sum(p * (v - mean) ** 3 for v, p in outcomes))
        assert (third < TINY) == (law == "symmetric")


def test_entries_are_distributed_differently():
    trial = point(LAWS["any"])
    assert trial.outcomes(("x", (0,))) != trial.outcomes(("x", (1,)))


def test_a_coin_and_a_drawn_index():
    coin = point(random(s, mean=Rational(1, 4), law="binary"))
    assert [v for v, _ in coin.outcomes(("s", ()))] == [1, 0]
    drawn = point(random(t, law="uniform"))
    assert len(drawn.outcomes(("t", ()))) == drawn.sizes["n"]


def test_averages_are_sums_over_outcomes():
    trial = point(random(x[i], mean=m, variance=4), random(y[i]))
    env = {i.symbol: 0, j.symbol: 1}
    assert abs(trial(E(x[i] * y[j]), env)) < TINY
    assert abs(trial(Var(x[i] + y[i]), env) - 5) < TINY
    assert abs(trial(Cov(x[i], x[i] + x[j]), env) - 4) < TINY
    by_hand = sum(p * mp.exp(v) for v, p in trial.outcomes(("x", (0,))))
    assert abs(trial(E(exp(x[i])), env) - by_hand) < TINY
    assert abs(trial(E(E(x[i]) * x[i]), env) - trial(m) ** 2) < TINY


def test_definitions_are_random_where_what_they_hold_is():
    trial = point(random(x[i]), lets=(Let(scalar("z"), 3 * sum_over(x[j], j)),))
    assert abs(trial(Var(scalar("z"))) - 9 * trial.sizes["n"]) < TINY


def test_derivatives_follow_definitions():
    z, u = scalar("z"), scalar("u")
    trial = point(lets=(Let(u, s**2), Let(z, u * s)))
    assert abs(trial(Partial(z, s)) - 3 * trial(s) ** 2) < mp.mpf(10) ** -20
    assert abs(trial(Partial(z, u)) - trial(s)) < mp.mpf(10) ** -20


def test_too_many_outcomes_are_an_error():
    trial = trials(Program("p", (x,), (), ()), (random(x[i], law="symmetric"),), (0,), {"n": 10})
    with pytest.raises(VerificationError, match="too many to enumerate"):
        trial[0](E(sum_over(x[i], i) ** 2))


def test_a_permutation_is_one_and_moves_something():
    pi = n.vector("pi", domain=n)
    for trial in trials(Program("p", (pi,), (), ()), (permutation(pi),), range(4)):
        entries = [int(v) for v in trial.inputs["pi"].values()]
        assert sorted(entries) == list(range(len(entries))) != entries


def test_scalars_take_both_signs():
    found = trials(Program("p", (s, m), (), ()), (), range(4))
    assert {(trial(s) > 0, trial(m) > 0) for trial in found} == {
        (a, b) for a in (True, False) for b in (True, False)
    }


def test_what_is_assumed_holds():
    for trial in trials(Program("p", (s, m), (), ()), (s > 0, m > s), range(4)):
        assert trial(m) > trial(s) > 0
    with pytest.raises(VerificationError, match="no point was found"):
        trials(Program("p", (s, m), (), ()), (Equals(s, m),), (0,))


def test_derivatives_have_digits_for_two_and_not_for_three():
    z = scalar("z")
    trial = point(lets=(Let(z, s**3),))
    second = Partial(Partial(z, s), s)
    assert abs(trial(second) - 6 * trial(s)) < mp.mpf(10) ** -12
    with pytest.raises(NotationError, match="digits for 2, one inside the other"):
        trial(Partial(second, s))


def test_unknown_names_say_so():
    with pytest.raises(UnknownName, match="'w'"):
        point()(scalar("w") + 1)
    with pytest.raises(NotationError, match="not given"):
        point()(Partial(s, scalar("w")))
