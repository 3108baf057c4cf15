"""Softmax: any vector of scores made into a probability distribution."""

from typing import Any

import numpy as np
from sympy import exp

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op

n = Dim("n", "classes")
i, j = n.indices("i j")
x, E = n.vector("x", note="scores"), n.vector("E", note="exponentials")
p, Z = n.vector("p", note="probabilities"), scalar("Z", note="partition function")


def forward(x: np.ndarray) -> Any:
    weights = np.exp(x - x.max())
    return weights / weights.sum()


softmax = Op(
    name="softmax",
    title="Softmax",
    inputs=(x,),
    equations=(
        Let(E[i], exp(x[i]), "positive weights"),
        Let(Z, sum_over(E[j], j), "their sum, the partition function"),
        Let(p[i], E[i] / Z, "probabilities"),
    ),
    numpy=forward,
    about="Softmax turns a vector of real scores into probabilities: positive, and summing to one.",
    source="Bridle, 1990",
)
