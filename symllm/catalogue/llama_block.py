"""The block of Llama (Touvron et al., 2023): rotary grouped-query attention and SwiGLU."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, Tensor, matrix, scalar
from ..op import Op
from .causal_attention import causal_attention
from .gated import swiglu
from .projection import projection
from .rms_norm import rms_norm
from .rope import rope_halves

n = Dim("n", "positions")
c = Dim("c", "width of the stream")
g = Dim("g", "heads of keys")
u = Dim("u", "heads of queries for one of keys")
m = Dim("m", "pairs")
e = Dim("e", "width of values")
f = Dim("f", "width of the feed-forward layer")
two = Dim("2")
(i,), (a,), (s,), (t,) = n.indices("i"), c.indices("a"), g.indices("s"), u.indices("t")
(w,), (k,), (l,), (j,) = two.indices("w"), m.indices("k"), e.indices("l"), f.indices("j")
x = matrix("x", n, c, note="input")
X = matrix("X", n, c, note="input of attention")
A = matrix("A", n, c, note="output of attention")
x_A = matrix("x_A", n, c, note="stream after attention")
M = matrix("M", n, c, note="input of the feed-forward layer")
F = matrix("F", n, c, note="output of the feed-forward layer")
y = matrix("y", n, c, note="output")
Q, K = Tensor("Q", (n, g, u, two, m), note="queries"), Tensor("K", (n, g, two, m), note="keys")
Qtilde = Tensor("Qtilde", (n, g, u, two, m), note="queries before they are turned")
Ktilde = Tensor("Ktilde", (n, g, two, m), note="keys before they are turned")
V, O = Tensor("V", (n, g, e), note="values"), Tensor("O", (n, g, u, e), note="output")
G, U = matrix("G", n, f, note="input of the gate"), matrix("U", n, f, note="widened")
H = matrix("H", n, f, note="hidden units")
gamma_1 = c.vector("gamma_1", role="parameter", note="scale of the first norm")
gamma_2 = c.vector("gamma_2", role="parameter", note="scale of the second norm")
W_Q = Tensor("W_Q", (g, u, two, m, c), "parameter", note="weights of the queries")
W_K = Tensor("W_K", (g, two, m, c), "parameter", note="weights of the keys")
W_V = Tensor("W_V", (g, e, c), "parameter", note="weights of the values")
W_O = Tensor("W_O", (c, g, u, e), "parameter", note="weights of the output")
W_G = matrix("W_G", f, c, role="parameter", note="weights of the gate")
W_U = matrix("W_U", f, c, role="parameter", note="weights of what is gated")
W_D = matrix("W_D", c, f, role="parameter", note="weights back to the stream")
pos = n.vector("pos", role="constant", note="positions")
base = scalar("base", role="constant", domain="positive", note="base of the wavelengths")
eps = scalar("eps", role="constant", domain="positive", note="a small positive constant")


def normed(x: np.ndarray, gamma: np.ndarray, eps: float) -> Any:
    return gamma * x / np.sqrt((x**2).mean(axis=1, keepdims=True) + eps)


def turned(x: np.ndarray, pos: np.ndarray, base: float) -> Any:
    """Each pair of a first and a second half as a complex number, turned."""
    columns = x.shape[2]
    angle = np.outer(pos, base ** -(np.arange(columns) / columns))
    turned = (x[:, 0] + 1j * x[:, 1]) * np.exp(1j * angle)
    return np.hstack([turned.real, turned.imag])


def forward(
    x: np.ndarray, gamma_1: np.ndarray, W_Q: np.ndarray, W_K: np.ndarray, W_V: np.ndarray,
    W_O: np.ndarray, gamma_2: np.ndarray, W_G: np.ndarray, W_U: np.ndarray, W_D: np.ndarray,
    pos: np.ndarray, base: float, eps: float,
) -> Any:  # fmt: skip
    X, stream = normed(x, gamma_1, eps), x.copy()
    for group, head in np.ndindex(W_Q.shape[:2]):
        query = turned(np.einsum("nc,wmc->nwm", X, W_Q[group, head]), pos, base)
        key = turned(np.einsum("nc,wmc->nwm", X, W_K[group]), pos, base)
        value = X @ W_V[group].T
        for row in range(len(x)):
            scores = key[: row + 1] @ query[row] / np.sqrt(query.shape[1])
            weights = np.exp(scores - scores.max())
            found = weights / weights.sum() @ value[: row + 1]
            stream[row] += W_O[:, group, head] @ found
    M = normed(stream, gamma_2, eps)
    gate = M @ W_G.T
    return stream + (gate / (1 + np.exp(-gate)) * (M @ W_U.T)) @ W_D.T


llama_block = Op(
    name="llama_block",
    title="The block of Llama",
    inputs=(x, gamma_1, W_Q, W_K, W_V, W_O, gamma_2, W_G, W_U, W_D, pos, base, eps),
    equations=(
        Let(X[i, a], rms_norm(x[i, a], gamma_1[a], eps, over=a), "normalised"),
        Let(
            Qtilde[i, s, t, w, k],
            projection(X[i, a], W_Q[s, t, w, k, a], over=(a, (s, t, w, k))),
            "queries",
        ),
        Let(Ktilde[i, s, w, k], projection(X[i, a], W_K[s, w, k, a], over=(a, (s, w, k))), "keys"),
        Let(V[i, s, l], projection(X[i, a], W_V[s, l, a], over=(a, (s, l))), "values"),
        Let(
            Q[i, s, t, w, k],
            rope_halves(Qtilde[i, s, t, w, k], pos[i], base, over=(i, w, k)),
            "queries, turned",
        ),
        Let(
            K[i, s, w, k],
            rope_halves(Ktilde[i, s, w, k], pos[i], base, over=(i, w, k)),
            "keys, turned",
        ),
        Let(
            O[i, s, t, l],
            causal_attention(Q[i, s, t, w, k], K[i, s, w, k], V[i, s, l], over=(i, (w, k), l)),
            "each head's output",
        ),
        Let(A[i, a], projection(O[i, s, t, l], W_O[a, s, t, l], over=((s, t, l), a)), "mixed"),
        Let(x_A[i, a], x[i, a] + A[i, a], "added to the stream"),
        Let(M[i, a], rms_norm(x_A[i, a], gamma_2[a], eps, over=a), "normalised"),
        Let(G[i, j], projection(M[i, a], W_G[j, a], over=(a, j)), "gate"),
        Let(U[i, j], projection(M[i, a], W_U[j, a], over=(a, j)), "widened"),
        Let(H[i, j], swiglu(G[i, j], U[i, j], over=j), "gated"),
        Let(F[i, a], projection(H[i, j], W_D[a, j], over=(j, a)), "narrowed again"),
        Let(y[i, a], x_A[i, a] + F[i, a], "added to the stream"),
    ),
    numpy=forward,
    about=(
        "Root mean squares instead of means and variances, positions as rotations of queries and "
        "keys, groups of query heads that share a head of keys and values, and a gate in the "
        "feed-forward layer; nowhere a bias."
    ),
    source="Touvron et al., 2023",
)
