"""Attention, preferences and policies: gradients by hand, right and wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from written import lse, mean, sigmoid, softmax, table, total


def T(a: np.ndarray) -> np.ndarray:
    return np.swapaxes(a, -1, -2)


def causal(S: np.ndarray) -> np.ndarray:
    n = S.shape[-1]
    return np.where(np.tril(np.ones((n, n))) > 0, S, -np.inf)


def unmasked(S: np.ndarray) -> np.ndarray:
    return S


def attend(
    mask: Callable[[np.ndarray], np.ndarray] = unmasked,
    scale: Callable[[np.ndarray], float] = lambda Q: np.sqrt(Q.shape[-1]),
    outer: Callable[[np.ndarray], float] | None = None,
    dscores: Callable[..., Any] = lambda P, dP, D: P * (dP - D),
    probabilities: Callable[[np.ndarray], np.ndarray] = softmax,
) -> Callable[..., Any]:
    """Attention's backward pass with one part of it changed."""

    def function(Q, K, V, dO):
        P = probabilities(mask(Q @ T(K) / scale(Q)))
        dP = dO @ T(V)
        dS = dscores(P, dP, total(P * dP))
        s = (outer or scale)(Q)
        return dS @ K / s, T(dS) @ Q / s, T(P) @ dO

    return function


def by_blocks(Q, K, V, dO):
    """As in FlashAttention: the log-sum-exp is kept, keys come in blocks."""
    scale = Q.shape[-1] ** -0.5
    S = Q @ T(K) * scale
    L = lse(S)
    O = np.exp(S - L) @ V
    D = total(dO * O)
    dQ, dK, dV = np.zeros_like(Q), np.zeros_like(K), np.zeros_like(V)
    for j in range(0, K.shape[-2], 2):
        keys, values = K[..., j : j + 2, :], V[..., j : j + 2, :]
        P = np.exp(Q @ T(keys) * scale - L)
        dV[..., j : j + 2, :] = T(P) @ dO
        dS = P * (dO @ T(values) - D)
        dQ += dS @ keys * scale
        dK[..., j : j + 2, :] = T(dS) @ Q * scale
    return dQ, dK, dV


def in_base_2(scale_forgotten: bool = False) -> Callable[..., Any]:
    """As kernels do: exp2 and scores times log2(e)."""

    def function(Q, K, V, dO):
        s = Q.shape[-1] ** -0.5
        S = Q @ T(K) * s * np.log2(np.e)
        P = 2 ** (S - S.max(-1, keepdims=True))
        P /= total(P)
        dP = dO @ T(V)
        dS = P * (dP - total(P * dP)) * s * (np.log2(np.e) if scale_forgotten else 1)
        return dS @ K, T(dS) @ Q, T(P) @ dO

    return function


def of_maximum(x: np.ndarray) -> np.ndarray:
    return np.exp(x - x.max(-1, keepdims=True))


