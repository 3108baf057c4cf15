"""The table of symbols: every letter of a book, what it means and where it is first met."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from .flavour import Flavour

TITLE = "Symbols"

#: What the files are called that hold it.
FILE = "symbols"

#: What holds wherever letters stand.
GENERAL = (
    r"$L$ is the loss that comes after; $\mathrm{d}x = \partial L / \partial x$ is its gradient by "
    r"$x$, which has the shape of $x$. A bracket $[j \leq i]$ is $1$ where what it says holds and "
    r"else $0$. $\odot$ multiplies entry by entry, $\mathbf{1}$ is a vector of ones, and sums run "
    r"over all values of an index."
)

#: What stands above letters that every chapter takes for one thing, and above all others.
SAME = "In every chapter these mean the same:"
OTHERS = "The others, each with what it means and where it does so first:"

#: How wide the columns are, letters, meanings and places, where they have to share a line.
WIDTHS = (4, 18, 14)


class Named(Protocol):
    """A letter as TeX, what it means, and the anchor of the section that has it first."""

    @property
    def name(self) -> str: ...
    @property
    def tex(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def words(self) -> str: ...
    @property
    def gist(self) -> str: ...
    @property
    def section(self) -> str: ...


class Titled(Protocol):
    """A chapter, as who points to it calls it."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...


class Chapter(Titled, Protocol):
    @property
    def symbols(self) -> Sequence[Named]: ...


@dataclass(frozen=True)
class Meaning:
    """One thing that a letter stands for, and where it does so first; the gist tells them apart."""

    words: str
    gist: str
    chapter: Titled
    section: str


#: A letter as TeX with all that it stands for.
Row: TypeAlias = tuple[str, list[Meaning]]

#: How a place is pointed to: from a chapter and the anchor of a section in it, if there is one.
Pointer = Callable[[Titled, str], str]


def symbols_markdown(
    chapters: Iterable[Chapter],
    f: Flavour,
    pointer: Pointer,
    same: Mapping[str, str],
    widths: Sequence[int] = WIDTHS,
) -> str:
    """A row for each meaning, with the letter before the first of its own.

    ``same``, by name, mean one thing in all chapters: they come first, in a table of their own.
    """
    found = [(chapter, symbol) for chapter in chapters for symbol in chapter.symbols]
    everywhere = (
        (s.tex, Meaning(same[s.name], same[s.name], c, s.section))
        for c, s in found
        if s.name in same
    )
    others = (
        (s.tex, Meaning(s.words or s.meaning, s.gist, c, s.section))
        for c, s in found
        if s.name not in same
    )
    shared = alphabet(everywhere)
    rest = table(alphabet(others), f, pointer, widths)
    if not shared:
        return rest
    first = table(shared, f, pointer, widths)
    return f"{f.prose(SAME)}\n\n{first}\n{f.prose(OTHERS)}\n\n{rest}"


def table(rows: Iterable[Row], f: Flavour, pointer: Pointer, widths: Sequence[int]) -> str:
    head = "| | | |", f"|{'|'.join(':' + '-' * width for width in widths)}|"
    body = (
        f"| {f.inline(tex) if first else ''} | {f.prose(cell(meaning.words))} "
        f"| {pointer(meaning.chapter, meaning.section)} |"
        for tex, meanings in rows
        for first, meaning in zip((True, *(False,) * len(meanings)), meanings, strict=False)
    )
    return "\n".join((*head, *body)) + "\n"


def general(f: Flavour) -> str:
    """What stands before the tables."""
    return f"{f.prose(GENERAL)}\n"


def alphabet(found: Iterable[tuple[str, Meaning]]) -> list[Row]:
    """Letters in their order, each with its meanings in the order of the book."""
    rows: dict[str, dict[str, Meaning]] = {}
    for tex, meaning in found:
        rows.setdefault(tex, {}).setdefault(meaning.gist, meaning)
    order = sorted(rows, key=lambda tex: (letters(tex), len(tex), tex))
    return [(tex, list(rows[tex].values())) for tex in order]


def letters(tex: str) -> str:
    """By what a symbol is sorted: its letter, whatever stands on top of it."""
    bare = re.sub(r"\\(hat|tilde|bar|mathrm)\b", "", tex)
    return re.sub(r"[^A-Za-z0-9]", "", bare).lower()


def cell(text: str) -> str:
    """What stands in one cell of a table, on one line."""
    return " ".join(text.split()).replace("|", r"\|")
