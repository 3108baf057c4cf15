"""Norms and activations, as the field writes them."""

from __future__ import annotations

import numpy as np
from differences import sigma, slope
from formulas import (
    GG,
    Formula,
    G,
    by,
    norm,
    output,
    pointwise,
    rms,
)
from scipy.special import erf

NORMS = (  # norms
    Formula(
        "layer_norm",
        r"\frac{\partial L}{\partial \gamma_i} = " + G + r" \hat{x}_i",
        "correct",
        by("gamma"),
        lambda s: s.g * norm(s).xhat,
    ),
    Formula(
        "layer_norm",
        r"\frac{\partial L}{\partial \gamma} = \frac{\partial L}{\partial y}",
        "wrong_term",
        by("gamma"),
        lambda s: s.g,
    ),
    Formula(
        "layer_norm",
        r"\frac{\partial L}{\partial x_i} = \frac{1}{d \sqrt{\sigma^2 + \epsilon}} \left( d "
        r"\frac{\partial L}{\partial \hat{x}_i} - \sum_{j=1}^{d} \frac{\partial L}{\partial "
        r"\hat{x}_j} - \hat{x}_i \sum_{j=1}^{d} \frac{\partial L}{\partial \hat{x}_j} \hat{x}_j "
        r"\right)",
        "correct",
        by("x"),
        lambda s: norm(s).r / 5 * (5 * s.dxhat - s.dxhat.sum() - s.xhat * (s.dxhat @ s.xhat)),
    ),
    Formula(
        "layer_norm",
        r"\frac{\partial L}{\partial \sigma^2} = -\frac12 \sum_i \frac{\partial L}{\partial "
        r"\hat{x}_i} (x_i - \mu)(\sigma^2 + \epsilon)^{-3/2}",
        "correct",
        lambda s: slope(
            lambda v: (norm(s).dxhat * (s.x - s.mu) / np.sqrt(v + s.eps)).sum(), norm(s).v
        ),
        lambda s: -(norm(s).dxhat * (s.x - s.mu)).sum() / 2 * (s.v + s.eps) ** -1.5,
    ),
    Formula(
        "layer_norm",
        r"y_i = \gamma_i \frac{x_i - \mathbb{E}[x]}{\sqrt{\mathrm{Var}[x] + \epsilon}} + \beta_i",
        "correct",
        output,
        lambda s: s.gamma * norm(s).xhat + s.beta,
    ),
    Formula(
        "layer_norm",
        r"\frac{\partial L}{\partial x} = r \left(g - \overline{g} - \hat{x} \odot \overline{g "
        r"\odot \hat{x}}\right)",
        "correct",
        by("x"),
        lambda s: norm(s).r * (s.dxhat - s.dxhat.mean() - s.xhat * (s.dxhat * s.xhat).mean()),
        (r"g = \gamma \odot \frac{\partial L}{\partial y}",),
    ),
    Formula(
        "layer_norm",
        r"\frac{\partial L}{\partial x_i} = \frac{1}{\sigma}\left(g_i - \hat{x}_i "
        r"\frac{1}{d}\sum_j g_j \hat{x}_j\right)",
        "wrong_term",
        by("x"),
        lambda s: norm(s).r * (s.dxhat - s.xhat * (s.dxhat * s.xhat).mean()),
        GG,
    ),
    Formula(
        "rms_norm",
        r"y = \frac{x}{\text{RMS}(x)} \odot \gamma",
        "correct",
        output,
        lambda s: s.gamma * rms(s).xhat,
    ),
    Formula(
        "rms_norm",
        r"\frac{\partial L}{\partial x_i} = \frac{g_i}{\mathrm{RMS}(x)} - "
        r"\frac{x_i}{d\,\mathrm{RMS}(x)^3}\sum_j g_j x_j",
        "correct",
        by("x"),
        lambda s: rms(s).h * s.r - s.x * s.r**3 / 5 * (s.h @ s.x),
        GG,
    ),
    Formula(
        "rms_norm",
        r"\frac{\partial L}{\partial x_i} = r \left( g_i - \hat{x}_i \sum_j g_j \hat{x}_j \right)",
        "wrong_term",
        by("x"),
        lambda s: rms(s).r * (s.h - s.xhat * (s.h @ s.xhat)),
        GG,
    ),
    Formula(
        "rms_norm",
        r"d\gamma = dy \odot \hat{x}",
        "correct",
        by("gamma"),
        lambda s: s.g * rms(s).xhat,
    ),
    # activations
    Formula(
        "gelu",
        r"\frac{dy}{dx} = \Phi(x) + x\,\phi(x)",
        "correct",
        pointwise,
        lambda s: (
            (1 + erf(s.x / np.sqrt(2))) / 2 + s.x * np.exp(-(s.x**2) / 2) / np.sqrt(2 * np.pi)
        ),
    ),
    Formula(
        "gelu",
        r"\mathrm{GELU}'(x) = \Phi(x) + x \Phi'(x)",
        "correct",
        pointwise,
        lambda s: (
            (1 + erf(s.x / np.sqrt(2))) / 2 + s.x * np.exp(-(s.x**2) / 2) / np.sqrt(2 * np.pi)
        ),
    ),
    Formula(
        "gelu",
        r"\frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial y_i} \Phi(x_i)",
        "wrong_term",
        by("x"),
        lambda s: s.g * (1 + erf(s.x / np.sqrt(2))) / 2,
    ),
    Formula(
        "gelu_tanh",
        r"y = 0.5x\left(1+\tanh\left[\sqrt{2/\pi}\,(x+0.044715x^3)\right]\right)",
        "correct",
        output,
        lambda s: 0.5 * s.x * (1 + np.tanh(np.sqrt(2 / np.pi) * (s.x + 0.044715 * s.x**3))),
    ),
    Formula(
        "silu",
        r"y' = \sigma(x) + x\sigma(x)(1-\sigma(x))",
        "correct",
        pointwise,
        lambda s: sigma(s.x) + s.x * sigma(s.x) * (1 - sigma(s.x)),
    ),
    Formula(
        "silu",
        r"y' = y + \sigma(x)(1-y)",
        "correct",
        pointwise,
        lambda s: s.out + sigma(s.x) * (1 - s.out),
    ),
    Formula(
        "silu",
        r"\frac{d}{dx}\mathrm{SiLU}(x) = \sigma(x)(1 - \sigma(x))",
        "wrong_term",
        pointwise,
        lambda s: sigma(s.x) * (1 - sigma(s.x)),
    ),
    Formula(
        "sigmoid",
        r"\frac{dy}{dx} = y(1-y)",
        "correct",
        pointwise,
        lambda s: s.out * (1 - s.out),
    ),
    Formula(
        "sigmoid",
        r"\sigma'(x) = \sigma(x)(1-\sigma(x))",
        "correct",
        pointwise,
        lambda s: sigma(s.x) * (1 - sigma(s.x)),
    ),
    Formula("tanh", r"\frac{dy}{dx} = 1 - \tanh^2 x", "correct", pointwise, lambda s: 1 - s.out**2),
    Formula(
        "tanh",
        r"\frac{\partial y_i}{\partial x_i} = 1 - y_i",
        "wrong_term",
        pointwise,
        lambda s: 1 - s.out,
    ),
    Formula(
        "relu",
        r"\frac{\partial y_i}{\partial x_i} = \mathbb{1}[x_i > 0]",
        "correct",
        pointwise,
        lambda s: (s.x > 0) * 1.0,
    ),
    Formula(
        "relu",
        r"\frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} \odot \mathbf{1}\{x > 0\}",
        "correct",
        by("x"),
        lambda s: s.g * (s.x > 0),
    ),
    Formula("softplus", r"y' = \frac{1}{1+e^{-x}}", "correct", pointwise, lambda s: sigma(s.x)),
)
