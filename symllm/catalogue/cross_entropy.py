"""Cross-entropy of a target distribution and the softmax of logits."""

from typing import Any

import numpy as np
from sympy import log

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op
from .softmax import softmax

n = Dim("n", "classes")
i, j = n.indices("i j")
z, p = n.vector("z", note="logits"), n.vector("p", note="probabilities")
y = n.vector("y", role="target", domain="distribution", note="target")
L = scalar("L", note="loss")


def forward(z: np.ndarray, y: np.ndarray) -> Any:
    shifted = z - z.max()
    return -(y * (shifted - np.log(np.exp(shifted).sum()))).sum()


cross_entropy = Op(
    name="cross_entropy",
    title="Cross-entropy",
    inputs=(z, y),
    equations=(
        Let(p[i], softmax(z[i], over=i), "predicted probabilities"),
        Let(L, -sum_over(y[j] * log(p[j]), j), "loss"),
    ),
    numpy=forward,
    about="Cross-entropy is the surprise of the target distribution y at the prediction p.",
)
