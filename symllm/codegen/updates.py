"""Changes of an array in place, one node of an expression at a time."""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from ..expressions import entries
from .constants import is_inverse
from .expressions import Expressions
from .functions import Allowed, Over, indices_of, is_index
from .layout import Slots
from .lines import names_in

IN_PLACE_FUNCTIONS = frozenset({"exp", "log", "tanh", "erf", "Sigmoid", "Expm1", "Log1p"})


@dataclass(frozen=True)
class Update:
    """One change, as a statement or as a function into the array; ``{0}`` is the array.

    A change without a function can only be a statement.
    """

    statement: str
    function: str = ""
    always_function: bool = False


def updates(
    write: Expressions, node: sp.Expr, child: sp.Expr, current: str, context: Slots
) -> list[Update]:
    """How to turn an array that holds the child into one that holds the node."""
    if isinstance(node, sp.Add):
        return additions(write, node, child, current, context)
    if isinstance(node, sp.Mul):
        return multiplications(write, node, child, context)
    if isinstance(node, Allowed):
        condition = write.condition(node.args[0], context)
        return [Update(write.target.forbid.format("{0}", condition))]
    name = "sqrt" if isinstance(node, sp.Pow) else type(node).__name__
    text = write.target.functions[name].format(write.target.into)
    return [Update(text, text, always_function=True)]


def update(write: Expressions, sign: str, operand: str) -> Update:
    function = write.target.operators[sign].format("{0}", operand, into="{0}")
    return Update(f"{{0}} {sign}= {operand}", function)


def additions(
    write: Expressions, node: sp.Add, child: sp.Expr, current: str, context: Slots
) -> list[Update]:
    """The other terms, added; first what still reads the array."""
    pieces = []
    elsewhere = []
    for term in node.args:
        if term == child:
            continue
        minus = bool(term.could_extract_minus_sign())
        amount = -term if minus else term
        if place := one_place(write, amount, context):
            elsewhere.append(Update(f"{{0}}[{place}] {'-' if minus else '+'}= 1"))
            continue
        piece = write.fitted(write.value(amount, context), context)
        read = [write.variables[n].text for n in names_in(term) if n in write.variables]
        pieces.append((current not in read, piece.rank, minus, piece.text))
    return [
        *(update(write, "-" if p[2] else "+", p[3]) for p in sorted(pieces)),
        *sorted(elsewhere, key=lambda found: found.statement),
    ]


def one_place(write: Expressions, term: sp.Expr, context: Slots) -> str:
    """The subscript at which ``[i = t[b]]`` is one, if there is one in each row."""
    if not isinstance(term, sp.KroneckerDelta):
        return ""
    for index, looked_up in (term.args, term.args[::-1]):
        rows = tuple(s for s in context if s != index)
        if index in context and is_name(looked_up) and not is_index(looked_up):
            found = write.fitted(write.value(looked_up, rows), rows)
            if found.slots == rows:
                at = (
                    found if s == index else write.fitted(write.value(s, rows), rows)
                    for s in context
                )
                return ", ".join(piece.text for piece in at)
    return ""


def multiplications(
    write: Expressions, node: sp.Mul, child: sp.Expr, context: Slots
) -> list[Update]:
    """The other factors, the small ones as one."""
    factors = [factor for factor in node.args if factor != child]
    full = [f for f in factors if set(indices_of(f)) >= set(context)]
    small = sp.Mul(*(f for f in factors if f not in full))
    if small == -1 and full:
        full[0], small = -full[0], sp.S.One
    above, below = small, sp.S.One
    if all(is_inverse(f) or is_fraction(f) for f in sp.Mul.make_args(small)):
        above, below = sp.S.One, 1 / small
    found = []
    for factor, sign in ((above, "*"), (below, "/"), *((f, "*") for f in full)):
        if factor == 1:
            continue
        if sign == "*" and is_inverse(factor):
            factor, sign = 1 / factor, "/"
        found.append(update(write, sign, write.fitted(write.value(factor, context), context).text))
    return found


def is_fraction(expr: sp.Expr) -> bool:
    return bool(expr.is_Rational) and expr.p == 1


def is_name(expr: sp.Expr) -> bool:
    return isinstance(expr, sp.Indexed | sp.Symbol)


def outer_reductions(expr: sp.Expr) -> list[sp.Expr]:
    """The reductions that are not inside another."""
    if isinstance(expr, Over):
        return [expr]
    if isinstance(expr, sp.Indexed):
        return []
    found = [node for arg in expr.args for node in outer_reductions(arg)]
    return list(dict.fromkeys(found))


def inner_terms(expr: sp.Expr) -> list[sp.Expr]:
    """Products of arrays that are terms of sums in the expression, but for those in reductions."""
    if isinstance(expr, Over | sp.Indexed):
        return []
    terms = [term for node in expr.args if isinstance(node, sp.Add) for term in node.args]
    own = [term for term in terms if term.as_coeff_Mul()[1].is_Mul and term.has(sp.Indexed)]
    return list(dict.fromkeys([*own, *(term for arg in expr.args for term in inner_terms(arg))]))


def first_reduction(node: sp.Expr, old: str) -> sp.Expr | None:
    """The one reduction of the old array that the innermost update may hold."""
    if not isinstance(node, sp.Add | sp.Mul):
        return None
    for part in sorted(node.args, key=str):
        inner = [r for r in outer_reductions(part) if old in names_in(r)]
        if len(inner) == 1:
            (one,) = inner
            small = set(indices_of(one)) < set(indices_of(node))
            if part in ((one, -one) if isinstance(node, sp.Add) else (1 / one,) * small):
                return one
    return None


def pointwise_entries(expr: sp.Expr) -> list[sp.Indexed]:
    """The entries outside all reductions, subscripts included."""
    if isinstance(expr, Over):
        return []
    if isinstance(expr, sp.Indexed):
        return [e for e in entries(expr) if isinstance(e, sp.Indexed)]
    return [e for arg in expr.args for e in pointwise_entries(arg)]


def can_update(node: sp.Expr) -> bool:
    """Is there a way to apply this to an array in place?"""
    if isinstance(node, sp.Pow):
        return bool(node.exp == sp.Rational(1, 2))
    return isinstance(node, sp.Add | sp.Mul | Allowed) or (
        isinstance(node, sp.Function) and type(node).__name__ in IN_PLACE_FUNCTIONS
    )


def path_to(expr: sp.Expr, entry: sp.Expr) -> list[sp.Expr] | None:
    """The nodes around an entry, outermost first, if all of them can be updates."""
    if expr == entry:
        return []
    if isinstance(expr, Over | sp.Indexed) or not can_update(expr):
        return None
    for child in expr.args[1:] if isinstance(expr, Allowed) else expr.args:
        rest = path_to(child, entry)
        if rest is not None:
            return [expr, *rest]
    return None
