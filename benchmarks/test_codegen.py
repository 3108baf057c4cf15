"""Generated NumPy against what a careful person writes: time and peak memory.

``python benchmarks/test_codegen.py`` prints the ratios; pytest-benchmark
compares the two in groups.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from symllm.codegen import compile_function, numpy_source

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "codegen"))
import programs
from by_hand import attention, cross_entropy, layer_norm, linear, peak

#: name: the program, the hand-written function, the arguments' shapes (an integer: up to).
CASES: dict[str, tuple[Any, Callable[..., Any], dict[str, Any]]] = {
    "layer_norm": (
        programs.layer_norm_backward("B", "T"),
        layer_norm,
        {"dy": (8, 256, 768), "x": (8, 256, 768), "gamma": (768,), "eps": 1e-5},
    ),
    "attention": (
        programs.attention_backward("attention", "B", "H"),
        attention,
        dict.fromkeys(("dO", "Q", "K", "V"), (8, 12, 256, 64)),
    ),
    "attention_one_head": (
        programs.attention_backward("attention", "B", "H"),
        attention,
        dict.fromkeys(("dO", "Q", "K", "V"), (8, 1, 256, 96)),
    ),
    "linear": (
        programs.linear_backward("B", "T"),
        linear,
        {"dy": (8, 256, 768), "x": (8, 256, 768), "W": (768, 768)},
    ),
    "cross_entropy": (
        programs.cross_entropy_index_backward("B", "T"),
        cross_entropy,
        {"z": (8, 256, 5000), "t": 5000},
    ),
}


def arguments(shapes: dict[str, Any], dtype: type) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {}
    for name, shape in shapes.items():
        if isinstance(shape, tuple):
            given[name] = rng.normal(size=shape).astype(dtype)
        else:
            given[name] = rng.integers(0, shape, (8, 256)) if isinstance(shape, int) else shape
    return given


def pair(case: str, dtype: type) -> tuple[Callable[[], Any], Callable[[], Any]]:
    program, by_hand, shapes = CASES[case]
    generated = compile_function(numpy_source(program, case), case, program.inputs)
    given = arguments(shapes, dtype)
    return lambda: generated(**given), lambda: by_hand(**given)


def fastest(functions: tuple[Callable[[], Any], ...], rounds: int = 15) -> list[float]:
    """The fastest time of each, measured in turns so that noise falls on all of them."""
    best = [math.inf] * len(functions)
    for _ in range(rounds):
        for k, function in enumerate(functions):
            start = time.perf_counter()
            function()
            best[k] = min(best[k], time.perf_counter() - start)
    return best


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("who", ["generated", "by_hand"])
def test_speed(benchmark: Any, case: str, dtype: type, who: str) -> None:
    benchmark.group = f"{case} {dtype.__name__}"
    benchmark(pair(case, dtype)[who == "by_hand"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_memory_is_no_higher(case: str, dtype: type) -> None:
    """But for a few kilobytes: checks of the arguments, and positions as arrays."""
    generated, by_hand = pair(case, dtype)
    assert peak(generated) <= peak(by_hand) * 1.001


def main() -> None:
    print(f"{'case':20} {'dtype':8} {'generated':>10} {'by hand':>10} {'time':>6} {'memory':>7}")
    for case in CASES:
        for dtype in (np.float32, np.float64):
            both = pair(case, dtype)
            ours, theirs = fastest(both)
            memory = peak(both[0]) / peak(both[1])
            print(
                f"{case:20} {dtype.__name__:8} {ours * 1e3:8.2f}ms {theirs * 1e3:8.2f}ms "
                f"{ours / theirs:6.2f} {memory:7.3f}"
            )


if __name__ == "__main__":
    main()
