"""Test points: sizes and values that are able to show a mistake.

All sizes differ and none is 1 unless asked for, values keep away from kinks and ties, and every
value is a dyadic fraction, so that float64 and high precision see the same
number. Only ``Random.random`` is used, the one method whose sequence Python
promises to keep.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from fractions import Fraction
from random import Random

from .errors import ShapeError, UnknownName
from .notation import Dim, Tensor
from .program import Program

Entries = dict[tuple[int, ...], Fraction]

GRAIN = 2**20  # values are whole multiples of 1 / GRAIN
MAX_REDRAWS = 1000

#: A program with more dimensions than this gets sizes among the small ones.
MANY, SMALL = 4, (2, 3, 4)


def draw_sizes(
    program: Program, seed: int, given: Mapping[str, int] | None = None
) -> dict[str, int]:
    """A size for each dimension, by name, all different; ``given`` ones are kept.

    Batch axes get the smallest, from 2 on, all others at least 3, for much
    that is false in general holds for two entries; where there are many, some
    must be small, and two may be equal, to each other or to a given one. Raises ``UnknownName`` for
    a dimension that the program does not have, ``ShapeError`` for a size below 1.
    """
    names = [dim.name for dim in program.dims]
    given = {d.name: d.size for d in program.dims if d.size is not None} | dict(given or {})
    for name, size in given.items():
        if name not in names:
            raise UnknownName(f"dimension of {program.name}", name, names)
        if size < 1:
            raise ShapeError(f"dimension {name} of {program.name} must be at least 1, not {size}")
    batch = [dim.name for dim in program.batch if dim.name not in given]
    others = [name for name in names if name not in given and name not in batch]
    many = len(others) > MANY
    free = (size for size in itertools.count(2) if many or size not in given.values())
    rows = dict(zip(batch, free, strict=False))
    if many:
        pool = list(itertools.islice(itertools.cycle(SMALL), len(others) + 1))
    else:
        pool = list(itertools.islice((size for size in free if size > 2), len(others) + 1))
    random = Random(f"{seed // len(pool)}/sizes")
    pool.sort(key=lambda _: random.random())
    turn = seed % len(pool)  # neighbouring seeds give every dimension another size
    choice = pool[turn:] + pool[:turn]
    drawn = rows | dict(zip(others, choice, strict=False)) | given
    return {name: drawn[name] for name in names}


def draw(tensor: Tensor, sizes: Mapping[str, int], seed: int) -> Entries:
    """Values for all entries of a tensor, from its domain, by index."""
    random = Random(f"{seed}/{tensor.name}")
    shape = [sizes[dim.name] for dim in tensor.dims]
    if tensor.domain == "distribution" or (tensor.domain == "binary" and shape):
        rows = distribution_row if tensor.domain == "distribution" else binary_row
        length = shape[-1] if shape else 1
        return {
            lead + (k,) * bool(shape): value
            for lead in indices(shape[:-1])
            for k, value in enumerate(rows(random, length))
        }
    if isinstance(tensor.domain, Dim):
        size = sizes[tensor.domain.name]
        return {at: Fraction(int(random.random() * size)) for at in indices(shape)}
    if tensor.domain == "binary":
        return {(): Fraction(int(random.random() * 2))}
    weights = tensor.role == "parameter" and len(shape) > 1
    one = INTERVALS.get(tensor.domain, weight if weights else real)
    seen = {Fraction(1)}  # a factor that is 1 hides where it is missing
    found: Entries = {}
    for at in indices(shape):
        value = next(v for v in (one(random) for _ in range(MAX_REDRAWS)) if v not in seen)
        seen.add(value)
        found[at] = value
    return found


def indices(shape: list[int]) -> Iterator[tuple[int, ...]]:
    return itertools.product(*map(range, shape))


def grain(value: float) -> Fraction:
    return Fraction(round(value * GRAIN), GRAIN)


def real(random: Random) -> Fraction:
    """Mostly up to 1.5 in size, some up to 4, never close to 0; either sign."""
    small = random.random() < 0.75
    size = 0.0625 + 1.4375 * random.random() if small else 1.5 + 2.5 * random.random()
    return grain(size if random.random() < 0.5 else -size)


def weight(random: Random) -> Fraction:
    """Below 1 in size, not close to 0; either sign.

    Larger weights, layer upon layer, would drive a softmax to where all of its
    derivatives are zero, and there a mistake hides.
    """
    size = 0.0625 + 0.75 * random.random()
    return grain(size if random.random() < 0.5 else -size)


def positive(random: Random) -> Fraction:
    return grain(0.125 + 2.375 * random.random())


def unit(random: Random) -> Fraction:
    """Well inside the interval from 0 to 1."""
    return grain(0.125 + 0.75 * random.random())


INTERVALS = {"positive": positive, "unit": unit}


def distribution_row(random: Random, length: int) -> list[Fraction]:
    """Positive weights that sum to exactly 1."""
    weights = [0.25 + random.random() for _ in range(length)]
    row = [grain(weight / sum(weights)) for weight in weights[1:]]
    return [1 - sum(row, Fraction(0)), *row]


def binary_row(random: Random, length: int) -> list[Fraction]:
    """Zeros and ones; both occur where there is room, and a one always does."""
    row = [int(random.random() * 2) for _ in range(length)]
    row[int(random.random() * length)] = 1
    if all(row) and length > 1:
        row[int(random.random() * length)] = 0
    return [Fraction(bit) for bit in row]
