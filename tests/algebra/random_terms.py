"""Random expressions over fixed tensors, and a point at which to evaluate them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import sympy as sp
from hypothesis import strategies as st

from symllm import Dim, Iverson, Let, Op, Tensor, delta, scalar, sum_over
from symllm.algebra.read import Scope
from symllm.algebra.terms import Ix
from symllm.algebra.write import Letters, Writer
from symllm.evaluate import Point, sample
from symllm.notation import Index

n, m = Dim("n"), Dim("m")
#: Free indices come first, in the letters that bound ones take as well.
LETTERS = {n: n.indices("i j k a b"), m: m.indices("p q u v w")}
FREE = (*n.indices("i j"), *m.indices("p"))

INPUTS = (
    Tensor("x", (n,)),
    Tensor("y", (n,)),
    Tensor("g", (m,)),
    Tensor("A", (n, n)),
    Tensor("B", (n, m)),
    Tensor("plus", (n,), "data", "positive"),
    scalar("s"),
    scalar("eps", "data", "positive"),
    Tensor("t", (n,), "target", m),
    Tensor("o", (), "target", n),
)
TENSORS = {t.name: t for t in INPUTS}
O = sp.Symbol("o", integer=True)

SCOPE = Scope(
    {ix.name: Ix(ix.name, ix.dim.name) for ix in FREE},
    frozenset({"n", "m"}),
    frozenset({"plus", "eps"}),
)
WRITER = Writer(
    Letters({}, {"n": ("i", "j", "k"), "m": ("p", "q")}, frozenset({*TENSORS, "n", "m"}))
)


@lru_cache
def point(seed: int) -> Point:
    """Values for all inputs, at sizes that differ."""
    total = sum_over(TENSORS["B"][LETTERS[n][0], LETTERS[m][0]], LETTERS[n][0], LETTERS[m][0])
    op = Op("toy", "Toy", INPUTS, (Let(sp.Symbol("out"), total),), numpy=lambda **given: None)
    return sample(op.program, seed, {"n": 3, "m": 2 + seed})


Draw = Callable[[st.SearchStrategy], object]


@st.composite
def expressions(draw: Draw, depth: int = 3, odd: bool = True) -> sp.Expr:
    """A random expression in the free indices; ``odd`` with what has a sign to pull out."""

    def pick(choices: list) -> object:
        return draw(st.sampled_from(choices))

    def subscript(dim: Dim, scope: list[Index]) -> object:
        own = [ix for ix in scope if ix.dim == dim]
        if dim == m:
            own += [TENSORS["t"][ix] for ix in scope if ix.dim == n]
        return pick([*own, O] if dim == n else own)

    def entry(scope: list[Index]) -> sp.Expr:
        tensor = pick([t for t in INPUTS if not t.integer])
        if not tensor.dims:
            return tensor._sympy_()
        return tensor[tuple(subscript(dim, scope) for dim in tensor.dims)]

    def bracket(scope: list[Index]) -> sp.Expr:
        left = pick(scope)
        right = subscript(left.dim, scope)
        if draw(st.booleans()):
            return delta(left, right)
        return Iverson(left.symbol <= sp.sympify(right))

    def grow(scope: list[Index], depth: int) -> sp.Expr:
        kind = draw(st.integers(0, 11)) if depth else 0
        if kind <= 1:
            return entry(scope)
        if kind == 2:
            return grow(scope, depth - 1) * grow(scope, depth - 1)
        if kind == 3:
            return grow(scope, depth - 1) + pick(NUMBERS) * grow(scope, depth - 1)
        if kind <= 6:
            # The letter may be one that is free, or bound, outside.
            over = pick([*LETTERS[n][:3], *LETTERS[m][:2]])
            inner = [ix for ix in scope if ix.name != over.name]
            return sum_over(grow([*inner, over], depth - 1), over)
        if kind == 7:
            return grow(scope, depth - 1) ** pick([2, 3])
        if kind == 8:
            # Written, a sum that has factors is a product; read again, it stays one.
            base = 1 + (grow(scope, depth - 1) if odd else entry(scope)) ** 2
            return base ** pick(EXPONENTS)
        if kind == 9:
            return pick(FUNCTIONS if odd else PLAIN)(grow(scope, depth - 1))
        if kind == 10:
            return bracket(scope) * grow(scope, depth - 1)
        return sp.sqrt(grow(scope, depth - 1) ** 2 + (0 if odd else TENSORS["eps"]._sympy_()))

    return sp.sympify(grow(list(FREE), depth))


NUMBERS = [sp.Rational(1, 2), sp.Integer(-1), sp.Rational(-3, 4), sp.Integer(3), n.symbol]
EXPONENTS = [-1, -2, *(sp.Rational(a, b) for a, b in ((1, 2), (-1, 2), (-3, 2), (1, 3)))]
FUNCTIONS: list[Callable[[sp.Expr], sp.Expr]] = [
    sp.tanh,
    sp.erf,
    lambda e: sp.Abs(e - TENSORS["eps"]._sympy_()) if e.is_Indexed else sp.sin(e),
    lambda e: sp.exp(sp.tanh(e)),
    lambda e: sp.exp(-3 * sp.tanh(e) / 2),
    lambda e: sp.log(1 + e**2),
    lambda e: sp.log(3 * sp.exp(sp.tanh(e)) * TENSORS["eps"]._sympy_()),
    lambda e: sp.Max(e, sp.Rational(1, 3), -e),
    lambda e: sp.exp(sp.log(2 + sp.tanh(e)) / 2),
]
PLAIN: list[Callable[[sp.Expr], sp.Expr]] = [
    sp.exp,
    lambda e: sp.log(1 + e**2),
    lambda e: sp.Max(e, TENSORS["eps"]._sympy_()),
]
