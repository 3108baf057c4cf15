"""Where a derivation stands: what its reader has seen, and what the page need not repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..equation import Let
from ..notation import Tensor
from .subject import Derivation


@dataclass(frozen=True)
class Introduced:
    """What names stand for, as the reader knows: tensors, definitions and assumptions.

    ``notes`` are names with what was said of them in words anywhere before.
    """

    tensors: tuple[Tensor, ...] = ()
    definitions: tuple[Let, ...] = ()
    assuming: tuple[Any, ...] = ()
    notes: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class Place:
    """A derivation's surroundings.

    ``forward``: the op's forward equations stand before it. ``words``: what the
    result says in words. ``derived``: for ops whose gradients steps cite, a
    sentence that says where those are derived. ``anchor``: what its result is
    called by who points to it. ``introduced`` is what the calculation or op before
    it was about.
    """

    forward: bool = False
    words: str = ""
    derived: Mapping[str, str] = field(default_factory=dict)
    anchor: str = ""
    introduced: Introduced | None = None


ALONE = Place()


@dataclass(frozen=True)
class Where:
    """What a result needs beside it: equations, and names that the reader has met."""

    equations: tuple[Let, ...]
    met: tuple[str, ...] = ()


def where(derivation: Derivation, place: Place) -> Where:
    """The equations of the names in the results, but for those that stand before."""
    if not place.forward:
        return Where(tuple(derivation.where.values()))
    forward = derivation.op.program.let
    new: set[str] = set()
    met: set[str] = set()
    waiting = {name for let in derivation.result_equations for name in let.mentioned}
    while waiting:
        name = waiting.pop()
        if name in forward:
            met.add(name)
        elif name in derivation.where and name not in new:
            new.add(name)
            waiting |= derivation.where[name].mentioned
    return Where(
        tuple(let for name, let in derivation.where.items() if name in new),
        tuple(name for name in forward if name in met),
    )
