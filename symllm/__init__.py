"""symllm: the symbolic derivation engine for transformer math."""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

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
from .notation import Dim, Index, Iverson, Tensor, delta, matrix, mean, scalar, sum_over
from .op import Op

__version__ = "0.1.0"

if TYPE_CHECKING:
    from . import models, pictures


def __getattr__(name: str) -> ModuleType:
    """``symllm.models`` and ``symllm.pictures``, loaded when they are first asked for."""
    if name in ("models", "pictures"):
        return import_module(f".{name}", __name__)
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
    "ShapeError",
    "SymllmError",
    "Tensor",
    "UnknownName",
    "VerificationError",
    "delta",
    "leading",
    "matrix",
    "mean",
    "models",
    "ops",
    "pictures",
    "scalar",
    "sum_over",
]
