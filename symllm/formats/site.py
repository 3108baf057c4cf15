"""Chapters as pages of HTML, and the site that they make together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..document import Document
from ..leaf import Bound, Entry, Leaf
from ..render.html import chapter_html, formulas_html, index_html, search_script
from .format import Files, Options, leaf


def chapter_page(document: Document, options: Options) -> Files:
    found = leaf(document)
    text = chapter_html(
        found.name,
        found.title,
        found.body,
        found.sections,
        document.chapters,
        document.volume,
    )
    return {f"{found.name}.html": text.encode()}


def site(bound: Bound, options: Options) -> Files:
    """The first page, and what its search looks in."""
    chapters = {found.name: found.title for found in bound.leaves}
    contents = [Contents(found.name, found.title, tuple(ops_in(found))) for found in bound.leaves]
    return {
        "index.html": index_html(contents, chapters, bound.volume).encode(),
        "search.js": search_script(list(entries(bound))).encode(),
    }


@dataclass(frozen=True)
class Contents:
    """A chapter in the list of contents: the ops in it, each with an anchor."""

    name: str
    title: str
    entries: tuple[Entry, ...]


def ops_in(found: Leaf) -> Iterator[Entry]:
    """For each op, its gradient if that is derived here, else its equations; and other sections."""
    sections = {heading.anchor for heading in found.sections if heading.level == 2}
    listed = [e for e in found.entries if e.op or e.anchor in sections]
    for title in dict.fromkeys(e.op or e.title for e in listed):
        best = max((e for e in listed if title in (e.op, e.title)), key=lambda e: e.weight)
        yield Entry(title, "", best.anchor)


def entries(bound: Bound) -> Iterator[dict[str, Any]]:
    rows = [(found, entry) for found in bound.leaves for entry in found.entries]
    formulas = iter(formulas_html([entry.tex for _, entry in rows if entry.tex]))
    for found, entry in rows:
        yield {
            "title": entry.title,
            "under": entry.under,
            "url": f"{found.name}.html#{entry.anchor}",
            "words": entry.words,
            "weight": entry.weight,
        } | ({"formula": next(formulas)} if entry.tex else {})
