"""Steps: what was rewritten, into what, by which rule and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import sympy as sp
from sympy.printing.str import StrPrinter

from .errors import VerificationError
from .evidence import Evidence
from .notation import Dim

#: A sentence, its formulas as SymPy expressions (or pairs that are equal).
Sentence = tuple[str | sp.Basic | tuple[sp.Basic, sp.Basic], ...]

#: Why, where a step cites the same derivation as the step before it.
SAME: Sentence = ("The same derivation gives this gradient", ".")


class Plain(StrPrinter):
    """SymPy's own way of printing; it takes longest over the range of a sum, so that is kept."""

    def _print_Sum(self, expr: sp.Sum) -> str:
        ranges = ", ".join(map(printed_range, expr.limits))
        return f"Sum({self._print(expr.function)}, {ranges})"


@lru_cache(maxsize=256)
def printed_range(limits: sp.Tuple) -> str:
    return str(limits)


def plain(sentence: Sentence) -> str:
    """The sentence as plain text, formulas as SymPy prints them."""
    printed = Plain().doprint
    return "".join(
        part
        if isinstance(part, str)
        else " = ".join(map(printed, part))
        if isinstance(part, tuple)
        else printed(part)
        for part in sentence
    )


@dataclass(frozen=True)
class Step:
    """``before == after``, by a named rule, for a reason said in words.

    ``target`` is the quantity that both sides are equal to, such as
    ``Partial(LOSS, x[i])``; ``free`` says over which dimension each of the free
    indices runs. ``because`` is the reason with its formulas, ``reason`` the
    same as plain text. ``lemma`` names the derivation that a step cites.
    ``judge`` finds the evidence for a step, when it is asked for.
    """

    target: sp.Expr
    before: sp.Expr
    after: sp.Expr
    rule: str
    because: Sentence
    free: tuple[tuple[sp.Symbol, Dim], ...] = ()
    lemma: str = ""
    judge: Callable[[Step], Evidence] | None = field(default=None, compare=False, repr=False)

    @property
    def evidence(self) -> Evidence:
        """What speaks for the step; raises ``VerificationError`` if it is of no derivation."""
        if self.judge is None:
            raise VerificationError(f"{self.rule}: evidence is found for steps of a derivation")
        return self.judge(self)

    @property
    def reason(self) -> str:
        return plain(self.because)

    def _repr_latex_(self) -> str:
        sides = dict.fromkeys((self.target, self.before, self.after))
        chain = " = ".join(map(sp.latex, sides))
        return rf"$\displaystyle {chain} \quad \text{{({self.rule})}}$"


def judged_by(judge: Callable[[Step], Evidence], steps: Iterable[Step]) -> tuple[Step, ...]:
    """Steps that know whom to ask for their evidence."""
    return tuple(replace(step, judge=judge) for step in steps)


def places(steps: Iterable[Step]) -> list[int]:
    """The number that each step has on a page, from 1 on.

    All that one citation gives has one, and what only writes the step before
    anew goes with that: a name in the place of its definition, or a sum over a delta.
    """
    found: list[int] = []
    last: Step | None = None
    for step in steps:
        cited = last is not None and step.because == SAME and step.lemma == last.lemma
        alone = len(found) < 2 or found[-1] != found[-2]
        same = cited or (last is not None and alone and goes_along(last, step))
        found.append((found[-1] if found else 0) + (not same))
        last = step
    return found


def goes_along(last: Step, step: Step) -> bool:
    """Does a step go on from the one before, by no more than a definition or a delta?"""
    named = step.rule.startswith("recognise ") and len(step.because) == DEFINED
    on = (last.target, last.after) == (step.target, step.before)
    return on and last.because != SAME and (named or step.rule == "collapse the delta")


#: How many parts a sentence has that quotes a definition: words, the definition and a full stop.
DEFINED = 3


@dataclass(frozen=True)
class Fact:
    """A lemma that a derivation leans on: ``lhs == rhs``, with its own steps.

    ``declared`` facts come with an op's inputs (a target distribution sums
    to one) and have no steps; ``lemma`` says what the op is called whose fact
    it is, where it is another's.
    """

    lhs: sp.Expr
    rhs: sp.Expr
    steps: tuple[Step, ...] = ()
    free: tuple[tuple[sp.Symbol, Dim], ...] = ()
    declared: bool = False
    lemma: str = ""
