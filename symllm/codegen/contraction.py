"""Sums of products: which of them are matrix products, and of what.

A plan says what to do with two operands, as data; a target spells it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import sympy as sp

Indices = tuple[sp.Symbol, ...]
Kind = Literal["dot", "matmul", "rows", "flat", "tensordot", "einsum"]


@dataclass(frozen=True)
class Plan:
    """How to contract: the operands in order, which are transposed, and the axes that remain.

    ``matmul``: last two axes, operands perhaps transposed. ``rows``: dot
    products of the last axes. ``flat``: both operands as matrices, their
    leading axes made one. ``tensordot``: the axes to sum in each operand.
    """

    kind: Kind
    order: tuple[int, ...]
    result: Indices
    transposed: tuple[bool, bool] = (False, False)
    axes: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())


def factors_of(body: sp.Expr) -> tuple[sp.Expr, ...]:
    """The factors of a product; a square is two."""
    factors: list[sp.Expr] = []
    for factor in sp.Mul.make_args(body):
        base, power = factor.as_base_exp()
        if power == 2 and isinstance(base, sp.Indexed):
            factors += [base, base]
        else:
            factors.append(factor)
    return tuple(sorted(factors, key=lambda f: (not isinstance(f, sp.Indexed), str(f))))


def contraction_plan(
    operands: Sequence[Indices], bound: Sequence[sp.Symbol], wanted: Indices
) -> Plan:
    """The best way to sum the product of the operands over the bound indices."""
    if len(operands) == 2:
        first, second = operands
        plans = [
            *vector_plans(operands, bound),
            *matmul_plans(first, second, bound, (0, 1)),
            *matmul_plans(second, first, bound, (1, 0)),
            *flat_plans(operands, bound, wanted),
            *tensordot_plans(operands, bound, wanted),
        ]
        for plan in plans:
            if plan.result == wanted:
                return plan
    return Plan("einsum", tuple(range(len(operands))), wanted)


def broadcast(first: Indices, second: Indices) -> Indices | None:
    """The axes of two arrays that meet aligned to the right, if they fit."""
    long, short = (first, second) if len(first) >= len(second) else (second, first)
    return long if not short or long[-len(short) :] == short else None


def vector_plans(operands: Sequence[Indices], bound: Sequence[sp.Symbol]) -> list[Plan]:
    if len(bound) != 1 or any(not o or o[-1] != bound[0] for o in operands):
        return []
    first, second = operands
    if len(second) == 1:
        return [Plan("dot", (0, 1), first[:-1])]
    if len(first) == 1:
        return [Plan("dot", (1, 0), second[:-1])]
    lead = broadcast(first[:-1], second[:-1])
    same = lead in (first[:-1], second[:-1])
    return [Plan("rows", (0, 1), lead)] if lead is not None and same else []


def matmul_plans(
    left: Indices, right: Indices, bound: Sequence[sp.Symbol], order: tuple[int, int]
) -> list[Plan]:
    """``left @ right``, each perhaps with its last two axes swapped."""
    if len(bound) != 1:
        return []
    (k,) = bound
    if len(left) == 1 and left == (k,) and len(right) == 2:
        row = right[0] if right[1] == k else right[1]
        return [Plan("matmul", order, (row,), (False, right[1] == k))]
    if len(left) < 2 or len(right) < 2 or k not in left[-2:] or k not in right[-2:]:
        return []
    i = left[-2] if left[-1] == k else left[-1]
    j = right[-2] if right[-1] == k else right[-1]
    lead = broadcast(left[:-2], right[:-2])
    if lead is None or i == j or {i, j} & set(lead) or k in lead:
        return []
    return [Plan("matmul", order, (*lead, i, j), (left[-1] != k, right[-1] == k))]


def flat_plans(
    operands: Sequence[Indices], bound: Sequence[sp.Symbol], wanted: Indices
) -> list[Plan]:
    """Matrices of examples: ``a.reshape(-1, n).T @ b.reshape(-1, m)``."""
    lead = operands[0][:-1]
    if len(lead) < 2 or operands[1][:-1] != lead or set(lead) != set(bound):
        return []
    a, b = operands[0][-1], operands[1][-1]
    if a == b:
        return []
    order = (0, 1) if (a, b) == wanted else (1, 0)
    return [Plan("flat", order, tuple(operands[k][-1] for k in order))]


def tensordot_plans(
    operands: Sequence[Indices], bound: Sequence[sp.Symbol], wanted: Indices
) -> list[Plan]:
    """Any sum over shared axes where no other axis is shared."""
    plans = []
    for order in ((0, 1), (1, 0)):
        left, right = (operands[k] for k in order)
        if set(left) & set(right) != set(bound):
            continue
        axes = tuple(left.index(k) for k in bound), tuple(right.index(k) for k in bound)
        free = tuple(i for i in (*left, *right) if i not in bound)
        plans.append(Plan("tensordot", order, free, axes=axes))
    return plans
