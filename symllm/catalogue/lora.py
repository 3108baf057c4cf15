"""LoRA: a frozen matrix and a learned correction of low rank (Hu et al., 2022)."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, matrix, scalar, sum_over
from ..op import Op

m, n, r = Dim("m", "entries of the input"), Dim("n", "entries of the output"), Dim("r", "rank")
(i,), (j,), (k,) = n.indices("i"), m.indices("j"), r.indices("k")
x, y = m.vector("x", note="input"), n.vector("y", note="output")
h = r.vector("h", note="hidden vector")
W = matrix("W", n, m, role="constant", note="weights")
A = matrix("A", r, m, role="parameter", note="factor of the correction that meets the input")
B = matrix("B", n, r, role="parameter", note="factor of the correction that makes the output")
alpha = scalar("alpha", role="constant", domain="positive", note="scale of the correction")


def forward(x: np.ndarray, W: np.ndarray, A: np.ndarray, B: np.ndarray, alpha: float) -> Any:
    return (W + alpha / len(A) * B @ A) @ x


lora = Op(
    name="lora",
    title="LoRA",
    inputs=(x, W, A, B, alpha),
    equations=(
        Let(h[k], sum_over(A[k, j] * x[j], j), "input, narrowed"),
        Let(
            y[i],
            sum_over(W[i, j] * x[j], j) + alpha / r * sum_over(B[i, k] * h[k], k),
            "frozen output and its correction",
        ),
    ),
    numpy=forward,
    about="LoRA leaves a trained matrix W as it is and learns a correction to it of low rank.",
    source="Hu et al., 2022",
)
