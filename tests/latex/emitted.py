"""Every formula that a page is made of, as the printer writes it, for whatever object."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from unittest import mock

from symllm.derivation import Derivation
from symllm.document import Document, document_markdown, show
from symllm.models.gradient import ModelGradient
from symllm.render import calculation, display, noted, optimum, page
from symllm.render.glance import common_style, formulas, glance_markdown
from symllm.render.printer import Printer, Style


@dataclass(frozen=True)
class Emitted:
    """An expression, or the name of a tensor, and the LaTeX that a page shows for it."""

    expr: Any
    style: Style
    tex: str


@contextmanager
def recorded() -> Iterator[list[Emitted]]:
    """All that printers write while this lasts, but for the parts of what they write."""
    found: list[Emitted] = []
    depth = 0

    def outermost(write: Any, keep: bool = True) -> Any:
        def writing(printer: Printer, written: Any, *room: float) -> Any:
            nonlocal depth
            depth += 1
            try:
                tex = write(printer, written, *room)
            finally:
                depth -= 1
            if keep and not depth:
                text = " ".join(tex) if isinstance(tex, list) else str(tex)
                found.append(Emitted(written, printer.style, text))
            return tex

        return writing

    with (
        mock.patch.object(Printer, "__call__", outermost(Printer.__call__)),
        mock.patch.object(Printer, "name", outermost(Printer.name)),
        mock.patch.object(Printer, "is_adjoint", outermost(Printer.is_adjoint, keep=False)),
        mock.patch.object(display, "broken", outermost(display.broken)),
        mock.patch.object(noted, "broken", outermost(display.broken)),
        mock.patch.object(calculation, "broken", outermost(display.broken)),
        mock.patch.object(optimum, "broken", outermost(display.broken)),
    ):
        yield found


def emitted_by(value: Any) -> list[Emitted]:
    """What a page shows of a value, each formula once."""
    with recorded() as found, unjudged():
        show(value, "github")
    return list(dict.fromkeys(found))


@contextmanager
def unjudged() -> Iterator[None]:
    """Pages without evidence and without code as long as this lasts: those hold no formula."""
    good = SimpleNamespace(ok=True, errors={})
    with (
        mock.patch.object(Derivation, "verify", return_value=good),
        mock.patch.object(Derivation, "listing", return_value=""),
        mock.patch.object(ModelGradient, "verify", return_value=good),
        mock.patch.object(page, "evidence_text", return_value=""),
    ):
        yield


def page_of(document: Document) -> str:
    """The page of a chapter as Markdown."""
    with unjudged():
        return document_markdown(document, "github")


def glanced(derivations: Sequence[Derivation]) -> Iterator[tuple[Derivation, Emitted]]:
    """What stands at the head of a chapter: its results, in names that all of them share."""
    p = Printer(common_style(derivations))
    with recorded() as found:
        if derivations:
            glance_markdown(derivations)
    for derivation in derivations:
        for side in (side for equation in formulas(derivation) for side in equation):
            yield derivation, Emitted(side, p.style, p(side))
            yield from ((derivation, broken) for broken in found if broken.expr == side)


# --------------------------------------------------------------------------
# What stands on a page
# --------------------------------------------------------------------------

#: How lines are set: no part of what they say.
SETTING = re.compile(r"\\left|\\right|\\Big[lr]|\\,|\\q?quad|\\times|\{\}|\s+|&")
#: Words beside an equation, or under it.
NOTE = re.compile(r"( &&|  ) *\\quad .*|&\\qquad \\text\{\(.*")
RELATION = re.compile(r"=|\\le(?![a-z])|\\ge(?![a-z])|\\Longrightarrow")
SIGN = re.compile(r"[+-]")


def squeezed(tex: str) -> str:
    """A formula without how it is set, so that one that is broken over lines is the same."""
    return SETTING.sub("", tex)


def unnoted(display: str) -> list[str]:
    """The lines of a displayed formula without the words beside them and under them."""
    inside = re.sub(r"\\(begin|end)\{aligned\}", "", display)
    lines = (NOTE.sub("", line.rstrip("\\ ")) for line in inside.strip().split("\n"))
    return [line for line in lines if line.strip()]


def sides_in(display: str) -> Iterator[str]:
    """What stands left and right of the signs of a displayed formula."""
    lines = unnoted(display)
    whole = " ".join(f" {line}" if "qquad" in line else f"=={line}" for line in lines if line)
    yield from filter(None, (squeezed(side) for side in cut(whole, RELATION)))


def cut(text: str, at: re.Pattern[str]) -> Iterator[str]:
    """A text cut at signs that stand in no brackets."""
    depth = start = place = 0
    while place < len(text):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        found = at.match(text, place)
        if found and not depth:
            yield text[start:place]
            start = place = found.end()
        else:
            place += 1
    yield text[start:]


def terms_in(side: str) -> list[str]:
    """The terms of a side, each with its sign if that is a minus."""
    signed = re.sub(r"-", "+-", side)
    return [term for term in cut(signed, re.compile(r"\+")) if term]
