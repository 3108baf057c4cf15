"""What pages say, read back: an expression, its LaTeX, and whether both are the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from symllm.algebra.read import Scope, read
from symllm.algebra.terms import Ix
from symllm.calls import with_aliases, without_calls
from symllm.derivation import Derivation
from symllm.equation import Call, Let
from symllm.expressions import entries, is_entry, name_of, nodes, subscripts_of, substitute
from symllm.latex.claim import read_expression
from symllm.latex.context import Context, context_of
from symllm.latex.scope import Wanted
from symllm.notation import LOSS, Dim, Partial, entry
from symllm.render.latex import latex
from symllm.render.printer import Style
from symllm.render.subject import page_style

Free = Mapping[sp.Symbol, Dim]


@dataclass(frozen=True)
class Shown:
    """An expression as a derivation shows it, with its free indices."""

    where: str
    expr: sp.Expr
    free: Free
    style: Style
    context: Context

    @property
    def tex(self) -> str:
        return latex(self.expr, self.style)


def context_for(derivation: Derivation) -> Context:
    """All names that a derivation's formulas speak of."""
    flat = without_calls(with_aliases(derivation.program))
    adjoints = [t.adjoint() for t in flat.tensors.values()]
    found = derivation.backward.tensors
    further = [t for name, t in found.items() if name not in flat.tensors]
    return context_of(flat, (*adjoints, *further), derivation.op.name)


def shown_in(derivation: Derivation) -> Iterator[Shown]:
    """Every side of every step, of every lemma and of the results and definitions."""
    style, context = page_style(derivation), context_for(derivation)
    steps = [*derivation.steps, *(s for fact in derivation.facts for s in fact.steps)]
    for number, step in enumerate(steps):
        for side in ("target", "before", "after"):
            where = f"step {number} {step.rule} {side}"
            yield Shown(where, getattr(step, side), dict(step.free), style, context)
    for fact in derivation.facts:
        yield Shown("fact", fact.lhs - fact.rhs, dict(fact.free), style, context)
    dims = derivation.backward.index_dims
    for let in (*derivation.result_equations, *derivation.where.values()):
        if not isinstance(let.rhs, Call) and let.name in dims:
            free = {s: dims[let.name][s] for s in let.indices}
            yield Shown(f"equation of {let.name}", let.rhs, free, style, context)


def named(expr: sp.Expr, context: Context) -> sp.Expr:
    """Derivatives of names as entries of tensors, as the reader has them."""

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
    if inner == LOSS:
        return entry(f"d{of}", *subs)
    if isinstance(inner, Partial) and inner.quantity == LOSS:
        other = inner.entry
        name = f"d2{context.loss}_d{of}2"
        return entry(name, *subscripts_of(other), *subs)
    if is_entry(inner):
        return entry(f"d{name_of(inner)}_d{of}", *subscripts_of(inner), *subs)
    return sp.Function("slope")(walk(inner), entry(of, *subs))


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


def same(one: sp.Expr, other: sp.Expr, shown: Shown) -> bool:
    """Have both one normal form?"""
    if one == other:
        return True
    dims = [d.name for d in shown.context.dims]
    indices = {s.name: Ix(s.name, d.name) for s, d in shown.free.items()}
    scope = Scope(indices, frozenset(dims))
    slopes: dict[Any, sp.Symbol] = {}
    sides = [opaque(side, scope, slopes) for side in (one, other)]
    return read(sides[0], scope) == read(sides[1], scope)


def opaque(expr: sp.Expr, scope: Scope, seen: dict[Any, sp.Symbol]) -> sp.Expr:
    """Derivatives of expressions as symbols, the same for the same expression."""
    slopes = [n for n in nodes(expr) if type(n).__name__ == "slope"]
    change = {}
    for node in slopes:
        inner, by = node.args
        inside = {s: s for s in inner.free_symbols}
        local = replace(scope, indices={**scope.indices, **letters_in(inner, scope)})
        key = (read(inner, local).key, str(by), len(inside) >= 0)
        change[node] = seen.setdefault(key, sp.Symbol(f"slope{len(seen)}"))
    return expr.xreplace(change)


def letters_in(expr: sp.Expr, scope: Scope) -> dict[str, Ix]:
    """Indices that a sum around an expression binds: their letters alone tell them apart."""
    letters = (e.name for e in entries(expr) if isinstance(e, sp.Symbol) and e.is_integer)
    return {c: Ix(c, "?") for c in letters if c not in scope.indices and c not in scope.sizes}


def read_back(shown: Shown) -> str:
    """Why a formula is not read back to itself; empty if it is."""
    outcomes = read_expression(shown.tex, shown.context, shown.free)
    expected = named(shown.expr, shown.context)
    errors = []
    for outcome in outcomes:
        if outcome.found is None:
            errors.append(str(outcome.error))
        elif same(expected, written_out(outcome.found.expr, outcome.found.wanted), shown):
            return ""
        else:
            errors.append(f"{outcome.found.expr} instead of {expected}")
    return "; ".join(errors)
