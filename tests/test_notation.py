"""Dimensions, indices, tensors and brackets; substitution that captures nothing."""

from __future__ import annotations

import os

import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from symllm import (
    Dim,
    Iverson,
    Let,
    NotationError,
    Op,
    Tensor,
    delta,
    matrix,
    mean,
    scalar,
    sum_over,
)
from symllm.evaluate import evaluate, sample
from symllm.expressions import bound_symbols, entries, fresh_letters, name_of, substitute
from symllm.notation import Direct, Partial, array, entry

n, m = Dim("n"), Dim("m")
i, j, k, l = n.indices("i j k l")
(p,) = m.indices("p")
x, y = n.vector("x"), n.vector("y")
A, C = matrix("A", n, n), matrix("C", n, m)
s = scalar("s")
symbols = [ix.symbol for ix in (i, j, k, l)]


# --- writing ---------------------------------------------------------------------


def test_a_dimension_is_a_positive_integer() -> None:
    assert n.symbol.is_integer
    assert n.symbol.is_positive
    assert i.symbol.is_integer
    assert n + 1 == n.symbol + 1
    assert 2 * n == 2 * n.symbol


def test_sums_run_as_arrays_do() -> None:
    assert sum_over(x[j], j) == sp.Sum(x[j], (j.symbol, 0, n.symbol - 1))
    assert mean(x[j], j) == sum_over(x[j], j) / n.symbol
    both = sum_over(C[i, p], i, p)
    assert bound_symbols(both) == {i.symbol, p.symbol}
    assert [limit[0] for limit in both.limits] == [p.symbol, i.symbol]


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda: x[i, j], "x has 1 axes [n], but was written x[i, j]"),
        (lambda: C[i], "C has 2 axes [n, m], but was written C[i]"),
        (lambda: C[p, i], "index p runs over m, but axis 0 of C has dimension n"),
        (lambda: x + 1, "x has axes [n]; write its entry"),
        (lambda: Iverson(sp.Symbol("a")), "an Iverson bracket holds a relation"),
    ],
)
def test_what_is_written_wrongly_is_named(write, says: str) -> None:
    with pytest.raises(NotationError) as caught:
        write()
    assert says in str(caught.value)


def test_tensors_know_their_role() -> None:
    cases = {
        "data": (True, False),
        "parameter": (True, False),
        "target": (False, False),
        "constant": (False, False),
    }
    for role, (differentiable, integer) in cases.items():
        tensor = Tensor("v", (n,), role)
        assert (tensor.differentiable, tensor.integer) == (differentiable, integer)
    index = Tensor("t", (n,), "target", m)
    assert index.integer
    assert not index.differentiable
    assert x.shape_text == "[n]"
    assert A.rank == 2


def test_brackets() -> None:
    assert Iverson(sp.true) == 1
    assert Iverson(sp.false) == 0
    assert Iverson(i.symbol <= i.symbol) == 1
    assert Iverson(j <= i).diff(i.symbol) == 0
    assert str(Iverson(j <= i)) == "[j <= i]"
    assert Iverson(j <= i).subs({j.symbol: 1, i.symbol: 0}) == 0
    assert delta(i, i) == 1
    assert Iverson(x[i] > 0).rewrite(sp.Piecewise).subs({x[i]: 2}) == 1


def test_partials_are_not_evaluated_by_themselves() -> None:
    change = Partial(sp.Symbol("L"), x[i])
    assert change.quantity == sp.Symbol("L")
    assert change.entry == x[i]
    assert isinstance(Direct(y[i], x[i]), Partial)
    assert str(change) == "d(L)/d(x[i])"


def test_letters_never_run_out() -> None:
    source = fresh_letters({"i", "j", "i1"})
    letters = [next(source) for _ in range(40)]
    assert letters[0] == "k"
    assert len(set(letters)) == 40
    assert not {"i", "j", "i1"} & set(letters)


def test_entries_are_found_inside_subscripts() -> None:
    expr = entry("z", entry("t", i)) * s._sympy_()
    assert {name_of(e) for e in entries(expr)} == {"z", "t", "i", "s"}


# --- substitution ------------------------------------------------------------------

CAPTURES = [
    (sum_over(x[j] * y[k], j), {k: j}, lambda a: sum_over(x[a], a) * y[j]),
    (sum_over(sum_over(A[j, k] * y[i], j), k), {i: j}, lambda a: sum_over(A[a, l], a, l) * y[j]),
    (sum_over(sum_over(A[j, k] * A[i, l], j), k), {i: j, l: k}, None),
    (sum_over(A[j, k] * sum_over(A[k, i] * y[l], k), j), {l: k, i: j}, None),
    (sum_over(x[j] * sum_over(y[j], j), j), {j: k}, None),
]


