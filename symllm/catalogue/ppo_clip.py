"""PPO's clipped objective: learn from samples of an older policy, but not too much."""

from typing import Any

import numpy as np
from sympy import Abs, Min, exp

from ..equation import Let
from ..notation import Dim, mean, scalar
from ..op import Op

n = Dim("n")
i, j = n.indices("i j")
logp, rho, b = n.vector("logp"), n.vector("rho"), n.vector("b")
old, A = n.vector("old", role="target"), n.vector("A", role="target")
epsilon = scalar("epsilon", role="constant", domain="positive")
L = scalar("L")


def forward(logp: np.ndarray, old: np.ndarray, A: np.ndarray, epsilon: float) -> Any:
    ratio = np.exp(logp) / np.exp(old)
    clipped = np.clip(ratio, 1 - epsilon, 1 + epsilon)
    return -np.minimum(ratio * A, clipped * A).mean()


ppo_clip = Op(
    name="ppo_clip",
    title="Clipped policy objective",
    inputs=(logp, old, A, epsilon),
    equations=(
        Let(rho[i], exp(logp[i] - old[i]), "probability ratio"),
        Let(b[i], A[i] + epsilon * Abs(A[i]), "bound on what a step may gain"),
        Let(L, -mean(Min(rho[j] * A[j], b[j]), j), "loss"),
    ),
    numpy=forward,
    about=(
        "PPO raises the probability of actions with a positive advantage A and lowers that of the "
        "others, until it has changed by a factor of 1 + epsilon or 1 - epsilon."
    ),
    source="Schulman et al., 2017",
)
