"""Derivations: steps that follow one another, lemmas, certificates, programs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp

from symllm import ops
from symllm.calls import without_calls
from symllm.errors import VerificationError
from symllm.notation import LOSS, Partial, entry
from symllm.steps import Fact, Step

EVERY = list(ops)


@pytest.mark.parametrize("name", EVERY)
def test_steps_of_one_quantity_follow_one_another(name: str) -> None:
    """What a step arrives at is where the next one on the same quantity starts."""
    g = ops[name].gradient()
    last: dict[sp.Expr, Step] = {}
    for step in g.steps:
        before = last.get(step.target)
        if before is not None:
            assert step.before == before.after, f"{step.rule} does not start at {before.after}"
        last[step.target] = step
    for question, let in zip(g.question, g.result_equations, strict=True):
        assert last[question].after == let.rhs


@pytest.mark.parametrize("name", EVERY)
def test_facts_have_steps_or_are_declared(name: str) -> None:
    for fact in ops[name].gradient().facts:
        assert isinstance(fact, Fact)
        assert fact.declared or fact.lemma or fact.steps
        if fact.steps:
            assert fact.steps[0].before == fact.lhs
            assert fact.steps[-1].after == fact.rhs


def test_facts_are_found_by_the_engine() -> None:
    i = sp.Symbol("i", integer=True)
    d = sp.Symbol("d", integer=True, positive=True)
    (fact,) = ops.layer_norm.gradient("x").facts
    assert fact.lhs == sp.Sum(entry("c", i), (i, 0, d - 1))
    assert fact.rhs == 0
    (declared,) = ops.cross_entropy.gradient("z").facts
    assert declared.declared
    assert declared.rhs == 1


def test_a_lemma_is_one_step_that_cites_its_derivation() -> None:
    assert "softmax" in {s.lemma for s in ops.attention.gradient().steps}
    assert "masked_softmax" in {s.lemma for s in ops.causal_attention.gradient().steps}
    assert "sigmoid" in {s.lemma for s in ops.silu.gradient().steps}
    assert {s.lemma for s in ops.softmax.gradient().steps} == {""}


def test_the_question_is_what_the_steps_are_about() -> None:
    i = sp.Symbol("i", integer=True)
    g = ops.layer_norm.gradient("x")
    assert g.question == (Partial(LOSS, entry("x", i)),)
    assert g.steps[-1].target == g.question[0]


def test_a_certificate_says_what_was_proved_and_what_was_checked() -> None:
    certificate = ops.layer_norm.gradient().verify(autograd=False)
    assert any(e.proved for _, e in certificate.steps)
    assert all(e.checked for e in certificate.evidence)
    assert certificate.bounds_met == "< 1e-20"
    assert all(e.proved for e in certificate.evidence)
    assert {c.kind for c in certificate.comparisons} == {
        "the NumPy forward",
        "central differences",
    }


@pytest.mark.parametrize(
    "derivation",
    [ops.layer_norm.gradient(), ops.softmax.jacobian("x"), ops.cross_entropy.hessian("z")],
    ids=["gradient", "jacobian", "hessian"],
)
def test_a_step_says_what_speaks_for_it(derivation) -> None:
    steps = [*derivation.steps, *(step for fact in derivation.facts for step in fact.steps)]
    assert all(step.evidence.proved and step.evidence.checked for step in steps)
    assert all(step.evidence.points > 0 for step in steps)


def test_nothing_speaks_for_a_step_that_is_false() -> None:
    step = ops.softmax.gradient("x").steps[-1]
    wrong = replace(step, after=2 * step.after).evidence
    assert not wrong.checked
    assert not wrong.proved
    with pytest.raises(VerificationError, match="steps of a derivation"):
        _ = replace(step, judge=None).evidence


@pytest.mark.parametrize("name", ["layer_norm", "label_smoothing"])
def test_no_step_to_a_false_fact_is_proved(name) -> None:
    (fact,) = ops[name].gradient().facts
    for step in fact.steps:
        wrong = replace(step, after=step.after + 1).evidence
        assert not wrong.proved
        assert not wrong.checked


def test_what_is_declared_is_checked_and_not_proved() -> None:
    certificate = ops.cross_entropy.gradient().verify(autograd=False)
    (fact,) = certificate.facts
    assert fact.fact.declared
    assert fact.evidence.checked
    assert not fact.evidence.proved
    assert fact.evidence not in certificate.derived
    assert all(e.proved for e in certificate.derived)


def test_a_gradient_can_be_asked_for_in_any_order() -> None:
    g = ops.layer_norm.gradient("beta", "x")
    assert list(g.results) == ["dbeta", "dx"]
    assert g.results["dx"] == ops.layer_norm.gradient().results["dx"]


def test_the_backward_program_is_linear_in_the_forward_one() -> None:
    for name in EVERY:
        op = ops[name]
        forward = without_calls(op.program).equations
        assert len(op.gradient().equations) <= len(forward) + len(op.inputs)
