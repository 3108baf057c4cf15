"""Conditions, neighbours, rounded constants, and what is said of several outputs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from symllm import ops
from symllm.claims.conditions import conditions, is_added
from symllm.claims.diagnose import judged
from symllm.claims.neighbours import neighbours
from symllm.claims.points import Point, points
from symllm.claims.question import Question, question
from symllm.claims.verdict import ClaimError, Verdict, joined


def asked(name: str, unit: bool = False) -> Question:
    return question(ops[name].batched("N"), unit)


def words(it: Question) -> list[str]:
    return [condition.words for condition in conditions(it, points(it), {})]


def test_what_is_assumed_of_layer_norm() -> None:
    found = words(asked("layer_norm"))
    assert found[:2] == ["eps = 0", "eps = 1e-05"]
    for one in ("gamma is constant", "gamma = 1", "beta = 0", "the batch has one row", "N = d"):
        assert one in found
    assert "gamma = 0" not in found  # it would hide everything else
    assert "the upstream gradient dy is 1" in found


def test_what_is_assumed_holds_at_the_points() -> None:
    it = asked("embedding")
    for condition in conditions(it, points(it), {}):
        for at in condition.points():
            if condition.words == "no index in t occurs twice":
                assert len(set(at.array("t").ravel())) == at.array("t").size > at.sizes["N"]
            if condition.words == "the batch has one row":
                assert at.sizes["N"] == 1
            if condition.words == "n = d":
                assert at.sizes["n"] == at.sizes["d"]


def test_sizes_that_were_given_are_not_tied() -> None:
    it = asked("linear")
    found = [c.words for c in conditions(it, points(it, 0, {"m": 4}), {"m": 4})]
    assert "N = n" in found
    assert not any("m" in one.split(" = ") for one in found)


def test_a_bias_is_added_and_a_weight_is_not() -> None:
    it = asked("layer_norm")
    assert is_added(it, "beta")
    assert not is_added(it, "gamma")


NEIGHBOURS = [
    ("gelu", "dx", "(gelu_tanh)"),
    ("gelu_tanh", "dx", "(gelu)"),
    ("rms_norm", "dx", "(layer_norm)"),
    ("layer_norm", "dx", "along the axis N, not d"),
    ("layer_norm", "dx", "it divides by d - 1 instead of d"),
    ("causal_attention", "dQ", "without the mask [j ≤ i]"),
    ("attention", "dQ", "along the axis n, not m"),
    ("attention", "dV", "without the factor 1 / √d"),
    ("kl_divergence", "dp", "with p and q exchanged"),
    ("softmax", "dx", "(log_softmax)"),
    ("cross_entropy", "dz", "with respect to p, not to z"),
    ("rope", "dx", "(rope_halves)"),
    ("rope", "dx", "at pos + 1 instead of pos"),
    ("dpo", "dc_w", "at 0, 0 instead of ref_w, ref_l"),
]


@pytest.mark.parametrize(("name", "of", "says"), NEIGHBOURS, ids=lambda row: str(row))
def test_a_neighbour_is_known_and_has_another_gradient(name: str, of: str, says: str) -> None:
    it = asked(name, unit=name in ("kl_divergence", "cross_entropy", "dpo"))
    (found, *_) = [one for one in neighbours(it, of) if says in one.words]
    at = points(it)[0]
    gradient = found.gradient(at)
    assert gradient.shape == at.truth(of).shape
    assert np.abs(gradient - at.truth(of)).max() > 1e-6


def gelu_with(root: float, density: float):  # type: ignore[no-untyped-def]
    def answer(at: Point) -> dict[str, np.ndarray]:
        x, dy = at.array("x"), at.array("dy")
        return {"dx": dy * ((1 + erf(x / root)) / 2 + x * np.exp(-x * x / 2) * density)}

    return answer


ROOT, DENSITY = np.sqrt(2), 1 / np.sqrt(2 * np.pi)


@pytest.mark.parametrize(
    ("root", "density", "says"),
    [
        (ROOT, 0.3989, "1 / √(2 π) = 0.39894228 is taken as 0.3989"),
        (ROOT, 0.398942, "is taken as 0.398942"),
        (1.414, DENSITY, "1 / √2 = 0.707106781 is taken as 0.707"),
        (1.4142, 0.39894, "constants are rounded, among"),
    ],
)
def test_rounded_constants_are_named(root: float, density: float, says: str) -> None:
    it = asked("gelu")
    (verdict,) = judged(it, gelu_with(root, density), ["dx"], points(it)).values()
    assert (verdict.kind, verdict.ok) == ("rounded", True)
    assert says in verdict.explanation


def test_a_constant_that_is_off_by_more_is_not_rounded() -> None:
    it = asked("gelu")
    (verdict,) = judged(it, gelu_with(ROOT, 0.45), ["dx"], points(it)).values()
    assert verdict.kind == "wrong_term"


def test_what_cannot_be_compared_counts_before_all() -> None:
    kinds = {"dx": "wrong", "dgamma": "shape", "dbeta": "correct"}
    verdict = joined("layer_norm", {n: Verdict(n, k, f"{n} said") for n, k in kinds.items()})
    assert (verdict.kind, verdict.explanation) == ("shape", "dgamma said")
    kinds["dgamma"] = "scaled"
    verdict = joined("layer_norm", {n: Verdict(n, k, f"{n} said") for n, k in kinds.items()})
    assert (verdict.kind, verdict.explanation) == ("wrong", "dx said")
    with pytest.raises(ValueError, match="at least one output"):
        joined("layer_norm", {})


def test_a_function_that_raises_is_an_error() -> None:
    it = asked("softmax")

    def answer(at: Point) -> dict[str, np.ndarray]:
        raise ClaimError("error", "it raised ZeroDivisionError")

    (verdict,) = judged(it, answer, ["dx"], points(it)).values()
    assert (verdict.kind, verdict.explanation) == ("error", "it raised ZeroDivisionError")
    assert verdict.as_json()["max_error"] is None


def test_an_output_that_is_missing_is_an_error() -> None:
    it = asked("linear")

    def answer(at: Point) -> dict[str, np.ndarray]:
        return {"db": at.array("dy").sum(0)}

    found = judged(it, answer, ["dW", "db"], points(it))
    assert found["dW"].kind == "error"
    assert found["db"].kind == "correct"


def test_a_mistake_at_the_sizes_of_a_layer_is_explained_at_small_ones() -> None:
    it = asked("softmax")

    def answer(at: Point) -> dict[str, np.ndarray]:
        x, dp = at.array("x"), at.array("dp")
        p = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
        return {"dx": p * dp}

    big = points(it, 0, {"N": 64, "n": 512})
    (verdict,) = judged(it, answer, ["dx"], big).values()
    assert verdict.kind == "wrong_term"
    assert "Σ_j p[b, j] dp[b, j] is missing" in verdict.explanation
