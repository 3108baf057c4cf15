"""The slow evaluator for theory: one point, where expectations are sums over all outcomes.

It knows no rule: a random entry gets a small distribution of the mean and variance that were
declared, different from entry to entry, and an expectation is the value in every outcome,
weighted by its probability. Derivatives are differences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from random import Random as Generator
from typing import Any, TypeAlias

import sympy as sp
from sympy.core.relational import Relational

from .arithmetic import HIGH, At, Env, Meaning, Scope, build, meaning, mp, remembered
from .concrete import Concrete, Entry, entry_of
from .errors import NotationError, UnknownName, VerificationError
from .evaluate import LEAST, SHARE, STEP
from .expressions import is_entry, name_of, parts, subscripts_of
from .notation import Dim, Partial, Tensor
from .program import Program
from .sampling import draw, draw_sizes
from .statements import Average, Cov, E, Equals, Permutation, Random, Var

#: More outcomes than this are not enumerated for one expectation.
MAX_OUTCOMES = 70_000

#: How often a point is drawn anew until it is as assumed.
MAX_DRAWS = 400

#: So many differences may be taken one inside the other: each costs a third of the digits.
HIGHEST = 2

Assumption: TypeAlias = Random | Permutation | Equals | Relational
Outcomes = Sequence[tuple[Any, Any]]


class Undecided(Exception):
    """A random entry was read, in an expectation, whose outcome is not decided yet."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry)
        self.entry = entry


