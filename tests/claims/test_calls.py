"""How a function is called: layouts, precisions, copies, sizes."""

from __future__ import annotations

from typing import Any

import handwritten as by_hand
import numpy as np
import pytest

from symllm import assert_gradient, check_gradient, ops

LAYER_NORM = ops.layer_norm.batched("N")


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


def averaged(logits: Any, targets: Any) -> Any:
    return by_hand.cross_entropy(logits, targets) / len(logits)
