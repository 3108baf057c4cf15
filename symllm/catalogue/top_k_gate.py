"""Top-k gating: weights for the chosen experts alone (Shazeer et al., 2017)."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim
from ..op import Op
from .masked_softmax import masked_softmax

e = Dim("e", "experts")
(k,) = e.indices("k")
z, g = e.vector("z", note="logits of the router"), e.vector("g", note="gates")
mask = e.vector("mask", role="target", domain="binary", note="is the expert chosen?")


def forward(z: np.ndarray, mask: np.ndarray) -> Any:
    gates = np.zeros_like(z)
    chosen = np.flatnonzero(mask)
    if chosen.size:
        weights = np.exp(z[chosen] - z[chosen].max())
        gates[chosen] = weights / weights.sum()
    return gates


top_k_gate = Op(
    name="top_k_gate",
    title="Top-k gate",
    inputs=(z, mask),
    equations=(Let(g[k], masked_softmax(z[k], mask[k], over=k), "gates, zero if not chosen"),),
    numpy=forward,
    about=(
        "The experts that were chosen share the whole weight by a softmax of their logits; the "
        "others get none. The choice, a mask of zeros and ones, is held constant."
    ),
    source="Shazeer et al., 2017",
)
