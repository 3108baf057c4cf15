"""Chapters as text: Markdown, with a list of contents, and LaTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..document import Document, document_markdown
from ..headings import Heading
from ..leaf import Bound
from ..pictures import Picture
from ..render.flavour import flavour_of
from ..render.symbols import FILE, TITLE, Titled, general, symbols_markdown
from ..render.typeset import latex_document
from .contents import contents_of
from .format import Files, Options, leaf


def chapter_markdown(document: Document, options: Options) -> Files:
    """A page, and the pictures that it shows and that are no text."""
    text = document_markdown(document, options.flavour)
    drawings = {p.file: p.svg.encode() for p in pictures(document) if not p.mermaid}
    return {f"{document.chapter.name}.md": text.encode()} | drawings


#: What shows a folder's first page; GitHub does it below the folder's files.
FIRST = {"github": "README.md"}


def contents_markdown(bound: Bound, options: Options) -> Files:
    """The folder's first page, chapters and the ops in each, and the table of symbols."""
    lines = [f"# {bound.volume['title']}"]
    for found in bound.leaves:
        anchors = github_anchors(found.sections)
        listed = (
            f"[{e.title}]({found.name}.md#{anchors[e.section]})" for e in contents_of(found).entries
        )
        if found.name in bound.parts:
            lines.append(f"## {bound.parts[found.name]}")
        lines += [f"**[{found.title}]({found.name}.md)**", " · ".join(listed)]
    lines.append(f"[{TITLE}]({FILE}.md)")
    text = "\n\n".join(line for line in lines if line) + "\n"
    symbols = symbols_page(bound, options)
    return {
        FIRST.get(options.flavour, "index.md"): text.encode(),
        f"{FILE}.md": symbols.encode(),
    }


def symbols_page(bound: Bound, options: Options) -> str:
    """The table of symbols of all chapters."""
    anchors = {found.name: github_anchors(found.sections) for found in bound.leaves}

    def linked(chapter: Titled, section: str) -> str:
        at = f"#{anchors[chapter.name][section]}" if section else ""
        return f"[{chapter.title}]({chapter.name}.md{at})"

    f = flavour_of(options.flavour)
    return f"# {TITLE}\n\n{general(f)}\n{symbols_markdown(bound.leaves, f, linked, bound.letters)}"


def github_anchors(headings: Iterable[Heading]) -> dict[str, str]:
    """What GitHub calls each heading, by its anchor of ours."""
    count: dict[str, int] = {}
    found = {}
    for heading in headings:
        kept = re.sub(r"[^\w\- ]", "", heading.text.lower()).replace(" ", "-")
        seen = count[kept] = count.get(kept, -1) + 1
        found[heading.anchor] = f"{kept}-{seen}" if seen else kept
    return found


def pictures(document: Document) -> Iterator[Picture]:
    for shown in document.shown:
        values = shown.value if isinstance(shown.value, list | tuple) else [shown.value]
        yield from (value for value in values if isinstance(value, Picture))


def chapter_latex(document: Document, options: Options) -> Files:
    text = latex_document(document.title, leaf(document).body)
    return {f"{document.chapter.name}.tex": text.encode()}
