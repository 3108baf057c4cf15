"""A right gradient in any precision is accepted; a mistake above rounding is not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from symllm import UnknownName, ops
from symllm.claims.diagnose import judged
from symllm.claims.points import Point, points
from symllm.claims.precision import roundoff, tolerance
from symllm.claims.question import Question, question

NAMES = [name for name in ops if "block" not in name]
TORCH = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}
SEEDS = (0, 1)


def asked(name: str) -> Question:
    op = ops[name].batched("N")
    return question(op, False)


def in_torch(it: Question, dtype: str) -> Any:
    """The gradient by the op's own equations and autograd, in the precision that is tried."""
    namespace: dict[str, Any] = {}
    exec(it.derivation.code("torch"), namespace)
    function = namespace[it.op.name]

    def answer(at: Point) -> dict[str, np.ndarray]:
        given = {}
        for tensor in it.op.program.inputs:
            array = torch.from_numpy(np.array(at.array(tensor.name)))
            given[tensor.name] = array if tensor.integer else array.to(TORCH[dtype])
        for name in it.wrt:
            given[name].requires_grad_()
        outputs = function(*given.values())
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        upstream = [
            torch.from_numpy(np.array(at.array(t.name))).to(o.dtype)
            for t, o in zip(it.given, outputs, strict=True)
        ]
        torch.autograd.backward(outputs, upstream)
        return {f"d{n}": given[n].grad.to(torch.float64).numpy() for n in it.wrt}

    return answer


@pytest.mark.parametrize("dtype", TORCH)
@pytest.mark.parametrize("name", NAMES)
def test_generated_code_in_every_precision_is_right(name: str, dtype: str) -> None:
    it = asked(name)
    names = [f"d{of}" for of in it.wrt]
    for seed in SEEDS:
        found = judged(it, in_torch(it, dtype), names, points(it, seed, None, dtype), dtype)
        for verdict in found.values():
            assert verdict.kind == "correct", f"seed {seed}: {verdict}"


@pytest.mark.parametrize("dtype", TORCH)
@pytest.mark.parametrize("name", ["softmax", "layer_norm", "gelu", "attention", "linear"])
def test_a_mistake_above_rounding_is_seen_in_every_precision(name: str, dtype: str) -> None:
    it = asked(name)
    right = in_torch(it, dtype)

    def half_too_large(at: Point) -> dict[str, np.ndarray]:
        return {name: 1.5 * array for name, array in right(at).items()}

    names = [f"d{of}" for of in it.wrt]
    for verdict in judged(it, half_too_large, names, points(it, 0, None, dtype), dtype).values():
        assert verdict.kind == "scaled", str(verdict)


def test_the_tolerance_follows_the_precision() -> None:
    at = points(asked("layer_norm"))[0]
    found = [tolerance(at, "dx", d) for d in ("float64", "float32", "float16", "bfloat16")]
    assert found == sorted(found)
    assert found[0] < 1e-12 * np.abs(at.truth("dx")).max()


def test_an_unknown_precision() -> None:
    with pytest.raises(UnknownName):
        roundoff("float8")
