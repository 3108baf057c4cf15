"""Claims held against an op: what symllm says of a formula, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from ..claims.points import Point, points
from ..claims.question import Question, question
from ..claims.verdict import SEVERITY, Verdict, joined
from ..equation import Let
from ..errors import ReadError
from ..evaluate import has_implied_upstream
from ..expressions import entries, name_of
from ..op import Op
from ..values import Arrays, evaluated, run
from .claim import Claim, claims, first_error
from .context import Context, context_of
from .readings import Outcome
from .sizes import Mismatch
from .statements import Statement, taken_apart
from .truth import program_of

#: Two sides that differ by less, relative to the largest entry, are equal.
TOLERANCE = 1e-9


def check_latex(text: str, op: Op, where: Sequence[str] = ()) -> Verdict:
    """The verdict on a formula about an op; ``where`` holds definitions that it leans on.

    Several equations in one text are several claims, and the verdict is that
    on the worst of them. A formula that can be read in several ways is
    judged in each, and the verdict says which reading it is about. Raises
    ``ReadError`` for what cannot be read.
    """
    given = (where,) if isinstance(where, str) else tuple(where)
    context = context_for(op)
    reading = taken_apart(text, given, context)
    found = {
        name: judged(op, statement, claims(statement, reading.definitions, context))
        for name, statement in named(reading.statements).items()
    }
    return next(iter(found.values())) if len(found) == 1 else joined(text, found)


def named(statements: Sequence[Statement]) -> dict[str, Statement]:
    """The statements by their source; one that is made twice, once."""
    return {statement.source: statement for statement in statements}


@lru_cache(maxsize=128)
def context_for(op: Op) -> Context:
    asked = question(op, implied(op))
    tensors = {**asked.textbook.tensors, **asked.line_by_line.tensors}
    gradients = [t for n, t in tensors.items() if n not in asked.forward.tensors]
    gradients += [t for t in asked.upstream if t.name not in tensors]
    return context_of(asked.forward, gradients, op.name)


def implied(op: Op) -> bool:
    return has_implied_upstream(op.program)


def judged(op: Op, statement: Statement, outcomes: tuple[Outcome[Claim], ...]) -> Verdict:
    """The verdict on a statement in the reading that is kindest to it, which it names."""
    read = [outcome.found for outcome in outcomes if outcome.found is not None]
    if not read:
        error = first_error(outcomes)
        if isinstance(error, Mismatch):
            return Verdict(statement.source, "shape", error.message)
        raise error
    verdicts = [verdict_on(op, claim) for claim in read]
    best = min(range(len(read)), key=lambda k: SEVERITY[verdicts[k].kind])
    return with_readings(read, verdicts, best)


def with_readings(read: Sequence[Claim], verdicts: Sequence[Verdict], best: int) -> Verdict:
    """The best verdict, with the reading that it is about and what it would be in others."""
    verdict, claim = verdicts[best], read[best]
    notes = list(verdict.notes)
    if claim.made:
        notes.append(f"read so: {claim.reading}")
    others = {c.reading: v.kind for c, v in zip(read, verdicts, strict=True) if v.kind != verdict.kind}
    notes += [f"where {reading}, it is {kind}" for reading, kind in others.items()]
    return replace(verdict, notes=tuple(notes))


@dataclass(frozen=True)
class Sides:
    """Both sides of a claim at one point, and the arrays that they were computed from."""

    point: Point
    arrays: Arrays
    left: np.ndarray
    right: np.ndarray

    @property
    def error(self) -> float:
        scale = float(np.abs(self.left).max(initial=0.0)) or 1.0
        worst = np.abs(self.left - self.right).max(initial=0.0) / scale
        return float(np.nan_to_num(worst, nan=np.inf, posinf=np.inf))


def asked_about(op: Op, claim: Claim) -> Question:
    """The question that a claim is about: with an upstream gradient only if it names one."""
    upstream = {f"d{name}" for name in op.outputs}
    mentioned = {
        name_of(e)
        for expr in (claim.left, claim.right, *(let.rhs for let, _ in claim.definitions))
        for e in entries(expr)
    }
    return question(op, implied(op) and not mentioned & upstream)


def sides(op: Op, claim: Claim, point: Point, truths: Mapping[str, object]) -> Sides:
    arrays = dict(point.values)
    for wanted in claim.wanted:
        arrays |= run(program_of(op, wanted), arrays, point.sizes)
    with np.errstate(all="ignore"):
        for let, free in claim.definitions:
            arrays[let.name] = evaluated(let.rhs, dict(free), arrays, point.sizes)
        left, right = (
            evaluated(expr, dict(claim.free), arrays, point.sizes)
            for expr in (claim.left, claim.right)
        )
    return Sides(point, arrays, left, right)


def verdict_on(op: Op, claim: Claim) -> Verdict:
    """What is true of one claim."""
    asked = asked_about(op, claim)
    found = [sides(op, claim, point, {}) for point in points(asked)]
    worst = max(s.error for s in found)
    name = claim.statement.source
    if not all(np.isfinite(s.right).all() for s in found):
        return Verdict(name, "error", "the right side is not a finite number everywhere", worst)
    if worst < TOLERANCE:
        return Verdict(name, "correct", f"{name} is right", worst)
    return Verdict(name, "wrong", f"{name} is not right", worst)


