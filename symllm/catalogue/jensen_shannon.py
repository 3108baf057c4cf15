"""The Jensen-Shannon divergence: two distributions against their average."""

from typing import Any

import numpy as np
from sympy import log

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

n = Dim("n", "classes")
i, j = n.indices("i j")
p = n.vector("p", domain="positive", note="probabilities")
q = n.vector("q", domain="positive", note="other probabilities")
m = n.vector("m", note="average of both")
a, b = scalar("a", note="entropy of the average"), scalar("b", note="average entropy")
L = scalar("L", note="loss")


def forward(p: np.ndarray, q: np.ndarray) -> Any:
    average = (p + q) / 2
    return (p @ np.log(p / average) + q @ np.log(q / average)) / 2


jensen_shannon = Op(
    name="jensen_shannon",
    title="Jensen-Shannon divergence",
    inputs=(p, q),
    equations=(
        Let(m[i], (p[i] + q[i]) / 2, "average of both"),
        Let(a, -sum_over(m[j] * log(m[j]), j), "entropy of the average"),
        Let(b, -sum_over(p[j] * log(p[j]) + q[j] * log(q[j]), j) / 2, "average entropy"),
        Let(L, a - b, "divergence"),
    ),
    numpy=forward,
    about="Jensen-Shannon is the mean divergence of two distributions from their average.",
    source="Lin, 1991",
)
