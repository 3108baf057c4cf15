"""Mistakes in the equations of a gradient that give what was claimed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
import sympy as sp

from ..equation import Let
from ..errors import SymllmError
from ..program import Program, needed
from ..values import evaluated, run
from .constants import recognised
from .observed import Observed, close
from .other_axes import along, turned
from .points import Point
from .question import Question
from .slips import Slip, slips
from .variations import SLIPS
from .wording import Says

#: A program with more equations than this is tried only near its end.
NEAR = 24

#: Where more equations than this lead to a quantity, the nearest that explains it is taken.
LONG = 12

#: A mistake in a forward equation, where the forward pass is not at fault, is less likely by this.
FORWARD = 1.5

#: How many pairs of terms are tried for two mistakes at once.
PAIRS = 400


@dataclass(frozen=True)
class Mistake:
    """A mistake that explains everything: what it is, the term, and that term's factor."""

    weight: float
    text: str
    term: sp.Expr | None = None
    factor: Any = None


@dataclass(frozen=True, eq=False)
class Effect:
    """A slip and what it makes of the claimed quantity at the first point."""

    slip: Slip
    program: Program
    value: np.ndarray


def mistakes(asked: Question, seen: Observed, precision: float) -> Iterator[Mistake]:
    """The mistakes that explain what was found, the simplest first."""
    far = len(on_the_way(asked.textbook, seen.name)) > LONG
    effects: list[Effect] = []
    found: list[Mistake] = []
    at = ""
    for effect in known_effects(asked, seen):
        slip = effect.slip
        if far and found and slip.let.name != at:
            break
        at = slip.let.name
        effects.append(effect)
        if explains(effect, seen):
            weight = slip.weight + FORWARD * (at in asked.forward.let)
            text = slip.says.text(effect.program, seen.name)
            found.append(Mistake(weight, text, slip.term, slip.factor))
    found = found or list(along_other_axes(asked, seen))
    yield from sorted(found, key=lambda m: m.weight)[:1]
    if not found:
        dropped = [e for e in effects if e.slip.factor == 0 and e.slip.term != e.slip.let.lhs]
        yield from multiples(dropped, seen, precision)


def known_effects(asked: Question, seen: Observed) -> Iterator[Effect]:
    """All effects, kept where all were asked for."""
    memo = seen.points[0].memo
    key = ("effects", seen.name)
    if key in memo:
        yield from memo[key]
        return
    found = []
    for effect in effects_of(asked, seen):
        found.append(effect)
        yield effect
    memo[key] = tuple(found)


def along_other_axes(asked: Question, seen: Observed) -> Iterator[Mistake]:
    """What is computed on the way is computed along another axis."""
    name = seen.name
    dims = [d for d in asked.forward.dims if d.size is None]
    for kept, reduced in itertools.permutations(dims, 2):
        program = turned(asked.textbook, kept, reduced)
        if program is not None and seen.fits(partial(value_in, program, name)):
            changed = next(n for n in program.let if program.tensors[n] != asked.tensor(n))
            let = asked.textbook.let[changed]
            words = f"{{}} is computed {along(kept, reduced)}"
            yield Mistake(3.5, Says(let, words, (let.lhs,)).text(program, name), let.lhs)


def value_in(program: Program, name: str, point: Point) -> np.ndarray:
    return run(program, point.drawn, point.sizes)[name]


def effects_of(asked: Question, seen: Observed) -> Iterator[Effect]:
    """Every slip in every equation that the quantity needs, in both forms of the gradient."""
    tried: set[Let] = set()
    for program in (asked.textbook, asked.line_by_line):
        if seen.name not in program.let:
            continue
        for let in reversed(on_the_way(program, seen.name)[-NEAR:]):
            for form in dict.fromkeys((let, expanded(let))):
                if form in tried:
                    continue
                tried.add(form)
                for slip in slips(program, form, SLIPS):
                    value = changed_value(program, slip.let, seen.name, seen.points[0])
                    if value is not None:
                        yield Effect(slip, program, value)


def expanded(let: Let) -> Let:
    """The equation as a sum of products: what stands before a bracket may be forgotten in one."""
    return Let(let.lhs, sp.expand_mul(let.rhs, deep=False), let.note)


def explains(effect: Effect, seen: Observed) -> bool:
    if not seen.explained(0, effect.value):
        return False

    def candidate(point: Point) -> np.ndarray:
        found = changed_value(effect.program, effect.slip.let, seen.name, point)
        return np.empty(0) if found is None else found

    return seen.fits(candidate)


