"""Activations and gates: gradients by hand."""

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
        "softcap N: x kappa dy -> dx",
        ("closed form", lambda x, kappa, dy: dy * (1 - np.tanh(x / kappa) ** 2)),
        (
            "multiplied by the cap",
            lambda x, kappa, dy: dy * kappa * (1 - np.tanh(x / kappa) ** 2),
            "scaled",
            "kappa",
        ),
        (
            "divided by the cap",
            lambda x, kappa, dy: dy / kappa * (1 - np.tanh(x / kappa) ** 2),
            "scaled",
            "1/kappa",
        ),
        ("no cap", lambda x, kappa, dy: dy * (1 - np.tanh(x) ** 2), "conditional", "kappa = 1"),
        (
            "of the capped output",
            lambda x, kappa, dy: dy * (1 - (kappa * np.tanh(x / kappa)) ** 2),
            "conditional",
            "kappa = 1",
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


CASES = (*GELU, *ACTIVATIONS, *GATES)
