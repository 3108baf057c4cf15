"""Random let-programs: what hypothesis draws to search for wrong derivatives.

Every value stays away from overflow, poles and kinks: functions that grow are
applied to a tanh, denominators and roots are of one plus squares.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sympy as sp
from hypothesis import assume
from hypothesis import strategies as st

from symllm import Dim, Index, Iverson, Let, Op, Tensor, delta, mean, ops, scalar, sum_over

n, m, k = Dim("n"), Dim("m"), Dim("k")
LETTERS = {n: n.indices("i j a"), m: m.indices("p q b"), k: k.indices("u v")}

INPUTS = (
    Tensor("x", (n,)),
    Tensor("w", (m,)),
    Tensor("A", (n, m)),
    Tensor("B", (m, n), "parameter"),
    Tensor("C", (k, n)),
    Tensor("g", (n,), "parameter"),
    scalar("s"),
    Tensor("plus", (n,), "data", "positive"),
    Tensor("f", (n,), "constant"),
    Tensor("t", (n,), "target", m),
    Tensor("o", (), "target", n),
    scalar("eps", "constant", "positive"),
    Tensor("pi_", (n,), "target", "distribution"),
)

Draw = Callable[[st.SearchStrategy], object]


@dataclass
class Growing:
    """A program as it is being written: what may be mentioned, and what was."""

    draw: Draw
    tensors: list[Tensor]

    def pick(self, choices: list) -> object:
        return self.draw(st.sampled_from(choices))

    def entry(self, scope: list[Index]) -> sp.Expr:
        """An entry of some tensor; axes without an index in scope are summed over."""
        tensor = self.pick(self.tensors)
        free = list(scope)
        subscripts, summed = [], []
        for dim in tensor.dims:
            choices: list[object] = [ix for ix in free if ix.dim == dim]
            if dim == m and (holders := [ix for ix in free if ix.dim == n]):
                t = next(t for t in INPUTS if t.name == "t")
                choices += [t[self.pick(holders)]]
            if dim == n and self.draw(st.integers(0, 5)) == 0:
                choices += [sp.Symbol("o", integer=True)]
            if choices:
                subscripts.append(self.pick(choices))
            else:
                fresh = self.fresh(free, dim)
                free.append(fresh)
                summed.append(fresh)
                subscripts.append(fresh)
        expr = tensor[tuple(subscripts)] if tensor.dims else sp.sympify(tensor._sympy_())
        return sum_over(expr, *summed)

    def fresh(self, scope: list[Index], dim: Dim) -> Index:
        """A letter of the dimension that is not in scope."""
        return next(ix for ix in (*LETTERS[dim], *dim.indices("c e h l")) if ix not in scope)

    def expr(self, scope: list[Index], depth: int) -> sp.Expr:
        if depth <= 0:
            return self.entry(scope)
        kind = self.draw(st.integers(0, 13))
        inner = depth - 1
        if kind <= 1:
            return self.expr(scope, inner) * self.expr(scope, inner)
        if kind == 2:
            return self.expr(scope, inner) + self.expr(scope, inner)
        if kind == 3:
            return self.expr(scope, inner) - self.pick(RATIONALS) * self.expr(scope, inner)
        if kind <= 5:
            over = self.fresh(scope, self.pick([n, m]))
            total = self.pick([sum_over, sum_over, mean])
            return total(self.expr([*scope, over], inner), over)
        if kind == 6:
            return self.expr(scope, inner) ** self.pick([2, 3])
        if kind == 7:
            return (1 + self.expr(scope, inner) ** 2) ** self.pick(EXPONENTS)
        if kind == 8:
            return self.pick(FUNCTIONS)(self.expr(scope, inner))
        if kind == 9:
            return self.entry(scope) * self.expr(scope, inner)
        if kind == 10 and len(scope) >= 1:
            return self.bracket(scope) * self.expr(scope, inner)
        if kind == 11:
            top = sum_over(self.expr([*scope, (ix := self.fresh(scope, n))], inner), ix)
            return top / (1 + self.expr(scope, inner) ** 2)
        if kind == 12:
            return sp.sqrt(self.expr(scope, inner) ** 2 + sp.Symbol("eps"))
        return self.entry(scope)

    def bracket(self, scope: list[Index]) -> sp.Expr:
        left = self.pick(scope)
        right = self.pick([ix for ix in scope if ix.dim == left.dim])
        if left.dim == n and self.draw(st.booleans()):
            return delta(left, sp.Symbol("o", integer=True))
        if left == right:
            return sp.S.One
        if self.draw(st.booleans()):
            return delta(left, right)
        return Iverson(left.symbol <= right.symbol)

    def anchored(self, expr: sp.Expr, scope: list[Index]) -> sp.Expr:
        """The expression with every index in it, by a factor where it is missing."""
        for ix in scope:
            said = any(ix.symbol in e.indices for e in expr.atoms(sp.Indexed))
            if not said or ix.symbol not in expr.free_symbols:
                expr = expr * next(t for t in INPUTS if t.dims == (ix.dim,))[ix]
        return expr

    def call(self, scope: list[Index]) -> tuple[list[Index], object]:
        """An op used over an index of its own; the rest of the scope are batch axes."""
        dim = self.pick([n, m])
        over = self.fresh(scope, dim)
        name = self.pick(["softmax", "log_softmax", "sigmoid", "rms_norm", "layer_norm"])
        value = self.anchored(self.expr([*scope, over], 1), [*scope, over])
        if name == "rms_norm":
            args: tuple = (value, self.entry([over]), sp.Symbol("eps"))
        elif name == "layer_norm":
            args = (value, self.entry([over]), self.entry([over]), sp.Symbol("eps"))
        else:
            args = (sp.tanh(value),)
        return [*scope, over], ops[name](*args, over=over)


RATIONALS = [sp.Rational(1, 2), sp.Integer(2), sp.Rational(-3, 4), sp.Integer(-1)]
EXPONENTS = [-1, -2, sp.Rational(1, 2), sp.Rational(-1, 2), sp.Rational(-3, 2), sp.Rational(1, 3)]
FUNCTIONS = [
    sp.tanh,
    sp.sin,
    sp.erf,
    lambda e: sp.exp(sp.tanh(e)),
    lambda e: sp.log(1 + e**2),
    lambda e: sp.log(2 + sp.tanh(e)),
    lambda e: sp.Max(e, sp.Rational(1, 7)),
    lambda e: sp.exp(-sp.tanh(e) / 2),
]


@st.composite
def random_programs(draw: Draw, depth: int = 2, most: int = 3, calls: bool = True) -> Op:
    """An op of a few random equations over random inputs; its last name is the output."""
    growing = Growing(draw, [t for t in INPUTS if not t.integer])
    equations: list[Let] = []
    for number in range(draw(st.integers(1, most))):
        dims = draw(st.sampled_from([[], [n], [m], [n, m], [n, n]]))
        scope: list[Index] = []
        for dim in dims:
            scope.append(growing.fresh(scope, dim))
        if calls and draw(st.integers(0, 3)) == 0:
            scope, sides = growing.call(scope[:1])
        else:
            sides = growing.anchored(sp.sympify(growing.expr(scope, depth)), scope)
        name = f"y{number}"
        tensor = Tensor(name, tuple(ix.dim for ix in scope))
        lhs = tensor[tuple(scope)] if scope else sp.Symbol(name)
        equations.append(Let(lhs, sides))
        growing.tensors.append(tensor)
        growing.tensors.append(tensor)  # what is new is mentioned more often
    mentioned = {name for let in equations for name in let.mentioned}
    inputs = [t for t in INPUTS if t.name in mentioned]
    known = {dim.name for t in inputs for dim in t.dims}
    known |= {t.domain.name for t in inputs if isinstance(t.domain, Dim)}
    assume(all(str(d) in known for let in equations for e in let.expressions for d in sizes(e)))
    return Op("toy", "Toy", inputs, equations, numpy=lambda **values: None)


def sizes(expr: sp.Expr) -> set[sp.Symbol]:
    return {s for s in expr.free_symbols if s in {d.symbol for d in LETTERS}}
