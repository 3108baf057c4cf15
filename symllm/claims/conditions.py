"""Assumptions under which a wrong claim would be right."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .points import Point, point
from .question import Question

#: Values that two points give to what is said to be constant.
LEVELS = (0.7, 1.375)

#: What people build into their code for an epsilon that is not given to it.
BUILT_IN = (1e-5, 1e-6, 1e-8, 1e-12, 1e-3)


@dataclass(frozen=True)
class Condition:
    """What is assumed, in words, and points at which it holds."""

    words: str
    points: Callable[[], tuple[Point, ...]]


def conditions(
    asked: Question, points: Sequence[Point], given: Mapping[str, int]
) -> Iterator[Condition]:
    """All that is worth trying, the likeliest first; sizes that are ``given`` stay."""
    program = asked.op.program
    for tensor in program.inputs:
        if tensor.role == "constant" and not tensor.dims:
            for value in (0.0, *(BUILT_IN if tensor.name.startswith("eps") else ()), 1.0):
                yield setting(tensor.name, [value] * 2, f"{tensor.name} = {value:g}", points)
    for tensor in program.inputs:
        if tensor.role == "parameter" and len(tensor.dims) == 1:
            yield setting(tensor.name, LEVELS, f"{tensor.name} is constant", points)
            yield setting(tensor.name, [1.0] * 2, f"{tensor.name} = 1", points)
            yield setting(tensor.name, [0.0] * 2, f"{tensor.name} = 0", points)
    yield from tied_sizes(asked, points, given)
    for tensor in asked.given:
        if tensor.dims:
            words = f"the upstream gradient {tensor.name} is constant"
            yield setting(tensor.name, LEVELS, words, points)
        words = f"the upstream gradient {tensor.name} is 1"
        yield setting(tensor.name, [1.0] * 2, words, points)


def setting(name: str, levels: Sequence[float], words: str, points: Sequence[Point]) -> Condition:
    """An input all of whose entries are one number."""

    def at() -> tuple[Point, ...]:
        return tuple(
            p.changed(**{name: np.full_like(p.drawn[name], level)})
            for p, level in zip(points, levels, strict=False)
        )

    return Condition(words, at)


def tied_sizes(
    asked: Question, points: Sequence[Point], given: Mapping[str, int]
) -> Iterator[Condition]:
    """A batch of one row; two sizes that are equal."""
    program = asked.op.program
    free = [d.name for d in program.dims if d.size is None and d.name not in given]
    rows = [d.name for d in program.batch if d.name in free]
    seeds = [p.seed for p in points[:2]]

    def with_sizes(choices: Sequence[Mapping[str, int]]) -> tuple[Point, ...]:
        return tuple(
            point(asked, seed, {**given, **sizes})
            for seed, sizes in zip(seeds, choices, strict=False)
        )

    if rows:
        ones = dict.fromkeys(rows, 1)
        yield Condition("the batch has one row", lambda: with_sizes([ones, ones]))
    for a, b in itertools.combinations(free, 2):
        tied = [{a: size, b: size} for size in (3, 4)]
        yield Condition(f"{a} = {b}", lambda tied=tied: with_sizes(tied))  # type: ignore[misc]
