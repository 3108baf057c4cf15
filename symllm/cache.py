"""What was made before: a shortcut, and never more than that.

Each piece of work has one entry, whose first line is the digest of the rest.
An entry is believed only if it is whole and if all that it rests on is as it
was: every file that its process read, Python and the libraries installed, and
what was asked of the surroundings. The folder is one's own: what lies there is
taken for what this program wrote, and only chance is guarded against.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

from platformdirs import user_cache_path

from .files import BuildError, write_all
from .footprint import current, digest
from .made import Made, Task, unpacked

#: Names the folder of the cache, where the usual one of the system is not wanted.
VARIABLE = "SYMLLM_CACHE"


def cache_folder() -> Path:
    named = os.environ.get(VARIABLE)
    return Path(named) if named else user_cache_path("symllm", appauthor=False)


def entry_for(name: str) -> Path:
    """Where work of a name is kept, as it was done from the folder one is in."""
    where = digest(os.fsencode(os.path.abspath(name)))
    return cache_folder() / "made" / where[:32]


def kept(name: str) -> Made | None:
    """What came of a piece of work the last time, if that can be read."""
    try:
        head, _, data = entry_for(name).read_bytes().partition(b"\n")
        return unpacked(data) if head == digest(data).encode() else None
    except (OSError, ValueError):
        return None


def keep(name: str, made: Made) -> None:
    """For the next time; where nothing can be written, that has to do without."""
    data = pickle.dumps(made)
    try:
        write_all({entry_for(name): digest(data).encode() + b"\n" + data})
    except BuildError:
        return


def holds(
    made: Made, task: Task, environment: Mapping[str, str], digest_now: Callable[[str], str]
) -> bool:
    """Is all as it was when it was made, but perhaps for the formats that are wanted?"""
    return (
        made.result is not None
        and made.given == task.given
        and made.environment == environment
        and bool(made.files)
        and made.asked.keys() == task.around.keys()
        and all(made.asked[name].holds(known) for name, known in task.around.items())
        and current(made.files, digest_now)
    )
