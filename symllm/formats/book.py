"""Chapters as PDF, and the book that they make together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..document import Document
from ..errors import UnknownName
from ..leaf import Bound
from ..render.binding import Place, book_typst
from ..render.tex import tex_pdf
from ..render.typeset import latex_document, pdf_document, typst_pdf
from ..render.volume import book_latex
from .format import Files, Options, leaf


@dataclass(frozen=True)
class Engine:
    """What sets a PDF: a chapter from its title and Markdown in pandoc's flavour, and the book."""

    name: str
    chapter: Callable[[str, str], bytes]
    book: Callable[[Bound], bytes]


def chapter_by_latex(title: str, markdown: str) -> bytes:
    return tex_pdf(title, latex_document(title, markdown))


def book_by_latex(bound: Bound) -> bytes:
    return tex_pdf(bound.volume["title"], book_latex(*said(bound)))


def book_by_typst(bound: Bound) -> bytes:
    return typst_pdf(bound.volume["title"], book_typst(*said(bound)))


ENGINES = {
    e.name: e
    for e in (
        Engine("typst", pdf_document, book_by_typst),
        Engine("latexmk", chapter_by_latex, book_by_latex),
    )
}


def engine(options: Options) -> Engine:
    if options.engine not in ENGINES:
        raise UnknownName("PDF engine", options.engine, ENGINES)
    return ENGINES[options.engine]


def chapter_pdf(document: Document, options: Options) -> Files:
    pdf = engine(options).chapter(document.title, leaf(document).body)
    return {f"{document.chapter.name}.pdf": pdf}


def book_pdf(bound: Bound, options: Options) -> Files:
    return {"book.pdf": engine(options).book(bound)}


def said(bound: Bound) -> tuple[Any, ...]:
    """What a book is made of, whatever sets it."""
    return bound.volume, bound.parts, bound.letters, bound.leaves, places(bound)


def places(bound: Bound) -> Iterator[Place]:
    """For each op, the label of its gradient, of what else is derived of it or of its equations."""
    best: dict[str, tuple[float, str]] = {}
    for found in bound.leaves:
        for entry in found.entries:
            if entry.op and entry.weight > best.get(entry.op, (-1.0, ""))[0]:
                best[entry.op] = entry.weight, f"{found.name}:{entry.anchor}"
    return ((op, label) for op, (_, label) in best.items())
