"""What was said of a function, as symllm understands it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..verdict import ClaimError
from .binding import Binding, bound
from .caller import Asked
from .giving import Form
from .matching import Vocabulary
from .reading import parameters, title


@dataclass(frozen=True)
class Setting:
    """What is asked, and what all kinds of callers need of it."""

    asked: Asked
    form: Form
    vocabulary: Vocabulary

    def bound(self, fn: Any, said: Any = None, skip: int = 0, forward: Any = None) -> Binding:
        return bound(fn, self.vocabulary, said, self.asked.constants, forward, skip)


def gradients(asked: Asked, vocabulary: Vocabulary) -> tuple[str | None, ...] | None:
    """What ``returns=`` names, as symllm calls it; raises ``ClaimError``."""
    if asked.returns is None:
        return None
    found = []
    for word in asked.returns:
        known = word is None or word in asked.op.outputs
        means = word if known else vocabulary.gradient(str(word))
        if means == "":
            own = [f"d{name}" for name in vocabulary.question.wrt]
            between = [name for name in vocabulary.exact if vocabulary.gradient(name)]
            between = [name for name in between if name not in own]
            raise ClaimError(
                "error",
                f"returns= names {word!r}, which is no gradient of {asked.op.name}: there are "
                f"{', '.join(own)}" + (f", and on the way {', '.join(between)}" if between else ""),
            )
        found.append(means)
    return tuple(found)


def fixed(of: Setting, functions: Iterable[Any]) -> dict[str, float]:
    """The op's constants that the caller gave; raises ``ClaimError`` for a name of nothing."""
    found: dict[str, float] = {}
    asked, vocabulary = of.asked, of.vocabulary
    takes = {p.name for fn in functions if fn for p in parameters(fn) or ()}
    for name, value in asked.constants.items():
        if isinstance(value, Mapping):  # the parameters of a layer, as one dict
            means = {vocabulary.constant(str(key)): held for key, held in value.items()}
            found |= {constant: number(constant, v) for constant, v in means.items() if constant}
        if constant := vocabulary.constant(name):
            found[constant] = number(name, value)
        elif name not in takes and not mentioned(asked.args, name):
            raise ClaimError(
                "error",
                f"constants= names {name!r}, which is neither a constant of {asked.op.name} "
                f"({', '.join(constants_of(vocabulary)) or 'it has none'}) nor a parameter of "
                f"{title(asked.fn)}",
            )
    return found


def mentioned(args: Any, name: str) -> bool:
    said = args.values() if isinstance(args, Mapping) else args or ()
    said = args.replace(",", " ").split() if isinstance(args, str) else said
    return any(word == name for word in said if isinstance(word, str))


def number(name: str, value: Any) -> float:
    if not isinstance(value, int | float):
        raise ClaimError("error", f"constants={{{name!r}: ...}} is a number, not {value!r}")
    return float(value)


def constants_of(vocabulary: Vocabulary) -> list[str]:
    return [n for n in vocabulary.question.op.inputs if vocabulary.constant(n) == n]
