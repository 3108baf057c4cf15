"""Chapters as text: Markdown and LaTeX."""

from __future__ import annotations

from collections.abc import Iterator

from ..document import Document, document_markdown
from ..pictures import Picture
from ..render.typeset import latex_document
from .format import Files, Options, leaf


def chapter_markdown(document: Document, options: Options) -> Files:
    """A page, and the pictures that it shows and that are no text."""
    text = document_markdown(document, options.flavour)
    drawings = {p.file: p.svg.encode() for p in pictures(document) if not p.mermaid}
    return {f"{document.chapter.name}.md": text.encode()} | drawings


def pictures(document: Document) -> Iterator[Picture]:
    for shown in document.shown:
        values = shown.value if isinstance(shown.value, list | tuple) else [shown.value]
        yield from (value for value in values if isinstance(value, Picture))


def chapter_latex(document: Document, options: Options) -> Files:
    text = latex_document(document.title, leaf(document).body)
    return {f"{document.chapter.name}.tex": text.encode()}
