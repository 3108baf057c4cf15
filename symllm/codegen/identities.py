"""Identities that make an expression safe to compute, each a row of a table.

A row holds the identity itself, in letters, so that a test can check it at
points; ``rewrite`` applies it to one node, or gives None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import sympy as sp

from ..expressions import name_of
from ..notation import Iverson
from .functions import Allowed, Expm1, Log1p, Over, Sigmoid, Softplus, Total, is_size

#: Is this value known to be positive?
Positive = Callable[[sp.Expr], bool]
#: Is this value known to be 0 or 1?
Binary = Callable[[sp.Expr], bool]


@dataclass(frozen=True)
class Knowledge:
    """What is known of names: which are positive, which are zero or one."""

    positive: frozenset[str] = frozenset()
    binary: frozenset[str] = frozenset()

    def is_positive(self, expr: sp.Expr) -> bool:
        if isinstance(expr, sp.exp | Sigmoid | Softplus) or is_size(expr):
            return True
        if isinstance(expr, sp.Symbol | sp.Indexed):
            return name_of(expr) in self.positive
        if isinstance(expr, Total):
            return self.is_positive(expr.body)
        if isinstance(expr, sp.Pow):
            return self.is_positive(expr.base)
        if isinstance(expr, sp.Add | sp.Mul):
            return all(map(self.is_positive, expr.args))
        return bool(expr.is_positive)

    def is_binary(self, expr: sp.Expr) -> bool:
        if isinstance(expr, sp.Symbol | sp.Indexed):
            return name_of(expr) in self.binary
        return isinstance(expr, Iverson)


@dataclass(frozen=True)
class Identity:
    name: str
    says: str
    before: sp.Expr
    after: sp.Expr
    rewrite: Callable[[sp.Expr, Knowledge], sp.Expr | None]


def one_plus_exp(expr: sp.Expr) -> sp.Expr | None:
    """The a of ``1 + exp(a)``."""
    if isinstance(expr, sp.Add) and len(expr.args) == 2 and sp.S.One in expr.args:
        (other,) = (term for term in expr.args if term != 1)
        if isinstance(other, sp.exp):
            return other.args[0]
    return None


def to_sigmoid(node: sp.Expr, known: Knowledge) -> sp.Expr | None:
    base, power = node.as_base_exp()
    a = one_plus_exp(base)
    if a is None or not (power.is_Integer and power < 0):
        return None
    return Sigmoid(-a) ** -power


def absorb_exponential(node: sp.Expr, known: Knowledge) -> sp.Expr | None:
    if not isinstance(node, sp.Mul):
        return None
    for exponential in node.args:
        if not isinstance(exponential, sp.exp):
            continue
        for factor in node.args:
            base, power = factor.as_base_exp()
            if not isinstance(base, Sigmoid) or not (power.is_Integer and power > 0):
                continue
            a = -base.args[0]
            for times in range(1, int(power) + 1):
                if exponential.args[0] == times * a:
                    rest = sp.Mul(*(f for f in node.args if f not in (exponential, factor)))
                    return rest * base ** (power - times) * Sigmoid(a) ** times
    return None


def to_softplus(node: sp.Expr, known: Knowledge) -> sp.Expr | None:
    a = one_plus_exp(node.args[0]) if isinstance(node, sp.log) else None
    return None if a is None else Softplus(a)


def log_of_sigmoid(node: sp.Expr, known: Knowledge) -> sp.Expr | None:
    if isinstance(node, sp.log) and isinstance(node.args[0], Sigmoid):
        return -Softplus(-node.args[0].args[0])
    return None


def log_of_exponentials(node: sp.Expr, known: Knowledge) -> sp.Expr | None:
    if not isinstance(node, sp.log):
        return None
    factors = sp.Mul.make_args(node.args[0])
    bases = [factor.as_base_exp()[0] for factor in factors]
    small = [isinstance(f, sp.exp) or isinstance(f.as_base_exp()[0], Sigmoid) for f in factors]
    if not any(small) or not all(map(known.is_positive, bases)) or node.args[0] in bases[1:]:
        return None
    terms = []
    for factor in factors:
        if isinstance(factor, sp.exp):
            terms.append(factor.args[0])
        else:
            base, power = factor.as_base_exp()
            terms.append(power * sp.log(base))
    result = sp.Add(*terms)
    return None if result == node else result


def to_expm1(node: sp.Expr, known: Knowledge) -> sp.Expr | None:
    if not isinstance(node, sp.Add):
        return None
    number = node.as_coeff_Add()[0]
    for term in node.args:
        factor, rest = term.as_coeff_Mul()
        if isinstance(rest, sp.exp) and number == -factor:
            return node - number - term + factor * Expm1(rest.args[0])
    return None


def to_log1p(node: sp.Expr, known: Knowledge) -> sp.Expr | None:
    if isinstance(node, sp.log) and isinstance(node.args[0], sp.Add):
        number, rest = node.args[0].as_coeff_Add()
        return Log1p(rest) if number == 1 and rest.free_symbols else None
    return None


def mask_exponent(node: sp.Expr, known: Knowledge) -> sp.Expr | None:
    if not isinstance(node, sp.Mul):
        return None
    # A bracket that compares exponentials needs them before it can forbid any.
    masks = [f for f in node.args if known.is_binary(f) and not f.has(sp.exp)]
    exponentials = [f for f in node.args if isinstance(f, sp.exp)]
    if not masks or not exponentials:
        return None
    rest = sp.Mul(*(f for f in node.args if f not in masks and f not in exponentials))
    return rest * sp.exp(Allowed(sp.Mul(*masks), exponentials[0].args[0]))


_a, _b, _Z = sp.symbols("a b Z")
_mask = sp.Symbol("mask")

IDENTITIES: tuple[Identity, ...] = (
    Identity(
        "two-sided sigmoid",
        "1/(1 + exp(-a)) overflows for very negative a; the sigmoid is computed from both sides",
        1 / (1 + sp.exp(-_a)),
        Sigmoid(_a),
        to_sigmoid,
    ),
    Identity(
        "exponential into sigmoid",
        "exp(a) sigmoid(-a) is sigmoid(a): infinity never meets zero",
        sp.exp(_a) * Sigmoid(-_a) ** 2 * _b,
        Sigmoid(_a) * Sigmoid(-_a) * _b,
        absorb_exponential,
    ),
    Identity(
        "softplus",
        "log(1 + exp(a)) overflows for large a; it is the log of a sum of exponentials",
        sp.log(1 + sp.exp(_a)),
        Softplus(_a),
        to_softplus,
    ),
    Identity(
        "log of a sigmoid",
        "a sigmoid may round to zero; its logarithm does not",
        sp.log(Sigmoid(_a)),
        -Softplus(-_a),
        log_of_sigmoid,
    ),
    Identity(
        "log of an exponential",
        "exp(a)/Z may round to zero; its logarithm a - log(Z) does not",
        sp.log(sp.exp(_a) / _Z),
        _a - sp.log(_Z),
        log_of_exponentials,
    ),
    Identity(
        "exponential less one",
        "exp(a) - 1 cancels for small a",
        sp.exp(_a) - 1,
        Expm1(_a),
        to_expm1,
    ),
    Identity(
        "log of one plus",
        "log(1 + a) loses the digits of a small a",
        sp.log(1 + _b**2),
        Log1p(_b**2),
        to_log1p,
    ),
    Identity(
        "mask in the exponent",
        "0 exp(a) is exp(-oo): what is masked cannot overflow, nor be the largest",
        _mask * sp.exp(_a),
        sp.exp(Allowed(_mask, _a)),
        mask_exponent,
    ),
)


def apply_identities(
    expr: sp.Expr, known: Knowledge, table: Iterable[Identity] = IDENTITIES
) -> sp.Expr:
    """The expression after every row has been applied wherever it fits, innermost first."""
    if not expr.args or isinstance(expr, sp.Indexed | Iverson):
        return expr
    if isinstance(expr, Over):
        return expr.func(apply_identities(expr.body, known, table), expr.args[1])
    args = tuple(apply_identities(arg, known, table) for arg in expr.args)
    node = expr if args == expr.args else expr.func(*args)
    for identity in table:
        found = identity.rewrite(node, known)
        if found is not None:
            return apply_identities(found, known, table)
    return node