ATTENTION = (
    *table(
        "attention N: Q K V dO -> dQ dK dV",
        ("closed form", attend()),
        ("by blocks", by_blocks),
        ("in base 2", in_base_2()),
        ("ln 2 forgotten", in_base_2(scale_forgotten=True), "scaled", "1/log(2)"),
        ("no scale in front", attend(outer=lambda Q: 1.0), "scaled", "sqrt(d)"),
        ("scale twice", attend(outer=lambda Q: Q.shape[-1]), "scaled", "1/sqrt(d)"),
        ("no scale at all", attend(scale=lambda Q: 1.0), "other_function", "without the factor"),
        ("d for its root", attend(scale=lambda Q: float(Q.shape[-1])), "other_function", "√d"),
        (
            "no D",
            attend(dscores=lambda P, dP, D: P * dP),
            "wrong_term",
            "the term -D[b, i] is missing",
        ),
        (
            "D's sign",
            attend(dscores=lambda P, dP, D: P * (dP + D)),
            "wrong_term",
            "the term -D[b, i] has the wrong sign",
        ),
        (
            "no P outside",
            attend(dscores=lambda P, dP, D: dP - D),
            "wrong_term",
            "the factor P[b, i, j] is missing",
        ),
        ("P on one term", attend(dscores=lambda P, dP, D: P * dP - D), "wrong_term", "P[b, i, j]"),
        ("the diagonal only", attend(dscores=lambda P, dP, D: P * (1 - P) * dP), "wrong_term"),
        (
            "D averaged",
            attend(dscores=lambda P, dP, D: P * (dP - D / P.shape[-1])),
            "wrong_term",
            "1/m",
        ),
        (
            "D over the batch's rows",
            attend(dscores=lambda P, dP, D: P * (dP - (P * dP).sum(-2, keepdims=True))),
            "wrong_term",
        ),
        ("of log-softmax", attend(dscores=lambda P, dP, D: dP - P * total(dP)), "wrong_term"),
        (
            "softmax over the queries",
            attend(
                probabilities=lambda S: T(softmax(T(S))),
                dscores=lambda P, dP, D: P * (dP - (P * dP).sum(-2, keepdims=True)),
            ),
            "other_function",
            "along the axis n, not m",
        ),
        ("softmax not through", attend(dscores=lambda P, dP, D: dP), "wrong_term"),
        ("not normalised", attend(probabilities=of_maximum), "wrong"),
        (
            "through V of queries",
            lambda Q, K, V, dO: (*attend()(Q, K, V, dO)[:2], T(softmax(Q @ T(K))) @ dO),
            "other_function",
            "without the factor",
        ),
    ),
    *table(
        "attention B H: Q K V dO -> dQ dK dV",
        ("heads", attend()),
        ("heads by blocks", by_blocks),
        ("heads, no scale", attend(outer=lambda Q: 1.0), "scaled", "sqrt(d)"),
        ("heads, no D", attend(dscores=lambda P, dP, D: P * dP), "wrong_term", "is missing"),
    ),
    *table(
        "attention N: Q K V dO -> dQ dK dV",
        ("float32", attend()),
        dtype="float32",
    ),
    *table(
        "causal_attention N: Q K V dO -> dQ dK dV",
        ("closed form", attend(causal)),
        ("mask forgotten", attend(), "other_function", "without the mask"),
        (
            "mask turned around",
            attend(lambda S: T(causal(T(S)))),
            "other_function",
            "instead of [j ≤ i]",
        ),
        ("large negative number", attend(lambda S: S - 1e9 * (np.triu(np.ones(S.shape[-2:]), 1)))),
        (
            "mask after softmax",
            attend(probabilities=lambda S: softmax(S) * np.tril(np.ones(S.shape[-2:]))),
            "wrong_term",
        ),
        ("no scale", attend(causal, outer=lambda Q: 1.0), "scaled", "sqrt(d)"),
        (
            "scale by the length",
            attend(causal, scale=lambda Q: np.sqrt(Q.shape[-2])),
            "conditional",
            "n = d",
        ),
        (
            "values by P, not its transpose",
            lambda Q, K, V, dO: (
                *attend(causal)(Q, K, V, dO)[:2],
                softmax(causal(Q @ T(K) / np.sqrt(Q.shape[-1]))) @ dO,
            ),
            "wrong_term",
            "the factor P[b, i, j] is transposed",
        ),
        (
            "dS transposed",
            lambda Q, K, V, dO: (
                lambda dQ, dK, dV: (
                    attend(causal, dscores=lambda P, dP, D: T(P * (dP - D)))(Q, K, V, dO)[0],
                    dK,
                    dV,
                )
            )(*attend(causal)(Q, K, V, dO)),
            "wrong_term",
            "the factor dS[b, i, j] is transposed",
        ),
        (
            "dQ and dK exchanged",
            lambda Q, K, V, dO: (lambda a, b, c: (b, a, c))(*attend(causal)(Q, K, V, dO)),
            "permuted",
            "dQ: it holds the values of dK",
        ),
        ("no D", attend(causal, dscores=lambda P, dP, D: P * dP), "wrong_term", "is missing"),
    ),
    *table(
        "masked_attention N: Q K V M dO -> dQ dK dV",
        ("closed form", lambda Q, K, V, M, dO: attend(lambda S: S + M)(Q, K, V, dO)),
        ("mask forgotten", lambda Q, K, V, M, dO: attend()(Q, K, V, dO), "other_function"),
        (
            "mask scaled, too",
            lambda Q, K, V, M, dO: attend(lambda S: S + M / np.sqrt(Q.shape[-1]))(Q, K, V, dO),
            "other_function",
            "M/sqrt(d)",
        ),
        (
            "mask subtracted",
            lambda Q, K, V, M, dO: attend(lambda S: S - M)(Q, K, V, dO),
            "wrong_term",
            "wrong sign",
        ),
    ),
)

# --------------------------------------------------------------------------
# Preferences, policies, clipping
# --------------------------------------------------------------------------


def lead(c_w, c_l, ref_w, ref_l, beta):
    return beta * ((c_w - ref_w) - (c_l - ref_l))


def prefer(slope: Callable[..., Any]) -> Callable[..., Any]:
    """The gradients of both log-probabilities from that of the chosen one."""

    def function(c_w, c_l, ref_w, ref_l, beta):
        g = slope(lead(c_w, c_l, ref_w, ref_l, beta), c_w, c_l, ref_w, ref_l, beta)
        return g, -g

    return function


def ratio_of(logp, old):
    return np.exp(logp - old)


