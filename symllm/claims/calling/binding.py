"""Which argument of a function takes what."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..verdict import ClaimError
from .matching import Buffer, Computed, Constant, Quantity, Saved, Size, Source, Vocabulary, matched
from .reading import Parameter, parameters, returned, title
from .vocabulary import SAVED, fold

#: What ``args=`` may be: names in order, or by parameter; values that are no text are constants.
Said = str | Sequence[Any] | Mapping[str, Any]


@dataclass(frozen=True)
class Binding:
    """Sources for the arguments of a function, in order and by keyword."""

    positional: tuple[Source, ...] = ()
    keywords: Mapping[str, Source] = field(default_factory=dict)
    inferred: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        return (*self.positional, *self.keywords.values())

    @property
    def quantities(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.sources if isinstance(s, Quantity))

    @property
    def buffers(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.sources if isinstance(s, Buffer))

    @property
    def saves(self) -> bool:
        return any(isinstance(s, Saved) for s in self.sources)


def bound(
    fn: Any,
    vocabulary: Vocabulary,
    said: Said | None = None,
    constants: Mapping[str, Any] | None = None,
    forward: Callable[..., Any] | None = None,
    skip: int = 0,
) -> Binding:
    """Sources for what a function takes; ``skip`` leaves out its first parameters.

    Raises ``ClaimError`` for a parameter that means nothing.
    """
    constants = constants or {}
    takes = parameters(fn)
    if said is not None and not isinstance(said, Mapping):
        words = said.replace(",", " ").split() if isinstance(said, str) else list(said)
        return Binding(tuple(source(word, vocabulary, constants, fn) for word in words))
    if takes is None:
        raise ClaimError(
            "error",
            f"Python does not know the parameters of {title(fn)}: say what it takes, in order, "
            f"with args=. {vocabulary.known()}",
        )
    takes = takes[skip:]
    found = {name: source(word, vocabulary, constants, fn) for name, word in (said or {}).items()}
    strange = [name for name in found if name not in {p.name for p in takes}]
    if strange:
        raise ClaimError(
            "error",
            f"args= names the parameters {', '.join(strange)}, but {title(fn)} has "
            f"{', '.join(p.name for p in takes)}",
        )
    found |= given(takes, vocabulary, constants)
    found |= by_name([p for p in takes if p.name not in found], vocabulary, [*found.values()])
    found |= from_forward([p for p in takes if p.name not in found and p.required], forward)
    unknown = [p.name for p in takes if p.required and p.name not in found]
    if unknown:
        raise ClaimError("error", meaningless(fn, unknown, vocabulary))
    return arranged(takes, found)


def by_name(
    takes: Sequence[Parameter], vocabulary: Vocabulary, taken: Sequence[Source]
) -> dict[str, Source]:
    """What parameters mean by their names; one with a default only if it is an input or a size."""
    optional = {p.name for p in takes if not p.required}
    flags = {p.name for p in takes if isinstance(p.default, bool)}
    found = matched([p.name for p in takes if p.name not in flags], vocabulary)
    inputs = {*vocabulary.question.op.inputs, *vocabulary.upstream}
    return {
        name: means
        for name, means in found.items()
        if means not in taken
        if name not in optional
        or isinstance(means, Size)
        or (isinstance(means, Quantity) and means.name in inputs)
    }


def given(
    takes: Sequence[Parameter], vocabulary: Vocabulary, constants: Mapping[str, Any]
) -> dict[str, Source]:
    """Constants for the parameters of that name, except those that are constants of the op."""
    names = [p.name for p in takes if p.name in constants]
    return {n: Constant(constants[n]) for n in names if not vocabulary.constant(n)}


def from_forward(
    takes: Sequence[Parameter], forward: Callable[..., Any] | None
) -> dict[str, Source]:
    """Parameters that are named as something that the forward function returns."""
    left = list(returned(forward)) if forward else []
    return {p.name: Saved(left.index(p.name)) for p in takes if p.name in left}


def meaningless(fn: Any, unknown: Sequence[str], vocabulary: Vocabulary) -> str:
    first = unknown[0]
    cached = any(fold(name) in SAVED for name in unknown)
    remedy = (
        "name the forward function that makes it with forward="
        if cached
        else f"say it with args=, as in args={{{first!r}: 'x'}}, or give a value with "
        f"constants={{{first!r}: ...}}"
    )
    if "ctx" in unknown:
        remedy = "pass the torch.autograd.Function itself"
    return (
        f"what {title(fn)} takes as {', '.join(map(repr, unknown))} is not known for "
        f"{vocabulary.question.op.name}: {remedy}. {vocabulary.known()}"
    )


def source(word: Any, vocabulary: Vocabulary, constants: Mapping[str, Any], fn: Any) -> Source:
    """What an entry of ``args=`` means; raises ``ClaimError``."""
    if not isinstance(word, str):
        return Constant(word)
    if word in constants and not vocabulary.constant(word):
        return Constant(constants[word])
    found = vocabulary.candidates(word)
    if not found:
        raise ClaimError(
            "error",
            f"args= names {word!r}, which is nothing of {vocabulary.question.op.name}. "
            f"{vocabulary.known()}",
        )
    return found[0]


def arranged(takes: Sequence[Parameter], found: Mapping[str, Source]) -> Binding:
    """In order as long as no parameter is left out, and by keyword from there on."""
    positional, keywords = [], {}
    open_ = True
    for parameter in takes:
        if parameter.name not in found:
            open_ = False
        elif open_ and not parameter.keyword:
            positional.append(found[parameter.name])
        else:
            keywords[parameter.name] = found[parameter.name]
    other = [f"{p.name} is {found[p.name]}" for p in takes if p.name in found and is_news(p, found)]
    left = [f"{p.name} = {p.default!r}" for p in takes if p.name not in found]
    inferred = [f"its argument{'s' * (len(other) > 1)} {', '.join(other)}"] if other else []
    inferred += [f"left as they are: {', '.join(left)}"] if left else []
    return Binding(tuple(positional), keywords, tuple(inferred))


def is_news(parameter: Parameter, found: Mapping[str, Source]) -> bool:
    """Is it called otherwise than what it takes?"""
    match found[parameter.name]:
        case Quantity(name) | Buffer(name) | Size(name) | Computed(name):
            return fold(name) != fold(parameter.name)
    return True
