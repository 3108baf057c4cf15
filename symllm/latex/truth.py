"""What is true of the left side of a claim: let-programs that end in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from .. import questions
from ..calls import with_aliases, without_calls
from ..claims.question import Question, question
from ..derivation import Derivation
from ..equation import Let
from ..expressions import is_entry, name_of, subscripts_of, substitute
from ..notation import Tensor, array, entry
from ..op import Op
from ..program import Program
from .claim import Claim
from .scope import Wanted


@lru_cache(maxsize=256)
def derivation_of(op: Op, wanted: Wanted) -> Derivation:
    """The derivation of a derivative that a formula mentions."""
    forward = without_calls(with_aliases(op.program))
    if wanted.order == 2:
        return questions.hessian(op, forward, wanted.wrt)
    quantity = wanted.quantity
    if isinstance(quantity, Let):
        forward = replace(forward, equations=(*forward.equations, quantity))
        quantity = quantity.name
    return questions.jacobian(op, seen_from(forward, wanted.wrt, quantity), wanted.wrt, quantity)


def seen_from(program: Program, name: str, output: str) -> Program:
    """The program in which a name is given, so that it can be differentiated by."""
    tensor = replace(program.tensors[name], role="data")
    return replace(
        program,
        inputs=(*(t for t in program.inputs if t.name != name), tensor),
        equations=tuple(let for let in program.equations if let.name != name),
        outputs=(output,),
        declared=tuple(t for t in program.declared if t.name != name),
    )


@dataclass(frozen=True, eq=False)
class Asked(Question):
    """A question about more than gradients: further equations, the last of the left side."""

    further: tuple[tuple[Let, Tensor], ...] = ()

    @cached_property
    def textbook(self) -> Program:
        return longer(super().textbook, self.further)

    @cached_property
    def line_by_line(self) -> Program:
        return longer(super().line_by_line, self.further)


def longer(program: Program, further: Iterable[tuple[Let, Tensor]]) -> Program:
    """The program with equations more; those of names that it has already are left out."""
    new = [(let, tensor) for let, tensor in further if let.name not in program.tensors]
    return replace(
        program,
        equations=(*program.equations, *(let for let, _ in new)),
        declared=(*program.declared, *(tensor for _, tensor in new)),
    )


#: What the left side is called, where it is no quantity that has a name.
LEFT = "left_side"


@lru_cache(maxsize=256)
def asked_by(op: Op, unit: bool, wanted: tuple[Wanted, ...], left: tuple[Let, Tensor]) -> Question:
    """The question among whose quantities is the left side of a claim."""
    if not wanted and left[0].name != LEFT:
        return question(op, unit)
    further: list[tuple[Let, Tensor]] = []
    for one in wanted:
        program = without_calls(derivation_of(op, one).backward)
        further += [(let, program.tensors[let.name]) for let in program.equations]
    if left[0].name == LEFT:
        further.append((written_out(left[0], further), left[1]))
    return Asked(op, unit, further=tuple(further))


def written_out(let: Let, further: Iterable[tuple[Let, Tensor]]) -> Let:
    """A left side that is one entry of a derivative, as on its diagonal, by its equation."""
    right = let.rhs
    known = {found.name: found for found, _ in further}
    if is_entry(right) and name_of(right) in known:
        found = known[name_of(right)]
        change = dict(zip(found.indices, subscripts_of(right), strict=True))
        return replace(let, rhs=substitute(found.rhs, change))
    return let


def left_side(claim: Claim) -> tuple[Let, Tensor]:
    """The left side of a claim as an equation: of its own name, if it is a whole quantity."""
    symbols = tuple(symbol for symbol, _ in claim.free)
    subs = subscripts_of(claim.left)
    whole = is_entry(claim.left) and set(subs) == set(symbols) and len(subs) == len(symbols)
    name = name_of(claim.left) if whole else LEFT
    free = dict(claim.free)
    order = subs if whole else symbols
    lhs = claim.left if whole else entry(LEFT, *symbols)
    return Let(lhs, claim.left if not whole else 0), array(name, *(free[s] for s in order))