@dataclass(frozen=True, eq=False)
class Trial:
    """A program at concrete sizes with concrete inputs; all else is computed when it is read.

    ``moved`` holds entries that were set to another value than theirs, ``decided`` the outcomes
    of random entries inside an expectation; outside of all expectations it is None. ``order``
    counts the differences that it is taken for.
    """

    program: Program
    sizes: Mapping[str, int]
    seed: int
    inputs: Mapping[str, Mapping[At, Any]]
    laws: Mapping[str, Random]
    moved: Mapping[Entry, Any] = field(default_factory=dict)
    decided: Mapping[Entry, Any] | None = None
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)
    order: int = 0

    @cached_property
    def scope(self) -> Scope:
        return Scope(HIGH, self.sizes, self.read, self.change, self.memo)

    @cached_property
    def _concrete(self) -> Concrete:
        return Concrete(self.program, self.sizes)

    def __call__(self, expr: Any, at: Env | None = None) -> Any:
        """The value of an expression, its free indices set as ``at`` says."""
        return meaning(sp.sympify(expr))(self.scope, at or {})

    def __str__(self) -> str:
        sizes = [f"{name} = {size}" for name, size in self.sizes.items() if not name.isdigit()]
        return ", ".join([*sizes, f"seed {self.seed}"])

    def read(self, name: str, at: At) -> Any:
        entry = (name, at)
        if entry in self.moved:
            return self.moved[entry]
        if self.decided is not None and name in self.laws:
            if entry not in self.decided:
                raise Undecided(entry)
            return self.decided[entry]
        if name in self.inputs:
            return entry_of(self.inputs, name, at)
        if name not in self._concrete.equations:
            raise UnknownName("name", name, (*self.inputs, *self._concrete.equations))
        if entry not in self.memo:
            let = next(let for let in self.program.equations if let.name == name)
            env = dict(zip(let.indices, at, strict=True))
            self.memo[entry] = (
                meaning(let.rhs)(self.scope, env)
                if isinstance(let.rhs, sp.Basic)
                else self._concrete.equations[name](self._concrete.scope(self.read), at)
            )
        return self.memo[entry]

    def change(self, expr: Any, env: Env) -> Any:
        """What is computed by looking at other points: averages and derivatives."""
        match expr:
            case E():
                return self.expectation(expr.args[0], env)
            case Var():
                return self.covariance(expr.args[0], expr.args[0], env)
            case Cov():
                return self.covariance(expr.args[0], expr.args[1], env)
        return self.difference(expr, env)

    # -- chance ---------------------------------------------------------------

    def covariance(self, left: Any, right: Any, env: Env) -> Any:
        m, n = (self.expectation(side, env) for side in (left, right))
        here = replace(self, decided={}, memo={})
        return over_outcomes(here, lambda t: (t(left, env) - m) * (t(right, env) - n), [0])

    def expectation(self, expr: Any, env: Env) -> Any:
        here = replace(self, decided={}, memo={})
        return over_outcomes(here, lambda trial: trial(expr, env), [0])

    def outcomes(self, entry: Entry) -> Outcomes:
        """The values that a random entry takes, with their probabilities."""
        name, at = entry
        law = self.laws[name]
        outside = replace(self, decided=None, memo={})
        env = dict(zip(law.indices, at, strict=True))
        mean, variance = outside(law.mean, env), outside(law.variance, env)
        generator = Generator(f"{self.seed}/{name}{at}")
        share, weight = (mp.mpf(round(64 * (0.2 + 0.3 * generator.random()))) / 64 for _ in "ab")
        if law.law == "binary":
            return [(mp.mpf(1), mean), (mp.mpf(0), 1 - mean)]
        if law.law == "uniform":
            domain = self.program.input(name).domain
            assert isinstance(domain, Dim)
            size = self.sizes[domain.name]
            return [(mp.mpf(k), mp.mpf(1) / size) for k in range(size)]
        if law.law == "symmetric":
            near = mp.sqrt(share * variance / weight)
            far = mp.sqrt((1 - share) * variance / (1 - weight))
            return [
                (mean + sign * distance, chance / 2)
                for distance, chance in ((near, weight), (far, 1 - weight))
                for sign in (1, -1)
            ]
        above = mp.sqrt(variance * (1 - weight) / weight)
        below = mp.sqrt(variance * weight / (1 - weight))
        return [(mean + above, weight), (mean - below, 1 - weight)]

    # -- derivatives ------------------------------------------------------------

    def difference(self, expr: Partial, env: Env) -> Any:
        """The central difference of a quantity as one entry changes."""
        known = {*self.inputs, *self.program.let}
        if not is_entry(expr.entry) or name_of(expr.entry) not in known:
            raise NotationError(f"{expr} differentiates by {expr.entry}, which is not given")
        if self.order == HIGHEST:
            raise NotationError(
                f"a derivative of a derivative of {expr} cannot be checked: differences have "
                f"digits for {HIGHEST}, one inside the other; write out the formula of {expr}"
            )
        at = tuple(int(self(s, env)) for s in subscripts_of(expr.entry))
        entry = (name_of(expr.entry), at)
        value = self.read(*entry)
        step = max(LEAST, min(STEP, SHARE * abs(value)) or STEP)
        up, down = (
            replace(self, moved={**self.moved, entry: value + by}, memo={}, order=self.order + 1)
            for by in (step, -step)
        )
        return (up(expr.quantity, env) - down(expr.quantity, env)) / (2 * step)


def over_outcomes(trial: Trial, value: Any, count: list[int]) -> Any:
    """The average of a value over the outcomes of all random entries that it reads."""
    count[0] += 1
    if count[0] > MAX_OUTCOMES:
        raise VerificationError(
            f"an expectation has more than {MAX_OUTCOMES} outcomes at {trial}: "
            f"too many to enumerate; state it of fewer random entries"
        )
    try:
        return value(trial)
    except Undecided as found:
        decided = trial.decided or {}
        return sum(
            chance
            * over_outcomes(
                replace(trial, decided={**decided, found.entry: outcome}, memo={}), value, count
            )
            for outcome, chance in trial.outcomes(found.entry)
        )


@build.register(Average)
def _(expr: Any) -> Meaning:
    return remembered(expr, lambda scope, env: scope.change(expr, env))


# --------------------------------------------------------------------------
# Points
# --------------------------------------------------------------------------


def trials(
    program: Program,
    assumptions: Sequence[Assumption],
    seeds: Sequence[int],
    sizes: Mapping[str, int] | None = None,
    stretched: bool = False,
) -> list[Trial]:
    """A random point for each seed at which everything assumed holds.

    Scalars change their signs from seed to seed, each of two in its own turn.
    ``stretched`` takes real numbers that are much larger and much smaller as well. Raises
    ``VerificationError`` where no point was found.
    """
    return [drawn(program, assumptions, seed, sizes or {}, stretched) for seed in seeds]


