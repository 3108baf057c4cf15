"""Formulas that can be read in several ways: each way is tried, and none is guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from ..errors import ReadError
from .sizes import Mismatch

T = TypeVar("T")

#: More ways to read one formula than this are not tried.
MOST = 16


class Choices:
    """The decisions of one reading: made before, or made now and open to others."""

    def __init__(self, made: Mapping[str, str]) -> None:
        self.made = dict(made)
        self.others: list[dict[str, str]] = []

    def __call__(self, question: str, answers: tuple[str, ...]) -> str:
        """The answer of this reading; the first one, where it is asked for the first time."""
        if question not in self.made:
            self.others += [self.made | {question: answer} for answer in answers[:0:-1]]
            self.made[question] = answers[0]
        return self.made[question]


@dataclass(frozen=True)
class Outcome(Generic[T]):
    """One reading: what was decided, and what came of it or why nothing did."""

    made: Mapping[str, str]
    found: T | None
    error: ReadError | Mismatch | None = None


def readings(read: Callable[[Choices], T]) -> tuple[Outcome[T], ...]:
    """Every way to read, the most usual first."""
    waiting: list[dict[str, str]] = [{}]
    outcomes: list[Outcome[T]] = []
    while waiting and len(outcomes) < MOST:
        choices = Choices(waiting.pop())
        try:
            found = read(choices)
        except (ReadError, Mismatch) as error:
            outcomes.append(Outcome(choices.made, None, error))
        except RecursionError:
            deep = ReadError("the formula is nested too deeply")
            outcomes.append(Outcome(choices.made, None, deep))
        else:
            outcomes.append(Outcome(choices.made, found))
        waiting += choices.others
    return tuple(outcomes)
