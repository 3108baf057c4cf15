"""Equations under each other, with what each is in words beside it or under it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..equation import Let
from .display import LINE, aligned, broken, signed, width
from .names import in_words
from .printer import PLAIN, Printer, Style

#: A letter of a note.
NOTE = 0.5


@dataclass(frozen=True)
class Row:
    """An equation: its left side as text, its right side and who prints it, and a note."""

    left: str
    right: Any
    note: str
    p: Printer


@dataclass(frozen=True)
class Written:
    """A row as it is set: its right side in so many lines, its note beside the first or under."""

    row: Row
    lines: tuple[str, ...]
    beside: bool

    @property
    def tall(self) -> int:
        return len(self.lines) + (bool(self.row.note) and not self.beside)


def definitions(lets: Iterable[Let], style: Style = PLAIN) -> str:
    """Equations under each other, each with what it is in words."""
    p = Printer(style)
    return noted([Row(p(let.lhs), let.rhs, let.note, p) for let in lets])


def noted(rows: Iterable[Row], notes: Style | None = None, line: float = LINE + 6) -> str:
    """Equations with a note beside each, or under it where there is no room.

    ``notes`` has the names that may stand in a note, if they are others;
    ``line`` is how wide a line may be with its note.
    """
    lines: list[str] = []
    for written in set_out(tuple(rows), line):
        row, (first, *rest) = written.row, written.lines
        q = Printer(notes or row.p.style)
        beside = rf" && \quad {words(row.note, q)}" if row.note and written.beside else ""
        lines.append(f"{row.left} &= {first}{beside}")
        lines += [rf"&\qquad {signed(more)}" for more in rest]
        if row.note and not written.beside:
            lines.append(rf"&\qquad {words(f'({row.note})', q)}")
    return aligned(lines)


def set_out(rows: Sequence[Row], line: float) -> Sequence[Written]:
    """The rows in as few lines as they can be: a wide one is broken where that makes room for
    the notes of others, and where it does not its own note stands under it."""
    space = line - 1.4 - max((width(row.left) for row in rows), default=0)
    rooms = sorted({space - NOTE * len(row.note) for row in rows if row.note}, reverse=True)
    ways = [in_columns(rows, space, room) for room in (LINE, *rooms) if room > LINE / 4]
    return min(ways, key=lambda way: sum(written.tall for written in way))


def in_columns(rows: Sequence[Row], space: float, room: float) -> Sequence[Written]:
    """The rows with right sides that are no wider than the room, if they can be broken so."""
    fitted = [(row, fitting(row, room)) for row in rows]
    column = max((indented(lines) for _, lines in fitted), default=0)
    notes = {row.note for row in rows}
    under: set[str] = set()
    while wide := {n for n in notes - under if column + NOTE * len(n) > space}:
        under |= wide
        column = max(column, *(2 + NOTE * len(note) for note in wide))
    return [Written(row, tuple(lines), row.note not in under) for row, lines in fitted]


def indented(lines: Sequence[str]) -> float:
    """How wide lines are of which all but the first are set in."""
    first, *rest = map(width, lines)
    return max([first, *(2 + more for more in rest)])


def fitting(row: Row, room: float) -> list[str]:
    """The right side of an equation in as many lines as it needs; between factors it is broken
    only where it would not fit otherwise."""
    if not isinstance(row.right, sp.Basic):
        return [row.p(row.right)]
    lines = broken(row.p, row.right, LINE - width(row.left) - 1.4)
    if room < indented(lines):
        narrow = broken(row.p, row.right, room - 2)
        if indented(narrow) <= room and not any(text.startswith(r"\times") for text in narrow):
            return narrow
    return lines


def words(text: str, p: Printer) -> str:
    """A note as it may stand inside a formula; names in it, and what dollars say, as formulas."""
    return " ".join(
        alone(part) if formula else rf"\text{{{escaped(part)}}}"
        for part, formula in said(text, p.style)
    )


def alone(formula: str) -> str:
    """A formula after words: a sign that it begins with is its own, and joins no two terms."""
    return f"{{{formula}}}" if formula.startswith(("-", "+")) else formula


def prose(text: str, style: Style) -> str:
    """A note as it may stand in prose, its formulas between dollars."""
    return "".join(f"${part}$" if formula else part for part, formula in said(text, style))


def said(text: str, style: Style) -> list[tuple[str, bool]]:
    """A note cut into words and formulas: names and letters in it, and what dollars say."""
    known = (*style.names, *style.letters)
    parts: list[tuple[str, bool]] = []
    for k, between in enumerate(text.split("$")):
        for piece, name in [(between, None)] if k % 2 else in_words(between, known):
            written = r"\odot" if piece == " * " else piece if name is None else str(name)
            formula = bool(k % 2) or written != piece or name is not None
            if parts and parts[-1][1] == formula:
                parts[-1] = (parts[-1][0] + " " * formula + written, formula)
            elif piece:
                parts.append((written, formula))
    return parts


def escaped(text: str) -> str:
    return re.sub(r"([#%&_{}])", r"\\\1", text).replace("^", r"\^{}").replace("~", " ")