@pytest.mark.parametrize(("expr", "change", "expected"), CAPTURES)
def test_nothing_is_captured(expr: sp.Expr, change: dict, expected) -> None:
    replacement = {old.symbol: new.symbol for old, new in change.items()}
    found = substitute(expr, replacement)
    assert_commutes(expr, replacement, found)
    if expected:
        assert_equal(found, expected(k))


def test_several_sums_that_are_renamed_stay_apart() -> None:
    """Both bound letters meet an arriving one; their new letters must differ as well."""
    expr = sum_over(x[j] * sum_over(A[i, j] * y[i], i), j) * s._sympy_()
    found = substitute(expr, {s._sympy_(): A[i, j]})
    assert len(bound_symbols(found)) == 2
    assert_equal(found, A[i, j] * sum_over(x[k] * A[l, k] * y[l], l, k))


def test_indices_swap_at_once() -> None:
    assert substitute(A[i, j], {i.symbol: j.symbol, j.symbol: i.symbol}) == A[j, i]


def test_entries_are_replaced_where_they_are_free() -> None:
    expr = x[j] + sum_over(x[j], j)
    assert_equal(substitute(expr, {x[j]: y[j]}), y[j] + sum_over(x[j], j))


POINT = sample(
    Op(
        "toy",
        "Toy",
        (x, y, A, C, s),
        (Let(sp.Symbol("out"), sum_over(x[i] * y[i] * A[i, j] * C[i, p] * s, i, j, p)),),
        numpy=lambda **given: None,
    ).program,
    sizes={"n": 3, "m": 2},
)


def value(expr: sp.Expr, at: dict[sp.Symbol, int]):
    return evaluate(expr, POINT, at)


def assert_equal(left: sp.Expr, right: sp.Expr) -> None:
    for at in ((0, 1, 2, 1), (2, 2, 0, 1), (1, 0, 1, 0)):
        env = dict(zip(symbols, at, strict=True))
        assert abs(value(left, env) - value(right, env)) < 1e-40, (left, right)


def assert_commutes(expr: sp.Expr, replacement: dict, found: sp.Expr) -> None:
    """Substituting and evaluating is evaluating with the substituted values."""
    for at in ((0, 1, 2, 1), (2, 2, 0, 1), (1, 0, 1, 0)):
        env = dict(zip(symbols, at, strict=True))
        inner = env | {old: env[new] for old, new in replacement.items()}
        assert abs(value(found, env) - value(expr, inner)) < 1e-40, (expr, replacement, found)


@st.composite
def nested(draw, depth: int = 4) -> sp.Expr:
    """Products and nested sums over few letters, so that they often meet."""

    def pick(choices):
        return draw(st.sampled_from(choices))

    def grow(depth: int) -> sp.Expr:
        if not depth:
            return pick([x, y])[pick([i, j, k])] if draw(st.booleans()) else A[pick(two), pick(two)]
        kind = draw(st.integers(0, 3))
        if kind == 0:
            return grow(depth - 1) * grow(depth - 1)
        if kind == 1:
            return grow(depth - 1) + 2 * grow(depth - 1)
        over = pick([(i,), (j,), (k,), (i, j), (k, j)])
        return sum_over(grow(depth - 1), *over)

    two = [i, j, k, l]
    return grow(depth)


def test_a_note_says_what_a_letter_is_and_no_more():
    d = Dim("d", "width")
    assert d == Dim("d")
    assert d.vector("x", note="input") == Dim("d").vector("x")
    assert hash(scalar("eta", note="learning rate")) == hash(scalar("eta"))
    made = (
        matrix("W", d, d, note="said"),
        array("W", d, d, note="said"),
        d.vector("W", note="said"),
    )
    assert [t.batched((d,)).note for t in made] == ["said"] * 3
    assert made[0].dims[0].note == "width"
    assert made[0].adjoint().note == ""
    assert "said" not in repr(made)


@pytest.mark.parametrize("make", [lambda: Dim("d", 3), lambda: scalar("d", note=3)])
def test_a_note_is_words(make):
    with pytest.raises(NotationError, match=r"d: a note says in words what it is.* not 3"):
        make()


@settings(max_examples=int(os.environ.get("EXAMPLES", "60")), deadline=None)
@given(nested(), st.lists(st.sampled_from(symbols), min_size=4, max_size=4))
def test_substitution_commutes_with_evaluation(expr: sp.Expr, images: list[sp.Symbol]) -> None:
    replacement = dict(zip(symbols, images, strict=True))
    assert_commutes(expr, replacement, substitute(expr, replacement))
