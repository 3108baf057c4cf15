"""A piece of work and what came of it: plain data, sent between processes and kept in files."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .measured import Linked, Measured

#: Files by name, in the output's folder.
Files = Mapping[str, bytes]

#: By the name of a field of a document: what it says of the other chapters of its folder.
Around = Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """Files by their format, and what was measured on the way to them."""

    pages: Mapping[str, Files]
    measured: Sequence[Measured | Linked] = ()


@dataclass(frozen=True)
class Task:
    """A call ``function(given, formats, around)``, to be made in a process of its own.

    ``name`` is for people. All that is ``given`` matters; of a mapping in
    ``around``, what is looked up.
    """

    name: str
    function: Callable[..., Result]
    given: Any
    formats: tuple[str, ...]
    around: Around = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What was asked of a mapping: the answers to single keys, and all of it if that was seen.

    Of what is no mapping, all is seen.
    """

    single: dict[str, Any] = field(default_factory=dict)
    whole: list[Any] = field(default_factory=list)

    def holds(self, known: Any) -> bool:
        """Would the answers be the same?"""
        if not isinstance(known, Mapping):
            return self == Asked({}, [known])
        same = all(known.get(key) == answer for key, answer in self.single.items())
        return same and self.whole in ([], [*known.items()])


@dataclass(frozen=True)
class Made:
    """What came of a task, and what all of it rests on.

    ``files`` and ``environment`` are the footprint of the process that made it,
    ``asked`` what it asked of its surroundings. Where it failed there is no
    result: ``error`` says why, and ``false`` whether something did not verify.
    """

    given: Any
    result: Result | None
    seconds: float = 0.0
    asked: Mapping[str, Asked] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    false: bool = False

    @property
    def formats(self) -> Sequence[str]:
        return [*self.result.pages] if self.result else []


class Consulted(Mapping[str, Any]):
    """A mapping that notes what it was asked."""

    def __init__(self, known: Mapping[str, Any]) -> None:
        self._known = known
        self.asked = Asked()

    def __getitem__(self, key: str) -> Any:
        self.asked.single[key] = self._known.get(key)
        return self._known[key]

    def __iter__(self) -> Iterator[str]:
        self.asked.whole[:] = self._known.items()
        return iter(self._known)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def consulted(known: Any) -> Any:
    return Consulted(known) if isinstance(known, Mapping) else known


def asked_of(known: Any) -> Asked:
    return known.asked if isinstance(known, Consulted) else Asked({}, [known])


def unpacked(data: bytes) -> Made:
    """Raises ``ValueError`` where the data is something else."""
    try:
        found = pickle.loads(data)
    except Exception as error:  # whatever pickle makes of bytes that are not its own
        raise ValueError(f"this is not what came of a task: {error}") from error
    if not isinstance(found, Made) or vars(found).keys() != vars(Made(None, None)).keys():
        raise ValueError(f"this is not what came of a task: {type(found).__name__}")
    return found
