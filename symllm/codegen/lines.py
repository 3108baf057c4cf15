"""Lines: a program's equations on the way to becoming statements.

Sums become reductions that hold nothing but what depends on their index, and
means are seen as means. Only what the outputs need is kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import sympy as sp

from ..calls import without_calls
from ..errors import OpError
from ..expressions import entries, name_of
from ..notation import Tensor, entry
from ..program import Program, needed
from .functions import Mean, Over, Total, indices_of, is_size


@dataclass(frozen=True)
class Line:
    """``name[indices] = value``. A line that is not ``given`` was made here to share a value.

    Its ``parts`` had lines of their own and are written inside its value now.
    """

    name: str
    indices: tuple[sp.Symbol, ...]
    sizes: tuple[sp.Symbol, ...]
    value: sp.Expr
    note: str = ""
    given: bool = True
    parts: tuple[Line, ...] = ()

    @property
    def entry(self) -> sp.Expr:
        return entry(self.name, *self.indices)

    @cached_property
    def mentioned(self) -> set[str]:
        """The names of tensors in the value."""
        return names_in(self.value)

    def at(self, subscripts: Sequence[sp.Expr]) -> sp.Expr:
        """The value with other subscripts in place of the indices."""
        return self.value.xreplace(dict(zip(self.indices, subscripts, strict=True)))


def lines_of(program: Program) -> tuple[Line, ...]:
    """The equations that the outputs need, with sums turned into reductions."""
    flat = without_calls(program)
    integers = {
        sp.Symbol(t.name, integer=True): sp.Symbol(t.name)
        for t in flat.inputs
        if t.integer and not t.dims
    }
    lines = []
    for let in flat.equations:
        sizes = tuple(dim.symbol for dim in flat.tensors[let.name].dims)
        value = reductions(sp.sympify(let.rhs).xreplace(integers))
        lines.append(Line(let.name, let.indices, sizes, value, let.note))
    return needed(lines, flat.outputs)


def names_in(expr: sp.Basic) -> set[str]:
    return {name_of(e) for e in entries(expr)}


def reductions(expr: sp.Expr) -> sp.Expr:
    """Every ``Sum`` as a ``Total`` or a ``Mean`` of what depends on its index."""
    if isinstance(expr, sp.Sum):
        limits = []
        for index, lower, upper in expr.limits:
            if lower != 0 or not is_size(upper + 1):
                raise OpError(f"a sum runs over a whole dimension, not from {lower} to {upper}")
            limits.append((index, upper + 1))
        return total(reductions(expr.function), limits)
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    rebuilt = expr.func(*(reductions(arg) for arg in expr.args))
    return with_mean(rebuilt) if isinstance(rebuilt, sp.Mul) else rebuilt


def total(body: sp.Expr, limits: list[tuple[sp.Symbol, sp.Symbol]]) -> sp.Expr:
    """The sum of a body, with what does not depend on the indices outside."""
    outside = sp.S.One
    if isinstance(body, sp.Add) and (common := body.as_coeff_Mul()[0]) != 1:
        outside, body = common, body / common
    for index, size in limits:
        if index not in indices_of(body):
            outside *= size
    limits = [(index, size) for index, size in limits if index in indices_of(body)]
    if not limits:
        return outside * body
    bound = {index for index, _ in limits}
    inside = []
    for factor in sp.Mul.make_args(body):
        if bound & set(indices_of(factor)):
            inside.append(factor)
        else:
            outside *= factor
    limits.sort(key=str)
    return outside * Total(sp.Mul(*inside), sp.Tuple(*(sp.Tuple(*limit) for limit in limits)))


def with_mean(product: sp.Mul) -> sp.Expr:
    """``Total/n`` is a mean."""
    for factor in product.args:
        if type(factor) is Total and all(1 / size in product.args for _, size in factor.limits):
            sizes = sp.Mul(*(size for _, size in factor.limits))
            return product * sizes / factor * Mean(*factor.args)
    return product


def over(kind: type[Over], body: sp.Expr, limits: Iterable[tuple[sp.Symbol, sp.Symbol]]) -> Over:
    return kind(body, sp.Tuple(*(sp.Tuple(*limit) for limit in limits)))


def rank_of(lines: Iterable[Line], inputs: Iterable[Tensor]) -> int:
    """The largest number of axes that any array here has."""
    return max([*(len(line.indices) for line in lines), *(t.rank for t in inputs), 0])


def is_new(value: sp.Expr) -> bool:
    """Is what is looked up there an array of its own? One row alone is but a view."""
    if not isinstance(value, sp.Indexed):
        return False
    return any(isinstance(s, sp.Indexed) and indices_of(s) for s in value.indices)
