"""Arrays of numbers held against each other, and what is said of the outcome."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .evaluate import Point
from .evidence import bound_text

#: Tensors smaller than this are compared absolutely: a gradient that is zero
#: differs from a difference by rounding alone.
SMALLEST_SCALE = 1e-3


@dataclass(frozen=True)
class Comparison:
    """One array of numbers held against another judge's, over several points.

    ``worst`` is the largest error relative to the largest entry, ``where``
    says at which entry; ``skipped`` says why nothing was compared.
    """

    name: str
    kind: str
    entries: int
    worst: float
    bound: float
    sizes: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    where: str = ""
    skipped: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.skipped) or (self.entries > 0 and self.worst <= self.bound)

    def __str__(self) -> str:
        if self.skipped:
            return f"{self.name}: not compared with {self.kind}: {self.skipped}"
        if not self.ok:
            return f"{self.name}: DIFFERS from {self.kind}: {self.where}"
        text = bound_text(self.bound)
        return f"{self.name}: agrees with {self.kind} {text} ({self.entries} entries)"


def compare(
    name: str,
    kind: str,
    bound: float,
    points: Sequence[Point],
    found: Sequence[np.ndarray],
    expected: Sequence[np.ndarray],
    floors: Sequence[float] = (),
) -> Comparison:
    """The worst entry over all points; NaN and a wrong shape are infinitely wrong.

    Errors are relative to the largest entry, or at each point to the floor
    given, where what is expected is itself not known better than that.
    """
    lowest = floors or [SMALLEST_SCALE] * len(points)
    errors = [disagreement(*row) for row in zip(found, expected, lowest, strict=True)]
    worst, where, point = max(
        ((error, where, point) for (error, where), point in zip(errors, points, strict=True)),
        key=lambda row: row[0],
    )
    return Comparison(
        name=name,
        kind=kind,
        entries=sum(array.size for array in expected),
        worst=worst,
        bound=bound,
        sizes=tuple(map(str, points)),
        seeds=tuple(p.seed for p in points),
        where=f"{name}{where} with {point} (seed {point.seed})",
    )


def disagreement(found: np.ndarray, expected: np.ndarray, floor: float) -> tuple[float, str]:
    if found.shape != expected.shape:
        return math.inf, f" has shape {found.shape}, expected {expected.shape}"
    if not expected.size:
        return 0.0, ""
    scale = max(float(np.abs(expected).max()), floor) or 1.0  # where all is zero
    errors = np.nan_to_num(np.abs(found - expected) / scale, nan=math.inf, posinf=math.inf)
    at = tuple(int(k) for k in np.unravel_index(int(errors.argmax()), errors.shape))
    return float(errors[at]), f"{list(at)} is {found[at]:.9g}, expected {expected[at]:.9g}"


def column(rows: Iterable[Mapping[str, np.ndarray]], name: str) -> list[np.ndarray]:
    return [row[name] for row in rows]