def clipped(logp, old, A, epsilon):
    r = ratio_of(logp, old)
    inside = ((A > 0) & (r < 1 + epsilon)) | ((A < 0) & (r > 1 - epsilon))
    return -r * A * inside / logp.shape[-1]


def plainly_clipped(logp, old, A, epsilon):
    """Without the minimum: zero wherever the ratio was clipped."""
    r = ratio_of(logp, old)
    return -r * A * (abs(r - 1) < epsilon) / logp.shape[-1]


PREFERENCES = (
    *table(
        "dpo N: c_w c_l ref_w ref_l beta -> dc_w dc_l",
        ("closed form", prefer(lambda h, *a: -a[-1] * sigmoid(-h))),
        ("by the loss", prefer(lambda h, *a: a[-1] * (sigmoid(h) - 1))),
        ("beta forgotten", prefer(lambda h, *a: -sigmoid(-h)), "scaled", "1/beta"),
        ("beta twice", prefer(lambda h, *a: -(a[-1] ** 2) * sigmoid(-h)), "scaled", "beta"),
        ("sigmoid of the other side", prefer(lambda h, *a: -a[-1] * sigmoid(h)), "wrong_term"),
        ("no sigmoid", prefer(lambda h, *a: -a[-1] + 0 * h), "other_function"),
        ("outputs exchanged", prefer(lambda h, *a: a[-1] * sigmoid(-h)), "permuted"),
        ("averaged", prefer(lambda h, *a: -a[-1] * sigmoid(-h) / len(h)), "scaled", "1/N"),
        (
            "beta outside the sigmoid",
            prefer(lambda h, *a: -a[-1] * sigmoid(-h / a[-1])),
            "conditional",
            "beta = 1",
        ),
        (
            "no reference",
            prefer(lambda h, w, l, rw, rl, beta: -beta * sigmoid(-beta * (w - l))),
            "other_function",
        ),
        (
            "reference added",
            prefer(lambda h, w, l, rw, rl, beta: -beta * sigmoid(-beta * (w - l + rw - rl))),
            "other_function",
        ),
        (
            "reference of the rejected forgotten",
            prefer(lambda h, w, l, rw, rl, beta: -beta * sigmoid(-beta * (w - l - rw))),
            "other_function",
        ),
        (
            "of the sigmoid, not its logarithm",
            prefer(lambda h, *a: -a[-1] * sigmoid(-h) * sigmoid(h)),
            "wrong_term",
            "p[n]",
        ),
    ),
    *table(
        "ppo_clip N: logp old A epsilon -> dlogp",
        ("closed form", clipped),
        ("minimum forgotten", plainly_clipped, "other_function"),
        (
            "never clipped",
            lambda logp, old, A, e: -ratio_of(logp, old) * A / logp.shape[-1],
            "wrong_term",
        ),
        (
            "ratio forgotten",
            lambda logp, old, A, e: clipped(logp, old, A, e) / ratio_of(logp, old),
            "other_function",
            "with respect to rho",
        ),
        ("wrong sign", lambda logp, old, A, e: -clipped(logp, old, A, e), "scaled", "-1"),
        (
            "summed",
            lambda logp, old, A, e: clipped(logp, old, A, e) * logp.shape[-1],
            "scaled",
            "n",
        ),
    ),
    *table(
        "clip_by_global_norm N: g max_norm dy -> dg",
        (
            "clipped throughout",
            lambda g, c, dy: np.where(
                (g**2).sum(-1, keepdims=True) > c**2,
                c / np.sqrt(total(g**2)) * (dy - g * total(g * dy) / total(g**2)),
                dy,
            ),
        ),
        (
            "norm detached",
            lambda g, c, dy: np.where(
                (g**2).sum(-1, keepdims=True) > c**2, c / np.sqrt(total(g**2)) * dy, dy
            ),
            "wrong_term",
        ),
        ("never clipped", lambda g, c, dy: dy, "wrong_term"),
    ),
    *table(
        "top_k_gate N: z mask dg -> dz",
        (
            "closed form",
            lambda z, mask, dG: (lambda G: G * (dG - total(G * dG)))(
                mask * np.exp(z) / total(mask * np.exp(z))
            ),
        ),
        (
            "all experts",
            lambda z, mask, dG: (lambda G: G * (dG - total(G * dG)))(softmax(z)),
            "other_function",
            "mask",
        ),
        (
            "chosen ones detached",
            lambda z, mask, dG: (lambda G: G * dG)(mask * np.exp(z) / total(mask * np.exp(z))),
            "wrong_term",
            "is missing",
        ),
        (
            "mean of the gates",
            lambda z, mask, dG: (lambda G: G * (dG - mean(G * dG)))(
                mask * np.exp(z) / total(mask * np.exp(z))
            ),
            "wrong_term",
        ),
    ),
)

CASES = (*ATTENTION, *PREFERENCES)