@lru_cache(maxsize=256)
def on_the_way(program: Program, name: str) -> tuple[Let, ...]:
    """The equations that a quantity is computed from, in order."""
    return needed(program.equations, [name])


def changed_value(program: Program, changed: Let, name: str, point: Point) -> np.ndarray | None:
    """What becomes of a quantity where one equation is another; None where it has no value."""
    arrays = dict(point.values)
    dirty: set[str] = set()
    with np.errstate(all="ignore"):
        for let in on_the_way(program, name):
            mine = changed if let.name == changed.name else let
            if mine is let and dirty.isdisjoint(let.mentioned):
                continue
            free = dict(zip(mine.indices, program.tensors[let.name].dims, strict=True))
            try:
                arrays[let.name] = evaluated(mine.rhs, free, arrays, point.sizes)
            except (SymllmError, IndexError, ValueError):
                return None
            dirty.add(let.name)
    value = arrays[name]
    return value if np.isfinite(value).all() else None


# --------------------------------------------------------------------------
# Terms with measured coefficients
# --------------------------------------------------------------------------


def multiples(effects: list[Effect], seen: Observed, precision: float) -> Iterator[Mistake]:
    """One term, or two, multiplied by something: what by is measured."""
    names = {id(e): e for e in effects}
    directions = {k: seen.expected[0] - e.value for k, e in names.items()}
    able = [k for k, d in directions.items() if np.abs(d).max(initial=0.0) > 8 * seen.bounds[0]]
    candidates = itertools.chain(
        ((k,) for k in able),
        itertools.islice(itertools.combinations(able, 2), PAIRS),
        [tuple(able)] if 2 < len(able) <= seen.found[0].size // 2 else [],
    )
    for chosen in candidates:
        if fitted([directions[k] for k in chosen], seen.errors[0], 4 * seen.bounds[0]) is None:
            continue
        mistake = measured([names[k] for k in chosen], seen, precision)
        if mistake is not None:
            yield mistake
            return


def fitted(directions: list[np.ndarray], error: np.ndarray, bound: float) -> np.ndarray | None:
    """The multiples of the directions that make up an error, if they do."""
    matrix = np.stack([d.ravel() for d in directions], axis=1)
    if matrix.shape[0] <= matrix.shape[1]:
        return None
    found, _, rank, _ = np.linalg.lstsq(matrix, error.ravel(), rcond=1e-10)
    if rank < matrix.shape[1]:
        return None
    size = 1 + float(np.abs(found).max())
    return found if close(matrix @ found, error.ravel(), bound * size) else None


def measured(effects: list[Effect], seen: Observed, precision: float) -> Mistake | None:
    """The mistake where these terms have other coefficients, the same law at every point."""
    rows = []
    for k, point in enumerate(seen.points):
        directions = []
        for effect in effects:
            value = changed_value(effect.program, effect.slip.let, seen.name, point)
            if value is None:
                return None
            directions.append(seen.expected[k] - value)
        found = fitted(directions, seen.errors[k], 4 * seen.bounds[k])
        if found is None:
            return None
        rows.append(1 + found)
    texts, factors = [], []
    for j, effect in enumerate(effects):
        coefficients = [float(row[j]) for row in rows]
        if all(abs(c - 1) <= precision for c in coefficients):
            continue
        factor = recognised(coefficients, seen.points, precision)
        if factor is None:
            if max(coefficients) - min(coefficients) > precision * max(1, abs(coefficients[0])):
                return None
            factor = sp.Float(coefficients[0])
        factors.append((effect, factor))
        texts.append(coefficient_text(effect, factor, seen))
    if not texts:
        return None
    effect, factor = factors[0]
    said = [texts[0], *(t.removeprefix(f"{seen.name}: ") for t in texts[1:])]
    return Mistake(4.0 * len(texts), "; ".join(said), effect.slip.term, factor)


def coefficient_text(effect: Effect, factor: sp.Expr, seen: Observed) -> str:
    said = {
        sp.S.Zero: "the term {} is missing",
        sp.S.NegativeOne: "the term {} has the wrong sign",
        sp.Integer(2): "the term {} is doubled",
    }.get(factor)
    text = f"{float(factor):.6g}" if isinstance(factor, sp.Float) else str(factor)
    words = said or f"the term {{}} is multiplied by {text.replace('**', '^')}"
    says = effect.slip.says.__class__(effect.slip.says.let, words, (effect.slip.term,))
    return says.text(effect.program, seen.name)
