"""The Kullback-Leibler divergence of one distribution from another."""

from typing import Any

import numpy as np
from sympy import log

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

n = Dim("n", "classes")
(i,) = n.indices("i")
p = n.vector("p", domain="positive", note="probabilities")
q = n.vector("q", domain="positive", note="other probabilities")
L = scalar("L", note="loss")


def forward(p: np.ndarray, q: np.ndarray) -> Any:
    return p @ (np.log(p) - np.log(q))


kl_divergence = Op(
    name="kl_divergence",
    title="Kullback-Leibler divergence",
    inputs=(p, q),
    equations=(Let(L, sum_over(p[i] * log(p[i] / q[i]), i), "divergence of p from q"),),
    numpy=forward,
    about="The divergence is the extra surprise of one who expects q where p is true.",
    source="Kullback & Leibler, 1951",
)
