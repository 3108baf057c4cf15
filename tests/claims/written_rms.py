"""RMSNorm: gradients by hand, right and wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from written import mean, table, total
from written_norms import layer


def rms(gradient: Callable[..., Any]) -> Callable[..., Any]:
    def function(x, gamma, eps, dy):
        r = 1 / np.sqrt(mean(x * x) + eps)
        return gradient(x * r, r, gamma * dy, x, gamma, eps, dy)

    return function


RMS_NORM = (
    *table(
        "rms_norm N: x gamma eps dy -> dx dgamma",
        (
            "closed form",
            rms(lambda h, r, g, x, gamma, e, dy: (r * (g - h * mean(g * h)), (dy * h).sum(0))),
        ),
        (
            "in x",
            rms(
                lambda h, r, g, x, gamma, e, dy: (
                    r * g - r**3 / x.shape[1] * x * total(g * x),
                    np.einsum("nd,nd->d", dy, h),
                )
            ),
        ),
        (
            "weight applied twice",
            rms(
                lambda h, r, g, x, gamma, e, dy: (
                    r * gamma * (g - h * mean(g * h)),
                    (dy * h).sum(0),
                )
            ),
            "conditional",
            "gamma",
        ),
        (
            "weight forgotten",
            rms(lambda h, r, g, x, gamma, e, dy: (r * (dy - h * mean(dy * h)), (dy * h).sum(0))),
            "conditional",
            "gamma = 1",
        ),
    ),
    *table(
        "rms_norm N T: x gamma eps dy -> dx dgamma",
        (
            "two batch axes",
            rms(
                lambda h, r, g, x, gamma, e, dy: (
                    r * (g - h * mean(g * h)),
                    np.einsum("btd,btd->d", dy, h),
                )
            ),
        ),
        (
            "summed over the first axis alone",
            rms(lambda h, r, g, x, gamma, e, dy: (r * (g - h * mean(g * h)), (dy * h).sum(0)[0])),
            "conditional",
            "the batch",
        ),
    ),
    *table(
        "rms_norm N: x gamma eps dy -> dx",
        (
            "no projection",
            rms(lambda h, r, g, *_: r * g),
            "wrong_term",
            "the term -(x̂[n, i] / d) Σ_j x̂[n, j] dx̂[n, j] is missing",
        ),
        (
            "projection summed",
            rms(lambda h, r, g, *_: r * (g - h * total(g * h))),
            "wrong_term",
            "1 / d is missing",
        ),
        (
            "the square of r, not the cube",
            rms(lambda h, r, g, x, *_: r * g - r**2 * x * mean(g * x)),
            "wrong_term",
        ),
        (
            "one r too few in the projection",
            rms(lambda h, r, g, x, *_: r * (g - h * mean(g * x))),
            "wrong_term",
            "the factor r[n] is missing",
        ),
        (
            "mean subtracted as in LayerNorm",
            rms(lambda h, r, g, *_: r * (g - mean(g) - h * mean(g * h))),
            "wrong",
            "the largest error is in dx",
        ),
        (
            "LayerNorm",
            layer(lambda h, r, g, *_: r * (g - mean(g) - h * mean(g * h))),
            "other_function",
            "layer_norm",
        ),
        (
            "doubled projection",
            rms(lambda h, r, g, *_: r * (g - 2 * h * mean(g * h))),
            "wrong_term",
            "the term -(x̂[n, i] / d) Σ_j x̂[n, j] dx̂[n, j] is doubled",
        ),
        (
            "projection on the upstream gradient",
            rms(lambda h, r, g, x, gamma, e, dy: r * (g - h * mean(dy * h))),
            "conditional",
        ),
    ),
    *table(
        "rms_norm N: x gamma eps dy -> dgamma",
        (
            "x instead of xhat",
            rms(lambda h, r, g, x, gamma, e, dy: (dy * x).sum(0)),
            "wrong_term",
            "x̂[n, i] should be there, not x[n, i]",
        ),
        ("no upstream gradient", rms(lambda h, r, g, *_: h.sum(0)), "conditional", "dy is 1"),
    ),
)

CASES = RMS_NORM
