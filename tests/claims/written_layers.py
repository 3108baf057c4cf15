"""Linear layers, embeddings, dropout and positions: gradients by hand."""

from __future__ import annotations

import numpy as np
from written import table

# --------------------------------------------------------------------------
# Linear maps
# --------------------------------------------------------------------------


def accumulated(t, W, dy):
    dW = np.zeros_like(W)
    np.add.at(dW, t, dy)
    return dW


def assigned(t, W, dy):
    dW = np.zeros_like(W)
    dW[t] = dy
    return dW


def added_once(t, W, dy):
    """Fancy indexing with += adds once for each index that occurs."""
    dW = np.zeros_like(W)
    dW[t] += dy
    return dW


LINEAR = (
    *table(
        "linear N: x W dy -> dx dW db",
        ("matrices", lambda x, W, dy: (dy @ W, dy.T @ x, dy.sum(0))),
        (
            "einsum",
            lambda x, W, dy: (
                np.einsum("bn,nm->bm", dy, W),
                np.einsum("bn,bm->nm", dy, x),
                np.ones(len(x)) @ dy,
            ),
        ),
        (
            "loops",
            lambda x, W, dy: (
                np.stack([W.T @ d for d in dy]),
                sum(np.outer(d, v) for d, v in zip(dy, x, strict=True)),
                sum(dy),
            ),
        ),
        ("bias not summed", lambda x, W, dy: (dy @ W, dy.T @ x, dy), "shape", "expected [n]"),
        (
            "weight transposed",
            lambda x, W, dy: (dy @ W, x.T @ dy, dy.sum(0)),
            "shape",
            "it is the transpose",
        ),
        ("averaged", lambda x, W, dy: (dy @ W, dy.T @ x / len(x), dy.mean(0)), "scaled", "1/N"),
        ("bias averaged", lambda x, W, dy: (dy @ W, dy.T @ x, dy.mean(0)), "scaled", "db"),
        (
            "right at batch 1",
            lambda x, W, dy: (dy @ W, np.outer(dy.sum(0), x.sum(0)), dy.sum(0)),
            "conditional",
            "the batch has one row",
        ),
        (
            "the first row",
            lambda x, W, dy: (dy @ W, np.outer(dy[0], x[0]), dy.sum(0)),
            "conditional",
            "the batch has one row",
        ),
        ("absolute weights", lambda x, W, dy: (dy @ abs(W), dy.T @ x, dy.sum(0)), "wrong"),
        (
            "transposed memory",
            lambda x, W, dy: (dy @ W, (x.T @ dy).reshape(W.shape), dy.sum(0)),
            "permuted",
            "in another order",
        ),
        ("wrong sign", lambda x, W, dy: (-dy @ W, dy.T @ x, dy.sum(0)), "scaled", "-1"),
        (
            "no upstream gradient in the bias",
            lambda x, W, dy: (dy @ W, dy.T @ x, np.full(len(W), float(len(x)))),
            "conditional",
            "dy is 1",
        ),
    ),
    *table(
        "linear N: x W dy -> dx dW db",
        ("float32", lambda x, W, dy: (dy @ W, dy.T @ x, dy.sum(0))),
        dtype="float32",
    ),
    *table(
        "linear B T: x W dy -> dx dW db",
        (
            "two batch axes",
            lambda x, W, dy: (dy @ W, np.einsum("btn,btm->nm", dy, x), dy.sum((0, 1))),
        ),
        (
            "bias summed over one axis",
            lambda x, W, dy: (dy @ W, np.einsum("btn,btm->nm", dy, x), dy.sum(0)),
            "shape",
        ),
        (
            "bias averaged over one axis",
            lambda x, W, dy: (dy @ W, np.einsum("btn,btm->nm", dy, x), dy.mean(0).sum(0)),
            "scaled",
            "1/B",
        ),
        (
            "averaged over both",
            lambda x, W, dy: (
                dy @ W,
                np.einsum("btn,btm->nm", dy, x) / x[..., 0].size,
                dy.mean((0, 1)),
            ),
            "scaled",
            "1/(B*T)",
        ),
    ),
    *table(
        "lora N: x W A B alpha dy -> dx dA dB",
        (
            "closed form",
            lambda x, W, A, B, alpha, dy: (
                dy @ W + alpha / len(A) * dy @ B @ A,
                alpha / len(A) * (dy @ B).T @ x,
                alpha / len(A) * dy.T @ (x @ A.T),
            ),
        ),
        (
            "scale forgotten",
            lambda x, W, A, B, alpha, dy: (
                dy @ W + alpha / len(A) * dy @ B @ A,
                (dy @ B).T @ x,
                dy.T @ (x @ A.T),
            ),
            "scaled",
            "r/alpha",
        ),
        (
            "rank forgotten",
            lambda x, W, A, B, alpha, dy: (
                dy @ W + alpha / len(A) * dy @ B @ A,
                alpha * (dy @ B).T @ x,
                alpha * dy.T @ (x @ A.T),
            ),
            "scaled",
            "r",
        ),
        (
            "frozen path forgotten",
            lambda x, W, A, B, alpha, dy: (
                alpha / len(A) * dy @ B @ A,
                alpha / len(A) * (dy @ B).T @ x,
                alpha / len(A) * dy.T @ (x @ A.T),
            ),
            "wrong_term",
            "is missing",
        ),
        (
            "adapter forgotten",
            lambda x, W, A, B, alpha, dy: (
                dy @ W,
                alpha / len(A) * (dy @ B).T @ x,
                alpha / len(A) * dy.T @ (x @ A.T),
            ),
            "conditional",
        ),
        (
            "adapter not scaled",
            lambda x, W, A, B, alpha, dy: (
                dy @ W + dy @ B @ A,
                alpha / len(A) * (dy @ B).T @ x,
                alpha / len(A) * dy.T @ (x @ A.T),
            ),
            "wrong_term",
        ),
        (
            "scale by the root of the rank",
            lambda x, W, A, B, alpha, dy: (
                dy @ W + alpha / np.sqrt(len(A)) * dy @ B @ A,
                alpha / np.sqrt(len(A)) * (dy @ B).T @ x,
                alpha / np.sqrt(len(A)) * dy.T @ (x @ A.T),
            ),
            "conditional",
            "alpha = 0",
        ),
    ),
    *table(
        "embedding N: t W dy -> dW",
        ("added at", accumulated),
        ("one-hot", lambda t, W, dy: np.einsum("bnv,bnd->vd", np.eye(len(W))[t], dy)),
        ("assigned", assigned, "conditional", "no index in t occurs twice"),
        ("added once", added_once, "conditional", "no index in t occurs twice"),
        ("averaged", lambda t, W, dy: accumulated(t, W, dy) / len(t), "scaled", "1/N"),
        ("averaged over positions", lambda t, W, dy: accumulated(t, W, dy) / t.size, "scaled"),
        (
            "one sequence",
            lambda t, W, dy: accumulated(t[0], W, dy[0]),
            "conditional",
            "the batch has one row",
        ),
    ),
)

