"""The load-balancing loss of a mixture of experts (Fedus, Zoph & Shazeer, 2022)."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, delta, matrix, mean, scalar, sum_over
from ..op import Op
from .softmax import softmax

n, e = Dim("n", "tokens"), Dim("e", "experts")
(i,), (k, l) = n.indices("i"), e.indices("k l")
z = matrix("z", n, e, note="logits of the router")
p = matrix("p", n, e, note="probabilities of the experts")
a = n.vector("a", role="target", domain=e, note="the expert that was asked")
alpha = scalar("alpha", role="constant", domain="positive", note="weight of the penalty")
f = e.vector("f", note="fraction of the tokens")
P = e.vector("P", note="mean probabilities")
L = scalar("L", note="loss")


def forward(z: np.ndarray, a: np.ndarray, alpha: float) -> Any:
    weights = np.exp(z - z.max(axis=1, keepdims=True))
    share = (weights / weights.sum(axis=1, keepdims=True)).mean(axis=0)
    load = np.bincount(a, minlength=z.shape[1]) / len(z)
    return alpha * z.shape[1] * (load @ share)


load_balancing = Op(
    name="load_balancing",
    title="Load-balancing loss",
    inputs=(z, a, alpha),
    equations=(
        Let(p[i, k], softmax(z[i, k], over=k), "router probabilities"),
        Let(P[k], mean(p[i, k], i), "mean probability of an expert"),
        Let(f[k], mean(delta(a[i], k), i), "fraction of tokens sent to it"),
        Let(L, alpha * e * sum_over(f[k] * P[k], k), "loss"),
    ),
    numpy=forward,
    about=(
        "Experts that get more than their share of the tokens are made less likely. "
        "The assignment a of tokens to experts is held constant."
    ),
    source="Fedus, Zoph & Shazeer, 2022",
)
