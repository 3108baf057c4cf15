"""A chapter's results under each other, for who has come for a formula alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..calls import all_inside
from ..expressions import entries, is_entry, name_of
from ..notation import Partial
from .display import LINE
from .flavour import Flavour, flavour_of
from .noted import Row, noted, set_out
from .printer import PLAIN, Printer, Style
from .subject import Derivation, page_style, results
from .wording import listed

#: How many lines of formulas there may be: one who wants a formula finds it at once.
BOX = 12

#: How wide a line in a box may be with its note.
INSIDE = LINE + 4

Equation = tuple[Any, Any]


@dataclass(frozen=True)
class Part:
    """What there is to say of an op, or of several that share their results: ever more of it."""

    title: str
    parameters: frozenset[str]
    levels: tuple[tuple[Equation, ...], ...]


def glance_markdown(derivations: Sequence[Derivation], flavour: str | Flavour = "github") -> str:
    """Results by op; ops that share a result share its line.

    First come the results of each op, parameters apart; then, where there is
    room, the names that those mention, and then the gradients of parameters.
    """
    f = flavour_of(flavour)
    style = common_style(derivations)
    p = Printer(style)
    groups: dict[tuple[tuple[str, str], ...], list[Derivation]] = {}
    for derivation in derivations:
        written = tuple((p(left), p(right)) for left, right in formulas(derivation))
        groups.setdefault(written, []).append(derivation)
    parts = [part_of(group) for group in groups.values()]
    shown = parts[: next(n for n in range(len(parts), 0, -1) if fits(parts[:n], [0] * n, p))]
    levels = chosen(shown, p)
    table = noted(rows(shown, levels, p), PLAIN, INSIDE)
    more = left_out(parts, levels, p)
    text = f"**At a glance.**\n\n{f.display(table)}" + (f"\n\n{f.prose(more)}" if more else "")
    return f.box("result", text, "") + "\n"


def part_of(group: Sequence[Derivation]) -> Part:
    first = group[0]
    found = formulas(first)
    asked = results(first)
    parameters = {t.name for t in first.op.inputs.values() if t.role == "parameter"}
    main = [row for row in asked if entered(row[0]).isdisjoint(parameters)] or asked
    levels = (main, closed(main, found[len(asked) :]), found)
    title = ", ".join(dict.fromkeys(derivation.op.title for derivation in group))
    return Part(title, frozenset(parameters), tuple(map(tuple, levels)))


def entered(quantity: Any) -> set[str]:
    """The name by whose entry a quantity is the slope."""
    return {name_of(quantity.entry)} if isinstance(quantity, Partial) else set()


def closed(rows: Sequence[Equation], more: Sequence[Equation]) -> list[Equation]:
    """The rows, and those of the others that they mention, and what those mention in turn."""
    waiting = [right for _, right in rows]
    needed: list[Equation] = []
    while waiting:
        names = names_in(waiting.pop())
        new = [row for row in more if row not in needed and name_of(row[0]) in names]
        needed += new
        waiting += [right for _, right in new]
    return [*rows, *(row for row in more if row in needed)]


def chosen(parts: Sequence[Part], p: Printer) -> list[int]:
    """How much is said of each part: as much as fits, something of all before more of any."""
    levels = [0] * len(parts)
    for level in (1, 2):
        for k in range(len(parts)):
            higher = [*levels[:k], level, *levels[k + 1 :]]
            if levels[k] == level - 1 and fits(parts, higher, p):
                levels = higher
    return levels


def fits(parts: Sequence[Part], levels: Sequence[int], p: Printer) -> bool:
    return sum(row.tall for row in set_out(rows(parts, levels, p), INSIDE)) <= BOX


def rows(parts: Sequence[Part], levels: Sequence[int], p: Printer) -> list[Row]:
    """The equations of all parts, the title of each beside its first."""
    found: list[Row] = []
    for part, level in zip(parts, levels, strict=True):
        equations = part.levels[level]
        said = {(row.left, row.right) for row in found}
        new = {name_of(q) for q, value in equations if is_entry(q) and (p(q), value) not in said}
        note = "" if part.title in {row.note for row in found} else part.title
        for quantity, value in equations:
            known = (p(quantity), value) in said and new.isdisjoint(map(name_of, entries(value)))
            if note or not known:  # what is said of a name holds as long as it means the same
                found.append(Row(p(quantity), value, note, p))
            note = ""
    return found


def left_out(parts: Sequence[Part], levels: Sequence[int], p: Printer) -> str:
    """What is found further down the page alone, in words."""
    said: list[str] = []
    parameters = False
    for part, level in zip(parts, levels, strict=False):
        absent = [q for q, right in part.levels[-1] if (q, right) not in part.levels[level]]
        mentioned = {n for _, right in part.levels[level] for n in names_in(right)}
        names = [name_of(q) for q in absent if is_entry(q) and name_of(q) in mentioned]
        if names:
            written = listed([f"${p.name(name)}$" for name in names])
            said.append(f"{written} ({part.title})")
        parameters |= any(entered(q) & part.parameters for q in absent)
    said += ["the gradients of parameters"] * parameters
    said += [part.title for part in parts[len(levels) :]]
    return f"Further down: {'; '.join(said)}." if said else ""


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

    Forward names are not among those, be they the op's or of what it calls.
    """
    known = {*derivation.op.program.tensors, *all_inside(derivation.op.program)}
    mentioned = {name for let in derivation.where.values() for name in let.mentioned}
    spoken = {alias.name for alias in derivation.op.program.aliases} - mentioned
    new = [let for n, let in derivation.where.items() if n not in known and n not in spoken]
    return [*results(derivation), *((let.lhs, let.rhs) for let in new)]
