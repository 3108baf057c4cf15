"""Published formulas, right and wrong, each with the verdict that it must get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from symllm import check_latex, ops

CLAIMS = json.loads(Path(__file__).with_name("claims.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim["id"])
def test_a_published_formula_gets_its_verdict(claim: dict[str, Any]) -> None:
    verdict = check_latex(claim["latex"], ops[claim["op"]], where=claim["where"])
    assert verdict.kind == claim["verdict"], str(verdict)
    assert verdict.ok == (claim["verdict"] == "correct")
    assert verdict.proved == verdict.ok, "all that is right here can be proved"


#: By the claim's id: what its explanation or a note says.
SAID = {
    "softmax_diagonal_only": "where -p[i] p[j] should be",
    "ce_logits_flipped": "the factor -1",
    "ce_hard_ones": "the factor [i = t] is missing",
    "ln_dx": "sigma is sqrt(variance + eps)",
    "ln_gamma_outside": "only if gamma is constant",
    "rms_weight_outside": "only if gamma is constant",
    "attention_rowsum_bad": "n x m and a vector of length n do not multiply",
}


@pytest.mark.parametrize("name", SAID)
def test_the_verdict_says_why(name: str) -> None:
    (claim,) = (claim for claim in CLAIMS if claim["id"] == name)
    verdict = check_latex(claim["latex"], ops[claim["op"]], where=claim["where"])
    assert SAID[name] in str(verdict)
