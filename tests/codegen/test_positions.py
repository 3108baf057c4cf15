"""Indices as numbers: positions in sums, windows of positions, and arrays of integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp

from symllm import Dim, Iverson, Let, Op, matrix, mean, ops, scalar, sum_over
from symllm.catalogue.alibi import forward as alibi_forward
from symllm.evaluate import sample
from symllm.notation import Tensor
from symllm.oracle import autograd, called, inputs_of, to_array

n, m = Dim("n"), Dim("m")
i, j = n.indices("i j")
(k,) = m.indices("k")
x, y = n.vector("x"), n.vector("y")
W, B, S = matrix("W", n, m), matrix("B", n, n), matrix("S", n, n)
slope, L = scalar("slope", role="parameter"), scalar("L")

CASES: dict[str, tuple[Tensor, ...] | Any] = {
    "a sum of positions": ((x,), Let(L, sum_over(i * x[i], i))),
    "a mean of positions": ((x,), Let(L, mean(i * x[i] ** 2, i))),
    "distances": ((x,), Let(y[i], x[i] + sum_over((i - j) * x[j], j))),
    "squares of distances": ((x,), Let(y[i], sum_over((i - j) ** 2 * x[i] * x[j], j))),
    "half positions": ((x,), Let(y[i], x[i] * (i + sp.Rational(1, 2)))),
    "a window": ((x,), Let(y[i], sum_over(Iverson(j <= i) * Iverson(i - j < 3) * x[j], j))),
    "two axes": ((W,), Let(y[i], sum_over((i - k) * W[i, k] ** 2, k))),
    "ratios": ((W,), Let(y[i], sum_over((i + 1) / (k + 1) * W[i, k] ** 2, k))),
    "how many": ((x,), Let(y[i], x[i] * sum_over(Iverson(j <= i), j))),
    "how far in all": ((x,), Let(y[i], x[i] * sum_over((i - j) * Iverson(j <= i), j))),
    "roots": ((x,), Let(S[i, j], x[i] * x[j] * sp.sqrt(i + j + 1))),
    "a table of distances": (
        (x, slope),
        Let(B[i, j], j - i),
        Let(S[i, j], x[i] * sp.exp(slope * B[i, j])),
    ),
    "an exponential of distances": (
        (x, slope),
        Let(B[i, j], sp.exp(j - i)),
        Let(S[i, j], x[i] * slope + B[i, j]),
    ),
    "a triangle of distances": (
        (x, slope),
        Let(B[i, j], Iverson(j <= i) * (j - i)),
        Let(S[i, j], x[i] * slope * B[i, j]),
    ),
    "a table of brackets": (
        (x, slope),
        Let(B[i, j], Iverson(j <= i)),
        Let(S[i, j], x[i] * slope * B[i, j] - B[i, j]),
    ),
}


def made(name: str) -> Op:
    inputs, *equations = CASES[name]
    declared = (B,) if equations[0].name == "B" else ()
    return Op("made_up", "Made up", inputs, equations, lambda x: x, declared=declared)


@pytest.mark.parametrize("axes", [(), ("N",), ("B0", "H")], ids="-".join)
@pytest.mark.parametrize("name", CASES)
def test_forward_and_backward_agree_with_the_slow_evaluator(
    name: str, axes: tuple[str, ...]
) -> None:
    torch = pytest.importorskip("torch")
    op = made(name).batched(*axes) if axes else made(name)
    point = sample(op.program, 3)
    (output,) = op.outputs
    expected = to_array(point, point.values[output], output)
    np.testing.assert_allclose(op.lambdify()(**inputs_of(point)), expected, rtol=1e-12)
    wrt = list(op.inputs)
    found = called(op.gradient().lambdify(), point, wrt)
    for result, value in autograd(point, wrt, torch).items():
        np.testing.assert_allclose(found[result], value, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("role", ["parameter", "data"])
@pytest.mark.parametrize("axes", [(), ("N",), ("B", "H")], ids="-".join)
def test_a_slope_that_is_learned(role: Any, axes: tuple[str, ...]) -> None:
    learned = scalar("slope", role=role, domain="positive")
    inputs = (*(t for t in ops.alibi.inputs.values() if t.name != "slope"), learned)
    op = Op("learned", "Learned", inputs, ops.alibi.equations, alibi_forward)
    op = op.batched(*axes) if axes else op
    assert op.gradient().verify(autograd=False).ok
    code = op.gradient("slope").code()
    assert "einsum" not in code
    assert "@ np.arange(n)" in code


def test_masks_and_distances_are_made_once_and_of_integers() -> None:
    window = ops.sliding_window.batched("N").gradient().code()
    assert "where=~np.tri(n, dtype=bool) | (np.arange(n)[:, None] - np.arange(n) >= w)" in window
    biased = ops.alibi.gradient().code()
    assert "slope * (np.arange(n) - np.arange(n)[:, None]).astype(dO.dtype)" in biased
    balance = ops.load_balancing.batched("B", "T").code()
    assert "(np.arange(e)[:, None] == a[:, :, None]).astype(z.dtype).mean(-1)" in balance
