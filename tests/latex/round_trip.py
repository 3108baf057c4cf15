"""What pages show, read back: an expression, its LaTeX, and whether both are the same."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import sympy as sp
from emitted import Emitted
from surroundings import Around
from sympy.core.relational import Relational
from sympy.matrices.expressions.matexpr import MatrixElement

from symllm.algebra.read import Scope, read
from symllm.algebra.terms import Ix
from symllm.elaborate import elaborated, is_explicit, scalars_elaborated
from symllm.equation import Call, Let
from symllm.errors import NotationError, SymllmError, VerificationError
from symllm.expressions import (
    entries,
    is_entry,
    name_of,
    nodes,
    parts,
    subscripts_of,
    substitute,
)
from symllm.latex.context import Context
from symllm.latex.reading import Expression, read_expression
from symllm.latex.readings import Outcome
from symllm.latex.scope import Wanted
from symllm.notation import LOSS, Dim, Iverson, Layer, Partial, Tensor, entry
from symllm.relations import compare
from symllm.render.latex import mixes

Axes = tuple[sp.Symbol, ...]


def read_back(emitted: Emitted, around: Around) -> str:
    """Why a formula is not read back to itself; empty if it is."""
    emitted = in_indices(emitted, around)
    try:
        rank = rank_of(emitted.expr, around)
        outcomes = read_expression(emitted.tex, around.context, free_in(emitted, around), rank)
    except SymllmError as error:
        return str(error)
    return why_not(emitted, around, outcomes)


def in_indices(emitted: Emitted, around: Around) -> Emitted:
    """With entries of matrices and their traces written out in index notation."""
    expr = emitted.expr
    if not isinstance(expr, sp.Expr) or isinstance(expr, sp.MatrixExpr):
        return emitted
    if not parts(expr, MatrixElement, sp.Trace):
        return emitted
    return replace(emitted, expr=scalars_elaborated(expr, around.context.tensors))


def why_not(emitted: Emitted, around: Around, outcomes: Iterable[Outcome[Expression]]) -> str:
    """Why no reading is the expression that was written; empty if one is."""
    errors = []
    for outcome in outcomes:
        if outcome.found is None:
            errors.append(str(outcome.error))
        elif all(equal(*pair, emitted, around) for pair in pairs(emitted, outcome.found, around)):
            return ""
        else:
            errors.append(f"{outcome.found.expr} instead of {emitted.expr}")
    return "; ".join(errors)


def free_in(emitted: Emitted, around: Around) -> dict[sp.Symbol, Dim | None]:
    """The indices that are free in an expression, with the dimensions that are known of them."""
    if isinstance(emitted.expr, str | sp.MatrixExpr):
        return {}
    values = [a.value for a in emitted.expr.arguments] if isinstance(emitted.expr, Call) else []
    symbols = {s for e in values or [emitted.expr] for s in e.free_symbols}
    known = {*(d.name for d in around.context.dims), str(LOSS)}
    known |= {name_of(e) for e in symbols if isinstance(e, sp.Indexed)}
    known |= {s.name for s in tensors_named(symbols, around.context.tensors)}
    letters = (s for s in symbols if isinstance(s, sp.Symbol) and s.name not in known)
    return {s: around.dims.get(s) for s in sorted(letters, key=str)}


def tensors_named(symbols: Iterable[sp.Basic], tensors: Mapping[str, Tensor]) -> set[sp.Symbol]:
    """The symbols that are names of tensors; an integer without its indices is an index."""
    named_so = {s for s in symbols if isinstance(s, sp.Symbol) and s.name in tensors}
    return {s for s in named_so if not (s.is_integer and tensors[s.name].rank)}


def rank_of(expr: Any, around: Around) -> int:
    """How many axes it has besides its indices."""
    names = around.context.tensors
    if isinstance(expr, sp.MatrixExpr):
        return sum(size != 1 for size in expr.shape)
    if isinstance(expr, str):
        return names[expr].rank if expr in names else 0
    if isinstance(expr, Partial):
        return rank_of(expr.quantity, around) + rank_of(expr.entry, around)
    if isinstance(expr, sp.Basic) and is_entry(expr):
        layers, places = layers_and_places(expr)
        known = around.context.layered if layers else around.context
        assert known
        if name_of(expr) in known.tensors:
            return known.tensors[name_of(expr)].rank - len(places)
    return 0


def layers_and_places(expr: sp.Expr) -> tuple[list[sp.Expr], list[sp.Expr]]:
    found = subscripts_of(expr)
    layers = [s for s in found if isinstance(s, Layer)]
    return layers, [s for s in found if s not in layers]


def pairs(emitted: Emitted, found: Expression, around: Around) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """What was written and what was read, side by side: of numbered matrices, each entry."""
    axes = tuple(symbol for symbol, _ in found.axes)
    read_so = written_out(found.expr, found.wanted)
    expr = emitted.expr
    if isinstance(expr, sp.MatrixExpr) and is_explicit(*expr.shape):
        for at in itertools.product(*(map(sp.Integer, range(int(size))) for size in expr.shape)):
            one = elaborated(expr, *at, around.context.tensors)
            yield one, read_so.xreplace(dict(zip(axes, at, strict=True)))
    else:
        yield expected(expr, axes, around.context), read_so


def expected(expr: Any, axes: Axes, context: Context) -> sp.Expr:
    """What an expression is to be read as: names as their entries, matrices at their axes."""
    if isinstance(expr, sp.MatrixExpr):
        row, column = [*axes, sp.S.Zero, sp.S.Zero][:2]
        row, column = (sp.S.Zero, row) if expr.rows == 1 else (row, column)
        return elaborated(expr, row, column, context.tensors)
    if isinstance(expr, str):
        sizes = {dim.name: dim.symbol for dim in context.dims}
        return sizes[expr] if expr in sizes else entry(expr, *axes)
    if isinstance(expr, Call):
        mixed = expr.at or tuple(dict.fromkeys(s for a in expr.arguments for s in a.axes))
        places = sp.Tuple(*(mixed if mixes(expr.program) else ()))
        return sp.Function(expr.name)(places, *(a.value for a in expr.arguments))
    if isinstance(expr, Relational):
        return Iverson(expr)
    return at(expr, axes, context)


def at(expr: sp.Expr, axes: Axes, context: Context) -> sp.Expr:
    """A name without its indices, or the derivative of one by another, at its axes."""
    if not axes:
        return expr
    if isinstance(expr, Partial):
        count = len(axes) - context.tensors[name_of(expr.entry)].rank
        above, below = at(expr.quantity, axes[:count], context), name_of(expr.entry)
        return Partial(above, entry(below, *axes[count:]))
    return entry(name_of(expr), *subscripts_of(expr), *axes)


def named(expr: sp.Expr, context: Context) -> sp.Expr:
    """Derivatives of names as entries of tensors, as the reader has them of an op's."""

    def walk(node: sp.Basic) -> sp.Basic:
        if isinstance(node, Partial):
            return derivative(node, context, walk)
        if not node.args or isinstance(node, sp.IndexedBase):
            return node
        return node.func(*map(walk, node.args))

    return walk(expr)


