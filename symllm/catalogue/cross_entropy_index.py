"""Cross-entropy with a class index: the surprise of one right answer."""

from typing import Any

import numpy as np
from sympy import log

from ..equation import Let
from ..notation import Dim, scalar
from ..op import Op
from .softmax import softmax

n = Dim("n", "classes")
(i,) = n.indices("i")
z, p = n.vector("z", note="logits"), n.vector("p", note="probabilities")
t = scalar("t", role="target", domain=n, note="right class")
L = scalar("L", note="loss")


def forward(z: np.ndarray, t: int) -> Any:
    shifted = z - z.max()
    return np.log(np.exp(shifted).sum()) - shifted[t]


cross_entropy_index = Op(
    name="cross_entropy_index",
    title="Cross-entropy with a class index",
    inputs=(z, t),
    equations=(
        Let(p[i], softmax(z[i], over=i), "predicted probabilities"),
        Let(L, -log(p[t]), "loss"),
    ),
    numpy=forward,
    about="With one right class t, cross-entropy is the negative log-probability of that class.",
)
