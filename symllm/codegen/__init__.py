"""Let-programs to source that a careful person would have written."""

from collections.abc import Callable

from ..errors import UnknownName
from ..program import Program
from .callable import compile_function
from .numpy import numpy_source

#: The languages that code comes in.
TARGETS: dict[str, Callable[[Program, str, str], str]] = {"numpy": numpy_source}


def source(target: str, program: Program, function: str, summary: str) -> str:
    """Source of a function that runs a let-program; raises ``UnknownName`` for the target."""
    if target not in TARGETS:
        raise UnknownName("target", target, TARGETS)
    return TARGETS[target](program, function, summary)


__all__ = ["TARGETS", "compile_function", "numpy_source", "source"]
