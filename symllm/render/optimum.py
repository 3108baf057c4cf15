"""An optimum as a page shows it: the claim in a box, and what speaks for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from ..equation import Let
from ..statements import Equals
from .calculation import Row, block, context, point_words
from .display import LINE, broken, definitions, width
from .flavour import Flavour, flavour_of
from .printer import Printer, style_of
from .wording import listed


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
    optimum: Optimum, flavour: str | Flavour = "github", introduced: bool = False
) -> str:
    """Where the objective is best, among what meets the constraints."""
    f = flavour_of(flavour)
    style = style_of(optimum.setting.program)
    p = Printer(style)
    most, _, more = WORDS[optimum.kind]
    before = [] if introduced else [f.prose(context(optimum.setting, style))]
    if optimum.setting.definitions and not introduced:
        before.append(f.display(definitions(optimum.setting.definitions, style)))
    room = LINE - 4
    rows = [Row("", "", tuple(broken(p, optimum.objective, room)))]
    claim = f"**{optimum.kind.capitalize()}.** The value of\n\n{f.display(block(rows))}\n\n"
    if optimum.subject_to:
        held = [Row(p(e.lhs), "=", (p(e.rhs),)) for e in optimum.subject_to]
        claim += f"subject to\n\n{f.display(block(held))}\n\n"
    found = [
        Row(p(e.lhs), "=", tuple(broken(p, e.rhs, room - width(p(e.lhs))))) for e in optimum.at
    ]
    claim += f"is {most} at\n\n{f.display(block(found))}"
    points = listed([point_words(point) for point in optimum.seen.points])
    free = " that the constraints leave free" if optimum.subject_to else ""
    said = (
        f"Checked at {points}: by differences, the slope is zero along every direction{free} "
        f"and the curvature is nowhere of the wrong sign; {optimum.seen.competitors} other values"
        f"{' that meet the constraints' if optimum.subject_to else ''}, near and far, give nothing "
        f"{more}."
    )
    parts = [*before, f.box("result", claim), f.box("evidence", f"**Evidence.** {f.prose(said)}")]
    return "\n\n".join(part for part in parts if part) + "\n"
