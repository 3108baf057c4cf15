"""The judge must pass what is right and must be seen to catch what is wrong."""

import builtins
import contextlib
import dataclasses

import pytest
import sympy as sp
from gradients import points, softmax_gradient
from hypothesis import given, settings
from hypothesis import strategies as st

from symllm.catalogue import ops
from symllm.errors import SymllmError, VerificationError
from symllm.evaluate import sample
from symllm.evidence import bound_text
from symllm.notation import LOSS, Dim, Direct, Partial, delta, entry
from symllm.steps import Fact, Step
from symllm.verify import check_step, compare_with_autograd, compare_with_oracle, verify

i, j, k = sp.symbols("i j k", integer=True)
n, d = Dim("n"), Dim("d")


def total(expr, symbol, dim=n):
    return sp.Sum(expr, (symbol, 0, dim.symbol - 1))


def p(q):
    return entry("p", q)


def dp(q):
    return entry("dp", q)


def xhat(q):
    return entry("xhat", q)


def g(q):
    return entry("gamma", q) * entry("dy", q)


def mean(expr):
    return total(expr, j, d) / d.symbol


X, Z, r, eps = entry("x", i), sp.Symbol("Z"), sp.Symbol("r"), sp.Symbol("eps")
softmax_dx = p(i) * (dp(i) - total(p(j) * dp(j), j))
layer_norm_dx = r * (g(i) - mean(g(j)) - xhat(i) * mean(g(j) * xhat(j)))


def step(target, before, after, free=((i, n),)):
    return Step(target, before, after, "a rule", ("for a reason",), free)


# --- steps -------------------------------------------------------------------

RIGHT = [
    ("softmax", step(Partial(LOSS, X), Partial(LOSS, X), softmax_dx)),
    ("softmax", step(Partial(LOSS, X), entry("dx", i), softmax_dx)),
    ("softmax", step(p(i), sp.exp(X) / Z, p(i))),
    ("softmax", step(sp.Integer(1), total(p(j), j), sp.Integer(1), ())),
    (
        "softmax",
        step(
            Partial(LOSS, X),
            total(dp(j) * Direct(p(j), Z), j) * entry("E", i) + entry("E", i) * dp(i) / Z,
            softmax_dx,
        ),
    ),
    (
        "cross_entropy_index",
        step(
            Partial(Partial(LOSS, entry("z", i)), entry("z", j)),
            p(i) * delta(i, j) - p(i) * p(j),
            p(j) * (delta(i, j) - p(i)),
            ((i, n), (j, n)),
        ),
    ),
    ("layer_norm", step(Partial(LOSS, X), Partial(LOSS, X), layer_norm_dx, ((i, d),))),
    ("layer_norm", step(sp.Integer(0), total(xhat(j), j, d), sp.Integer(0), ())),
    (
        "layer_norm",
        step(
            total(xhat(j) ** 2, j, d),
            total(xhat(j) ** 2, j, d),
            d.symbol * (1 - eps * r**2),
            (),
        ),
    ),
]


@pytest.mark.parametrize(("name", "right"), RIGHT)
def test_right_steps_pass(name, right):
    evidence = check_step(right, points(name))
    assert evidence.checked
    assert not evidence.proved
    assert evidence.points > 0
    assert evidence.worst <= evidence.bound


