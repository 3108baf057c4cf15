"""The evaluator against values worked out by hand, exact arithmetic and the oracles."""

import ast
from fractions import Fraction
from pathlib import Path

import mpmath
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import symllm
from symllm.catalogue import ops
from symllm.equation import Let
from symllm.errors import SymllmError, VerificationError
from symllm.evaluate import evaluate, loss, order, sample, values
from symllm.notation import (
    LOSS,
    Dim,
    Direct,
    Iverson,
    Partial,
    delta,
    entry,
    matrix,
    scalar,
    sum_over,
)
from symllm.op import Op
from symllm.oracle import compare_forward
from symllm.program import Program

i, j, k = sp.symbols("i j k", integer=True)
n, m = Dim("n"), Dim("m")
a, b = n.indices("a b")
(c,) = m.indices("c")
N = n.symbol

x, y = n.vector("x"), n.vector("y")
W = matrix("W", n, m)
t = scalar("t", role="target", domain=n)
s = scalar("s")

TOY = Program(
    name="toy",
    inputs=(x, W, t, s),
    equations=(Let(y[a], x[a] * s + sum_over(W[a, c], c)),),
    outputs=("y",),
)


def close(left, right, bound=1e-30):
    return abs(left - right) <= bound * max(1, abs(right))


def rational(value):
    """Exact, for the values of inputs are dyadic fractions."""
    fraction = Fraction(float(value))
    return sp.Rational(fraction.numerator, fraction.denominator)


def total(expr, symbol, size=N):
    return sp.Sum(expr, (symbol, 0, size - 1))


@pytest.fixture(scope="module")
def toy():
    return sample(TOY, 3)


def by_hand(point):
    """The point's values as plain dicts, read without the evaluator."""
    v = point.values
    return v["x"], v["W"], v["s"][()], int(v["t"][()]), range(point.sizes["n"])


TABLE = [
    (sp.Rational(2, 3), lambda x, W, s, t, n: mpmath.mpf(2) / 3),
    (N, lambda x, W, s, t, n: len(n)),
    (1 / N, lambda x, W, s, t, n: mpmath.mpf(1) / len(n)),
    (i**2 + 1, lambda x, W, s, t, n: 5),
    (x[i], lambda x, W, s, t, n: x[2,]),
    (x[i - 1], lambda x, W, s, t, n: x[1,]),
    (x[t], lambda x, W, s, t, n: x[t,]),
    (W[t, i], lambda x, W, s, t, n: W[t, 2]),
    (s * x[i] - x[0], lambda x, W, s, t, n: s * x[2,] - x[0,]),
    (x[i] ** -3, lambda x, W, s, t, n: 1 / x[2,] / x[2,] / x[2,]),
    (total(x[j], j), lambda x, W, s, t, n: sum(x[q,] for q in n)),
    (
        total(total(x[j] * x[k], j), k),
        lambda x, W, s, t, n: sum(x[q,] * x[r,] for q in n for r in n),
    ),
    (
        sp.Sum(x[j] * Iverson(j <= k), (j, 0, N - 1), (k, 0, N - 1)),
        lambda x, W, s, t, n: sum(x[q,] * (len(n) - q) for q in n),
    ),
    (total(delta(j, i) * x[j], j), lambda x, W, s, t, n: x[2,]),
    (total(delta(j, t) * x[j], j), lambda x, W, s, t, n: x[t,]),
    (Iverson(sp.Gt(x[i], 100)), lambda x, W, s, t, n: 0),
    (Iverson(sp.Ne(i, 2)), lambda x, W, s, t, n: 0),
    (sp.Max(x[0], x[1], x[2]), lambda x, W, s, t, n: max(x[0,], x[1,], x[2,])),
    (sp.Min(x[0], x[1], 0), lambda x, W, s, t, n: min(x[0,], x[1,], 0)),
    (sp.Abs(x[i]) * sp.sign(x[i]), lambda x, W, s, t, n: x[2,]),
    (
        sp.Piecewise((x[i], x[i] > 0), (-x[i], True)),
        lambda x, W, s, t, n: abs(x[2,]),
    ),
    (
        sp.Piecewise((1, sp.And(i > 1, sp.Or(i < 1, i < 5))), (0, True)),
        lambda x, W, s, t, n: 1,
    ),
]


