"""A pair as two functions: forwards, with what is saved, and backwards from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .docstrings import docstring
from .function import (
    Body,
    definition,
    function_body,
    listed,
    module,
    returning,
    several,
    unpacked,
)
from .pair import Pair
from .target import Target
from .writer import WIDTH


@dataclass(frozen=True)
class Passes:
    """The statements of both, which agree on how the axes of what is saved lie."""

    pair: Pair
    forward: Body
    backward: Body

    @property
    def saved(self) -> list[str]:
        """What is saved; nothing else is needed to go backwards."""
        return [t.name for t in self.pair.saved]

    @property
    def outputs(self) -> str:
        return ", ".join(self.pair.outputs)

    @property
    def gradients(self) -> list[str]:
        """The gradient of every input, ``None`` for those that have none."""
        return [self.pair.gradients.get(t.name, "None") for t in self.pair.inputs]


def passes(target: Target, pair: Pair, width: int = WIDTH - 4) -> Passes:
    """Both passes in a language, each statement at most ``width`` wide."""
    forward = function_body(target, pair.forward, width, kept=pair.kept)
    backward = function_body(target, pair.backward, width, given=forward.axes)
    return Passes(pair, forward, backward)


def forward_function(both: Passes, title: str, note: str = "") -> str:
    """``<op>_forward`` of the op's inputs: its outputs, and a tuple of what is saved.

    A ``note`` stands in the docstring, in a paragraph of its own.
    """
    pair = both.pair
    outputs = [pair.forward.tensors[name] for name in pair.outputs]
    words = f"{title}, and what its gradient needs."
    doc = docstring(with_note(words, note), pair.inputs, outputs)
    returned = listed(f"return {as_value(pair.outputs)}, (", several(both.saved), ")", WIDTH - 4)
    arguments = [t.name for t in pair.inputs]
    body = [*doc, *both.forward.statements, *returned]
    return definition(f"{pair.name}_forward", arguments, body)


def backward_function(both: Passes, summary: str, results: Sequence[str], note: str = "") -> str:
    """``<op>_backward`` of what was saved and the upstream gradients."""
    pair = both.pair
    outputs = [pair.backward.tensors[name] for name in pair.backward.outputs]
    words = f"{summary.rstrip('.')}, from what was saved."
    doc = docstring(with_note(words, note), pair.upstream, outputs)
    names = [t.name for t in pair.upstream]
    opened = unpacked(both.saved, "saved", WIDTH - 4) if pair.saved else []
    upstream = names[0]
    if len(names) > 1:
        upstream = "upstream"
        opened += unpacked(names, upstream, WIDTH - 4)
    body = [*doc, *opened, *both.backward.statements, *returning(results, WIDTH - 4)]
    return definition(f"{pair.name}_backward", ["saved", upstream], body)


def passes_source(target: Target, pair: Pair, title: str, summary: str) -> str:
    """A module with both functions; backwards returns the gradients in the order of the inputs."""
    both = passes(target, pair)
    backward = backward_function(both, summary, pair.backward.outputs)
    return module(target, [forward_function(both, title), backward])


def with_note(words: str, note: str) -> str:
    return f"{words}\n\n{note}" if note else words


def as_value(names: Sequence[str]) -> str:
    """One value as it is, several as a tuple."""
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
