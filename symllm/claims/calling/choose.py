"""Which kind of function something is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..question import Question
from ..verdict import ClaimError
from .binding import bound
from .caller import Asked, Caller
from .functions import Forward, Function
from .giving import Form, read_layouts
from .libraries import library
from .matching import Vocabulary
from .reading import forward_beside, library_of, parameters, title


def caller(asked: Asked, about: Question) -> Caller:
    """How to call what is asked about; raises ``ClaimError``."""
    vocabulary = Vocabulary(about)
    name = asked.library or library_of(asked.fn)
    layouts = read_layouts(asked.layout, about, vocabulary)
    form = Form(about, library(name), asked.dtype, layouts)
    return function(asked, form, vocabulary)


def function(asked: Asked, form: Form, vocabulary: Vocabulary) -> Caller:
    made = asked.forward or forward_beside(asked.fn)
    binding = bound(asked.fn, vocabulary, asked.args, asked.constants, made)
    forward = None
    if binding.saves:
        if made is None:
            raise ClaimError(
                "error",
                f"{title(asked.fn)} takes what a forward function leaves: name it with forward=",
            )
        forward = Forward(made, bound(made, vocabulary, None, asked.constants))
    inferred = [*binding.inferred]
    if form.library.name != "numpy" and not asked.library:
        inferred.append(f"its arrays are of {form.library.name}")
    if forward and not asked.forward:
        inferred.append(f"{title(forward.fn)} is its forward function")
    return Function(
        fn=asked.fn,
        form=form,
        vocabulary=vocabulary,
        binding=binding,
        fixed=fixed(asked, vocabulary, forward),
        inferred=tuple(inferred),
        returns=asked.returns,
        forward=forward,
    )


def fixed(asked: Asked, vocabulary: Vocabulary, forward: Forward | None) -> dict[str, float]:
    """The op's constants that the caller gave; raises ``ClaimError`` for a name of nothing."""
    found = {}
    takes = {p.name for fn in (asked.fn, forward and forward.fn) for p in parameters(fn) or ()}
    for name, value in asked.constants.items():
        if constant := vocabulary.constant(name):
            found[constant] = number(name, value)
        elif name not in takes and not said(asked.args, name):
            raise ClaimError(
                "error",
                f"constants= names {name!r}, which is neither a constant of {asked.op.name} "
                f"({', '.join(constants_of(vocabulary)) or 'it has none'}) nor a parameter of "
                f"{title(asked.fn)}",
            )
    return found


def said(args: Any, name: str) -> bool:
    words = args.values() if isinstance(args, Mapping) else args or ()
    words = args.replace(",", " ").split() if isinstance(args, str) else words
    return any(word == name for word in words if isinstance(word, str))


def number(name: str, value: Any) -> float:
    if not isinstance(value, int | float):
        raise ClaimError("error", f"constants={{{name!r}: ...}} is a number, not {value!r}")
    return float(value)


def constants_of(vocabulary: Vocabulary) -> list[str]:
    return [n for n in vocabulary.question.op.inputs if vocabulary.constant(n) == n]