def derivative(node: Partial, context: Context, walk: Any) -> sp.Expr:
    of, subs = name_of(node.entry), subscripts_of(node.entry)
    inner = node.quantity
    if is_loss(inner, context):
        return entry(f"d{of}", *subs)
    if isinstance(inner, Partial) and is_loss(inner.quantity, context):
        other = inner.entry
        name = f"d2{context.loss}_d{of}2"
        return entry(name, *subscripts_of(other), *subs)
    if is_entry(inner):
        return entry(f"d{name_of(inner)}_d{of}", *subscripts_of(inner), *subs)
    return sp.Function("slope")(walk(inner), entry(of, *subs))


def is_loss(expr: sp.Expr, context: Context) -> bool:
    named_so = expr.is_Symbol and expr.name == context.loss
    return bool(not context.theory and (expr == LOSS or named_so))


def written_out(expr: sp.Expr, wanted: tuple[Wanted, ...]) -> sp.Expr:
    """Derivatives of expressions, which the reader gives a name, as the expressions again."""
    change = {}
    for one in wanted:
        if isinstance(one.quantity, Let):
            let = one.quantity
            count = len(let.indices)

            def back(subs: Any, let: Let = let, count: int = count, wrt: str = one.wrt) -> Any:
                body = substitute(let.rhs, dict(zip(let.indices, subs[:count], strict=True)))
                return sp.Function("slope")(body, entry(wrt, *subs[count:]))

            change[one.name] = back
    return substitute(expr, {}, change) if change else expr


# --------------------------------------------------------------------------
# Equality
# --------------------------------------------------------------------------


def equal(one: sp.Expr, other: sp.Expr, emitted: Emitted, around: Around) -> bool:
    """Have both one normal form, or else the same value wherever the evaluator looks?"""
    sides = [named(side, around.context) for side in (one, other)]
    if sides[0] == sides[1]:
        return True
    try:
        return same(*sides, free_in(emitted, around), around.context)
    except NotationError:
        if around.setting is None:
            return False
    try:
        free = tuple((s, d) for s, d in free_in(emitted, around).items() if d)
        compare("=", one, other, free, around.setting.points)
    except VerificationError:
        return False
    return True


def same(
    one: sp.Expr, other: sp.Expr, free: Mapping[sp.Symbol, Dim | None], context: Context
) -> bool:
    """Have both one normal form? No definition is put in: each name stands for itself."""
    one, other = flat(one), flat(other)
    indices = {s.name: Ix(s.name, d.name if d else "?") for s, d in free.items()}
    letters = {s.name for side in (one, other) for s in side.free_symbols if s.is_integer}
    sizes = frozenset(d.name for d in context.dims)
    indices |= {c: Ix(c, "?") for c in letters - indices.keys() - sizes - context.tensors.keys()}
    scope = Scope(indices, sizes)
    slopes: dict[Any, sp.Symbol] = {}
    sides = [opaque(side, scope, slopes) for side in (one, other)]
    return read(sides[0], scope) == read(sides[1], scope)


def flat(expr: sp.Expr) -> sp.Expr:
    """An entry of a layer as one of a tensor that is called after both."""
    of_layers = [e for e in parts(expr, sp.Indexed) if layers_and_places(e)[0]]
    change = {}
    for found in of_layers:
        layers, places = layers_and_places(found)
        change[found] = entry(f"{name_of(found)} at {layers}", *places)
    return expr.xreplace(change)


def opaque(expr: sp.Expr, scope: Scope, seen: dict[Any, sp.Symbol]) -> sp.Expr:
    """Derivatives of expressions as symbols, the same for the same expression."""
    slopes = [n for n in nodes(expr) if type(n).__name__ == "slope"]
    change = {}
    for node in slopes:
        inner, by = node.args
        local = replace(scope, indices={**scope.indices, **letters_in(inner, scope)})
        key = (read(inner, local).key, str(by))
        change[node] = seen.setdefault(key, sp.Symbol(f"slope{len(seen)}"))
    return expr.xreplace(change)


def letters_in(expr: sp.Expr, scope: Scope) -> dict[str, Ix]:
    """Indices that a sum around an expression binds: their letters alone tell them apart."""
    letters = (e.name for e in entries(expr) if isinstance(e, sp.Symbol) and e.is_integer)
    return {c: Ix(c, "?") for c in letters if c not in scope.indices and c not in scope.sizes}
