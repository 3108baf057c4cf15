"""A claimed quantity beside the true one, at several points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .points import Point

Candidate = Callable[[Point], np.ndarray]

#: By how much more than a right answer may be off an explanation may, relative to its size.
SLACK = 64.0


@dataclass(frozen=True, eq=False)
class Observed:
    """What was found and what was expected at each point, one axis for each dimension.

    ``bounds`` says how far any entry may be off at each point.
    """

    name: str
    points: tuple[Point, ...]
    found: tuple[np.ndarray, ...]
    expected: tuple[np.ndarray, ...]
    bounds: tuple[float, ...]

    @property
    def right(self) -> bool:
        return self.agree(self.expected)

    def agree(self, candidates: Sequence[np.ndarray]) -> bool:
        """Is what was found equal to these arrays at every point?"""
        rows = zip(self.found, candidates, self.bounds, strict=True)
        return all(close(found, candidate, bound) for found, candidate, bound in rows)

    def fits(self, candidate: Candidate) -> bool:
        """Does a candidate give what was found at every point, and something else than the truth?

        Points are tried one after the other, so that most candidates cost one.
        """
        different = False
        for k, point in enumerate(self.points):
            value = candidate(point)
            if not self.explained(k, value):
                return False
            different |= not close(self.expected[k], value, self.slack(k, value))
        return different

    def explained(self, k: int, value: np.ndarray) -> bool:
        """Are these the values that were found at one point?"""
        found = self.found[k]
        return value.shape == found.shape and close(found, value, self.slack(k, value))

    def slack(self, k: int, value: np.ndarray) -> float:
        """How far from an explanation what was found may be: it is computed by another route."""
        share = self.bounds[k] / self.scales[k]
        largest = float(np.abs(value).max(initial=0.0))
        return max(4 * self.bounds[k], max(4 * share, SLACK * share) * largest)

    @property
    def errors(self) -> tuple[np.ndarray, ...]:
        return tuple(f - e for f, e in zip(self.found, self.expected, strict=True))

    @property
    def scales(self) -> tuple[float, ...]:
        """The largest true entry at each point; where all is zero, the largest found."""
        return tuple(
            float(np.abs(e).max(initial=0.0)) or float(np.abs(f).max(initial=0.0)) or 1.0
            for e, f in zip(self.expected, self.found, strict=True)
        )

    @property
    def max_error(self) -> float:
        """The largest error relative to the largest entry of its point."""
        return max(
            float(np.abs(error).max(initial=0.0)) / max(scale, bound)
            for error, scale, bound in zip(self.errors, self.scales, self.bounds, strict=True)
        )

    @property
    def worst(self) -> tuple[Point, tuple[int, ...], float, float]:
        """Where the error is largest: the point, the entry, what was found and expected."""
        size = [
            float(np.abs(e).max(initial=0.0)) / s
            for e, s in zip(self.errors, self.scales, strict=True)
        ]
        k = int(np.argmax(size))
        at = np.unravel_index(int(np.abs(self.errors[k]).argmax()), self.errors[k].shape)
        place = tuple(int(i) for i in at)
        return (
            self.points[k],
            place,
            float(self.found[k][place]),
            float(self.expected[k][place]),
        )


def close(a: np.ndarray, b: np.ndarray, bound: float) -> bool:
    return bool(np.abs(a - b).max(initial=0.0) <= bound)
