"""A mixture of experts: the outputs of the chosen ones, weighted by their gates."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, matrix, sum_over
from ..op import Op
from .top_k_gate import top_k_gate

e, c = Dim("e", "experts"), Dim("c", "width of the stream")
(k,), (i,) = e.indices("k"), c.indices("i")
z, g = e.vector("z", note="logits of the router"), e.vector("g", note="gates")
y = c.vector("y", note="output")
mask = e.vector("mask", role="target", domain="binary", note="is the expert chosen?")
F = matrix("F", e, c, note="outputs of the experts")


def forward(z: np.ndarray, mask: np.ndarray, F: np.ndarray) -> Any:
    chosen = np.flatnonzero(mask)
    if not chosen.size:
        return np.zeros(F.shape[1])
    weights = np.exp(z[chosen] - z[chosen].max())
    return weights @ F[chosen] / weights.sum()


mixture_of_experts = Op(
    name="mixture_of_experts",
    title="Mixture of experts",
    inputs=(z, mask, F),
    equations=(
        Let(g[k], top_k_gate(z[k], mask[k], over=k), "gates"),
        Let(y[i], sum_over(g[k] * F[k, i], k), "output"),
    ),
    numpy=forward,
    about="A token's output is that of the experts that it was sent to, weighted by their gates.",
    source="Shazeer et al., 2017",
)
