"""The judge: every step at random points, every result against other judges.

*Proved* is what the caller's rewriter says of a step; *checked* is what the
evaluator found. A certificate says both and never one for the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import sympy as sp

from .comparison import Comparison
from .errors import SymllmError, VerificationError
from .evaluate import MAX_ORDER, Point, evaluate, free_indices, order, sample
from .evidence import Evidence, bound_text
from .oracle import (
    compare_forward,
    compare_hessian,
    compare_jacobian,
    compare_with_autograd,
    compare_with_oracle,
)
from .program import Program
from .steps import Fact, Step

#: Required agreement by how many differences are inside each other. With 60
#: digits and steps of 1e-20, algebra is right to about 1e-58, a difference to
#: 1e-40 and a difference of differences to 1e-20; a wrong step is wrong in the
#: first few digits. The rest is margin for badly conditioned points.
BOUNDS = (1e-30, 1e-20, 1e-12)

#: Tensors smaller than this are compared absolutely: both sides of
#: ``sum_j xhat[j] = 0`` are nothing but rounding.
SMALLEST_SCALE = 1e-6

#: At how many entries of a step's free indices a point is looked at.
MAX_ENTRIES = 32


@dataclass(frozen=True)
class FactEvidence:
    """What speaks for a fact itself and for each of its steps."""

    fact: Fact
    evidence: Evidence
    steps: tuple[Evidence, ...]


@dataclass(frozen=True)
class Certificate:
    """What was proved, what was checked, where, and how well it agreed."""

    name: str
    sizes: tuple[str, ...]
    seeds: tuple[int, ...]
    steps: tuple[tuple[Step, Evidence], ...]
    facts: tuple[FactEvidence, ...]
    comparisons: tuple[Comparison, ...]

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All of it: of the steps, the facts, and the facts' steps."""
        declared = (fact.evidence for fact in self.facts if fact.fact.declared)
        return (*self.derived, *declared)

    @property
    def derived(self) -> tuple[Evidence, ...]:
        """The evidence of all but the facts that are declared: those are given."""
        found = [evidence for _, evidence in self.steps]
        for fact in self.facts:
            found += [*(() if fact.fact.declared else (fact.evidence,)), *fact.steps]
        return tuple(found)

    @property
    def ok(self) -> bool:
        compared = [c for c in self.comparisons if not c.skipped]
        return (
            bool(self.evidence or compared)
            and all(evidence.checked for evidence in self.evidence)
            and all(comparison.ok for comparison in self.comparisons)
        )

    @property
    def bounds_met(self) -> str:
        """The widest of the bounds that the steps and facts met, as ``< 1e-9``."""
        bounds = [e.bound for e in self.evidence]
        return bound_text(max(bounds)) if bounds else "nothing"

    def __str__(self) -> str:
        lines = [f"{self.name}: {'verified' if self.ok else 'NOT VERIFIED'}"]
        where = "; ".join(
            f"{size or 'no dimensions'} (seed {seed})"
            for size, seed in zip(self.sizes, self.seeds, strict=True)
        )
        lines.append(f"  points: {where}")
        for kind, found in (
            ("steps", [e for _, e in self.steps]),
            ("facts", [f.evidence for f in self.facts]),
            ("steps of facts", [e for f in self.facts for e in f.steps]),
        ):
            if found:
                lines.append(f"  {kind}: {summary(found)}")
        lines += [f"  step {s.rule}: {e}" for s, e in self.steps if not e.checked]
        lines += [
            f"  fact {f.fact.lhs} = {f.fact.rhs}: {f.evidence}"
            for f in self.facts
            if not f.evidence.checked
        ]
        lines += [f"  {comparison}" for comparison in self.comparisons]
        return "\n".join(lines)


def summary(found: Sequence[Evidence]) -> str:
    proved = sum(evidence.proved for evidence in found)
    checked = [evidence for evidence in found if evidence.checked]
    met = bound_text(max(e.bound for e in checked)) if checked else ""
    return f"{len(found)}; proved {proved}; checked {len(checked)} {met}".rstrip()


def check_step(
    step: Step, points: Sequence[Point], proved: bool = False, entries: int = MAX_ENTRIES
) -> Evidence:
    """Are ``before``, ``after`` and ``target`` equal at all points?

    Each point is looked at in all entries of the step's free indices, or in a
    sample of that many. Raises ``VerificationError`` if there is nothing to
    compare, and what the evaluator raises for what it cannot evaluate.
    """
    sides = {"before": step.before, "after": step.after, "target": step.target}
    bound = bound_for(step, points)
    count, worst, where = 0, 0.0, ""
    for point in points:
        chosen = some(free_indices(step.free, point), entries, point.seed)
        symbols = [symbol for symbol, _ in step.free]
        found: list[tuple[tuple[int, ...], dict[str, Any]]] = []
        for at in chosen:
            env = dict(zip(symbols, at, strict=True))
            found.append((at, {side: evaluate(e, point, env) for side, e in sides.items()}))
        scale = max((abs(v) for _, row in found for v in row.values()), default=0)
        scale = max(scale, SMALLEST_SCALE)
        for at, row in found:
            for side in ("before", "target"):
                error = float(abs(row[side] - row["after"]) / scale)
                error = math.inf if math.isnan(error) else error
                count += 1
                if error > worst:
                    worst = error
                    where = described(symbols, at, row, point)
    if not count:
        raise VerificationError(f"the step {step.rule!r} was compared at no point at all")
    checked = worst <= bound
    return Evidence(proved and checked, checked, count, worst, bound, where)


