"""Does a link of a calculation hold? At random points, by the slow evaluator."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sympy as sp

from .arithmetic import mp
from .errors import VerificationError
from .notation import Dim, Partial
from .statements import Equals
from .trial import Trial
from .verify import BOUNDS, MAX_ENTRIES, SMALLEST_SCALE, some

Free = Sequence[tuple[sp.Symbol, Dim]]

#: How a relation is written, and how far left may be from right, relative to their size.
RELATIONS: dict[str, Callable[[Any, float], bool]] = {
    "=": lambda distance, bound: abs(distance) <= bound,
    "<=": lambda distance, bound: distance <= bound,
    ">=": lambda distance, bound: distance >= -bound,
}

#: From how many places the solutions of an equation are looked for.
STARTS = 8

#: How often Newton's method may take a step.
MAX_STEPS = 60


@dataclass(frozen=True)
class Found:
    """What was compared: how many numbers, at which points, to within which bound."""

    count: int
    bound: float
    points: tuple[str, ...]


def compare(relation: str, left: Any, right: Any, free: Free, points: Sequence[Trial]) -> Found:
    """Hold a link against the evaluator; ``VerificationError`` says where it fails, by how much.

    Nothing to compare is an error, too.
    """
    bound = BOUNDS[min(depth(left, right), len(BOUNDS) - 1)]
    holds, count = RELATIONS[relation], 0
    for point in points:
        rows = [(env, point(left, env), point(right, env)) for env in entries(free, point)]
        scale = max([SMALLEST_SCALE, *(abs(v) for _, a, b in rows for v in (a, b))])
        for env, a, b in rows:
            count += 1
            if not holds((a - b) / scale, bound):
                raise VerificationError(failure(relation, a, b, env, point))
    if not count:
        raise VerificationError("it was compared at no point at all")
    return Found(count, bound, tuple(map(str, points)))


def failure(relation: str, left: Any, right: Any, env: dict[Any, int], point: Trial) -> str:
    where = ", ".join([*(f"{s} = {k}" for s, k in env.items()), str(point)])
    sides = f"the left side is {mp.nstr(left, 9)}, the right side {mp.nstr(right, 9)}"
    off = f"they differ by {mp.nstr(left - right, 6)}"
    wanted = "" if relation == "=" else f", and {relation} was claimed"
    return f"{sides}; {off}{wanted}, at {where}"


def entries(free: Free, point: Trial) -> list[dict[sp.Symbol, int]]:
    sizes = [range(point.sizes[dim.name]) for _, dim in free]
    chosen = some(list(itertools.product(*sizes)), MAX_ENTRIES, point.seed)
    return [{s: k for (s, _), k in zip(free, at, strict=True)} for at in chosen]


def depth(*sides: Any) -> int:
    """How many differences inside each other it takes to evaluate these."""

    def inside(expr: Any) -> int:
        found = max([0, *(inside(a) for a in expr.args)])
        return found + isinstance(expr, Partial)

    return max(inside(sp.sympify(side)) for side in sides)


# --------------------------------------------------------------------------
# Implications: where the premises hold, does the conclusion?
# --------------------------------------------------------------------------


def compare_implication(
    premises: Sequence[tuple[Equals, Free]],
    conclusions: Sequence[tuple[Equals, Free]],
    unknown: Sequence[str],
    points: Sequence[Trial],
) -> Found:
    """Solve the premises for the unknown names, from many places; hold the conclusions there.

    ``points`` are moved to the solutions. Raises ``VerificationError`` where a conclusion fails
    at a solution, or where no solution was found, for then nothing was checked.
    """
    count, seen = 0, []
    for point in points:
        solved = solution(premises, unknown, point)
        if solved is None:
            continue
        seen.append(str(point))
        for conclusion, free in conclusions:
            found = compare("=", conclusion.lhs, conclusion.rhs, free, [solved])
            count += found.count
    if not count:
        wanted = ", ".join(unknown)
        raise VerificationError(
            f"no values of {wanted} were found for which the premises hold, "
            f"so that the conclusion was checked nowhere"
        )
    sides = [s for e, _ in (*premises, *conclusions) for s in (e.lhs, e.rhs)]
    return Found(count, BOUNDS[min(depth(*sides), len(BOUNDS) - 1)], tuple(seen))


def solution(
    premises: Sequence[tuple[Equals, Free]], unknown: Sequence[str], point: Trial
) -> Trial | None:
    """A point where the premises hold: Newton's method from the values that were drawn."""
    places = [(name, at) for name in unknown for at in point.inputs[name]]
    rows = [(e, env) for e, free in premises for env in entries(free, point)]
    positive = {n for n in unknown if point.program.input(n).domain != "real"}

    def at(values: Sequence[Any]) -> Trial:
        moved = dict(zip(places, values, strict=True))
        return Trial(point.program, point.sizes, point.seed, point.inputs, point.laws, moved)

    def residual(values: Sequence[Any]) -> Any:
        here = at(values)
        return mp.matrix([here(e.lhs, env) - here(e.rhs, env) for e, env in rows])

    values = mp.matrix([point.read(*place) for place in places])
    try:
        error = residual(values)
        for _ in range(MAX_STEPS):
            if mp.norm(error) < mp.mpf(10) ** -50:
                break
            step = mp.lu_solve(slopes(residual, values, error), -error)
            size = mp.mpf(1)
            while size > mp.mpf(2) ** -30:
                trial = values + size * step
                stays = all(v > 0 for v, (n, _) in zip(trial, places, strict=True) if n in positive)
                if stays and mp.norm(residual(trial)) < mp.norm(error):
                    break
                size /= 2
            values = values + size * step
            error = residual(values)
        else:
            return None
    except (ZeroDivisionError, ValueError, VerificationError):  # of which there is no solution
        return None
    return at(values)


def slopes(residual: Callable[[Any], Any], values: Any, error: Any) -> Any:
    """The matrix of derivatives of the residual, as forward differences."""
    step = mp.mpf(10) ** -25
    columns = []
    for k in range(len(values)):
        moved = values.copy()
        moved[k] += step
        columns.append((residual(moved) - error) / step)
    return mp.matrix([[column[r] for column in columns] for r in range(len(error))])
