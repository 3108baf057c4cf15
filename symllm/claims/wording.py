"""What is said of a claim, its formulas as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..equation import Let
from ..program import Program
from ..render.printer import style_of
from ..render.text import Formula


@dataclass(frozen=True)
class Says:
    """A sentence about one equation; each ``{}`` is one of its formulas."""

    let: Let
    words: str
    formulas: tuple[Any, ...] = ()

    def text(self, program: Program, name: str) -> str:
        """The sentence, said of the quantity ``name``: what slipped in an equation on the way to
        it is said to be there."""
        where = "" if self.let.name == name else f"in {Formula(style_of(program)).let(self.let)}: "
        return f"{name}: {where}{self.formatted(program)}"

    def formatted(self, program: Program) -> str:
        p = Formula(style_of(program))
        return self.words.format(*(shown(p, f) for f in self.formulas))


def shown(p: Formula, formula: Any) -> str:
    return p(formula) if isinstance(formula, sp.Basic) else str(formula)


def at_text(name: str, at: tuple[int, ...]) -> str:
    return f"{name}[{', '.join(map(str, at))}]" if at else name
