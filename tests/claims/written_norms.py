"""Layer normalisation: gradients by hand, right and wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from written import mean, table, total

# --------------------------------------------------------------------------
# LayerNorm
# --------------------------------------------------------------------------


def statistics(x: np.ndarray, eps: float, ddof: int = 0) -> tuple[np.ndarray, np.ndarray]:
    r = 1 / np.sqrt(x.var(-1, keepdims=True, ddof=ddof) + eps)
    return (x - mean(x)) * r, r


def closed_form(x, gamma, eps, dy):
    xhat, r = statistics(x, eps)
    g = gamma * dy
    dx = r * (g - mean(g) - xhat * mean(g * xhat))
    return dx, (dy * xhat).sum(0), dy.sum(0)


def one_pass(x, gamma, eps, dy):
    mu = mean(x)
    r = 1 / np.sqrt(mean(x**2) - mu**2 + eps)
    xhat = x * r - mu * r
    g = gamma * dy
    c2 = total(g * xhat) / x.shape[-1]
    c1 = total(g) / x.shape[-1]
    return (g - xhat * c2 - c1) * r, np.einsum("nd,nd->d", dy, xhat), np.ones(len(x)) @ dy


def by_loops(x, gamma, eps, dy):
    """As C code does: row by row, gradients of parameters accumulated."""
    rows, width = x.shape
    dx, dgamma, dbeta = np.zeros_like(x), np.zeros_like(gamma), np.zeros_like(gamma)
    for b in range(rows):
        mu = sum(x[b]) / width
        r = (sum((x[b] - mu) ** 2) / width + eps) ** -0.5
        norm = (x[b] - mu) * r
        dnorm_mean = sum(gamma * dy[b]) / width
        dnorm_norm_mean = sum(gamma * dy[b] * norm) / width
        for i in range(width):
            dbeta[i] += dy[b, i]
            dgamma[i] += norm[i] * dy[b, i]
            dx[b, i] += (gamma[i] * dy[b, i] - dnorm_mean - norm[i] * dnorm_norm_mean) * r
    return dx, dgamma, dbeta


def by_graph(x, gamma, eps, dy):
    """The computational graph, node by node, as in an assignment."""
    width = x.shape[1]
    mu = mean(x)
    centred = x - mu
    var = mean(centred**2)
    sqrtvar = np.sqrt(var + eps)
    ivar = 1 / sqrtvar
    dxhat = dy * gamma
    divar = total(dxhat * centred)
    dcentred = dxhat * ivar
    dsqrtvar = -divar / sqrtvar**2
    dvar = 0.5 * dsqrtvar / sqrtvar
    dcentred = dcentred + 2 * centred * (dvar * np.ones_like(x) / width)
    dmu = -total(dcentred)
    return dcentred + dmu / width, (centred * ivar * dy).sum(0), dy.sum(0)


def sums_and_d(x, gamma, eps, dy):
    d = x.shape[1]
    xhat, r = statistics(x, eps)
    g = dy * gamma
    return r / d * (d * g - total(g) - xhat * total(g * xhat))


def layer(gradient: Callable[..., Any], ddof: int = 0) -> Callable[..., Any]:
    """A gradient of x in terms of xhat, r, g and the rest."""

    def function(x, gamma, eps, dy):
        xhat, r = statistics(x, eps, ddof)
        return gradient(xhat, r, gamma * dy, x, gamma, eps, dy)

    return function


def built_in_epsilon(x, gamma, eps, dy):
    return sums_and_d(x, gamma, 1e-5, dy)


def no_epsilon(x, gamma, eps, dy):
    return sums_and_d(x, gamma, 0.0, dy)


def epsilon_outside(x, gamma, eps, dy):
    r = 1 / (x.std(-1, keepdims=True) + eps)
    xhat = (x - mean(x)) * r
    g = dy * gamma
    return r * (g - mean(g) - xhat * mean(g * xhat))


def batch_norm(x, gamma, eps, dy):
    """Statistics of the columns instead of the rows."""
    r = 1 / np.sqrt(x.var(0) + eps)
    xhat = (x - x.mean(0)) * r
    g = dy * gamma
    return r * (g - g.mean(0) - xhat * (g * xhat).mean(0))


LAYER_NORM = (
    *table(
        "layer_norm N: x gamma eps dy -> dx dgamma dbeta",
        ("closed form", closed_form),
        ("one pass", one_pass),
        ("by loops", by_loops),
        ("by the graph", by_graph),
    ),
    *table(
        "layer_norm N: x gamma eps dy -> dx dgamma dbeta",
        ("float32 by the graph", by_graph),
        ("float32 closed form", closed_form),
        dtype="float32",
    ),
    *table(
        "layer_norm N: x gamma eps dy -> dx",
        ("sums and d", sums_and_d),
        (
            "gamma outside the sums",
            layer(lambda h, r, g, x, gamma, e, dy: gamma * r * (dy - mean(dy) - h * mean(dy * h))),
            "conditional",
            "gamma is constant",
        ),
        (
            "no gamma",
            layer(lambda h, r, g, x, gamma, e, dy: r * (dy - mean(dy) - h * mean(dy * h))),
            "conditional",
            "gamma = 1",
        ),
        (
            "gamma twice",
            layer(
                lambda h, r, g, x, gamma, e, dy: (
                    r * (gamma * g - mean(gamma * g) - h * mean(gamma * g * h))
                )
            ),
            "conditional",
            "gamma = 1",
        ),
        (
            "no mean",
            layer(lambda h, r, g, x, *_: r * (g - h * mean(g * h))),
            "wrong_term",
            "the term -(1 / d) Σ_j dx̂[n, j] is missing",
        ),
        (
            "detached variance",
            layer(lambda h, r, g, x, *_: r * (g - mean(g))),
            "wrong_term",
            "the term -(x̂[n, i] / d) Σ_j x̂[n, j] dx̂[n, j] is missing",
        ),
        (
            "detached mean and variance",
            layer(lambda h, r, g, *_: r * g),
            "wrong_term",
            "is missing",
        ),
        (
            "wrong sign of the projection",
            layer(lambda h, r, g, *_: r * (g - mean(g) + h * mean(g * h))),
            "wrong_term",
            "the term -(x̂[n, i] / d) Σ_j x̂[n, j] dx̂[n, j] has the wrong sign",
        ),
        (
            "wrong sign of the mean",
            layer(lambda h, r, g, *_: r * (g + mean(g) - h * mean(g * h))),
            "wrong_term",
            "the term -(1 / d) Σ_j dx̂[n, j] has the wrong sign",
        ),
        (
            "projection summed, not averaged",
            layer(lambda h, r, g, *_: r * (g - mean(g) - h * total(g * h))),
            "wrong_term",
            "1 / d is missing",
        ),
        (
            "mean summed, not averaged",
            layer(lambda h, r, g, *_: r * (g - total(g) - h * mean(g * h))),
            "wrong_term",
            "1 / d is missing",
        ),
        (
            "mean over the batch",
            layer(lambda h, r, g, *_: r * (g - mean(g, 0) - h * mean(g * h))),
            "wrong_term",
            "Σ_j dx̂[n, j] runs over the axis N instead of d",
        ),
        (
            "mean over everything",
            layer(lambda h, r, g, *_: r * (g - g.mean() - h * mean(g * h))),
            "conditional",
            "the batch has one row",
        ),
        (
            "x instead of xhat",
            layer(lambda h, r, g, x, *_: r * (g - mean(g) - x * mean(g * h))),
            "wrong_term",
            "x̂[n, i] should be there, not x[n, i]",
        ),
        (
            "xhat forgotten inside the mean",
            layer(lambda h, r, g, *_: r * (g - mean(g) - h * mean(g))),
            "wrong_term",
            "the factor x̂[n, j] is missing",
        ),
        (
            "r forgotten",
            layer(lambda h, r, g, *_: g - mean(g) - h * mean(g * h)),
            "wrong_term",
            "the factor r[n] is missing",
        ),
        (
            "r twice",
            layer(lambda h, r, g, *_: r * r * (g - mean(g) - h * mean(g * h))),
            "wrong_term",
            "the factor r[n] is there twice",
        ),
        (
            "r stands for its inverse",
            layer(lambda h, r, g, *_: (g - mean(g) - h * mean(g * h)) / r),
            "wrong_term",
            "the factor r[n]",
        ),
        (
            "r on the first term only",
            layer(lambda h, r, g, *_: r * g - mean(g) - h * mean(g * h)),
            "wrong_term",
        ),
        ("epsilon built in", built_in_epsilon, "conditional", "eps = 1e-05"),
        ("no epsilon", no_epsilon, "conditional", "eps = 0"),
        ("epsilon outside the root", epsilon_outside, "conditional", "eps = 0"),
        (
            "unbiased variance in xhat and r alone",
            layer(lambda h, r, g, *_: r * (g - mean(g) - h * mean(g * h)), ddof=1),
            "wrong_term",
            "it divides by d - 1 instead of d",
        ),
        (
            "unbiased variance throughout",
            layer(
                lambda h, r, g, x, *_: r * (g - mean(g) - h * total(g * h) / (x.shape[1] - 1)),
                ddof=1,
            ),
            "other_function",
            "it divides by d - 1 instead of d",
        ),
        ("batch norm", batch_norm, "other_function"),
        (
            "half of the sums",
            layer(lambda h, r, g, *_: r * (g - mean(g) / 2 - h * mean(g * h))),
            "wrong_term",
            "the term -(1 / d) Σ_j dx̂[n, j] is halved",
        ),
        (
            "two mistakes",
            layer(lambda h, r, g, *_: r * (g - 2 * mean(g) + h * mean(g * h))),
            "wrong_term",
            "is doubled; the term -(x̂[n, i] / d) Σ_j x̂[n, j] dx̂[n, j] has the wrong sign",
        ),
        (
            "mean over the batch's gradient",
            layer(lambda h, r, g, *_: r * (g - mean(g) - h * mean(g * h)) / len(g)),
            "scaled",
            "1/N",
        ),
        (
            "scrambled",
            layer(lambda h, r, g, *_: np.sin(3 * h) * np.cos(7 * g)),
            "wrong",
            "the largest error is in dx[",
        ),
        (
            "rows reversed",
            layer(lambda h, r, g, *_: (r * (g - mean(g) - h * mean(g * h)))[::-1]),
            "permuted",
            "in another order",
        ),
        (
            "not a number",
            layer(lambda h, r, g, *_: r * (g - mean(g)) / np.sqrt(-np.abs(h[:, :1]))),
            "error",
        ),
        (
            "summed over the batch",
            layer(lambda h, r, g, *_: (r * (g - mean(g) - h * mean(g * h))).sum(0)),
            "shape",
            "expected [N, d]",
        ),
        (
            "transposed",
            layer(lambda h, r, g, *_: (r * (g - mean(g) - h * mean(g * h))).T),
            "shape",
            "it is the transpose",
        ),
    ),
    *table(
        "layer_norm N: x gamma eps dy -> dgamma dbeta",
        (
            "parameters exchanged",
            layer(lambda h, r, g, x, gamma, e, dy: (dy.sum(0), (dy * h).sum(0))),
            "permuted",
            "it holds the values of dgamma",
        ),
        (
            "averaged over the batch",
            layer(lambda h, r, g, x, gamma, e, dy: ((dy * h).mean(0), dy.mean(0))),
            "scaled",
            "1/N",
        ),
        (
            "not summed over the batch",
            layer(lambda h, r, g, x, gamma, e, dy: ((dy * h), dy)),
            "shape",
            "expected [d]",
        ),
        (
            "the last row alone",
            layer(lambda h, r, g, x, gamma, e, dy: ((dy * h)[-1], dy[-1])),
            "conditional",
            "the batch has one row",
        ),
        (
            "x instead of xhat",
            layer(lambda h, r, g, x, gamma, e, dy: ((dy * x).sum(0), dy.sum(0))),
            "wrong_term",
            "x̂[n, i] should be there, not x[n, i]",
        ),
        (
            "mean not subtracted",
            layer(lambda h, r, g, x, gamma, e, dy: ((dy * x * r).sum(0), dy.sum(0))),
            "wrong_term",
            "c[n, i] should be there, not x[n, i]",
        ),
        (
            "gamma in the gradient of gamma",
            layer(lambda h, r, g, x, gamma, e, dy: ((g * h).sum(0), dy.sum(0))),
            "conditional",
            "gamma = 1",
        ),
        (
            "gamma in the gradient of beta",
            layer(lambda h, r, g, x, gamma, e, dy: ((dy * h).sum(0), g.sum(0))),
            "conditional",
            "gamma = 1",
        ),
    ),
)

CASES = LAYER_NORM
