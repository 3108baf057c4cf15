"""Chapters bound to a book in LaTeX: what Typst's has, by a TeX installation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from .bibliography import gathered, keys, with_links, without_references
from .binding import Chapter, Place, letters, within
from .typeset import convert, latex_page

#: Chapters are what is above sections.
WHOLE = ("--shift-heading-level-by=0", "--top-level-division=chapter")


#: What holds wherever letters stand.
GENERAL = r"""
$L$ is the loss that comes after; $\mathrm{d}x = \partial L / \partial x$ is its gradient by $x$,
which has the shape of $x$. A bracket $[j \leq i]$ is $1$ where what it says holds and else $0$.
$\odot$ multiplies entry by entry, $\mathbf{1}$ is a vector of ones, and sums run over all values of
an index."""


class Meant(Protocol):
    """A symbol, and what it is."""

    @property
    def tex(self) -> str: ...
    @property
    def meaning(self) -> str: ...


def book_latex(
    volume: Mapping[str, str],
    parts: Mapping[str, str],
    chapters: Sequence[Chapter],
    symbols: Iterable[Meant],
    places: Iterable[Place],
) -> str:
    """The source of the whole book; ``parts`` by the chapter that each begins with."""
    texts = [without_references(chapter.body) for chapter in chapters]
    works = gathered(work for _, found in texts for work in found)
    known = keys(works)
    pages = []
    for chapter, (body, _) in zip(chapters, texts, strict=True):
        more = (*WHOLE, *within(chapter.name))
        if chapter.name in parts:
            pages.append(rf"\part{{{line(parts[chapter.name])}}}")
        pages.append(rf"\chapter{{{line(chapter.title)}}}\label{{{chapter.name}}}")
        pages.append(convert(with_links(body, known), "latex", "PDF", more))
    pages += [r"\backmatter", index(places), r"\chapter{Symbols}", line(GENERAL), table(symbols)]
    if works:
        shown = "\n\n".join(
            f"::: {{#{work.key} .work}}\n{work.text}\n:::"
            if work.key in known.values()
            else work.text
            for work in works
        )
        pages += [r"\chapter{Bibliography}", convert(shown, "latex", "PDF", WHOLE)]
    title, subtitle = (line(volume[name]) for name in ("title", "subtitle"))
    return latex_page("book.tex.j2", title, "\n\n".join(pages), subtitle=subtitle)


def line(markdown: str) -> str:
    return convert(markdown, "latex", "PDF", WHOLE)


def index(places: Iterable[Place]) -> str:
    """Every op, and where to find what was derived of it."""
    rows = sorted(dict(places).items(), key=lambda row: row[0].lower())
    shown = "\n".join(rf"\oprow{{{line(title)}}}{{{label}}}" for title, label in rows)
    return f"\\chapter{{Formulas by op}}\n\\begin{{multicols}}{{2}}\n{shown}\n\\end{{multicols}}"


def table(symbols: Iterable[Meant]) -> str:
    """Symbols in the order of their letters, and what they mean."""
    rows = sorted(
        {(symbol.tex, symbol.meaning) for symbol in symbols}, key=lambda row: (letters(row[0]), row)
    )
    lines = ["| | |", "|:--|:--------|", *(f"| ${tex}$ | {meaning} |" for tex, meaning in rows)]
    return convert("\n".join(lines), "latex", "PDF", WHOLE)
