"""Proofs of steps: those of all ops are found, those of false steps are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import sympy as sp

from symllm import Dim, Iverson, ops, sum_over
from symllm.catalogue import CONTENTS
from symllm.derivation import Derivation
from symllm.errors import VerificationError
from symllm.notation import LOSS, Partial
from symllm.steps import Step
from symllm.verify import check_step

n = Dim("n")
i, j, k = n.indices("i j k")
y, p = n.vector("y", role="target"), n.vector("p")

#: Both sides of a step, and whether they are one where the targets sum to one.
SIDES = {
    "left": (p[i] * sum_over(y[j], j), p[i], True),
    "right": (p[i], p[i] * sum_over(y[j], j), True),
    "both, to different powers": (
        p[i] * sum_over(y[j], j) * sum_over(y[k], k) + y[i],
        p[i] * sum_over(y[j], j) + y[i],
        True,
    ),
    "neither": (p[i] * sum_over(y[j] ** 2, j), p[i] * sum_over(y[j], j), False),
}


@pytest.mark.parametrize("name", SIDES)
def test_declared_facts_are_used_on_both_sides(name):
    before, after, provable = SIDES[name]
    g = ops.cross_entropy.gradient("z")
    step = Step(y[i], before, after, "rule", ("because",), ((i.symbol, n),))
    assert g._proved(step) is provable


# --- all steps, total derivatives among them ------------------------------------


@pytest.mark.parametrize("name", CONTENTS)
def test_every_step_of_every_gradient_is_proved(name):
    assert unproved(ops[name].gradient()) == []


SECOND = ("softmax", "cross_entropy", "layer_norm", "cosine_similarity", "dpo", "linear_attention")


@pytest.mark.parametrize("name", SECOND)
def test_every_step_of_jacobians_and_hessians_is_proved(name):
    op = ops[name]
    asked = op.jacobian if op.program.tensors[op.program.outputs[0]].rank else op.hessian
    assert unproved(asked(next(iter(op.inputs)))) == []


def unproved(g: Derivation) -> list[str]:
    return [f"{k} {step.rule}" for k, step in enumerate(g.steps, 1) if not g._proved(step)]


# --- what is false ------------------------------------------------------------------


def spoilt(expr: sp.Expr) -> Iterator[sp.Expr]:
    """The expression with mistakes that people make."""
    yield from (2 * expr, -expr)
    if isinstance(expr, sp.Add):
        for term in expr.args:
            yield from (expr - term, expr - 2 * term)
    for power in sorted(expr.atoms(sp.Pow), key=str):
        if power.exp.is_number:
            yield expr.xreplace({power: power * power.base})
    asked = {entry for partial in expr.atoms(Partial) for entry in partial.atoms(sp.Indexed)}
    for entry in sorted(expr.atoms(sp.Indexed) - asked, key=str)[:3]:
        yield expr.xreplace({entry: entry + 1})
    for bracket in sorted(expr.atoms(Iverson), key=str):
        yield expr.xreplace({bracket: sp.Integer(1)})


MISTAKEN = ("softmax", "attention", "layer_norm", "swiglu", "relu", "cosine_similarity", "lion")


@pytest.mark.parametrize("name", MISTAKEN)
def test_no_false_step_is_proved(name):
    g = ops[name].gradient()
    tried = 0
    for step in g.steps:
        for after in spoilt(step.after):
            wrong = replace(step, after=after)
            if is_false(wrong, g):
                tried += 1
                assert not g._proved(wrong), f"{step.rule}: {after}"
    assert tried > 4


def is_false(step: Step, g: Derivation) -> bool:
    try:
        return not check_step(step, g._points, entries=4).checked
    except VerificationError:  # it has no value there
        return True


def test_a_total_derivative_needs_all_its_paths():
    """What leads through the normaliser alone is no gradient of a softmax."""
    g = ops.softmax.gradient("x")
    x, p, dp = (n.vector(name) for name in ("x", "p", "dp"))
    asked = Partial(LOSS, x[i])
    whole = p[i] * (dp[i] - sum_over(dp[j] * p[j], j))
    for after, provable in ((whole, True), (p[i] * dp[i], False), (whole + p[i] * dp[i], False)):
        step = Step(asked, asked, after, "rule", ("because",), ((i.symbol, n),))
        assert g._proved(step) is provable
