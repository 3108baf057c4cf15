"""Linear layers and attention, as the field writes them."""

from __future__ import annotations

import numpy as np
from differences import jacobian, sigma, slope, softmax
from formulas import (
    Formula,
    by,
    heads,
    output,
)


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x)


LAYERS = (  # linear layers
    Formula(
        "linear",
        r"\frac{\partial L}{\partial W} = \frac{\partial L}{\partial y} x^\top",
        "correct",
        by("W"),
        lambda s: np.outer(s.g, s.x),
    ),
    Formula(
        "linear",
        r"\frac{\partial L}{\partial W} = x \left(\frac{\partial L}{\partial y}\right)^\top",
        "shape",
        by("W"),
        lambda s: np.outer(s.x, s.g),
    ),
    Formula(
        "linear",
        r"\frac{\partial L}{\partial x} = W \frac{\partial L}{\partial y}",
        "shape",
        by("x"),
        None,
    ),
    Formula(
        "linear",
        r"\frac{\partial L}{\partial x_j} = \sum_i W_{ij} \frac{\partial L}{\partial y_i}",
        "correct",
        by("x"),
        lambda s: s.W.T @ s.g,
    ),
    Formula(
        "linear",
        r"\frac{\partial y}{\partial x} = W",
        "correct",
        lambda s: jacobian(s, "x"),
        lambda s: s.W,
    ),
    Formula(
        "lora",
        r"\frac{\partial L}{\partial A} = B^\top g x^\top",
        "scaled",
        by("A"),
        lambda s: np.outer(s.B.T @ s.g, s.x),
        (r"g = \nabla_y L",),
    ),
    Formula(
        "lora",
        r"y = Wx + \frac{\alpha}{r} BAx",
        "correct",
        output,
        lambda s: s.W @ s.x + s.alpha / 6 * s.B @ s.A @ s.x,
    ),
    Formula(
        "embedding",
        r"\frac{\partial L}{\partial W_{ak}} = \sum_i [t_i = a] \frac{\partial L}{\partial y_{ik}}",
        "correct",
        by("W"),
        lambda s: (np.arange(7)[:, None] == s.t).astype(float) @ s.g,
    ),
    Formula(
        "dropout",
        r"dx = \frac{\mathrm{mask} \odot dy}{1 - \mathrm{rate}}",
        "correct",
        by("x"),
        lambda s: s.mask * s.g / (1 - s.rate),
    ),
    Formula(
        "swiglu",
        r"\frac{\partial L}{\partial \mathrm{up}_i} = \frac{\partial L}{\partial y_i} "
        r"\mathrm{SiLU}(\mathrm{gate}_i)",
        "correct",
        by("up"),
        lambda s: s.g * s.gate * sigma(s.gate),
    ),
    # attention
    Formula(
        "attention",
        r"O = \mathrm{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V",
        "correct",
        output,
        lambda s: heads(s).O,
    ),
    Formula(
        "attention",
        r"O = \mathrm{softmax}\left(QK^\top\right)V",
        "wrong_term",
        output,
        lambda s: softmax(s.Q @ s.K.T) @ s.V,
    ),
    Formula(
        "attention",
        r"dS = P \circ (dP - D)",
        "correct",
        lambda s: heads(s).dS,
        lambda s: s.P * (s.dP - s.D[:, None]),
    ),
    Formula(
        "attention",
        r"dS = P \odot \left(dP - \mathrm{rowsum}(P \odot dP)\right)",
        "correct",
        lambda s: heads(s).dS,
        lambda s: s.P * (s.dP - (s.P * s.dP).sum(1, keepdims=True)),
    ),
    Formula(
        "attention",
        r"dS_{ij} = P_{ij}\left(dP_{ij} - \sum_k P_{kj} dP_{kj}\right)",
        "wrong_term",
        lambda s: heads(s).dS,
        lambda s: s.P * (s.dP - (s.P * s.dP).sum(0)),
    ),
    Formula(
        "attention",
        r"dS = P \odot dP",
        "wrong_term",
        lambda s: heads(s).dS,
        lambda s: s.P * s.dP,
    ),
    Formula("attention", r"dQ = dS K", "scaled", by("Q"), lambda s: heads(s).dS @ s.K),
    Formula(
        "attention",
        r"dK = Q^\top dS",
        "shape",
        by("K"),
        lambda s: s.Q.T @ heads(s).dS,
    ),
    Formula(
        "attention",
        r"dK = \frac{dS^\top Q}{\sqrt{d_k}}",
        "correct",
        by("K"),
        lambda s: heads(s).dS.T @ s.Q / np.sqrt(5),
    ),
    Formula(
        "attention",
        r"dV_{jl} = \sum_{i=1}^{n} P_{ij} dO_{il}",
        "correct",
        by("V"),
        lambda s: heads(s).P.T @ s.g,
    ),
    Formula(
        "attention",
        r"\frac{\partial P_{ij}}{\partial S_{ik}} = P_{ij}(\delta_{jk} - P_{ik})",
        "correct",
        lambda s: np.stack([slope(softmax, row) for row in heads(s).S]),
        lambda s: s.P[:, :, None] * (np.eye(4) - s.P[:, None, :]),
    ),
    Formula(
        "attention",
        r"D_i = dO_i^\top O_i",
        "correct",
        lambda s: (heads(s).P * s.dP).sum(1),
        lambda s: (s.g * s.O).sum(1),
    ),
    Formula(
        "cosine_similarity",
        r"\frac{\partial \ell}{\partial x_i} = \frac{\hat{u}_i - s \hat{x}_i}{\ell_x}",
        "correct",
        by("x"),
        lambda s: (unit(s.u) - unit(s.x) @ unit(s.u) * unit(s.x)) / np.linalg.norm(s.x),
    ),
    Formula(
        "cosine_similarity",
        r"\nabla_x s = \frac{\hat{u}}{\|x\|}",
        "wrong_term",
        by("x"),
        lambda s: unit(s.u) / np.linalg.norm(s.x),
    ),
)
