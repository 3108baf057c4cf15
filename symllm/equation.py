"""Equations: one name, its value in SymPy or a call of another op."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import sympy as sp
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanAtom

from .errors import OpError
from .expressions import entries, is_entry, name_of, nodes, parts, subscripts_of
from .notation import Layer, Tensor, check_note


class Callee(Protocol):
    """What an equation needs to know of the op that it calls."""

    @property
    def name(self) -> str: ...
    @property
    def outputs(self) -> tuple[str, ...]: ...
    @property
    def tensors(self) -> dict[str, Tensor]: ...
    @property
    def equations(self) -> tuple[Let, ...]: ...
    def input(self, name: str) -> Tensor: ...


@dataclass(frozen=True)
class Argument:
    """What a call passes for one input: ``value`` is the entry at ``axes``."""

    name: str
    axes: tuple[sp.Symbol, ...]
    value: sp.Expr


@dataclass(frozen=True)
class Call:
    """An op used inside an equation: its output's entry at ``at``.

    Indices of the arguments that are not among their axes are batch axes of
    the call: the op is applied for each of them. ``program`` has the axes that
    the caller writes, ``whole`` is the op itself, whose axis may be a product
    of those.
    """

    program: Callee
    arguments: tuple[Argument, ...]
    at: tuple[sp.Symbol, ...]
    whole: Callee

    @property
    def name(self) -> str:
        return self.program.name

    def argument(self, name: str) -> Argument:
        return next(a for a in self.arguments if a.name == name)

    def __str__(self) -> str:
        inner = ", ".join(str(a.value) for a in self.arguments)
        at = f"[{', '.join(map(str, self.at))}]" if self.at else ""
        return f"{self.name}({inner}){at}"

    def _latex(self) -> str:
        inner = ", ".join(sp.latex(a.value) for a in self.arguments)
        name = rf"\text{{{self.name.replace('_', '-')}}}"
        under = "".join(map(sp.latex, self.at))
        return (
            rf"{name}_{{{under}}}\left({inner}\right)" if under else rf"{name}\left({inner}\right)"
        )


@dataclass(frozen=True)
class Let:
    """One equation: a name's entry, its value, and what it is in words.

    ``means`` says what the letter stands for, where the note says how it comes about here: of
    ``Let(y[i], ..., "the logistic function", means="output")`` a table of symbols has the output.
    """

    lhs: sp.Expr
    rhs: sp.Expr | Call
    note: str = ""
    means: str = ""

    def __post_init__(self) -> None:
        lhs = sp.sympify(self.lhs)
        if not is_entry(lhs):
            raise OpError(f"the left side of an equation is a name or name[indices], not {lhs}")
        if not all(isinstance(s, sp.Symbol | Layer) for s in subscripts_of(lhs)):
            raise OpError(f"the left side's subscripts must be plain indices: {lhs}")
        if len(set(subscripts_of(lhs))) < len(subscripts_of(lhs)):
            raise OpError(f"the left side repeats an index: {lhs}; bind each axis to its own index")
        object.__setattr__(self, "lhs", lhs)
        if not isinstance(self.rhs, Call):
            object.__setattr__(self, "rhs", checked_value(lhs, self.rhs))
        check_note(self.name, self.note)
        check_note(self.name, self.means)

    @cached_property
    def name(self) -> str:
        return name_of(self.lhs)

    @cached_property
    def indices(self) -> tuple[sp.Symbol, ...]:
        return subscripts_of(self.lhs)

    @cached_property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """The SymPy expressions on the right."""
        if isinstance(self.rhs, Call):
            return tuple(a.value for a in self.rhs.arguments)
        return (self.rhs,)

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """The names of tensors, indices and dimensions on the right."""
        return frozenset(name_of(e) for value in self.expressions for e in entries(value))

    def __str__(self) -> str:
        return f"{self.lhs} = {self.rhs}"

    def _repr_latex_(self) -> str:
        right = sp.latex(self.rhs) if isinstance(self.rhs, sp.Basic) else self.rhs._latex()
        return rf"$\displaystyle {sp.latex(self.lhs)} = {right}$"


def checked_value(lhs: sp.Expr, rhs: Any) -> sp.Expr:
    """The right side as SymPy; raises ``OpError`` for what is no exact real expression."""
    if isinstance(rhs, str):
        raise OpError(f"the value of {lhs} is a SymPy expression, not text: {rhs!r}")
    value = sp.sympify(rhs)
    if isinstance(value, Relational | BooleanAtom):
        raise OpError(f"the value of {lhs} is a relation, {value}; write Iverson({value})")
    for number in sorted(parts(value, sp.Float), key=str):
        raise OpError(
            f"the value of {lhs} holds the inexact number {float(number)!r}; "
            f"write Rational('{float(number)!r}')"
        )
    if not {sp.oo, -sp.oo, sp.zoo, sp.nan}.isdisjoint(nodes(value)):
        raise OpError(f"the value of {lhs} is not finite: {value}")
    return value


def map_value(let: Let, change: Callable[[sp.Expr], Any]) -> Let:
    """The same equation with ``change`` applied to each expression on the right."""
    if isinstance(let.rhs, Call):
        arguments = tuple(replace(a, value=change(a.value)) for a in let.rhs.arguments)
        return replace(let, rhs=replace(let.rhs, arguments=arguments))
    return replace(let, rhs=change(let.rhs))


def symbols_of(let: Let) -> set[sp.Symbol]:
    """Every symbol an equation writes: names, indices free and bound, dimensions."""
    values = (let.lhs, *let.expressions)
    found = {s for v in values for s in parts(v, sp.Symbol)}
    if isinstance(let.rhs, Call):
        found |= {s for a in let.rhs.arguments for s in a.axes}
    return found
