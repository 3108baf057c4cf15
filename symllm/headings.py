"""Headings of prose, what they are called by who points to them, and who points to a title."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count

#: A block of code, which may hold what looks like a heading, or a heading.
HEADING = re.compile(r"^```.*?^```$|^(?P<marks>#+) +(?P<text>.+?) *$", re.M | re.S)


@dataclass(frozen=True)
class Heading:
    level: int
    text: str
    anchor: str


def headings(texts: Iterable[str]) -> list[tuple[Heading, ...]]:
    """The headings in each of a chapter's texts.

    An anchor is made of the heading and of those that it stands under, so that
    it stays as it is when something is added elsewhere.
    """
    above: dict[int, str] = {}
    taken: set[str] = set()
    found = []
    for text in texts:
        here = []
        for match in in_text(text):
            level = len(match["marks"])
            above = {k: name for k, name in above.items() if k < level} | {
                level: slug(match["text"])
            }
            path = [name for k, name in above.items() if k > 1] or [above[level]]
            anchor = unlike("-".join(path), taken)
            taken.add(anchor)
            here.append(Heading(level, match["text"], anchor))
        found.append(tuple(here))
    return found


def in_text(text: str) -> Iterator[re.Match[str]]:
    return (match for match in HEADING.finditer(text) if match["marks"])


def with_anchors(text: str, found: Iterable[Heading], heading: Callable[[str, str], str]) -> str:
    """A text with its headings as ``heading`` writes them, given each and its anchor."""
    each = iter(found)
    return HEADING.sub(
        lambda m: heading(m[0], next(each).anchor) if m["marks"] else m[0],
        text,
    )


def with_links(prose: str, link: Callable[[str], str]) -> str:
    """Prose with a link in the place of each emphasised title that has one: else it is empty."""
    return re.sub(
        r"(?<![*\w])\*(?!\s)([^*]+)(?<!\s)\*(?![*\w])",
        lambda m: link(" ".join(m[1].split())) or m[0],
        prose,
    )


def slug(text: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", text.lower())) or "section"


def unlike(name: str, taken: Container[str]) -> str:
    """The name, or where that is taken the name and a number."""
    names = chain([name], (f"{name}-{n}" for n in count(2)))
    return next(name for name in names if name not in taken)
