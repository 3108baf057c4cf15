"""Claims and truths in one normal form: proofs, and the terms in which two sides differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from math import comb

import sympy as sp

from ..algebra.read import read
from ..algebra.terms import Ix, Poly
from ..algebra.write import Writer
from ..derive.prove import flat_of, levels, slope
from ..derive.system import System
from ..derive.textbook import Textbook
from ..equation import Let
from ..errors import NotationError
from ..expressions import Entry, entries, name_of, substitute
from .claim import Claim

#: Products of sums that would have more terms than this are not multiplied out.
MOST_TERMS = 2_000

#: A mistake is named by its terms where no more than these differ on either side.
FEW = 2

Sides = tuple[Poly, Poly]


def both_sides(
    sys: System, book: Textbook, claim: Claim, truths: Mapping[str, Let]
) -> Iterator[Sides]:
    """Both sides in normal form, in fewer and fewer names; nothing, if they have none.

    ``truths`` are equations of the derivatives that the claim mentions.
    """
    definitions = {let.name: let for let, _ in claim.definitions}
    left, right = (inlined(side, definitions, truths) for side in (claim.left, claim.right))
    if max(size(left), size(right)) > MOST_TERMS:
        return
    indices = tuple(Ix(str(s), d.name) for s, d in claim.free)
    scope = flat_of(sys).scope(indices)
    scope = replace(scope, slope=partial(slope, sys, book))
    try:
        yield from levels(sys, book, read(left, scope), read(right, scope))
    except (NotationError, ZeroDivisionError, ValueError, RecursionError):
        return


def inlined(expr: sp.Expr, *equations: Mapping[str, Let]) -> sp.Expr:
    """An expression with names written out by these equations, the latest first."""
    for known in equations:
        for name in reversed(list(known)):
            if any(name_of(e) == name for e in entries(expr)):
                expr = substitute(expr, {}, {name: instead(known[name])})
    return expr


def instead(let: Let) -> Entry:
    return lambda subs: substitute(let.rhs, dict(zip(let.indices, subs, strict=True)))


def size(expr: sp.Basic) -> int:
    """About how many terms an expression has when it is multiplied out."""
    inner = [size(arg) for arg in expr.args]
    if isinstance(expr, sp.Add):
        return min(sum(inner), MOST_TERMS + 1)
    if isinstance(expr, sp.Mul):
        product = 1
        for count in inner:
            product = min(product * count, MOST_TERMS + 1)
        return product
    if isinstance(expr, sp.Pow) and expr.exp.is_Integer and expr.exp > 1:
        return min(comb(inner[0] + int(expr.exp) - 1, int(expr.exp)), MOST_TERMS + 1)
    return max(inner, default=1)


def difference(sides: Iterator[Sides]) -> Sides | None:
    """The terms that only one side has, where both share the others and these are few."""
    best: Sides | None = None
    for left, right in sides:
        if len(left.terms) > MOST_TERMS or len(right.terms) > MOST_TERMS:
            break
        only_left, only_right = left - shared(left, right), right - shared(left, right)
        few = max(len(only_left.terms), len(only_right.terms)) <= FEW
        if few and shared(left, right) and (best is None or fewer((only_left, only_right), best)):
            best = only_left, only_right
    return best


def shared(left: Poly, right: Poly) -> Poly:
    return Poly({mono: c for mono, c in left.terms.items() if right.terms.get(mono) == c})


def fewer(one: Sides, other: Sides) -> bool:
    return sum(len(p.terms) for p in one) < sum(len(p.terms) for p in other)


def written(sys: System, sides: Sides) -> tuple[sp.Expr, sp.Expr]:
    """Terms as SymPy expressions."""
    writer = Writer(sys.letters)
    left, right = (writer.poly(side) for side in sides)
    return left, right
