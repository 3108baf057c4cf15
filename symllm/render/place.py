"""Where a derivation stands: what its reader has seen, and what the page need not repeat."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from ..calls import names_inside
from ..equation import Call, Let
from ..notation import Tensor
from ..program import Program
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
    result says in words. ``derived``: for ops whose gradients steps cite, where
    those are derived: "given above", or in which chapter. ``anchor``: what its result is
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
    """What a result needs beside it: equations, and names that the reader has met.

    ``inside`` are those of them, by the op, that stand in the equations of ops that are called.
    """

    equations: tuple[Let, ...]
    met: tuple[str, ...] = ()
    inside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


#: So many equations stand beside a result as they are; of more, what other derivations have is
#: left to those.
LONG = 8


def where(derivation: Derivation, place: Place) -> Where:
    """The equations of the names in the results, but for those that stand before."""
    forward = frozenset(derivation.op.program.let if place.forward else ())
    whole = beside(derivation, forward, {})
    if len(whole.equations) <= LONG:
        return whole
    return beside(derivation, forward, inside_of_calls(derivation.op.program, place))


def beside(derivation: Derivation, forward: Set[str], inside: Mapping[str, str]) -> Where:
    """What is beside the results where forward names are known, and some inside ops by these."""
    if not forward and not inside:
        return Where(tuple(derivation.where.values()))
    new: set[str] = set()
    met: set[str] = set()
    waiting = {name for let in derivation.result_equations for name in let.mentioned}
    while waiting:
        name = waiting.pop()
        if name in forward or name in inside:
            met.add(name)
        elif name in derivation.where and name not in new:
            new.add(name)
            waiting |= derivation.where[name].mentioned
    called: dict[str, tuple[str, ...]] = {}
    for name, op in inside.items():
        if name in met:
            called[op] = (*called.get(op, ()), name)
    return Where(
        tuple(let for name, let in derivation.where.items() if name in new),
        tuple(name for name in derivation.op.program.let if name in met & forward),
        called,
    )


def inside_of_calls(program: Program, place: Place) -> dict[str, str]:
    """Names in the equations of ops that the program calls, and the op, if it has been derived."""
    names = names_inside(program)
    return {
        found.name: let.rhs.name
        for let in program.equations
        if isinstance(let.rhs, Call) and let.rhs.name in place.derived
        for found in names[let.name].values()
        if found.name != let.name
    }
