"""Names that people give to what their functions take and return are understood."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import handwritten as by_hand
import pytest

from symllm import Op, assert_gradient, check_gradient, ops

LAYER_NORM = ops.layer_norm.batched("N")

#: Right functions, each with the op that it is for.
RIGHT: dict[str, tuple[Callable[..., Any], Op]] = {
    "the op's own names": (by_hand.layer_norm, LAYER_NORM),
    "a kernel's names": (by_hand.layer_norm_kernel, LAYER_NORM),
    "sizes, and a dict": (by_hand.layer_norm_sized, LAYER_NORM),
    "a standard deviation": (by_hand.layer_norm_std, LAYER_NORM),
    "a variance": (by_hand.layer_norm_var, LAYER_NORM),
    "g and w": (by_hand.rms_norm, ops.rms_norm.batched("N")),
    "the output": (by_hand.softmax_of_output, ops.softmax.batched("N")),
    "probabilities": (by_hand.softmax_of_probabilities, ops.softmax.batched("N", "T")),
    "log-probabilities": (by_hand.log_softmax, ops.log_softmax.batched("N")),
    "no upstream of a loss": (by_hand.cross_entropy, ops.cross_entropy_index.batched("N")),
    "an upstream of a loss": (by_hand.cross_entropy_upstream, ops.cross_entropy_index.batched("N")),
    "one-hot labels": (by_hand.cross_entropy_one_hot, ops.cross_entropy_index.batched("N")),
    "a distribution": (by_hand.cross_entropy_one_hot, ops.cross_entropy.batched("N")),
    "weight is a matrix": (by_hand.linear, ops.linear.batched("N")),
    "another order": (by_hand.linear_other_order, ops.linear.batched("N")),
    "attention": (by_hand.attention, ops.attention.batched("B")),
    "causal attention": (by_hand.attention, ops.causal_attention.batched("B")),
    "log-sum-exp and mask": (by_hand.flash_attention, ops.causal_attention.batched("B", "H")),
    "token ids": (by_hand.embedding, ops.embedding),
    "two inputs": (by_hand.swiglu, ops.swiglu.batched("N")),
    "tables of cos and sin": (by_hand.rope, ops.rope.batched("B")),
    "dropout's p": (by_hand.dropout, ops.dropout.batched("N")),
    "a temperature": (by_hand.distillation, ops.distillation.batched("N")),
    "scalars": (by_hand.dpo, ops.dpo.batched("N")),
    "scalars, one example": (by_hand.dpo, ops.dpo),
    "part of what forward returns": (by_hand.rms_bwd, ops.rms_norm.batched("N")),
    "buffers": (by_hand.into_buffers, LAYER_NORM),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_functions_are_called_rightly(name: str) -> None:
    fn, op = RIGHT[name]
    assert_gradient(fn, op)


@pytest.mark.parametrize("name", [name for name in RIGHT if name != "buffers"])
def test_the_same_functions_are_not_right_for_three_times_the_upstream(name: str) -> None:
    """None of them is right because nothing was looked at."""
    fn, op = RIGHT[name]

    def tripled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: 3 * held for key, held in value.items()}
        return tuple(3 * v for v in value) if isinstance(value, tuple) else 3 * value

    @functools.wraps(fn)
    def wrong(*args: Any, **named: Any) -> Any:
        return tripled(fn(*args, **named))

    verdict = check_gradient(wrong, op)
    assert (verdict.kind, {v.factor for v in verdict.outputs.values()}) == ("scaled", {3})


def test_what_was_inferred_is_said() -> None:
    verdict = check_gradient(by_hand.layer_norm_kernel, LAYER_NORM)
    assert verdict.inferred == (
        "its arguments dout is dy, inp is x, weight is gamma, mean is mu, rstd is r",
        "mu, r with a last axis of length 1",
        "of what it returns, dinp is dx, dweight is dgamma, dbias is dbeta",
    )
    assert check_gradient(by_hand.softmax_of_output, ops.softmax).inferred[0] == (
        "its arguments dout is dp, out is p"
    )


def test_buffers_are_told_apart() -> None:
    verdict = check_gradient(by_hand.into_buffers, LAYER_NORM)
    assert verdict.inferred[-2:] == (
        "it overwrites dgamma",
        "it adds to what is in dx, dbeta",
    )


# --------------------------------------------------------------------------
# What is said
# --------------------------------------------------------------------------


def test_args_in_order() -> None:
    def f(a: Any, b: Any, c: Any, d: Any) -> Any:
        return by_hand.layer_norm(c, a, b, d)

    assert_gradient(f, LAYER_NORM, args=("x", "gamma", "dy", "eps"))
    assert_gradient(f, LAYER_NORM, args="x, gamma, dy, eps")
    assert_gradient(f, LAYER_NORM, args=("x", "gamma", "dy", 1e-3), constants={"eps": 1e-3})


def test_args_by_parameter_and_the_rest_by_name() -> None:
    def f(dout: Any, a: Any, weight: Any, eps: Any) -> Any:
        return by_hand.layer_norm(dout, a, weight, eps)

    assert_gradient(f, LAYER_NORM, args={"a": "x"})


def test_returns() -> None:
    def f(dy: Any, x: Any, gamma: Any, eps: Any) -> Any:
        found = by_hand.layer_norm(dy, x, gamma, eps)
        return found[2], "something", found[0]

    verdict = check_gradient(f, LAYER_NORM, returns=("dbeta", None, "dx"))
    assert (verdict.kind, list(verdict.outputs)) == ("correct", ["dx", "dbeta"])
    assert_gradient(f, LAYER_NORM, returns="dbeta,_,dx")


def test_results_of_other_kinds() -> None:
    @dataclass
    class Gradients:
        dx: Any
        weight: Any
        bias: Any

    class Named(NamedTuple):
        dbeta: Any
        dx: Any

    def as_dataclass(dy: Any, x: Any, gamma: Any, eps: Any) -> Any:
        return Gradients(*by_hand.layer_norm(dy, x, gamma, eps))

    def as_named(dy: Any, x: Any, gamma: Any, eps: Any) -> Any:
        return Named(dy.sum(0), by_hand.layer_norm(dy, x, gamma, eps)[0])

    def as_lists(dy: Any, x: Any, gamma: Any, eps: Any) -> Any:
        return by_hand.layer_norm(dy, x, gamma, eps)[0].tolist()

    for fn in (as_dataclass, as_named, as_lists):
        assert_gradient(fn, LAYER_NORM)


def test_what_was_derived_is_right() -> None:
    for op in (LAYER_NORM, ops.softmax.batched("N"), ops.attention):
        assert_gradient(op.gradient().lambdify(), op)


def test_swapped_returns_are_seen() -> None:
    def f(dy: Any, x: Any, gamma: Any, eps: Any) -> Any:
        dx, dgamma, dbeta = by_hand.layer_norm(dy, x, gamma, eps)
        return dx, dbeta, dgamma

    assert_gradient(f, LAYER_NORM)  # by the names that it returns
    assert check_gradient(f, LAYER_NORM, returns="dx,dgamma,dbeta").kind == "permuted"


def test_an_intermediate_gradient_is_judged_too() -> None:
    def f(dO: Any, V: Any, P: Any) -> Any:
        dP = dO @ V.swapaxes(-1, -2)
        return P * (dP - (dP * P).sum(-1, keepdims=True))

    assert_gradient(f, ops.attention.batched("B"), returns="dS")


def test_a_constant_that_is_written_in_the_function() -> None:
    verdict = check_gradient(by_hand.own_eps, LAYER_NORM, constants={"eps": 1e-5})
    assert verdict.ok

    def f(dy: Any, x: Any, gamma: Any) -> Any:
        xhat, r = by_hand.norm_parts(x, 1e-6)
        return by_hand.norm_dx(dy * gamma, xhat, r)

    verdict = check_gradient(f, LAYER_NORM)
    assert verdict.ok
    assert "eps = 1e-06, which is written in it and is not among its arguments" in verdict.inferred
    wrong = check_gradient(f, LAYER_NORM, constants={"eps": 0.5})
    assert not wrong.ok


def test_a_forgotten_constant_is_not_taken_for_one_inside() -> None:
    def no_eps(dy: Any, x: Any, gamma: Any) -> Any:
        xhat, r = by_hand.norm_parts(x, 0.0)
        return by_hand.norm_dx(dy * gamma, xhat, r) + 1e-30

    verdict = check_gradient(no_eps, LAYER_NORM)
    assert verdict.kind == "conditional"
    assert verdict.explanation.startswith("dx: it is right only if eps = 0")

    def no_temperature(student_logits: Any, teacher_logits: Any) -> Any:
        return 1.0 * by_hand.distillation(student_logits, teacher_logits, 1.0)

    assert check_gradient(no_temperature, ops.distillation.batched("N")).kind == "conditional"


def test_a_constant_that_is_not_given_is_mentioned_where_something_is_wrong() -> None:
    def f(dy: Any, x: Any, gamma: Any) -> Any:
        return x

    (note,) = check_gradient(f, LAYER_NORM).notes
    assert note.startswith("eps is not among its arguments, and was ")


def test_a_cache_is_made_by_the_forward_function_beside_or_given() -> None:
    said = {"constants": {"ln_param": {"eps": 1e-5}}}
    verdict = check_gradient(by_hand.layernorm_backward, LAYER_NORM, **said)
    assert verdict.ok
    assert "layernorm_forward is its forward function" in verdict.inferred

    def f(dout: Any, cache: Any) -> Any:
        return by_hand.layernorm_backward(dout, cache)

    assert_gradient(f, LAYER_NORM, forward=by_hand.layernorm_forward, **said)


def test_another_forward_function_is_noticed() -> None:
    def forward(x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
        xhat, r = by_hand.norm_parts(x, 2 * eps)
        return gamma * xhat + beta, (xhat, r, gamma)

    verdict = check_gradient(by_hand.layernorm_backward, LAYER_NORM, forward=forward)
    assert not verdict.ok
    assert any("gives another y than layer_norm" in note for note in verdict.notes)


# --------------------------------------------------------------------------
# Upstream gradients
# --------------------------------------------------------------------------


def averaged(logits: Any, targets: Any) -> Any:
    return by_hand.cross_entropy(logits, targets) / len(logits)


@pytest.mark.parametrize(
    ("fn", "upstream", "kind"),
    [
        (by_hand.cross_entropy, "given", "correct"),
        (by_hand.cross_entropy, "sum", "correct"),
        (by_hand.cross_entropy, "mean", "scaled"),
        (averaged, "mean", "correct"),
        (averaged, "given", "scaled"),
        (averaged, "sum", "scaled"),
    ],
)
def test_the_mean_over_the_batch_is_said_and_not_guessed(
    fn: Callable[..., Any], upstream: str, kind: str
) -> None:
    op = ops.cross_entropy_index.batched("N")
    assert check_gradient(fn, op, upstream=upstream).kind == kind


def test_the_mean_of_an_output_is_that_of_all_its_entries() -> None:
    def f(x: Any) -> Any:
        return (x > 0) / x.size

    op = ops.relu.batched("N")
    assert_gradient(f, op, upstream="mean")
    assert_gradient(lambda x: 1.0 * (x > 0), op, upstream="sum")
    assert not check_gradient(lambda x: 1.0 * (x > 0), op).ok  # right only where dy = 1
