"""Numbers, powers, products and sums of terms, in the order in which people write them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import sympy as sp

from ..expressions import entries, is_entry, name_of, subscripts_of
from ..notation import Direct, Iverson, Partial
from ..statements import Average
from .printer import FUNCTIONS, Printer, bracketed, writes


@writes(sp.Rational)
def write_rational(p: Printer, expr: Any) -> str:
    sign = "-" if expr < 0 else ""
    size = abs(expr)
    if decimal := as_decimal(size):
        return sign + in_powers_of_ten(decimal)
    if size.p == 1 and size.q >= 1024 and size.q.bit_count() == 1:
        return f"{sign}2^{{-{size.q.bit_length() - 1}}}"
    return sign + (str(size.p) if size.q == 1 else rf"\frac{{{size.p}}}{{{size.q}}}")


def as_decimal(number: Any) -> str:
    """A decimal fraction that was given as one: 0.044715, but neither 1/8 nor 2 to the -24."""
    q = number.q
    if q < 1000:
        return ""
    while q % 2 == 0:
        q //= 2
    while q % 5 == 0:
        q //= 5
    decimal = format(float(number), ".15g") if q == 1 else ""
    return decimal if decimal and sp.Rational(decimal) == number else ""


def in_powers_of_ten(decimal: str) -> str:
    """``1.5e-08`` as people write it."""
    digits, _, exponent = decimal.partition("e")
    if not exponent:
        return digits
    power = f"10^{{{int(exponent)}}}"
    return power if digits == "1" else rf"{digits} \cdot {power}"


@writes(sp.Pow)
def write_power(p: Printer, expr: Any) -> str:
    base, exponent = expr.base, expr.exp
    if (exponent.is_number and exponent.is_negative) or (-exponent).is_Symbol:
        return write_product(p, expr)
    if exponent == sp.Rational(1, 2):
        return rf"\sqrt{{{p(base)}}}"
    up = f"^{{{write_exponent(p, exponent)}}}"
    if type(base).__name__ in FUNCTIONS and len(base.args) == 1:
        name = FUNCTIONS[type(base).__name__]
        return f"{name}{up}{bracketed(p(base.args[0]))}"
    if p.is_adjoint(base) or not (is_entry(base) or base.is_Integer):
        return bracketed(p(base)) + up
    return p(base) + up


def write_exponent(p: Printer, exponent: Any) -> str:
    """In one line, for what is raised is small."""
    if exponent.is_Rational and exponent.q != 1:
        return f"{exponent.p}/{exponent.q}"
    return Printer(replace(p.style, slashed=True))(exponent)


# --------------------------------------------------------------------------
# Products
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Fraction:
    """A product, sorted out: a number, what is above and what is below the bar."""

    negative: bool
    number: Any
    above: tuple[Any, ...]
    below: tuple[Any, ...]


def fraction_of(expr: Any) -> Fraction:
    number, above, below = sp.S.One, [], []
    roots_above, roots_below = sp.S.One, sp.S.One
    joined_roots = roots_of(expr)
    for factor in sp.Mul.make_args(expr):
        content, factor = without_denominator(factor)
        number *= content
        base, exponent = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
        if factor.is_Rational:
            number *= factor
        elif factor in joined_roots:
            if exponent > 0:
                roots_above *= base
            else:
                roots_below *= base
        elif (exponent.is_number and exponent.is_negative) or (-exponent).is_Symbol:
            below.append(base**-exponent)
        else:
            above.append(factor)
    # SymPy writes 1/sqrt(2) as sqrt(2)/2.
    whole, others = roots_above.as_coeff_Mul()
    if whole.is_Integer and whole > 1 and number.q % whole == 0:
        number, roots_above, roots_below = number * whole, others, roots_below * whole
    if roots_above != 1 and roots_below != 1:
        above.insert(0, sp.Pow(roots_above / roots_below, sp.Rational(1, 2), evaluate=False))
    elif roots_above != 1:
        above.insert(0, sp.Pow(roots_above, sp.Rational(1, 2), evaluate=False))
    elif roots_below != 1:
        below.insert(0, sp.Pow(roots_below, sp.Rational(1, 2), evaluate=False))
    return Fraction(bool(number < 0), abs(number), tuple(above), tuple(below))


def roots_of(expr: Any) -> Collection[Any]:
    """The square roots in a product that are written as one, for SymPy takes them apart.

    Two numbers may both be negative, and their product has a root. So of what may be negative
    at most one is among them, and it stands above the bar.
    """
    powers = [f for f in sp.Mul.make_args(expr) if isinstance(f, sp.Pow)]
    roots = [f for f in powers if abs(f.exp) == sp.Rational(1, 2)]
    safe = [f for f in roots if f.base.is_nonnegative]
    doubtful = [f for f in roots if f not in safe]
    return roots if len(doubtful) == 1 and doubtful[0].exp > 0 else safe


def without_denominator(expr: Any) -> tuple[Any, Any]:
    """``1/2 + x/2`` as 1/2 and ``1 + x``: SymPy multiplies numbers into sums by itself."""
    if not isinstance(expr, sp.Add):
        return sp.S.One, expr
    coefficients = [term.as_coeff_Mul()[0] for term in expr.args]
    common = {c.q for c in coefficients if c.is_Rational}
    if len(common) != 1 or not all(c.is_Rational for c in coefficients) or common == {1}:
        return sp.S.One, expr
    (q,) = common
    return sp.Rational(1, q), sp.Add(*(term * q for term in expr.args))


@writes(sp.Mul)
def write_product(p: Printer, expr: Any) -> str:
    negative, factors = product_parts(p, expr)
    return ("-" if negative else "") + joined(factors)


def product_parts(p: Printer, expr: Any) -> tuple[bool, list[str]]:
    """The sign of a product, and its factors as text in the order of reading."""
    parts = fraction_of(expr)
    above = in_chains(sorted(parts.above, key=lambda f: factor_key(p, f)))
    flat = [f for f in above if is_flat(f)]
    tall = [f for f in above if not is_flat(f)]
    below = sorted(parts.below, key=lambda f: factor_key(p, f))
    over, under = parts.number.p, parts.number.q

    if is_mean(parts) and not all(f.is_Symbol for f in flat):  # alpha / r is one factor
        size = rf"\frac{{1}}{{{p(below[0])}}}"
        number = [] if over == 1 else [str(over)]
        return parts.negative, number + written(p, [*flat, *tall[:-1]]) + [size, p(tall[-1])]
    front: list[str] = []
    rest = above
    if not below and (decimal := as_decimal(parts.number)):
        front, over, under = [in_powers_of_ten(decimal)], 1, 1
    lone = len(above) == 1 and (isinstance(above[0], sp.Add) if below else len(flat) == 1)
    if (below and flat) or (lone and (below or under != 1)):
        top, rest = (flat, tall) if flat else (tall, [])
        whole = isinstance(top[0], sp.Add) and over == 1
        numerator = [p(top[0])] if whole else [str(over)] * (over != 1) + written(p, top)
    else:
        numerator = [str(over)]
    if below or under != 1:
        single = len(below) == 1 and under == 1
        denominator = [p(below[0])] if single else written(p, below)
        denominator = [str(under)] * (under != 1) + denominator
        front.append(over_bar(joined(numerator), joined(denominator), p.style.slashed and not rest))
    elif over != 1:
        front.append(str(over))
    texts = front + written(p, rest)
    return parts.negative, texts or ["1"]


def in_chains(factors: Sequence[Any]) -> list[Any]:
    """Slopes by the chain rule, each where the one before it ends: dL/dy, then dy/dx."""
    slopes = [f for f in factors if isinstance(f, Partial)]
    ordered: list[Any] = []
    while slopes:
        entered = {slope.entry for slope in slopes}
        goes_on = [s for s in slopes if ordered and s.quantity == ordered[-1].entry]
        begins = [s for s in slopes if s.quantity not in entered]
        ordered.append((goes_on or begins or slopes)[0])
        slopes.remove(ordered[-1])
    chain = iter(ordered)
    return [next(chain) if isinstance(f, Partial) else f for f in factors]


def over_bar(above: str, below: str, slashed: bool) -> str:
    """A fraction, with a slash where it stands alone in a line of prose."""
    if not slashed:
        return rf"\frac{{{above}}}{{{below}}}"
    top = bracketed(above) if re.search(" [+-] ", above) else above
    return f"{top} / " + (bracketed(below) if " " in outside_braces(below) else below)


def outside_braces(text: str) -> str:
    """The text less what is in braces: what is left of ``\\sqrt{v + eps}`` is one factor."""
    while (inner := re.sub(r"\{[^{}]*\}", "", text)) != text:
        text = inner
    return text


def is_mean(parts: Fraction) -> bool:
    """Is this a mean with factors: one sum, and below the bar only its size?"""
    sums = [f for f in parts.above if isinstance(f, sp.Sum)]
    return (
        len(sums) == 1
        and len(sums[0].limits) == 1
        and parts.number.q == 1
        and parts.below == (sums[0].limits[0][2] + 1,)
    )


def written(p: Printer, factors: Sequence[Any]) -> list[str]:
    """Factors as text, in brackets where they would run into their neighbours."""
    result = []
    for position, factor in enumerate(factors):
        last = position == len(factors) - 1
        if isinstance(factor, sp.Add) or (isinstance(factor, sp.Sum) and not last):
            text = bracketed(p(factor))
            if len(factors) == 1 and isinstance(factor, sp.Sum):
                text = p(factor)
        elif isinstance(factor, sp.log):
            text = p(factor) if last else rf"\log{bracketed(p(factor.args[0]))}"
        else:
            text = p(factor)
        result.append(text)
    return result


def is_flat(factor: Any) -> bool:
    """Does this factor look well above a fraction bar?"""
    base = factor.base if isinstance(factor, sp.Pow) else factor
    return not isinstance(base, sp.Add | sp.Sum | Partial)


#: A name or a part of one that is not slanted: d, lse, mask.
UPRIGHT = r"\\mathrm\{[A-Za-z]+\}"


def joined(factors: Sequence[str]) -> str:
    """Side by side, with a thin space beside upright names: a gradient's, as before dx in an
    integral, and whole words, which would run into one another."""
    text = ""
    for factor in factors:
        if text and factor[:1].isdigit():
            text += r" \cdot "
        elif text and (re.match(r"\{?" + UPRIGHT, factor) or re.search(UPRIGHT + "[^ ]*$", text)):
            text += r" \, "
        elif text:
            text += " "
        text += factor
    return text


#: Functions, deltas, brackets, gradients: a slope stands before what it is the slope for. The
#: chain rule starts at the loss. A logarithm before a bracket would seem to be that of the bracket.
PLACES = (
    (4, sp.KroneckerDelta | Iverson),
    (5, sp.Add),
    (6, sp.log),
    (8, Partial),
    (9, Direct),
    (10, sp.Sum),
    (3, sp.Function),
)


def factor_key(p: Printer, factor: Any) -> tuple[Any, ...]:
    """Scalars, entries by the indices they carry, functions, deltas, derivatives, sums; of the
    same base the highest power."""
    base, power = factor.as_base_exp() if isinstance(factor, sp.Pow) else (factor, sp.S.One)
    adjoint = p.is_adjoint(base)
    if base.is_number or (base.is_Symbol and base.is_positive):
        kind = 0  # numbers and sizes
    elif is_entry(base):
        # The indices of matrices say where each stands; a vector of gradients stands last.
        rank = len(subscripts_of(base))
        kind = 7 if adjoint and rank < 2 else min(rank, 1) + 1
    else:
        kind = next((place for place, known in PLACES if isinstance(base, known)), 3)
    name = name_of(base) if is_entry(base) else ""
    if isinstance(base, Average):  # by what it is the average of
        name = next((n for n in p.style.names if n in set(map(name_of, entries(base)))), "")
    place = p.style.names.index(name) if name in p.style.names else len(p.style.names)
    letters = tuple(map(plain, subscripts_of(base)))
    degree = -float(power) if power.is_number else 0.0  # x^2 + x y + y^2
    return kind, letters, adjoint, place, name.lower(), plain(base), degree, plain(factor)


@lru_cache(maxsize=10_000)
def plain(expr: Any) -> str:
    """What settles an order in the end: the same few expressions are asked for again and again."""
    return str(expr)


# --------------------------------------------------------------------------
# Sums of terms
# --------------------------------------------------------------------------


@writes(sp.Add)
def write_terms(p: Printer, expr: Any) -> str:
    content, inner = without_denominator(expr)
    if content != 1:
        return write_product(p, sp.Mul(content, inner, evaluate=False))
    return "".join(text for text, _ in signed_terms(p, expr))


def signed_terms(p: Printer, expr: Any) -> list[tuple[str, Any]]:
    """The terms as text, each but the first led by its sign: positive ones first."""
    texts: list[tuple[str, Any]] = []
    for term in sorted(expr.args, key=lambda t: term_key(p, t)):
        text = p(term)
        if texts:
            text = f" - {text[1:]}" if text.startswith("-") else f" + {text}"
        texts.append((text, term))
    return texts


def term_key(p: Printer, term: Any) -> tuple[Any, ...]:
    factors = [f for f in sp.Mul.make_args(term) if not f.is_number]
    negative = bool(sp.Mul.make_args(term)[0].is_negative) or bool(
        term.is_number and term.is_negative
    )
    offset = len(factors) == 1 and is_entry(factors[0]) and name_of(factors[0]) in p.style.offsets
    degree = sum(f.exp if isinstance(f, sp.Pow) and f.exp.is_Integer else 1 for f in factors)
    keys = sorted(factor_key(p, f) for f in factors)
    if p.style.descending:
        degree = -degree
    return negative, offset, term.has(sp.Sum), degree, keys
