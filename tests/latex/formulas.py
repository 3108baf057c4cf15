r"""Formulas as the field writes them: papers, lecture notes, blog posts, READMEs.

Each row has what is claimed as LaTeX and, by hand, as NumPy, and how the truth is found by
differences, so that a verdict rests on neither the reader nor the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from differences import forward, gradient, hessian, jacobian, sigma, slope, softmax
from scipy.special import erf

Point = SimpleNamespace
Numbers = Callable[[Point], Any]


@dataclass(frozen=True)
class Formula:
    """``truth`` and ``claimed`` give arrays at a point; ``kind`` is the verdict expected."""

    op: str
    latex: str
    kind: str
    truth: Numbers
    claimed: Numbers | None
    where: tuple[str, ...] = ()


def by(name: str) -> Numbers:
    """The gradient by an input."""
    return lambda s: gradient(s, name)


def output(s: Point) -> Any:
    return forward(s)


def pointwise(s: Point) -> Any:
    """The derivative of each entry by its own input."""
    return np.diagonal(jacobian(s, "x"))


def eye(s: Any) -> np.ndarray:
    return np.eye(len(s))


def norm(s: Point) -> Point:
    """Layer norm's quantities: centre, spread, and so on."""
    s.mu, s.v = s.x.mean(), s.x.var()
    s.r = 1 / np.sqrt(s.v + s.eps)
    s.xhat = (s.x - s.mu) * s.r
    s.dxhat = s.gamma * s.g
    return s


def rms(s: Point) -> Point:
    s.r = 1 / np.sqrt((s.x**2).mean() + s.eps)
    s.xhat = s.x * s.r
    s.h = s.gamma * s.g
    return s


def heads(s: Point) -> Point:
    """Attention's quantities and their gradients, each by differences of what follows it."""
    s.S = s.Q @ s.K.T / np.sqrt(s.Q.shape[1])
    s.P = softmax(s.S)
    s.O = s.P @ s.V
    s.dO = s.g
    s.dP = slope(lambda P: (s.g * (P @ s.V)).sum(), s.P)
    s.dS = slope(lambda S: (s.g * (softmax(S) @ s.V)).sum(), s.S)
    s.D = (s.dO * s.O).sum(1)
    return s


G = r"\frac{\partial L}{\partial y_i}"
GI = (r"g_i = \frac{\partial L}{\partial y_i}",)
GG = (r"g_i = \gamma_i \frac{\partial L}{\partial y_i}",)
Y = (r"\mathbf{g} = \frac{\partial L}{\partial \mathbf{y}}",)


def one_hot(s: Point) -> np.ndarray:
    return np.eye(len(s.z))[s.t]


