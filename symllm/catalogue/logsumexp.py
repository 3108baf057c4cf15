"""Log-sum-exp: a smooth maximum."""

from typing import Any

import numpy as np
from sympy import exp, log

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

n = Dim("n", "classes")
i, j = n.indices("i j")
x, E = n.vector("x", note="scores"), n.vector("E", note="exponentials")
p = n.vector("p", note="probabilities")
Z, z = scalar("Z", note="partition function"), scalar("z", note="smooth maximum")


def forward(x: np.ndarray) -> Any:
    top = x.max()
    return top + np.log(np.exp(x - top).sum())


logsumexp = Op(
    name="logsumexp",
    title="Log-sum-exp",
    inputs=(x,),
    equations=(
        Let(E[i], exp(x[i]), "positive weights"),
        Let(Z, sum_over(E[j], j), "their sum"),
        Let(z, log(Z), "a smooth maximum"),
    ),
    aliases=(Let(p[i], E[i] / Z, "softmax of the same scores"),),
    numpy=forward,
    about="Log-sum-exp is a smooth maximum: at least the largest entry, at most log n above it.",
)
