"""What a derivation found, and what it mentions: as a program, and as definitions to be read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .calls import all_inside, called_value, without_calls
from .equation import Call, Let
from .notation import Tensor
from .program import Program, needed


def backward_program(
    name: str,
    program: Program,
    upstream: Sequence[Tensor],
    found: Mapping[Let, Tensor],
    results: tuple[str, ...],
) -> Program:
    """The equations that the results need, of those found and of the forward program's.

    ``found`` holds the results and the adjoints that they mention, in order,
    each with its shape.
    """
    forward = (*without_calls(program).equations, *program.aliases)
    lets = {let.name: let for let in (*forward, *found)}
    return Program(
        name=name,
        inputs=(*(t for t in upstream if t.name not in lets), *program.inputs),
        equations=needed(lets.values(), results),
        outputs=results,
        batch=program.batch,
        declared=(*without_calls(program).declared, *found.values()),
    )


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
    plain = {let.name: inside.get(let.name) or plainly(program, let) for let in own}
    wanted = {n for name in results for n in closed[name].mentioned}
    defined = {let.name: let for let in needed((inside | plain | kept).values(), wanted)}
    late = {*aliases, *kept}
    order = [*(n for n in (inside or program.let) if n not in late), *aliases, *kept]
    return {name: defined[name] for name in order if name in defined}


def plainly(program: Program, let: Let) -> Let:
    """The equation as it is; one that calls an op, as one plain SymPy expression."""
    if not isinstance(let.rhs, Call):
        return let
    return Let(let.lhs, called_value(program, let), let.note)


def equations_inside(program: Program, closed: Mapping[str, Let]) -> dict[str, Let]:
    """All equations, those inside called ops written out, if any of ``closed`` speaks of them."""
    mentioned = {name for let in closed.values() for name in let.mentioned}
    if not mentioned & (all_inside(program) - program.tensors.keys()):
        return {}
    return {let.name: let for let in without_calls(program).equations}
