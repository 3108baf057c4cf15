"""Chapters as they are written: Python files of prose and code, read without running them.

A chapter is in percent format: ``# %% [markdown]`` starts a cell of prose in
comments, ``# %%`` a cell of code, and ``# %% tags=["shown"]`` one whose code
is shown. A cell of prose that starts with *In words:* says what the result
above it means.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from .book import read_book
from .errors import SymllmError, UnknownName

MARK = re.compile(r"# %%(?P<rest>.*)")
SHOWN = re.compile(r"\btags=\[[^\]]*\"shown\"")
IN_WORDS = "*In words:*"


class ChapterError(SymllmError):
    """A chapter that cannot be read or that raises; says where."""


@dataclass(frozen=True)
class Cell:
    """A piece of a chapter: prose or code, and the line of the file where it starts.

    ``shown`` is code that the page shows.
    """

    source: str
    line: int
    prose: bool = False
    shown: bool = False


@dataclass(frozen=True)
class Chapter:
    name: str
    path: Path
    cells: tuple[Cell, ...]


def chapters_in(folder: Path) -> dict[str, Path]:
    """The chapters of a folder by name, in the book's order."""
    if not folder.is_dir():
        raise ChapterError(f"there is no folder {str(folder)!r}; chapters are looked for there")
    found = {path.stem: path for path in folder.glob("*.py") if not path.name.startswith("_")}
    return {name: found[name] for name in read_book(folder, found).ordered(found)}


def find_chapters(folder: Path, names: Sequence[str] = ()) -> list[Path]:
    """The chapters asked for, in the order asked; all of them if none is named."""
    known = chapters_in(folder)
    for name in names:
        if name not in known:
            raise UnknownName("chapter", name, known)
    return [known[name] for name in names or known]


def read_chapter(path: Path) -> Chapter:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ChapterError(f"cannot read the chapter {path}: {error}") from error
    return Chapter(path.stem, path, tuple(cells_of(text)))


def cells_of(text: str) -> Iterator[Cell]:
    lines: list[str] = []
    start, prose, listed = 1, False, False
    for number, line in enumerate([*text.splitlines(), "# %%"], start=1):
        mark = MARK.fullmatch(line)
        if mark is None:
            lines.append(line)
            continue
        source = "\n".join(map(uncommented, lines) if prose else lines).strip("\n")
        if source.strip():
            blank = next(n for n, written in enumerate(lines) if written.strip())
            yield from apart_from_words(Cell(source, start + blank, prose, listed))
        prose = "[markdown]" in mark["rest"]
        lines, start, listed = [], number + 1, bool(SHOWN.search(mark["rest"])) and not prose


def apart_from_words(cell: Cell) -> Iterator[Cell]:
    """What says a result in words ends where a section begins; that is a cell of its own."""
    section = re.search(r"^#+ ", cell.source, re.M)
    if not cell.prose or not cell.source.startswith(IN_WORDS) or section is None:
        yield cell
        return
    words, rest = cell.source[: section.start()], cell.source[section.start() :]
    yield replace(cell, source=words.rstrip())
    yield replace(cell, source=rest, line=cell.line + words.count("\n"))


def uncommented(line: str) -> str:
    return line.removeprefix("#").removeprefix(" ")


def title_of(chapter: Chapter) -> str:
    first = next((cell for cell in chapter.cells if cell.prose), None)
    heading = re.match(r"# +(.+)", first.source) if first else None
    if heading is None:
        raise ChapterError(
            f"{chapter.path}: a chapter's first cell of prose starts with its title, '# Title'"
        )
    return heading[1].strip()


def contents(folder: Path) -> dict[str, tuple[str, str]]:
    """The chapter, by name and title, in which the gradient of each op is first derived.

    Found by reading alone: what a page says of another chapter must not depend
    on whether that was built with it.
    """
    found: dict[str, tuple[str, str]] = {}
    for name, path in chapters_in(folder).items():
        try:
            chapter = read_chapter(path)
            title = title_of(chapter)
            cells = (cell for cell in chapter.cells if not (cell.prose or cell.shown))
            code = [ast.parse(cell.source) for cell in cells]
        except (ChapterError, SyntaxError):
            continue  # its own build says so
        for op in (op for tree in code for op in gradients_in(tree)):
            found.setdefault(op, (name, title))
    return found


def titles(folder: Path) -> dict[str, str]:
    """The titles of all chapters that have one, by name and in order."""
    found = {}
    for name, path in chapters_in(folder).items():
        with suppress(ChapterError):  # its own build says so
            found[name] = title_of(read_chapter(path))
    return found


def gradients_in(tree: ast.AST) -> Iterator[str]:
    """The ops of whose gradients a piece of code speaks: ``ops.relu.gradient("x")``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "gradient":
            inner: ast.AST = node.value
            while isinstance(inner, ast.Call | ast.Attribute):  # ops.relu.batched("N")
                match inner:
                    case ast.Attribute(value=ast.Name(id="ops"), attr=name):
                        yield name
                        break
                    case ast.Call(func=outer) | ast.Attribute(value=outer):
                        inner = outer
