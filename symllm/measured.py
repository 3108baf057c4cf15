"""What verification measured, as plain data: it outlives the derivations, and can be sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .calculations import Calculation
from .derivation import Derivation
from .evidence import bound_text


@dataclass(frozen=True)
class Judged:
    """A comparison with another judge: the bound that was met, and the error measured."""

    bound: float
    worst: float


@dataclass(frozen=True)
class Measured:
    """What was found of one derivation."""

    name: str
    steps: int
    proved: int
    bound: float
    worst: float
    judges: Mapping[str, Judged]


@dataclass(frozen=True)
class Linked:
    """What was found of one calculation: its links, and how many are proved."""

    name: str
    links: int
    proved: int


def linked(calculation: Calculation) -> Linked:
    links = calculation.links
    return Linked(calculation.title, len(links), sum(link.proved for link in links))


def measured(derivation: Derivation) -> Measured:
    certificate = derivation.verify(autograd=False)
    evidence = certificate.derived
    judges: dict[str, Judged] = {}
    for found in (c for c in certificate.comparisons if not c.skipped):
        so_far = judges.get(found.kind, Judged(0, 0))
        judges[found.kind] = Judged(max(so_far.bound, found.bound), max(so_far.worst, found.worst))
    return Measured(
        f"{derivation.kind} of {derivation.op.name} by {', '.join(derivation.wrt)}",
        len(evidence),
        sum(e.proved for e in evidence),
        max((e.bound for e in evidence), default=0.0),
        max((e.worst for e in evidence), default=0.0),
        judges,
    )


def summary(found: Sequence[Measured | Linked]) -> str:
    """All that was verified, in a sentence."""
    derived = [each for each in found if isinstance(each, Measured)]
    chains = [each for each in found if isinstance(each, Linked)]
    parts = [derivations(derived)] if derived else []
    if chains:
        links = counted(sum(each.links for each in chains), "link")
        proved = sum(each.proved for each in chains)
        parts.append(f"{counted(len(chains), 'calculation')}: {links}, {proved} proved")
    return "; ".join(parts) or "no derivation"


def derivations(found: Sequence[Measured]) -> str:
    steps = sum(each.steps for each in found)
    proved = sum(each.proved for each in found)
    bound = max((each.bound for each in found), default=0.0)
    said = f"{counted(len(found), 'derivation')}: {counted(steps, 'step')}"
    return f"{said}, {proved} proved, all checked {bound_text(bound)}; {judged(found)}"


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"


def judged(found: Iterable[Measured]) -> str:
    """By whom the results were judged, and how well they agreed at least."""
    met: dict[str, float] = {}
    for each in found:
        for kind, comparison in each.judges.items():
            met[kind] = max(met.get(kind, 0), comparison.bound)
    return "results agree with " + ", ".join(f"{k} {bound_text(b)}" for k, b in met.items())
