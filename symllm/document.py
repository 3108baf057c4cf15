"""Chapters: Python files of prose and derivations, run from top to bottom and shown as a page.

A chapter is in percent format: ``# %% [markdown]`` starts a cell of prose in
comments, ``# %%`` a cell of code. The page shows what the last expression of
each code cell is worth, and not the code; where the cell starts with
``# %% tags=["shown"]``, the code as well, and what it prints. A cell of prose
that starts with *In words:* says what the result above it means, and stands
beside that.
"""

from __future__ import annotations

import ast
import io
import re
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import sympy as sp

from .book import read_book
from .calculations import Calculation
from .chapters import (
    IN_WORDS,
    Cell,
    Chapter,
    ChapterError,
    chapters_in,
    contents,
    read_chapter,
    title_of,
    titles,
)
from .equation import Let
from .headings import Heading, headings, unlike, with_anchors, with_links
from .op import Op
from .optima import Optimum
from .render.calculation import calculation_markdown
from .render.flavour import Flavour, flavour_of
from .render.glance import glance_markdown
from .render.latex import latex
from .render.optimum import optimum_markdown
from .render.page import derivation_markdown, op_markdown
from .render.place import ALONE, Introduced, Place
from .render.subject import Derivation

#: What the section is called whose results a reader is to find.
EXERCISES = "Exercises"


@dataclass(frozen=True)
class Shown:
    """What a cell puts on the page: its prose or its value, and what it ``printed`` if it shows."""

    cell: Cell
    value: Any
    printed: str = ""


@dataclass(frozen=True, eq=False)
class Document:
    """A chapter that has run: its title, and what it shows in order.

    ``book`` says in which chapter, by name and title, each op's gradient is
    derived; ``chapters`` are the titles of all chapters, by name and in order,
    ``named`` their names by title, so that who asks for one leans on no other,
    ``volume`` is what their book says of itself, ``parts`` are the titles of
    its parts, by the chapter that each begins with, and ``letters`` what a
    letter means in all of it.
    """

    chapter: Chapter
    title: str
    shown: tuple[Shown, ...]
    book: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    chapters: Mapping[str, str] = field(default_factory=dict)
    named: Mapping[str, str] = field(default_factory=dict)
    volume: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)


# --------------------------------------------------------------------------
# Running
# --------------------------------------------------------------------------


def surroundings(folder: Path) -> dict[str, Any]:
    """What a document says of the other chapters of its folder: those fields of it."""
    volume = read_book(folder, chapters_in(folder))
    known = titles(folder)
    return {
        "book": contents(folder),
        "chapters": known,
        "named": {title: name for name, title in known.items()},
        "volume": volume.about,
        "parts": volume.begun,
        "letters": volume.letters,
    }


def run_chapter(path: Path, around: Mapping[str, Any] | None = None) -> Document:
    """Run a chapter's cells in one namespace, in order.

    ``around`` is what is known of the other chapters; they are looked at if it
    is not given. Raises ``ChapterError`` with file, line and message if a cell
    raises.
    """
    chapter = read_chapter(path)
    namespace: dict[str, Any] = {"__name__": f"chapter_{chapter.name}", "__file__": str(path)}
    shown = tuple(run_cell(chapter, cell, namespace) for cell in chapter.cells)
    around = surroundings(path.parent) if around is None else around
    return Document(chapter, title_of(chapter), shown, **around)


def run_cell(chapter: Chapter, cell: Cell, namespace: dict[str, Any]) -> Shown:
    """Run a cell for the value of its last line, if that is an expression; prose is its own."""
    if cell.prose:
        return Shown(cell, cell.source)
    printed = io.StringIO()
    with redirect_stdout(printed) if cell.shown else nullcontext():
        value = value_of(chapter, cell, namespace)
    return Shown(cell, value, printed.getvalue())


def value_of(chapter: Chapter, cell: Cell, namespace: dict[str, Any]) -> Any:
    path = str(chapter.path)
    try:
        body = ast.parse("\n" * (cell.line - 1) + cell.source, path).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        exec(compile(ast.Module(body, []), path, "exec"), namespace)
        if last is None:
            return None
        return eval(compile(ast.Expression(last.value), path, "eval"), namespace)  # type: ignore[attr-defined]
    except (Exception, SystemExit) as error:
        raise chapter_error(chapter, cell, error) from error


def chapter_error(chapter: Chapter, cell: Cell, error: BaseException) -> ChapterError:
    """One line that says where in the chapter it went wrong, and what."""
    path = str(chapter.path)
    line = cell.line
    if isinstance(error, SyntaxError) and error.filename == path:
        line, message = error.lineno or line, error.msg
    else:
        message = str(error)
        inside = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
        line = (inside[-1].lineno or line) if inside else line
    return ChapterError(f"{path}:{line}: {type(error).__name__}: {message}")


# --------------------------------------------------------------------------
# Showing
# --------------------------------------------------------------------------