@pytest.mark.parametrize(("expr", "expected"), TABLE, ids=[str(e) for e, _ in TABLE])
def test_values_by_hand(toy, expr, expected):
    found = evaluate(expr, toy, {i: 2})
    with mpmath.workdps(60):
        assert close(found, expected(*by_hand(toy)), 1e-50)


FUNCTIONS = [
    (sp.exp(x[i]), mpmath.exp),
    (sp.tanh(x[i]), mpmath.tanh),
    (sp.erf(x[i]), mpmath.erf),
    (sp.sin(x[i]), mpmath.sin),
    (sp.cos(x[i]), mpmath.cos),
    (sp.log(x[i] ** 2), lambda v: mpmath.log(v * v)),
    (sp.sqrt(sp.pi * x[i] ** 2), lambda v: mpmath.sqrt(mpmath.pi * v * v)),
    (sp.E + sp.Float(0.5) * x[i], lambda v: mpmath.e + v / 2),
]


@pytest.mark.parametrize(("expr", "function"), FUNCTIONS, ids=[str(e) for e, _ in FUNCTIONS])
def test_functions(toy, expr, function):
    with mpmath.workdps(60):
        expected = function(mpmath.mpf(toy.values["x"][2,]))
        assert close(evaluate(expr, toy, {i: 2}), expected, 1e-50)


def test_precision_is_local():
    before = mpmath.mp.dps
    evaluate(sp.exp(x[0]), sample(TOY))
    assert mpmath.mp.dps == before


UNKNOWN = [
    (entry("nobody", i), "nobody"),
    (sp.Symbol("stray"), "stray"),
    (x[j], "j"),
    (sp.gamma(x[i]), "gamma"),
    (sp.Integral(s**2, (sp.Symbol("s"), 0, 1)), "Integral"),
    (sp.oo * s, "Infinity"),
    (x[i + 100], "102"),
    (x[i / 4], "whole"),
    (Partial(LOSS, entry("nobody", i)), "nobody"),
    (Direct(entry("x", i), s), "no equation"),
]


@pytest.mark.parametrize(("expr", "named"), UNKNOWN, ids=[str(e) for e, _ in UNKNOWN])
def test_what_is_unknown_is_named(toy, expr, named):
    with pytest.raises(SymllmError, match=named):
        evaluate(expr, toy, {i: 2})


@pytest.mark.parametrize(
    "expr", [1 / (s - s * Iverson(i > 0)), sp.log(-(s**2)), sp.sqrt(-(s**2) - 1)]
)
def test_what_is_not_a_finite_real_number_is_an_error(toy, expr):
    with pytest.raises(VerificationError, match="finite real"):
        evaluate(expr, toy, {i: 2})


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_polynomials_agree_with_exact_arithmetic(data):
    point = sample(TOY, 1)
    size = point.sizes["n"]

    def leaf():
        number = st.integers(-3, 3).map(sp.Integer)
        return st.one_of(number, st.sampled_from([x[i], x[j], s._sympy_(), N, i, j]))

    def grow(inner):
        return st.one_of(
            st.tuples(inner, inner).map(lambda p: p[0] + p[1]),
            st.tuples(inner, inner).map(lambda p: p[0] * p[1]),
            inner.map(lambda e: total(e, j)),
        )

    expr = data.draw(st.recursive(leaf(), grow, max_leaves=6))
    exact = {("x", q): rational(point.values["x"][q,]) for q in range(size)}
    exact_s = rational(point.values["s"][()])

    def plain(e, env):
        if isinstance(e, sp.Sum):  # nested ones share their limits, and all of them bind j
            copies = size ** (len(e.limits) - 1)
            return copies * sum(plain(e.function, {**env, j: q}) for q in range(size))
        if isinstance(e, sp.Indexed):
            return exact["x", env[e.indices[0]]]
        if isinstance(e, sp.Symbol):
            return sp.Integer(env[e]) if e in env else sp.Integer(size) if e == N else exact_s
        return e.func(*(plain(arg, env) for arg in e.args)) if e.args else e

    wanted = plain(sp.sympify(expr), {i: 1, j: 2})
    found = evaluate(expr, point, {i: 1, j: 2})
    with mpmath.workdps(60):
        assert close(found, mpmath.mpf(int(wanted.p)) / int(wanted.q), 1e-50)


