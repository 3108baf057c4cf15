"""Displayed equations that fit the column: measured, and broken where people break them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import sympy as sp

from .latex import sum_parts
from .printer import PLAIN, Printer, Style
from .products import product_parts, signed_terms, without_denominator

#: How wide a displayed line may be, in ems of its type.
LINE = 33.0

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\S")
WIDTHS = {
    r"\sum": 1.4, r"\partial": 0.6, r"\sqrt": 0.9, r"\,": 0.17, r"\quad": 1.0, r"\qquad": 2.0,
    r"\exp": 1.6, r"\log": 1.4, r"\sin": 1.35, r"\cos": 1.5, r"\tanh": 2.2, r"\max": 1.9,
    r"\min": 1.8, r"\odot": 1.2,
    r"\le": 1.3, r"\ge": 1.3, r"\ne": 1.3, r"\cdot": 0.7, r"\left": 0.2, r"\right": 0.2,
    r"\hat": 0.0, r"\mathrm": 0.0, r"\text": 0.0, r"\mathbf": 0.0, r"\epsilon": 0.45,
    "+": 1.2, "-": 1.2, "=": 1.35, "<": 1.3, ">": 1.3, "(": 0.4, ")": 0.4, "[": 0.3, "]": 0.3,
    ",": 0.45, "&": 0.0, "/": 0.5, ".": 0.28,
}  # fmt: skip
PMATRIX = re.compile(r"\\begin\{pmatrix\}(.*?)\\end\{pmatrix\}")
LETTER = 0.56
SMALL = 0.72
#: A letter of a note.
NOTE = 0.5


def width(text: str) -> float:
    """About how many ems a formula is wide when it is typeset; a matrix as its widest row."""
    text = PMATRIX.sub(lambda m: max(m[1].split(r"\\"), key=len), text)
    tokens = TOKEN.findall(text)
    total, _ = measure(tokens, 0, closing="")
    return total


def measure(tokens: Sequence[str], at: int, closing: str) -> tuple[float, int]:
    """The width up to the closing token, and the place behind it."""
    total = 0.0
    scripts = 0.0  # a superscript stands above a subscript
    while at < len(tokens) and tokens[at] != closing:
        token = tokens[at]
        at += 1
        if token in "_^":
            size, at = argument(tokens, at)
            total += max(0.0, SMALL * size - scripts)
            scripts = max(scripts, SMALL * size)
            continue
        scripts = 0.0
        if token == "{":
            size, at = measure(tokens, at, "}")
            total += size
        elif token == r"\frac":
            above, at = argument(tokens, at)
            below, at = argument(tokens, at)
            total += max(above, below) + 0.3
        else:
            total += WIDTHS.get(token, LETTER)
    return total, at + 1


def argument(tokens: Sequence[str], at: int) -> tuple[float, int]:
    if at < len(tokens) and tokens[at] == "{":
        return measure(tokens, at + 1, "}")
    return (WIDTHS.get(tokens[at], LETTER) if at < len(tokens) else 0.0), at + 1


# --------------------------------------------------------------------------
# Breaking
# --------------------------------------------------------------------------


def broken(p: Printer, expr: Any, room: float) -> list[str]:
    """An expression as lines that fit: broken at plus and minus, outermost first."""
    text = p(expr)
    if width(text) <= room:
        return [text]
    if isinstance(expr, sp.Add):
        content, inner = without_denominator(expr)
        if content == 1:
            return broken_terms(p, expr, room)
        expr = sp.Mul(content, inner, evaluate=False)
    if isinstance(expr, sp.Sum):
        head, body = sum_parts(p, expr)
        if isinstance(body, sp.Add):
            return enclosed(head, broken_terms(p, body, room - width(head) - 1))
    if isinstance(expr, sp.Mul):
        return broken_product(p, expr, room)
    return [text]


def broken_terms(p: Printer, expr: Any, room: float) -> list[str]:
    lines = [""]
    for text, term in signed_terms(p, expr):
        if lines[-1] and width(lines[-1] + text) > room:
            lines.append("")
        if not lines[-1] and width(text) > room:
            sign = text[:3] if text.startswith(" ") else ""
            bare = -term if sign == " - " else term
            first, *rest = broken(p, bare, room - 1)
            lines[-1] = sign + first
            lines += rest
        else:
            lines[-1] += text
    return [line.strip() for line in lines]


def broken_product(p: Printer, expr: Any, room: float) -> list[str]:
    """A product with one bracket is broken inside it; another between its factors."""
    brackets = [f for f in expr.args if isinstance(f, sp.Add)]
    if len(brackets) == 1:
        rest = sp.Mul(*(f for f in expr.args if f is not brackets[0]))
        sums = [f for f in sp.Mul.make_args(rest) if f.has(sp.Sum)]
        head = p(rest) if rest not in (1, -1) else "-" * (rest == -1)
        if not sums and width(head) < room / 2:
            return enclosed(head, broken_terms(p, brackets[0], room - width(head) - 1))
    negative, factors = product_parts(p, expr)
    lines = ["-" if negative else ""]
    for factor in factors:
        if lines[-1].strip("-") and width(lines[-1] + factor) > room:
            lines.append(r"\times ")
        lines[-1] += factor + " "
    return [line.strip() for line in lines]


def enclosed(head: str, lines: Sequence[str]) -> list[str]:
    first, *rest = lines
    opened = rf"{head} \Bigl( {first}".strip()
    if not rest:
        return [rf"{opened} \Bigr)"]
    return [opened, *rest[:-1], rf"{rest[-1]} \Bigr)"]


# --------------------------------------------------------------------------
# Displays
# --------------------------------------------------------------------------


#: So many values may stand on one line.
ABREAST = 3


def equation(
    lhs: str,
    values: Sequence[Any],
    style: Style = PLAIN,
    line: float = LINE,
) -> str:
    """``lhs = a = b``: on one line if it fits, else one line for each value or more.

    Without a left side it goes on from an equation before it: ``= a``.
    """
    p = Printer(style)
    flat = " = ".join([lhs, *(v if isinstance(v, str) else p(v) for v in values)]).strip()
    if width(flat) <= line and len(values) <= ABREAST:
        return flat
    room = line - width(lhs) - 1.4
    rows = []
    for value in values:
        lines = [value] if isinstance(value, str) else broken(p, value, room)
        rows.append(f"&= {lines[0]}")
        rows += [rf"&\qquad {signed(rest)}" for rest in lines[1:]]
    if len(rows) == 1:
        return f"{lhs} {rows[0][1:]}".strip()
    return aligned([f"{lhs} {rows[0]}".strip(), *rows[1:]])


def stacked(equations: Sequence[str]) -> str:
    """Equations under each other, aligned at the first equals sign of each."""
    if len(equations) == 1:
        return equations[0]
    lines = []
    for text in equations:
        inner = text.removeprefix("\\begin{aligned}\n").removesuffix("\n\\end{aligned}")
        lines.append(inner if "&=" in inner else inner.replace(" = ", " &= ", 1))
    return aligned(lines)


def signed(line: str) -> str:
    """A continued line; the empty group makes its leading sign a binary one."""
    return "{} " + line if line[:1] in "+-" or line.startswith(r"\times") else line


def aligned(rows: Sequence[str]) -> str:
    if len(rows) < 2:
        return "".join(rows).replace("&", "")
    body = " \\\\\n".join(rows)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
