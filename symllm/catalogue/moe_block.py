"""A block's feed-forward half as a mixture of experts (Mixtral: Jiang et al., 2024)."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, Tensor, matrix, scalar
from ..op import Op
from .gated import swiglu
from .mixture_of_experts import mixture_of_experts
from .projection import projection
from .rms_norm import rms_norm

n = Dim("n", "tokens")
c = Dim("c", "width of the stream")
e = Dim("e", "experts")
w = Dim("w", "width of an expert")
(i,), (a,), (k,), (j,) = n.indices("i"), c.indices("a"), e.indices("k"), w.indices("j")
x = matrix("x", n, c, note="input")
X, y = matrix("X", n, c, note="input of the experts"), matrix("y", n, c, note="output")
Fbar = matrix("Fbar", n, c, note="mean output of the experts")
mask = matrix("mask", n, e, role="target", domain="binary", note="is the expert chosen?")
z = matrix("z", n, e, note="logits of the router")
gamma = c.vector("gamma", role="parameter", note="scale of the norm")
W_R = matrix("W_R", e, c, role="parameter", note="weights of the router")
W_G = Tensor("W_G", (e, w, c), "parameter", note="weights of the gate")
W_U = Tensor("W_U", (e, w, c), "parameter", note="weights of what is gated")
W_D = Tensor("W_D", (e, c, w), "parameter", note="weights back to the stream")
G = Tensor("G", (n, e, w), note="input of the gate")
U, H = Tensor("U", (n, e, w), note="widened"), Tensor("H", (n, e, w), note="hidden units")
F = Tensor("F", (n, e, c), note="outputs of the experts")
eps = scalar("eps", role="constant", domain="positive", note="a small positive constant")


def forward(
    x: np.ndarray, mask: np.ndarray, gamma: np.ndarray, W_R: np.ndarray,
    W_G: np.ndarray, W_U: np.ndarray, W_D: np.ndarray, eps: float,
) -> Any:  # fmt: skip
    stream = x.copy()
    for row, token in enumerate(x):
        token = gamma * token / np.sqrt((token**2).mean() + eps)
        chosen = np.flatnonzero(mask[row])
        share = np.exp(W_R[chosen] @ token)
        for expert, weight in zip(chosen, share / share.sum(), strict=True):
            gate = W_G[expert] @ token
            hidden = gate / (1 + np.exp(-gate)) * (W_U[expert] @ token)
            stream[row] += weight * (W_D[expert] @ hidden)
    return stream


moe_block = Op(
    name="moe_block",
    title="A block with experts",
    inputs=(x, mask, gamma, W_R, W_G, W_U, W_D, eps),
    equations=(
        Let(X[i, a], rms_norm(x[i, a], gamma[a], eps, over=a), "normalised"),
        Let(z[i, k], projection(X[i, a], W_R[k, a], over=(a, k)), "the router's logits"),
        Let(G[i, k, j], projection(X[i, a], W_G[k, j, a], over=(a, j)), "each expert's gate"),
        Let(U[i, k, j], projection(X[i, a], W_U[k, j, a], over=(a, j)), "widened"),
        Let(H[i, k, j], swiglu(G[i, k, j], U[i, k, j], over=j), "gated"),
        Let(F[i, k, a], projection(H[i, k, j], W_D[k, a, j], over=(j, a)), "each expert's output"),
        Let(
            Fbar[i, a],
            mixture_of_experts(z[i, k], mask[i, k], F[i, k, a], over=(k, a)),
            "the mixture",
        ),
        Let(y[i, a], x[i, a] + Fbar[i, a], "added to the stream"),
    ),
    numpy=forward,
    about=(
        "The feed-forward half of a block, its one layer replaced by experts: each token is sent "
        "to a few of them by a router, and what they return is mixed and added to the stream."
    ),
    source="Jiang et al., 2024",
)
