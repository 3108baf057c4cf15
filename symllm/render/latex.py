"""SymPy to the one LaTeX dialect of every page.

What it emits is read alike by LaTeX with amsmath, by KaTeX in its strict mode
and by pandoc: no macros, no operator names, no negative spaces. SymPy's own
printer knows nothing of our notation and orders factors for machines; here
they come in the order in which people write them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from ..equation import Call, Callee
from ..expressions import is_entry, name_of, subscripts_of
from ..notation import Iverson, Layer, Partial
from ..statements import Average, E
from . import matrices, products  # noqa: F401  (their writers enter the table)
from .names import subscript_list
from .printer import FUNCTIONS, PLAIN, Printer, Style, bracketed, writes

RELATIONS = {"<=": r"\le", "<": "<", ">=": r"\ge", ">": ">", "==": "=", "!=": r"\ne"}
CALLS = {"sigmoid": r"\sigma", "tanh": r"\tanh"}


def latex(expr: Any, style: Style = PLAIN) -> str:
    """The LaTeX of a SymPy expression or of a call of an op."""
    return Printer(style)(expr)


# --------------------------------------------------------------------------
# Names, indices, brackets of truth, derivatives
# --------------------------------------------------------------------------


@writes(sp.Symbol, sp.Indexed)
def write_entry(p: Printer, expr: Any) -> str:
    name, subscripts = p.name(name_of(expr)), subscripts_of(expr)
    if subscripts and isinstance(subscripts[0], Layer):
        layer, *rest = subscripts
        place = " + ".join(map(p, layer.args[0].as_ordered_terms()))
        head = rf"{name.head}^{{({place})}}"
        return f"{{{replace(name, head=head).at(map(p, rest))}}}"  # it may be raised to a power
    return name.at(map(p, subscripts))


@writes(sp.KroneckerDelta)
def write_delta(p: Printer, expr: Any) -> str:
    left, right = sorted(expr.args, key=lambda s: (not p.is_index(s), str(s)))
    if p.is_index(left) and p.is_index(right):
        return rf"\delta_{subscript_list([p(left), p(right)])}"
    return f"[{p(left)} = {p(right)}]"


@writes(Iverson)
def write_iverson(p: Printer, expr: Any) -> str:
    slashed = Printer(replace(p.style, slashed=True))  # a condition is read in one line
    return bracketed(slashed(expr.args[0]), "[", "]")


@writes(Relational)
def write_relation(p: Printer, expr: Any) -> str:
    return f"{p(expr.lhs)} {RELATIONS[expr.rel_op]} {p(expr.rhs)}"


@writes(Partial)
def write_partial(p: Printer, expr: Any) -> str:
    above, below, of = partial_parts(p, expr)
    if p.style.slashed and not of:
        return f"{above} / {below}"
    return rf"\frac{{{above}}}{{{below}}}" + (f" {of}" if of else "")


def partial_parts(p: Printer, expr: Any) -> tuple[str, str, str]:
    """What is above the bar, what is below, and a quantity that is too long to be above."""
    quantity, entries = expr, []
    while isinstance(quantity, Partial):
        entries.append(quantity.entry)
        quantity = quantity.quantity
    entries.reverse()
    order = "" if len(entries) == 1 else f"^{{{len(entries)}}}"
    below = r" \, ".join(rf"\partial {p(e)}" for e in entries)
    if len(entries) > 1 and len(set(entries)) == 1:
        below = rf"\partial {p(entries[0])}{order}"
    if is_entry(quantity):
        space = r" \," if p.is_adjoint(quantity) else ""
        return rf"\partial{order}{space} {p(quantity)}", below, ""
    inner = p(quantity)
    return rf"\partial{order}", below, bracketed(inner) if is_loose(quantity) else inner


def is_loose(expr: Any) -> bool:
    """Would this fall apart as a factor or as a base?"""
    return isinstance(expr, sp.Add | sp.Mul | sp.Sum) or (expr.is_number and expr.is_negative)


# --------------------------------------------------------------------------
# Functions and sums
# --------------------------------------------------------------------------


@writes(sp.exp, sp.Function)
def write_function(p: Printer, expr: Any) -> str:
    name = FUNCTIONS.get(type(expr).__name__) or rf"\mathrm{{{type(expr).__name__}}}"
    return f"{name}{bracketed(', '.join(p(a) for a in expr.args))}"


@writes(sp.Max, sp.Min)
def write_max(p: Printer, expr: Any) -> str:
    ordered = sorted(expr.args, key=lambda a: (bool(a.is_number), str(a)))
    return f"{FUNCTIONS[type(expr).__name__]}{bracketed(', '.join(p(a) for a in ordered))}"


@writes(Average)
def write_average(p: Printer, expr: Any) -> str:
    inner = ", ".join(map(p, expr.args))
    if isinstance(expr, E):
        return rf"\mathbb{{E}}{bracketed(inner, '[', ']')}"
    return rf"\mathrm{{{expr.letter}}}{bracketed(inner)}"


@writes(sp.log)
def write_log(p: Printer, expr: Any) -> str:
    """``log p_j`` needs no brackets; a product adds them where something follows."""
    if is_entry(expr.args[0]):
        return rf"\log {p(expr.args[0])}"
    return write_function(p, expr)


@writes(sp.Abs)
def write_abs(p: Printer, expr: Any) -> str:
    return rf"\left| {p(expr.args[0])} \right|"


@writes(sp.Heaviside)
def write_step(p: Printer, expr: Any) -> str:
    return f"[{p(expr.args[0])} > 0]"


@writes(sp.Sum)
def write_sum(p: Printer, expr: Any) -> str:
    head, body = sum_parts(p, expr)
    inner = p(body)
    if isinstance(body, sp.Add) or inner.startswith("-"):
        inner = bracketed(inner)
    return f"{head} {inner}"


def sum_parts(p: Printer, expr: Any) -> tuple[str, Any]:
    """The signs of sums that stand one in another, and what is under them."""
    limits: list[Any] = []
    body = expr
    while isinstance(body, sp.Sum):
        limits += reversed(body.limits)
        body = body.function
    plain = all(lower == 0 for _, lower, _ in limits)
    if plain and not p.style.ranges:
        letters = ", ".join(p(s) for s, *_ in limits)
        return rf"\sum_{subscript_list([letters])}", body
    signs = []
    for symbol, lower, upper in limits:
        # Arrays count from 0, papers from 1.
        start, end = (sp.S.One, upper + 1) if lower == 0 else (lower, upper)
        signs.append(rf"\sum_{{{p(symbol)}={p(start)}}}^{{{p(end)}}}")
    return " ".join(signs), body


# --------------------------------------------------------------------------
# Calls of ops
# --------------------------------------------------------------------------


@writes(Call)
def write_call(p: Printer, call: Call) -> str:
    """``softmax_j(S_ij)``: the subscript is the index that the op mixes."""
    name = CALLS.get(call.name) or rf"\mathrm{{{call.name}}}"
    if "_" in name:
        name = rf"\text{{{call.name.replace('_', '-')}}}"
    axes = call.at or tuple(dict.fromkeys(s for a in call.arguments for s in a.axes))
    under = subscript_list([p(s) for s in axes]) if mixes(call.program) else ""
    inner = ", ".join(p(a.value) for a in call.arguments)
    return f"{name}{'_' + under if under else ''}{bracketed(inner)}"


def mixes(program: Callee) -> bool:
    """Does an entry of the output depend on several entries of an input?"""
    return any(
        mixes(let.rhs.program)
        if isinstance(let.rhs, Call)
        else any(value.has(sp.Sum) for value in let.expressions)
        for let in program.equations
    )
