"""Claims held against an op: what symllm says of a formula, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np

from ..claims.diagnose import judged as diagnosed
from ..claims.diagnose import observed
from ..claims.observed import Observed
from ..claims.points import Point, points
from ..claims.question import Question, question
from ..claims.verdict import SEVERITY, Verdict, joined
from ..derive.system import system
from ..equation import Let
from ..evaluate import has_implied_upstream
from ..expressions import entries, name_of
from ..notation import Tensor
from ..op import Op
from ..render.printer import style_of
from ..render.text import Formula
from ..values import evaluated
from .claim import Claim, claims, first_error
from .context import Context, context_of
from .parse import parser
from .prove import Sides, both_sides, difference, written
from .readings import Outcome
from .second import check_twice
from .sizes import Mismatch
from .statements import Statement, taken_apart
from .truth import LEFT, asked_by, derivation_of, left_side

parser()  # its tables are made once, and not while somebody waits for a verdict


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
    for statement in reading.statements:
        check_twice(statement.left, text)
        check_twice(statement.right, text)
    for definition in reading.definitions.values():
        check_twice(definition.body, definition.text)
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
    read = different(read)
    cases = [Case(op, claim) for claim in read]
    right = [case.right for case in cases]
    if any(right):
        best = right.index(True)
        verdict = cases[best].verdict
        others = [c.reading for c, good in zip(read, right, strict=True) if not good]
        notes = [f"it is not right where {reading}" for reading in others]
    else:
        verdicts = [case.verdict for case in cases]
        best = min(range(len(read)), key=lambda k: SEVERITY[verdicts[k].kind])
        verdict = verdicts[best]
        pairs = zip(read, verdicts, strict=True)
        notes = [f"it is {v.kind} where {c.reading}" for c, v in pairs if v.kind != verdict.kind]
    if read[best].made:
        notes = [f"read so: {read[best].reading}", *notes]
    return replace(verdict, notes=(*verdict.notes, *notes))


def different(read: Sequence[Claim]) -> list[Claim]:
    """The claims without those that say the same as one before."""
    found: dict[object, Claim] = {}
    for claim in read:
        found.setdefault((claim.left, claim.right, claim.free, claim.definitions), claim)
    return list(found.values())


@dataclass(frozen=True, eq=False)
class Case:
    """A claim in one reading, and the question whose answer its left side is."""

    op: Op
    claim: Claim

    @cached_property
    def left(self) -> tuple[Let, Tensor]:
        return left_side(self.claim)

    @property
    def name(self) -> str:
        return self.left[1].name

    @cached_property
    def asked(self) -> Question:
        unit = implied(self.op) and not upstream_named(self.op, self.claim)
        return asked_by(self.op, unit, self.claim.wanted, self.left)

    def answer(self, point: Point) -> dict[str, np.ndarray]:
        """What is claimed at a point, in the shape of the left side."""
        dims = dict(self.claim.free)
        axes = {symbol: dims[symbol] for symbol in self.left[0].indices}
        arrays = dict(point.values)
        with np.errstate(all="ignore"):
            for let, free in self.claim.definitions:
                arrays[let.name] = evaluated(let.rhs, dict(free), arrays, point.sizes)
            found = evaluated(self.claim.right, axes, arrays, point.sizes)
        return {self.name: found.reshape(point.shape(self.name))}

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """The points of the question; the same for all claims that ask it."""
        memo = self.asked.memo
        if "points" not in memo:
            memo["points"] = points(self.asked)
        found: tuple[Point, ...] = memo["points"]
        return found

    @cached_property
    def seen(self) -> Observed:
        found = [self.answer(point) for point in self.points]
        return observed(self.name, self.points, found, "float64")

    @property
    def right(self) -> bool:
        """Do both sides agree at every point?"""
        return self.seen.right

    @property
    def verdict(self) -> Verdict:
        """What is true of the claim, and what its mistake is."""
        if self.right:
            proved = any(a == b for a, b in self.in_normal_form)
            says = f"{self.name} is right"
            found = Verdict(self.name, "correct", says, self.seen.max_error, proved=proved)
        else:
            asked = diagnosed(self.asked, self.answer, (self.name,), self.points)
            found = asked[self.name]
            if found.kind == "wrong":
                found = self.by_terms(found)
        text = found.explanation.replace(LEFT, "the left side")
        return replace(found, name=self.claim.statement.source, explanation=text)

    @property
    def in_normal_form(self) -> Iterator[Sides]:
        truths = {
            wanted.name: derivation_of(self.op, wanted).result_equations[0]
            for wanted in self.claim.wanted
        }
        derivation = self.asked.derivation
        return both_sides(system(derivation.program), derivation.book, self.claim, truths)

    def by_terms(self, verdict: Verdict) -> Verdict:
        """A wrong claim by the terms that are not those of the truth, where they are few."""
        found = difference(self.in_normal_form)
        if found is None:
            return verdict
        missing, extra = written(system(self.op.program), found)
        p = Formula(style_of(self.asked.forward))
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
