"""symllm: the symbolic derivation engine for transformer math."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .catalogue import ops
from .counts import Counts, leading
from .equation import Let
from .errors import (
    NotationError,
    OpError,
    ShapeError,
    SymllmError,
    UnknownName,
    VerificationError,
)
from .notation import (
    Dim,
    Index,
    Iverson,
    Partial,
    Tensor,
    delta,
    matrix,
    mean,
    scalar,
    sum_over,
)
from .op import Op

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import models
    from .calculations import calculation
    from .optima import maximum, minimum
    from .statements import Cov, E, Equals, Var, permutation, random

#: What is loaded when it is first asked for: the module that each name is in.
LATER = {
    **dict.fromkeys(("Cov", "E", "Equals", "Var", "permutation", "random"), "statements"),
    **dict.fromkeys(("maximum", "minimum"), "optima"),
    "calculation": "calculations",
}


def __getattr__(name: str) -> Any:
    """``symllm.models`` and what theory is written with, loaded when first asked for."""
    if name == "models":
        return import_module(".models", __name__)
    if name in LATER:
        return getattr(import_module(f".{LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Counts",
    "Cov",
    "Dim",
    "E",
    "Equals",
    "Index",
    "Iverson",
    "Let",
    "NotationError",
    "Op",
    "OpError",
    "Partial",
    "ShapeError",
    "SymllmError",
    "Tensor",
    "UnknownName",
    "Var",
    "VerificationError",
    "calculation",
    "delta",
    "leading",
    "matrix",
    "maximum",
    "mean",
    "minimum",
    "models",
    "ops",
    "permutation",
    "random",
    "scalar",
    "sum_over",
]
