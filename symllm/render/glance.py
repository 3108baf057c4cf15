"""A chapter's results under each other, for who has come for a formula alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .display import noted
from .flavour import Flavour, flavour_of
from .printer import PLAIN, Printer, Style
from .subject import Derivation, page_style, results


def glance_markdown(derivations: Sequence[Derivation], flavour: str | Flavour = "github") -> str:
    """Results by op; ops that share a result share its line."""
    f = flavour_of(flavour)
    style = common_style(derivations)
    p = Printer(style)
    groups: dict[tuple[tuple[str, str], ...], list[Derivation]] = {}
    for derivation in derivations:
        written = tuple((p(left), p(right)) for left, right in formulas(derivation))
        groups.setdefault(written, []).append(derivation)
    rows: list[tuple[str, Any, str]] = []
    title = ""
    for group in groups.values():
        above, title = title, ", ".join(dict.fromkeys(d.op.title for d in group))
        note = title if title != above else ""
        for quantity, value in formulas(group[0]):
            if note or not any(row[:2] == (p(quantity), value) for row in rows):
                rows.append((p(quantity), value, note))
            note = ""
    return f.box("result", f"**At a glance.**\n\n{f.display(noted(rows, style, PLAIN))}") + "\n"


def common_style(derivations: Sequence[Derivation]) -> Style:
    styles = [page_style(derivation) for derivation in derivations]
    names = dict.fromkeys(name for style in styles for name in style.names)
    return Style(tuple(names), frozenset(name for style in styles for name in style.offsets))


def formulas(derivation: Derivation) -> list[tuple[Any, Any]]:
    """The results, and the equations of names that the derivation made for them."""
    known = derivation.op.program.tensors
    mentioned = {name for let in derivation.where.values() for name in let.mentioned}
    spoken = {alias.name for alias in derivation.op.program.aliases} - mentioned
    new = [let for n, let in derivation.where.items() if n not in known and n not in spoken]
    return [*results(derivation), *((let.lhs, let.rhs) for let in new)]
