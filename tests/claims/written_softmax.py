"""Softmax and its kin: gradients by hand, right and wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from written import lse, mean, softmax, table, total


def jacobians(x, dp):
    """Row by row, with the whole Jacobian."""
    rows = []
    for p, d in zip(softmax(x), dp, strict=True):
        rows.append((np.diag(p) - np.outer(p, p)) @ d)
    return np.stack(rows)


def of_p(gradient: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, *rest: gradient(softmax(x), *rest)


def wrong_axis(x, dp):
    p = softmax(x.T).T
    return p * (dp - (p * dp).sum(0))


SOFTMAX = (
    *table(
        "softmax N: x dp -> dx",
        ("closed form", of_p(lambda p, dp: p * (dp - total(p * dp)))),
        ("with Jacobians", jacobians),
        ("einsum", of_p(lambda p, dp: p * dp - np.einsum("bi,bj,bj->bi", p, p, dp))),
        (
            "the diagonal only",
            of_p(lambda p, dp: p * (1 - p) * dp),
            "wrong_term",
            "of the sum Σ_j p[b, j] dp[b, j], only the entry j = i is there",
        ),
        (
            "the off-diagonal forgotten",
            of_p(lambda p, dp: p * dp),
            "wrong_term",
            "the term -Σ_j p[b, j] dp[b, j] is missing",
        ),
        (
            "no factor outside",
            of_p(lambda p, dp: dp - total(p * dp)),
            "wrong_term",
            "the factor p[b, i] is missing",
        ),
        (
            "no factor inside",
            of_p(lambda p, dp: p * (dp - total(dp))),
            "wrong_term",
            "in p[b, j] dp[b, j], the factor p[b, j] is missing",
        ),
        (
            "wrong sign",
            of_p(lambda p, dp: p * (dp + total(p * dp))),
            "wrong_term",
            "has the wrong sign",
        ),
        (
            "mean for sum",
            of_p(lambda p, dp: p * (dp - mean(p * dp))),
            "wrong_term",
            "the term -Σ_j p[b, j] dp[b, j] is multiplied by 1/n",
        ),
        (
            "p squared in the sum",
            of_p(lambda p, dp: p * (dp - total(p * p * dp))),
            "wrong_term",
            "there is a factor p[b, j] too many",
        ),
        (
            "sum over everything",
            of_p(lambda p, dp: p * (dp - (p * dp).sum())),
            "conditional",
            "the batch has one row",
        ),
        (
            "sum over the batch",
            of_p(lambda p, dp: p * (dp - (p * dp).sum(0))),
            "wrong_term",
            "runs over the axis N instead of n",
        ),
        ("along the wrong axis", wrong_axis, "other_function", "along the axis N, not n"),
        (
            "of log-softmax",
            of_p(lambda p, dp: dp - p * total(dp)),
            "other_function",
            "(log_softmax)",
        ),
        (
            "the bracket of one term only",
            of_p(lambda p, dp: p * dp - total(p * dp)),
            "wrong_term",
            "p[b, i]",
        ),
        ("no upstream gradient", of_p(lambda p, dp: p * (1 - p)), "wrong"),
    ),
    *table(
        "softmax N: x dp -> dx",
        ("float32", of_p(lambda p, dp: p * (dp - total(p * dp)))),
        dtype="float32",
    ),
    *table(
        "softmax N: x dp -> dx",
        (
            "single precision inside",
            lambda x, dp: (lambda p: p * (dp - total(p * dp)))(
                softmax(x.astype(np.float32))
            ).astype(float),
            "rounded",
            "lower precision",
        ),
    ),
    *table(
        "log_softmax N: x dy -> dx",
        ("closed form", of_p(lambda p, dy: dy - p * total(dy))),
        ("by the output", lambda x, dy: dy - np.exp(x - lse(x)) * dy.sum(1, keepdims=True)),
        (
            "an upstream gradient that sums to 1",
            of_p(lambda p, dy: dy - p),
            "wrong_term",
            "the factor Σ_j dy[b, j] is missing",
        ),
        (
            "mean for sum",
            of_p(lambda p, dy: dy - p * mean(dy)),
            "wrong_term",
            "is multiplied by 1/n",
        ),
        (
            "diagonal only",
            of_p(lambda p, dy: dy - p * dy),
            "wrong_term",
            "of the sum Σ_j dy[b, j], only the entry j = i is there",
        ),
        (
            "no probabilities",
            of_p(lambda p, dy: dy - total(dy)),
            "wrong_term",
            "the factor p[b, i] is missing",
        ),
        ("of softmax", of_p(lambda p, dy: p * (dy - total(p * dy))), "other_function", "(softmax)"),
        (
            "the weights again in the sum",
            of_p(lambda p, dy: dy - p * total(p * dy)),
            "wrong_term",
            "p[b, j]",
        ),
        (
            "base 2",
            of_p(lambda p, dy: (dy - p * total(dy)) / np.log(2)),
            "scaled",
            "1/log(2)",
        ),
    ),
    *table(
        "logsumexp N: x dz -> dx",
        ("closed form", of_p(lambda p, dz: dz[:, None] * p)),
        ("no upstream gradient", of_p(lambda p, dz: p), "conditional", "dz is 1"),
        ("wrong sign", of_p(lambda p, dz: -dz[:, None] * p), "scaled", "-1"),
        ("mean of exponentials is right too", lambda x, dz: np.exp(x - lse(x)) * dz[:, None]),
        (
            "not normalised",
            lambda x, dz: np.exp(x) * dz[:, None],
            "wrong_term",
            "Z",
        ),
        (
            "the largest alone",
            lambda x, dz: dz[:, None] * (x == x.max(-1, keepdims=True)),
            "wrong",
        ),
    ),
    *table(
        "masked_softmax N: x mask dp -> dx",
        (
            "closed form",
            lambda x, mask, dp: (lambda p: p * (dp - total(p * dp)))(
                np.exp(x) * mask / total(np.exp(x) * mask)
            ),
        ),
        (
            "mask forgotten",
            lambda x, mask, dp: (lambda p: p * (dp - total(p * dp)))(softmax(x)),
            "other_function",
            "mask",
        ),
        (
            "mask on the result only",
            lambda x, mask, dp: (lambda p: mask * p * (dp - total(p * dp)))(softmax(x)),
            "wrong",
        ),
    ),
)

CASES = SOFTMAX
