"""A chapter's results under each other, for who has come for a formula alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sympy as sp

from ..calls import all_inside
from ..expressions import entries, is_entry, name_of
from .display import LINE, noted
from .flavour import Flavour, flavour_of
from .printer import PLAIN, Printer, Style
from .subject import Derivation, page_style, results

#: How many lines a box may have: it does not break, and the first page has a title as well.
BOX = 12

#: How wide a line in a box may be with its note.
INSIDE = LINE + 4


def glance_markdown(derivations: Sequence[Derivation], flavour: str | Flavour = "github") -> str:
    """Results by op; ops that share a result share its line.

    What is too long for one box goes on in another, from the next op on.
    """
    f = flavour_of(flavour)
    style = common_style(derivations)
    p = Printer(style)
    groups: dict[tuple[tuple[str, str], ...], list[Derivation]] = {}
    for derivation in derivations:
        written = tuple((p(left), p(right)) for left, right in formulas(derivation))
        groups.setdefault(written, []).append(derivation)
    boxes: list[list[tuple[str, Any, str]]] = [[]]
    title = ""
    for group in groups.values():
        above, title = title, ", ".join(dict.fromkeys(d.op.title for d in group))
        note = title if title != above else ""
        found = formulas(group[0])
        if boxes[-1] and len(boxes[-1]) + len(found) > BOX:
            boxes.append([])
        said = {row[:2] for rows in boxes for row in rows}
        new = {name_of(q) for q, value in found if is_entry(q) and (p(q), value) not in said}
        for quantity, value in found:
            known = (p(quantity), value) in said and new.isdisjoint(map(name_of, entries(value)))
            if note or not known:  # what is said of a name holds as long as it means the same
                boxes[-1].append((p(quantity), value, note))
            note = ""
    shown = [f.display(noted(rows, style, PLAIN, INSIDE)) for rows in boxes if rows]
    shown[0] = f"**At a glance.**\n\n{shown[0]}"
    return "\n\n".join(f.box("result", text, "") for text in shown) + "\n"


def common_style(derivations: Sequence[Derivation]) -> Style:
    """The names that the results speak of, and those whose gradients they speak of."""
    styles = [page_style(derivation) for derivation in derivations]
    said = {name for d in derivations for side in sides(d) for name in names_in(side)}
    names = dict.fromkeys(name for style in styles for name in style.names)
    return Style(
        tuple(name for name in names if name in said or f"d{name}" in said),
        frozenset(name for style in styles for name in style.offsets),
    )


def sides(derivation: Derivation) -> list[Any]:
    return [side for equation in formulas(derivation) for side in equation]


def names_in(side: Any) -> set[str]:
    return set(map(name_of, entries(side))) | {s.name for s in sp.sympify(side).free_symbols}


def formulas(derivation: Derivation) -> list[tuple[Any, Any]]:
    """The results, and the equations of names that the derivation made for them.

    Forward names are not among those, be they the op's or of what it calls. Where
    they would fill a box by themselves, the results alone.
    """
    known = {*derivation.op.program.tensors, *all_inside(derivation.op.program)}
    mentioned = {name for let in derivation.where.values() for name in let.mentioned}
    spoken = {alias.name for alias in derivation.op.program.aliases} - mentioned
    new = [let for n, let in derivation.where.items() if n not in known and n not in spoken]
    found = [*results(derivation), *((let.lhs, let.rhs) for let in new)]
    return found if len(found) < BOX else results(derivation)
