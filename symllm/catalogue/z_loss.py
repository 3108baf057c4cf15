"""The z-loss: a penalty that keeps softmax's partition function near one."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, scalar
from ..op import Op
from .logsumexp import logsumexp

n = Dim("n", "classes")
(i,) = n.indices("i")
z = n.vector("z", note="logits")
weight = scalar("weight", role="constant", domain="positive", note="weight of the penalty")
zeta = scalar("zeta", note="log of the partition function")
L = scalar("L", note="loss")


def forward(z: np.ndarray, weight: float) -> Any:
    top = z.max()
    return weight * (top + np.log(np.exp(z - top).sum())) ** 2


z_loss = Op(
    name="z_loss",
    title="Z-loss",
    inputs=(z, weight),
    equations=(
        Let(zeta, logsumexp(z[i], over=i), "log of the partition function"),
        Let(L, weight * zeta**2, "loss"),
    ),
    numpy=forward,
    about="The z-loss keeps logits from drifting: it pulls the log of softmax's denominator to 0.",
    source="Chowdhery et al., 2022",
)
