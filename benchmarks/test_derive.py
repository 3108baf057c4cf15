"""Deriving with steps and textbook form, against tensorgrad; and how long every op takes.

``python benchmarks/ratios.py`` prints the table that the README quotes.
"""

from __future__ import annotations

import time
from typing import Any

import pytest
import ratios

from symllm import ops

#: Seconds that the gradient of any op may take, steps included.
LIMIT = 0.1


@pytest.mark.parametrize("library", ratios.DERIVATIONS)
@pytest.mark.parametrize("name", ratios.OPS)
def test_warm(benchmark: Any, name: str, library: str) -> None:
    if library == "tensorgrad":
        pytest.importorskip("tensorgrad")
    benchmark.group = f"derive {name}, warm"
    wrt, _ = ratios.OPS[name]
    benchmark.pedantic(
        ratios.DERIVATIONS[library],
        args=(name, wrt),
        setup=ratios.forget,
        rounds=ratios.ROUNDS,
        warmup_rounds=1,
    )


@pytest.mark.parametrize("name", ratios.OPS)
def test_as_many_times_faster_as_required(name: str) -> None:
    pytest.importorskip("tensorgrad")
    for kind, (_, _, times) in ratios.compared(name).items():
        assert times >= ratios.OPS[name][1], kind


@pytest.mark.parametrize("name", ops)
def test_every_op_is_derived_in_a_moment(benchmark: Any, name: str) -> None:
    benchmark.group = "derive every op"
    wrt = tuple(n for n, t in ops[name].inputs.items() if t.differentiable)
    times = []

    def derive() -> None:
        start = time.perf_counter()
        ratios.symllm_derivation(name, wrt)
        times.append(time.perf_counter() - start)

    benchmark.pedantic(derive, setup=ratios.forget, rounds=5, warmup_rounds=1)
    assert min(times) < LIMIT
