"""The mean over what a mask lets through."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

n = Dim("n", "entries")
i = n.index("i")
x = n.vector("x", note="numbers to be averaged")
m = n.vector("m", role="target", domain="binary", note="does it count?")
y, M, L = n.vector("y"), scalar("M"), scalar("L")


def forward(x: np.ndarray, m: np.ndarray) -> Any:
    return x[m != 0].mean()


masked_mean = Op(
    name="masked_mean",
    title="Masked mean",
    inputs=(x, m),
    equations=(
        Let(M, sum_over(m[i], i), "how many count"),
        Let(y[i], m[i] * x[i], "what counts"),
        Let(L, sum_over(y[i], i) / M, "mean of those"),
    ),
    numpy=forward,
    about="The losses of the positions that count are averaged; padding does not count.",
)