def bound_for(step: Step, points: Sequence[Point]) -> float:
    if not points:
        raise VerificationError(f"there are no points to check the step {step.rule!r} at")
    program = points[0].program
    depth = max(order(side, program) for side in (step.before, step.after, step.target))
    if depth > MAX_ORDER:
        raise VerificationError(
            f"the step {step.rule!r} is differentiated {depth} times; at most {MAX_ORDER} "
            f"can be checked by differences"
        )
    return BOUNDS[depth]


def some(indices: list[tuple[int, ...]], limit: int, seed: int) -> list[tuple[int, ...]]:
    """All of them, or a sample that is the same for the same seed."""
    random = Random(seed)
    chosen = sorted(indices, key=lambda _: random.random())[:limit]
    return sorted(chosen)


def described(
    symbols: Iterable[sp.Symbol], at: tuple[int, ...], row: dict[str, Any], point: Point
) -> str:
    places = ", ".join(f"{s} = {k}" for s, k in zip(symbols, at, strict=True))
    worth = ", ".join(f"{side} is {float(value):.9g}" for side, value in row.items())
    where = ", ".join(part for part in (places, f"{point} (seed {point.seed})") if part)
    return f"{worth} at {where}"


def as_step(fact: Fact) -> Step:
    """A fact as the step that it allows: from its left side to its right."""
    reason = "declared" if fact.declared else "lemma"
    return Step(fact.lhs, fact.lhs, fact.rhs, "fact", (reason,), fact.free)


def verify(
    steps: Iterable[Step],
    facts: Iterable[Fact],
    program: Program,
    proved: Callable[[Step], bool] = lambda step: False,
    comparisons: Iterable[Comparison] = (),
    points: Sequence[Point] = (),
    seeds: Sequence[int] = (0, 1),
    said: Iterable[Step] = (),
) -> Certificate:
    """Check every step and fact; the certificate, or ``VerificationError`` at what is false.

    The points are drawn from the seeds unless they are given. ``proved`` says
    of a step whether it is also proved. ``comparisons`` of results are
    judged with the rest, and so is what is ``said`` besides the steps:
    results and definitions. Nothing to check is an error.
    """
    chosen = tuple(points) or tuple(sample(program, seed) for seed in seeds)
    judged = tuple(
        (step, judge(step, f"step {k}", chosen, proved)) for k, step in enumerate(steps, start=1)
    )
    leaned_on = []
    for fact in facts:
        claim = f"fact {fact.lhs} = {fact.rhs}"
        inner = tuple(
            judge(step, f"step {k} of the {claim}", chosen, proved)
            for k, step in enumerate(fact.steps, start=1)
        )
        rests = given if fact.declared else proved
        leaned_on.append(FactEvidence(fact, judge(as_step(fact), claim, chosen, rests), inner))
    for step in said:
        judge(step, f"the {step.rule} of {step.target}", chosen, given)
    certificate = Certificate(
        name=program.name,
        sizes=tuple(map(str, chosen)),
        seeds=tuple(point.seed for point in chosen),
        steps=judged,
        facts=tuple(leaned_on),
        comparisons=tuple(comparisons),
    )
    if not certificate.evidence and all(c.skipped for c in certificate.comparisons):
        raise VerificationError(f"{program.name}: there was nothing to verify")
    return joined(certificate, ())


def given(step: Step) -> bool:
    """Whether it is proved: what is said beforehand is only checked."""
    return False


def check_chains(steps: Sequence[Step], ends: Mapping[sp.Expr, sp.Expr]) -> None:
    """Do the steps of each quantity hang together, and end at the result?

    Raises ``VerificationError`` where a step does not start where the one
    before it ended, or the last does not end at what ``ends`` says.
    """
    last: dict[sp.Expr, Step] = {}
    for number, step in enumerate(steps, start=1):
        before = last.get(step.target)
        if before is not None and before.after != step.before:
            raise VerificationError(
                f"step {number}, by {step.rule!r}, starts from {step.before}, "
                f"but the step before it ended at {before.after}"
            )
        last[step.target] = step
    for target, result in ends.items():
        if target not in last or last[target].after != result:
            found = last[target].after if target in last else "no step"
            raise VerificationError(
                f"the steps to {target} end at {found}, but the result is {result}"
            )


def joined(certificate: Certificate, more: Iterable[Comparison]) -> Certificate:
    """The certificate with more comparisons; ``VerificationError`` if one of them is false."""
    found = (*certificate.comparisons, *more)
    for comparison in found:
        if not comparison.ok:
            raise VerificationError(f"{certificate.name}: {comparison}")
    return replace(certificate, comparisons=found)


def judge(
    step: Step, name: str, points: Sequence[Point], proved: Callable[[Step], bool]
) -> Evidence:
    """The evidence of a step that holds; ``VerificationError`` naming one that does not."""
    says = f"{name}, by {step.rule!r}, from {step.before} to {step.after}"
    try:
        evidence = check_step(step, points, proved(step))
    except SymllmError as error:
        raise VerificationError(f"{says}: {error}") from error
    if not evidence.checked:
        raise VerificationError(
            f"{says}, is false: {evidence.where}; {step.target} is what it is to equal"
        )
    return evidence


__all__ = [
    "Certificate",
    "Comparison",
    "Evidence",
    "FactEvidence",
    "check_step",
    "compare_forward",
    "compare_hessian",
    "compare_jacobian",
    "compare_with_autograd",
    "compare_with_oracle",
    "verify",
]
