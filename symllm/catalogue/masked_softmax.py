"""Masked softmax: a distribution over those entries that a mask allows."""

from typing import Any

import numpy as np
from sympy import exp

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

n = Dim("n", "positions")
i, j = n.indices("i j")
x, E = n.vector("x", note="scores"), n.vector("E", note="exponentials")
p, Z = n.vector("p", note="probabilities"), scalar("Z", note="partition function")
mask = n.vector("mask", role="target", domain="binary", note="is it seen?")


def forward(x: np.ndarray, mask: np.ndarray) -> Any:
    allowed = mask.astype(bool)
    if not allowed.any():
        return np.zeros_like(x)
    weights = np.where(allowed, np.exp(np.where(allowed, x - x[allowed].max(), 0)), 0)
    return weights / weights.sum()


masked_softmax = Op(
    name="masked_softmax",
    title="Masked softmax",
    inputs=(x, mask),
    equations=(
        Let(E[i], mask[i] * exp(x[i]), "weights, zero where the mask is"),
        Let(Z, sum_over(E[j], j), "their sum"),
        Let(p[i], E[i] / Z, "probabilities; all zero where the mask allows nothing"),
    ),
    numpy=forward,
    about=(
        "A mask of zeros and ones decides which entries take part. "
        "Where it allows none, the output is zero."
    ),
)
