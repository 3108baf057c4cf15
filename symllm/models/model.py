"""Language models: what is derived from an architecture, and the code of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..lazily import lazily
from .architecture import Architecture

if TYPE_CHECKING:
    from . import source
else:
    source = lazily("symllm.models.source")


@dataclass(frozen=True)
class Model(Architecture):
    """Tokens to loss, with the gradient of the loss by every parameter."""

    def code(self, target: str = "numpy") -> str:
        """Source of a module with ``forward`` and ``backward`` for checkpoints of this kind.

        ``forward(params, tokens, targets, config)`` gives the loss and a cache,
        ``backward(params, cache)`` the gradient of every parameter by its name.
        Raises ``UnknownName`` for the target.
        """
        return source.model_source(self, target)
