"""Claims held against an op: what symllm says of a formula, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ..claims.diagnose import judged as claims_judged
from ..claims.points import Point, points
from ..claims.question import question
from ..claims.verdict import SEVERITY, Verdict, joined
from ..derive.system import system
from ..evaluate import has_implied_upstream
from ..expressions import entries, name_of
from ..op import Op
from ..render.printer import style_of
from ..render.text import Formula
from ..values import evaluated
from .claim import Claim, claims, first_error
from .context import Context, context_of
from .prove import Sides, both_sides, difference, written
from .readings import Outcome
from .sizes import Mismatch
from .statements import Statement, taken_apart
from .truth import LEFT, Asked, asked_by, derivation_of, left_side


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


def verdict_on(op: Op, claim: Claim) -> Verdict:
    """What is true of one claim."""
    left = left_side(claim)
    name = left[1].name
    asked = asked_by(op, implied(op) and not upstream_named(op, claim), claim.wanted, left)
    order = dict(claim.free)
    axes = {symbol: order[symbol] for symbol in left[0].indices}

    def answer(point: Point) -> dict[str, np.ndarray]:
        arrays = dict(point.values)
        with np.errstate(all="ignore"):
            for let, free in claim.definitions:
                arrays[let.name] = evaluated(let.rhs, dict(free), arrays, point.sizes)
            found = evaluated(claim.right, axes, arrays, point.sizes)
        return {name: found.reshape(point.shape(name))}

    verdict = claims_judged(asked, answer, (name,), points(asked))[name]
    if verdict.ok:
        proved = any(one == other for one, other in in_normal_form(asked, claim))
        verdict = replace(verdict, proved=proved)
    elif verdict.kind == "wrong":
        verdict = by_terms(asked, claim, verdict)
    text = verdict.explanation.replace(LEFT, "the left side")
    return replace(verdict, name=claim.statement.source, explanation=text)


def in_normal_form(asked: Asked, claim: Claim) -> Iterator[Sides]:
    truths = {
        wanted.name: derivation_of(asked.op, wanted).result_equations[0] for wanted in claim.wanted
    }
    derivation = asked.derivation
    return both_sides(system(derivation.program), derivation.book, claim, truths)


def by_terms(asked: Asked, claim: Claim, verdict: Verdict) -> Verdict:
    """A wrong claim by the terms that are not those of the truth, where they are few."""
    found = difference(in_normal_form(asked, claim))
    if found is None:
        return verdict
    missing, extra = written(system(asked.op.program), found)
    p = Formula(style_of(asked.forward))
    if not extra:
        says, term = f"the term {p(missing)} is missing", missing
    elif not missing:
        says, term = f"the term {p(extra)} does not belong there", extra
    else:
        says, term = f"where {p(missing)} should be, there is {p(extra)}", missing
    return replace(verdict, kind="wrong_term", explanation=f"{verdict.name}: {says}", term=term)


def upstream_named(op: Op, claim: Claim) -> bool:
    """Does a claim name an upstream gradient, so that it is not 1?"""
    upstream = {f"d{name}" for name in op.outputs}
    sides = (claim.left, claim.right, *(let.rhs for let, _ in claim.definitions))
    return any(name_of(e) in upstream for side in sides for e in entries(side))
