"""A checker must be seen to fail: every mistake planted here is caught, and named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import sympy as sp

from symllm import Let, Op, VerificationError, ops
from symllm.algebra import calculus
from symllm.algebra.rewrite import Rewrite
from symllm.algebra.terms import ONE, Poly
from symllm.derivation import Derivation
from symllm.derive import adjoint, backward, orient, system, textbook


def forget() -> None:
    """Nothing derived with other rules may be used again."""
    system.system.cache_clear()
    orient.rules_of.cache_clear()
    backward._LEMMAS.clear()


@pytest.fixture(autouse=True)
def fresh():
    forget()
    yield
    forget()


def again(name: str, batch: bool = True) -> Op:
    """The catalogue's op, built anew."""
    op = ops[name]
    made = Op(
        op.name, op.title, op.inputs.values(), op.equations, op.numpy, op.outputs,
        op.program.aliases,
    )  # fmt: skip
    return made.batched("N") if batch else made


def caught(g: Derivation) -> str:
    with pytest.raises(VerificationError) as found:
        g.verify()
    return str(found.value)


# --- wrong derivatives of functions --------------------------------------------

SLOPES: dict[str, tuple[str, Callable[[Poly], Poly]]] = {
    "tanh": ("tanh", lambda a: ONE - calculus.function("tanh", a)),
    "tanh, a sign": ("tanh", lambda a: ONE + calculus.function("tanh", a) ** 2),
    "exp": ("softmax", lambda a: calculus.function("exp", a).scale(2)),
    "log": ("log_softmax", lambda a: a**-2),
    "erf": ("gelu", lambda a: calculus.function("exp", -(a**2))),
}


@pytest.mark.parametrize("case", SLOPES)
def test_a_wrong_derivative_of_a_function(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, wrong = SLOPES[case]
    function = case.split(",")[0]
    rule = calculus.SLOPES[function][1]
    monkeypatch.setitem(calculus.SLOPES, function, (wrong, rule))
    message = caught(again(name).gradient("x"))
    assert "step " in message
    assert "is false" in message
    assert "(seed " in message


# --- wrong rules of calculus ---------------------------------------------------

TRUE_PULL_BACK = calculus.pull_back
TRUE_IN_MONOMIAL = calculus.in_monomial
TRUE_OCCURRENCES = calculus.occurrences

WRONG_CALCULUS: dict[str, tuple[str, Any, list[str]]] = {
    "a wrong sign": (
        "pull_back",
        lambda *a: -TRUE_PULL_BACK(*a),
        ["softmax", "layer_norm", "attention", "linear", "relu", "silu"],
    ),
    "a factor": (
        "pull_back",
        lambda *a: TRUE_PULL_BACK(*a).scale(1 + calculus.Fraction(1, 10**9)),
        ["softmax", "layer_norm", "linear"],
    ),
    "the last path forgotten": (
        "occurrences",
        lambda poly, name: TRUE_OCCURRENCES(poly, name)[:-1],
        ["softmax", "layer_norm", "linear", "relu"],
    ),
    "a path counted twice": (
        "occurrences",
        lambda poly, name: TRUE_OCCURRENCES(poly, name) * 2,
        ["softmax", "rms_norm", "linear", "relu"],
    ),
    "an exponent forgotten": (
        "in_monomial",
        lambda mono, name: [
            o._replace(slope=o.slope.scale(2)) if o.rule == "quotient rule" else o
            for o in TRUE_IN_MONOMIAL(mono, name)
        ],
        ["softmax", "sigmoid"],
    ),
}


@pytest.mark.parametrize(
    ("case", "name"), [(case, n) for case, (_, _, names) in WRONG_CALCULUS.items() for n in names]
)
def test_a_wrong_rule_of_calculus(case: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    function, wrong, _ = WRONG_CALCULUS[case]
    monkeypatch.setattr(calculus, function, wrong)
    for module in (adjoint, backward):
        if hasattr(module, function):
            monkeypatch.setattr(module, function, wrong)
    message = caught(again(name).gradient())
    assert "is false" in message or "DIFFERS" in message


# --- wrong rewritings ------------------------------------------------------------


def with_rules(monkeypatch: pytest.MonkeyPatch, change: Callable[[Rewrite], Rewrite]) -> None:
    true = orient.rules_of

    def wrong(program: Any) -> tuple[Rewrite, ...]:
        return tuple(map(change, true(program)))

    for module in (backward, textbook):
        monkeypatch.setattr(module, "rules_of", wrong)


def test_a_centred_vector_that_sums_to_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with_rules(
        monkeypatch,
        lambda r: replace(r, right=ONE) if r.rule == "fact" and not r.right else r,
    )
    message = caught(again("layer_norm").gradient("x"))
    assert "is false" in message


def test_a_target_that_sums_to_two(monkeypatch: pytest.MonkeyPatch) -> None:
    with_rules(
        monkeypatch,
        lambda r: replace(r, right=ONE.scale(2)) if r.rule == "declared" else r,
    )
    message = caught(again("cross_entropy").gradient("z"))
    assert "y sums to one" in message


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "sigmoid", "silu"])
def test_names_recognised_with_a_wrong_sign(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with_rules(
        monkeypatch,
        lambda r: replace(r, right=-r.right) if r.rule in ("recognise", "substitute") else r,
    )
    message = caught(again(name).gradient("x"))
    assert "step " in message
    assert "is false" in message or "not a finite" in message


# --- wrong steps and results -------------------------------------------------------


def planted(g: Derivation, **changed: Any) -> Derivation:
    """The derivation with some of what it derived replaced."""
    g.__dict__.update(changed)
    return g


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "attention", "cross_entropy"])
@pytest.mark.parametrize("which", [0, -1])
def test_a_wrong_step(name: str, which: int) -> None:
    g = again(name).gradient()
    steps = list(g.steps)
    number = which % len(steps) + 1
    steps[which] = replace(steps[which], after=steps[which].after * sp.Rational(1001, 1000))
    message = caught(planted(g, steps=tuple(steps)))
    assert f"step {number}," in message
    assert repr(steps[which].rule) in message


