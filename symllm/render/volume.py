"""Chapters bound to a book in LaTeX: what Typst's has, by a TeX installation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from .bibliography import gathered, keys, with_links, without_references
from .binding import NARROW, Chapter, Place, within
from .flavour import flavour_of
from .symbols import FILE, TITLE, Titled, general, symbols_markdown
from .typeset import convert, latex_page

#: Chapters are what is above sections.
WHOLE = ("--shift-heading-level-by=0", "--top-level-division=chapter")


def book_latex(
    volume: Mapping[str, str],
    parts: Mapping[str, str],
    same: Mapping[str, str],
    chapters: Sequence[Chapter],
    places: Iterable[Place],
) -> str:
    """The source of the whole book; ``parts`` by the chapter that each begins with.

    ``same`` are letters that mean the same in all of them.
    """
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
    pages += [r"\backmatter", index(places), symbols(chapters, same)]
    if works:
        shown = "\n\n".join(
            f"::: {{#{work.key} .work}}\n{work.text}\n:::"
            if work.key in known.values()
            else work.text
            for work in works
        )
        shown = f":::: references\n{shown}\n::::"
        pages += [r"\chapter{Bibliography}", convert(shown, "latex", "PDF", WHOLE)]
    title, subtitle = (line(volume[name]) for name in ("title", "subtitle"))
    return latex_page("book.tex.j2", title, "\n\n".join(pages), subtitle=subtitle)


@cache
def line(markdown: str) -> str:
    return convert(markdown, "latex", "PDF", WHOLE)


def index(places: Iterable[Place]) -> str:
    """Every op, and where to find what was derived of it."""
    rows = sorted(dict(places).items(), key=lambda row: row[0].lower())
    shown = "\n".join(rf"\oprow{{{line(title)}}}{{{label}}}" for title, label in rows)
    return f"\\chapter{{Formulas by op}}\n\\begin{{multicols}}{{2}}\n{shown}\n\\end{{multicols}}"


def symbols(chapters: Sequence[Chapter], same: Mapping[str, str]) -> str:
    """Every letter, what it means, and in which section and on which page it is met first."""
    pandoc = flavour_of("pandoc")
    shown = f"{general(pandoc)}\n{symbols_markdown(chapters, pandoc, met, same, NARROW)}"
    table = convert(shown, "latex", "PDF", (*WHOLE, "-M", "widths=given"))
    return f"\\chapter{{{TITLE}}}\\label{{{FILE}}}\n{table}"


def met(chapter: Titled, section: str) -> str:
    """Where a letter is met first, as LaTeX inside Markdown."""
    label = f"{chapter.name}:{section}" if section else chapter.name
    return f"`\\met{{{label}}}{{{line(chapter.title)}}}`{{=latex}}"
