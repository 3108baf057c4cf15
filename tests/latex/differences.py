"""Derivatives as plain central differences of NumPy functions: what judges the table of formulas.

Nothing here knows symllm but for the hand-written forward functions of its ops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from symllm import Op

#: Sizes that all differ.
SIZES = {"n": 3, "m": 4, "d": 5, "e": 2, "r": 6, "v": 7}
STEP = 1e-5


def data(op: Op, seed: int = 0) -> SimpleNamespace:
    """Random inputs for an op, and an upstream gradient ``g`` for its output."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {}
    for tensor in op.inputs.values():
        shape = tuple(SIZES[dim.name] for dim in tensor.dims)
        if tensor.integer:
            found[tensor.name] = rng.integers(SIZES[tensor.domain.name], size=shape)[()]
        elif tensor.domain == "distribution":
            weights = rng.uniform(0.2, 1.0, shape)
            found[tensor.name] = weights / weights.sum(-1, keepdims=True)
        elif tensor.domain == "binary":
            found[tensor.name] = (rng.uniform(size=shape) < 0.5) * 1.0
        elif tensor.domain in ("positive", "unit"):
            found[tensor.name] = rng.uniform(0.2, 0.9, shape)
        else:
            found[tensor.name] = rng.normal(size=shape)
        found[tensor.name] = np.asarray(found[tensor.name])[()]
    point = SimpleNamespace(**found, f=op.numpy, inputs=tuple(op.inputs))
    output = forward(point)
    point.g = rng.normal(size=np.shape(output)) if np.ndim(output) else 1.0
    point.out = output
    return point


def forward(point: SimpleNamespace, **changed: Any) -> Any:
    inputs = {name: getattr(point, name) for name in point.inputs}
    return np.asarray(point.f(**(inputs | changed)))


def slope(f: Callable[[np.ndarray], Any], x: Any) -> np.ndarray:
    """The derivatives of every entry of f(x) by every entry of x: axes of f, then of x."""
    x = np.asarray(x, float)
    columns = []
    for at in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[at] = STEP
        columns.append((np.asarray(f(x + step)) - np.asarray(f(x - step))) / (2 * STEP))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(stacked.shape[:-1] + x.shape)


def gradient(point: SimpleNamespace, name: str) -> np.ndarray:
    """The gradient of the output, weighted by ``g``, by one input."""
    return slope(lambda x: (point.g * forward(point, **{name: x})).sum(), getattr(point, name))


def jacobian(point: SimpleNamespace, name: str) -> np.ndarray:
    return slope(lambda x: forward(point, **{name: x}), getattr(point, name))


def hessian(point: SimpleNamespace, name: str) -> np.ndarray:
    def first(x: np.ndarray) -> np.ndarray:
        return slope(lambda y: forward(point, **{name: y}), x)

    return slope(first, getattr(point, name))


Numbers = Mapping[str, Any]


# What formulas speak of, once more by hand.


def softmax(x: np.ndarray) -> np.ndarray:
    weights = np.exp(x - x.max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def sigma(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))
