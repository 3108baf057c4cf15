"""Chapters as pages of HTML, and the site that they make together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..document import Document
from ..leaf import Bound
from ..render.flavour import flavour_of
from ..render.html import (
    chapter_html,
    formulas_html,
    index_html,
    plain,
    search_script,
    symbols_html,
)
from ..render.symbols import FILE, Titled, general, symbols_markdown
from .contents import contents_of
from .format import Files, Options, leaf


def chapter_page(document: Document, options: Options) -> Files:
    found = leaf(document)
    text = chapter_html(
        found.name,
        found.title,
        found.body,
        [heading for heading in found.sections if heading.level > 1],
        document.chapters,
        document.volume,
        document.parts,
    )
    return {f"{found.name}.html": text.encode()}


def site(bound: Bound, options: Options) -> Files:
    """The first page, the table of symbols, and what the search looks in."""
    chapters = {found.name: found.title for found in bound.leaves}
    contents = [contents_of(found) for found in bound.leaves]
    pandoc = flavour_of("pandoc")
    table = f"{general(pandoc)}\n{symbols_markdown(bound.leaves, pandoc, linked, bound.letters)}"
    return {
        "index.html": index_html(contents, chapters, bound.volume, bound.parts).encode(),
        f"{FILE}.html": symbols_html(table, chapters, bound.volume, bound.parts).encode(),
        "search.js": search_script(list(entries(bound))).encode(),
    }


def linked(chapter: Titled, section: str) -> str:
    return f"[{chapter.title}]({chapter.name}.html{f'#{section}' if section else ''})"


def entries(bound: Bound) -> Iterator[dict[str, Any]]:
    rows = [(found, entry) for found in bound.leaves for entry in found.entries]
    formulas = iter(formulas_html([entry.tex for _, entry in rows if entry.tex]))
    for found, entry in rows:
        yield {
            "title": plain(entry.title),
            "under": plain(entry.under),
            "url": f"{found.name}.html#{entry.anchor}",
            "words": entry.words,
            "weight": entry.weight,
        } | ({"formula": next(formulas)} if entry.tex else {})
