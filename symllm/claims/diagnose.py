"""From what was claimed to a verdict: right, or what the mistake is.

Each kind of verdict is a row of ``EXPLANATIONS``, in the order in which they
are tried: the first that explains all that was found is given. An explanation
is never taken for likely; it must give the claimed numbers at every point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp

from ..errors import SymllmError
from .conditions import Condition, conditions
from .constants import recognised
from .mistakes import Mistake, mistakes
from .neighbours import neighbours
from .observed import Observed, close
from .points import Point, spread
from .points import points as points_of
from .precision import tolerance
from .question import Question
from .rounding import low_precision, rounded_constants
from .verdict import ClaimError, Verdict
from .wording import at_text

#: What is claimed at a point: arrays by name, in the shape ``point.shape(name)``.
Answer = Callable[[Point], Mapping[str, np.ndarray]]

#: Constant factors are known this well, relatively.
FACTOR_PRECISION = 1e-6

#: What is further off than this many times that is not held against the truth more precisely.
FAR = 1e3


@dataclass(frozen=True, eq=False)
class Case:
    """One wrong output among all that were observed, and the means to ask again."""

    question: Question
    observed: Observed
    others: Mapping[str, Observed]
    answer: Answer
    dtype: str
    sizes: Mapping[str, int]

    @property
    def name(self) -> str:
        return self.observed.name

    def verdict(self, kind: str, says: str, term: Any = None, factor: Any = None) -> Verdict:
        text = says if says.startswith(f"{self.name}: ") else f"{self.name}: {says}"
        return Verdict(self.name, kind, text, self.observed.max_error, term=term, factor=factor)


Row = Callable[[Case], Verdict | None]


def judged(
    question: Question,
    answer: Answer,
    names: Sequence[str],
    points: Sequence[Point],
    dtype: str = "float64",
    sizes: Mapping[str, int] | None = None,
) -> dict[str, Verdict]:
    """The verdict on each claimed quantity; ``sizes`` are those that the caller fixed."""
    verdicts: dict[str, Verdict] = {}
    arrays: list[Mapping[str, np.ndarray]] = []
    for point in points:
        try:
            arrays.append(answer(point))
        except ClaimError as error:
            for name in names if not error.output else [error.output]:
                verdicts.setdefault(name, Verdict(name, error.kind, error.explanation))
            if not error.output:
                return verdicts
            return {n: verdicts.get(n, Verdict(n, "error", f"{n}: not compared")) for n in names}
    found = {}
    for name in names:
        misfit = unfit(name, points, arrays)
        if misfit:
            verdicts[name] = misfit
        else:
            found[name] = observed(name, points, arrays, dtype)
    for name, seen in found.items():
        if seen.right:
            verdicts[name] = Verdict(name, "correct", f"{name} is right", seen.max_error)
        else:
            case = Case(question, seen, found, answer, dtype, sizes or {})
            verdicts[name] = explained(case) if not points[0].big else explained_small(case)
    return {name: verdicts[name] for name in names}


def observed(
    name: str, points: Sequence[Point], arrays: Sequence[Mapping[str, np.ndarray]], dtype: str
) -> Observed:
    tensor = points[0].question.tensor(name)
    return Observed(
        name,
        tuple(points),
        tuple(
            spread(np.asarray(a[name], float), tensor, p.sizes)
            for a, p in zip(arrays, points, strict=True)
        ),
        tuple(p.truth(name) for p in points),
        tuple(tolerance(p, name, dtype) for p in points),
    )


def unfit(
    name: str, points: Sequence[Point], arrays: Sequence[Mapping[str, np.ndarray]]
) -> Verdict | None:
    """The verdict where an array is missing, has a wrong shape or is not finite."""
    for point, given in zip(points, arrays, strict=True):
        if name not in given:
            return Verdict(name, "error", f"{name}: it was not returned")
        array = np.asarray(given[name])
        if array.shape != point.shape(name):
            turned = array.T.shape == point.shape(name) and array.ndim > 1
            hint = "; it is the transpose" if turned else ""
            return Verdict(
                name,
                "shape",
                f"{name}: it has shape {list(array.shape)}, expected "
                f"{point.question.tensor(name).shape_text} = {list(point.shape(name))}{hint}",
            )
        if not np.isfinite(array).all():
            at = tuple(int(k[0]) for k in np.nonzero(~np.isfinite(array)))
            largest = max(float(np.abs(v).max(initial=0)) for v in point.drawn.values())
            return Verdict(
                name,
                "error",
                f"{name}: {at_text(name, at)} is {array[at]}, with {point} and inputs up to "
                f"{largest:.3g} in size",
            )
    return None


def explained(case: Case, rows: Sequence[Row] | None = None) -> Verdict:
    """The verdict by the first row of the table that explains what was found."""
    for explanation in EXPLANATIONS if rows is None else rows:
        found = explanation(case)
        if found is not None:
            return found
    point, at, is_, should = case.observed.worst
    return case.verdict(
        "wrong",
        f"it is wrong, and no single mistake that is known explains it; the largest error is in "
        f"{at_text(case.name, at)}, which is {is_:.6g} and should be {should:.6g} ({point})",
    )


def explained_small(case: Case) -> Verdict:
    """What is wrong at a big point, found out at small ones where it is wrong there too."""
    small = points_of(case.question, case.observed.points[0].seed, None, case.dtype)
    names = list(case.others)
    found = judged(case.question, case.answer, names, small, case.dtype)[case.name]
    if found.kind in ("correct", "error", "shape"):
        scaled = is_permuted(case) or is_scaled(case)
        return scaled or explained(case, rows=())
    return found


# --------------------------------------------------------------------------
# The explanations
# --------------------------------------------------------------------------


def is_rounded(case: Case) -> Verdict | None:
    """Constants with a few digits, or a function approximated."""
    says = rounded_constants(case.question, case.observed)
    return case.verdict("rounded", says) if says else None


def is_almost_right(case: Case) -> Verdict | None:
    """Where nothing else explains it: single precision somewhere inside."""
    says = low_precision(case.observed)
    return case.verdict("rounded", says) if says else None


def is_permuted(case: Case) -> Verdict | None:
    """The values of another output, of the transpose, or of the same array in another order."""
    seen = case.observed
    for name, other in case.others.items():
        alike = name != case.name and same_shapes(seen.found, other.expected)
        if alike and seen.agree(other.expected):
            return case.verdict("permuted", f"it holds the values of {name}")
    square = all(e.ndim > 1 and e.shape[-1] == e.shape[-2] for e in seen.expected)
    if square and seen.agree([np.swapaxes(e, -1, -2) for e in seen.expected]):
        return case.verdict("permuted", "it is transposed")
    pairs = zip(seen.found, seen.expected, seen.bounds, strict=True)
    if all(close(np.sort(f, None), np.sort(e, None), b) for f, e, b in pairs):
        at = seen.worst[1]
        return case.verdict(
            "permuted", f"the values are right but in another order, as {at_text(case.name, at)}"
        )
    return None


def same_shapes(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> bool:
    return all(x.shape == y.shape for x, y in zip(a, b, strict=True))


def is_scaled(case: Case) -> Verdict | None:
    """One constant factor, the same for all entries."""
    seen = case.observed
    factors = []
    for found, expected, bound in zip(seen.found, seen.expected, seen.bounds, strict=True):
        norm = float((expected * expected).sum())
        if norm == 0:
            return None
        c = float((found * expected).sum()) / norm
        if not close(found, c * expected, 4 * bound * max(1.0, abs(c))):
            return None
        factors.append(c)
    if max(map(abs, factors)) < FACTOR_PRECISION:
        return None  # it is zero: a term is missing
    known = recognised(factors, seen.points, precision(seen))
    if known == 1:
        return None
    if known is not None:
        return case.verdict("scaled", f"it is off by the factor {factor_text(known)}", factor=known)
    if max(factors) - min(factors) <= precision(seen) * abs(factors[0]):
        c = factors[0]
        return case.verdict("scaled", f"it is off by the factor {c:.9g}", factor=sp.Float(c))
    return None


def factor_text(factor: sp.Expr) -> str:
    return str(factor).replace("**", "^")


def precision(seen: Observed) -> float:
    """How well a factor of what was found is known, relatively."""
    shares = (b / s for b, s in zip(seen.bounds, seen.scales, strict=True))
    return max(FACTOR_PRECISION, *(2 * share for share in shares))


def is_conditional(case: Case) -> Verdict | None:
    """Right at points where something more is assumed than the op declares."""
    for condition in conditions(case.question, case.observed.points, case.sizes):
        seen = where(case, condition)
        if seen is not None and seen.right and telling(seen):
            words = f"it is right only if {condition.words}"
            found = mistake_of(case)
            if found is None:
                return case.verdict("conditional", words)
            why = found.text.removeprefix(f"{case.name}: ")
            return case.verdict("conditional", f"{words}: {why}", found.term, found.factor)
    return None


def where(case: Case, condition: Condition) -> Observed | None:
    """What is found where a condition holds; nothing where it is far off or cannot be compared."""
    memo = case.observed.points[0].memo
    try:
        if condition.words not in memo:
            memo[condition.words] = condition.points()
        points = memo[condition.words]
        arrays = []
        for point in points:
            arrays.append(case.answer(point))
            true = point.values[case.name]
            if unfit(case.name, [point], arrays[-1:]) or not np.isfinite(true).all():
                return None
            found = spread(
                np.asarray(arrays[-1][case.name], float),
                case.question.tensor(case.name),
                point.sizes,
            )
            scale = max(float(np.abs(true).max(initial=0.0)), float(np.abs(found).max(initial=0.0)))
            if not close(found, true, FAR * precision(case.observed) * scale):
                return None
    except (ClaimError, SymllmError):
        return None
    return observed(case.name, points, arrays, case.dtype)


def telling(seen: Observed) -> bool:
    """Is there anything to agree on: is the truth not zero where the condition holds?"""
    return all(
        float(np.abs(e).max(initial=0.0)) > 8 * b
        for e, b in zip(seen.expected, seen.bounds, strict=True)
    )


def is_other_function(case: Case) -> Verdict | None:
    if not any(found.any() for found in case.observed.found):
        return None  # many functions have gradients that are zero
    for neighbour in neighbours(case.question, case.name):
        if case.observed.fits(neighbour.gradient):
            return case.verdict("other_function", neighbour.words)
    return None


def is_wrong_term(case: Case) -> Verdict | None:
    found = mistake_of(case)
    if found is None:
        return None
    return case.verdict("wrong_term", found.text, found.term, found.factor)


def mistake_of(case: Case) -> Mistake | None:
    return next(mistakes(case.question, case.observed, precision(case.observed)), None)


EXPLANATIONS: tuple[Row, ...] = (
    is_rounded,
    is_permuted,
    is_scaled,
    is_conditional,
    is_other_function,
    is_wrong_term,
    is_almost_right,
)
