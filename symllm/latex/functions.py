"""Functions by the names that papers give them, as SymPy expressions of a number."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from ..notation import Iverson

Scalar = Callable[[sp.Expr], sp.Expr]


def logistic(x: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-x))


def normal(x: sp.Expr) -> sp.Expr:
    return (1 + sp.erf(x / sp.sqrt(2))) / 2


def density(x: sp.Expr) -> sp.Expr:
    return sp.exp(-(x**2) / 2) / sp.sqrt(2 * sp.pi)


FUNCTIONS: dict[str, Scalar] = {
    "exp": sp.exp,
    "log": sp.log,
    "tanh": sp.tanh,
    "sinh": sp.sinh,
    "cosh": sp.cosh,
    "sech": lambda x: 1 / sp.cosh(x),
    "sin": sp.sin,
    "cos": sp.cos,
    "tan": lambda x: sp.sin(x) / sp.cos(x),
    "erf": sp.erf,
    "sqrt": sp.sqrt,
    "sgn": sp.sign,
    "sign": sp.sign,
    "abs": sp.Abs,
    "sigmoid": logistic,
    "sigm": logistic,
    "logistic": logistic,
    "sigma": logistic,
    "softplus": lambda x: sp.log(1 + sp.exp(x)),
    "relu": lambda x: sp.Max(x, 0),
    "silu": lambda x: x * logistic(x),
    "swish": lambda x: x * logistic(x),
    "gelu": lambda x: x * normal(x),
    "Phi": normal,
    "phi": density,
}

#: Words that mean the same whatever their capitals.
FOLDED = {
    name.lower(): name
    for name in (*FUNCTIONS, "softmax", "logsumexp", "lse", "logsoftmax", "rms", "mean", "var")
    if len(name) > 1 and name not in ("Phi", "phi", "sigma")
}


def derivative(function: Scalar, order: int, x: sp.Expr) -> sp.Expr:
    """The derivative of a function of one number, at x."""
    variable = sp.Symbol("x", real=True)
    found = sp.diff(function(variable), variable, order)
    steps = {h: Iverson(h.args[0] > 0) for h in found.atoms(sp.Heaviside)}
    return found.xreplace(steps).xreplace({variable: x})