def test_a_step_with_a_dropped_term() -> None:
    g = again("layer_norm").gradient("x")
    last = g.steps[-1]
    bracket = next(a for a in last.after.args if isinstance(a, sp.Add))
    wrong = last.after.xreplace({bracket: sp.Add(*bracket.args[1:])})
    assert wrong != last.after
    message = caught(planted(g, steps=(*g.steps[:-1], replace(last, after=wrong))))
    assert f"step {len(g.steps)}," in message


def test_a_wrong_lemma() -> None:
    g = again("layer_norm").gradient("x")
    (fact, *more) = g.facts
    wrong = replace(fact, rhs=fact.rhs + 1)
    assert "fact" in caught(planted(g, facts=(wrong, *more)))


def dropped(value: Poly) -> Poly:
    """The polynomial without its last term."""
    return Poly(dict(value.sorted()[:-1]))


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "rms_norm", "cross_entropy", "silu"])
def test_a_result_with_a_dropped_term(name: str) -> None:
    g = again(name).gradient()
    closed = dict(g.book.closed)
    wrt = next(n for n in g.wrt if len(closed[n].value.terms) > 1)
    closed[wrt] = replace(closed[wrt], value=dropped(closed[wrt].value))
    wrong = replace(g, book=replace(g.book, closed=closed))
    steps = g.steps  # the steps are right: only the result is not
    message = caught(planted(wrong, steps=steps, facts=g.facts))
    assert "the result of" in message
    assert f"d({wrt}[" in message.replace("d(L)/", "")


@pytest.mark.parametrize("kind", ["jacobian", "hessian"])
def test_a_wrong_jacobian_and_a_wrong_hessian(kind: str) -> None:
    op = again("logsumexp", batch=False)
    g = op.jacobian("x") if kind == "jacobian" else op.hessian("x")
    closed = dict(g.book.closed)
    closed["x"] = replace(closed["x"], value=closed["x"].value.scale(2))
    wrong = replace(g, book=replace(g.book, closed=closed))
    message = caught(planted(wrong, steps=g.steps, facts=g.facts))
    assert "the result of" in message


# --- a wrong op ------------------------------------------------------------------------


def test_equations_that_are_not_the_numpy_forward() -> None:
    op = ops.layer_norm
    wrong = Op(
        op.name,
        op.title,
        op.inputs.values(),
        op.equations,
        lambda x, gamma, beta, eps: op.numpy(x, gamma, beta, 2 * eps),
    )
    message = caught(wrong.gradient("x"))
    assert "y: DIFFERS from the NumPy forward" in message


def test_a_wrong_definition_beside_the_result() -> None:
    """What a page says under *where* is judged like any step."""
    g = ops.layer_norm.gradient("x")
    right = g.where
    wrong = Let(right["r"].lhs, right["r"].rhs * 2)
    g.__dict__["where"] = {**right, "r": wrong}
    with pytest.raises(VerificationError, match="definition of r"):
        g.verify(autograd=False)


def test_a_wrong_result_after_right_steps() -> None:
    g = ops.softmax.gradient("x")
    (let,) = g.result_equations
    g.steps  # noqa: B018  (they stay right)
    g.__dict__["result_equations"] = (Let(let.lhs, -let.rhs),)
    with pytest.raises(VerificationError):
        g.verify(autograd=False)
