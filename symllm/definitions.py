"""The equations of the names that a result mentions, those inside called ops included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .calls import all_inside, called_value, without_calls
from .equation import Call, Let
from .program import Program


def definitions(
    program: Program, aliases: Iterable[str], closed: Mapping[str, Let], results: Iterable[str]
) -> dict[str, Let]:
    """What the results among the ``closed`` equations are written in, in the order of computing.

    Forward names first, then those ``aliases`` of the program that occur, then
    the closed equations that are no results.
    """
    kept = {name: let for name, let in closed.items() if name not in results}
    inside = equations_inside(program, closed)
    own = (*program.equations, *program.aliases)
    forward = inside | {let.name: let for let in own}
    waiting = {n for name in results for n in closed[name].mentioned}
    defined: dict[str, Let] = {}
    while waiting:
        name = waiting.pop()
        let = kept.get(name) or forward.get(name)
        if let is None or name in defined:
            continue
        if isinstance(let.rhs, Call):
            let = inside.get(name) or Let(let.lhs, called_value(program, let), let.note)
        defined[name] = let
        waiting |= let.mentioned
    late = {*aliases, *kept}
    order = [*(n for n in (inside or program.let) if n not in late), *aliases, *kept]
    return {name: defined[name] for name in order if name in defined}


def equations_inside(program: Program, closed: Mapping[str, Let]) -> dict[str, Let]:
    """All equations, those inside called ops written out, if any of ``closed`` speaks of them."""
    mentioned = {name for let in closed.values() for name in let.mentioned}
    if not mentioned & (all_inside(program) - program.tensors.keys()):
        return {}
    return {let.name: let for let in without_calls(program).equations}
