"""The feed-forward layer of a transformer: two linear layers with a GELU between."""

from typing import Any

import numpy as np
from scipy.special import erf

from ..equation import Let
from ..notation import Dim, matrix
from ..op import Op
from .activations import gelu
from .linear import linear

m = Dim("c_in", "width of the input")
n = Dim("c_out", "width of the output")
f = Dim("f", "width of the feed-forward layer")
(j,), (i,), (k,) = m.indices("j"), n.indices("i"), f.indices("k")
x, y = m.vector("x", note="input"), n.vector("y", note="output")
z, a = f.vector("z", note="pre-activations"), f.vector("a", note="activations")
W_1 = matrix("W_1", f, m, role="parameter", note="weights of the first layer")
b_1 = f.vector("b_1", role="parameter", note="bias of the first layer")
W_2 = matrix("W_2", n, f, role="parameter", note="weights of the second layer")
b_2 = n.vector("b_2", role="parameter", note="bias of the second layer")


def forward(
    x: np.ndarray, W_1: np.ndarray, b_1: np.ndarray, W_2: np.ndarray, b_2: np.ndarray
) -> Any:
    hidden = W_1 @ x + b_1
    return W_2 @ (hidden * (1 + erf(hidden / np.sqrt(2))) / 2) + b_2


mlp = Op(
    name="mlp",
    title="Feed-forward layer",
    inputs=(x, W_1, b_1, W_2, b_2),
    equations=(
        Let(z[k], linear(x[j], W_1[k, j], b_1[k], over=(j, k)), "widened"),
        Let(a[k], gelu(z[k], over=k), "activated"),
        Let(y[i], linear(a[k], W_2[i, k], b_2[i], over=(k, i)), "narrowed again"),
    ),
    numpy=forward,
    about="Each position by itself goes through a wide layer of units and back.",
    source="Vaswani et al., 2017",
)
