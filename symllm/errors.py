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


class ReadError(SymllmError):
    """A formula that cannot be read; says where, with a caret under the place."""

    #: How much of a long formula is shown on either side of the place.
    AROUND = 36

    def __init__(self, message: str, text: str = "", at: int = 0) -> None:
        self.message, self.text, self.at = message, text, at
        #: Columns count from 1, as editors do.
        self.column = at + 1
        super().__init__(f"column {self.column}: {message}{self._shown()}" if text else message)

    def _shown(self) -> str:
        start = max(0, self.at - self.AROUND)
        shown = "".join(c if c.isprintable() else " " for c in self.text)
        piece = shown[start : self.at + self.AROUND]
        left = "..." if start else ""
        right = "..." if self.at + self.AROUND < len(shown) else ""
        caret = " " * (len(left) + self.at - start) + "^"
        return f"\n  {left}{piece}{right}\n  {caret}"


class VerificationError(SymllmError):
    """A step or a result that should hold does not."""


def tells_of_false(error: BaseException | None) -> bool:
    """Is something false, and not just wrongly asked? A chapter's error holds its cause."""
    while error is not None:
        if isinstance(error, VerificationError):
            return True
        error = error.__cause__
    return False
