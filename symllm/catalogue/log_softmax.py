"""Log-softmax: the logarithms of softmax's probabilities."""

from typing import Any

import numpy as np
from sympy import exp, log

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

n = Dim("n", "classes")
i, j = n.indices("i j")
x = n.vector("x", note="scores")
E, y = n.vector("E", note="exponentials"), n.vector("y", note="log-probabilities")
p = n.vector("p", note="probabilities")
Z = scalar("Z", note="partition function")


def forward(x: np.ndarray) -> Any:
    shifted = x - x.max()
    return shifted - np.log(np.exp(shifted).sum())


log_softmax = Op(
    name="log_softmax",
    title="Log-softmax",
    inputs=(x,),
    equations=(
        Let(E[i], exp(x[i]), "positive weights"),
        Let(Z, sum_over(E[j], j), "their sum, the partition function"),
        Let(y[i], x[i] - log(Z), "log-probabilities"),
    ),
    aliases=(Let(p[i], E[i] / Z, "softmax of the same scores"),),
    numpy=forward,
    about="Log-softmax gives the logarithms of the probabilities, without ever dividing.",
)
