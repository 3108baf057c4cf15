"""From the reader's own indices to letters: what a claim says, as plain SymPy."""

from __future__ import annotations

from collections.abc import Iterable

import sympy as sp

from ..expressions import fresh_letters, nodes
from ..notation import Dim
from .matrices import written_out
from .scope import Scope


def nesting(expr: sp.Basic) -> dict[sp.Symbol, set[sp.Symbol]]:
    """For each index that a sum binds, those that are bound inside."""
    found: dict[sp.Symbol, set[sp.Symbol]] = {}

    def walk(node: sp.Basic) -> set[sp.Symbol]:
        inner: set[sp.Symbol] = set()
        for arg in node.args:
            inner |= walk(arg)
        if isinstance(node, sp.Sum):
            for symbol, *_ in node.limits:
                found.setdefault(symbol, set()).update(inner)
                inner = inner | {symbol}
        return inner

    walk(expr)
    return found


def letters(
    scope: Scope, expr: sp.Basic, free: Iterable[sp.Symbol], taken: frozenset[str]
) -> dict[sp.Basic, sp.Basic]:
    """A letter for every index: the formula's own, where it is not in the way of another."""
    given: dict[sp.Symbol, str] = {}

    def name(symbol: sp.Symbol, others: set[str]) -> None:
        own = scope.sizes.letter.get(symbol, "").replace("'", "")
        busy = taken | others
        given[symbol] = own if own.isalpha() and own not in busy else next(fresh_letters(set(busy)))

    inside = nesting(expr)
    for symbol in free:
        name(symbol, set(given.values()))
    outermost = set(given.values())
    waiting = sorted(inside, key=lambda s: (-len(inside[s]), str(s)))
    for symbol in waiting:
        around = {given[s] for s in given if symbol in inside.get(s, ()) or s in inside[symbol]}
        name(symbol, outermost | around)
    return {old: sp.Symbol(new, integer=True) for old, new in given.items()}


def filled(scope: Scope, expr: sp.Basic) -> dict[sp.Basic, sp.Basic]:
    """What every hole in an expression was found to be."""
    symbols = (s for s in nodes(expr) if isinstance(s, sp.Symbol) and s.name.startswith("?"))
    return {s: scope.sizes.found(s) for s in symbols}


def tidied(
    scope: Scope, expr: sp.Expr, free: Iterable[sp.Symbol], taken: frozenset[str]
) -> tuple[sp.Expr, dict[sp.Basic, sp.Basic]]:
    """The expression in letters, and the letters of the free indices.

    Raises ``ReadError`` where nothing says how far an index runs.
    """
    expr = expr.xreplace(filled(scope, expr))
    for size in filled(scope, expr):
        if scope.sizes.is_open(size):
            raise scope.lost()
    expr = written_out(scope, expr)
    change = letters(scope, expr, free, taken)
    return expr.xreplace(change), change


def dim_of(scope: Scope, index: sp.Symbol) -> Dim:
    size = scope.sizes.size(index)
    if scope.sizes.is_open(size):
        raise scope.lost(scope.sizes.letter[index])
    return Dim(str(size))
