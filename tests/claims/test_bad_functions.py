"""Functions that cannot be called or compared: one clear message each, with the remedy."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from handwritten import layer_norm

from symllm import check_gradient, ops
from symllm.claims.verdict import Verdict

RELU = ops.relu.batched("N")
LAYER_NORM = ops.layer_norm.batched("N")


def raises(dy: Any, x: Any) -> Any:
    return dy[0] + {}["no such key"]


def ends(dy: Any, x: Any) -> Any:
    raise SystemExit("bye")


def hangs(dy: Any, x: Any) -> Any:
    while True:
        time.sleep(0.01)


def not_a_number(dy: Any, x: Any) -> Any:
    found = dy * (x > 0)
    found[1, 2] = np.nan
    return found


def infinite(dy: Any, x: Any) -> Any:
    return dy / (x - x)


def random(dy: Any, x: Any) -> Any:
    return dy * (x > 0) + np.random.default_rng().normal(size=x.shape)


def nothing(dy: Any, x: Any) -> None:
    dy * (x > 0)


def text(dy: Any, x: Any) -> Any:
    return "gradient"


def too_many(dy: Any, x: Any) -> Any:
    return dy, x, dy + x


def transposed(dy: Any, x: Any) -> Any:
    return (dy * (x > 0)).T


def summed(dy: Any, x: Any) -> Any:
    return (dy * (x > 0)).sum(0)


def flat(dy: Any, x: Any) -> Any:
    return (dy * (x > 0)).ravel()


def kept(dy: Any, x: Any) -> Any:
    return (dy * (x > 0))[:, None]


def complex_numbers(dy: Any, x: Any) -> Any:
    return dy * (x > 0) * 1j


def unknown_parameter(dy: Any, x: Any, flavour: Any) -> Any:
    return dy


def cached(dy: Any, cache: Any) -> Any:
    return dy


def wrong_keys(dy: Any, x: Any) -> Any:
    return {"result": dy}


def ragged(dy: Any, x: Any) -> Any:
    return [[1.0], [1.0, 2.0]]


#: Function, kind of verdict, and what its explanation says.
BAD: dict[Callable[..., Any], tuple[str, str]] = {
    raises: ("error", "raises raised KeyError: 'no such key' (test_bad_functions.py, line 21: "),
    ends: ("error", "ends raised SystemExit: bye (test_bad_functions.py, line 25: "),
    not_a_number: ("error", "dx holds NaN, first at [1, 2]; 1 of its 8 entries is not finite"),
    infinite: ("error", "dx holds infinity, first at [0, 0]; 8 of its 8 entries are not finite"),
    random: ("error", "random gives another dx when it is called again with the same arguments"),
    nothing: ("error", "None was returned for dx"),
    ragged: ("shape", "it came back as a list that is no array"),
    text: ("error", "dx came back as an array of <U8, not as an array of numbers"),
    complex_numbers: ("error", "dx came back as an array of complex128"),
    too_many: ("shape", "too_many returned 3 results, and it is not clear which gradients they"),
    transposed: ("shape", "dx has shape (4, 2), but (N, n) = (2, 4) was expected: it is the tran"),
    summed: ("shape", "it was summed over the batch (N), but each row has its own"),
    flat: ("shape", "the number of entries is right, so that a reshape is missing"),
    kept: ("shape", "it differs by axes of length 1"),
    unknown_parameter: ("error", "what unknown_parameter takes as 'flavour' is not known for relu"),
    cached: ("error", "takes what a forward function leaves: name it with forward="),
    wrong_keys: ("error", "a dict with the keys 'result'; none is a gradient's name"),
}


@pytest.mark.parametrize("fn", BAD)
def test_bad_functions(fn: Callable[..., Any]) -> None:
    kind, says = BAD[fn]
    verdict = check_gradient(fn, RELU)
    assert (verdict.kind, verdict.ok) == (kind, False)
    assert says in verdict.explanation
    assert "\n" not in verdict.explanation


def said(**how: Any) -> Verdict:
    return check_gradient(layer_norm, LAYER_NORM, **how)


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ({"args": "dy, x, gama, eps"}, "args= names 'gama', which is nothing of layer_norm"),
        ({"args": {"z": "x"}}, "args= names the parameters z, but layer_norm has dy, x, gamma"),
        ({"args": "dy, x"}, "layer_norm raised TypeError: "),
        ({"returns": "dx, dgamma"}, "returned 3 results, but returns= names 2: dx, dgamma"),
        ({"returns": "dx, dgamma, dq"}, "returns= names 'dq', which is no gradient of layer_norm"),
        ({"sizes": {"D": 4}}, "there is no dimension of layer_norm 'D'. Known: N, d"),
        ({"sizes": {"d": 0}}, "dimension d of layer_norm must be at least 1, not 0"),
        ({"dtype": "float8"}, "dtype='float8' is none of float64, float32, float16, bfloat16"),
        ({"upstream": "average"}, "upstream='average' is none of given, mean, sum"),
        ({"library": "cupy"}, "library='cupy' is none of numpy, torch, jax"),
        ({"device": "cuda"}, "device='cuda' is for tensors of PyTorch, not for numpy"),
        ({"device": "abacus", "library": "torch"}, "device='abacus' cannot be used: "),
        ({"layout": {"Q": "m n"}}, "layout= names 'Q'"),
        ({"layout": {"x": "N T d"}}, "the layout 'N T d' does not name each dimension of x once"),
        ({"layout": {"x": "N N"}}, "does not name each dimension of x once: they are N d"),
        ({"constants": {"tau": 1.0}}, "constants= names 'tau', which is neither a constant of"),
        ({"constants": {"eps": "small"}}, "constants={'eps': ...} is a number, not 'small'"),
    ],
)
def test_what_is_said_wrongly(how: dict[str, Any], says: str) -> None:
    verdict = said(**how)
    assert verdict.kind in ("error", "shape")
    assert says in verdict.explanation


def test_what_is_no_op_and_no_function() -> None:
    assert "there is no op 'relo'. Did you mean 'relu'?" in check_gradient(text, "relo").explanation
    assert check_gradient(3, RELU).explanation == "3 cannot be called"
    assert "op is an op such as" in check_gradient(text, 3).explanation  # type: ignore[arg-type]


def test_a_function_that_hangs_is_stopped() -> None:
    start = time.perf_counter()
    verdict = check_gradient(hangs, RELU, timeout=0.3)
    assert time.perf_counter() - start < 5
    assert verdict.kind == "error"
    assert verdict.explanation == ("hangs ran out of time: it was stopped after 0.3 s (timeout=)")


def test_a_function_of_jax_is_stopped_after_jax_has_run() -> None:
    jnp = pytest.importorskip("jax.numpy")
    jnp.ones(3).block_until_ready()

    def endless(dy: Any, x: Any) -> Any:
        while True:
            jnp.maximum(x, 0)

    verdict = check_gradient(endless, RELU, timeout=0.5)
    assert verdict.explanation.endswith("it was stopped after 0.5 s (timeout=)")

    def right(dy: Any, x: Any) -> Any:
        return dy * (jnp.maximum(x, 0) > 0)

    assert check_gradient(right, RELU, timeout=60).ok


def test_a_forward_function_is_taken_for_one() -> None:
    def tanh(x: Any) -> Any:
        return np.tanh(x)

    verdict = check_gradient(tanh, ops.tanh.batched("N"))
    assert not verdict.ok
    assert "dx is the output y: pass the function that returns gradients" in verdict.notes


def test_a_child_process_tells_what_its_function_did() -> None:
    assert said(timeout=30) == said()
    verdict = check_gradient(raises, RELU, timeout=30)
    assert verdict == check_gradient(raises, RELU)
    died = check_gradient(leaves, RELU, timeout=30)
    assert died.explanation == "leaves ended its process with exit code 3"


def leaves(dy: Any, x: Any) -> Any:
    import os

    os._exit(3)
