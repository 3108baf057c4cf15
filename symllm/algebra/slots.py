"""What terms keep of what is inside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

T = TypeVar("T")

NONE: frozenset[Any] = frozenset()


def united(sets: Iterable[frozenset[Any]]) -> frozenset[Any]:
    """The union; most terms hold one set or none, which are not copied."""
    result = NONE
    for s in sets:
        if s and s is not result:
            result = result | s if result else s
    return result


class kept(Generic[T]):
    """A property that is computed when it is first read; what it was is the term's own then.

    ``functools.cached_property`` locks while it computes, which costs more
    than most of what terms keep.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self.compute = compute
        self.name = compute.__name__

    def __get__(self, term: Any, kind: type) -> T:
        value = self.compute(term)
        object.__setattr__(term, self.name, value)  # a frozen one, too
        return value
