"""Chapters bound to a book: what goes to Typst, with contents, numbers and lists at the end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from .bibliography import gathered, keys, with_links, without_references
from .html import plain
from .look import look
from .typeset import convert
from .wording import listed


class Chapter(Protocol):
    """What the book needs to know of a chapter."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def body(self) -> str: ...


class Named(Protocol):
    """A symbol, what it is, and the op in which it is that."""

    @property
    def tex(self) -> str: ...
    @property
    def meaning(self) -> str: ...
    @property
    def op(self) -> str: ...


#: An op's title, and the label of what is said of it.
Place = tuple[str, str]


def book_typst(
    volume: Mapping[str, str],
    parts: Mapping[str, str],
    chapters: Sequence[Chapter],
    symbols: Iterable[Named],
    places: Iterable[Place],
) -> str:
    """The source of the whole book; ``parts`` by the chapter that each begins with."""
    texts = [without_references(chapter.body) for chapter in chapters]
    works = gathered(work for _, found in texts for work in found)
    known = keys(works)
    style = "".join(look(name).read_text(encoding="utf-8") for name in ("page.typ", "book.typ"))
    title, subtitle = (json.dumps(volume[k], ensure_ascii=False) for k in ("title", "subtitle"))
    pages = [f"{style}\n#show: book-style.with(title: {title}, subtitle: {subtitle})\n"]
    for chapter, (body, _) in zip(chapters, texts, strict=True):
        if chapter.name in parts:
            pages.append(f"#part({json.dumps(parts[chapter.name], ensure_ascii=False)})")
        heading = convert(f"# {chapter.title}", "typst", "PDF", WHOLE)
        text = convert(with_links(body, known), "typst", "PDF", (*WHOLE, *within(chapter.name)))
        pages += [f"{heading} <{chapter.name}>", text]
    pages.append("#show: back-matter")
    pages.append(index(places))
    pages.append(f"= Symbols\n\n{GENERAL}\n\n" + table(symbols))
    if works:
        shown = "\n\n".join(f"::: {{#{work.key} .work}}\n{work.text}\n:::" for work in works)
        pages.append("= Bibliography\n\n" + convert(shown, "typst", "PDF", WHOLE))
    return "\n\n".join(pages) + "\n"


#: Chapters are headings of the first level, and sections stand below them.
WHOLE = ("--shift-heading-level-by=0",)


def within(name: str) -> tuple[str, str]:
    return ("-M", f"chapter={name}")


#: What holds for all ops.
GENERAL = """\
$L$ is the loss that comes after; $upright(d) x = partial L \\/ partial x$ is its gradient by $x$,
which has the shape of $x$. A bracket $[j <= i]$ is $1$ where what it says holds and else $0$.
$dot.o$ multiplies entry by entry, $bold(1)$ is a vector of ones, and sums run over all values of
an index."""


def index(places: Iterable[Place]) -> str:
    """Every op, and where to find what was derived of it."""
    rows = sorted(dict(places).items(), key=lambda row: row[0].lower())
    cells = [f"op-row([{typst_text(title)}], label({json.dumps(label)}))" for title, label in rows]
    return "= Formulas by op\n\n#op-index(" + ", ".join(cells) + ")"


def table(symbols: Iterable[Named]) -> str:
    """Symbols in the order of their letters, what they mean and where."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for symbol in symbols:
        found.setdefault((symbol.tex, symbol.meaning), {})[symbol.op] = None
    rows = sorted(found.items(), key=lambda row: (letters(row[0][0]), row[0]))
    lines = ["| | | |", "|:---|:------------|:------------|"]
    lines += [f"| ${tex}$ | {meaning} | {ops_said([*ops])} |" for (tex, meaning), ops in rows]
    return convert("\n".join(lines), "typst", "PDF", WHOLE)


def letters(tex: str) -> str:
    """By what a symbol is sorted: its letter, whatever stands on top of it."""
    bare = re.sub(r"\\(hat|tilde|bar|mathrm)\b", "", tex)
    return re.sub(r"[^A-Za-z0-9]", "", bare).lower()


#: So many ops are named; of the rest there is a number.
SHOWN = 3


def ops_said(ops: Sequence[str]) -> str:
    if len(ops) <= SHOWN + 1:
        return listed(ops)
    return f"{', '.join(ops[:SHOWN])} and {len(ops) - SHOWN} more"


def typst_text(text: str) -> str:
    return re.sub(r"([\\#$*_`<>@\[\]])", r"\\\1", plain(text))
