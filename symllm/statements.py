"""What theory is stated with: equations, expectations, and what is assumed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import sympy as sp
from sympy.matrices.expressions.matexpr import MatrixElement

from .errors import NotationError
from .expressions import is_entry, name_of, subscripts_of

# --------------------------------------------------------------------------
# Entries of products
# --------------------------------------------------------------------------


def entry_of(expr: Any, row: Any, column: Any = 0) -> sp.Expr:
    """``entry_of(A.matrix * B.matrix, i, j)``: an entry of a matrix expression, not multiplied out.

    ``row`` and ``column`` are indices; of a column, ``row`` is enough. Raises
    ``NotationError`` for what is no matrix.
    """
    if not isinstance(expr, sp.MatrixExpr):
        raise NotationError(f"{expr} is no matrix: write products of W.matrix and the like")
    return MatrixElement(expr, sp.sympify(row), sp.sympify(column))


# --------------------------------------------------------------------------
# Averages over what is random
# --------------------------------------------------------------------------


class Average(sp.Expr):
    """An average over everything random inside it."""

    is_commutative = True
    letter = ""

    def __new__(cls, *quantities: Any) -> Average:
        return sp.Expr.__new__(cls, *map(sp.sympify, quantities))

    def _sympystr(self, printer: Any) -> str:
        return f"{self.letter}[{', '.join(map(printer._print, self.args))}]"


class E(Average):
    """``E(x[i])``: the expectation, over all outcomes of what is random."""

    letter = "E"

    def __new__(cls, quantity: Any) -> E:
        return super().__new__(cls, quantity)


class Var(Average):
    """``Var(x[i])``: the mean square of the distance from the expectation."""

    letter = "Var"

    def __new__(cls, quantity: Any) -> Var:
        return super().__new__(cls, quantity)


class Cov(Average):
    """``Cov(x[i], y[j])``: the expectation of the product of both distances from their means."""

    letter = "Cov"

    def __new__(cls, left: Any, right: Any) -> Cov:
        return super().__new__(cls, left, right)


# --------------------------------------------------------------------------
# Equations and assumptions
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Equals:
    """An equation, for all values of its free indices: SymPy's ``Eq(a, a)`` is ``True``."""

    lhs: sp.Expr
    rhs: sp.Expr

    def __post_init__(self) -> None:
        object.__setattr__(self, "lhs", sp.sympify(self.lhs))
        object.__setattr__(self, "rhs", sp.sympify(self.rhs))

    def __str__(self) -> str:
        return f"{self.lhs} = {self.rhs}"


#: What is known of a random entry besides its mean and variance: nothing; that it is as likely
#: to lie above its mean as the same distance below; that it is 0 or 1; that it is one of the
#: indices of a dimension, each as likely as any other.
Law = Literal["any", "symmetric", "binary", "uniform"]
LAWS: tuple[str, ...] = get_args(Law)


@dataclass(frozen=True)
class Random:
    """The entries of a tensor are random, independent of each other and of all that is random.

    ``entry`` is the entry with its indices, in which ``mean`` and ``variance`` may be written.
    """

    entry: sp.Expr
    mean: sp.Expr
    variance: sp.Expr
    law: Law = "any"

    @property
    def name(self) -> str:
        return name_of(self.entry)

    @property
    def indices(self) -> tuple[sp.Symbol, ...]:
        return subscripts_of(self.entry)


def random(entry: Any, mean: Any = 0, variance: Any = 1, law: Law = "any") -> Random:
    """``random(x[i], mean=mu[i], variance=1)``: independent entries of that mean and variance.

    A ``binary`` entry is 1 with probability ``mean``, a ``uniform`` one an index of its tensor's
    domain; their variances follow. Raises ``NotationError`` for what is no entry.
    """
    entry = sp.sympify(entry)
    if not is_entry(entry) or not all(isinstance(s, sp.Symbol) for s in subscripts_of(entry)):
        raise NotationError(f"what is random is an entry such as x[i] or a scalar, not {entry}")
    if law not in LAWS:
        raise NotationError(f"{entry}: a law is one of {', '.join(LAWS)}, not {law!r}")
    mean, variance = sp.sympify(mean), sp.sympify(variance)
    if law == "binary":
        variance = mean * (1 - mean)
    return Random(entry, mean, variance, law)


@dataclass(frozen=True)
class Permutation:
    """An integer vector that holds every index of its dimension once."""

    name: str


def permutation(tensor: Any) -> Permutation:
    """``permutation(pi)`` for ``pi = n.vector("pi", domain=n)``."""
    if not tensor.dims or tensor.dims != (tensor.domain,):
        raise NotationError(
            f"{tensor.name}: a permutation is a vector of indices of its own dimension, "
            f"as in n.vector('pi', domain=n)"
        )
    return Permutation(tensor.name)