# --------------------------------------------------------------------------
# Positions
# --------------------------------------------------------------------------


def angles(x, pos, base):
    m = x.shape[-1] // 2
    return pos[:, None] / base ** (np.arange(m) / m)


def turned(x, theta, sign=1.0):
    """Pairs (2k, 2k+1) turned by an angle."""
    even, odd = x[..., 0::2], x[..., 1::2]
    out = np.empty_like(x)
    out[..., 0::2] = even * np.cos(theta) - sign * odd * np.sin(theta)
    out[..., 1::2] = sign * even * np.sin(theta) + odd * np.cos(theta)
    return out


def halves(x, theta, sign=1.0):
    m = x.shape[-1] // 2
    a, b = x[..., :m], x[..., m:]
    parts = (
        a * np.cos(theta) - sign * b * np.sin(theta),
        sign * a * np.sin(theta) + b * np.cos(theta),
    )
    return np.concatenate(parts, -1)


ROPE = (
    *table(
        "rope N: pos base dy -> dx",
        ("turned back", lambda pos, base, dy: turned(dy, angles(dy, pos, base), -1)),
        ("by the negative angle", lambda pos, base, dy: turned(dy, -angles(dy, pos, base))),
        (
            "turned the wrong way",
            lambda pos, base, dy: turned(dy, angles(dy, pos, base)),
            "wrong_term",
            "wrong sign",
        ),
        ("not turned", lambda pos, base, dy: dy, "wrong_term", "θ[i, k] is taken as zero"),
        (
            "halves for pairs",
            lambda pos, base, dy: halves(dy, angles(dy, pos, base), -1),
            "other_function",
            "halves",
        ),
        (
            "sine and cosine exchanged",
            lambda pos, base, dy: turned(dy, np.pi / 2 - angles(dy, pos, base), -1),
            "wrong_term",
        ),
        (
            "positions from 1",
            lambda pos, base, dy: turned(dy, angles(dy, pos + 1, base), -1),
            "other_function",
            "at pos + 1 instead of pos",
        ),
        (
            "half the exponent",
            lambda pos, base, dy: turned(
                dy, pos[:, None] / base ** (np.arange(dy.shape[-1] // 2) / dy.shape[-1]), -1
            ),
            "conditional",
            "base = 1: in θ[i, k] = ",
        ),
        (
            "frequencies not inverted",
            lambda pos, base, dy: turned(
                dy, pos[:, None] * base ** (np.arange(dy.shape[-1] // 2) / (dy.shape[-1] // 2)), -1
            ),
            "conditional",
            "base = 1: in θ[i, k] = ",
        ),
        (
            "base built in",
            lambda pos, base, dy: turned(dy, angles(dy, pos, 10000.0), -1),
            "conditional",
            "base = 10000",
        ),
    ),
    *table(
        "rope_halves N: pos base dy -> dx",
        ("turned back", lambda pos, base, dy: halves(dy, angles(dy, pos, base), -1)),
        (
            "turned the wrong way",
            lambda pos, base, dy: halves(dy, angles(dy, pos, base)),
            "wrong_term",
            "wrong sign",
        ),
        (
            "pairs for halves",
            lambda pos, base, dy: turned(dy, angles(dy, pos, base), -1),
            "other_function",
            "(rope)",
        ),
    ),
)

CASES = (*LINEAR, *ROPE)
