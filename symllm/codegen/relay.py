"""One array in another order of axes, some of them split, some merged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import sympy as sp

from .target import Target

#: The indices that each axis of an array holds.
Groups = tuple[tuple[sp.Symbol, ...], ...]


def relaid(
    target: Target,
    text: str,
    have: Groups,
    want: Groups,
    size: Callable[[sp.Symbol], str],
) -> str:
    """The array, whose axes hold ``have``, with axes that hold ``want``."""
    if have == want:
        return text
    ways = (moved(target, text, have, want, units_of(have, want, by), size) for by in MERGED)
    return min(ways, key=lambda way: way.count("."))


#: Which indices may move together: those that are merged before or after, or after alone.
MERGED = (True, False)


def moved(
    target: Target,
    text: str,
    have: Groups,
    want: Groups,
    units: Groups,
    size: Callable[[sp.Symbol], str],
) -> str:
    """The array with its axes split or merged into units, these moved, and then as wanted."""
    if units != have:
        text = reshaped(text, units, size)
    place = {axis[0]: k for k, axis in enumerate(units)}
    order = [place[index] for axis in want for index in axis if index in place]
    if order != sorted(order):
        text = f"{text}.T" if order == [1, 0] else target.permuted(text, ", ".join(map(str, order)))
    laid = tuple(units[k] for k in order)
    return text if laid == want else reshaped(text, want, size)


def units_of(have: Groups, want: Groups, before: bool) -> Groups:
    """The axes that move: indices stay together that are merged, and in a row on both sides."""
    after = {last: index for axis in want for last, index in pairwise(axis)}
    follows = dict(pairwise([index for axis in want for index in axis]))
    units: list[tuple[sp.Symbol, ...]] = []
    for axis in have:
        for place, index in enumerate(axis):
            last = units[-1][-1] if units else None
            merged = after.get(last) == index or (before and place > 0)
            if last is not None and merged and follows.get(last) == index:
                units[-1] = (*units[-1], index)
            else:
                units.append((index,))
    return tuple(units)


def reshaped(
    text: str, axes: Sequence[tuple[sp.Symbol, ...]], size: Callable[[sp.Symbol], str]
) -> str:
    """One merged axis is what remains of the array; the others have their sizes."""
    merged = [axis for axis in axes if len(axis) > 1]
    sizes = [
        "-1" if len(merged) == 1 and axis is merged[0] else " * ".join(size(i) for i in axis)
        for axis in axes
    ]
    return f"{text}.reshape({', '.join(sizes)})"


def broadcast(text: str, rank: int, missing: Sequence[int]) -> str:
    """The array with an axis of size one for each batch axis that it lacks."""
    items = ["None" if k in missing else ":" for k in range(rank)]
    while items and items[-1] == ":":
        items.pop()
    return f"{text}[{', '.join(items)}]"