def drawn(
    program: Program,
    assumptions: Sequence[Assumption],
    seed: int,
    sizes: Mapping[str, int],
    stretched: bool,
) -> Trial:
    laws = {a.name: a for a in assumptions if isinstance(a, Random)}
    permuted = {a.name for a in assumptions if isinstance(a, Permutation)}
    stated = [a for a in assumptions if isinstance(a, Equals | Relational)]
    here = small_sizes(program, seed, sizes) if laws else draw_sizes(program, seed, sizes)
    for attempt in range(MAX_DRAWS):
        own = seed + 1_000 * attempt
        scale = (1, 32, mp.mpf(1) / 32)[(own + own // 1_000) % 3] if stretched else 1
        inputs = {t.name: values(t, here, own, scale) for t in program.inputs}
        real = [t.name for t in program.inputs if not t.dims and t.domain == "real"]
        for k, name in enumerate(real if attempt == 0 else ()):
            inputs[name] = {(): abs(inputs[name][()]) * (1, -1)[seed >> k % 2 & 1]}
        inputs |= {name: shuffled(inputs[name], own) for name in permuted}
        trial = Trial(program, here, seed, inputs, laws)
        if all(holds(trial, assumption) for assumption in stated):
            return trial
    text = "; ".join(map(str, stated))
    raise VerificationError(
        f"no point was found at which what is assumed holds, among {MAX_DRAWS}: {text}; "
        f"declare domains, or define one of the names by the others"
    )


def small_sizes(program: Program, seed: int, given: Mapping[str, int]) -> dict[str, int]:
    """Sizes 2 and 3 in turn: the outcomes of random entries are many."""
    fixed = {d.name: d.size for d in program.dims if d.size is not None} | dict(given)
    free = [d.name for d in program.dims if d.name not in fixed]
    return fixed | {name: 2 + (k + seed) % 2 for k, name in enumerate(free)}


def values(tensor: Tensor, sizes: Mapping[str, int], seed: int, scale: Any) -> dict[At, Any]:
    found = {
        at: HIGH.rational(v.numerator, v.denominator) for at, v in draw(tensor, sizes, seed).items()
    }
    if tensor.domain not in ("real", "positive"):
        return found
    return {at: scale * value for at, value in found.items()}


def shuffled(entries: Mapping[At, Any], seed: int) -> dict[At, Any]:
    """Every index once, and not in order."""
    order = list(range(len(entries)))
    generator = Generator(f"{seed}/permutation")
    while order == sorted(order) and len(order) > 1:
        order.sort(key=lambda _: generator.random())
    return {at: mp.mpf(k) for at, k in zip(entries, order, strict=True)}


def holds(trial: Trial, assumption: Equals | Relational) -> bool:
    """Does it hold for all values of its free indices?"""
    sides = (assumption.lhs, assumption.rhs)
    for env in assignments(trial, sides):
        left, right = (trial(side, env) for side in sides)
        if isinstance(assumption, Equals):
            if abs(left - right) > mp.mpf(10) ** -40 * max(1, abs(left)):
                return False
        elif not meaning(assumption)(trial.scope, env):
            return False
    return True


def assignments(trial: Trial, sides: Sequence[Any]) -> list[dict[sp.Symbol, int]]:
    """All values of the indices that are free in expressions, by the axes where they stand."""
    sizes: dict[sp.Symbol, int] = {}
    for side in sides:
        for found in parts(side, sp.Indexed):
            tensor = trial.program.tensors.get(name_of(found))
            for subscript, dim in zip(found.indices, tensor.dims if tensor else (), strict=False):
                if subscript in side.free_symbols and isinstance(subscript, sp.Symbol):
                    sizes[subscript] = trial.sizes[dim.name]
    envs: list[dict[sp.Symbol, int]] = [{}]
    for symbol, size in sizes.items():
        envs = [{**env, symbol: k} for env in envs for k in range(size)]
    return envs
