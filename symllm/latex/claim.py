"""Claims: both sides of an equation in index notation, and what they lean on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import sympy as sp

from ..equation import Let
from ..errors import ReadError
from ..notation import Dim
from . import matrices, products, resolve, usual  # noqa: F401  (their readers enter the table)
from .arrays import Value, described
from .brackets import condition
from .context import Context
from .names import Signature, head_of, spelled
from .readings import Choices, Outcome, readings
from .scope import Definition, Scope, Wanted, is_real
from .sizes import Mismatch
from .statements import Statement, letters_below
from .tidy import dim_of, tidied
from .tree import Name, Node, Scripted, walk

Definitions = Mapping[Signature, Definition]
Free = tuple[tuple[sp.Symbol, Dim], ...]


@dataclass(frozen=True)
class Claim:
    """``left = right`` for all values of the free indices.

    Both sides are written in names of the op, in those of ``definitions``,
    each an equation with the dimensions of its indices, and in names of the
    derivatives that are ``wanted``. ``made`` says how the formula was read
    where it could be read in several ways.
    """

    statement: Statement
    left: sp.Expr
    right: sp.Expr
    free: Free
    definitions: tuple[tuple[Let, Free], ...]
    wanted: tuple[Wanted, ...]
    made: Mapping[str, str]

    @property
    def reading(self) -> str:
        return ", ".join(f"{question} {answer}" for question, answer in self.made.items())


def claims(
    statement: Statement,
    definitions: Definitions,
    context: Context,
) -> tuple[Outcome[Claim], ...]:
    """Every reading of a statement: what it claims, or why it cannot be read so.

    Where all quantities are vectors of one length, as for an activation, a
    name without an index is its entry; elsewhere only if it cannot be a vector.
    """

    def reading(entrywise: bool) -> tuple[Outcome[Claim], ...]:
        def read(choose: Choices) -> Claim:
            return read_claim(statement, definitions, context, choose, entrywise)

        return readings(read)

    first = reading(context.pointwise)
    if any(outcome.found for outcome in first):
        return first
    other = reading(not context.pointwise) if may_be_entries(statement, context) else ()
    return other if any(outcome.found for outcome in other) else first


def may_be_entries(statement: Statement, context: Context) -> bool:
    """Are only numbers and vectors named, so that a product could be meant entry by entry?"""
    if context.pointwise:
        return True
    heads = (head_of(n) for side in (statement.left, statement.right) for n in walk(side))
    known = (context.names.get((head, ())) for head in heads if head)
    return all(context.tensors[name].rank < 2 for name in known if name)


def read_claim(
    statement: Statement,
    definitions: Definitions,
    context: Context,
    choose: Choices,
    entrywise: bool,
) -> Claim:
    """One reading of a statement; raises ``ReadError`` or ``Mismatch``."""
    scope = Scope(statement.text, context, choose, definitions)
    call_sizes(scope, statement, definitions)
    if entrywise:
        scope.entry = scope.sizes.index(letter="i")
    left = scope.value(statement.left)
    free = dict(scope.free)
    right = scope.value(statement.right)
    if statement.condition is not None:
        bracket = condition(scope, statement.condition)
        left = Value(left.expr * bracket, left.axes, left.row)
        right = Value(right.expr * bracket, right.axes, right.row)
    loose = [c for c in scope.free if c not in free and uses(right.expr, scope.free[c])]
    if loose:
        raise Mismatch(
            f"{', '.join(loose)} is free on the right but not on the left: "
            f"it is summed over, or belongs on the left",
            statement.right.at,
        )
    indices, right = side_by_side(scope, statement, left, right)
    return finished(scope, statement, left.expr, right.expr, indices)


def uses(expr: sp.Expr, index: sp.Symbol) -> bool:
    return index in expr.free_symbols


def call_sizes(
    scope: Scope,
    statement: Statement,
    definitions: Definitions,
) -> None:
    """Names that sums run to and that are no dimension of the op: they stand for one."""
    bodies = [statement.left, statement.right, *(d.body for d in definitions.values())]
    below = frozenset[str]().union(*map(letters_below, bodies))
    known = {dim.name for dim in scope.context.dims}
    for node in (n for body in bodies for n in walk(body)):
        if isinstance(node, Scripted) and is_sum(node.base) and node.sup is not None:
            for part in walk(node.sup):
                text = spelled(part) if isinstance(part, Name) else ""
                if text and text not in below | known and text not in scope.called:
                    scope.called[text] = scope.sizes.hole()


def is_sum(node: Node) -> bool:
    return isinstance(node, Name) and node.style == "big"


def side_by_side(
    scope: Scope, statement: Statement, left: Value, right: Value
) -> tuple[tuple[sp.Symbol, ...], Value]:
    """The free indices of a claim, and its right side over the axes of the left one."""
    sizes = scope.sizes
    if scope.entry is not None and left.axes:
        raise Mismatch("the left side is no entry", statement.left.at)
    if left.rank != right.rank:
        raise Mismatch(
            f"the left side is {described(sizes, left)}, the right side {described(sizes, right)}",
            statement.right.at,
        )
    pairs = list(zip(left.axes, right.axes, strict=True))
    if not all(sizes.fit(sizes.of[a], sizes.of[b]) for a, b in pairs):
        turned = all(
            sizes.fit(sizes.of[a], sizes.of[b])
            for a, b in zip(left.axes, right.axes[::-1], strict=True)
        )
        raise Mismatch(
            f"the left side is {described(sizes, left)}, the right side {described(sizes, right)}"
            + (": it is the transpose that fits" if turned else ""),
            statement.right.at,
        )
    for a, b in pairs:
        sizes.unify(sizes.of[a], sizes.of[b])
    expr = right.expr.xreplace({b: a for a, b in pairs})
    named = [s for s in scope.free.values() if uses(left.expr, s) or uses(expr, s)]
    entry = [scope.entry] if scope.entry is not None else []
    used = [s for s in entry if uses(left.expr, s) or uses(expr, s)]
    return (*named, *used, *left.axes), Value(expr, left.axes)


def finished(
    scope: Scope,
    statement: Statement,
    left: sp.Expr,
    right: sp.Expr,
    indices: tuple[sp.Symbol, ...],
) -> Claim:
    taken = frozenset(scope.context.tensors) | {d.name for d in scope.context.dims}
    taken |= scope.lets.keys()
    for side, node in ((left, statement.left), (right, statement.right)):
        if not is_real(side):
            raise scope.error("this side is not a real number everywhere", node)
    dims = tuple(dim_of(scope, index) for index in indices)
    pair, change = tidied(scope, sp.Tuple(left, right), indices, taken)
    lets = []
    for name, value in scope.lets.items():
        axes = tuple(dim_of(scope, axis) for axis in value.axes)
        body, inner = tidied(scope, value.expr, value.axes, taken)
        subs = tuple(inner[axis] for axis in value.axes)
        lets.append((Let(entry_of(name, subs), body), tuple(zip(subs, axes, strict=True))))
    wanted = tuple(tidy_wanted(scope, w, taken) for w in scope.wanted.values())
    free = tuple((change[i], dim) for i, dim in zip(indices, dims, strict=True))
    return Claim(
        statement, pair.args[0], pair.args[1], free, tuple(lets), wanted, dict(scope.choose.made)
    )


def entry_of(name: str, subs: tuple[sp.Basic, ...]) -> sp.Expr:
    return sp.Indexed(sp.IndexedBase(name), *subs) if subs else sp.Symbol(name)


def tidy_wanted(scope: Scope, wanted: Wanted, taken: frozenset[str]) -> Wanted:
    """The derivative of an expression, its equation in letters."""
    if isinstance(wanted.quantity, str):
        return wanted
    let = wanted.quantity
    body, change = tidied(scope, let.rhs, let.indices, taken)
    lhs = entry_of(let.name, tuple(change[i] for i in let.indices))
    return Wanted(wanted.name, Let(lhs, body), wanted.wrt, wanted.order)


def first_error(outcomes: tuple[Outcome[Claim], ...]) -> ReadError | Mismatch:
    """Why nothing could be read: what does not fit before what is not understood."""
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    shapes = [error for error in errors if isinstance(error, Mismatch)]
    return (shapes or errors)[0]
