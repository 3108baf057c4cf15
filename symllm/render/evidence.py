"""A certificate in words: what was proved, what was checked, where and how well."""

from __future__ import annotations

import math
from collections.abc import Iterable

from ..steps import places
from .names import name_parts
from .steps import capitalised
from .subject import Certificate
from .wording import listed

#: The other judges, by what a comparison calls itself.
JUDGES = {
    "central differences": "central differences of an independent NumPy function",
    "autograd": "PyTorch's autograd",
}


def evidence_text(certificate: Certificate) -> str:
    """A sentence with inline formulas: bounds that were met, never measured errors."""
    said = []
    if certificate.steps:
        numbers = places(step for step, _ in certificate.steps)
        checked = {n for n, (_, e) in zip(numbers, certificate.steps, strict=True) if not e.proved}
        proved = sorted(set(numbers) - checked)
        worst = below(max(found.bound for _, found in certificate.steps))
        if proved and checked:
            which = f"Step{'s' * (len(proved) > 1)} {ranges(proved)}"
            said.append(f"{which} proved (one normal form), all checked")
        else:
            said.append(f"Every step {'' if checked else 'proved (one normal form) and '}checked")
        said[-1] += f" at {points(certificate)} to {worst}"
    judges: dict[str, float] = {}
    for comparison in certificate.comparisons:
        if not comparison.skipped and comparison.kind != "the NumPy forward":
            judges[comparison.kind] = max(judges.get(comparison.kind, 0), comparison.bound)
    agreed = [f"{JUDGES.get(kind, kind)} to {below(bound)}" for kind, bound in judges.items()]
    if agreed:
        said.append(f"the result {'' if said else 'checked '}against {listed(agreed)}")
    return capitalised(", ".join(said)) + "." if said else ""


def points(certificate: Certificate) -> str:
    at = [
        ", ".join(map(size_tex, size.split(", "))) + f" (seed {seed})" if size else f"seed {seed}"
        for size, seed in zip(certificate.sizes, certificate.seeds, strict=True)
    ]
    return listed(at)


def size_tex(size: str) -> str:
    """``c_in = 4`` as a formula."""
    name, _, value = size.partition(" = ")
    return f"${name_parts(name)} = {value}$"


def below(bound: float) -> str:
    """The bound, rounded up to a power of ten."""
    return f"$10^{{{math.ceil(round(math.log10(bound), 9))}}}$"


def ranges(numbers: Iterable[int]) -> str:
    """``1–4 and 6``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts: list[str] = []
    for run in runs:
        if len(run) < 3:
            texts += map(str, run)
        else:
            texts.append(f"{run[0]}–{run[-1]}")
    return listed(texts)
