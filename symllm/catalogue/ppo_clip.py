"""PPO's clipped objective: learn from samples of an older policy, but not too much."""

from typing import Any

import numpy as np
from sympy import Abs, Min, exp

from ..equation import Let
from ..notation import Dim, mean, scalar
from ..op import Op

n = Dim("n", "answers")
i, j = n.indices("i j")
logp = n.vector("logp", note="log-probabilities of the answers")
rho = n.vector("rho", note="probability ratio")
kappa = n.vector("kappa", note="bound on the gain")
old = n.vector("old", role="target", note="log-probabilities under the old policy")
A = n.vector("A", role="target", note="advantages")
epsilon = scalar("epsilon", role="constant", domain="positive", note="how far the ratio may go")
L = scalar("L", note="loss")


def forward(logp: np.ndarray, old: np.ndarray, A: np.ndarray, epsilon: float) -> Any:
    ratio = np.exp(logp) / np.exp(old)
    clipped = np.clip(ratio, 1 - epsilon, 1 + epsilon)
    return -np.minimum(ratio * A, clipped * A).mean()


# Of the two ends of the clip, one matters for each sign of A, so that
#     min(rho A, clip(rho, 1 - epsilon, 1 + epsilon) A) = min(rho A, A + epsilon |A|).
# On the left both sides are equal wherever nothing is clipped; on the right, only at the kink.
ppo_clip = Op(
    name="ppo_clip",
    title="Clipped policy objective",
    inputs=(logp, old, A, epsilon),
    equations=(
        Let(rho[i], exp(logp[i] - old[i]), "probability ratio"),
        Let(kappa[i], A[i] + epsilon * Abs(A[i]), "bound on what a step may gain"),
        Let(L, -mean(Min(rho[j] * A[j], kappa[j]), j), "loss"),
    ),
    numpy=forward,
    about=(
        "The loss is minus the mean of min(rho A, clip(rho, 1 - epsilon, 1 + epsilon) A): what an "
        "action with advantage A can gain is bounded by A + epsilon |A|."
    ),
    source="Schulman et al., 2017",
)
