"""What a forward pass saves: what the gradients' closed forms mention, or what makes it.

Much of it is cheaper to compute again from other things that are saved, and
what overflows by itself must be.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container
from dataclasses import replace
from itertools import combinations, product

import sympy as sp

from ..equation import Let
from ..program import Program
from .functions import Top
from .lines import lines_of, names_in
from .stability import stable


def what_to_save(mentioned: frozenset[str], program: Program) -> frozenset[str]:
    """The cheapest names from which those mentioned are computed, none of which overflows."""
    usual = bare_exponentials(program, program.outputs)
    never: set[str] = set()
    while True:
        saved = cheapest(mentioned, program, never)
        kept = sorted(saved & program.let.keys() - {*program.outputs})
        large = {
            name
            for name in kept
            if not bare_exponentials(program, (*program.outputs, name)) <= usual
        }
        if large <= never:
            return saved
        never |= large


def bare_exponentials(program: Program, outputs: tuple[str, ...]) -> set[sp.Expr]:
    """The exponentials whose largest exponent is not subtracted when these are computed."""
    lines = stable(lines_of(replace(program, outputs=outputs)), program.inputs, outputs)
    tops = {line.name for line in lines if isinstance(line.value, Top)}
    shifted = {line.name for line in lines if line.mentioned & tops}
    found = (node for line in lines for node in line.value.atoms(sp.exp))
    return {node for node in found if not names_in(node) & shifted}


def cheapest(
    mentioned: frozenset[str],
    program: Program,
    never: Container[str] = (),
) -> frozenset[str]:
    """What to save so that the names mentioned are known, or soon computed.

    Entry by entry, a name may be computed again from what its equation
    mentions; what is ``never`` saved must be. The fewest large arrays are
    best; then those that are there anyway, as inputs and outputs are.
    """
    tensors = program.tensors
    ranks = range(max(t.rank for t in tensors.values()), -1, -1)
    there = {*(t.name for t in program.inputs), *program.outputs}

    def cost(names: frozenset[str]) -> tuple[int, list[int], int]:
        count = Counter(tensors[name].rank for name in names)
        wrong = sum(name in never for name in names)
        return wrong, [count[rank] for rank in ranks], len(names - there)

    def sources(name: str) -> list[frozenset[str]]:
        """What the name can be computed from, nearest first."""
        found = [frozenset({name})]
        for names in found:  # which grows
            for one in sorted(names & program.let.keys()):
                if one in never or entry_by_entry(program.let[one]):
                    other = names - {one} | (program.let[one].mentioned & tensors.keys())
                    if other not in found and len(found) < FAR:
                        found.append(other)
        return found

    best = mentioned
    while True:
        choices = {name: sources(name) for name in sorted(best & program.let.keys())}
        groups = [*combinations(choices, 1), *combinations(choices, 2)]
        candidates = [
            best.difference(group).union(*chosen)
            for group in groups
            for chosen in product(*(choices[name] for name in group))
        ]
        found = min(candidates, key=cost, default=best)
        if cost(found) >= cost(best):
            return best
        best = found


#: How many ways to compute a name are tried.
FAR = 20


def entry_by_entry(let: Let) -> bool:
    """Does each entry need but one entry of every name, found without a search?"""
    rhs = sp.sympify(let.rhs)
    return not rhs.has(sp.Sum) and all(
        set(e.indices) <= set(let.indices) for e in rhs.atoms(sp.Indexed)
    )
