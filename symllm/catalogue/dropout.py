"""Dropout: entries left out at random, the others scaled up to make good for them."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, scalar
from ..op import Op

n = Dim("n", "entries")
(i,) = n.indices("i")
x, y = n.vector("x", note="input"), n.vector("y", note="output")
mask = n.vector("mask", role="target", domain="binary", note="is it kept?")
rate = scalar("rate", role="constant", domain="positive", note="share that is dropped")


def forward(x: np.ndarray, mask: np.ndarray, rate: float) -> Any:
    return np.where(mask == 1, x / (1 - rate), 0)


dropout = Op(
    name="dropout",
    title="Dropout",
    inputs=(x, mask, rate),
    equations=(Let(y[i], mask[i] * x[i] / (1 - rate), "what is kept, scaled up"),),
    numpy=forward,
    about=(
        "Dropout zeroes each entry with probability rate and scales up what a mask of zeros and "
        "ones keeps, so that the mean stays."
    ),
    source="Srivastava et al., 2014",
)
