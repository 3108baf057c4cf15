"""Steps: what was rewritten, into what, by which rule and why."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from .notation import Dim


@dataclass(frozen=True)
class Step:
    """``before == after``, by a named rule, for a reason said in words.

    ``target`` is the quantity that both sides are equal to, such as
    ``Partial(LOSS, x[i])``; ``free`` says over which dimension each of the free
    indices runs. ``lemma`` names the derivation that a step cites.
    """

    target: sp.Expr
    before: sp.Expr
    after: sp.Expr
    rule: str
    reason: str
    free: tuple[tuple[sp.Symbol, Dim], ...] = ()
    lemma: str = ""


@dataclass(frozen=True)
class Fact:
    """A lemma that a derivation leans on: ``lhs == rhs``, with its own steps.

    ``declared`` facts come with an op's inputs (a target distribution sums
    to one) and have no steps.
    """

    lhs: sp.Expr
    rhs: sp.Expr
    steps: tuple[Step, ...] = ()
    free: tuple[tuple[sp.Symbol, Dim], ...] = ()
    declared: bool = False
