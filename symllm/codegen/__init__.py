"""Let-programs to source that a careful person would have written."""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import UnknownName
from ..program import Program
from .callable import compile_function
from .docstrings import in_brief
from .function import function_source
from .jax import JAX, jax_gradient_source
from .numpy import NUMPY, numpy_source
from .pair import Pair, pair_of
from .passes import passes_source
from .target import Target
from .torch import TORCH, torch_gradient_source


@dataclass(frozen=True)
class Language:
    """What functions are written in, and how the library is taught a gradient, if it can be.

    ``taught`` takes a title, a summary of the backward pass and a note, for docstrings.
    """

    target: Target
    taught: Callable[[Pair, str, str, str], str] | None = None


#: The languages that code comes in.
TARGETS: dict[str, Language] = {
    "numpy": Language(NUMPY),
    "torch": Language(TORCH, torch_gradient_source),
    "jax": Language(JAX, jax_gradient_source),
}


def language(target: str) -> Language:
    """The language of that name; raises ``UnknownName`` where there is none."""
    if target not in TARGETS:
        raise UnknownName("target", target, TARGETS)
    return TARGETS[target]


def source(target: str, program: Program, function: str, summary: str) -> str:
    """Source of a function that runs a let-program; raises ``UnknownName`` for the target."""
    return function_source(language(target).target, program, function, summary)


def listing(program: Program, function: str, summary: str) -> str:
    """The same for NumPy as a page shows it: what it takes and returns in a line or two."""
    return function_source(NUMPY, program, function, summary, in_brief)


def pair_source(target: str, pair: Pair, title: str, summary: str) -> str:
    """Source of ``<op>_forward``, whose second result is what ``<op>_backward`` takes first.

    ``title`` and ``summary`` are what the docstrings say. Raises
    ``UnknownName`` for the target.
    """
    return passes_source(language(target).target, pair, title, summary)


__all__ = [
    "TARGETS",
    "Pair",
    "compile_function",
    "function_source",
    "language",
    "listing",
    "numpy_source",
    "pair_of",
    "pair_source",
    "source",
]
