"""Proving: both sides of a step brought to one normal form.

All names are written out down to the inputs and the upstream gradients, by
the forward equations and the adjoint lines, and declared facts are used.
Two expressions are proved equal where their normal forms are one.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from ..algebra.read import read
from ..algebra.rewrite import apply
from ..algebra.terms import Ix, Poly, names
from ..errors import NotationError
from ..notation import Dim, Partial
from ..program import without_calls
from ..steps import Step
from .adjoint import Line, inline_all, unfold
from .orient import declared_facts
from .system import System, system
from .textbook import Textbook


def proved(sys: System, book: Textbook, step: Step) -> bool:
    """Do both sides of a step reach one normal form? Derivatives have none."""
    before, after = step.before, step.after
    if before.has(Partial) or after.has(Partial):
        return False
    try:
        left = normal_form(sys, book, before, step.free)
        right = normal_form(sys, book, after, step.free)
    except (NotationError, ZeroDivisionError, ValueError):
        return False
    return left == right


def normal_form(
    sys: System, book: Textbook | None, expr: sp.Expr, free: tuple[tuple[sp.Symbol, Dim], ...]
) -> Poly:
    """An expression written out in inputs and upstream gradients alone."""
    flat = system(without_calls(sys.program))
    indices = tuple(Ix(str(s), d.name) for s, d in free)
    poly = read(expr, flat.scope(indices))
    lines: Mapping[str, Line] = book.lines if book and not book.seed.output else {}
    known = flat.equations.keys() | flat.aliases.keys()
    for _ in range(len(known) + len(lines) + 1):
        poly = inline_all(lines, poly)
        hidden = names(poly) & known
        if not hidden:
            break
        poly = unfold(flat, poly, hidden)
    for fact in declared_facts(flat):
        poly = apply(fact, poly)
    return poly
