"""Looking into SymPy expressions, and replacing parts without capture."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import sympy as sp

#: What to write for an entry of a tensor, by its subscripts.
Entry = Callable[[tuple[sp.Expr, ...]], Any]

#: Letters for indices, in the order in which a reader meets them.
INDEX_LETTERS = "ijklmnpqrstuvwabcefgh"


def is_entry(expr: sp.Basic) -> bool:
    """Is this ``name[...]`` or a scalar's symbol?"""
    return isinstance(expr, sp.Indexed | sp.Symbol)


def name_of(expr: sp.Basic) -> str:
    """The name of the tensor whose entry this is."""
    if isinstance(expr, sp.Indexed):
        expr = expr.base.label
    return expr.name if isinstance(expr, sp.Symbol) else str(expr)


def subscripts_of(expr: sp.Basic) -> tuple[sp.Expr, ...]:
    return tuple(expr.indices) if isinstance(expr, sp.Indexed) else ()


@lru_cache(maxsize=4096)
def nodes(expr: sp.Basic) -> tuple[sp.Basic, ...]:
    """Every part of the expression once, itself first."""
    found: dict[sp.Basic, None] = {}
    waiting = [expr]
    while waiting:
        node = waiting.pop()
        if node not in found:
            found[node] = None
            waiting.extend(reversed(node.args))
    return tuple(found)


def parts(expr: sp.Basic, *kinds: type[sp.Basic]) -> list[Any]:
    """The parts of an expression that are of these kinds."""
    return [node for node in nodes(expr) if isinstance(node, kinds)]


def bound_symbols(expr: sp.Basic) -> set[sp.Symbol]:
    """The indices that sums inside the expression bind."""
    return {limit[0] for total in parts(expr, sp.Sum) for limit in total.limits}


def entries(expr: sp.Basic) -> Iterator[sp.Basic]:
    """Every tensor entry and symbol in the expression, subscripts included."""
    if isinstance(expr, sp.Indexed):
        yield expr
        for subscript in expr.indices:
            yield from entries(subscript)
    elif isinstance(expr, sp.Symbol):
        yield expr
    else:
        for arg in expr.args:
            yield from entries(arg)


def fresh_letters(taken: set[str], preferred: str = INDEX_LETTERS) -> Iterator[str]:
    """Index letters that are not taken: one letter while they last, then i1, i2..."""
    yield from (c for c in preferred if c not in taken)
    yield from (f"i{k}" for k in itertools.count(1) if f"i{k}" not in taken)


def make_sum(body: sp.Expr, limits: Iterable[sp.Tuple]) -> sp.Expr:
    """A ``Sum`` as SymPy would build it; its own constructor takes fifty times as long."""
    result = sp.Basic.__new__(sp.Sum, body, *limits)
    result.is_commutative = body.is_commutative
    return result


def rebuilt(node: sp.Basic, args: tuple[sp.Basic, ...]) -> sp.Basic:
    """The node with other arguments; itself, if they are its own."""
    return node if all(map(operator.is_, args, node.args)) else node.func(*args)


def substitute(
    expr: sp.Basic, replacement: Mapping[sp.Basic, Any], change: Mapping[str, Entry] | None = None
) -> sp.Basic:
    """Replace free indices and entries at once, renaming bound indices out of the way.

    ``change`` says by a tensor's name what to write for its entries. SymPy's
    own ``subs`` and ``xreplace`` let ``Sum(x[j]*y[k], (j, ...))`` capture the
    free index when k is replaced by j; this does not.
    """
    mapping = {old: sp.sympify(new) for old, new in replacement.items()}
    change = change or {}
    arriving = {s for new in mapping.values() for s in new.free_symbols}

    def walk(node: sp.Basic, mapping: dict[sp.Basic, sp.Basic]) -> sp.Basic:
        if node in mapping:
            return mapping[node]
        if change and is_entry(node) and name_of(node) in change:
            return change[name_of(node)](tuple(walk(s, mapping) for s in subscripts_of(node)))
        if not node.args or isinstance(node, sp.IndexedBase):
            return node
        if isinstance(node, sp.Sum):
            return walk_sum(node, mapping)
        return rebuilt(node, tuple(walk(arg, mapping) for arg in node.args))

    def walk_sum(node: sp.Sum, mapping: dict[sp.Basic, sp.Basic]) -> sp.Basic:
        body = node.function
        inner = dict(mapping)
        limits: list[sp.Tuple] = []
        # What an enclosing sum was renamed to arrives here as well.
        incoming = arriving | {s for new in mapping.values() for s in new.free_symbols}
        taken: set[str] = set()
        for symbol, lower, upper in reversed(node.limits):  # outermost first
            new = symbol
            if symbol in incoming:
                arrived = parts(body, sp.Symbol), bound_symbols(node), incoming
                taken |= {name_of(s) for s in itertools.chain(*arrived)}
                letter = next(fresh_letters(taken))
                taken.add(letter)
                new = sp.Symbol(letter, integer=True)
            limits.insert(0, sp.Tuple(new, walk(lower, inner), walk(upper, inner)))
            inner = {old: to for old, to in inner.items() if symbol not in old.free_symbols}
            if new != symbol:
                inner[symbol] = new
        body = walk(body, inner)
        if isinstance(body, sp.Sum):  # one sum of several indices, as SymPy has it
            return make_sum(body.function, (*body.limits, *limits))
        return make_sum(body, limits)

    return walk(sp.sympify(expr), mapping)


def rename_entries(expr: sp.Basic, change: Mapping[str, Entry]) -> sp.Basic:
    """Apply ``change[name](subscripts)`` to every entry of the tensors named."""
    if not change or not any(name_of(e) in change for e in entries(expr)):
        return expr

    def walk(node: sp.Basic) -> sp.Basic:
        if is_entry(node) and name_of(node) in change:
            return change[name_of(node)](tuple(walk(s) for s in subscripts_of(node)))
        if not node.args or isinstance(node, sp.IndexedBase):
            return node
        return rebuilt(node, tuple(walk(arg) for arg in node.args))

    return walk(expr)
