"""The table of symbols: every letter of a book, what it means and where it is first met."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from .flavour import Flavour

TITLE = "Symbols"

#: What the files are called that hold it.
FILE = "symbols"

#: What holds wherever letters stand.
GENERAL = (
    r"$L$ is the loss that comes after; $\mathrm{d}x = \partial L / \partial x$ is its gradient by "
    r"$x$, which has the shape of $x$. A bracket $[j \leq i]$ is $1$ where what it says holds and "
    r"else $0$. $\odot$ multiplies entry by entry, $\mathbf{1}$ is a vector of ones, and sums run "
    r"over all values of an index. Where a letter stands for several things, each chapter keeps to "
    r"its own."
)

#: How wide the columns are, letters, meanings and places, where they have to share a line.
WIDTHS = (4, 18, 14)


class Named(Protocol):
    """A letter as TeX, what it means, and the anchor of the section that has it first."""

    @property
    def tex(self) -> str: ...
    @property
    def meaning(self) -> str: ...
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
    """One thing that a letter stands for, and where it does so first."""

    words: str
    chapter: Titled
    section: str


#: How a place is pointed to: from a chapter and the anchor of a section in it, if there is one.
Pointer = Callable[[Titled, str], str]


def symbols_markdown(
    chapters: Iterable[Chapter],
    f: Flavour,
    pointer: Pointer,
    widths: Sequence[int] = WIDTHS,
) -> str:
    """The table: a row for each meaning, with the letter before the first of its own."""
    head = "| | | |", f"|{'|'.join(':' + '-' * width for width in widths)}|"
    rows = (
        f"| {f.inline(tex) if first else ''} | {f.prose(cell(meaning.words))} "
        f"| {pointer(meaning.chapter, meaning.section)} |"
        for tex, meanings in alphabet(chapters)
        for first, meaning in zip((True, *(False,) * len(meanings)), meanings, strict=False)
    )
    return "\n".join((*head, *rows)) + "\n"


def general(f: Flavour) -> str:
    """What stands before the table."""
    return f"{f.prose(GENERAL)}\n"


def alphabet(chapters: Iterable[Chapter]) -> Iterator[tuple[str, list[Meaning]]]:
    """Letters in their order, each with its meanings in the order of the book."""
    found: dict[str, dict[str, Meaning]] = {}
    for chapter in chapters:
        for symbol in chapter.symbols:
            meaning = Meaning(symbol.meaning, chapter, symbol.section)
            found.setdefault(symbol.tex, {}).setdefault(symbol.gist, meaning)
    for tex in sorted(found, key=lambda tex: (letters(tex), len(tex), tex)):
        yield tex, list(found[tex].values())


def letters(tex: str) -> str:
    """By what a symbol is sorted: its letter, whatever stands on top of it."""
    bare = re.sub(r"\\(hat|tilde|bar|mathrm)\b", "", tex)
    return re.sub(r"[^A-Za-z0-9]", "", bare).lower()


def cell(text: str) -> str:
    """What stands in one cell of a table, on one line."""
    return " ".join(text.split()).replace("|", r"\|")
