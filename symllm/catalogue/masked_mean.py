"""The mean over what a mask lets through."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

n = Dim("n", "entries")
i = n.index("i")
x = n.vector("x", note="numbers to be averaged")
mask = n.vector("mask", role="target", domain="binary", note="does it count?")
y, n_mask = n.vector("y", note="what counts"), scalar("n_mask", note="how many count")
L = scalar("L", note="loss")


def forward(x: np.ndarray, mask: np.ndarray) -> Any:
    return x[mask != 0].mean()


masked_mean = Op(
    name="masked_mean",
    title="Masked mean",
    inputs=(x, mask),
    equations=(
        Let(n_mask, sum_over(mask[i], i), "how many count"),
        Let(y[i], mask[i] * x[i], "what counts"),
        Let(L, sum_over(y[i], i) / n_mask, "mean of those"),
    ),
    numpy=forward,
    about="The losses of the positions that count are averaged; padding does not count.",
)
