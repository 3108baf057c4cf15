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
from symllm.document import show
from symllm.models.gradient import ModelGradient
from symllm.models.page import sections
from symllm.render import calculation, display, optimum
from symllm.render.flavour import flavour_of
from symllm.render.glance import common_style, formulas
from symllm.render.kinks import jumps, kinks
from symllm.render.page import matrix_rows, result_markdown
from symllm.render.place import ALONE
from symllm.render.printer import Printer, Style
from symllm.render.steps import lemma, step_lines
from symllm.render.subject import page_style
from symllm.render.wording import question


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
        mock.patch.object(calculation, "broken", outermost(display.broken)),
        mock.patch.object(optimum, "broken", outermost(display.broken)),
    ):
        yield found


def emitted_by(value: Any) -> list[Emitted]:
    """What a page shows of a value, each formula once."""
    with recorded() as found:
        parts_of(value)
    return list(dict.fromkeys(found))


def glanced(derivations: Sequence[Derivation]) -> Iterator[tuple[Derivation, Emitted]]:
    """What stands at the head of a chapter: its results, in names that all of them share."""
    p = Printer(common_style(derivations))
    for derivation in derivations:
        for quantity, value in formulas(derivation):
            yield from ((derivation, Emitted(side, p.style, p(side))) for side in (quantity, value))


def parts_of(value: Any) -> None:
    """Make all that a page shows of a value; what judges it is not asked again."""
    f = flavour_of("github")
    match value:
        case Derivation():
            style = page_style(value)
            question(value, style)
            for fact in value.facts:
                lemma(fact, f, style)
            step_lines(value, f, style)
            result_markdown(value, f, style, ALONE)
            matrix_rows(value, style)
            kinks(value, style)
            jumps(value, style)
        case ModelGradient():
            list(sections(value, f, SimpleNamespace(errors={})))
        case list() | tuple():
            for item in value:
                parts_of(item)
        case _:
            show(value, f)


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


def sides_in(display: str) -> Iterator[str]:
    """What stands left and right of the signs of a displayed formula, without its notes."""
    inside = re.sub(r"\\(begin|end)\{aligned\}", "", display)
    lines = [NOTE.sub("", line.rstrip("\\ ")) for line in inside.strip().split("\n")]
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
