"""Label smoothing: cross-entropy with a target that is never quite sure."""

from typing import Any

import numpy as np
from sympy import log

from ..equation import Let
from ..notation import Dim, delta, scalar, sum_over
from ..op import Op
from .softmax import softmax

n = Dim("n", "classes")
i, j = n.indices("i j")
z, p = n.vector("z", note="logits"), n.vector("p", note="probabilities")
q = n.vector("q", note="other probabilities")
t = scalar("t", role="target", domain=n, note="right class")
epsilon = scalar(
    "epsilon", role="constant", domain="positive", note="share that is spread over all classes"
)
L = scalar("L", note="loss")


def forward(z: np.ndarray, t: int, epsilon: float) -> Any:
    shifted = z - z.max()
    surprises = np.log(np.exp(shifted).sum()) - shifted
    return (1 - epsilon) * surprises[t] + epsilon * surprises.mean()


label_smoothing = Op(
    name="label_smoothing",
    title="Label smoothing",
    inputs=(z, t, epsilon),
    equations=(
        Let(p[i], softmax(z[i], over=i), "predicted probabilities"),
        Let(q[i], (1 - epsilon) * delta(i, t) + epsilon / n, "smoothed target"),
        Let(L, -sum_over(q[j] * log(p[j]), j), "loss"),
    ),
    numpy=forward,
    about=(
        "Label smoothing takes a share epsilon of the target from the right class t and spreads "
        "it evenly over all classes."
    ),
    source="Szegedy et al., 2016",
)
