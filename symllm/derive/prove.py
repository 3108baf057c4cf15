"""Proving: both sides of a step brought to one normal form.

Names are written out, by the forward equations and the adjoint lines, as far as
down to the inputs and the upstream gradients, and there declared facts are used.
Two expressions are proved equal where their normal forms are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import sympy as sp

from ..algebra.calculus import occurrences
from ..algebra.change import Change
from ..algebra.read import read
from ..algebra.rewrite import Rewrite, apply
from ..algebra.sums import total
from ..algebra.terms import ONE, ZERO, Ix, Poly, Ref, Subscript, delta
from ..calls import without_calls
from ..errors import NotationError
from ..steps import Step
from .adjoint import Line, put_in, unfold
from .orient import declared_facts
from .system import System, system
from .textbook import Textbook

#: Normal forms longer than this, in characters, are not pursued: a proof that
#: takes longer than all the checks is not worth it.
LONGEST = 20_000


def proved(sys: System, book: Textbook, step: Step) -> bool:
    """Do both sides of a step reach one normal form?

    Names are written out one after the other, on both sides alike, until the
    sides are one. That a total derivative is what the chain rule says can
    only be checked.
    """
    if step.before == step.target:
        return False
    try:
        sides = (reading(sys, flat_of(sys), book, s, step) for s in (step.before, step.after))
        return any(left == right for left, right in levels(sys, book, *sides))
    except (NotationError, ZeroDivisionError, ValueError):
        return False


def flat_of(sys: System) -> System:
    """The system with called ops written out."""
    return system(without_calls(sys.program))


def levels(sys: System, book: Textbook, left: Poly, right: Poly) -> Iterator[tuple[Poly, Poly]]:
    """Two polynomials, with one name after the other written out on both sides alike.

    Where none is left, declared facts are used. Raises ``NotationError`` where
    that gets too long.
    """
    flat = flat_of(sys)
    lines = {} if book.seed.output else {line.adjoint: line for line in book.lines.values()}
    latest = (*reversed(lines), *reversed(flat.aliases), *reversed(flat.equations))
    while True:
        yield left, right
        hidden = left.names | right.names
        name = next((n for n in latest if n in hidden), "")
        if not name:
            break
        left, right = (written_out(flat, lines, side, name) for side in (left, right))
    if facts := [*declared_facts(flat)]:
        yield reduced(left, facts), reduced(right, facts)


def reading(sys: System, flat: System, book: Textbook, expr: sp.Expr, step: Step) -> Poly:
    """One side of a step as a polynomial, its derivatives taken."""
    indices = tuple(Ix(str(s), d.name) for s, d in step.free)
    scope = replace(flat.scope(indices), slope=lambda q, e, total: slope(sys, book, q, e, total))
    return read(expr, scope)


def written_out(flat: System, lines: Mapping[str, Line], poly: Poly, name: str) -> Poly:
    """The polynomial with one name written out by its equation or its adjoint line."""
    if name not in poly.names:
        return poly
    if len(poly.key) > LONGEST:
        raise NotationError("written out, this is too long for a proof")
    return put_in(lines[name], poly) if name in lines else unfold(flat, poly, {name})


def reduced(poly: Poly, facts: Iterable[Rewrite]) -> Poly:
    for fact in facts:
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