# --- adjoints and derivatives ---------------------------------------------


def p(q):
    return entry("p", q)


def dp(q):
    return entry("dp", q)


def X(q):
    return entry("x", q)


Z = sp.Symbol("Z")
softmax_dx = p(i) * (dp(i) - total(p(j) * dp(j), j))

DERIVATIVES = [
    ("softmax", Partial(LOSS, X(i)), softmax_dx),
    ("softmax", entry("dx", i), softmax_dx),
    ("softmax", entry("dE", i), (dp(i) - total(p(j) * dp(j), j)) / Z),
    ("softmax", sp.Symbol("dZ"), -total(p(j) * dp(j), j) / Z),
    ("softmax", Partial(p(i), X(k)), p(i) * (delta(i, k) - p(k))),
    ("softmax", Partial(LOSS, p(i)), dp(i)),
    ("softmax", Direct(p(i), entry("E", k)), delta(i, k) / Z),
    ("softmax", Direct(p(i), X(k)), sp.Integer(0)),
    ("softmax", total(dp(j) * Direct(p(j), Z), j), -total(p(j) * dp(j), j) / Z),
    ("cross_entropy", Partial(LOSS, entry("z", i)), p(i) - entry("y", i)),
    (
        "cross_entropy",
        Partial(Partial(LOSS, entry("z", i)), entry("z", k)),
        p(i) * delta(i, k) - p(i) * p(k),
    ),
    ("cross_entropy_index", Partial(LOSS, entry("z", i)), p(i) - delta(i, sp.Symbol("t"))),
    ("cross_entropy_index", sp.Symbol("dL") * LOSS, -sp.log(p(sp.Symbol("t")))),
    # a call is differentiated as a whole
    ("cross_entropy", Direct(p(i), entry("z", k)), p(i) * (delta(i, k) - p(k))),
    ("log_softmax", Partial(entry("p", i), X(k)), p(i) * (delta(i, k) - p(k))),
]


@pytest.mark.parametrize(("name", "left", "right"), DERIVATIVES)
def test_derivatives_by_hand(name, left, right):
    point = sample(ops[name].program, 2)
    free = ((i, n), (k, n))
    found, expected = values(left, free, point), values(right, free, point)
    assert len(found) == point.sizes["n"] ** 2
    bound = (1e-50, 1e-35, 1e-15)[order(left, point.program)]
    assert all(close(found[at], expected[at], bound) for at in found)


@pytest.mark.parametrize(
    ("expr", "depth"),
    [
        (softmax_dx, 0),
        (Partial(LOSS, X(i)), 1),
        (entry("dE", i) * 2, 1),
        (Partial(entry("dE", i), X(j)), 2),
        (Partial(Partial(LOSS, X(i)), X(j)) + 1, 2),
        (Direct(p(i), Z), 1),
    ],
)
def test_order_counts_differences(expr, depth):
    assert order(expr, ops.softmax.program) == depth


def test_a_tiny_entry_is_moved_by_less_than_it_holds():
    """The slope of log(p), where p is a probability of 1e-19."""
    u, q, L = n.vector("u"), n.vector("q"), scalar("L")
    lets = (Let(q[a], sp.exp(-44 * u[a] ** 2)), Let(L, sum_over(sp.log(q[a]), a)))
    point = sample(Program("surprise", (u,), lets, ("L",)), 2)
    (at,) = min(point.values["q"], key=point.values["q"].get)
    assert point.values["q"][at,] < 1e-19
    assert close(evaluate(entry("dq", at) * entry("q", at), point), 1, 1e-20)


