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
    from . import models, pictures
    from .calculations import calculation
    from .claims.calling import assert_gradient, check_gradient
    from .latex.check import check_latex
    from .optima import maximum, minimum
    from .statements import Cov, E, Equals, Var, entry_of, permutation, random

#: What is loaded when it is first asked for, and the module that has it.
LATER = {
    "models": ".models",
    "pictures": ".pictures",
    "assert_gradient": ".claims.calling",
    "calculation": ".calculations",
    "check_gradient": ".claims.calling",
    "check_latex": ".latex.check",
    **dict.fromkeys(("maximum", "minimum"), ".optima"),
    **dict.fromkeys(
        ("Cov", "E", "Equals", "Var", "entry_of", "permutation", "random"), ".statements"
    ),
}


def __getattr__(name: str) -> Any:
    """What few need, loaded when it is first asked for."""
    if name not in LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(LATER[name], __name__)
    return module if LATER[name] == f".{name}" else getattr(module, name)


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
    "ReadError",
    "ShapeError",
    "SymllmError",
    "Tensor",
    "UnknownName",
    "Var",
    "VerificationError",
    "assert_gradient",
    "calculation",
    "check_gradient",
    "check_latex",
    "delta",
    "entry_of",
    "leading",
    "matrix",
    "maximum",
    "mean",
    "minimum",
    "models",
    "ops",
    "permutation",
    "pictures",
    "random",
    "scalar",
    "sum_over",
]
