"""Counts under each other: polynomials in the dimensions, their largest terms first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sympy as sp

from .display import LINE, aligned, signed, width
from .flavour import Flavour, flavour_of
from .noted import words
from .printer import PLAIN, Printer
from .products import factor_key

Rows = Iterable[tuple[str, sp.Expr]]


def counts_markdown(rows: Rows, flavour: str | Flavour = "github") -> str:
    """Each count with what it is of, as one displayed formula."""
    return flavour_of(flavour).display(counts_latex(rows)) + "\n"


def counts_latex(rows: Rows) -> str:
    p = Printer(PLAIN)
    lines: list[str] = []
    for what, count in rows:
        left = words(what, p)
        first, *rest = packed(map(p, by_size(count)), LINE - width(left) - 1.4)
        lines += [f"{left} &= {first}", *(rf"&\qquad {signed(more)}" for more in rest)]
    return aligned(lines)


def by_size(count: sp.Expr) -> list[sp.Expr]:
    """The terms of a count, those of the highest degree first."""
    p = Printer(PLAIN)

    def key(term: sp.Expr) -> tuple[Any, ...]:
        factors = [f for f in sp.Mul.make_args(term) if not f.is_number]
        degree = sum(f.exp if isinstance(f, sp.Pow) else 1 for f in factors)
        return -degree, sorted(factor_key(p, f) for f in factors)

    return sorted(sp.Add.make_args(count), key=key)


def packed(terms: Iterable[str], room: float) -> list[str]:
    """Terms in a row, in as many lines as they need."""
    lines = [""]
    for term in terms:
        sign, bare = ("-", term[1:]) if term.startswith("-") else ("+", term)
        text = f" {sign} {bare}" if any(lines) else term
        if lines[-1] and width(lines[-1] + text) > room:
            lines.append("")
        lines[-1] += text
    return [line.strip() for line in lines]
