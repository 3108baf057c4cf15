"""Kinks: where a function has no derivative, and what a result takes for one there."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from ..calls import without_calls
from ..expressions import entries, name_of
from ..notation import Iverson
from .printer import Printer, Style
from .subject import Derivation, asked_for
from .wording import listed


def kinks(derivation: Derivation, style: Style) -> str:
    """What the results take for the derivative at a kink, in words; nothing if they have none.

    A bracket that compares values, and not indices, is a slope that jumps.
    Brackets that part the same two sides leave a kink only where the pieces
    they choose between have different slopes.
    """
    p = Printer(replace(style, slashed=True))
    edges: dict[frozenset[Any], list[Any]] = {}
    for bracket in sorted(brackets(derivation), key=str):
        relation = bracket.args[0]
        edges.setdefault(frozenset({relation.lhs, relation.rhs}), []).append(bracket)
    said = []
    for found in edges.values():
        relation = found[0].args[0]
        what = "two pieces meet" if len(found) > 1 else "there is a kink and no derivative"
        taken = listed([f"the bracket ${p(b)}$ is taken to be ${at_the_edge(b)}$" for b in found])
        said.append(f"Where ${p(relation.lhs)} = {p(relation.rhs)}$ {what}; {taken} there.")
    return " ".join(said)


def at_the_edge(bracket: Any) -> int:
    """The value of a bracket where its two sides are equal."""
    return int(isinstance(bracket.args[0], sp.Ge | sp.Le))


def brackets(derivation: Derivation) -> set[Any]:
    """The Iverson brackets in the results that compare values."""
    lets = [*derivation.result_equations, *derivation.where.values()]
    found = {b for let in lets for value in let.expressions for b in value.atoms(Iverson)}
    return {b for b in found if compares_values(derivation, b.args[0])}


def compares_values(derivation: Derivation, relation: Any) -> bool:
    """Is this an inequality in what can be differentiated by, and not in indices or a mask?"""
    if not isinstance(relation, Relational) or isinstance(relation, sp.Eq | sp.Ne):
        return False
    inputs, tensors = derivation.op.inputs, derivation.op.program.tensors
    names = {name_of(e) for e in entries(relation)} & tensors.keys()
    return any(name not in inputs or inputs[name].differentiable for name in names)


def jumps(derivation: Derivation, style: Style) -> str:
    """What is taken for the derivative of a sign where it jumps, in words.

    A result does not show that a sign was differentiated: the derivative is zero.
    """
    p = Printer(replace(style, slashed=True))
    return " ".join(
        f"Where ${p(argument)} = 0$ the sign jumps and has no derivative; it is taken to be $0$ "
        "there, as it is everywhere else."
        for argument in sorted(differentiated_signs(derivation), key=str)
    )


def differentiated_signs(derivation: Derivation) -> set[Any]:
    """What stands under a sign and depends on what is differentiated by."""
    moving = {name_of(quantity.entry) for quantity in asked_for(derivation)}
    found = set()
    for let in without_calls(derivation.op.program).equations:
        for sign in {sign for value in let.expressions for sign in value.atoms(sp.sign)}:
            if moving & {name_of(e) for e in entries(sign)}:
                found.add(sign.args[0])
        if let.mentioned & moving:
            moving.add(let.name)
    return found
