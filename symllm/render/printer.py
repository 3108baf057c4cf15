"""A printer: a style, and a table of how each kind of expression is written."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from ..equation import symbols_of
from ..expressions import is_entry, name_of
from ..program import Program
from .names import Name, is_short, name_parts

FUNCTIONS = {
    name: rf"\{name}" for name in ("exp", "log", "tanh", "sinh", "cosh", "sin", "cos", "tan")
} | {"erf": r"\mathrm{erf}", "Max": r"\max", "Min": r"\min", "sign": r"\mathrm{sign}"}


@dataclass(frozen=True)
class Style:
    """What a printer knows of the page: the names, and which of them are offsets.

    Factors come in the order of ``names``; a term that is an offset alone
    (a bias, an epsilon) comes last in its sum. ``ranges`` writes the limits
    of sums, ``slashed`` fractions and derivatives as in a line of prose;
    ``descending`` puts the highest powers first, as in a count. ``letters``
    are indices and sizes, of which notes may speak as well as of names.
    """

    names: tuple[str, ...] = ()
    offsets: frozenset[str] = frozenset({"eps", "epsilon", "beta", "b", "bias"})
    ranges: bool = False
    slashed: bool = False
    descending: bool = False
    letters: frozenset[str] = frozenset()


def style_of(program: Program) -> Style:
    """The style for an op's pages: its names in their order."""
    offsets = {t.name for t in program.inputs if t.role != "data"}
    names = (*program.tensors, *(a.name for a in program.aliases if a.name not in program.tensors))
    letters = {s.name for let in program.equations for s in symbols_of(let)}
    letters |= {dim.name for dim in program.dims}
    return Style(names, frozenset(offsets), letters=frozenset(letters))


def with_gradients(style: Style) -> Style:
    """The same where ``dy`` is a gradient's name, though y itself is not among the names."""
    stems = [n[1:] for n in style.names if n[:1] == "d" and len(n) > 1 and is_short(n[1:])]
    return replace(style, names=(*style.names, *stems))


PLAIN = Style()


@dataclass(frozen=True)
class Printer:
    """Prints expressions in one style."""

    style: Style = PLAIN

    def __call__(self, expr: Any) -> str:
        for kind in type(expr).__mro__:
            if kind in WRITERS:
                return WRITERS[kind](self, expr)
        return str(sp.latex(expr)).replace(r"\operatorname", r"\mathrm")

    def name(self, name: str) -> Name:
        return name_parts(name, self.style.names)

    def is_adjoint(self, expr: Any) -> bool:
        base = expr.base if isinstance(expr, sp.Pow) else expr
        return is_entry(base) and self.name(name_of(base)).adjoint

    def is_index(self, expr: Any) -> bool:
        """Is this a plain index, and not a name with a value of its own?"""
        return isinstance(expr, sp.Symbol) and str(expr) not in self.style.names


Writer = Callable[[Printer, Any], str]

#: How each kind of expression is written; a subclass is looked up before its base.
WRITERS: dict[type, Writer] = {}


def writes(*kinds: type) -> Callable[[Writer], Writer]:
    """Enter a function into the table of writers."""

    def enter(writer: Writer) -> Writer:
        WRITERS.update(dict.fromkeys(kinds, writer))
        return writer

    return enter


def is_tall(text: str) -> bool:
    return bool(re.search(r"\\(frac|sum|sqrt|left)", text))


def bracketed(text: str, left: str = "(", right: str = ")") -> str:
    if is_tall(text):
        return rf"\left{left} {text} \right{right}"
    return f"{left}{text}{right}"
