"""Pointwise activations: each output entry depends on its own input entry alone."""

from typing import Any

import numpy as np
from scipy.special import erf as np_erf
from sympy import Max, Rational, erf, exp, log, pi, sqrt
from sympy import tanh as sp_tanh

from ..equation import Let
from ..notation import Dim
from ..op import Op

n = Dim("n", "entries")
(i,) = n.indices("i")
x = n.vector("x", note="input")
y = n.vector("y", note="output")
E, Z = n.vector("E", note="exponential"), n.vector("Z", note="sum of exponentials")
s = n.vector("s", note="logistic function")
u, t = n.vector("u", note="argument of the tangent"), n.vector("t", note="hyperbolic tangent")
Phi = n.vector("Phi", note="normal distribution function")
phi = n.vector("phi", note="normal density")


def logistic(x: np.ndarray) -> Any:
    return np.exp(-np.logaddexp(0, -x))


relu = Op(
    name="relu",
    title="ReLU",
    inputs=(x,),
    equations=(Let(y[i], Max(x[i], 0), "the positive part"),),
    numpy=lambda x: np.maximum(x, 0),
    about="The rectified linear unit keeps what is positive and drops the rest.",
    source="Nair & Hinton, 2010",
)

sigmoid = Op(
    name="sigmoid",
    title="Sigmoid",
    inputs=(x,),
    equations=(
        Let(E[i], exp(-x[i]), "odds against"),
        Let(y[i], 1 / (1 + E[i]), "the logistic function"),
    ),
    numpy=logistic,
    about="The logistic function squeezes the real line into the interval from zero to one.",
)

tanh = Op(
    name="tanh",
    title="Tanh",
    inputs=(x,),
    equations=(Let(y[i], sp_tanh(x[i]), "hyperbolic tangent"),),
    numpy=lambda x: np.tanh(x),  # a ufunc takes no keywords
    about="The hyperbolic tangent squeezes the real line into the interval from -1 to 1.",
)

softplus = Op(
    name="softplus",
    title="Softplus",
    inputs=(x,),
    equations=(
        Let(E[i], exp(x[i]), "exponential"),
        Let(Z[i], 1 + E[i], "one more, the exponential of zero"),
        Let(y[i], log(Z[i]), "a smooth positive part"),
    ),
    aliases=(Let(s[i], E[i] / Z[i], "the logistic function"),),
    numpy=lambda x: np.logaddexp(0, x),
    about="Softplus is a smooth version of ReLU.",
)

gelu = Op(
    name="gelu",
    title="GELU",
    inputs=(x,),
    equations=(
        Let(Phi[i], (1 + erf(x[i] / sqrt(2))) / 2, "the normal distribution function"),
        Let(y[i], x[i] * Phi[i], "input, weighted by the share of inputs below it"),
    ),
    aliases=(Let(phi[i], exp(-(x[i] ** 2) / 2) / sqrt(2 * pi), "the normal density"),),
    numpy=lambda x: x * (1 + np_erf(x / np.sqrt(2))) / 2,
    about="GELU weights an input by the probability that a standard normal variable lies below it.",
    source="Hendrycks & Gimpel, 2016",
)

gelu_tanh = Op(
    name="gelu_tanh",
    title="GELU, tanh approximation",
    inputs=(x,),
    equations=(
        Let(u[i], sqrt(2 / pi) * (x[i] + Rational("0.044715") * x[i] ** 3), "a cubic"),
        Let(t[i], sp_tanh(u[i]), "its hyperbolic tangent"),
        Let(y[i], x[i] * (1 + t[i]) / 2, "output"),
    ),
    numpy=lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    about="GPT-2's GELU: the normal distribution function replaced by a tanh of a cubic.",
    source="Hendrycks & Gimpel, 2016",
)

silu = Op(
    name="silu",
    title="SiLU",
    inputs=(x,),
    equations=(
        Let(s[i], sigmoid(x[i], over=i), "the logistic function"),
        Let(y[i], x[i] * s[i], "input, weighted by its own sigmoid"),
    ),
    numpy=lambda x: x * logistic(x),
    about="SiLU, or swish, weights an input by its own sigmoid.",
    source="Elfwing, Uchibe & Doya, 2017",
)
