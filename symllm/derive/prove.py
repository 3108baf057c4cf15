"""Proving: both sides of a step brought to one normal form.

All names are written out down to the inputs and the upstream gradients, by
the forward equations and the adjoint lines, and declared facts are used.
Two expressions are proved equal where their normal forms are one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import sympy as sp

from ..algebra.calculus import occurrences
from ..algebra.change import Change
from ..algebra.read import read
from ..algebra.rewrite import apply
from ..algebra.sums import total
from ..algebra.terms import ONE, ZERO, Ix, Poly, Ref, Subscript, delta
from ..calls import without_calls
from ..errors import NotationError
from ..notation import Dim
from ..steps import Step
from .adjoint import Line, inline_all, unfold
from .orient import declared_facts
from .system import System, system
from .textbook import Textbook

#: Normal forms longer than this, in characters, are not pursued: a proof that
#: takes longer than all the checks is not worth it.
LONGEST = 20_000


def proved(sys: System, book: Textbook, step: Step) -> bool:
    """Do both sides of a step reach one normal form?

    That a total derivative is what the chain rule says can only be checked.
    """
    before, after = step.before, step.after
    if before == step.target:
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
    scope = replace(flat.scope(indices), slope=lambda q, e, total: slope(sys, book, q, e, total))
    poly = read(expr, scope)
    lines: Mapping[str, Line] = book.lines if book and not book.seed.output else {}
    known = flat.equations.keys() | flat.aliases.keys()
    for _ in range(len(known) + len(lines) + 1):
        poly = inline_all(lines, poly)
        hidden = poly.names & known
        if not hidden:
            break
        if len(poly.key) > LONGEST:
            raise NotationError("written out, this is too long for a proof")
        poly = unfold(flat, poly, hidden)
    for fact in declared_facts(flat):
        poly = apply(fact, poly)
    return poly


def slope(sys: System, book: Textbook | None, quantity: Ref, entry: Ref, along: bool) -> Poly:
    """The derivative of a quantity by an entry, of its own equation or along all paths.

    Raises ``NotationError`` where neither calculus nor a line derived before says it.
    """
    if along:
        return derived(book, quantity, entry)
    equation = sys.equations.get(quantity.name)
    if equation is None:
        raise NotationError(f"{quantity.name} has no equation to differentiate")
    right = Change(dict(zip(equation.indices, quantity.subs, strict=True))).poly(equation.right)
    result = ZERO
    for place in occurrences(right, entry.name):
        result = result + total(place.bound, place.slope * equal(place.subs, entry.subs))
    return result


def derived(book: Textbook | None, quantity: Ref, entry: Ref) -> Poly:
    """A derivative along all paths: of an entry by one of its own tensor, or from a line."""
    if quantity.name == entry.name:
        return equal(quantity.subs, entry.subs)
    line = book.lines.get(entry.name) if book and book.seed.output == quantity.name else None
    if book is None or line is None:
        raise NotationError(f"no line says the derivative of {quantity} by {entry}")
    here, there = (*book.seed.row, *line.entry), (*quantity.subs, *entry.subs)
    return line.at(dict(zip(here, there, strict=True)))


def equal(left: tuple[Subscript, ...], right: tuple[Subscript, ...]) -> Poly:
    result = ONE
    for a, b in zip(left, right, strict=True):
        result = result * delta(a, b)
    return result
