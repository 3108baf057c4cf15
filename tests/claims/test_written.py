"""Gradients as people write them: right ones are accepted, and wrong ones explained."""

from __future__ import annotations

from functools import cache

import pytest
import written_activations
import written_attention
import written_layers
import written_losses
import written_norms
import written_rms
import written_softmax
from written import Written

from symllm.claims.verdict import Verdict

TABLES = (
    written_norms,
    written_rms,
    written_softmax,
    written_losses,
    written_activations,
    written_layers,
    written_attention,
)
CASES = [case for table in TABLES for case in table.CASES]
RIGHT = [case for case in CASES if case.kind in ("correct", "rounded")]
WRONG = [case for case in CASES if case.kind not in ("correct", "rounded")]

#: What is known to have no explanation yet: nothing is invented.
UNEXPLAINED = {
    "cross_entropy N, softmax's derivative again",
    "cross_entropy N, sigmoids",
    "z_loss N, max for log-sum-exp",
    "mse N, absolute error",
    "relu N, leaky",
    "causal_attention N, mask after softmax",
    "ppo_clip N, minimum forgotten",
    "clip_by_global_norm N, never clipped",
}


@cache
def verdict(case: Written) -> Verdict:
    return case.verdict()


def titles(cases: list[Written]) -> list[str]:
    return [f"{case.title} ({case.dtype})" for case in cases]


@pytest.mark.parametrize("case", RIGHT, ids=titles(RIGHT))
def test_a_right_gradient_is_not_refused(case: Written) -> None:
    found = verdict(case)
    assert found.ok, str(found)
    assert (found.kind, case.says in found.explanation) == (case.kind, True), str(found)


@pytest.mark.parametrize("case", WRONG, ids=titles(WRONG))
def test_a_wrong_gradient_is_explained(case: Written) -> None:
    found = verdict(case)
    assert not found.ok
    if case.title in UNEXPLAINED:
        assert found.kind == "wrong", str(found)
    else:
        assert (found.kind, case.says in found.explanation) == (case.kind, True), str(found)


def test_nine_of_ten_kinds_are_right() -> None:
    right = sum(verdict(case).kind == case.kind for case in WRONG)
    assert len(WRONG) >= 200
    assert right >= 0.9 * len(WRONG)
    assert {case.title for case in WRONG} >= UNEXPLAINED


def test_every_case_has_a_title_of_its_own() -> None:
    assert len({(case.title, case.dtype, case.asked) for case in CASES}) == len(CASES)
