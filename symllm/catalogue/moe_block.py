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

n, c, e, f = (Dim(name) for name in ("n", "c", "e", "f"))
(i,), (a,), (k,), (j,) = n.indices("i"), c.indices("a"), e.indices("k"), f.indices("j")
x, X, M, y = (matrix(name, n, c) for name in ("x", "X", "M", "y"))
z, mask = matrix("z", n, e), matrix("mask", n, e, role="target", domain="binary")
g, W_R = c.vector("g", role="parameter"), matrix("W_R", e, c, role="parameter")
W_G, W_U = (Tensor(name, (e, f, c), "parameter") for name in ("W_G", "W_U"))
W_D = Tensor("W_D", (e, c, f), "parameter")
G, U, H = (Tensor(name, (n, e, f)) for name in "GUH")
F = Tensor("F", (n, e, c))
eps = scalar("eps", role="constant", domain="positive")


def forward(
    x: np.ndarray, mask: np.ndarray, g: np.ndarray, W_R: np.ndarray,
    W_G: np.ndarray, W_U: np.ndarray, W_D: np.ndarray, eps: float,
) -> Any:  # fmt: skip
    stream = x.copy()
    for row, token in enumerate(x):
        token = g * token / np.sqrt((token**2).mean() + eps)
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
    inputs=(x, mask, g, W_R, W_G, W_U, W_D, eps),
    equations=(
        Let(X[i, a], rms_norm(x[i, a], g[a], eps, over=a), "normalised"),
        Let(z[i, k], projection(X[i, a], W_R[k, a], over=(a, k)), "the router's logits"),
        Let(G[i, k, j], projection(X[i, a], W_G[k, j, a], over=(a, j)), "each expert's gate"),
        Let(U[i, k, j], projection(X[i, a], W_U[k, j, a], over=(a, j)), "widened"),
        Let(H[i, k, j], swiglu(G[i, k, j], U[i, k, j], over=j), "gated"),
        Let(F[i, k, a], projection(H[i, k, j], W_D[k, a, j], over=(j, a)), "each expert's output"),
        Let(
            M[i, a],
            mixture_of_experts(z[i, k], mask[i, k], F[i, k, a], over=(k, a)),
            "the mixture",
        ),
        Let(y[i, a], x[i, a] + M[i, a], "added to the stream"),
    ),
    numpy=forward,
    about=(
        "The feed-forward half of a block, its one layer replaced by experts: each token is sent "
        "to a few of them by a router, and what they return is mixed and added to the stream."
    ),
    source="Jiang et al., 2024",
)
