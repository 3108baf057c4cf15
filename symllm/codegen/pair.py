"""A program and its gradient as a pair: what is computed forwards, saved, and used backwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import sympy as sp

from ..calls import without_calls
from ..equation import Let
from ..notation import Tensor
from ..program import Program, needed
from .functions import is_size
from .saving import what_to_save


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
        return tuple(self.forward.tensors[n].adjoint() for n in self.outputs)

    @property
    def kept(self) -> tuple[str, ...]:
        """The names saved that are neither inputs nor outputs."""
        return self.forward.outputs[len(self.outputs) :]


def pair_of(program: Program, joint: Program, gradients: Mapping[str, str]) -> Pair:
    """The forward program, and one that computes its gradients from the inputs, as a pair.

    ``joint`` may mention names of ``program``, as ``program`` defines them.
    ``gradients`` names the output of ``joint`` for each input differentiated by.
    """
    upstream = tuple(t for t in joint.inputs if t not in program.inputs)
    after = dependants(joint, {t.name for t in upstream})
    if after.isdisjoint(gradients.values()):  # all are zero, and one at least is written
        after |= {*gradients.values()}
    ends = tuple(let for let in joint.equations if let.name in after)
    before = forward_part(program, joint, after | {*gradients.values()})
    tensors = {**joint.tensors, **before.tensors}

    known = before.let.keys() | {t.name for t in program.inputs}
    mentioned = frozenset(name for let in ends for name in let.mentioned) & known
    saved = what_to_save(mentioned, before)
    equations = (*needed(before.equations, mentioned, saved), *ends)
    found = [*upstream, *(tensors[name] for name in saved)]
    saved |= sizes_of(equations, tensors, found, program.inputs)
    order = [name for name in before.tensors if name in saved]
    wanted = {x: dx for x, dx in gradients.items() if dx in after}
    backward = Program(
        name=joint.name,
        inputs=(*upstream, *(tensors[name] for name in order)),
        equations=equations,
        outputs=tuple(wanted.values()),
        batch=joint.batch,
        declared=tuple(t for t in joint.declared if t.name in {let.name for let in equations}),
    )
    kept = tuple(n for n in order if n in before.let and n not in program.outputs)
    forward = replace(before, outputs=(*program.outputs, *kept))
    forward = replace(forward, equations=needed(before.equations, forward.outputs))
    saved_tensors = tuple(tensors[name] for name in order)
    return Pair(forward, backward, program.outputs, saved_tensors, wanted)


def forward_part(program: Program, joint: Program, after: set[str]) -> Program:
    """The equations of both that wait for no upstream gradient."""
    program = without_calls(program)
    lets = {**joint.let, **program.let}
    return replace(
        program,
        equations=tuple(let for name, let in lets.items() if name not in after),
        aliases=(),
        declared=(*program.declared, *(t for t in joint.declared if t.name not in after)),
    )


def dependants(program: Program, names: set[str]) -> set[str]:
    """The names that are computed from these."""
    found: set[str] = set()
    for let in program.equations:
        if let.mentioned & (names | found):
            found.add(let.name)
    return found


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
