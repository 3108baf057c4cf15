"""The book that chapters make together: its title and their order, as ``book.toml`` says."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import SymllmError

FILE = "book.toml"


class BookError(SymllmError):
    """A ``book.toml`` that cannot be read or that contradicts the chapters; says where."""


@dataclass(frozen=True)
class Book:
    """What ``book.toml`` says; chapters that it does not list come last, by name."""

    title: str = "Derivations"
    subtitle: str = ""
    chapters: tuple[str, ...] = ()

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
    for key, value in found.items():
        if key not in FIELDS:
            raise BookError(f"{path}: {key!r} is no field of a book; there are {', '.join(FIELDS)}")
        expected, fits = FIELDS[key]
        if not fits(value):
            raise BookError(f"{path}: {key} is {expected}, not {value!r}")
    chapters = tuple(found.pop("chapters", ()))
    known = set(known)
    for name in chapters:
        if name not in known:
            raise BookError(f"{path}: there is no chapter {name!r} in {str(folder)!r}")
        if chapters.count(name) > 1:
            raise BookError(f"{path}: the chapter {name!r} is listed twice")
    return Book(**found, chapters=chapters)


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_list(value: Any) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


FIELDS = {
    "title": ("a text", is_text),
    "subtitle": ("a text", is_text),
    "chapters": ("a list of chapters' names", is_list),
}
