"""symllm: the symbolic derivation engine for transformer math."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .catalogue import ops
from .counts import Counts, leading
from .equation import Let
from .errors import (
    NotationError,
    OpError,
    ReadError,
    ShapeError,
    SymllmError,
    UnknownName,
    VerificationError,
)
from .notation import Dim, Index, Iverson, Tensor, delta, matrix, mean, scalar, sum_over
from .op import Op

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import models
    from .latex.check import check_latex


#: What is loaded when it is first asked for, and where it is found.
LATER = {"check_latex": ".latex.check"}


def __getattr__(name: str) -> Any:
    """``symllm.models`` and what judges claims, loaded when they are first asked for."""
    if name == "models":
        return import_module(".models", __name__)
    if name in LATER:
        return getattr(import_module(LATER[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Counts",
    "Dim",
    "Index",
    "Iverson",
    "Let",
    "NotationError",
    "Op",
    "OpError",
    "ReadError",
    "ShapeError",
    "SymllmError",
    "Tensor",
    "UnknownName",
    "VerificationError",
    "check_latex",
    "delta",
    "leading",
    "matrix",
    "mean",
    "models",
    "ops",
    "scalar",
    "sum_over",
]