WRONG_AFTER = [
    ("softmax", 0, p(i) * (dp(i) + total(p(j) * dp(j), j))),  # a sign
    ("softmax", 0, p(i) * dp(i) - total(p(j) * dp(j), j)),  # a bracket
    ("softmax", 0, p(i) * (dp(i) - total(p(i) * dp(j), j))),  # an index
    ("softmax", 0, p(i) * (dp(i) - total(dp(j), j))),  # a factor
    ("softmax", 0, p(i) * dp(i)),  # a term
    ("softmax", 0, softmax_dx * (1 + sp.Rational(1, 10**15))),  # a small error
    ("softmax", 3, sp.Integer(1) + sp.Rational(1, 10**25)),
    ("cross_entropy_index", 5, p(j) * (1 - p(i))),
    ("layer_norm", 6, layer_norm_dx / r),
    ("layer_norm", 6, r * (g(i) - mean(g(j)))),
    ("layer_norm", 6, layer_norm_dx.subs(d.symbol, d.symbol - 1)),
    ("layer_norm", 6, r * (entry("dy", i) - mean(entry("dy", j)))),  # right where gamma is 1
    ("layer_norm", 8, d.symbol),  # right where eps is 0
]


@pytest.mark.parametrize(("name", "right", "after"), WRONG_AFTER)
def test_wrong_steps_are_caught(name, right, after):
    wrong = dataclasses.replace(RIGHT[right][1], after=after)
    assert not check_step(wrong, points(name)).checked
    with pytest.raises(VerificationError, match="'a rule'") as caught:
        verify([RIGHT[right][1], wrong], [], ops[name].program)
    assert "step 2" in str(caught.value)
    assert "is false" in str(caught.value)
    assert "(seed " in str(caught.value)


def test_both_sides_wrong_in_the_same_way_are_caught_by_the_target():
    wrong = step(Partial(LOSS, X), 2 * softmax_dx, 2 * softmax_dx)
    evidence = check_step(wrong, points("softmax"))
    assert not evidence.checked
    assert "target is" in evidence.where


def test_a_wrong_before_is_caught():
    assert not check_step(step(softmax_dx, 2 * softmax_dx, softmax_dx), points("softmax")).checked


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10**6), st.sampled_from([1, -1]))
def test_no_constant_factor_gets_through(denominator, sign):
    factor = 1 + sp.Rational(sign, denominator)
    wrong = step(Partial(LOSS, X), softmax_dx, factor * softmax_dx)
    assert not check_step(wrong, [SOFTMAX]).checked


SOFTMAX = sample(ops.softmax.program)


def test_many_entries_are_sampled_and_few_are_all_seen():
    free = ((i, n), (j, n), (k, n))
    same = step(p(i) * p(j) * p(k), p(i) * p(j) * p(k), p(k) * p(j) * p(i), free)
    point = sample(ops.softmax.program, sizes={"n": 6})
    assert check_step(same, [point], entries=10).points == 20
    assert check_step(same, [point], entries=1000).points == 2 * 6**3


@pytest.mark.parametrize(
    ("claim", "where", "message"),
    [
        (RIGHT[0][1], [], "no points"),
        (step(p(i), p(i), entry("nobody", i)), [SOFTMAX], "nobody"),
        (step(p(j), p(j), p(j)), [SOFTMAX], "'j'"),
        (step(p(i), p(i), p(i), ((i, d),)), [SOFTMAX], "dimension"),
        (
            step(*[Partial(Partial(Partial(LOSS, X), X), X)] * 3),
            [SOFTMAX],
            "differentiated 3 times",
        ),
    ],
)
def test_what_cannot_be_checked_is_an_error(claim, where, message):
    with pytest.raises(SymllmError, match=message):
        check_step(claim, where)


def test_division_by_what_is_zero_up_to_rounding_is_never_a_pass():
    claim = step(p(i), p(i) / (Z - Z * total(p(j), j)), p(i))
    with contextlib.suppress(VerificationError):
        assert not check_step(claim, [SOFTMAX]).checked


def test_nan_is_not_a_pass(monkeypatch):
    monkeypatch.setattr("symllm.verify.evaluate", lambda *_: float("nan"))
    assert not check_step(RIGHT[0][1], [SOFTMAX]).checked


# --- certificates --------------------------------------------------------------

SUM_IS_ONE = Fact(
    total(p(j), j),
    sp.Integer(1),
    steps=(step(total(p(j), j), total(p(j), j), total(entry("E", j), j) / Z, ()),),
)