def document_markdown(document: Document, flavour: str | Flavour, title: bool = True) -> str:
    """The page as Markdown, with its title or, where that stands apart, without."""
    f = flavour_of(flavour)
    parts = []
    results = [s.value for s in told(document) if isinstance(s.value, Derivation)]
    called, under = anchors(document), sections(document)
    for number, shown in enumerate(document.shown):
        if beside_a_result(document, number):
            continue
        try:
            place = replace(place_of(document, number, f), anchor=called[number])
            if shown.cell.prose:
                prose = f.prose(linked(shown.value, document, f))
                text = with_anchors(prose, under[number], f.heading)
            else:
                text = listing(shown) + show(shown.value, f, place)
        except (Exception, SystemExit) as error:
            raise chapter_error(document.chapter, shown.cell, error) from error
        parts.append(text.strip())
        if shown.cell.prose and len(results) > 1:
            parts.append(glance_markdown(results, f).strip())
            results = []
    page = "\n\n".join(part for part in parts if part) + "\n"
    return page if title else page.split("\n", 1)[1].lstrip("\n")


def linked(prose: str, document: Document, f: Flavour) -> str:
    """Prose in which emphasised titles of other chapters lead to them."""

    def link(title: str) -> str:
        name = document.named.get(title, document.chapter.name)
        return f.chapter(title, name, "") if name != document.chapter.name else ""

    return with_links(prose, link)


def told(document: Document) -> Iterator[Shown]:
    """What a chapter shows before its exercises: their answers are not given away."""
    under = zip(document.shown, sections(document), strict=True)
    return (
        shown for shown, _ in takewhile(lambda row: all(h.text != EXERCISES for h in row[1]), under)
    )


def listing(shown: Shown) -> str:
    """The code of a cell that shows it, and what it printed."""
    if not shown.cell.shown:
        return ""
    printed = shown.printed.rstrip()
    under = f"This prints\n\n```text\n{printed}\n```\n\n" if printed else ""
    source = re.sub(r"\n{3,}", "\n\n", shown.cell.source)  # as in generated code
    return f"```python\n{source}\n```\n\n{under}"


def sections(document: Document) -> list[tuple[Heading, ...]]:
    """The headings that stand in each cell."""
    return headings(shown.value if shown.cell.prose else "" for shown in document.shown)


def anchors(document: Document) -> list[str]:
    """What each cell that shows an op or a derivation is called by who points to it.

    No heading is called so, for there is an underscore in it.
    """
    found: list[str] = []
    for shown in document.shown:
        match shown.value:
            case Op(name=name):
                found.append(unlike(f"{name}_forward", found))
            case Derivation(kind=kind, op=op):
                found.append(unlike(f"{op.name}_{kind}", found))
            case _:
                found.append("")
    return found


def beside_a_result(document: Document, number: int) -> bool:
    """Is this the prose that says in words what the derivation above it found?"""
    cell, before = document.shown[number], document.shown[number - 1]
    said = cell.cell.prose and str(cell.value).startswith(IN_WORDS)
    return bool(number and said and isinstance(before.value, Derivation))


def introduced(before: Sequence[Any]) -> Introduced | None:
    """What names stand for: by the calculation before, or by an op that was shown just now."""
    results = [b for b in before if isinstance(b, Calculation | Optimum | Op | Derivation)]
    if results and isinstance(op := results[-1], Op):
        return Introduced(tuple(op.inputs.values()), tuple(op.equations))
    settings = [b.setting for b in results if isinstance(b, Calculation | Optimum)]
    if not settings:
        return None
    last = settings[-1]
    notes = frozenset((t.name, t.note) for s in settings for t in s.program.inputs)
    return Introduced(tuple(last.program.inputs), last.definitions, tuple(last.assuming), notes)


def place_of(document: Document, number: int, f: Flavour) -> Place:
    """What the reader of a cell has seen, and where to look for the rest."""
    value = document.shown[number].value
    before = [shown.value for shown in document.shown[:number]]
    if isinstance(value, Calculation | Optimum):
        return Place(introduced=introduced(before))
    if not isinstance(value, Derivation):
        return ALONE
    forward = any(isinstance(op, Op) and op.program == value.op.program for op in before)
    above = {op.op.name for op in before if isinstance(op, Derivation) and op.kind == "gradient"}
    cited = {step.lemma for step in value.steps if step.lemma in document.book}
    derived = {
        op: f"in the chapter {f.chapter(title, name, f'{op}_gradient')}"
        for op, (name, title) in ((op, document.book[op]) for op in cited)
        if name != document.chapter.name
    } | dict.fromkeys(above, "given above")
    after = number + 1
    said = after < len(document.shown) and beside_a_result(document, after)
    words = linked(document.shown[after].value, document, f) if said else ""
    return Place(forward, words, derived)


def show(value: Any, flavour: str | Flavour = "github", place: Place = ALONE) -> str:
    """Anything a cell can be worth, as Markdown: what notebooks show as well."""
    f = flavour_of(flavour)
    match value:
        case None:
            return ""
        case Op():
            return op_markdown(value, f, place.anchor)
        case Let():
            return f.display(f"{latex(value.lhs)} = {latex(value.rhs)}")
        case sp.Basic():
            return f.display(latex(value))
        case str():
            language = "python" if re.search(r"^(def|class|import) ", value, re.M) else ""
            return f"```{language}\n{value.strip()}\n```"
        case list() | tuple():
            return "\n\n".join(show(item, f).strip() for item in value)
        case Derivation():
            return derivation_markdown(value, f, place)
        case Calculation():
            return calculation_markdown(value.verify(), f, place.introduced)
        case Optimum():
            return optimum_markdown(value, f, place.introduced)
    if hasattr(value, "to_markdown"):
        return str(value.to_markdown(f.name))
    return f"```\n{value}\n```"
