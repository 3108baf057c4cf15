"""The formulas of calculations and optima, read in the setting that they are about."""

from __future__ import annotations

import string
from collections.abc import Iterable

import sympy as sp

from ..expressions import name_of, parts
from ..notation import Dim
from ..setting import Setting
from .context import Context, called_in


def context_in(setting: Setting, beside: Iterable[sp.Basic] = ()) -> Context:
    """What a setting's formulas may name: what is given and defined, and the dimensions.

    ``beside`` are the expressions that stand on the page with them: an index runs over one
    dimension in all of them. An index that stands nowhere runs over the one dimension there is.
    """
    program = setting.program
    tensors = {n: t for n, t in program.tensors.items() if not n.startswith("_")}
    letters = {letter: program.dims[0] for letter in string.ascii_letters if len(program.dims) == 1}
    return Context(
        title="the calculation",
        tensors=tensors,
        forward=tuple(tensors),
        inputs=tuple(t.name for t in program.inputs if t.name in tensors),
        outputs=(),
        dims=program.dims,
        theory=True,
        calls=called_in(program),
        letters=letters | letters_in(setting, beside),
    )


def letters_in(setting: Setting, beside: Iterable[sp.Basic]) -> dict[str, Dim]:
    """The dimensions of indices, by the axes where they stand."""
    tensors = setting.program.tensors
    found: dict[str, Dim] = {}
    definitions = (let.rhs for let in setting.definitions if isinstance(let.rhs, sp.Basic))
    for expr in (*beside, *definitions):
        for place in parts(expr, sp.Indexed):
            dims = tensors[name_of(place)].dims if name_of(place) in tensors else ()
            for subscript, dim in zip(place.indices, dims, strict=False):
                if isinstance(subscript, sp.Symbol) and subscript.name not in tensors:
                    found.setdefault(subscript.name, dim)
    return found | {index.name: index.dim for index in setting.over}
