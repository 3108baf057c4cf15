"""What symllm raises when it is asked for something that it cannot do.

Every message says what was given, what was expected, and where.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class SymllmError(ValueError):
    """Base of every error that a user's input can cause."""


class NotationError(SymllmError):
    """A tensor or an index is written with the wrong indices or dimensions."""


class OpError(SymllmError):
    """An op's definition contradicts itself."""


class UnknownName(SymllmError, AttributeError, KeyError):
    """A name that is not in the collection asked; lists what is."""

    def __init__(self, kind: str, given: object, known: Iterable[str]) -> None:
        names = list(known)
        close = get_close_matches(str(given), names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        self.message = f"there is no {kind} {given!r}.{hint} Known: {', '.join(names)}"
        super().__init__(self.message)

    def __str__(self) -> str:  # KeyError would print the message quoted
        return self.message


class ShapeError(SymllmError):
    """An array's shape does not fit the dimensions of its tensor."""


class VerificationError(SymllmError):
    """A step or a result that should hold does not."""


def tells_of_false(error: BaseException | None) -> bool:
    """Is something false, and not just wrongly asked? A chapter's error holds its cause."""
    while error is not None:
        if isinstance(error, VerificationError):
            return True
        error = error.__cause__
    return False
