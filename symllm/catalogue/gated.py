"""Gated linear units: one half of a layer decides how much of the other passes."""

from typing import Any

import numpy as np
from scipy.special import erf, expit

from ..equation import Let
from ..notation import Dim
from ..op import Op
from .activations import gelu, silu

n = Dim("n", "entries")
(i,) = n.indices("i")
gate = n.vector("gate", note="input of the gate")
up = n.vector("up", note="what is gated")
a, y = n.vector("a", note="activated gate"), n.vector("y", note="output")


def swiglu_forward(gate: np.ndarray, up: np.ndarray) -> Any:
    return gate * expit(gate) * up


def geglu_forward(gate: np.ndarray, up: np.ndarray) -> Any:
    return up * gate * (1 + erf(gate / np.sqrt(2))) / 2


swiglu = Op(
    name="swiglu",
    title="SwiGLU",
    inputs=(gate, up),
    equations=(
        Let(a[i], silu(gate[i], over=i), "activated gate"),
        Let(y[i], a[i] * up[i], "what the gate lets through"),
    ),
    numpy=swiglu_forward,
    about="SwiGLU multiplies one half of a layer by the SiLU of the other half.",
    source="Shazeer, 2020",
)

geglu = Op(
    name="geglu",
    title="GEGLU",
    inputs=(gate, up),
    equations=(
        Let(a[i], gelu(gate[i], over=i), "activated gate"),
        Let(y[i], a[i] * up[i], "what the gate lets through"),
    ),
    numpy=geglu_forward,
    about="GEGLU multiplies one half of a layer by the GELU of the other half.",
    source="Shazeer, 2020",
)
