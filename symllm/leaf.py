"""A chapter as plain data: what a book and a site are bound from, without running it again."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace

from .document import Document, anchors, document_markdown, sections
from .expressions import name_of
from .headings import Heading
from .op import Op
from .render.page import rows
from .render.printer import Printer
from .render.subject import Derivation, asked_for, page_style, results
from .symbols import Symbol, symbols_of

#: What people may look for who mean a derivation of a kind.
SYNONYMS = {
    "gradient": "gradient derivative backward backprop backpropagation vjp dx formula",
    "jacobian": "jacobian derivative matrix",
    "hessian": "hessian second derivative curvature",
}
#: What is sought most comes first among equals.
WEIGHTS = {"gradient": 1.0, "jacobian": 0.5, "hessian": 0.5}


@dataclass(frozen=True)
class Entry:
    """What can be looked for: where it is, and its formula if it has one.

    ``under`` are the headings above it in words, ``section`` is the last one's anchor.
    """

    title: str
    under: str
    anchor: str
    words: str = ""
    tex: str = ""
    op: str = ""
    weight: float = 0.0
    section: str = ""


@dataclass(frozen=True)
class Leaf:
    """A chapter: ``body`` is Markdown in pandoc's flavour, without the title."""

    name: str
    title: str
    body: str
    sections: tuple[Heading, ...]
    entries: tuple[Entry, ...]
    symbols: tuple[Symbol, ...]


@dataclass(frozen=True)
class Bound:
    """Chapters in the order of their book; ``parts`` by the chapter that each begins with.

    ``letters`` mean the same in all of them.
    """

    volume: Mapping[str, str]
    parts: Mapping[str, str]
    letters: Mapping[str, str]
    leaves: tuple[Leaf, ...]


def packed(leaf: Leaf) -> bytes:
    """As it is kept and sent between processes."""
    return json.dumps(asdict(leaf), ensure_ascii=False, sort_keys=True).encode()


def unpacked(data: bytes) -> Leaf:
    found = json.loads(data)
    for name, kind in (("sections", Heading), ("entries", Entry), ("symbols", Symbol)):
        found[name] = tuple(kind(**row) for row in found[name])
    return Leaf(**found)


def leaf_of(document: Document) -> Leaf:
    return Leaf(
        document.chapter.name,
        document.title,
        document_markdown(document, "pandoc", title=False),
        tuple(heading for here in sections(document) for heading in here),
        tuple(entries_of(document)),
        tuple(symbols_of(document)),
    )


def entries_of(document: Document) -> Iterator[Entry]:
    """Headings, ops and derivations, in the order of the chapter.

    A heading right above an op or a derivation says no more than that itself.
    """
    path: dict[int, Heading] = {}
    values = [shown.value for shown in document.shown]
    cells = zip(values, [*values[1:], None], sections(document), anchors(document), strict=True)
    for value, after, here, anchor in cells:
        for heading in here:
            path = {k: h for k, h in path.items() if k < heading.level} | {heading.level: heading}
            above = [document.title, *(h.text for k, h in path.items() if 1 < k < heading.level)]
            said = heading is here[-1] and isinstance(after, Op | Derivation)
            if heading.level > 1 and heading.text != "References" and not said:
                found = heading.anchor
                yield Entry(heading.text, " › ".join(above), found, section=found)
        under = " › ".join([document.title, *(h.text for k, h in path.items() if k > 1)])
        section = path[max(path)].anchor if path else ""
        match value:
            case Op() as op:
                words = f"forward equations definition {called(op.name)} {op.source}"
                yield Entry(op.title, under, anchor, words, op=op.title, section=section)
            case Derivation() as derivation:
                yield replace(derivation_entry(derivation, under, anchor), section=section)


def derivation_entry(found: Derivation, under: str, anchor: str) -> Entry:
    p = Printer(page_style(found))
    asked = [name_of(quantity.entry) for quantity in asked_for(found)]
    return Entry(
        f"{found.op.title}: {found.kind} by {', '.join(asked)}",
        under,
        anchor,
        f"{SYNONYMS[found.kind]} {called(found.op.name)}",
        rows(results(found), p.style),
        found.op.title,
        WEIGHTS[found.kind],
    )


def called(name: str) -> str:
    """An op's name as people may write it: ``layer norm``, ``layernorm``."""
    return f"{name.replace('_', ' ')} {name.replace('_', '')}"