def test_a_sum_that_several_equations_read_is_that_of_the_point_where_they_are():
    """One sum of inputs and one of computed names, each read twice, and moved up and down."""
    u, w, L = n.vector("u"), n.vector("w"), scalar("L")
    total = sum_over(x[b] ** 2, b)
    lets = (
        Let(u[a], x[a] * total),
        Let(w[a], u[a] * total + sum_over(u[b], b)),
        Let(L, sum_over(w[a] * sum_over(u[b], b), a)),
    )
    point = sample(Program("twice", (x,), lets, ("L",)), 1)
    held = {sp.Symbol(f"x{at}"): value for (at,), value in sorted(point.values["x"].items())}
    symbols = list(held)
    square, line = sum(v**2 for v in symbols), sum(symbols)
    exact = (line * square**2 + len(symbols) * line * square) * line * square
    for k, symbol in enumerate(symbols):
        slope = exact.diff(symbol).subs({v: rational(held[v]) for v in symbols})
        found = evaluate(entry("dx", k), point)
        assert close(found, mpmath.mpf(slope.p) / slope.q, 1e-12)


def test_an_alias_is_computed_from_its_definition():
    point = sample(ops.attention.program)
    row, column = ops.attention.program.tensors["O"].dims
    l = sp.Symbol("l", integer=True)
    right = sp.Sum(entry("dO", i, l) * entry("O", i, l), (l, 0, column.symbol - 1))
    free = ((i, row),)
    found, expected = values(entry("D", i), free, point), values(right, free, point)
    assert all(close(found[at], expected[at]) for at in found)


def test_upstream_is_one_for_a_scalar_unless_asked_for():
    program = ops.cross_entropy.batched("N").program
    assert set(sample(program).upstream["dL"].values()) == {1}
    given_one = sample(program, upstream=True)
    assert len(set(given_one.upstream["dL"].values())) == given_one.sizes["N"]
    assert len(set(sample(ops.softmax.program).upstream["dp"].values())) > 1


def test_loss_of_a_batch_is_the_sum_over_rows():
    point = sample(ops.logsumexp.batched("N").program)
    assert close(loss(point), sum(point.values["z"].values()))
    assert close(evaluate(LOSS, point), loss(point))


# --- forward values against the oracles -----------------------------------


@pytest.mark.parametrize("batch", [(), ("N",), ("N", "T")], ids=str)
@pytest.mark.parametrize("name", ops)
def test_every_forward_agrees_with_its_oracle(name, batch):
    op = ops[name].batched(*batch) if batch else ops[name]
    for comparison in compare_forward([sample(op.program, seed) for seed in (0, 1)], op.numpy):
        assert comparison.ok, comparison
        assert comparison.entries


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "rms_norm", "cross_entropy"])
def test_size_one(name):
    program = ops[name].program
    point = sample(program, sizes={program.dims[0].name: 1})
    assert all(c.ok for c in compare_forward([point], ops[name].numpy))


def test_a_wrong_equation_is_seen_by_the_oracle():
    wrong = Op(
        name="wrong",
        title="softmax, not normalised",
        inputs=(x,),
        equations=(Let(y[a], sp.exp(x[a])),),
        numpy=ops.softmax.numpy,
    )
    (comparison,) = compare_forward([sample(wrong.program)], wrong.numpy)
    assert not comparison.ok


# --- the judges share no code with the engine --------------------------------

JUDGES = ("sampling", "arithmetic", "concrete", "evaluate", "comparison", "oracle", "verify")
MAY_IMPORT = {
    *JUDGES,
    "equation",
    "errors",
    "evidence",
    "expressions",
    "notation",
    "program",
    "shapes",
    "steps",
}


@pytest.mark.parametrize("module", JUDGES)
def test_a_judge_imports_no_engine(module):
    tree = ast.parse((Path(symllm.__file__).parent / f"{module}.py").read_text())
    inner = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.level}
    absolute = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert inner <= MAY_IMPORT
    assert not any(name.startswith("symllm") for name in absolute)
