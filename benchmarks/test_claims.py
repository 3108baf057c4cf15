"""Checking a gradient against the function's own run, and against PyTorch's ``gradcheck``.

``python benchmarks/test_claims.py`` prints both: at the sizes of a real layer, where differences
of every input would take hours, and at a small size, where ``gradcheck`` can be run as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

from symllm import check_gradient, ops

LAYER_NORM = ops.layer_norm.batched("N", "T")
SIZES = {"N": 8, "T": 512, "d": 768}
SMALL = {"N": 2, "T": 8, "d": 64}


def layer_norm(dy: Any, x: Any, gamma: Any, eps: float) -> Any:
    def mean(a: Any) -> Any:
        return a.mean(-1, keepdims=True)

    c = x - mean(x)
    r = 1 / np.sqrt(mean(c * c) + eps)
    xhat, g = c * r, dy * gamma
    dx = r * (g - mean(g) - xhat * mean(g * xhat))
    return dx, (dy * xhat).sum((0, 1)), dy.sum((0, 1))


@cache
def arguments() -> tuple[Any, ...]:
    rng = np.random.default_rng(0)
    shape = tuple(SIZES.values())
    return rng.normal(size=shape), rng.normal(size=shape), rng.normal(size=shape[-1]), 1e-5


def check(sizes: dict[str, int]) -> None:
    assert check_gradient(layer_norm, LAYER_NORM, sizes=sizes).ok


def gradcheck() -> None:
    torch = pytest.importorskip("torch")

    class Function(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, gamma: Any, beta: Any) -> Any:
            ctx.save_for_backward(x, gamma)
            return torch.nn.functional.layer_norm(x, x.shape[-1:], gamma, beta, 1e-5)

        @staticmethod
        def backward(ctx: Any, dy: Any) -> Any:
            x, gamma = (a.detach().numpy() for a in ctx.saved_tensors)
            return tuple(map(torch.from_numpy, layer_norm(dy.numpy(), x, gamma, 1e-5)))

    shape = tuple(SMALL.values())
    given = [torch.randn(s, dtype=torch.float64) for s in (shape, shape[-1:], shape[-1:])]
    assert torch.autograd.gradcheck(Function.apply, [a.requires_grad_() for a in given])


CONTENDERS: dict[str, Callable[[], object]] = {
    "the function, at (8, 512, 768)": lambda: layer_norm(*arguments()),
    "check_gradient, at (8, 512, 768)": lambda: check(SIZES),
    "check_gradient, at (2, 8, 64)": lambda: check(SMALL),
    "gradcheck, at (2, 8, 64)": gradcheck,
}


@pytest.mark.parametrize("name", CONTENDERS)
def test_check(name: str, benchmark: Any) -> None:
    benchmark(CONTENDERS[name])


def fastest(run: Callable[[], object], rounds: int = 5) -> float:
    run()
    found = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        found.append(time.perf_counter() - start)
    return min(found)


if __name__ == "__main__":
    for name, run in CONTENDERS.items():
        print(f"{name:34} {1e3 * fastest(run):8.1f} ms")
