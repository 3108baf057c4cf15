"""Names that people give to what their functions take and return are understood."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import handwritten as by_hand
import numpy as np
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


# --------------------------------------------------------------------------
# Layouts and precisions
# --------------------------------------------------------------------------


def linear_rows(dout: Any, x: Any, w: Any) -> Any:
    return dout @ w.T, x.T @ dout, dout.sum(0)


def test_a_transposed_weight() -> None:
    op = ops.linear.batched("N")
    assert_gradient(linear_rows, op, layout={"W": "m n"})
    verdict = check_gradient(linear_rows, op)
    assert verdict.kind == "error"
    assert verdict.explanation.endswith("It runs if W is given as (m, n): say layout={'W': 'm n'}")


@pytest.mark.parametrize(
    "layout",
    [
        {"x": "N T d", "dy": "N T d"},
        {"x": "T N d", "dy": "T N d", "dx": "T N d"},
        {"x": "(N T) d", "y": "(N T) d"},
        {"x": "N T C", "y": "N T C"},
    ],
)
def test_axes_in_another_order_or_merged(layout: dict[str, str]) -> None:
    def f(dy: Any, x: Any, gamma: Any, eps: Any) -> Any:
        xhat, r = by_hand.norm_parts(x, eps)
        rows = tuple(range(x.ndim - 1))
        return by_hand.norm_dx(dy * gamma, xhat, r), (dy * xhat).sum(rows), dy.sum(rows)

    assert_gradient(f, ops.layer_norm.batched("N", "T"), layout=layout)


def test_a_layout_reaches_the_function() -> None:
    def f(dy: Any, x: Any) -> Any:
        seen.append(x.shape)
        return dy * (x > 0)

    seen: list[tuple[int, ...]] = []
    op = ops.relu.batched("N", "T")
    sizes = {"N": 2, "T": 3, "n": 5}
    assert_gradient(f, op, sizes=sizes, layout={"x": "n (N T)", "y": "n (N T)"})
    assert set(seen) == {(5, 6)}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_precisions(dtype: str) -> None:
    def f(dy: Any, x: Any, gamma: Any, eps: Any) -> Any:
        seen.append(str(x.dtype))
        return by_hand.layer_norm(dy, x, gamma, eps)

    seen: list[str] = []
    assert_gradient(f, LAYER_NORM, dtype=dtype)
    assert set(seen) == {dtype}


def test_a_function_that_computes_in_less_is_judged_by_what_it_returns() -> None:
    def f(dy: Any, x: Any, gamma: Any, eps: Any) -> Any:
        found = by_hand.layer_norm(*(np.float32(a) for a in (dy, x, gamma)), np.float32(eps))
        return tuple(a.astype(np.float32) for a in found)

    verdict = check_gradient(f, LAYER_NORM)
    assert verdict.ok
    assert "it computes in float32, though given float64" in verdict.inferred


# --------------------------------------------------------------------------
# How it is called
# --------------------------------------------------------------------------


def test_a_function_that_writes_into_its_inputs_cannot_fool_the_check() -> None:
    def f(dy: Any, x: Any) -> Any:
        dy *= x > 0
        return dy

    verdict = check_gradient(f, ops.relu.batched("N"))
    assert (verdict.kind, verdict.notes) == ("correct", ("it writes into its input dy",))


def test_the_same_seed_gives_the_same_verdict() -> None:
    def f(dy: Any, x: Any) -> Any:
        return dy * np.tanh(x)

    one, other = (check_gradient(f, ops.tanh.batched("N"), seed=3) for _ in range(2))
    assert one == other
    assert one.max_error != check_gradient(f, ops.tanh.batched("N"), seed=4).max_error


def test_sizes() -> None:
    def f(dy: Any, x: Any) -> Any:
        seen.append(x.shape)
        return dy * (x > 0)

    seen: list[tuple[int, ...]] = []
    assert_gradient(f, ops.relu.batched("N"), sizes={"n": 7})
    assert {shape[1] for shape in seen} == {7}
    assert len({shape[0] for shape in seen}) > 1


def test_a_whole_layer_takes_few_calls() -> None:
    def f(dy: Any, x: Any, gamma: Any, eps: Any) -> Any:
        seen.append(x.size)
        xhat, r = by_hand.norm_parts(x, eps)
        return by_hand.norm_dx(dy * gamma, xhat, r)

    seen: list[int] = []
    op = ops.layer_norm.batched("N", "T")
    assert_gradient(f, op, sizes={"N": 2, "T": 128, "d": 768})
    assert [size for size in seen if size > 10_000] == [2 * 128 * 768]


def test_assert_gradient_says_what_is_wrong() -> None:
    with pytest.raises(AssertionError, match="off by the factor 1/N"):
        assert_gradient(averaged, ops.cross_entropy_index.batched("N"), returns="dz")
