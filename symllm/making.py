"""Work done where it has to be, and taken from an earlier time where that says the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from .apart import made_in_parallel
from .cache import holds, keep, kept
from .chapters import ChapterError
from .errors import VerificationError
from .footprint import digest_of, environment
from .made import Made, Result, Task


@dataclass(frozen=True)
class Work:
    """What came of a task; ``again`` says that it was there from an earlier time."""

    result: Result
    seconds: float
    again: bool


def all_made(
    tasks: Sequence[Task], progress: Callable[[str], None], jobs: int | None, cache: bool
) -> dict[str, Work]:
    """What comes of each task, by name and in order.

    All are tried, and what was made is kept. Raises ``ChapterError`` with what
    is wrong with each that failed.
    """
    before = {task.name: kept(task.name) for task in tasks}
    made: dict[str, Made] = {}
    missing: list[Task] = []
    now, digest_now = environment(), lru_cache(maxsize=None)(digest_of)
    for task in tasks:
        old = before[task.name]
        if not cache or old is None or not holds(old, task, now, digest_now):
            missing.append(task)
        elif {*task.formats} <= {*old.formats}:
            made[task.name] = old
            progress(task.name)
        else:
            both = dict.fromkeys((*task.formats, *old.formats))
            missing.append(replace(task, formats=tuple(both)))
    again = frozenset(made)
    missing.sort(key=lambda task: -seconds(before[task.name]))  # the longest first
    for name, new in made_in_parallel(missing, jobs):
        made[name] = new
        if cache and new.result:
            keep(name, new)
        progress(name)
    stop_at_failures(made[task.name] for task in tasks)
    return {
        task.name: Work(found.result, found.seconds, task.name in again)
        for task in tasks
        if (found := made[task.name]).result
    }


def stop_at_failures(made: Iterable[Made]) -> None:
    failed = [each for each in made if each.result is None]
    if failed:
        said = "\n".join(each.error for each in failed)
        false = any(each.false for each in failed)
        raise ChapterError(said) from (VerificationError(said) if false else None)


def seconds(made: Made | None) -> float:
    return made.seconds if made else 0.0
