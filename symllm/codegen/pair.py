"""A program and its gradient as a pair: what is computed forwards, saved, and used backwards.

What is saved is what the gradients' closed forms mention, except what costs
less to compute again from other things that are saved.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from ..calls import without_calls
from ..equation import Let
from ..notation import Tensor
from ..program import Program
from .functions import is_size


@dataclass(frozen=True)
class Pair:
    """``forward`` computes the outputs and what is saved, ``backward`` the gradients.

    The inputs of ``backward`` are the upstream gradients that it needs and
    ``saved``: inputs of ``forward``, or names that it computes as outputs
    after its own. ``gradients`` holds the name of the gradient of each input
    that has one: one that is zero throughout has none.
    """

    forward: Program
    backward: Program
    outputs: tuple[str, ...]
    saved: tuple[Tensor, ...]
    gradients: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.forward.name

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return self.forward.inputs

    @cached_property
    def upstream(self) -> tuple[Tensor, ...]:
        """The gradient of each output, needed or not."""
        return tuple(Tensor(f"d{n}", self.forward.tensors[n].dims) for n in self.outputs)

    @property
    def kept(self) -> tuple[str, ...]:
        """The names saved that are neither inputs nor outputs."""
        return self.forward.outputs[len(self.outputs) :]


def pair_of(program: Program, joint: Program, gradients: Mapping[str, str]) -> Pair:
    """The forward program, and one that computes its gradients from the inputs, as a pair.

    ``joint`` may mention names of ``program``, as ``program`` defines them.
    ``gradients`` names the output of ``joint`` for each input differentiated by.
    """
    program = without_calls(program)
    upstream = [t for t in joint.inputs if t not in program.inputs]
    known = {**joint.let, **program.let}
    after = dependants(joint, {t.name for t in upstream})
    before = {name: let for name, let in known.items() if name not in after}
    wanted = {x: dx for x, dx in gradients.items() if dx in after}
    ends = [let for let in joint.equations if let.name in after]
    tensors = {**joint.tensors, **program.tensors}
    there = {*(t.name for t in program.inputs), *before}
    mentioned = frozenset(name for let in ends for name in let.mentioned) & there
    saved = cheapest(mentioned, before, tensors, there - {*before} | {*program.outputs})
    again = definitions(mentioned - saved, saved, before)
    backward_equations = (*again, *ends)
    found = [*upstream, *(tensors[n] for n in saved)]
    saved |= sizes_of(backward_equations, tensors, found, program.inputs)
    order = [t.name for t in program.inputs if t.name in saved]
    order = [*order, *(n for n in before if n in saved)]
    kept = tuple(n for n in order if n in before and n not in program.outputs)
    forward_equations = definitions({*program.outputs, *kept}, frozenset(), before)
    return Pair(
        forward=replace(
            program,
            equations=forward_equations,
            outputs=(*program.outputs, *kept),
            aliases=(),
            declared=declared(forward_equations, program, joint),
        ),
        backward=Program(
            name=joint.name,
            inputs=(*upstream, *(tensors[n] for n in order)),
            equations=backward_equations,
            outputs=tuple(wanted.values()),
            batch=joint.batch,
            declared=declared(backward_equations, program, joint),
        ),
        outputs=program.outputs,
        saved=tuple(tensors[n] for n in order),
        gradients=wanted,
    )


def dependants(program: Program, names: set[str]) -> set[str]:
    """The names that are computed from these."""
    found: set[str] = set()
    for let in program.equations:
        if let.mentioned & (names | found):
            found.add(let.name)
    return found


def definitions(
    names: Iterable[str], given: frozenset[str], lets: Mapping[str, Let]
) -> tuple[Let, ...]:
    """The equations that define the names from those that are given."""
    waiting, needed = set(names) & lets.keys(), set()
    while waiting:
        name = waiting.pop()
        needed.add(name)
        waiting |= (lets[name].mentioned & lets.keys()) - needed - given
    return tuple(let for name, let in lets.items() if name in needed)


def declared(equations: Iterable[Let], *programs: Program) -> tuple[Tensor, ...]:
    defined = {let.name for let in equations}
    found = {t.name: t for program in programs for t in program.declared if t.name in defined}
    return tuple(found.values())


def sizes_of(
    equations: Iterable[Let],
    tensors: Mapping[str, Tensor],
    given: Iterable[Tensor],
    inputs: Iterable[Tensor],
) -> frozenset[str]:
    """Inputs that are needed for a size that nothing given has."""
    written = {s for let in equations for s in sp.sympify(let.rhs).free_symbols if is_size(s)}
    wanted = {str(symbol) for symbol in written}
    wanted |= {dim.name for let in equations for dim in tensors[let.name].dims}
    wanted -= {dim.name for t in given for dim in t.dims}
    found = set()
    for tensor in inputs:
        here = wanted & {dim.name for dim in tensor.dims}
        if here:
            found.add(tensor.name)
            wanted -= here
    return frozenset(found)


# --------------------------------------------------------------------------
# What to save
# --------------------------------------------------------------------------


def cheapest(
    mentioned: frozenset[str],
    lets: Mapping[str, Let],
    tensors: Mapping[str, Tensor],
    there: set[str],
) -> frozenset[str]:
    """What to save so that the names mentioned are known, or soon computed.

    Entry by entry, a name may be computed again from what its equation
    mentions. The fewest large arrays are best; then those that are ``there``
    anyway, as inputs and outputs are; then the least to compute again.
    """
    ranks = range(max(t.rank for t in tensors.values()), -1, -1)

    def cost(names: frozenset[str]) -> tuple[list[int], int]:
        count = Counter(tensors[name].rank for name in names)
        return [count[rank] for rank in ranks], len(names - there)

    found = {mentioned: 0}
    waiting = [mentioned]
    for names in waiting:  # which grows
        for name in sorted(names & lets.keys()):
            if entry_by_entry(lets[name]):
                other = names - {name} | (lets[name].mentioned & tensors.keys())
                if other not in found:
                    found[other] = found[names] + 1
                    waiting.append(other)
    return min(found, key=lambda names: (cost(names), found[names], sorted(names)))


def entry_by_entry(let: Let) -> bool:
    """Does each entry need but one entry of every name, found without a search?"""
    rhs = sp.sympify(let.rhs)
    return not rhs.has(sp.Sum) and all(
        set(e.indices) <= set(let.indices) for e in rhs.atoms(sp.Indexed)
    )
