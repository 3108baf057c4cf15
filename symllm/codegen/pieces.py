"""Pieces of source: text that knows its precedence, its axes and its kind of number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import sympy as sp

from .layout import Axes, Slots

#: How tightly the outermost operator of a text binds.
COMPARE, ADD, MUL, NEGATE, POWER, ATOM = range(6)

#: ``weak`` are Python's own numbers, which take the precision of the arrays they meet;
#: ``given`` are arrays of constants and ``wide`` tables made of them and of positions,
#: where a target tells them from the data, ``float``.
NumberKind = Literal["weak", "bool", "int", "given", "wide", "float"]


@dataclass(frozen=True)
class Piece:
    text: str
    slots: Slots = ()
    level: int = ATOM
    kind: NumberKind = "float"

    def tight(self, level: int) -> str:
        """The text, in parentheses unless it binds at least as tightly as the level."""
        return self.text if self.level >= level else f"({self.text})"

    def with_text(self, text: str, level: int = ATOM) -> Piece:
        return replace(self, text=text, level=level)

    @property
    def rank(self) -> int:
        return sum(slot is not None for slot in self.slots)


@dataclass(frozen=True)
class Variable:
    """How a name is stored: as which variable, with which of its axes in which slot."""

    text: str
    axes: Axes
    kind: NumberKind = "float"

    def piece(self, subscripts: Sequence[sp.Basic]) -> Piece:
        slots = tuple(None if axis is None else subscripts[axis] for axis in self.axes)
        return Piece(self.text, slots, kind=self.kind)


def kind_of(pieces: Iterable[Piece]) -> NumberKind:
    """The kind of an arithmetic expression in these."""
    kinds = {piece.kind for piece in pieces}
    if "float" in kinds or kinds == {"weak", "int"}:
        return "float"
    if "wide" in kinds or "given" in kinds:
        return "wide" if "wide" in kinds else "given"
    return "weak" if kinds <= {"weak"} else "bool" if kinds == {"bool"} else "int"


def product(numerators: list[Piece], denominators: list[Piece]) -> Piece:
    """``a * b / (c * d)``."""
    parts = numerators or [Piece("1", kind="weak")]
    head, *rest = parts
    text = " * ".join([head.tight(MUL), *(factor(piece) for piece in rest)])
    if not denominators:
        return Piece(text, level=head.level if not rest else MUL)
    if len(denominators) == 1:
        return Piece(f"{text} / {denominators[0].tight(NEGATE)}", level=MUL)
    below = " * ".join(piece.tight(NEGATE) for piece in denominators)
    return Piece(f"{text} / ({below})", level=MUL)


def factor(piece: Piece) -> str:
    """The text to the right of a ``*``: a plain product needs no parentheses."""
    plain = piece.level == MUL and " / " not in piece.text and " @ " not in piece.text
    return piece.tight(MUL if plain else NEGATE)


def signed_sum(terms: list[tuple[bool, Piece]]) -> Piece:
    """Terms with their signs (True: minus), the first without a needless plus."""
    (minus, first), *rest = terms
    text = f"-{first.tight(NEGATE)}" if minus else first.tight(ADD)
    for negative, piece in rest:
        text += f" - {piece.tight(MUL)}" if negative else f" + {piece.tight(ADD)}"
    return Piece(text, level=ADD if rest else NEGATE if minus else first.level)


def wrapped(statement: str, indent: str, width: int) -> list[str]:
    """A statement on as many lines as it needs, split at its outermost operators."""
    if len(indent + statement) <= width:
        return [indent + statement]
    assignment = re.match(r"[\w, ]+ [-+*/]?= ", statement)
    name = assignment[0] if assignment else ""
    text = statement.removeprefix(name)
    if not name or len(outermost(text)) == 1:
        narrow = min(width, len(indent + text) - 1)  # the text alone may fit
        head, *rest = split(text, indent, narrow)
        return [f"{indent}{name}{head.lstrip()}", *rest]
    return [f"{indent}{name}(", *split(text, indent + "    ", width), f"{indent})"]


def split(text: str, indent: str, width: int) -> list[str]:
    """A text that stands in brackets, on as many lines as it needs."""
    if len(indent + text) <= width:
        return [indent + text]
    parts = outermost(text)
    if len(parts) > 1:
        return [line for part in parts for line in split(part, indent, width)]
    groups = bracketed(text)
    if not groups:
        return [indent + text]
    start, end = max(groups, key=lambda group: group[1] - group[0])
    return [
        f"{indent}{text[:start]}(",
        *split(text[start + 1 : end], indent + "    ", width),
        f"{indent}){text[end + 1 :]}",
    ]


def bracketed(text: str) -> list[tuple[int, int]]:
    """Where the round brackets open and close that stand in no others."""
    found: list[tuple[int, int]] = []
    waiting: list[int] = []
    for k, letter in enumerate(text):
        if letter in "([{":
            waiting.append(k)
        elif letter in ")]}":
            start = waiting.pop()
            if not waiting and letter == ")":
                found.append((start, k))
    return found


#: What a text is split at, the loosest first.
OPERATORS = (
    (", ",),
    (" == ", " != ", " <= ", " >= ", " < ", " > "),
    (" | ",),
    (" & ",),
    (" + ", " - "),
    (" * ", " / ", " @ "),
)


def outermost(text: str) -> list[str]:
    """The parts between the commas, or the loosest operators that stand outside all brackets."""
    for operators in OPERATORS:
        parts, depth, start, k = [], 0, 0, 0
        while k < len(text):
            depth += (text[k] in "([{") - (text[k] in ")]}")
            if depth == 0 and any(text.startswith(o, k) for o in operators):
                k += operators == (", ",)  # a comma stays at the end of its line
                parts.append(text[start:k])
                start = k + 1
            k += 1
        if parts:
            return [*parts, text[start:]]
    return [text]
