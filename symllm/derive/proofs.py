"""Lemmas: why a fact holds, as the shortest way from its left side to its right.

The moves are those that a reader would make: write a name out by its
definition, recognise a definition, solve an equation for a name.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from ..algebra.rewrite import Rewrite, apply
from ..algebra.terms import Poly
from ..program import Program
from .adjoint import unfold
from .orient import rules_of
from .system import System, system

#: A move's kind (a name written out, or a rule used) and what it leads to.
Move = tuple[str | Rewrite, Poly]

DEPTH = 5


@lru_cache(maxsize=512)
def proof(program: Program, fact: Rewrite) -> tuple[Move, ...]:
    """The moves that lead from the fact's left side to its right; none if none was found."""
    sys = system(program)
    goal = fact.right
    frontier: list[tuple[Poly, tuple[Move, ...]]] = [(fact.left, ())]
    seen = {fact.left.key}
    for _ in range(DEPTH):
        following = []
        for poly, way in frontier:
            for move in moves(sys, poly, fact):
                if move[1] == goal:
                    return (*way, move)
                if move[1].key not in seen:
                    seen.add(move[1].key)
                    following.append((move[1], (*way, move)))
        frontier = following
    return ()


def moves(sys: System, poly: Poly, fact: Rewrite) -> Iterator[Move]:
    for name in sorted(poly.names & sys.equations.keys()):
        yield name, unfold(sys, poly, {name})
    for name in sorted(poly.names & sys.aliases.keys()):
        yield name, unfold(sys, poly, {name})
    for rule in rules_of(sys.program):
        if rule.rule in ("fact", "declared") or rule.left == fact.left:
            continue  # a lemma does not lean on another, nor on itself
        new = apply(rule, poly)
        if new != poly:
            yield rule, new
