"""What pages are made from: what they need to know of an op and of a derivation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from ..equation import Let
from ..notation import Tensor
from ..program import Program
from ..steps import Fact, Step
from .printer import Style, style_of


@runtime_checkable
class Definition(Protocol):
    """An op."""

    program: Program
    title: str
    about: str
    source: str
    numpy: Callable[..., Any]

    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, Tensor]: ...
    @property
    def equations(self) -> tuple[Let, ...]: ...


class Evidence(Protocol):
    """What speaks for a step."""

    @property
    def proved(self) -> bool: ...
    @property
    def bound(self) -> float: ...


class Comparison(Protocol):
    """A result held against another judge's."""

    @property
    def kind(self) -> str: ...
    @property
    def bound(self) -> float: ...
    @property
    def skipped(self) -> str: ...


class Certificate(Protocol):
    """What verifying a derivation found."""

    @property
    def ok(self) -> bool: ...
    @property
    def sizes(self) -> Sequence[str]: ...
    @property
    def seeds(self) -> Sequence[int]: ...
    @property
    def steps(self) -> Sequence[tuple[Step, Evidence]]: ...
    @property
    def comparisons(self) -> Sequence[Comparison]: ...


@runtime_checkable
class Derivation(Protocol):
    """A question, the steps to its answer, the answer, and what speaks for it."""

    @property
    def op(self) -> Definition: ...
    @property
    def kind(self) -> str: ...
    @property
    def question(self) -> Any: ...
    @property
    def unit(self) -> frozenset[str]: ...
    @property
    def steps(self) -> Sequence[Step]: ...
    @property
    def facts(self) -> Sequence[Fact]: ...
    @property
    def result_equations(self) -> Sequence[Let]: ...
    @property
    def where(self) -> Mapping[str, Let]: ...
    @property
    def matrix(self) -> Mapping[str, Any]: ...
    def listing(self) -> str: ...
    def verify(self, autograd: bool = True) -> Certificate: ...


def asked_for(derivation: Derivation) -> tuple[Any, ...]:
    """The quantities that the derivation is about."""
    asked = derivation.question
    return tuple(asked) if isinstance(asked, tuple | list) else (asked,)


def results(derivation: Derivation) -> list[tuple[Any, Any]]:
    """What was asked for, and what it is."""
    asked = asked_for(derivation)
    lets = derivation.result_equations
    if len(asked) != len(lets):
        return [(let.lhs, let.rhs) for let in lets]
    return [(q, let.rhs) for q, let in zip(asked, lets, strict=True)]


def page_style(derivation: Derivation) -> Style:
    """The names of the op and of the derivation, in their order."""
    style = style_of(derivation.op.program)
    own = [name for name in derivation.where if name not in style.names]
    return replace(style, names=(*style.names, *own))
