"""Assumptions under which a wrong claim would be right."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import sympy as sp

from ..expressions import name_of
from ..notation import Dim, Tensor
from .points import Point, point
from .question import Question

#: Values that two points give to what is said to be constant.
LEVELS = (0.7, 1.375)

#: What people build into their code for a constant that is not given to it, by how its name begins.
BUILT_IN = {"eps": (1e-5, 1e-6, 1e-8, 1e-12, 1e-3), "base": (1e4, 5e5)}


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
            built_in = next((v for k, v in BUILT_IN.items() if tensor.name.startswith(k)), ())
            for value in (0.0, *built_in, 1.0):
                yield setting(tensor.name, [value] * 2, f"{tensor.name} = {value:g}", points)
    for tensor in program.inputs:
        if tensor.role == "parameter" and len(tensor.dims) == 1:
            yield setting(tensor.name, LEVELS, f"{tensor.name} is constant", points)
            neutral = 0 if is_added(asked, tensor.name) else 1
            words = f"{tensor.name} = {neutral}"
            yield setting(tensor.name, [float(neutral)] * 2, words, points)
    yield from tied_sizes(asked, points, given)
    for tensor in program.inputs:
        if isinstance(tensor.domain, Dim) and tensor.dims and tensor.domain.name not in given:
            yield distinct(tensor, tensor.domain, points)
    for tensor in asked.given:
        if tensor.dims:
            words = f"the upstream gradient {tensor.name} is constant"
            yield setting(tensor.name, LEVELS, words, points)
        words = f"the upstream gradient {tensor.name} is 1"
        yield setting(tensor.name, [1.0] * 2, words, points)


def is_added(asked: Question, name: str) -> bool:
    """Is a parameter a term somewhere, as a bias is, so that it may be forgotten as 0?"""
    return any(
        isinstance(term, sp.Indexed) and name_of(term) == name
        for let in asked.forward.equations
        for right in let.expressions
        for term in sp.Add.make_args(right)
    )


def setting(name: str, levels: Sequence[float], words: str, points: Sequence[Point]) -> Condition:
    """An input all of whose entries are one number."""

    def at() -> tuple[Point, ...]:
        return tuple(
            p.changed(**{name: np.full_like(p.drawn[name], level)})
            for p, level in zip(points, levels, strict=False)
        )

    return Condition(words, at)


def distinct(tensor: Tensor, among: Dim, points: Sequence[Point]) -> Condition:
    """Indices that all differ."""

    def at() -> Iterator[Point]:
        for p in points[:2]:
            shape = p.drawn[tensor.name].shape
            count = int(np.prod(shape))
            new = point(p.question, p.seed, {**p.sizes, among.name: count + 2})
            order = np.random.default_rng(p.seed).permutation(count + 2)[:count]
            yield new.changed(**{tensor.name: order.reshape(shape).astype(float)})

    return Condition(f"no index in {tensor.name} occurs twice", lambda: tuple(at()))


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
        yield Condition(f"{a} = {b}", partial(with_sizes, tied))
