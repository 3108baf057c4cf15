"""What symllm says of somebody's gradient, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import sympy as sp

#: The kinds of verdict, from what makes a comparison impossible to what explains nothing.
#: The first that applies is given.
KINDS: Mapping[str, str] = MappingProxyType(
    {
        "error": "it raised, returned NaN, ran out of time or could not be called",
        "shape": "a shape is wrong, or parts do not fit",
        "correct": "equal, within the rounding of its precision",
        "rounded": "equal up to constants that were rounded or a function that was approximated",
        "permuted": "the right values in the wrong place",
        "scaled": "off by one constant factor",
        "conditional": "equal only if something that is not declared holds",
        "other_function": "the right gradient of something else",
        "wrong_term": "a term is missing, doubled, or has a wrong sign, factor or reduction",
        "wrong": "none of these explains it",
    }
)

ORDER = tuple(KINDS)

#: How bad a verdict is: of several, what is furthest down the table counts, but what could
#: not be compared counts before all.
SEVERITY = {kind: rank for rank, kind in enumerate(("correct", *ORDER[3:], "shape", "error"))}


@dataclass(frozen=True)
class Verdict:
    """The verdict on one claim, or, with ``outputs``, on several returned gradients.

    ``explanation`` is a sentence that a person can act on; ``term`` the term
    that it names, where it names one, and ``factor`` what that term was
    multiplied by; ``max_error`` the largest difference relative to the
    largest entry. ``proved`` says that both sides reach one normal form, and
    so that the verdict does not rest on points alone. ``inferred`` says what
    was guessed of how to call it, ``notes`` what else is worth knowing.
    """

    name: str
    kind: str
    explanation: str
    max_error: float = math.nan
    outputs: Mapping[str, Verdict] = field(default_factory=dict)
    term: sp.Expr | None = None
    factor: Any = None
    proved: bool = False
    inferred: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a verdict's kind is one of {', '.join(KINDS)}, not {self.kind!r}")

    @property
    def ok(self) -> bool:
        """Is it right: equal, or equal but for constants that were rounded?"""
        return self.kind in ("correct", "rounded")

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.kind}: {self.explanation}"]
        if len(self.outputs) > 1:
            lines += [f"  {v.kind}: {v.explanation}" for v in self.outputs.values()]
        lines += [f"  note: {note}" for note in self.notes]
        lines += [f"  inferred: {text}" for text in self.inferred]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """Plain data: strings, numbers, lists; NaN and infinity as ``null``."""
        return {
            "name": self.name,
            "ok": self.ok,
            "kind": self.kind,
            "explanation": self.explanation,
            "max_error": self.max_error if math.isfinite(self.max_error) else None,
            "term": None if self.term is None else str(self.term),
            "proved": self.proved,
            "inferred": list(self.inferred),
            "notes": list(self.notes),
            "outputs": {name: v.as_json() for name, v in self.outputs.items()},
        }


def joined(
    name: str,
    outputs: Mapping[str, Verdict],
    inferred: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
) -> Verdict:
    """The verdict on several outputs together: that on the worst of them, said of all."""
    if not outputs:
        raise ValueError(f"{name}: a verdict needs at least one output")
    worst = max(outputs.values(), key=lambda v: SEVERITY[v.kind])
    alike = [v for v in outputs.values() if v.kind == worst.kind]
    if worst.kind == "correct":
        explanation = f"{', '.join(outputs)} {'is' if len(outputs) == 1 else 'are'} right"
        if len(outputs) == 1:
            explanation = worst.explanation
    else:
        explanation = "; ".join(v.explanation for v in alike)
    return Verdict(
        name=name,
        kind=worst.kind,
        explanation=explanation,
        max_error=max((v.max_error for v in outputs.values()), key=_nan_first),
        outputs=MappingProxyType(dict(outputs)),
        term=worst.term,
        factor=worst.factor,
        proved=all(v.proved for v in outputs.values()),
        inferred=inferred,
        notes=notes,
    )


def _nan_first(error: float) -> float:
    return math.inf if math.isnan(error) else error


class ClaimError(Exception):
    """What a claim did that leaves nothing to compare: ``kind`` is ``error`` or ``shape``."""

    def __init__(self, kind: str, explanation: str, output: str = "") -> None:
        super().__init__(explanation)
        self.kind = kind
        self.explanation = explanation
        self.output = output
