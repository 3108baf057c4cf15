"""How an array's axes lie: slots, each an index or None for an axis of size one.

Arrays meet aligned to the right. A name that is reduced over an axis keeps it
with size one where its users meet it with arrays that have the axis.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import sympy as sp

from ..expressions import name_of, subscripts_of
from .contraction import factors_of
from .functions import Over, indices_of, is_index
from .lines import Line

Slots = tuple[sp.Symbol | None, ...]
#: The same for a name, whatever its subscripts: which of its axes lies in which slot.
Axes = tuple[int | None, ...]


def present(slots: Iterable[sp.Symbol | None]) -> tuple[sp.Symbol, ...]:
    """The slots that hold an index."""
    return tuple(s for s in slots if s is not None)


def within(indices: Iterable[sp.Symbol], context: Slots) -> Slots:
    """The slots that an array with these indices needs to meet arrays in the context."""
    wanted = set(indices)
    slots = [s if s in wanted else None for s in context]
    while slots and slots[0] is None:
        slots.pop(0)
    return tuple(slots)


def insertions(given: Slots, wanted: Slots) -> list[str] | None:
    """The subscript, item by item, that turns one layout into another of the same order."""
    items: list[str] = []
    rest = list(wanted)
    for slot in given:
        while rest and rest[0] is None and slot is not None:
            items.append("None")
            rest.pop(0)
        if rest and rest[0] == slot:
            items.append(":")
            rest.pop(0)
        elif slot is None:
            items.append("0")
        else:
            return None
    items += ["None"] * len(rest)
    return None if any(s is not None for s in rest) else items


def subscript(items: Sequence[str]) -> str:
    """The shortest spelling of a subscript: ``[..., None]``, ``[:, None]``."""
    items = list(items)
    if all(item == ":" for item in items):
        return ""
    if items[-1] == ":":
        while items[-1] == ":":
            items.pop()
    elif items[:2] == [":", ":"]:
        while items[0] == ":":
            items.pop(0)
        items.insert(0, "...")
    return f"[{', '.join(items)}]"


def body_order(body: sp.Expr, context: Slots, bound: Sequence[sp.Symbol]) -> Slots:
    """The order of axes in which to compute what a reduction holds.

    That of the context, with the bound axes last, where the entry with the most
    axes lies so; else that of this entry, with the context's other axes before.
    """
    free = set(indices_of(body))
    plain = [
        tuple(e.indices)
        for e in sorted(body.atoms(sp.Indexed), key=str)
        if all(map(is_index, e.indices)) and len(set(e.indices)) == len(e.indices)
    ]
    widest: tuple[sp.Symbol, ...] = max(plain, key=len, default=())
    widest = tuple(i for i in widest if i in free)
    reduced = tuple(s for s in (*present(context), *bound) if s in free)
    if tuple(s for s in reduced if s in widest) == widest:
        return reduced
    return (*(s for s in reduced if s not in widest), *widest)


def layouts(lines: Sequence[Line], outputs: Sequence[str]) -> dict[str, Slots]:
    """Each line's layout: as most of its users meet it; an output's as it is returned."""
    wishes: dict[str, Counter[Axes]] = {line.name: Counter() for line in lines}
    result: dict[str, Slots] = {}

    def meet(expr: sp.Basic, context: Slots) -> None:
        if isinstance(expr, sp.Indexed | sp.Symbol):
            name, own = name_of(expr), subscripts_of(expr)
            if name in wishes and own:
                places = {s: axis for axis, s in enumerate(own)}
                slots = within(own, context) if all(map(is_index, own)) else own
                wish = tuple(places.get(s) if s is not None else None for s in slots)
                wishes[name][wish] += 1
        elif isinstance(expr, Over):
            factors = factors_of(expr.body)
            if len(factors) > 1:
                for factor in factors:
                    if isinstance(factor, sp.Indexed):
                        meet(factor, tuple(factor.indices))
                    else:
                        meet(factor, body_order(factor, context, expr.bound))
            else:
                meet(expr.body, body_order(expr.body, context, expr.bound))
        else:
            for arg in expr.args:
                meet(arg, context)

    for line in reversed(lines):
        exact: Axes = tuple(range(len(line.indices)))
        ranked = sorted(
            wishes[line.name].items(),
            key=lambda w: (w[1], sum(p is None for p in w[0])),
            reverse=True,
        )
        best = next((w for w, _ in ranked if [p for p in w if p is not None] == [*exact]), exact)
        if line.name in outputs:
            best = exact
        result[line.name] = tuple(line.indices[p] if p is not None else None for p in best)
        meet(line.value, result[line.name])
    return result
