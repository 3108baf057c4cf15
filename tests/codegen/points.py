"""Where generated code is tried: sizes that all differ, random inputs, the oracle row by row."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from symllm.catalogue import ops
from symllm.derivation import Derivation
from symllm.notation import BATCHED, Dim, Tensor
from symllm.op import Op
from symllm.program import Program

AXES = ((), ("N", "T"))
SIZES = {
    "n": 3, "m": 4, "d": 5, "e": 6, "v": 7, "r": 2, "G": 5, "c": 4, "h": 2, "f": 3, "g": 2, "u": 3,
    "2": 2, "N": 2, "B": 2, "T": 3, "H": 2, "c_in": 4, "c_out": 5, "w": 3,
}  # fmt: skip
#: A window of two positions and more.
VALUES = {"w": 2.5}


def draw(tensor: Tensor, rng: np.random.Generator) -> Any:
    shape = tuple(prod(SIZES[dim.name] for dim in axis) for axis in tensor.axes)
    if not shape and tensor.name in VALUES:
        return VALUES[tensor.name]
    if isinstance(tensor.domain, Dim):
        return rng.integers(0, SIZES[tensor.domain.name], shape)
    if tensor.domain == "binary":
        values = rng.integers(0, 2, shape).astype(float)
        values[..., :1] = 1  # a mask lets something through
        return values
    if tensor.domain in ("positive", "unit"):
        return 0.1 + rng.random(shape) * (1.0 if tensor.domain == "positive" else 0.8)
    values = rng.normal(size=shape)
    if tensor.domain == "distribution":
        return np.exp(values) / np.exp(values).sum(-1, keepdims=True)
    return values


def point(program: Program, seed: int = 0) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {t.name: draw(t, rng) for t in program.inputs}


def by_rows(op: Op, given: dict[str, Any]) -> dict[str, Any]:
    """The outputs of the oracle of one example, for each row of the batch."""
    inputs = op.program.inputs
    sizes = tuple(SIZES[dim.name] for dim in op.program.batch)
    rows = [
        op.numpy(*(given[t.name][at] if t.role in BATCHED else given[t.name] for t in inputs))
        for at in np.ndindex(sizes)
    ]
    rows = [row if len(op.outputs) > 1 else (row,) for row in rows]
    return {
        name: np.array(column).reshape(sizes + np.shape(column[0]))
        for name, column in zip(op.outputs, zip(*rows, strict=True), strict=True)
    }


def upstream(op: Op, seed: int = 1) -> dict[str, Any]:
    """A gradient for each output."""
    rng = np.random.default_rng(seed)
    return {f"d{name}": draw(t.adjoint(), rng) for name, t in op.outputs.items()}


#: Whole blocks have axes of these names already.
BLOCKS = ("gpt2_block", "llama_block", "moe_block")
NAMES = [name for name in ops if name not in BLOCKS]
#: What takes long is tried on these.
CORE = (
    "softmax", "log_softmax", "logsumexp", "masked_softmax", "cross_entropy",
    "cross_entropy_index", "layer_norm", "rms_norm", "linear", "embedding", "gelu", "gelu_tanh",
    "silu", "swiglu", "rope", "attention", "causal_attention", "adam",
)  # fmt: skip
#: What is tried in each library: the blocks, too, which need no batch for it.
POINTS = [(name, axes) for name in NAMES for axes in AXES] + [(name, ()) for name in BLOCKS]
SHAPES = ["-".join(("x".join(axes) or "one", name)) for name, axes in POINTS]


@cache
def batched(name: str, axes: tuple[str, ...]) -> Op:
    return ops[name].batched(*axes) if axes else ops[name]


@cache
def derived(op: Op, *wrt: str, upstream: str = "") -> Derivation:
    return op.gradient(*wrt, upstream=upstream)


def expected_gradients(op: Op, *wrt: str) -> dict[str, Any]:
    """The gradients by NumPy, for upstream gradients of all outputs."""
    first = next(iter(op.outputs))
    found = derived(op, *wrt, upstream=f"d{first}").lambdify()
    gradients = found(**point(op.program), **upstream(op))
    return gradients if isinstance(gradients, dict) else {f"d{wrt[0]}": gradients}


def many(found: Any) -> tuple[Any, ...]:
    """What a function returns, as a tuple also where it is one array."""
    return tuple(found) if isinstance(found, tuple | list) else (found,)


def namespace(source: str) -> dict[str, Any]:
    """What a generated module defines."""
    found: dict[str, Any] = {}
    exec(compile(source, "<generated>", "exec"), found)
    return found
