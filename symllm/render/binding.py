"""Chapters bound to a book: what goes to Typst, with contents, numbers and lists at the end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from .bibliography import gathered, keys, with_links, without_references
from .flavour import flavour_of
from .html import plain
from .look import look
from .symbols import FILE, TITLE, Named, Titled, general, symbols_markdown
from .typeset import convert


class Chapter(Protocol):
    """What the book needs to know of a chapter."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def symbols(self) -> Sequence[Named]: ...


#: An op's title, and the label of what is said of it.
Place = tuple[str, str]


def book_typst(
    volume: Mapping[str, str],
    parts: Mapping[str, str],
    same: Mapping[str, str],
    chapters: Sequence[Chapter],
    places: Iterable[Place],
) -> str:
    """The source of the whole book; ``parts`` by the chapter that each begins with.

    ``same`` are letters that mean the same in all of them.
    """
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
    pages.append(symbols(chapters, same))
    if works:
        shown = "\n\n".join(f"::: {{#{work.key} .work}}\n{work.text}\n:::" for work in works)
        shown = f":::: references\n{shown}\n::::"
        pages.append("= Bibliography\n\n" + convert(shown, "typst", "PDF", WHOLE))
    return "\n\n".join(pages) + "\n"


#: Chapters are headings of the first level, and sections stand below them.
WHOLE = ("--shift-heading-level-by=0",)

#: Columns of tables are as wide as they say.
GIVEN = (*WHOLE, "-M", "widths=given")


def within(name: str) -> tuple[str, str]:
    return ("-M", f"chapter={name}")


def index(places: Iterable[Place]) -> str:
    """Every op, and where to find what was derived of it."""
    rows = sorted(dict(places).items(), key=lambda row: row[0].lower())
    cells = [f"op-row([{typst_text(title)}], label({json.dumps(label)}))" for title, label in rows]
    return "= Formulas by op\n\n#op-index(" + ", ".join(cells) + ")"


def symbols(chapters: Sequence[Chapter], same: Mapping[str, str]) -> str:
    """Every letter, what it means, and in which section and on which page it is met first."""
    pandoc = flavour_of("pandoc")
    before = convert(general(pandoc), "typst", "PDF", WHOLE)
    table = convert(symbols_markdown(chapters, pandoc, met, same, NARROW), "typst", "PDF", GIVEN)
    return f"= {TITLE} <{FILE}>\n\n{before}\n\n#columns(2, gutter: 1.4em)[\n{table}\n]"


#: The table stands in two columns, and its last one holds numbers only.
NARROW = (4, 22, 7)


def met(chapter: Titled, section: str) -> str:
    """Where a letter is met first, as Typst inside Markdown."""
    label = json.dumps(f"{chapter.name}:{section}" if section else chapter.name)
    return f"`#met(label({label}))[{typst_text(chapter.title)}]`{{=typst}}"


def typst_text(text: str) -> str:
    return re.sub(r"([\\#$*_`<>@\[\]])", r"\\\1", plain(text))
