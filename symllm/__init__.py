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
    from . import models, pictures
    from .claims.calling import assert_gradient, check_gradient
    from .latex.check import check_latex

#: What is loaded when it is first asked for, and the module that has it.
LATER = {
    "models": ".models",
    "pictures": ".pictures",
    "assert_gradient": ".claims.calling",
    "check_gradient": ".claims.calling",
    "check_latex": ".latex.check",
}


def __getattr__(name: str) -> Any:
    """What few need, loaded when it is first asked for."""
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(LATER[name], __name__)
    return module if LATER[name] == f".{name}" else getattr(module, name)


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
    "assert_gradient",
    "check_gradient",
    "check_latex",
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
