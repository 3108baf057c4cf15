"""The book that chapters make together, as ``book.toml`` says: its title, order and letters."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from .errors import SymllmError

FILE = "book.toml"


class BookError(SymllmError):
    """A ``book.toml`` that cannot be read or that contradicts the chapters; says where."""


@dataclass(frozen=True)
class Part:
    """Chapters that belong together, by name; without a title where a book has no parts."""

    title: str
    chapters: tuple[str, ...]


@dataclass(frozen=True)
class Book:
    """What ``book.toml`` says; chapters that it does not list come last, by name.

    ``letters`` mean the same in every chapter: by name, words that each chapter's note holds.
    """

    title: str = "Derivations"
    subtitle: str = ""
    parts: tuple[Part, ...] = ()
    letters: Mapping[str, str] = field(default_factory=dict)

    @property
    def chapters(self) -> tuple[str, ...]:
        return tuple(name for part in self.parts for name in part.chapters)

    @property
    def begun(self) -> dict[str, str]:
        """The titles of parts, by the chapter that each begins with."""
        return {part.chapters[0]: part.title for part in self.parts if part.title and part.chapters}

    @property
    def about(self) -> dict[str, str]:
        """What it says of itself."""
        return {"title": self.title, "subtitle": self.subtitle}

    def ordered(self, names: Iterable[str]) -> list[str]:
        known = sorted(names)
        return [*self.chapters, *(name for name in known if name not in self.chapters)]


def read_book(folder: Path, known: Iterable[str] = ()) -> Book:
    """The book of a folder of chapters; raises ``BookError`` if it lists one that is not there."""
    path = folder / FILE
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Book()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BookError(f"cannot read {path}: {error}") from error
    check(found, FIELDS, f"{path}:", "a book")
    parts = [Part("", tuple(found.pop("chapters")))] if "chapters" in found else []
    for part in found.pop("parts", ()):
        check(part, PART, f"{path}: parts:", "a part")
        if missing := PART.keys() - part:
            raise BookError(f"{path}: parts: one has no {min(missing)}")
        parts.append(Part(part["title"], tuple(part["chapters"])))
    book = Book(**found, parts=tuple(parts))
    known = set(known)
    for name in book.chapters:
        if name not in known:
            raise BookError(f"{path}: there is no chapter {name!r} in {str(folder)!r}")
        if book.chapters.count(name) > 1:
            raise BookError(f"{path}: the chapter {name!r} is listed twice")
    return book


def check(found: Mapping[str, Any], fields: Fields, where: str, what: str) -> None:
    for key, value in found.items():
        if key not in fields:
            raise BookError(f"{where} {key!r} is no field of {what}; there are {', '.join(fields)}")
        expected, fits = fields[key]
        if not fits(value):
            raise BookError(f"{where} {key} is {expected}, not {value!r}")


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


def is_words(value: Any) -> bool:
    return isinstance(value, dict) and all(map(is_text, value.values()))


def is_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(table, dict) for table in value)


#: By name: what a field is, and whether a value is that.
Fields: TypeAlias = Mapping[str, tuple[str, Callable[[Any], bool]]]

PART: Fields = {"title": ("a text", is_text), "chapters": ("a list of chapters' names", is_list)}
FIELDS: Fields = {
    "title": ("a text", is_text),
    "subtitle": ("a text", is_text),
    "chapters": PART["chapters"],
    "parts": ("tables with a title and chapters, [[parts]]", is_tables),
    "letters": ("a table of letters and what they mean, [letters]", is_words),
}
