"""How far a right answer may be off: rounding, and what the op makes of it."""

from __future__ import annotations

import math
from types import MappingProxyType

import numpy as np

from ..errors import UnknownName
from ..values import Rounding
from .points import Point, points

#: The unit roundoff of each kind of number: half the distance from 1 to the next.
ROUNDOFF = MappingProxyType(
    {
        "float64": 2.0**-53,
        "float32": 2.0**-24,
        "bfloat16": 2.0**-8,
        "float16": 2.0**-11,
    }
)

#: How many roundings of the size that was tried out a right answer may be off. Another order of
#: the same operations, or a formula that loses a digit, is no mistake. Where a digit is much,
#: code does not lose it: generated code, which rounds every operation, is off by 2 at most.
MARGIN = MappingProxyType({"float64": 24.0, "float32": 24.0, "bfloat16": 8.0, "float16": 8.0})

#: What operations are disturbed by to see how errors grow; small enough to be linear.
DISTURBANCE = 2.0**-30
TRIALS = 2


def roundoff(dtype: str) -> float:
    """The unit roundoff; raises ``UnknownName`` for a dtype that is not known."""
    if dtype not in ROUNDOFF:
        raise UnknownName("dtype", dtype, ROUNDOFF)
    return ROUNDOFF[dtype]


def disturbing(seed: int) -> Rounding:
    """Each operation's outcome off by a random share of at most ``DISTURBANCE``."""
    random = np.random.default_rng(seed)
    return lambda a: a * (1 + DISTURBANCE * random.uniform(-1, 1, a.shape))


def sensitivity(point: Point, name: str) -> float:
    """By how much an entry moves, at worst, where every operation errs by one part in one."""
    if "disturbed" not in point.memo:
        trials = range(TRIALS)
        point.memo["disturbed"] = [point.rounded(disturbing(seed)) for seed in trials]
    true = point.values[name]
    worst = max(float(np.abs(t[name] - true).max(initial=0.0)) for t in point.memo["disturbed"])
    return worst / DISTURBANCE


def tolerance(point: Point, name: str, dtype: str) -> float:
    """How far any entry of a right answer may be from the truth.

    At a big point it is taken from a small one; there errors of long sums
    add up, at random at best.
    """
    largest = float(np.abs(point.truth(name)).max(initial=0.0))
    if not point.big:
        return MARGIN[dtype] * roundoff(dtype) * (largest + sensitivity(point, name))
    small = points(point.question, point.seed)[0]
    scale = float(np.abs(small.truth(name)).max(initial=0.0)) or 1.0
    growth = 1 + sensitivity(small, name) / scale
    longest = math.sqrt(max(point.sizes.values()) * math.prod(rows(point)))
    return MARGIN[dtype] * roundoff(dtype) * largest * growth * max(1.0, longest / 8)


def rows(point: Point) -> list[int]:
    return [point.sizes[dim.name] for dim in point.question.op.program.batch]
