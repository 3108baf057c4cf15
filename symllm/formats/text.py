"""Chapters as text: Markdown and LaTeX."""

from __future__ import annotations

from ..document import Document, document_markdown
from ..render.typeset import latex_document
from .format import Files, Options, leaf


def chapter_markdown(document: Document, options: Options) -> Files:
    text = document_markdown(document, options.flavour)
    return {f"{document.chapter.name}.md": text.encode()}


def chapter_latex(document: Document, options: Options) -> Files:
    text = latex_document(document.title, leaf(document).body)
    return {f"{document.chapter.name}.tex": text.encode()}