FORMULAS = (
    # softmax and its relatives
    Formula(
        "softmax",
        r"\frac{\partial p_i}{\partial x_j} = p_i(\mathbb{1}[i=j] - p_j)",
        "correct",
        lambda s: jacobian(s, "x"),
        lambda s: s.out[:, None] * (eye(s.x) - s.out),
    ),
    Formula(
        "softmax",
        r"\frac{\partial p_i}{\partial x_j} = p_i(p_j - \delta_{ij})",
        "scaled",
        lambda s: jacobian(s, "x"),
        lambda s: s.out[:, None] * (s.out - eye(s.x)),
    ),
    Formula(
        "softmax",
        r"\frac{\partial p_i}{\partial x_j} = p_i (1 - p_j)",
        "wrong_term",
        lambda s: jacobian(s, "x"),
        lambda s: s.out[:, None] * (1 - s.out),
    ),
    Formula(
        "softmax",
        r"\frac{\partial \mathcal{L}}{\partial x_i} = p_i \left( \frac{\partial \mathcal{L}}"
        r"{\partial p_i} - \sum_{k=1}^{n} p_k \frac{\partial \mathcal{L}}{\partial p_k}\right)",
        "correct",
        by("x"),
        lambda s: s.out * (s.g - s.out @ s.g),
    ),
    Formula(
        "softmax",
        r"\frac{\partial L}{\partial \mathbf{x}} = \mathbf{p} \odot (\mathbf{g} - "
        r"\langle \mathbf{g}, \mathbf{p} \rangle)",
        "correct",
        by("x"),
        lambda s: s.out * (s.g - s.g @ s.out),
        (r"\mathbf{g} = \frac{\partial L}{\partial \mathbf{p}}",),
    ),
    Formula(
        "softmax",
        r"\nabla_x L = (\operatorname{diag}(p) - p p^T)\, g",
        "correct",
        by("x"),
        lambda s: (np.diag(s.out) - np.outer(s.out, s.out)) @ s.g,
        (r"g = \nabla_p L",),
    ),
    Formula(
        "softmax",
        r"dx = p \odot dp - p\,(p^\top dp)",
        "correct",
        by("x"),
        lambda s: s.out * s.g - s.out * (s.out @ s.g),
    ),
    Formula(
        "softmax",
        r"\frac{\partial \log p_i}{\partial x_j} = \delta_{ij} - p_j",
        "correct",
        lambda s: slope(lambda x: np.log(softmax(x)), s.x),
        lambda s: eye(s.x) - s.out,
    ),
    Formula(
        "softmax",
        r"\frac{\partial p}{\partial x} = p (1 - p)",
        "shape",
        lambda s: jacobian(s, "x"),
        None,
    ),
    Formula(
        "log_softmax",
        r"\frac{\partial L}{\partial x_i} = g_i - p_i \sum_j g_j",
        "correct",
        by("x"),
        lambda s: s.g - softmax(s.x) * s.g.sum(),
        (r"g_i = \partial L / \partial y_i",),
    ),
    Formula(
        "log_softmax",
        r"\frac{\partial L}{\partial x_i} = g_i - p_i g_i",
        "wrong_term",
        by("x"),
        lambda s: s.g - softmax(s.x) * s.g,
        GI,
    ),
    Formula(
        "log_softmax",
        r"\frac{\partial y_i}{\partial x_j} = \delta_{ij} - \mathrm{softmax}(x)_j",
        "correct",
        lambda s: jacobian(s, "x"),
        lambda s: eye(s.x) - softmax(s.x),
    ),
    Formula(
        "logsumexp",
        r"\frac{\partial z}{\partial x_i} = \frac{e^{x_i}}{\sum_{j=1}^n e^{x_j}}",
        "correct",
        by("x"),
        lambda s: np.exp(s.x) / np.exp(s.x).sum(),
    ),
    Formula(
        "logsumexp",
        r"\nabla \mathrm{LSE}(x) = \mathrm{softmax}(x)",
        "correct",
        by("x"),
        lambda s: softmax(s.x),
    ),
    # cross-entropy
    Formula(
        "cross_entropy",
        r"\nabla_{z} L = \mathrm{softmax}(z) - y",
        "correct",
        by("z"),
        lambda s: softmax(s.z) - s.y,
    ),
    Formula(
        "cross_entropy",
        r"\frac{\partial^2 L}{\partial z_i \partial z_j} = p_i(\delta_{ij} - p_j)",
        "correct",
        lambda s: hessian(s, "z"),
        lambda s: softmax(s.z)[:, None] * (eye(s.z) - softmax(s.z)),
    ),
    Formula(
        "cross_entropy",
        r"H = \mathrm{diag}(p) - p p^\top",
        "correct",
        lambda s: hessian(s, "z"),
        lambda s: np.diag(softmax(s.z)) - np.outer(softmax(s.z), softmax(s.z)),
    ),
    Formula(
        "cross_entropy",
        r"\mathcal{L} = -\sum_{i=1}^{C} y_i \log p_i",
        "correct",
        output,
        lambda s: -(s.y * np.log(softmax(s.z))).sum(),
    ),
    Formula(
        "cross_entropy",
        r"L = \log\sum_j e^{z_j} - \sum_j y_j z_j",
        "correct",
        output,
        lambda s: np.log(np.exp(s.z).sum()) - s.y @ s.z,
    ),
    Formula(
        "cross_entropy",
        r"L = \sum_i y_i \log p_i",
        "scaled",
        output,
        lambda s: (s.y * np.log(softmax(s.z))).sum(),
    ),
    Formula(
        "cross_entropy",
        r"\frac{\partial L}{\partial z_i} = -\frac{y_i}{p_i}",
        "other_function",
        by("z"),
        lambda s: -s.y / softmax(s.z),
    ),
    Formula(
        "cross_entropy",
        r"\frac{\partial L}{\partial p_i} = -\frac{y_i}{p_i}",
        "correct",
        lambda s: slope(lambda p: -(s.y * np.log(p)).sum(), softmax(s.z)),
        lambda s: -s.y / softmax(s.z),
    ),
    Formula(
        "cross_entropy",
        r"\frac{\partial L}{\partial z_i} = \frac{1}{n}(p_i - y_i)",
        "scaled",
        by("z"),
        lambda s: (softmax(s.z) - s.y) / len(s.z),
    ),
    Formula(
        "cross_entropy_index",
        r"\frac{\partial L}{\partial z_k} = p_k - \mathbb{1}[k = y]",
        "correct",
        by("z"),
        lambda s: softmax(s.z) - one_hot(s),
    ),
    Formula(
        "cross_entropy_index",
        r"\frac{\partial L}{\partial z_k} = \begin{cases} p_k - 1 & \text{if } k = t \\ p_k & "
        r"\text{otherwise} \end{cases}",
        "correct",
        by("z"),
        lambda s: softmax(s.z) - one_hot(s),
    ),
    Formula(
        "cross_entropy_index",
        r"\frac{\partial L}{\partial z_i} = \hat{y}_i - y_i",
        "correct",
        by("z"),
        lambda s: softmax(s.z) - one_hot(s),
    ),
    Formula(
        "cross_entropy_index",
        r"L = -z_t + \log \sum_j \exp(z_j)",
        "correct",
        output,
        lambda s: -s.z[s.t] + np.log(np.exp(s.z).sum()),
    ),
    Formula(
        "label_smoothing",
        r"\frac{\partial L}{\partial z_i} = p_i - (1-\epsilon)[i = t] - \frac{\epsilon}{n}",
        "correct",
        by("z"),
        lambda s: softmax(s.z) - (1 - s.epsilon) * one_hot(s) - s.epsilon / len(s.z),
    ),
    Formula(
        "z_loss",
        r"\frac{\partial L}{\partial z_i} = 2 \cdot \mathrm{weight} \cdot \mathrm{LSE}(z)\, "
        r"\mathrm{softmax}(z)_i",
        "correct",
        by("z"),
        lambda s: 2 * s.weight * np.log(np.exp(s.z).sum()) * softmax(s.z),
    ),
    Formula(
        "kl_divergence",
        r"\frac{\partial L}{\partial p_i} = \log\frac{p_i}{q_i} + 1",
        "correct",
        by("p"),
        lambda s: np.log(s.p / s.q) + 1,
    ),
    Formula(
        "kl_divergence",
        r"\frac{\partial L}{\partial p_i} = \log\frac{p_i}{q_i}",
        "wrong_term",
        by("p"),
        lambda s: np.log(s.p / s.q),
    ),
    Formula(
        "kl_divergence",
        r"\frac{\partial L}{\partial q_i} = -\frac{p_i}{q_i}",
        "correct",
        by("q"),
        lambda s: -s.p / s.q,
    ),
    Formula(
        "mse",
        r"\frac{\partial L}{\partial x_i} = \tfrac{2}{n}(x_i - y_i)",
        "correct",
        by("x"),
        lambda s: 2 / len(s.x) * (s.x - s.y),
    ),
    Formula(
        "mse",
        r"\frac{\partial L}{\partial x_i} = 2(x_i - y_i)",
        "scaled",
        by("x"),
        lambda s: 2 * (s.x - s.y),
    ),
    Formula(
        "mse",
        r"L = \frac1n \left\| x - y \right\|_2^2",
        "correct",
        output,
        lambda s: ((s.x - s.y) ** 2).mean(),
    ),
    Formula(
        "distillation",
        r"\frac{\partial L}{\partial z_i} = \frac1\tau (p_i - q_i)",
        "correct",
        by("z"),
        lambda s: (softmax(s.z / s.tau) - softmax(s.v / s.tau)) / s.tau,
    ),
    Formula(
        "distillation",
        r"\frac{\partial L}{\partial z_i} = \tau (p_i - q_i)",
        "scaled",
        by("z"),
        lambda s: s.tau * (softmax(s.z / s.tau) - softmax(s.v / s.tau)),
    ),
    Formula(
        "dpo",
        r"\frac{\partial L}{\partial c_w} = -\beta \sigma\left(-\beta((c_w - \mathrm{ref}_w) - "
        r"(c_l - \mathrm{ref}_l))\right)",
        "correct",
        by("c_w"),
        lambda s: -s.beta * sigma(-s.beta * ((s.c_w - s.ref_w) - (s.c_l - s.ref_l))),
    ),
    # norms
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
    # linear layers
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
)
