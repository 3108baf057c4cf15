"""The works that chapters refer to, gathered for the book."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

SECTION = re.compile(r"^#+ References\b[^\n]*\n(?P<works>.*?)(?=^#|\Z)", re.M | re.S)
YEAR = re.compile(r"\b(?:19|20)\d\d\b(?!\.\d)")
CITATION = re.compile(r"(?P<names>[A-Z][^()$;]*?),?\s(?P<year>(?:19|20)\d\d)")
CITED = re.compile(r"\([A-Z][^()$]*?,?\s(?:19|20)\d\d\)")


@dataclass(frozen=True)
class Work:
    """A reference as a chapter gives it: one paragraph, the title in stars."""

    text: str

    @property
    def surname(self) -> str:
        return first_surname(self.text)

    @property
    def title(self) -> str:
        found = re.search(r"\*(.+?)\*", self.text)
        return found[1].lower() if found else self.text

    @property
    def year(self) -> str:
        return (YEAR.findall(self.text) or [""])[-1]

    @property
    def key(self) -> str:
        letters = re.sub(r"\W", "", self.surname.lower())
        return f"work-{letters}{self.year}"


#: What authors are who are no persons: their name has no surname in it.
BODIES = frozenset({"Collaboration", "Consortium", "Foundation", "Group", "Institute", "Team"})


def first_surname(text: str) -> str:
    """``Ba`` of ``J. L. Ba, J. R. Kiros and G. E. Hinton``, and all of ``Gemma Team``."""
    first = re.split(r",|\s(?:and|&|et)\s", text, maxsplit=1)[0].removeprefix("The ")
    last = (first.split() or [""])[-1]
    return first.strip() if last in BODIES else last


def without_references(body: str) -> tuple[str, list[Work]]:
    """A chapter's body without its list of references, and what that held."""
    works: list[Work] = []
    for section in SECTION.finditer(body):
        paragraphs = re.split(r"\n\s*\n", section["works"].strip())
        works += [Work(" ".join(p.split())) for p in paragraphs if p.strip()]
    return SECTION.sub("", body).rstrip() + "\n", works


def gathered(works: Iterable[Work]) -> list[Work]:
    """Each work once, by author and year."""
    once: dict[tuple[str, str], Work] = {}
    for work in works:
        once.setdefault((work.surname, work.title), work)
    return sorted(once.values(), key=lambda w: (w.surname.lower(), w.year, w.text))


def keys(works: Sequence[Work]) -> Mapping[tuple[str, str], str]:
    """The key of the one work of an author and a year; of several, none."""
    found = [(work.surname, work.year) for work in works]
    return {pair: w.key for pair, w in zip(found, works, strict=True) if found.count(pair) == 1}


def with_links(body: str, known: Mapping[tuple[str, str], str]) -> str:
    """A body in which citations lead to works: ``(Ba et al., 2016; Press and Wolf, 2017)``."""

    def link(match: re.Match[str]) -> str:
        key = known.get((first_surname(match["names"]), match["year"]))
        return f"[{match[0]}](#{key})" if key else match[0]

    return CITED.sub(lambda cited: CITATION.sub(link, cited[0]), body)
