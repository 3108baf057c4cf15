"""Points at which a claim is held against what was derived.

They are drawn so that a mistake shows: all sizes differ, a batch has several
rows, upstream gradients and parameters are no constants, nothing lies near a
kink, and logits are small at one point and large at another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import UnknownName
from ..notation import Tensor
from ..sampling import draw, draw_sizes
from ..values import Arrays, Rounding, exact, run
from .question import Question

#: What data are multiplied by, point by point: so small, as drawn, and so large.
SCALES = (1.0, 0.125, 3.0)

#: An array with more entries than this is drawn by NumPy's generator, which is quick, and the
#: truth about it is computed by generated code.
MANY = 2**14

#: A gradient that is smaller than this everywhere shows no mistake; how often another point is
#: then drawn, with which seeds.
VANISHING, ATTEMPTS, APART = 1e-6, 8, 10**6

#: In the narrow formats large data would overflow: exp(12) has no place in float16.
NARROW = {"float16": (1.0, 0.125, 1.0)}


@dataclass(frozen=True, eq=False)
class Point:
    """Arrays for the inputs and upstream gradients of a question, in float64.

    ``drawn`` holds them with one axis for each dimension. ``array`` gives any
    name, computed ones too, in the shape that its tensor has for users.
    """

    question: Question
    sizes: Mapping[str, int]
    seed: int
    drawn: Arrays
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def big(self) -> bool:
        """Are there too many entries to try variations, or everything that is computed?"""
        return any(array.size > MANY for array in self.drawn.values())

    @cached_property
    def values(self) -> Arrays:
        """Everything that is known at this point, one axis for each dimension."""
        return self.rounded(exact)

    def truth(self, name: str) -> np.ndarray:
        """The true values of a quantity, one axis for each dimension."""
        of = name.removeprefix("d")
        if not self.big or of not in self.question.wrt:
            return self.values[name]
        if "truth" not in self.memo:
            given = (*self.question.op.program.inputs, *self.question.given)
            found = self.question.function(**{t.name: self.array(t.name) for t in given})
            wrt = self.question.wrt
            self.memo["truth"] = {f"d{wrt[0]}": found} if len(wrt) == 1 else found
        return spread(self.memo["truth"][name], self.question.tensor(name), self.sizes)

    def rounded(self, rounding: Rounding) -> Arrays:
        """The same where every operation makes a small error."""
        lines = self.question.line_by_line
        found = run(lines, self.drawn, self.sizes, rounding)
        known = frozenset(self.question.forward.equations) & frozenset(lines.equations)
        return run(self.question.textbook, found, self.sizes, rounding, known)

    def array(self, name: str) -> np.ndarray:
        """The array of an input, an upstream gradient or a computed name, as users have it.

        Integer tensors are arrays of int64. Raises ``UnknownName``.
        """
        tensor = self.question.tensor(name)
        if name in self.drawn:
            return shaped(self.drawn[name], tensor)
        if name not in self.values:
            raise UnknownName(f"quantity of {self.question.op.name}", name, self.values)
        return shaped(self.values[name], tensor)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape that users give to the array of that name."""
        tensor = self.question.tensor(name)
        return tuple(int(np.prod([self.sizes[dim.name] for dim in axis])) for axis in tensor.axes)

    def changed(self, **arrays: np.ndarray) -> Point:
        """The point with other inputs, and what follows from them."""
        return replace(self, drawn=dict(self.drawn) | arrays, memo={})

    def __str__(self) -> str:
        sizes = (f"{name} = {n}" for name, n in self.sizes.items() if not name.isdigit())
        return ", ".join(sizes)


def shaped(array: np.ndarray, tensor: Tensor) -> np.ndarray:
    """From one axis for each dimension to the axes that the tensor's array has."""
    if tensor.merged:
        sizes = iter(array.shape)
        array = array.reshape([int(np.prod([next(sizes) for _ in axis])) for axis in tensor.axes])
    return array.astype(np.int64) if tensor.integer else array


