"""Constants that were written with a few digits, and functions that were approximated."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from ..equation import Let
from ..expressions import nodes
from ..program import Program
from ..render.text import Formula
from .mistakes import changed_value, on_the_way
from .observed import Observed, close
from .points import Point
from .question import Question
from .slips import Place, places

#: A constant off by a larger share than this is another constant.
FEW_DIGITS = 1e-2

#: Digits that a decimal has to be short of what is known, or it is no decimal but a measurement.
SHORT_BY = 2
#: The number of digits of what is no short decimal.
MANY_DIGITS = 16

#: Constants are moved by this share to see what depends on them.
NUDGE = 1e-7

#: What is closer to the truth than this has an approximation or single precision inside.
APPROXIMATE = 1e-6

#: Functions that libraries and people approximate.
SPECIAL = (sp.erf,)


def rounded_constants(asked: Question, seen: Observed) -> str:
    """What to say of a claim that is right up to rounded constants; nothing where it is not."""
    if seen.max_error > FEW_DIGITS:
        return ""
    programs = [p for p in (asked.textbook, asked.line_by_line) if seen.name in p.let]
    for program in programs:
        numbers = list(constants(program, seen.name))
        same = together_with(numbers)
        alone = [taken(program, [number], seen) for number in (*same, *numbers)]
        told = [t[0] for t in alone if t]
        told = sorted((t for t in told if t.digits < MANY_DIGITS), key=lambda t: t.digits)
        outer = together_with([number for number in numbers if not number.inside])
        together = taken(program, outer, seen) if len(outer) > 1 and not told else None
        found = told[:1] or [t for t in together or () if t.digits < MANY_DIGITS]
        if found:
            return f"it is right to {seen.max_error:.1e}: {', '.join(t.text for t in found)}"
        loose = together or [t[0] for t in alone if t]
        if loose:
            names = ", ".join(dict.fromkeys(t.name for t in loose))
            return f"it is right to {seen.max_error:.1e}: constants are rounded, among {names}"
    special = next((f.__name__ for f in SPECIAL if f in functions(programs, seen.name)), "")
    if special and seen.max_error <= APPROXIMATE:
        return f"it is right to {seen.max_error:.1e}, but {special} is approximated"
    return ""


def low_precision(seen: Observed) -> str:
    """What to say of a claim that nothing else explains, but that is almost right."""
    if seen.max_error > APPROXIMATE:
        return ""
    inside = "something is approximated, or computed in a lower precision"
    return f"it is right to {seen.max_error:.1e}, but {inside}"


def functions(programs: Sequence[Program], name: str) -> set[Any]:
    lets = (let for program in programs for let in on_the_way(program, name))
    return {n.func for let in lets for e in let.expressions for n in nodes(e)}


@dataclass(frozen=True)
class Taken:
    """A constant, what it was taken to be, and how many digits that has."""

    name: str
    exact: float
    value: float
    digits: int

    @property
    def text(self) -> str:
        return f"{self.name} = {self.exact:.9g} is taken as {self.value:.{self.digits}g}"


def rounded_value(name: str, exact: float, value: float, unsure: float) -> Taken:
    """The shortest decimal that a constant may have been taken as."""
    known = -math.log10(max(unsure / abs(value), 1e-15))
    for digits in range(1, int(known) - SHORT_BY + 1):
        short = float(f"{value:.{digits - 1}e}")
        if abs(short - value) <= unsure:
            return Taken(name, exact, short, digits)
    return Taken(name, exact, value, MANY_DIGITS)


@dataclass(frozen=True, eq=False)
class Constant:
    """A number and the places where it stands; ``inside`` another that is looked at, too."""

    number: sp.Expr
    places: tuple[Place, ...]
    inside: bool = False


def constants(program: Program, name: str) -> Iterator[Constant]:
    """The numbers in the equations of a quantity that can be rounded: those with many digits."""
    for let in on_the_way(program, name):
        covered: set[sp.Expr] = set()
        for expr in let.expressions:
            free = dict(zip(let.indices, program.tensors[let.name].dims, strict=True))
            for place in places(program, let, expr, lambda new: new, free):
                number = numeric_part(place.part)
                if number is not None:
                    yield Constant(number, (place,), place.part in covered)
                    covered |= {n for n in nodes(number) if n != place.part or n.is_number}


def together_with(numbers: Sequence[Constant]) -> list[Constant]:
    """Each number with all places where it stands, as one that is written once has."""
    by_value: dict[sp.Expr, tuple[Place, ...]] = {}
    for one in numbers:
        by_value[one.number] = (*by_value.get(one.number, ()), *one.places)
    return [Constant(number, where) for number, where in by_value.items()]


def numeric_part(part: sp.Expr) -> sp.Expr | None:
    """The number that a product or a lone constant brings with it, if its decimals do not end."""
    if isinstance(part, sp.Mul):
        number = sp.Mul(*(f for f in part.args if f.is_number))
    elif part.is_number:
        number = part
    else:
        return None
    long = number.is_irrational or (isinstance(number, sp.Rational) and number.q > 8)
    return number if long else None


def taken(program: Program, chosen: Sequence[Constant], seen: Observed) -> list[Taken]:
    """What these constants were taken as, if that accounts for the whole error."""
    shares, unsure = [], 0.0
    for k, point in enumerate(seen.points):
        moved = [direction(program, one, seen.name, point, seen.expected[k]) for one in chosen]
        known = [m for m in moved if m is not None]
        if len(known) < len(moved):
            return []
        matrix = np.stack([m.ravel() for m in known], axis=1)
        found, *_ = np.linalg.lstsq(matrix, seen.errors[k].ravel(), rcond=1e-9)
        left = float(np.abs(matrix @ found - seen.errors[k].ravel()).max(initial=0.0))
        worst = float(np.abs(found).max())
        effect = float(np.abs(matrix).max(axis=0) @ np.abs(found))
        # Beyond the first order the effect of a share is off by about that share of itself.
        if worst > FEW_DIGITS or left > 4 * seen.bounds[k] + (8 * worst + 1e-6) * effect:
            return []
        shares.append(found)
        doubt = (4 * seen.bounds[k] + left) / float(np.abs(matrix).max())
        unsure = max(unsure, doubt + 4 * worst**2)
    p = Formula()
    texts = []
    for j, one in enumerate(chosen):
        number = one.number
        mine = [float(s[j]) for s in shares]
        if max(mine) - min(mine) > 4 * unsure + 1e-2 * abs(mine[0]):
            return []
        exact = float(number)
        if abs(mine[0]) > 4 * unsure:
            value = exact * (1 + mine[0])
            options = [
                rounded_value(p(number), exact, value, abs(exact) * unsure),
                rounded_value(p(1 / number), 1 / exact, 1 / value, unsure / abs(exact)),
            ]
            texts.append(min(options, key=lambda taken: taken.digits))
    return texts


def direction(
    program: Program, constant: Constant, name: str, point: Point, expected: np.ndarray
) -> np.ndarray | None:
    """How the quantity changes with a share of one of its constants."""
    more = 1 + sp.Rational(NUDGE).limit_denominator(10**9)
    total = np.zeros_like(expected)
    for place in constant.places:
        changed = Let(place.let.lhs, place.around(place.part * more))
        value = changed_value(program, changed, name, point)
        if value is None or close(value, expected, 0.0):
            return None
        total += (value - expected) / NUDGE
    return total
