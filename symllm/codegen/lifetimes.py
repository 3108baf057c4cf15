"""Large arrays that nothing reads any more, let go before others are made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from .lines import Line


@dataclass(frozen=True)
class Array:
    """An array, under all its names: the line that makes it, and the last that reads it."""

    names: tuple[str, ...]
    made: int
    read: int


def arrays_of(
    lines: Sequence[Line],
    outputs: Collection[str],
    made: Mapping[str, int],
    same: Mapping[str, str],
) -> tuple[Array, ...]:
    """The arrays that lines make under these names, where some are ``same`` as an older one's."""
    groups: dict[str, list[str]] = {}
    for name in (*made, *(n for n in same if n not in made)):
        groups.setdefault(last_name(name, same), []).append(name)
    found = []
    for first, names in groups.items():
        if first in made:
            users = (k for k, line in enumerate(lines) if not line.mentioned.isdisjoint(names))
            read = len(lines) if set(names) & set(outputs) else max(users, default=made[first])
            found.append(Array(tuple(names), made[first], read))
    return tuple(found)


def let_go(arrays: Iterable[Array]) -> tuple[int, tuple[str, ...]] | None:
    """The line before which to forget arrays, and their names, if fewer are then there at once.

    Arrays count alike, and what is not forgotten there stays to the end.
    """
    arrays = tuple(arrays)

    def forgotten(at: int) -> list[Array]:
        return [a for a in arrays if a.made < at and a.read < at]

    def most(at: int) -> int:
        before = sum(a.made < at for a in arrays)
        return max(before, len(arrays) - len(forgotten(at)))

    places = sorted({a.made for a in arrays})
    at = min(places, key=most, default=0)
    names = tuple(name for a in forgotten(at) for name in a.names)
    return (at, names) if places and most(at) < len(arrays) else None


def last_name(name: str, merged: Mapping[str, str]) -> str:
    while name in merged:
        name = merged[name]
    return name