def spread(array: np.ndarray, tensor: Tensor, sizes: Mapping[str, int]) -> np.ndarray:
    """From a user's array to one axis for each dimension; the shape has to fit."""
    return array.reshape([sizes[dim.name] for dim in tensor.dims])


def points(
    question: Question,
    seed: int = 0,
    given: Mapping[str, int] | None = None,
    dtype: str = "float64",
) -> tuple[Point, ...]:
    """The points of a check: one for each scale, each with sizes of its own; if big, one.

    Small ones are kept with the question, and so is all that is computed there.
    """
    key = ("points", seed, tuple(sorted((given or {}).items())), dtype)
    if key in question.memo:
        return question.memo[key]
    found = []
    for k, scale in enumerate(NARROW.get(dtype, SCALES)):
        rows = {d.name: 2 + k + j for j, d in enumerate(question.op.program.batch)}
        sizes = rows | dict(given or {})
        seeds = (seed * len(SCALES) + k + again * APART for again in range(ATTEMPTS))
        tried = (point(question, s, sizes, scale, dtype) for s in seeds)
        found.append(first_telling(tried))
        if found[0].big:
            return tuple(found)
    question.memo[key] = tuple(found)
    return question.memo[key]


def first_telling(tried: Iterator[Point]) -> Point:
    first = next(tried)
    if first.big or telling(first):
        return first
    return next((p for p in tried if telling(p)), first)


def telling(point: Point) -> bool:
    """Is no gradient zero there, as all are where a softmax has only one entry to choose from?"""
    with np.errstate(all="ignore"):
        return all(np.abs(point.values[f"d{n}"]).max() > VANISHING for n in point.question.wrt)


def point(
    question: Question,
    seed: int,
    given: Mapping[str, int] | None = None,
    scale: float = 1.0,
    dtype: str = "float64",
) -> Point:
    """One point, the same for the same seed on every machine.

    What is drawn are numbers that ``dtype`` has, so that nobody has to round them.

    Raises ``UnknownName`` and ``ShapeError`` for sizes that the op does not have.
    """
    program = question.op.program
    sizes = draw_sizes(program, seed, given)
    drawn = {}
    for tensor in (*program.inputs, *question.given):
        found = drawn_array(tensor, sizes, seed)
        stretched = tensor.role == "data" and tensor.domain == "real" and tensor in program.inputs
        drawn[tensor.name] = np.asarray(found * scale) if stretched else found
    drawn = {name: representable(array, dtype) for name, array in drawn.items()}
    for array in drawn.values():
        array.flags.writeable = False  # points are shared
    return Point(question, sizes, seed, drawn)


def drawn_array(tensor: Tensor, sizes: Mapping[str, int], seed: int) -> np.ndarray:
    """Random entries from the domain of a tensor, one axis for each dimension."""
    shape = [sizes[dim.name] for dim in tensor.dims]
    if int(np.prod(shape)) > MANY and tensor.domain == "real":
        return many(shape, f"{seed}/{tensor.name}")
    found = np.empty(shape)
    for at, entry in draw(tensor, sizes, seed).items():
        found[at] = float(entry)
    return found


def many(shape: list[int], seed: str) -> np.ndarray:
    """Entries of either sign, from 1/16 to 2 in size, never close to zero."""
    random = np.random.default_rng(list(seed.encode()))
    found = random.uniform(-1.9375, 1.9375, shape)
    found += np.copysign(0.0625, found)
    return found


def representable(array: np.ndarray, dtype: str) -> np.ndarray:
    """The nearest numbers that a dtype has, as float64."""
    if dtype == "float64":
        return array
    if dtype == "bfloat16":  # the upper half of a float32, rounded to nearest, ties to even
        bits = array.astype(np.float32).view(np.uint32)
        bits = (bits + np.uint32(0x7FFF) + ((bits >> 16) & np.uint32(1))) & np.uint32(0xFFFF0000)
        return np.asarray(bits.view(np.float32), dtype=np.float64)
    return array.astype(dtype).astype(np.float64)
