"""What a calculation is about, in words: what is given, assumed and defined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import sympy as sp

from ..equation import Let
from ..expressions import subscripts_of
from ..notation import Tensor
from ..program import Program
from ..statements import Equals, Permutation, Random
from .display import definitions
from .flavour import Flavour
from .place import Introduced
from .printer import Printer, Style
from .steps import capitalised
from .wording import listed, place


class Setting(Protocol):
    @property
    def program(self) -> Program: ...
    @property
    def definitions(self) -> tuple[Let, ...]: ...
    @property
    def assuming(self) -> Sequence[Any]: ...


def preamble(
    setting: Setting, style: Style, introduced: Introduced | None, f: Flavour
) -> list[str]:
    """What is given, assumed and defined, as paragraphs."""
    said = f.prose(context(setting, style, introduced))
    lets = new_definitions(setting, introduced)
    if not lets:
        return [said]
    return [f"{said} With".strip(), f.display(definitions(lets, style)), "we have"]


def new_definitions(setting: Setting, introduced: Introduced | None) -> list[Let]:
    known = introduced.definitions if introduced else ()
    return [let for let in setting.definitions if let not in known]


def context(setting: Setting, style: Style, introduced: Introduced | None = None) -> str:
    """What is given and assumed, in sentences; not what another setting has said already."""
    p = Printer(replace(style, slashed=True))
    known = introduced.tensors if introduced else ()
    named = [t for t in setting.program.inputs if not t.name.startswith("_")]
    if introduced and set(setting.assuming) != set(introduced.assuming):
        known = ()
    elif introduced and set(named) <= set(known):
        return ""
    tensors = [t for t in named if t not in known]
    said = []
    permuted = {a.name for a in setting.assuming if isinstance(a, Permutation)}
    notes = introduced.notes if introduced else ()
    places: dict[tuple[str, str], list[str]] = {}
    for tensor in tensors:
        if tensor.name not in permuted:
            note = (
                f" ({tensor.note})"
                if tensor.note and (tensor.name, tensor.note) not in notes
                else ""
            )
            places.setdefault((place(tensor), note), []).append(str(p.name(tensor.name)))
    if places:
        groups = [f"${', '.join(names)} {where}${note}" for (where, note), names in places.items()]
        said.append(f"Let {listed(groups)}.")
    sums = [t for t in tensors if t.domain == "distribution"]
    said += [
        f"The entries of {'each row of ' * (t.rank > 1)}${p.name(t.name)}$ are positive and sum "
        f"to one."
        for t in sums
    ]
    said += [permutation_words(p, name) for name in sorted(permuted)]
    said += random_words(p, [a for a in setting.assuming if isinstance(a, Random)], tensors)
    stated = [a for a in setting.assuming if not isinstance(a, Random | Permutation)]
    shown = [a for a in stated if not (isinstance(a, sp.StrictGreaterThan) and a.rhs == 0)]
    if shown:
        said.append("Assume " + listed([f"${statement(p, a)}$" for a in shown]) + ".")
    return " ".join(said)


def statement(p: Printer, assumption: Any) -> str:
    if isinstance(assumption, Equals):
        return f"{p(assumption.lhs)} = {p(assumption.rhs)}"
    return p(assumption)


def permutation_words(p: Printer, name: str) -> str:
    return f"${p.name(name)}$ is a permutation of the indices."


LAW_WORDS = {
    "any": "with",
    "symmetric": "symmetric about the mean, with",
}


def random_words(p: Printer, found: Sequence[Random], tensors: Sequence[Tensor]) -> list[str]:
    """Which entries are random, and how."""
    groups: dict[str, list[Random]] = {}
    for law in found:
        groups.setdefault(law_words(p, law), []).append(law)
    said = []
    for words, laws in groups.items():
        names = listed([f"${p(law.entry)}$" for law in laws])
        many = len(laws) > 1 or bool(subscripts_of(laws[0].entry))
        verb = "are independent random numbers" if many else "is random"
        said.append(
            capitalised(f"the {names} {verb}, {words}." if many else f"{names} {verb}, {words}.")
        )
    return said


def law_words(p: Printer, law: Random) -> str:
    if law.law == "binary":
        return f"1 with probability ${p(law.mean)}$ and 0 otherwise"
    if law.law == "uniform":
        return "any index with the same probability"
    return f"{LAW_WORDS[law.law]} mean ${p(law.mean)}$ and variance ${p(law.variance)}$"
