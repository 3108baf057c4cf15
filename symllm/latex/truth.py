"""What is true of the derivatives that a formula mentions: programs that compute them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from .. import questions
from ..calls import with_aliases, without_calls
from ..equation import Let
from ..op import Op
from ..program import Program
from .scope import Wanted


@lru_cache(maxsize=256)
def program_of(op: Op, wanted: Wanted) -> Program:
    """The let-program that ends in a derivative, from the inputs of the op."""
    forward = without_calls(with_aliases(op.program))
    if wanted.order == 2:
        return without_calls(questions.hessian(op, forward, wanted.wrt).backward)
    quantity = wanted.quantity
    if isinstance(quantity, Let):
        forward = replace(forward, equations=(*forward.equations, quantity))
        quantity = quantity.name
    cut = seen_from(forward, wanted.wrt, quantity)
    return without_calls(questions.jacobian(op, cut, wanted.wrt, quantity).backward)


def seen_from(program: Program, name: str, output: str) -> Program:
    """The program in which a name is given, so that it can be differentiated by."""
    tensor = replace(program.tensors[name], role="data")
    inputs = tuple(t for t in program.inputs if t.name != name)
    equations = tuple(let for let in program.equations if let.name not in (name,))
    declared = tuple(t for t in program.declared if t.name != name)
    return replace(
        program,
        inputs=(*inputs, tensor),
        equations=equations,
        outputs=(output,),
        declared=declared,
    )
