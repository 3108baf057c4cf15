"""Calculations as a page shows them: a chain, with a reason and the evidence beside each link."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import sympy as sp

from ..statements import Equals, Random
from .display import LINE, aligned, broken, signed, width
from .evidence import below, ranges
from .flavour import Flavour, flavour_of
from .noted import NOTE, alone, escaped
from .place import Introduced
from .printer import Printer, Style, style_of, with_gradients
from .setting import preamble
from .steps import capitalised
from .wording import listed

SIGNS = {"=": "=", "<=": r"\le", ">=": r"\ge", "=>": "="}

#: How much wider than a line of prose's formulas a chain with its reasons may be.
ROOM = LINE + 5


class Found(Protocol):
    @property
    def bound(self) -> float: ...
    @property
    def points(self) -> tuple[str, ...]: ...


class Link(Protocol):
    @property
    def relation(self) -> str: ...
    @property
    def after(self) -> tuple[Any, ...]: ...
    @property
    def because(self) -> str: ...
    @property
    def found(self) -> Found: ...
    @property
    def proved(self) -> bool: ...
    @property
    def cited(self) -> str: ...


class Calculation(Protocol):
    @property
    def start(self) -> tuple[Any, ...]: ...
    @property
    def links(self) -> Sequence[Link]: ...
    @property
    def setting(self) -> Any: ...
    @property
    def relation(self) -> str: ...
    @property
    def title(self) -> str: ...


@dataclass(frozen=True)
class Row:
    """One line of a chain: what is left of the sign, the sign, what is right of it, and why."""

    left: str
    sign: str
    right: tuple[str, ...]
    because: str = ""
    evidence: str = ""

    @property
    def width(self) -> float:
        notes = [NOTE * len(plain(t)) + 1.2 for t in (self.because, self.evidence) if t]
        return width(self.left) + max(map(width, self.right)) + 1.4 + sum(notes)


def calculation_markdown(
    calculation: Calculation,
    flavour: str | Flavour = "github",
    introduced: Introduced | None = None,
) -> str:
    """A calculation as Markdown; what the setting ``introduced`` has said is not repeated."""
    f = flavour_of(flavour)
    style = chain_style(calculation)
    head = f"**{f.prose(calculation.title)}.** " if calculation.title else ""
    rows = chain(calculation, style)
    parts = [head.strip(), *preamble(calculation.setting, style, introduced, f)]
    parts[:2] = [" ".join(part for part in parts[:2] if part)]
    flat = all(len(row.right) == 1 for row in rows) and columns_width(rows) <= ROOM
    links = len(calculation.links)
    parts.append(f.display(block(rows)) if flat else numbered(rows, f))
    if links > 1 and not flat:
        parts.append(f.box("result", f"**Result.**\n\n{f.display(result(calculation, style))}", ""))
    parts.append(f.box("evidence", "**Evidence.** " + f.prose(evidence(calculation, style)), ""))
    return "\n\n".join(part for part in parts if part) + "\n"


def calculation_latex(calculation: Calculation) -> str:
    """The chain alone, as one formula."""
    return block(chain(calculation, chain_style(calculation)))


def chain_style(calculation: Calculation) -> Style:
    """The names of what is given; sizes alone make counts, whose largest terms come first."""
    program = calculation.setting.program
    counting = all(t.name.startswith("_") for t in program.inputs)
    return replace(with_gradients(style_of(program)), descending=counting)


# --------------------------------------------------------------------------
# The chain
# --------------------------------------------------------------------------


def chain(calculation: Calculation, style: Style) -> list[Row]:
    p = Printer(style)
    if isinstance(calculation.start[0], Equals):
        return implications(calculation, p)
    rows, left = [], p(calculation.start[0])
    room = LINE - width(left) - 1.4
    first = broken(p, calculation.links[0].after[0], room)
    if width(left) > LINE / 2 or max(map(width, first)) > room:  # it has a line of its own
        rows.append(Row("", "", tuple(broken(p, calculation.start[0], LINE))))
        left = ""
    for link in calculation.links:
        room = LINE - width(left) - 1.4
        right = broken(p, link.after[0], room) if isinstance(link.after[0], sp.Basic) else []
        rows.append(
            Row(left, SIGNS[link.relation], tuple(right), link.because, evidence_word(link))
        )
        left = ""
    return rows


def implications(calculation: Calculation, p: Printer) -> list[Row]:
    def sides(equations: Iterable[Any], arrow: str, because: str, word: str) -> list[Row]:
        found = []
        for e in equations:
            right = broken(p, e.rhs, LINE - width(p(e.lhs)) - 3)
            found.append(Row(f"{arrow}{p(e.lhs)}", "=", tuple(right), because, word))
            arrow, because, word = "", "", ""
        return found

    rows = sides(calculation.start, "", "", "")
    for link in calculation.links:
        rows += sides(link.after, r"\Longrightarrow \quad ", link.because, evidence_word(link))
    return rows


def evidence_word(link: Link) -> str:
    if link.proved:
        return "proved"
    return "cited" if link.cited else "checked"


def columns_width(rows: Sequence[Row]) -> float:
    """How wide the rows are under each other, each part in a column of its own."""
    left = max(width(row.left) for row in rows)
    right = max(width(text) for row in rows for text in row.right)
    notes = [
        max(NOTE * len(plain(t)) for t in column)
        for column in zip(*((row.because, row.evidence) for row in rows), strict=True)
    ]
    return left + 1.4 + right + sum(1.2 + note for note in notes if note)


def block(rows: Sequence[Row]) -> str:
    """One aligned formula, a column of reasons and one of evidence beside it."""
    reasons = any(row.because for row in rows)
    lines = []
    for row in rows:
        first, *rest = row.right
        line = f"{row.left} &{row.sign} {first}".strip() if row.sign else f"& {first}"
        if reasons:
            line += rf" && \quad {in_text(row.because)}" if row.because else " &&"
        if row.evidence:
            line += rf" && \quad \text{{{row.evidence}}}"
        lines.append(line)
        lines += [rf"&\qquad {signed(more)}" for more in rest]
    lines = [re.sub(r"( &&)+$", "", line) for line in lines]
    if len(lines) == 1 and r"\begin" in lines[0]:  # what is inside needs its signs
        return re.sub(r"(^| )&(=|\\[lg]e) ", r"\1\2 ", lines[0], count=1).replace("&&", "")
    return aligned(lines).strip()


def numbered(rows: Sequence[Row], f: Flavour) -> str:
    """One paragraph for each link: its reason, its evidence, and the equation."""
    groups: list[list[Row]] = [[]]
    for row in rows:
        if row.evidence and any(r.evidence for r in groups[-1]):
            groups.append([])
        groups[-1].append(row)
    found = []
    for number, group in enumerate(groups, start=1):
        link = next(row for row in group if row.evidence)
        reason = f.prose(capitalised(link.because))
        stop = "" if not reason or reason.endswith(".") else "."
        said = f"{reason}{stop} *({link.evidence})*".strip()
        shown = f.display(block(bare(group)))
        if len(groups) == 1:
            return f"{shown}\n\n{said}"
        indented = "\n".join(f"    {line}" for line in shown.splitlines())
        found.append(f"{number}. {said}\n\n{indented}")
    return "\n\n".join(found)


def bare(rows: Sequence[Row]) -> list[Row]:
    return [replace(row, because="", evidence="") for row in rows]


def plain(text: str) -> str:
    """About what is seen of a note."""
    return re.sub(r"\\[A-Za-z]+|[${}_^]", "", text)


def in_text(reason: str) -> str:
    """A reason inside a formula: words upright, what stands between dollars as a formula."""
    pieces = re.split(r"\$([^$]+)\$", reason)
    return "".join(
        alone(piece) if k % 2 else rf"\text{{{escaped(piece)}}}"
        for k, piece in enumerate(pieces)
        if piece
    )


def result(calculation: Calculation, style: Style) -> str:
    p = Printer(style)
    last = calculation.links[-1].after
    if isinstance(last[0], Equals):
        return block([Row(p(e.lhs), "=", tuple(broken(p, e.rhs, LINE - 6))) for e in last])
    left = p(calculation.start[0])
    if width(left) + width(p(last[0])) <= LINE - 2:
        return f"{left} {SIGNS[calculation.relation]} {p(last[0])}"
    start, end = (tuple(broken(p, side, LINE - 3)) for side in (calculation.start[0], last[0]))
    return block([Row("", "", start), Row("", SIGNS[calculation.relation], end)])


# --------------------------------------------------------------------------
# Words
# --------------------------------------------------------------------------


def evidence(calculation: Calculation, style: Style) -> str:
    """What speaks for the links, in words: what is proved, cited and checked, and where."""
    links = calculation.links
    said = []
    proved = [n for n, link in enumerate(links, start=1) if link.proved]
    if len(proved) == len(links):
        said.append(f"Proved: {how_proved(links)}.")
    elif proved:
        many = len(proved) > 1
        said.append(
            f"Link{'s' * many} {ranges(proved)} {'are' if many else 'is'} proved: "
            f"{how_proved([links[n - 1] for n in proved])}."
        )
    for number, link in enumerate(links, start=1):
        if link.cited:
            said.append(f"Link {number} is cited: {link.cited}.")
    said.append(checked_words(links, calculation.setting.assuming))
    return " ".join(said)


def how_proved(links: Sequence[Link]) -> str:
    kinds = {link.relation for link in links}
    said = []
    if "=" in kinds:
        said.append("both sides of an equality reach one normal form")
    if kinds & {"<=", ">="}:
        said.append("the difference in an inequality is a sum of what is nowhere negative")
    if "=>" in kinds:
        said.append("an equation is the one before it, solved or multiplied")
    if kinds == {"="}:
        return "both sides reach one normal form"
    return "; ".join(said)


def checked_words(links: Sequence[Link], assuming: Sequence[Any]) -> str:
    """Where the evaluator looked, and how well it agreed."""
    worst = below(max(link.found.bound for link in links))
    which = "Checked"
    if len(links) > 1 and not all(link.proved for link in links):
        which = "Every link is checked"
    if any(link.relation == "=>" for link in links):
        solved = len({point for link in links for point in link.found.points})
        return (
            f"{which} where the equations before it hold, solved from {solved} places, "
            f"to within {worst}."
        )
    how = ""
    if any(isinstance(a, Random) for a in assuming):
        how = ", with expectations summed over all outcomes of small distributions,"
    few, most = (f((link.found.points for link in links), key=len) for f in (min, max))
    at = places_words(few)
    more = f"; inequalities at {len(most)} points" if len(most) > len(few) else ""
    return f"{which}{how} at {at}, to within {worst}{more}."


def places_words(points: Sequence[str]) -> str:
    """Two points by their sizes and seeds, more by their number."""
    if len(points) > 2 or "," not in points[0]:
        return f"{len(points)} random points"
    return listed([point_words(point) for point in points])


def point_words(point: str) -> str:
    *sizes, seed = point.split(", ")
    return ", ".join(f"${size}$" for size in sizes) + f" ({seed})" if sizes else seed
