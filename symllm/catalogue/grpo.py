"""Group relative policy optimisation: answers to one question, judged against each other."""

from typing import Any

import numpy as np
from sympy import Abs, Min, exp, sqrt

from ..equation import Let
from ..notation import Dim, mean, scalar
from ..op import Op

G = Dim("G", "answers of a group")
i, j = G.indices("i j")
logp = G.vector("logp", note="log-probabilities of the answers")
rho, A = G.vector("rho", note="probability ratio"), G.vector("A", note="advantages")
kappa = G.vector("kappa", note="bound on the gain")
D = G.vector("D", note="estimated divergence")
R = G.vector("R", role="target", note="rewards")
old = G.vector("old", role="target", note="log-probabilities under the old policy")
ref = G.vector("ref", role="target", note="log-probabilities under the reference")
epsilon = scalar("epsilon", role="constant", domain="positive", note="how far the ratio may go")
beta = scalar("beta", role="constant", domain="positive", note="price of divergence")
mu, v = scalar("mu", note="mean reward"), scalar("v", note="variance of the rewards")
sigma, L = scalar("sigma", note="standard deviation"), scalar("L", note="loss")


def forward(
    logp: np.ndarray,
    old: np.ndarray,
    ref: np.ndarray,
    R: np.ndarray,
    epsilon: float,
    beta: float,
) -> Any:
    advantage = (R - R.mean()) / R.std()
    ratio = np.exp(logp) / np.exp(old)
    clipped = np.clip(ratio, 1 - epsilon, 1 + epsilon)
    behind = np.exp(ref) / np.exp(logp)
    penalty = behind - np.log(behind) - 1
    return (beta * penalty - np.minimum(ratio * advantage, clipped * advantage)).mean()


grpo = Op(
    name="grpo",
    title="Group relative policy optimisation",
    inputs=(logp, old, ref, R, epsilon, beta),
    equations=(
        Let(mu, mean(R[j], j), "mean reward of the group"),
        Let(v, mean((R[j] - mu) ** 2, j), "variance of the rewards"),
        Let(sigma, sqrt(v), "their standard deviation"),
        Let(A[i], (R[i] - mu) / sigma, "advantage"),
        Let(rho[i], exp(logp[i] - old[i]), "probability ratio"),
        Let(kappa[i], A[i] + epsilon * Abs(A[i]), "bound on what a step may gain"),
        Let(D[i], exp(ref[i] - logp[i]) - (ref[i] - logp[i]) - 1, "estimated divergence"),
        Let(L, mean(beta * D[j] - Min(rho[j] * A[j], kappa[j]), j), "loss"),
    ),
    numpy=forward,
    about=(
        "GRPO clips like PPO and needs no critic: the advantage of an answer is its reward R, "
        "normalised within a group of G answers to one question (whose rewards must not all be "
        "the same). This is the form at the level of sequences: each answer has one "
        "log-probability. A penalty with the weight beta keeps the policy near a reference."
    ),
    source="Shao et al., 2024",
)
