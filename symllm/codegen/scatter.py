"""Scattered sums: each term goes to the row that a looked-up subscript names.

They are what gathers turn into on the way back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sympy as sp

from .contraction import Indices, factors_of
from .functions import Total, indices_of, is_index


@dataclass(frozen=True)
class Scatter:
    """``y[a, k] = sum_i [a = t[i]] g[i, k]``: the rows ``t[i]``, and what is added there."""

    rows: sp.Indexed
    added: sp.Expr
    #: The order of axes in which to add: those of the rows, then those of a row.
    order: Indices


def scatter_of(value: sp.Expr, indices: Sequence[sp.Symbol]) -> Scatter | None:
    """The value of a name with these indices as a scattered sum, if it is one."""
    if type(value) is not Total or not indices:
        return None
    factors = factors_of(value.body)
    deltas = [f for f in factors if isinstance(f, sp.KroneckerDelta)]
    looked_up = [a for d in deltas for a in d.args if isinstance(a, sp.Indexed)]
    if len(deltas) != 1 or len(looked_up) != 1 or indices[0] not in deltas[0].args:
        return None
    (rows,) = looked_up
    added = sp.Mul(*(f for f in factors if f not in deltas))
    order = (*rows.indices, *indices[1:])
    if not all(map(is_index, rows.indices)) or set(rows.indices) != set(value.bound):
        return None
    return Scatter(rows, added, order) if set(indices_of(added)) == set(order) else None
