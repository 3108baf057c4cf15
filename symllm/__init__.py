"""symllm: the symbolic derivation engine for transformer math."""

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
    "ops",
    "scalar",
    "sum_over",
]
