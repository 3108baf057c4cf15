"""What terms keep of what is inside them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

NONE: frozenset[Any] = frozenset()


def united(sets: Iterable[frozenset[Any]]) -> frozenset[Any]:
    """The union; most terms hold one set or none, which are not copied."""
    result = NONE
    for s in sets:
        if s and s is not result:
            result = result | s if result else s
    return result


class Lazy:
    """Slots that are filled in when they are first read, ``key`` by ``_key``."""

    __slots__ = ()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            value = getattr(type(self), f"_{name}")(self)
            setattr(self, name, value)
            return value
