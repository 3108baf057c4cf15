"""Proving: both sides of a step brought to one normal form.

Names are written out, by the forward equations and the adjoint lines, as far as
down to the inputs and the upstream gradients, and there declared facts are used.
Two expressions are proved equal where their normal forms are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace
from functools import partial
from itertools import chain

import sympy as sp

from ..algebra.change import Change
from ..algebra.quotients import cleared
from ..algebra.read import read, ref
from ..algebra.rewrite import Rewrite, apply
from ..algebra.terms import ZERO, Ix, Poly, Ref, atom_poly
from ..calls import without_calls
from ..errors import NotationError
from ..notation import LOSS, Partial
from ..steps import Step
from .adjoint import put_in, unfold
from .orient import declared_facts
from .paths import LONGEST, by_parts, equal, of_seed
from .system import System, system
from .textbook import Textbook


def proved(sys: System, book: Textbook, step: Step) -> bool:
    """Do both sides of a step reach one normal form?

    A step that begins with a derivative that is asked for begins with the sum over all
    paths from the entry to the loss. Names are written out one after the
    other, on both sides alike, until the sides are one.
    """
    flat = flat_of(sys)
    try:
        right = reading(sys, flat, book, step.after, step)
        if step.before == step.target and isinstance(step.target, Partial):
            left = asked(flat, book, step, step.target, right.names)
        else:
            left = reading(sys, flat, book, step.before, step)
        return any(same(*sides) for sides in levels(sys, book, left, right))
    except (NotationError, NotImplementedError, ZeroDivisionError, ValueError):
        return False


def asked(flat: System, book: Textbook, step: Step, target: Partial, leaning: Set[str]) -> Poly:
    """The derivative that a step begins with, as the sum over all paths.

    Paths need not be followed further than to the names whose adjoints the step leans on.
    """
    scope = flat.scope(tuple(Ix(str(s), d.name) for s, d in step.free))
    quantity, entry = target.quantity, ref(target.entry, scope)
    if quantity != LOSS:
        # A gradient's entry is an output where it is differentiated once more.
        at = quantity.entry if isinstance(quantity, Partial) else quantity
        if ref(at, scope).subs != book.seed.row:
            raise NotationError(f"{quantity} is not what is differentiated")
    known = {line.name for line in book.lines.values() if line.adjoint in leaning}
    return of_seed(flat, book.seed, entry, known)


def flat_of(sys: System) -> System:
    """The system with called ops written out."""
    return system(without_calls(sys.program))


def levels(sys: System, book: Textbook, left: Poly, right: Poly) -> Iterator[tuple[Poly, Poly]]:
    """Two polynomials, with one name after the other written out on both sides alike.

    First what only one side speaks of, then the names of forward equations,
    last the adjoints, too. Then declared facts are used. Raises
    ``NotationError`` where that gets too long.
    """
    flat = flat_of(sys)
    forward = (*reversed(flat.aliases), *reversed(flat.equations))
    adjoints = [line.adjoint for line in book.lines.values()]
    every = (*reversed(adjoints), *forward)
    facts = [*declared_facts(flat)]
    yield left, right
    for shared in ((), forward, every):
        while name := latest(every, shared, left.names, right.names):
            left, right = (written_out(flat, book, side, name) for side in (left, right))
            yield left, right
        if facts:
            yield reduced(left, facts), reduced(right, facts)


def latest(every: Sequence[str], shared: Sequence[str], left: Set[str], right: Set[str]) -> str:
    """The latest name that one side speaks of alone, or else of those that both may."""
    alone = (name for name in every if name in left ^ right)
    return next(chain(alone, (name for name in shared if name in left & right)), "")


def same(left: Poly, right: Poly) -> bool:
    """Are the sides one, as they are or over one denominator?"""
    return left == right or not cleared(left - right).terms


def reading(sys: System, flat: System, book: Textbook, expr: sp.Expr, step: Step) -> Poly:
    """One side of a step as a polynomial, its derivatives taken."""
    indices = tuple(Ix(str(s), d.name) for s, d in step.free)
    scope = replace(flat.scope(indices), slope=partial(slope, sys, book))
    return read(expr, scope)


def written_out(flat: System, book: Textbook, poly: Poly, name: str) -> Poly:
    """The polynomial with one name written out by its equation or its adjoint line."""
    if name not in poly.names:
        return poly
    if len(poly.key) > LONGEST:
        raise NotationError("written out, this is too long for a proof")
    line = next((line for line in book.lines.values() if line.adjoint == name), None)
    return put_in(line, poly, book.seed.row) if line else unfold(flat, poly, {name})


def reduced(poly: Poly, facts: Iterable[Rewrite]) -> Poly:
    for fact in facts:
        poly = apply(fact, poly)
    return poly


def slope(sys: System, book: Textbook | None, quantity: Poly, entry: Ref, along: bool) -> Poly:
    """The derivative of a quantity by an entry, of its own equation or along all paths.

    Raises ``NotationError`` where neither calculus nor a line derived before says it.
    """
    if along:
        return by_parts(quantity, lambda q: derived(book, q, entry))
    return by_parts(quantity, lambda q: direct(sys, q, entry))


def direct(sys: System, quantity: Ref, entry: Ref) -> Poly:
    """The derivative of an equation's right side, all other names held fixed."""
    equation = sys.equations.get(quantity.name)
    if equation is None:
        raise NotationError(f"{quantity.name} has no equation to differentiate")
    right = Change(dict(zip(equation.indices, quantity.subs, strict=True))).poly(equation.right)
    return by_parts(right, lambda q: equal(q.subs, entry.subs) if q.name == entry.name else ZERO)


def derived(book: Textbook | None, quantity: Ref, entry: Ref) -> Poly:
    """A derivative along all paths: of an entry by one of its own tensor, or from a line."""
    if quantity.name == entry.name:
        return equal(quantity.subs, entry.subs)
    line = book.lines.get(entry.name) if book and book.seed.output == quantity.name else None
    if book is None or line is None:
        raise NotationError(f"no line says the derivative of {quantity} by {entry}")
    return atom_poly(Ref(line.adjoint, (*quantity.subs, *entry.subs)))
