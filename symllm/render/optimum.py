"""An optimum as a page shows it: the claim in a box, and what speaks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import sympy as sp

from ..equation import Let
from ..statements import Equals
from .calculation import Row, block, places_words
from .display import LINE, broken, width
from .flavour import Flavour, flavour_of
from .place import Introduced
from .printer import Printer, style_of
from .setting import preamble


class Seen(Protocol):
    @property
    def points(self) -> tuple[str, ...]: ...
    @property
    def competitors(self) -> int: ...


class Optimum(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def objective(self) -> Any: ...
    @property
    def at(self) -> Sequence[Let]: ...
    @property
    def subject_to(self) -> Sequence[Equals]: ...
    @property
    def setting(self) -> Any: ...
    @property
    def seen(self) -> Seen: ...


WORDS = {"minimum": ("least", r"\min", "less"), "maximum": ("greatest", r"\max", "greater")}


def optimum_markdown(
    optimum: Optimum, flavour: str | Flavour = "github", introduced: Introduced | None = None
) -> str:
    """Where the objective is best, among what meets the constraints."""
    f = flavour_of(flavour)
    style = style_of(optimum.setting.program)
    p = Printer(style)
    most, _, more = WORDS[optimum.kind]
    before = preamble(optimum.setting, style, introduced, f)
    room = LINE - 4
    rows = [Row("", "", tuple(broken(p, optimum.objective, room)))]
    what = f"The value of\n\n{f.display(block(rows))}\n\n"
    if isinstance(optimum.objective, sp.Symbol):
        what = f"{f.inline(p(optimum.objective))} "
    claim = f"**{optimum.kind.capitalize()}.** {what}"
    if optimum.subject_to:
        held = [Row(p(e.lhs), "=", (p(e.rhs),)) for e in optimum.subject_to]
        claim += f"subject to\n\n{f.display(block(held))}\n\n"
    found = [
        Row(p(e.lhs), "=", tuple(broken(p, e.rhs, room - width(p(e.lhs))))) for e in optimum.at
    ]
    claim += f"is {most} at\n\n{f.display(block(found))}"
    points = places_words(optimum.seen.points)
    free = " that the constraints leave free" if optimum.subject_to else ""
    said = (
        f"Checked at {points}: by differences, the slope is zero along every direction{free} "
        f"and the curvature is nowhere of the wrong sign; {optimum.seen.competitors} other values"
        f"{' that meet the constraints' if optimum.subject_to else ''}, near and far, give nothing "
        f"{more}."
    )
    speaks = f.box("evidence", f"**Evidence.** {f.prose(said)}", "")
    parts = [*before, f.box("result", claim, ""), speaks]
    return "\n\n".join(part for part in parts if part) + "\n"
