"""Steps: what was rewritten, into what, by which rule and why."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp


@dataclass(frozen=True)
class Step:
    """``before == after``, by a named rule, for a reason said in words.

    ``target`` is the quantity that both sides are equal to (``dx[i]``, say, a
    name for dL/dx_i). ``lemma`` names the derivation that a step cites, as in
    ``"softmax"``.
    """

    target: sp.Expr
    before: sp.Expr
    after: sp.Expr
    rule: str
    reason: str
    lemma: str = ""
