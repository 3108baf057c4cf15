"""What is in each chapter: the lists that a site and a folder of Markdown begin with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ..leaf import Entry, Leaf


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
        yield replace(best, title=title)


def contents_of(found: Leaf) -> Contents:
    return Contents(found.name, found.title, tuple(ops_in(found)))
