"""SymPy to one line of text, as a person would type it: ``p[i] (dp[i] - Σ_j p[j] dp[j])``.

The order of factors and terms is that of the documents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import lookup

import sympy as sp
from sympy.core.relational import Relational

from ..equation import Call, Let
from ..expressions import is_entry, name_of, subscripts_of
from ..notation import Iverson, Partial
from .names import SPELLED
from .printer import PLAIN, Printer, Style
from .products import (
    as_decimal,
    factor_key,
    fraction_of,
    is_flat,
    term_key,
    without_denominator,
)

#: What Unicode calls letters that we spell otherwise.
RENAMED = {"eps": "epsilon", "lambda": "lamda", "Lambda": "Lamda"}


def greek_letter(name: str) -> str:
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    return lookup(f"GREEK {case} LETTER {RENAMED.get(name, name).upper()}")


GREEK = {name: greek_letter(name) for name in SPELLED if name != "ell"}
GREEK["ell"] = "\N{SCRIPT SMALL L}"
ACCENTS = {"hat": "\N{COMBINING CIRCUMFLEX ACCENT}", "tilde": "\N{COMBINING TILDE}"}
RELATIONS = {"<=": "≤", ">=": "≥", "==": "=", "!=": "≠"}
FUNCTIONS = {"Max": "max", "Min": "min", "Abs": "abs"}
HALF = sp.Rational(1, 2)


@dataclass(frozen=True)
class Formula:
    """Prints expressions in the order of one style."""

    style: Style = PLAIN

    def __call__(self, expr: Any) -> str:
        for kind in type(expr).__mro__:
            if kind in WRITERS:
                return WRITERS[kind](self, expr)
        return str(expr)

    @property
    def order(self) -> Printer:
        return Printer(self.style)

    def let(self, let: Let) -> str:
        return f"{self(let.lhs)} = {self(let.rhs)}"


Writer = Callable[[Formula, Any], str]


def spelled(name: str) -> str:
    """``dxhat`` as dx̂ and ``gamma`` as γ; what is neither stays as it is."""
    if name[:1] == "d" and (inner := spelled(name[1:])) != name[1:]:
        return f"d{inner}"
    for ending, accent in ACCENTS.items():
        stem = name.removesuffix(ending)
        if stem != name and len(bare := spelled(stem)) == 1:
            return bare + accent
    return GREEK.get(name, name)


def write_entry(p: Formula, expr: Any) -> str:
    inner = ", ".join(map(p, subscripts_of(expr)))
    return spelled(name_of(expr)) + (f"[{inner}]" if inner else "")


def write_number(p: Formula, expr: Any) -> str:
    decimal = as_decimal(abs(expr))
    return ("-" if expr < 0 else "") + decimal if decimal else str(expr)


def write_sum(p: Formula, expr: Any) -> str:
    signs = " ".join(f"Σ_{symbol}" for symbol, *_ in reversed(expr.limits))
    return f"{signs} {operand(p, expr.function)}"


def write_terms(p: Formula, expr: Any) -> str:
    content, _ = without_denominator(expr)
    if content != 1:
        return write_product(p, expr)
    texts = [p(term) for term in sorted(expr.args, key=lambda t: term_key(p.order, t))]
    return signed(texts)


def signed(terms: Sequence[str]) -> str:
    """Terms side by side, each but the first led by its sign."""
    rest = (f" - {t[1:]}" if t.startswith("-") else f" + {t}" for t in terms[1:])
    return "".join((terms[0], *rest))


def write_product(p: Formula, expr: Any) -> str:
    parts = fraction_of(expr)
    above, below = (
        sorted(side, key=lambda f: factor_key(p.order, f)) for side in (parts.above, parts.below)
    )
    flat = [f for f in above if is_flat(f)]
    tall = [f for f in above if not is_flat(f)]
    over, under = str(parts.number.p), str(parts.number.q)
    if not below and (decimal := as_decimal(parts.number)):
        over, under = decimal, "1"
    top = [over] * (over != "1") + written(p, flat)
    bottom = [under] * (under != "1") + written(p, below)
    lone = not top and len(tall) == 1 and isinstance(tall[0], sp.Add)
    if lone and bottom:
        top, tall = [f"({p(tall[0])})"], []
    sign = "-" if parts.negative else ""
    if not bottom:
        return sign + (" ".join([*top, *written(p, tall)]) or "1")
    fraction = f"{' '.join(top) or '1'} / {joined_below(bottom)}"
    return sign + (" ".join([f"({fraction})", *written(p, tall)]) if tall else fraction)


def joined_below(factors: Sequence[str]) -> str:
    return factors[0] if len(factors) == 1 else f"({' '.join(factors)})"


def written(p: Formula, factors: Sequence[Any]) -> list[str]:
    """Factors in brackets where they would run into what follows."""
    last = len(factors) - 1
    return [
        f"({p(f)})" if isinstance(f, sp.Sum) and k != last else operand(p, f)
        for k, f in enumerate(factors)
    ]


def operand(p: Formula, expr: Any) -> str:
    return f"({p(expr)})" if isinstance(expr, sp.Add) else p(expr)


def write_power(p: Formula, expr: Any) -> str:
    base, exponent = expr.base, expr.exp
    if exponent.is_number and exponent.is_negative:
        return write_product(p, expr)
    if exponent == HALF:
        return f"√{p(base)}" if is_entry(base) or base.is_Integer else f"√({p(base)})"
    power = p(exponent) if exponent.is_Integer or is_entry(exponent) else f"({p(exponent)})"
    return f"{p(base) if is_entry(base) or base.is_Function else f'({p(base)})'}^{power}"


def write_partial(p: Formula, expr: Any) -> str:
    """The second derivative of u by x and y is ``∂²u/∂x∂y``."""
    entries = []
    while isinstance(expr, Partial):
        entries.append(expr.entry)
        expr = expr.quantity
    order = "" if len(entries) == 1 else "²³⁴"[len(entries) - 2]
    above = p(expr) if is_entry(expr) else f"({p(expr)})"
    return f"∂{order}{above}/" + "".join(f"∂{p(e)}" for e in reversed(entries))


def write_delta(p: Formula, expr: Any) -> str:
    left, right = sorted(map(p, expr.args))
    return f"[{left} = {right}]"


def write_bracket(p: Formula, expr: Any) -> str:
    return f"[{p(expr.args[0])}]"


def write_step(p: Formula, expr: Any) -> str:
    return f"[{p(expr.args[0])} > 0]"


def write_relation(p: Formula, expr: Any) -> str:
    return f"{p(expr.lhs)} {RELATIONS.get(expr.rel_op, expr.rel_op)} {p(expr.rhs)}"


def write_function(p: Formula, expr: Any) -> str:
    name = type(expr).__name__
    return f"{FUNCTIONS.get(name, name)}({', '.join(map(p, expr.args))})"


def write_call(p: Formula, call: Call) -> str:
    inner = ", ".join(p(a.value) for a in call.arguments)
    at = ", ".join(map(p, call.at))
    return f"{call.name}({inner})" + (f"[{at}]" if at else "")


# --------------------------------------------------------------------------
# Matrices
# --------------------------------------------------------------------------


def write_matrix_name(p: Formula, expr: Any) -> str:
    return spelled(str(expr.name))


def write_matrix_product(p: Formula, expr: Any) -> str:
    scalar, matrices = expr.as_coeff_matrices()
    product = " ".join(matrix_factor(p, m) for m in matrices)
    if abs(scalar) == 1:
        return f"-{product}" if scalar == -1 else product
    above, below = sp.fraction(scalar)
    front = "" if above == 1 else "-" if above == -1 else f"{p(above)} "
    return f"{front}{product}" + ("" if below == 1 else f" / {operand(p, below)}")


def write_matrix_sum(p: Formula, expr: Any) -> str:
    return signed(sorted(map(p, expr.args), key=lambda text: text.startswith("-")))


def write_hadamard(p: Formula, expr: Any) -> str:
    return " ⊙ ".join(matrix_factor(p, a) for a in expr.args)


def write_ones(p: Formula, expr: Any) -> str:
    """A column of ones, a row of ones, or the matrix that is their product."""
    column, row = ["1"] * (expr.rows != 1), ["1ᵀ"] * (expr.cols != 1)
    return " ".join(column + row) or "1"


def matrix_factor(p: Formula, expr: Any) -> str:
    loose = isinstance(expr, sp.MatAdd | sp.MatMul | sp.HadamardProduct)
    return f"({p(expr)})" if loose else p(expr)


#: How each kind of expression is written; a subclass is looked up before its base.
WRITERS: dict[type, Writer] = {
    sp.Symbol: write_entry,
    sp.Indexed: write_entry,
    sp.Rational: write_number,
    sp.Sum: write_sum,
    sp.Add: write_terms,
    sp.Mul: write_product,
    sp.Pow: write_power,
    Partial: write_partial,
    sp.KroneckerDelta: write_delta,
    Iverson: write_bracket,
    sp.Heaviside: write_step,
    Relational: write_relation,
    sp.exp: write_function,
    sp.Function: write_function,
    sp.Max: write_function,
    sp.Min: write_function,
    Call: write_call,
    type(sp.pi): lambda p, expr: "π",
    sp.MatrixSymbol: write_matrix_name,
    sp.Transpose: lambda p, expr: matrix_factor(p, expr.arg) + "ᵀ",
    sp.MatMul: write_matrix_product,
    sp.MatAdd: write_matrix_sum,
    sp.HadamardProduct: write_hadamard,
    sp.OneMatrix: write_ones,
    sp.DiagMatrix: lambda p, expr: f"diag({p(expr.args[0])})",
}
