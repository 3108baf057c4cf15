"""What calculations and optima show, read back in the setting that they are about."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp
from round_trip import Shown, named, same
from sympy.core.relational import Relational

from symllm.calculations import Calculation, sides_of
from symllm.elaborate import elaborated, is_explicit
from symllm.equation import Let
from symllm.errors import NotationError, VerificationError
from symllm.latex.claim import Expression, read_expression
from symllm.latex.context import Context
from symllm.latex.theory import context_in
from symllm.notation import Dim
from symllm.optima import Optimum
from symllm.relations import compare
from symllm.render.calculation import chain_style
from symllm.render.printer import Style, style_of
from symllm.setting import Setting
from symllm.statements import Equals, Random


@dataclass(frozen=True)
class Stated(Shown):
    """An expression as a calculation or an optimum shows it."""

    setting: Setting


@dataclass(frozen=True)
class Page:
    """What is known where a formula of a calculation stands."""

    setting: Setting
    style: Style
    context: Context
    dims: dict[sp.Symbol, Dim]

    def stated(self, where: str, expr: Any, free: dict[sp.Symbol, Dim] | None = None) -> Stated:
        if free is None and not isinstance(expr, sp.MatrixExpr):
            free = {s: self.dims[s] for s in self.setting.free_in(sp.sympify(expr))}
        return Stated(where, expr, free or {}, self.style, self.context, self.setting)

    def equation(self, where: str, let: Let) -> Iterator[Stated]:
        dims = self.setting.program.tensors[let.name].dims
        free = dict(zip(let.indices, dims, strict=True))
        yield self.stated(f"{where}, left", let.lhs, free)
        yield self.stated(f"{where}, right", let.rhs, free)


def page_of(setting: Setting, style: Style, sides: list[Any]) -> Page:
    plain = [sp.sympify(s) for s in sides if not isinstance(s, sp.MatrixExpr)]
    dims = {s: d for side in plain for s, d in setting.dims_in(side).items()}
    return Page(setting, style, context_in(setting, plain), dims)


def stated_in(value: Calculation | Optimum) -> Iterator[Stated]:
    """Every side of every link, definition, assumption, constraint, and of what is optimal."""
    setting = value.setting
    assumed = [s for a in setting.assuming if isinstance(a, Equals | Relational) for s in ends(a)]
    if isinstance(value, Calculation):
        groups = [value.start, *(link.after for link in value.links)]
        sides = [side for group in groups for s in group for side in sides_of(s)]
        page = page_of(setting, chain_style(value), [*sides, *assumed])
        for number, group in enumerate(groups):
            for side in (side for s in group for side in sides_of(s)):
                yield page.stated(f"link {number}", side)
    else:
        held = [side for e in value.subject_to for side in sides_of(e)]
        page = page_of(setting, style_of(setting.program), [value.objective, *held, *assumed])
        yield page.stated("objective", value.objective)
        for side in held:
            yield page.stated("constraint", side)
        for let in value.at:
            yield from page.equation("optimum", let)
    for let in setting.definitions:
        yield from page.equation("definition", let)
    slashed = replace(page, style=replace(page.style, slashed=True))
    for side in assumed:
        yield slashed.stated("assumption", side)
    for law in (a for a in setting.assuming if isinstance(a, Random)):
        dims = setting.program.tensors[law.name].dims
        free = dict(zip(law.indices, dims, strict=True))
        for side in (law.entry, law.mean, law.variance):
            yield slashed.stated(f"what is random of {law.name}", side, free)


def ends(assumed: Equals | Relational) -> tuple[Any, Any]:
    return assumed.lhs, assumed.rhs


def rank_of(expr: Any) -> int:
    return sum(size != 1 for size in expr.shape) if isinstance(expr, sp.MatrixExpr) else 0


def read_theory_back(stated: Stated) -> str:
    """Why a formula is not read back to itself; empty if it is."""
    rank = rank_of(stated.expr)
    errors = []
    for outcome in read_expression(stated.tex, stated.context, stated.free, rank):
        if outcome.found is None:
            errors.append(str(outcome.error))
        elif all(equal(a, b, stated) for a, b in pairs(stated, outcome.found)):
            return ""
        else:
            errors.append(f"{outcome.found.expr} instead of {stated.expr}")
    return "; ".join(errors)


def pairs(stated: Stated, found: Expression) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """The expression and what was read; of matrices, entry by entry."""
    expr, tensors = stated.expr, stated.setting.program.tensors
    if not isinstance(expr, sp.MatrixExpr):
        yield expr, found.expr
        return
    symbols = [symbol for symbol, _ in found.axes]
    if is_explicit(*expr.shape):
        for at in itertools.product(*(map(sp.Integer, range(int(size))) for size in expr.shape)):
            yield elaborated(expr, *at, tensors), found.expr.subs(dict(zip(symbols, at)))
        return
    row, column, *_ = [*symbols, sp.S.Zero, sp.S.Zero]
    row, column = (sp.S.Zero, row) if expr.rows == 1 else (row, column)
    yield elaborated(expr, row, column, tensors), found.expr


def equal(one: sp.Expr, other: sp.Expr, stated: Stated) -> bool:
    """Have both one normal form, or else the same value wherever the evaluator looks?"""
    sides = [named(sp.sympify(side), stated.context) for side in (one, other)]
    try:
        return same(*sides, stated)
    except NotationError:
        pass
    try:
        compare("=", one, other, tuple(stated.free.items()), stated.setting.points)
    except VerificationError:
        return False
    return True
