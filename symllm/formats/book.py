"""Chapters as PDF, and the book that they make together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..document import Document
from ..errors import UnknownName
from ..leaf import Bound
from ..render.binding import Place, book_typst
from ..render.tex import tex_pdf
from ..render.typeset import latex_document, pdf_document, typst_pdf
from .format import Files, Options, leaf


@dataclass(frozen=True)
class Engine:
    """What sets a PDF from a title and Markdown in pandoc's flavour."""

    name: str
    pdf: Callable[[str, str], bytes]


def by_latex(title: str, markdown: str) -> bytes:
    return tex_pdf(title, latex_document(title, markdown))


ENGINES = {e.name: e for e in (Engine("typst", pdf_document), Engine("latexmk", by_latex))}


def chapter_pdf(document: Document, options: Options) -> Files:
    if options.engine not in ENGINES:
        raise UnknownName("PDF engine", options.engine, ENGINES)
    text = ENGINES[options.engine].pdf(document.title, leaf(document).body)
    return {f"{document.chapter.name}.pdf": text}


def book_pdf(bound: Bound, options: Options) -> Files:
    """The book, which Typst sets whatever sets the chapters."""
    source = book_typst(bound.volume, bound.parts, bound.leaves, places(bound))
    return {"book.pdf": typst_pdf(bound.volume["title"], source)}


def places(bound: Bound) -> Iterator[Place]:
    """For each op, the label of its gradient, of what else is derived of it or of its equations."""
    best: dict[str, tuple[float, str]] = {}
    for found in bound.leaves:
        for entry in found.entries:
            if entry.op and entry.weight > best.get(entry.op, (-1.0, ""))[0]:
                best[entry.op] = entry.weight, f"{found.name}:{entry.anchor}"
    return ((op, label) for op, (_, label) in best.items())
