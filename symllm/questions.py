"""The questions that can be asked of an op: gradient, Jacobian, Hessian."""

from __future__ import annotations

from dataclasses import replace

from .calls import without_calls
from .derivation import Derivation
from .derive.adjoint import Seed
from .derive.system import system
from .derive.textbook import textbook
from .program import Program
from .render.subject import Definition


def gradient(
    op: Definition, program: Program, wrt: tuple[str, ...], unit: frozenset[str]
) -> Derivation:
    """The gradient of the loss; outputs in ``unit`` have the upstream gradient 1."""
    return Derivation(op, program, "gradient", textbook(system(program), wrt, Seed(unit)))


def jacobian(op: Definition, program: Program, wrt: str, output: str) -> Derivation:
    """The derivatives of every entry of an output by every entry of an input."""
    sys = system(program)
    book = textbook(sys, (wrt,), Seed(output=output, row=sys.entry(output)))
    return Derivation(op, program, "jacobian", book)


def hessian(op: Definition, program: Program, wrt: str) -> Derivation:
    """The second derivatives of a scalar output: its gradient, differentiated once more."""
    first = gradient(op, program, (wrt,), frozenset(program.outputs))
    flat = without_calls(program)
    new = tuple(let for let in first.where_new if let.name not in flat.let)
    if len(new) < len(first.where_new):  # the gradient speaks of names inside called ops
        program = flat
    twice = replace(
        program, equations=(*program.equations, *new, *first.result_equations), aliases=()
    )
    second = jacobian(op, twice, wrt, f"d{wrt}")
    return replace(second, kind="hessian", first=first)
