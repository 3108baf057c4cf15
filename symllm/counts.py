"""Counts of an op: parameters, operations and memory, as expressions in its dimensions.

They come from the equations, forward and derived; what an operation costs is said in ``flops``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import sympy as sp

from .calls import without_calls
from .errors import NotationError, ShapeError, UnknownName
from .flops import entry_count, flops
from .lazily import lazily
from .notation import BATCHED, Dim
from .program import Program, needed

if TYPE_CHECKING:
    from .render import counts as page
else:
    page = lazily("symllm.render.counts")

Amounts = Mapping[str, sp.Expr]


@dataclass(frozen=True)
class Counts:
    """What an op holds, does and keeps; counts add, and multiply by an expression.

    ``by_parameter`` has the entries of each parameter; ``forward_flops`` the operations of the
    forward pass; ``backward_flops`` those that the backward pass adds to it; ``by_activation``
    the entries of each tensor that the backward pass needs of the forward pass: its data and
    targets, and the names that the forward pass has computed. ``L * counts`` is a stack of L
    such ops, each with parameters of its own.
    """

    by_parameter: Amounts
    forward_flops: sp.Expr
    backward_flops: sp.Expr
    by_activation: Amounts

    @property
    def parameters(self) -> sp.Expr:
        return sp.Add(*self.by_parameter.values())

    @property
    def activations(self) -> sp.Expr:
        """How many numbers are kept for the backward pass."""
        return sp.Add(*self.by_activation.values())

    @property
    def training_flops(self) -> sp.Expr:
        """Forward and backward pass together."""
        return sp.expand(self.forward_flops + self.backward_flops)

    def activation_bytes(self, bytes_per_scalar: int = 4) -> sp.Expr:
        return sp.expand(bytes_per_scalar * self.activations)

    # -- composing ----------------------------------------------------------

    def __add__(self, other: Any) -> Counts:
        if not isinstance(other, Counts):
            return NotImplemented
        return Counts(
            merged(self.by_parameter, other.by_parameter),
            sp.expand(self.forward_flops + other.forward_flops),
            sp.expand(self.backward_flops + other.backward_flops),
            merged(self.by_activation, other.by_activation),
        )

    def __radd__(self, other: Any) -> Counts:
        return self if other == 0 else NotImplemented  # as sum() starts with 0

    def __mul__(self, times: Any) -> Counts:
        if isinstance(times, Counts):
            return NotImplemented
        factor = sp.sympify(times, strict=True)
        return self._map(lambda count: count * factor)

    __rmul__ = __mul__

    def at(self, **sizes: Any) -> Counts:
        """With other sizes for dimensions: numbers, dimensions or expressions.

        Raises ``UnknownName`` for a dimension that no count mentions, and
        ``ShapeError`` for a size that is not positive.
        """
        known = sorted({s.name for count in self._all for s in count.free_symbols})
        new = {}
        for name, size in sizes.items():
            if name not in known:
                raise UnknownName("dimension of the counts", name, known)
            value = sp.sympify(size)
            if value.is_number and not (value.is_Integer and value > 0):
                raise ShapeError(f"dimension {name} is a positive integer, not {size!r}")
            new[Dim(name).symbol] = value
        return self._map(lambda count: count.xreplace(new))

    @property
    def _all(self) -> tuple[sp.Expr, ...]:
        several = (*self.by_parameter.values(), *self.by_activation.values())
        return (*several, self.forward_flops, self.backward_flops)

    def _map(self, change: Callable[[sp.Expr], sp.Expr]) -> Counts:
        def each(amounts: Amounts) -> Amounts:
            return MappingProxyType({n: sp.expand(change(c)) for n, c in amounts.items()})

        return Counts(
            each(self.by_parameter),
            sp.expand(change(self.forward_flops)),
            sp.expand(change(self.backward_flops)),
            each(self.by_activation),
        )

    # -- showing ------------------------------------------------------------

    @property
    def rows(self) -> tuple[tuple[str, sp.Expr], ...]:
        """Each count and what it is of, in words."""
        return (
            ("parameters", self.parameters),
            ("forward operations", self.forward_flops),
            ("backward operations", self.backward_flops),
            ("activations kept", self.activations),
        )

    def to_latex(self) -> str:
        return page.counts_latex(self.rows)

    def to_markdown(self, flavour: str = "github") -> str:
        """The four counts as one displayed formula."""
        return page.counts_markdown(self.rows, flavour)

    def _repr_markdown_(self) -> str:
        return self.to_markdown("notebook")


def counted(forward: Program, backward: Program | None = None) -> Counts:
    """The counts of a forward program and of the backward program that was derived from it.

    What the backward program computes again of the forward names is not counted again; an op
    without anything to derive by has no backward program.
    """
    flat = without_calls(forward)
    computed = frozenset(let.name for let in needed(flat.equations, flat.outputs))
    lines = needed(backward.equations, backward.outputs, computed) if backward else ()
    mentioned = {name for let in lines for name in let.mentioned}
    kept = {t.name for t in forward.inputs if t.role in BATCHED} | computed
    return Counts(
        amounts(forward, {t.name for t in forward.inputs if t.role == "parameter"}),
        flops(forward),
        flops(backward, computed) if backward else sp.S.Zero,
        amounts(flat, kept & mentioned),
    )


def amounts(program: Program, names: set[str]) -> Amounts:
    """How many entries each of the tensors named has."""
    found = {n: entry_count(t.dims) for n, t in program.tensors.items() if n in names}
    return MappingProxyType(found)


def merged(first: Amounts, second: Amounts) -> Amounts:
    """The sum of two counts, name by name."""
    names = dict.fromkeys((*first, *second))
    return MappingProxyType({n: sp.expand(first.get(n, 0) + second.get(n, 0)) for n in names})


def leading(count: Any, *large: Dim | sp.Symbol) -> sp.Expr:
    """The terms of highest total degree in the dimensions named; in all of them by default.

    ``leading(2*n*m + n)`` is ``2*n*m``. Raises ``NotationError`` for what is no polynomial
    in these dimensions.
    """
    expr = sp.expand(sp.sympify(count))
    sizes = [sp.sympify(dim) for dim in large] or sorted(expr.free_symbols, key=str)
    if not all(isinstance(size, sp.Symbol) for size in sizes):
        raise NotationError(f"what is large is a dimension such as Dim('n'), not {large}")
    if not expr.is_polynomial(*sizes):
        raise NotationError(f"{expr} is no polynomial in {', '.join(map(str, sizes))}")
    if not sizes:
        return expr
    terms = sp.Poly(expr, *sizes).terms()
    degree = max(sum(powers) for powers, _ in terms)
    of_degree = (
        coefficient * sp.Mul(*(s**p for s, p in zip(sizes, powers, strict=True)))
        for powers, coefficient in terms
        if sum(powers) == degree
    )
    return sp.expand(sp.Add(*of_degree))
