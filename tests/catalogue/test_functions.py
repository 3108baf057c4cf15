"""The catalogue as functions: those by hand and PyTorch's own give the same."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from groups import BLOCKS, ONE_SCALAR, SMALL, batched
from natives import natives

from symllm import ops

SCALARS = {"eps": 1e-5, "w": 3.0, "t": 3.0}


def shape_of(tensor: Any, size: dict[str, int]) -> tuple[int, ...]:
    return tuple(math.prod(size[d.name] for d in axis) for axis in tensor.axes)


def arrays(
    op: Any, seed: int = 0, sizes: tuple[int, ...] = (5, 3, 4, 6, 2, 3, 2, 3)
) -> dict[str, Any]:
    """Random inputs, and upstream gradients, of one op."""
    rng = np.random.default_rng(seed)
    symbolic = [d for d in op.program.dims if d.size is None]
    size = {d.name: k for d, k in zip(symbolic, sizes, strict=False)}
    size |= {d.name: d.size for d in op.program.dims if d.size is not None}
    given: dict[str, Any] = {}
    for t in op.inputs.values():
        shape = shape_of(t, size)
        if t.integer:
            given[t.name] = rng.integers(0, size[t.domain.name], shape)
        elif t.domain == "distribution":
            weights = rng.random(shape)
            given[t.name] = weights / weights.sum(-1, keepdims=True)
        elif t.domain in ("positive", "unit"):
            given[t.name] = SCALARS.get(t.name, 0.1 + 0.8 * rng.random(shape))
        elif t.domain == "binary":
            given[t.name] = np.where(np.arange(shape[-1]) == 1, 1, rng.integers(0, 2, shape))
        else:
            given[t.name] = rng.normal(size=shape)
    for t in op.outputs.values():
        given[f"d{t.name}"] = rng.normal(size=shape_of(t, size))
    return given


def by_name(op: Any, result: Any) -> dict[str, Any]:
    """The outputs of a function by name: it returned one array, a tuple or a dict."""
    if isinstance(result, dict):
        return result
    return dict(zip(op.outputs, result if len(op.outputs) > 1 else (result,), strict=True))


@pytest.mark.parametrize("axes", [(), ("H", "T")], ids=["one", "batch"])
@pytest.mark.parametrize("name", SMALL)
def test_the_generated_forward_is_the_handwritten_one(name: str, axes: tuple[str, ...]) -> None:
    op = batched(name, axes)
    given = {n: v for n, v in arrays(op).items() if n in op.inputs}
    found = by_name(op, op.lambdify()(**given))
    rows = [n for n, t in op.inputs.items() if t.role in ("data", "target")]
    for at in np.ndindex(next(iter(found.values())).shape[: len(axes)]):
        one = {n: v[at] if n in rows and axes else v for n, v in given.items()}
        expected = by_name(op, ops[name].numpy(*one.values()))
        for output, value in expected.items():
            np.testing.assert_allclose(found[output][at], value, rtol=1e-11, atol=1e-13)


#: Ops that PyTorch does not provide.
NOT_NATIVE = {"rope", "rope_halves", "projection", "mlp", "multi_head_attention", *BLOCKS} | {
    "grouped_query_attention"
}


@pytest.mark.parametrize("name", [name for name in ops if name not in NOT_NATIVE])
def test_gradients_are_those_of_pytorchs_own_ops(name: str) -> None:
    torch = pytest.importorskip("torch")
    function = natives(torch, torch.nn.functional)[name]
    op = ops[name].batched("H", "T")
    given = arrays(op, sizes=(3, 2, 5, 4, 6, 7))
    upstream = {n: given.pop(n) for n in [f"d{o}" for o in op.outputs]}
    wrt = [n for n, t in op.inputs.items() if t.differentiable]
    tensors = {n: v if isinstance(v, float) else torch.as_tensor(v) for n, v in given.items()}
    for n in wrt:
        tensors[n].requires_grad_()
    outputs = by_name(op, function(*tensors.values()))
    weights = {n: torch.as_tensor(upstream[f"d{n}"]) for n in outputs}
    if name in ONE_SCALAR:
        weights = {n: torch.ones_like(weight) for n, weight in weights.items()}
    torch.autograd.backward(list(outputs.values()), [weights[n] for n in outputs])

    forward = by_name(op, op.lambdify()(**given))
    for n, output in outputs.items():
        np.testing.assert_allclose(forward[n], output.detach(), rtol=1e-10, atol=1e-12)
    found = op.gradient().lambdify()(**given, **upstream)
    found = found if isinstance(found, dict) else {f"d{wrt[0]}": found}
    for n in wrt:
        expected = tensors[n].grad.numpy()
        scale = np.abs(expected).max()
        np.testing.assert_allclose(found[f"d{n}"], expected, rtol=0, atol=1e-10 * scale)
