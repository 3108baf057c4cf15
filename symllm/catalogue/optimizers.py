"""Optimizer steps: from parameters, their gradient and a state to the next ones.

A state that is both used in the step and handed on has a name of its own,
mtilde or vtilde: the first is a use of it like any other, so the gradients of
both meet in it.
"""

from typing import Any

import numpy as np
from sympy import sign, sqrt

from ..equation import Let
from ..notation import Dim, scalar
from ..op import Op

n = Dim("n", "parameters")
(i,) = n.indices("i")
theta = n.vector("theta", note="parameters")
g = n.vector("g", note="gradient")
m = n.vector("m", note="memory")
mtilde = n.vector("mtilde", note="memory, with this gradient")
vtilde = n.vector("vtilde", note="mean of the squares, with this gradient")
b, s = n.vector("b", note="gradient and memory, mixed"), n.vector("s", note="size of a gradient")
v = n.vector("v", domain="positive", note="mean of the squares")
theta_next = n.vector("theta_next", note="parameters after the step")
m_next = n.vector("m_next", note="memory after the step")
v_next = n.vector("v_next", note="mean of the squares after the step")
mhat = n.vector("mhat", note="memory, corrected for its start")
vhat = n.vector("vhat", note="mean of the squares, corrected for its start")
lr = scalar("lr", role="constant", domain="positive", note="learning rate")
mu = scalar("mu", role="constant", domain="positive", note="momentum")
eps = scalar("eps", role="constant", domain="positive", note="a small positive constant")
weight_decay = scalar("weight_decay", role="constant", domain="positive", note="weight decay")
t = scalar("t", role="constant", domain="positive", note="number of the step")
c1 = scalar("c1", note="bias correction of the mean")
c2 = scalar("c2", note="bias correction of the mean square")
beta1 = scalar("beta1", role="constant", domain="unit", note="decay of the mean")
beta2 = scalar("beta2", role="constant", domain="unit", note="decay of the mean square")

sgd = Op(
    name="sgd",
    title="Gradient descent",
    inputs=(theta, g, lr),
    equations=(Let(theta_next[i], theta[i] - lr * g[i], "a step down the gradient"),),
    numpy=lambda theta, g, lr: theta - lr * g,
    about="Stochastic gradient descent takes a step against the gradient.",
    source="Robbins & Monro, 1951",
)

remembered = Let(mtilde[i], mu * m[i] + g[i], "gradients, remembered with decay")
handed_on = Let(m_next[i], mtilde[i], "handed on to the next step")

momentum = Op(
    name="momentum",
    title="Momentum",
    inputs=(theta, g, m, lr, mu),
    equations=(
        remembered,
        Let(theta_next[i], theta[i] - lr * mtilde[i], "a step along what is remembered"),
        handed_on,
    ),
    outputs=("theta_next", "m_next"),
    numpy=lambda theta, g, m, lr, mu: (theta - lr * (g + mu * m), g + mu * m),
    about="Momentum steps along a decaying sum of all gradients so far.",
    source="Polyak, 1964",
)

nesterov = Op(
    name="nesterov",
    title="Nesterov momentum",
    inputs=(theta, g, m, lr, mu),
    equations=(
        remembered,
        Let(theta_next[i], theta[i] - lr * (g[i] + mu * mtilde[i]), "a step that looks ahead"),
        handed_on,
    ),
    outputs=("theta_next", "m_next"),
    numpy=lambda theta, g, m, lr, mu: (theta - lr * ((1 + mu) * g + mu**2 * m), g + mu * m),
    about="Nesterov's momentum adds the gradient once more to what the next step remembers of it.",
    source="Sutskever et al., 2013",
)


def adam_step(
    theta: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    t: float,
) -> Any:
    m = m + (1 - beta1) * (g - m)
    v = v + (1 - beta2) * (g**2 - v)
    size = lr * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return theta - size * m / (np.sqrt(v) + eps * np.sqrt(1 - beta2**t)), m, v


def adamw_step(
    theta: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    v: np.ndarray,
    lr: float,
    beta1: float,
    beta2: float,
    eps: float,
    weight_decay: float,
    t: float,
) -> Any:
    stepped, m, v = adam_step(theta, g, m, v, lr, beta1, beta2, eps, t)
    return stepped - lr * weight_decay * theta, m, v


moments = (
    Let(mtilde[i], beta1 * m[i] + (1 - beta1) * g[i], "mean of the gradients"),
    Let(vtilde[i], beta2 * v[i] + (1 - beta2) * g[i] ** 2, "mean of their squares"),
    Let(c1, 1 - beta1**t, "bias correction of the mean"),
    Let(c2, 1 - beta2**t, "bias correction of the mean square"),
    Let(mhat[i], mtilde[i] / c1, "the mean, corrected for its start at zero"),
    Let(vhat[i], vtilde[i] / c2, "the mean square, corrected likewise"),
    Let(s[i], sqrt(vhat[i]) + eps, "the size of a gradient"),
)
states = (handed_on, Let(v_next[i], vtilde[i], "handed on likewise"))
scaled = lr * mhat[i] / s[i]

adam = Op(
    name="adam",
    title="Adam",
    inputs=(theta, g, m, v, lr, beta1, beta2, eps, t),
    equations=(
        *moments,
        Let(theta_next[i], theta[i] - scaled, "a step of like size for all"),
        *states,
    ),
    outputs=("theta_next", "m_next", "v_next"),
    numpy=adam_step,
    about="Adam divides a running mean of the gradients by the root of their running mean square.",
    source="Kingma & Ba, 2015",
)

adamw = Op(
    name="adamw",
    title="AdamW",
    inputs=(theta, g, m, v, lr, beta1, beta2, eps, weight_decay, t),
    equations=(
        *moments,
        Let(
            theta_next[i], (1 - lr * weight_decay) * theta[i] - scaled, "decay apart from the step"
        ),
        *states,
    ),
    outputs=("theta_next", "m_next", "v_next"),
    numpy=adamw_step,
    about="AdamW shrinks the weights directly, and not through the gradient that Adam rescales.",
    source="Loshchilov & Hutter, 2019",
)


def lion_step(
    theta: np.ndarray,
    g: np.ndarray,
    m: np.ndarray,
    lr: float,
    beta1: float,
    beta2: float,
    weight_decay: float,
) -> Any:
    direction = np.sign(m + (1 - beta1) * (g - m))
    return theta - lr * (direction + weight_decay * theta), m + (1 - beta2) * (g - m)


lion = Op(
    name="lion",
    title="Lion",
    inputs=(theta, g, m, lr, beta1, beta2, weight_decay),
    equations=(
        Let(b[i], beta1 * m[i] + (1 - beta1) * g[i], "gradient and momentum, mixed"),
        Let(
            theta_next[i],
            theta[i] - lr * (sign(b[i]) + weight_decay * theta[i]),
            "a step of one size for all",
        ),
        Let(m_next[i], beta2 * m[i] + (1 - beta2) * g[i], "momentum"),
    ),
    outputs=("theta_next", "m_next"),
    numpy=lion_step,
    about="Lion keeps of its direction the signs alone, so every weight moves by the same amount.",
    source="Chen et al., 2023",
)
