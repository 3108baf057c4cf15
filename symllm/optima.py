"""Optima: a claimed minimum or maximum, subject to constraints, held against the evaluator.

Three independent looks, all by differences and none by calculus: the slope along every direction
that the constraints leave free is zero; the curvature there has one sign; and no point nearby or
far that meets the constraints does better.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from random import Random as Generator
from typing import TYPE_CHECKING, Any

import sympy as sp

from .arithmetic import mp
from .equation import Let
from .errors import NotationError, SymllmError, VerificationError
from .lazily import lazily
from .notation import Tensor
from .relations import entries
from .setting import Free, Given, Setting
from .statements import Equals
from .trial import Trial, trials

if TYPE_CHECKING:
    from .render import optimum as page
else:
    page = lazily("symllm.render.optimum")

SEEDS = (0, 1)

#: A difference of differences keeps 20 digits; its steps are these.
STEP = mp.mpf(10) ** -15
BOUND = 1e-12

#: How many competitors are tried at each point, and how far away they are, relatively.
COMPETITORS = 12
REACH = (mp.mpf(1) / 100, mp.mpf(1) / 4, mp.mpf(1))

Places = Sequence[tuple[str, tuple[int, ...]]]
Rows = Sequence[tuple[Equals, dict[sp.Symbol, int]]]


@dataclass(frozen=True)
class Seen:
    """What was looked at: the points, how many directions and how many competitors."""

    points: tuple[str, ...]
    directions: int
    competitors: int


@dataclass(frozen=True, eq=False)
class Optimum:
    """``objective`` is least (or greatest) where each of ``at`` says, among what meets
    ``subject_to``."""

    kind: str
    objective: sp.Expr
    at: tuple[Let, ...]
    subject_to: tuple[Equals, ...]
    setting: Setting
    seen: Seen

    def to_markdown(self, flavour: str = "github") -> str:
        """The claim and what speaks for it, as Markdown."""
        return page.optimum_markdown(self, flavour)

    def _repr_markdown_(self) -> str:
        return self.to_markdown("notebook")

    def __repr__(self) -> str:
        where = ", ".join(map(str, self.at))
        return f"{self.kind} of {self.objective} at {where}"


def minimum(objective: Any, at: Any, **options: Any) -> Optimum:
    """``minimum(f, Let(x[i], value), given=(x, a), subject_to=(Equals(sum_over(x[i], i), 1),))``.

    ``at`` are one or more ``Let`` that give the names varied their best values, in the other
    names. Takes ``given`` and ``assuming`` as ``calculation`` does. Raises ``VerificationError``
    where it is no minimum, and says why.
    """
    return _optimum("minimum", objective, at, **options)


def maximum(objective: Any, at: Any, **options: Any) -> Optimum:
    """The greatest value, as ``minimum`` the least."""
    return _optimum("maximum", objective, at, **options)


def _optimum(
    kind: str,
    objective: Any,
    at: Let | Iterable[Let],
    given: Iterable[Given] = (),
    subject_to: Equals | Iterable[Equals] = (),
    assuming: Iterable[Any] = (),
) -> Optimum:
    lets = (at,) if isinstance(at, Let) else tuple(at)
    held = (subject_to,) if isinstance(subject_to, Equals) else tuple(subject_to)
    setting = Setting(tuple(given), tuple(assuming))
    names = {t.name for t in given if isinstance(t, Tensor)}
    for let in lets:
        if let.name not in names:
            raise NotationError(f"{let.name} is to be varied, but it is not a tensor given")
    objective, free = setting.in_indices(objective)
    if free:
        raise NotationError(f"what is optimal is one number, but {objective} has free indices")
    constraints = [(e, setting.in_indices(e.lhs - e.rhs)[1]) for e in held]
    sign = 1 if kind == "minimum" else -1
    seen, directions, competitors = [], 0, 0
    for trial in trials(setting.program, setting.assuming, SEEDS):
        try:
            found = looked_at(trial, objective, lets, constraints, sign)
        except SymllmError as error:
            where = ", ".join(map(str, lets))
            raise VerificationError(
                f"the {kind} of {objective} is not at {where}: {error}, at {trial}"
            ) from error
        seen.append(str(trial))
        directions, competitors = directions + found[0], competitors + found[1]
    if not competitors:
        raise VerificationError(f"the {kind} of {objective} was compared with nothing at all")
    return Optimum(kind, objective, lets, held, setting, Seen(tuple(seen), directions, competitors))


def looked_at(
    trial: Trial,
    objective: sp.Expr,
    lets: Sequence[Let],
    constraints: Sequence[tuple[Equals, Free]],
    sign: int,
) -> tuple[int, int]:
    """How many directions and competitors were looked at; an error where one does better."""
    places: Places = [(let.name, at) for let in lets for at in sorted(trial.inputs[let.name])]
    best = mp.matrix([value_at(trial, lets, place) for place in places])
    rows = [(e, env) for e, free in constraints for env in entries(free, trial)]

    def moved(values: Sequence[Any]) -> Trial:
        return replace(trial, moved=dict(zip(places, values, strict=True)), memo={})

    def value(values: Sequence[Any]) -> Any:
        return sign * moved(values)(objective)

    def broken(values: Sequence[Any]) -> list[Any]:
        here = moved(values)
        return [here(e.lhs, env) - here(e.rhs, env) for e, env in rows]

    off = max(map(abs, broken(best)), default=0)
    if off > mp.mpf(10) ** -30:
        raise VerificationError(f"there the constraints are broken by {mp.nstr(off, 6)}")
    gradient = slope_of(value, best)
    normals = slopes_of(broken, best, len(rows))
    tangents = free_directions(normals, len(places))
    multipliers = weights(normals, gradient)

    def lagrangian(values: Sequence[Any]) -> Any:
        return value(values) - sum(m * b for m, b in zip(multipliers, broken(values), strict=True))

    size = max(1, mp.norm(gradient))
    for direction in tangents:
        slope = (gradient.T * direction)[0]
        if abs(slope) / size > BOUND:
            raise VerificationError(
                f"it still changes along a direction that is free, with slope {mp.nstr(slope, 6)}"
            )
    curvatures = mixed(trial, tangents)
    for direction in curvatures:
        curvature = second_difference(lagrangian, best, direction)
        if curvature < -BOUND:
            raise VerificationError(f"it curves the wrong way, by {mp.nstr(sign * curvature, 6)}")
    count = compete(trial, best, tangents, value, broken, positive_places(trial, places))
    return len(curvatures), count


def value_at(trial: Trial, lets: Sequence[Let], place: tuple[str, tuple[int, ...]]) -> Any:
    let = next(let for let in lets if let.name == place[0])
    return trial(let.rhs, dict(zip(let.indices, place[1], strict=True)))


def positive_places(trial: Trial, places: Places) -> list[int]:
    """Which of the values must stay greater than zero."""
    return [k for k, (n, _) in enumerate(places) if trial.program.input(n).domain != "real"]


# --------------------------------------------------------------------------
# Slopes, curvatures, directions
# --------------------------------------------------------------------------


def slope_of(value: Callable[[Any], Any], best: Any) -> Any:
    found = []
    for k in range(len(best)):
        up, down = best.copy(), best.copy()
        up[k] += STEP
        down[k] -= STEP
        found.append((value(up) - value(down)) / (2 * STEP))
    return mp.matrix(found)


def slopes_of(several: Callable[[Any], list[Any]], best: Any, count: int) -> list[Any]:
    """The slope of each of several values."""

    def nth(k: int) -> Callable[[Any], Any]:
        return lambda values: several(values)[k]

    return [slope_of(nth(k), best) for k in range(count)]


def second_difference(value: Callable[[Any], Any], best: Any, direction: Any) -> Any:
    step = STEP * direction
    return (value(best + step) - 2 * value(best) + value(best - step)) / STEP**2


def free_directions(normals: Sequence[Any], size: int) -> list[Any]:
    """Unit vectors, at right angles to each other and to the slopes of all constraints."""
    basis: list[Any] = []
    for normal in normals:
        rest = apart(normal, basis)
        if mp.norm(rest) > mp.mpf(10) ** -20:
            basis.append(rest / mp.norm(rest))
    found: list[Any] = []
    for k in range(size):
        unit = mp.matrix([mp.mpf(int(k == m)) for m in range(size)])
        rest = apart(unit, [*basis, *found])
        if mp.norm(rest) > mp.mpf(10) ** -10:
            found.append(rest / mp.norm(rest))
    if not found:
        raise VerificationError("the constraints leave nothing free to vary")
    return found


def apart(vector: Any, basis: Sequence[Any]) -> Any:
    for b in basis:
        vector = vector - (b.T * vector)[0] * b
    return vector


def weights(normals: Sequence[Any], gradient: Any) -> list[Any]:
    """Lagrange's multipliers: the slope of the objective by those of the constraints."""
    if not normals:
        return []
    columns = mp.matrix([[n[k] for n in normals] for k in range(len(gradient))])
    return list(mp.lu_solve(columns, gradient))