def test_a_certificate_tells_proved_from_checked():
    steps = [claim for name, claim in RIGHT[:3] if name == "softmax"]
    certificate = verify(steps, [SUM_IS_ONE], ops.softmax.program, proved=lambda s: s.after == p(i))
    assert certificate.ok
    assert [e.proved for _, e in certificate.steps] == [False, False, True]
    assert all(e.checked for e in certificate.evidence)
    assert len(certificate.evidence) == 5
    assert certificate.bounds_met == "< 1e-20"
    text = str(certificate)
    assert "softmax: verified" in text
    assert "steps: 3; proved 1; checked 3 < 1e-20" in text
    assert "facts: 1; proved 0; checked 1 < 1e-30" in text


def test_what_is_proved_is_checked_all_the_same():
    wrong = step(p(i), p(i), 2 * p(i))
    with pytest.raises(VerificationError):
        verify([wrong], [], ops.softmax.program, proved=lambda s: True)


def test_wrong_facts_and_wrong_steps_of_facts_are_caught():
    for wrong in (
        dataclasses.replace(SUM_IS_ONE, rhs=sp.Integer(2)),
        dataclasses.replace(SUM_IS_ONE, lhs=total(p(j) ** 2, j), declared=True, steps=()),
        dataclasses.replace(SUM_IS_ONE, steps=(step(p(i), p(i), X),)),
    ):
        with pytest.raises(VerificationError, match="fact"):
            verify([RIGHT[0][1]], [wrong], ops.softmax.program)


def test_a_declared_fact_is_checked():
    fact = Fact(total(entry("y", j), j), sp.Integer(1), declared=True)
    assert verify([], [fact], ops.cross_entropy.program).ok


def test_a_certificate_of_nothing_is_an_error():
    with pytest.raises(VerificationError, match="nothing to verify"):
        verify([], [], ops.softmax.program)
    with pytest.raises(VerificationError, match="no points"):
        verify([RIGHT[0][1]], [], ops.softmax.program, seeds=())


def test_an_unknown_name_in_a_step_names_the_step():
    with pytest.raises(VerificationError, match=r"step 1.*nobody"):
        verify([step(p(i), p(i), sp.Symbol("nobody"))], [], ops.softmax.program)


def test_a_wrong_comparison_is_caught():
    right = compare_with_oracle(points("softmax"), ops.softmax.numpy, softmax_gradient, ["x"])
    assert verify([], [], ops.softmax.program, comparisons=right).ok
    (wrong,) = compare_with_oracle(
        points("softmax"), ops.softmax.numpy, lambda x, dp: 1.001 * softmax_gradient(x, dp), ["x"]
    )
    assert not wrong.ok
    with pytest.raises(VerificationError, match="dx: DIFFERS from central differences"):
        verify([RIGHT[0][1]], [], ops.softmax.program, comparisons=[wrong])


@pytest.mark.parametrize(
    ("bound", "text"),
    [(1e-9, "< 1e-9"), (2e-9, "< 1e-8"), (9.9e-10, "< 1e-9"), (1e-30, "< 1e-30"), (1.0, "< 1e0")],
)
def test_bounds_are_rounded_up(bound, text):
    assert bound_text(bound) == text


def test_without_torch_the_certificate_says_so(monkeypatch):
    real_import = builtins.__import__

    def no_torch(name, *rest, **options):
        if name == "torch":
            raise ImportError(name)
        return real_import(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", no_torch)
    skipped = compare_with_autograd(points("softmax"), softmax_gradient, ["x"])
    certificate = verify([RIGHT[0][1]], [], ops.softmax.program, comparisons=skipped)
    assert certificate.ok
    assert "PyTorch is not installed" in str(certificate)
    with pytest.raises(VerificationError, match="nothing to verify"):
        verify([], [], ops.softmax.program, comparisons=skipped)
