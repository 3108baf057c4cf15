"""Activations, linear layers, embeddings, positions and dropout: gradients by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import erf
from written import sigmoid, table

# --------------------------------------------------------------------------
# Activations
# --------------------------------------------------------------------------

C = np.sqrt(2 / np.pi)


def cdf(x: np.ndarray) -> np.ndarray:
    return (1 + erf(x / np.sqrt(2))) / 2


def pdf(x: np.ndarray) -> np.ndarray:
    return np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def tanh_parts(x: np.ndarray, c: float = C, a: float = 0.044715) -> tuple[np.ndarray, np.ndarray]:
    """The value's share and the derivative's, of the approximation by tanh."""
    t = np.tanh(c * (x + a * x**3))
    return (1 + t) / 2, x / 2 * (1 - t * t) * c * (1 + 3 * a * x * x)


def polynomial_erf(z: np.ndarray) -> np.ndarray:
    """Abramowitz and Stegun 7.1.26, 1.5e-7 off."""
    t = 1 / (1 + 0.3275911 * np.abs(z))
    series = ((((1.061405429 * t - 1.453152027) * t) + 1.421413741) * t - 0.284496736) * t
    return np.sign(z) * (1 - (series + 0.254829592) * t * np.exp(-z * z))


def sech2_by_cosh(x, dy):
    """As in C: cosh, not tanh squared."""
    u = C * (x + 0.044715 * x**3)
    sech = 1 / np.cosh(u) ** 2
    local = 0.5 * (1 + np.tanh(u)) + x * 0.5 * sech * C * (1 + 3 * 0.044715 * x * x)
    return local * dy


GELU = (
    *table(
        "gelu N: x dy -> dx",
        ("closed form", lambda x, dy: dy * (cdf(x) + x * pdf(x))),
        ("of tanh", lambda x, dy: dy * sum(tanh_parts(x)), "other_function", "gelu_tanh"),
        (
            "tanh's values with erf's derivative",
            lambda x, dy: dy * (tanh_parts(x)[0] + x * pdf(x)),
            "wrong_term",
            "is computed by its approximation by tanh",
        ),
        ("no x", lambda x, dy: dy * (cdf(x) + pdf(x)), "wrong_term", "the factor x[b, i] is"),
        (
            "values alone",
            lambda x, dy: dy * cdf(x),
            "wrong_term",
            "the term x[b, i] φ[b, i] is missing",
        ),
        (
            "density alone",
            lambda x, dy: dy * x * pdf(x),
            "wrong_term",
            "the term Φ[b, i] is missing",
        ),
        (
            "wrong sign",
            lambda x, dy: dy * (cdf(x) - x * pdf(x)),
            "wrong_term",
            "has the wrong sign",
        ),
        (
            "no half in the exponent",
            lambda x, dy: dy * (cdf(x) + x * np.exp(-x * x) / np.sqrt(2 * np.pi)),
            "wrong_term",
            "φ[b, i]",
        ),
        (
            "no root of 2 in erf",
            lambda x, dy: dy * ((1 + erf(x)) / 2 + x * pdf(x)),
            "wrong_term",
            "Φ[b, i]",
        ),
        (
            "the density's constant forgotten",
            lambda x, dy: dy * (cdf(x) + x * np.exp(-x * x / 2)),
            "wrong_term",
            "the term x[b, i] φ[b, i] is multiplied by sqrt(2)*sqrt(pi)",
        ),
        (
            "the density's constant upside down",
            lambda x, dy: dy * (cdf(x) + x * np.exp(-x * x / 2) * np.sqrt(2 * np.pi)),
            "wrong_term",
        ),
        ("no upstream gradient", lambda x, dy: cdf(x) + x * pdf(x), "conditional", "dy is 1"),
        (
            "five digits",
            lambda x, dy: dy * (cdf(x) + x * 0.39894 * np.exp(-x * x / 2)),
            "rounded",
            "1 / √(2 π) = 0.39894228 is taken as 0.39894",
        ),
        (
            "a polynomial for erf",
            lambda x, dy: dy * ((1 + polynomial_erf(x / np.sqrt(2))) / 2 + x * pdf(x)),
            "rounded",
            "erf is approximated",
        ),
        (
            "by a sigmoid",
            lambda x, dy: (
                dy * (sigmoid(1.702 * x) + 1.702 * x * sigmoid(1.702 * x) * sigmoid(-1.702 * x))
            ),
            "other_function",
            "sigmoid",
        ),
        (
            "of silu",
            lambda x, dy: dy * (sigmoid(x) + x * sigmoid(x) * sigmoid(-x)),
            "other_function",
            "silu",
        ),
    ),
    *table(
        "gelu N: x dy -> dx",
        ("float32", lambda x, dy: dy * (cdf(x) + x * pdf(x)).astype(x.dtype)),
        dtype="float32",
    ),
    *table(
        "gelu_tanh N: x dy -> dx",
        ("closed form", lambda x, dy: dy * sum(tanh_parts(x))),
        ("by cosh", sech2_by_cosh),
        ("of erf", lambda x, dy: dy * (cdf(x) + x * pdf(x)), "other_function", "(gelu)"),
        (
            "three digits of a constant",
            lambda x, dy: dy * sum(tanh_parts(x, 0.798)),
            "rounded",
            "0.798",
        ),
        (
            "cubic's 3 forgotten",
            lambda x, dy: (
                dy
                * (
                    tanh_parts(x)[0]
                    + tanh_parts(x)[1] * (1 + 0.044715 * x * x) / (1 + 3 * 0.044715 * x * x)
                )
            ),
            "wrong_term",
        ),
        (
            "inner derivative forgotten",
            lambda x, dy: dy * (tanh_parts(x)[0] + tanh_parts(x)[1] / (1 + 3 * 0.044715 * x * x)),
            "wrong_term",
        ),
        (
            "1 + tanh^2",
            lambda x, dy: (
                dy
                * (
                    tanh_parts(x)[0]
                    + tanh_parts(x)[1]
                    + x * np.tanh(C * (x + 0.044715 * x**3)) ** 2 * C * (1 + 3 * 0.044715 * x * x)
                )
            ),
            "wrong_term",
            "sign",
        ),
        ("values alone", lambda x, dy: dy * tanh_parts(x)[0], "wrong_term", "is missing"),
        (
            "the square for the cube",
            lambda x, dy: (
                dy
                * sum(
                    (lambda t: ((1 + t) / 2, x / 2 * (1 - t * t) * C * (1 + 3 * 0.044715 * x * x)))(
                        np.tanh(C * (x + 0.044715 * x**2))
                    )
                )
            ),
            "wrong_term",
        ),
    ),
)


def local(derivative: Callable[[np.ndarray], np.ndarray]) -> Callable[..., Any]:
    return lambda x, dy: dy * derivative(x)


ACTIVATIONS = (
    *table(
        "relu N: x dy -> dx",
        ("closed form", local(lambda x: x > 0)),
        ("by where", lambda x, dy: np.where(x > 0, dy, 0.0)),
        ("masked in place", lambda x, dy: dy * np.heaviside(x, 0)),
        ("the mask of the gradient", lambda x, dy: dy * (dy > 0), "wrong_term"),
        ("the negative side", local(lambda x: x < 0), "wrong_term"),
        ("no mask", lambda x, dy: dy, "wrong_term"),
        ("the value", lambda x, dy: dy * np.maximum(x, 0), "wrong_term", "x[b, i]"),
        ("leaky", local(lambda x: np.where(x > 0, 1, 0.01)), "other_function"),
    ),
    *table(
        "sigmoid N: x dy -> dx",
        ("closed form", local(lambda x: sigmoid(x) * (1 - sigmoid(x)))),
        ("by exponentials", local(lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2)),
        ("no complement", local(sigmoid), "other_function", "Softplus"),
        ("complement alone", local(lambda x: 1 - sigmoid(x)), "wrong_term"),
        ("of x for the value", local(lambda x: x * (1 - x)), "wrong_term"),
        ("wrong sign", local(lambda x: sigmoid(x) * (1 + sigmoid(x))), "wrong_term"),
        ("of tanh", local(lambda x: 1 - np.tanh(x) ** 2), "other_function", "tanh"),
        ("value squared", local(lambda x: 1 - sigmoid(x) ** 2), "wrong_term"),
    ),
    *table(
        "tanh N: x dy -> dx",
        ("closed form", local(lambda x: 1 - np.tanh(x) ** 2)),
        ("not squared", local(lambda x: 1 - np.tanh(x)), "wrong_term"),
        ("of x for the value", local(lambda x: 1 - x**2), "wrong_term"),
        ("wrong sign", local(lambda x: 1 + np.tanh(x) ** 2), "wrong_term", "wrong sign"),
        ("of sigmoid", local(lambda x: sigmoid(x) * sigmoid(-x)), "other_function", "sigmoid"),
        ("1 forgotten", local(lambda x: -(np.tanh(x) ** 2)), "wrong_term", "1 is missing"),
    ),
    *table(
        "softplus N: x dy -> dx",
        ("closed form", local(sigmoid)),
        ("of the negative", local(lambda x: sigmoid(-x)), "other_function"),
        (
            "its second derivative",
            local(lambda x: sigmoid(x) * sigmoid(-x)),
            "other_function",
            "sigmoid",
        ),
        ("base 2", local(lambda x: sigmoid(x) / np.log(2)), "scaled", "1/log(2)"),
    ),
    *table(
        "silu N: x dy -> dx",
        ("closed form", local(lambda x: sigmoid(x) * (1 + x * (1 - sigmoid(x))))),
        ("in the output", local(lambda x: x * sigmoid(x) + sigmoid(x) * (1 - x * sigmoid(x)))),
        ("sigmoid alone", local(sigmoid), "other_function", "Softplus"),
        ("no x", local(lambda x: sigmoid(x) * (1 + (1 - sigmoid(x)))), "wrong_term", "x[b, i]"),
        ("no complement", local(lambda x: sigmoid(x) * (1 + x)), "wrong_term"),
        ("sigmoid' alone", local(lambda x: x * sigmoid(x) * (1 - sigmoid(x))), "wrong_term"),
        (
            "wrong sign",
            local(lambda x: sigmoid(x) * (1 - x * (1 - sigmoid(x)))),
            "wrong_term",
            "wrong sign",
        ),
        ("1 - x sigmoid", local(lambda x: sigmoid(x) * (1 + 1 - x * sigmoid(x))), "wrong_term"),
        ("of gelu", local(lambda x: cdf(x) + x * pdf(x)), "other_function", "(gelu)"),
    ),
    *table(
        "softcap N: x c dy -> dx",
        ("closed form", lambda x, c, dy: dy * (1 - np.tanh(x / c) ** 2)),
        (
            "multiplied by the cap",
            lambda x, c, dy: dy * c * (1 - np.tanh(x / c) ** 2),
            "scaled",
            "c",
        ),
        (
            "divided by the cap",
            lambda x, c, dy: dy / c * (1 - np.tanh(x / c) ** 2),
            "scaled",
            "1/c",
        ),
        ("no cap", lambda x, c, dy: dy * (1 - np.tanh(x) ** 2), "conditional", "c = 1"),
        (
            "of the capped output",
            lambda x, c, dy: dy * (1 - (c * np.tanh(x / c)) ** 2),
            "conditional",
            "c = 1",
        ),
    ),
)


def gated(derivative: Callable[..., Any]) -> Callable[..., Any]:
    return lambda gate, up, dy: derivative(gate, up, dy, sigmoid(gate))


GATES = (
    *table(
        "swiglu N: gate up dy -> dgate dup",
        ("closed form", gated(lambda g, u, dy, s: (dy * u * s * (1 + g * (1 - s)), dy * g * s))),
        (
            "by the activation",
            gated(lambda g, u, dy, s: (dy * u * (s + g * s * (1 - s)), dy * (g * s))),
        ),
        ("sigmoid alone", gated(lambda g, u, dy, s: (dy * u * s, dy * g * s)), "wrong_term"),
        (
            "sigmoid' without the gate",
            gated(lambda g, u, dy, s: (dy * u * (s + s * (1 - s)), dy * g * s)),
            "wrong_term",
            "gate[b, i]",
        ),
        ("sigmoid'", gated(lambda g, u, dy, s: (dy * u * s * (1 - s), dy * g * s)), "wrong"),
        (
            "no up",
            gated(lambda g, u, dy, s: (dy * s * (1 + g * (1 - s)), dy * g * s)),
            "wrong_term",
            "up[b, i]",
        ),
        (
            "gate not activated",
            gated(lambda g, u, dy, s: (dy * u * s * (1 + g * (1 - s)), dy * g)),
            "wrong_term",
        ),
        (
            "outputs exchanged",
            gated(lambda g, u, dy, s: (dy * g * s, dy * u * s * (1 + g * (1 - s)))),
            "permuted",
        ),
        (
            "inputs exchanged",
            lambda g, u, dy: (dy * u * sigmoid(u), dy * g * sigmoid(u) * (1 + u * sigmoid(-u))),
            "other_function",
        ),
        (
            "wrong sign",
            gated(lambda g, u, dy, s: (dy * u * s * (1 - g * (1 - s)), dy * g * s)),
            "wrong_term",
            "wrong sign",
        ),
    ),
    *table(
        "geglu N: gate up dy -> dgate dup",
        ("closed form", lambda g, u, dy: (dy * u * (cdf(g) + g * pdf(g)), dy * g * cdf(g))),
        (
            "by tanh",
            lambda g, u, dy: (dy * u * sum(tanh_parts(g)), dy * g * tanh_parts(g)[0]),
            "other_function",
            "tanh",
        ),
        (
            "of swiglu",
            gated(lambda g, u, dy, s: (dy * u * s * (1 + g * (1 - s)), dy * g * s)),
            "other_function",
            "swiglu",
        ),
        (
            "no x on the density",
            lambda g, u, dy: (dy * u * (cdf(g) + pdf(g)), dy * g * cdf(g)),
            "wrong_term",
            "gate[b, i]",
        ),
    ),
    *table(
        "dropout N: x mask rate dy -> dx",
        ("closed form", lambda x, mask, rate, dy: dy * mask / (1 - rate)),
        ("scale forgotten", lambda x, mask, rate, dy: dy * mask, "scaled", "1 - rate"),
        ("scale twice", lambda x, mask, rate, dy: dy * mask / (1 - rate) ** 2, "scaled"),
        ("scaled by the rate", lambda x, mask, rate, dy: dy * mask / rate, "scaled"),
        ("multiplied for divided", lambda x, mask, rate, dy: dy * mask * (1 - rate), "scaled"),
        (
            "mask forgotten",
            lambda x, mask, rate, dy: dy / (1 - rate),
            "other_function",
            "without the mask",
        ),
        ("mask upside down", lambda x, mask, rate, dy: dy * (1 - mask) / (1 - rate), "wrong_term"),
        ("as in evaluation", lambda x, mask, rate, dy: dy, "wrong"),
    ),
)

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

CASES = (*GELU, *ACTIVATIONS, *GATES, *LINEAR, *ROPE)