def mixed(trial: Trial, tangents: Sequence[Any]) -> list[Any]:
    """The free directions and some between them."""
    pairs = itertools.combinations(tangents, 2)
    sums = [a + s * b for a, b in pairs for s in (1, -1)]
    return [*tangents, *sums[:COMPETITORS]]


def compete(
    trial: Trial,
    best: Any,
    tangents: Sequence[Any],
    value: Callable[[Any], Any],
    broken: Callable[[Any], list[Any]],
    positive: Sequence[int],
) -> int:
    """Values elsewhere that meet the constraints; ``VerificationError`` where one is better."""
    generator = Generator(f"{trial.seed}/competitors")
    size, least, count = max(mp.norm(best), mp.mpf(1) / 8), value(best), 0
    for k in range(COMPETITORS):
        way = sum(
            ((2 * mp.mpf(generator.random()) - 1) * t for t in tangents), mp.zeros(len(best), 1)
        )
        there = onto(best + REACH[k % len(REACH)] * size * way / mp.norm(way), broken)
        if there is None or any(there[p] <= 0 for p in positive):
            continue
        try:
            rival = value(there)
        except VerificationError:  # outside of where the objective is defined
            continue
        count += 1
        if rival < least - abs(least) * mp.mpf(10) ** -30:
            raise VerificationError(f"elsewhere it is better by {mp.nstr(least - rival, 6)}")
    return count


def onto(values: Any, broken: Callable[[Any], list[Any]]) -> Any:
    """The values moved back to where the constraints hold; None where that fails."""
    try:
        for _ in range(40):
            rest = broken(values)
            if max(map(abs, rest), default=0) < mp.mpf(10) ** -45:
                return values
            normals = slopes_of(broken, values, len(rest))
            gram = mp.matrix([[(a.T * b)[0] for b in normals] for a in normals])
            amounts = mp.lu_solve(gram, mp.matrix(rest))
            for amount, normal in zip(amounts, normals, strict=True):
                values = values - amount * normal
    except (VerificationError, ZeroDivisionError):
        return None
    return None
