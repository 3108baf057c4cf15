"""Language models: what is derived from an architecture, and the code of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..counts import Counts
from ..lazily import lazily
from .architecture import Architecture

if TYPE_CHECKING:
    from . import gradient, source
else:
    gradient = lazily("symllm.models.gradient")
    source = lazily("symllm.models.source")


@dataclass(frozen=True)
class Model(Architecture):
    """Tokens to loss, with the gradient of the loss by every parameter."""

    def gradient(self) -> gradient.ModelGradient:
        """The derivation of dL by every parameter, for any number of layers."""
        return gradient.gradient(self)

    def counts(self) -> Counts:
        """Parameters, operations and activation memory, in the sizes and the number of layers."""
        stack = self.stack.count.symbol * self.block.batched("B").counts()
        head = self.head.counts()
        if self.tied:  # the table is counted where it is an embedding
            held = {n: c for n, c in head.by_parameter.items() if n != "W_E"}
            head = replace(head, by_parameter=held)
        return self.embed.batched("B").counts() + stack + head

    def code(self, target: str = "numpy") -> str:
        """Source of a module with ``forward`` and ``backward`` for checkpoints of this kind.

        ``forward(params, tokens, targets, config)`` gives the loss and a cache,
        ``backward(params, cache)`` the gradient of every parameter by its name.
        Raises ``UnknownName`` for the target.
        """
        return source.model_source(self, target)
