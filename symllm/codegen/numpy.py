"""NumPy's spelling; special functions are SciPy's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..program import Program
from .function import function_source
from .target import Target, tuple_of

FUNCTIONS = {
    "exp": "np.exp({})",
    "log": "np.log({})",
    "sqrt": "np.sqrt({})",
    "sin": "np.sin({})",
    "cos": "np.cos({})",
    "tanh": "np.tanh({})",
    "Abs": "np.abs({})",
    "sign": "np.sign({})",
    "erf": "erf({})",
    "Sigmoid": "expit({})",
    "Softplus": "np.logaddexp(0, {})",
    "Expm1": "np.expm1({})",
    "Log1p": "np.log1p({})",
    "Max": "np.maximum({}, {})",
    "Min": "np.minimum({}, {})",
    "Heaviside": "np.heaviside({}, 0.5)",
}
SCALAR_FUNCTIONS = {
    "exp": "math.exp({})",
    "log": "math.log({})",
    "sqrt": "math.sqrt({})",
    "sin": "math.sin({})",
    "cos": "math.cos({})",
    "tanh": "math.tanh({})",
    "Abs": "abs({})",
    "erf": "math.erf({})",
    "Sigmoid": "float(expit({}))",
    "Softplus": "float(np.logaddexp(0, {}))",
    "Expm1": "math.expm1({})",
    "Log1p": "math.log1p({})",
    "Max": "max({}, {})",
    "Min": "min({}, {})",
}
OPERATORS = {
    "+": "np.add({0}, {1}, out={into})",
    "-": "np.subtract({0}, {1}, out={into})",
    "*": "np.multiply({0}, {1}, out={into})",
    "/": "np.divide({0}, {1}, out={into})",
}
IMPORTS = (
    ("math.", "import math"),
    ("np.", "import numpy as np"),
    ("erf(", "from scipy.special import erf"),
    ("expit(", "from scipy.special import expit"),
)


@dataclass(frozen=True)
class NumPy(Target):
    def scatter(
        self, name: str, shape: Sequence[str], like: str, index: str, values: str
    ) -> tuple[str, str]:
        return (
            f"{name} = np.zeros({tuple_of(shape)}, dtype={like}.dtype)",
            f"np.add.at({name}, {index}, {values})",
        )


NUMPY = NumPy(
    module="np",
    functions=FUNCTIONS,
    scalar_functions=SCALAR_FUNCTIONS,
    imports=IMPORTS,
    operators=OPERATORS,
    forbid="np.copyto({0}, -np.inf, where={1})",
    into="{0}, out={0}",
)


def numpy_source(program: Program, function: str, doc: str = "") -> str:
    """A module with one NumPy function of the program's inputs that its outputs need."""
    return function_source(NUMPY, program, function, doc)
