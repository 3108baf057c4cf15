"""A pair as two functions: forwards, with what is saved, and backwards from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..notation import Tensor
from .function import Body, definition, docstring, function_body, module
from .pair import Pair
from .target import Target, tuple_of
from .writer import WIDTH


@dataclass(frozen=True)
class Passes:
    """The statements of both, which agree on how the axes of what is saved lie."""

    pair: Pair
    forward: Body
    backward: Body

    @property
    def saved(self) -> str:
        """What is saved, as a tuple; nothing else is needed to go backwards."""
        return tuple_of([t.name for t in self.pair.saved])

    @property
    def unpacked(self) -> str:
        """The names of a tuple of what was saved."""
        return names_of(self.pair.saved)

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


def forward_function(both: Passes, title: str) -> str:
    """``<op>_forward`` of the op's inputs: its outputs, and a tuple of what is saved."""
    pair = both.pair
    outputs = [pair.forward.tensors[name] for name in pair.outputs]
    doc = docstring(f"{title}, and what its gradient needs.", pair.inputs, outputs)
    returned = f"return {as_value(pair.outputs)}, {both.saved}"
    arguments = [t.name for t in pair.inputs]
    body = [*doc, *both.forward.statements, returned]
    return definition(f"{pair.name}_forward", arguments, body)


def backward_function(both: Passes, summary: str, results: str) -> str:
    """``<op>_backward`` of what was saved and the upstream gradients."""
    pair = both.pair
    outputs = [pair.backward.tensors[name] for name in pair.backward.outputs]
    words = f"{summary.rstrip('.')}, from what was saved."
    doc = docstring(words, pair.upstream, outputs)
    names = [t.name for t in pair.upstream]
    unpacked = [f"{both.unpacked} = saved"] if pair.saved else []
    upstream = names[0]
    if len(names) > 1:
        upstream = "upstream"
        unpacked.append(f"{', '.join(names)} = upstream")
    body = [*doc, *unpacked, *both.backward.statements, f"return {results}"]
    return definition(f"{pair.name}_backward", ["saved", upstream], body)


def passes_source(target: Target, pair: Pair, title: str, summary: str) -> str:
    """A module with both functions; backwards returns the gradients in the order of the inputs."""
    both = passes(target, pair)
    results = ", ".join(pair.backward.outputs)
    return module(
        target, [forward_function(both, title), backward_function(both, summary, results)]
    )


def names_of(tensors: Sequence[Tensor]) -> str:
    """The left side of an assignment from a tuple."""
    return (
        tuple_of([t.name for t in tensors])[1:-1] if len(tensors) > 1 else f"({tensors[0].name},)"
    )


def as_value(names: Sequence[str]) -> str:
    """One value as it is, several as a tuple."""
    return names[0] if len(names) == 1 else f"({', '.join(names)})"
