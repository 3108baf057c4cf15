"""Comparing a result with a form that was typed by hand."""

from __future__ import annotations

import sympy as sp

from symllm.expressions import substitute


def lettered(expr: sp.Basic, depth: int = 0) -> sp.Basic:
    """The expression with its bound indices renamed by how deep they stand."""
    if isinstance(expr, sp.Sum):
        body, limits = expr.function, []
        for symbol, lower, upper in expr.limits:
            fresh = sp.Symbol(f"bound{depth}", integer=True)
            body, depth = substitute(body, {symbol: fresh}), depth + 1
            limits.append((fresh, lower, upper))
        return sp.Sum(lettered(body, depth), *limits)
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    return expr.func(*(lettered(arg, depth) for arg in expr.args))


def same(found: sp.Expr, expected: sp.Expr) -> None:
    assert lettered(found) == lettered(sp.sympify(expected)), f"{found} is not {expected}"
