"""What a derivation found as a program: forward equations, adjoints, results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .calls import without_calls
from .equation import Let
from .notation import Tensor
from .program import Program


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
    needed, waiting = set(results), {m for n in results for m in lets[n].mentioned}
    while waiting:
        wanted = waiting.pop()
        if wanted in lets and wanted not in needed:
            needed.add(wanted)
            waiting |= lets[wanted].mentioned
    return Program(
        name=name,
        inputs=(*(t for t in upstream if t.name not in lets), *program.inputs),
        equations=tuple(let for n, let in lets.items() if n in needed),
        outputs=results,
        batch=program.batch,
        declared=(*without_calls(program).declared, *found.values()),
    )
