"""What a let-program costs to run: floating-point operations, counted from its equations.

The conventions, which are those of matrix multiplication:

- An addition, a subtraction, a multiplication and a division cost 1, a change of sign nothing.
- A sum over K terms costs K additions, so that a sum of K products costs 2K. What does not
  depend on the index stands outside the sum. Sums over several indices are done in the order
  written, the innermost first; at once where no factor comes in between.
- A part of an equation is computed once for each value of the indices that it mentions, and not
  once for each entry of the whole; in a product or a sum, what has the fewest indices is
  combined first. What is written twice in an equation is computed twice. A power with a whole
  exponent is computed by squaring.
- An elementary function costs what ``COST`` says.
- Numbers, dimensions and indices are known beforehand. Looking up an entry, a bracket and a
  product with one cost nothing; but what a bracket makes zero is computed all the same, as
  arrays are: a causal mask saves nothing. A Kronecker delta under a sum selects: it is a gather,
  or a scatter that adds each term once, not a sum over zeros.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from types import MappingProxyType

import sympy as sp

from .calls import without_calls
from .equation import Argument, Call, Let
from .errors import NotationError
from .expressions import entries, is_entry, name_of, substitute
from .notation import Dim, Iverson, Tensor, entry
from .program import Program, needed

#: What one evaluation of an elementary function costs, ``pow`` for exponents that are not whole.
COST: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("exp", "log", "sqrt", "pow"), 1),
        **dict.fromkeys(("sin", "cos", "tanh", "sinh", "cosh", "erf"), 1),
        **dict.fromkeys(("Max", "Min", "Abs", "sign"), 1),
    }
)

BRACKETS = (Iverson, sp.KroneckerDelta, sp.Heaviside)

Indices = frozenset[sp.Symbol]


def flops(program: Program, known: frozenset[str] = frozenset()) -> sp.Expr:
    """The operations of all equations that the outputs need, but for the names that are known."""
    flat = without_calls(with_named_arguments(program))
    lets = needed(flat.equations, flat.outputs, known)
    return sp.expand(sp.Add(*(equation_flops(let, flat) for let in lets)))


def equation_flops(let: Let, program: Program) -> sp.Expr:
    """The operations that compute all entries of one name; the equation calls no op."""
    return Pricing(frozenset(program.tensors), program.index_dims[let.name]).price(let.rhs)


def entry_count(dims: Iterable[Dim]) -> sp.Expr:
    """How many entries a tensor with these dimensions has."""
    return sp.Mul(*(dim.symbol for dim in dims))


# --------------------------------------------------------------------------
# Calls
# --------------------------------------------------------------------------


def with_named_arguments(program: Program) -> Program:
    """The program with what calls are passed in equations of its own: it is computed once,
    however often the called op mentions it."""
    equations: list[Let] = []
    declared: list[Tensor] = []
    for let in program.equations:
        if isinstance(let.rhs, Call):
            assert isinstance(let.rhs.program, Program)
            arguments = []
            for argument in let.rhs.arguments:
                made = named_argument(argument, let, program)
                if made is not None:
                    own, tensor = made
                    equations.append(own)
                    declared.append(tensor)
                    argument = replace(argument, value=own.lhs)
                arguments.append(argument)
            callee = with_named_arguments(let.rhs.program)
            let = replace(let, rhs=replace(let.rhs, program=callee, arguments=tuple(arguments)))
        equations.append(let)
    return replace(program, equations=tuple(equations), declared=(*program.declared, *declared))


def named_argument(argument: Argument, let: Let, program: Program) -> tuple[Let, Tensor] | None:
    """The equation of an argument's own name, and its shape, if it takes work to compute."""
    pricing = Pricing(frozenset(program.tensors), program.index_dims[let.name])
    if is_entry(argument.value) or pricing.price(argument.value) == 0:
        return None
    order = dict.fromkeys((*let.indices, *argument.axes))
    indices = [s for s in order if s in pricing.indices(argument.value)]
    wishes = (f"{let.name}_{argument.name}{count or ''}" for count in itertools.count())
    name = next(wish for wish in wishes if wish not in program.tensors)
    tensor = Tensor(name, tuple(pricing.dims[s] for s in indices))
    return Let(entry(name, *indices), argument.value), tensor


# --------------------------------------------------------------------------
# Expressions
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """A factor or a term: the indices it has entries for, and how it enters a product.

    ``below``: it divides; ``bracket``: it selects, at no cost.
    """

    indices: Indices
    below: bool = False
    bracket: bool = False


@dataclass(frozen=True)
class Pricing:
    """Prices the expressions of one equation: which names are tensors, how far indices run."""

    tensors: frozenset[str]
    dims: Mapping[sp.Symbol, Dim]

    def indices(self, expr: sp.Basic) -> Indices:
        return frozenset(s for s in expr.free_symbols if s in self.dims)

    def entries(self, indices: Indices) -> sp.Expr:
        return entry_count(self.dims[s] for s in indices)

    def is_known(self, expr: sp.Basic) -> bool:
        """Does it speak of numbers, dimensions and indices alone?"""
        return all(name_of(e) not in self.tensors for e in entries(expr))

    def price(self, expr: sp.Basic) -> sp.Expr:
        """The operations for all entries of an expression over its own free indices.

        Raises ``NotationError`` for a function whose cost is not known.
        """
        if is_entry(expr) or self.is_known(expr):
            return sp.S.Zero
        match expr:
            case sp.Add():
                return self.of_all(expr.args) + self.combined(self.terms(expr))
            case sp.Mul() | sp.Pow():
                cost, parts = self.factors(expr)
                return cost + self.product(parts)
            case sp.Sum():
                return self.sum(expr)
            case sp.Max() | sp.Min():
                compared = self.combined([Part(self.indices(arg)) for arg in expr.args])
                return self.of_all(expr.args) + COST[type(expr).__name__] * compared
            case sp.Function() if not isinstance(expr, BRACKETS):
                return self.of_all(expr.args) + self.elementary(type(expr).__name__, expr)
            case _:  # brackets, relations and pieces, of which all are computed
                return self.of_all(expr.args)

    def of_all(self, exprs: Iterable[sp.Basic]) -> sp.Expr:
        return sp.Add(*map(self.price, exprs))

    def elementary(self, name: str, expr: sp.Basic) -> sp.Expr:
        if name not in COST:
            raise NotationError(
                f"no cost is known for the function {name} in {expr}; known: {', '.join(COST)}"
            )
        return COST[name] * self.entries(self.indices(expr))

    # -- terms and factors --------------------------------------------------

    def terms(self, expr: sp.Add) -> list[Part]:
        """What is added; the numbers among it are one."""
        _, rest = self.without_number(expr)
        number = [Part(frozenset())] * (len(rest) < len(expr.args))
        return [*number, *(Part(self.indices(term)) for term in rest)]

    def without_number(self, expr: sp.Add | sp.Mul) -> tuple[sp.Expr, list[sp.Expr]]:
        """The numbers in a sum or a product as one, and the rest."""
        rest = [a for a in expr.args if self.indices(a) or not self.is_known(a)]
        return expr.func(*(a for a in expr.args if a not in rest)), rest

    def factors(self, expr: sp.Expr) -> tuple[sp.Expr, list[Part]]:
        """What it costs to compute the factors of a product, and what they are."""
        parts: list[Part] = []
        rest: Sequence[sp.Expr] = [expr] if expr != 1 else []
        if isinstance(expr, sp.Mul):
            number, rest = self.without_number(expr)
            parts = [Part(frozenset())] * (abs(number) != 1)
        cost = sp.S.Zero
        for factor in rest:
            work, base, below = self.factor(factor)
            cost += work
            parts.append(Part(self.indices(factor), below, isinstance(base, BRACKETS)))
        return cost, parts

    def factor(self, expr: sp.Expr) -> tuple[sp.Expr, sp.Expr, bool]:
        """What a factor costs, what it is a power of, and whether it divides."""
        if not isinstance(expr, sp.Pow) or self.is_known(expr):
            return self.price(expr), expr, False
        base, exponent = expr.args
        cost = self.of_all(expr.args)
        below = bool(exponent.is_Rational and exponent < 0)
        if exponent.is_Rational and exponent.q in (1, 2):
            power, root = divmod(abs(exponent.p), exponent.q)
            times = root * COST["sqrt"] + squarings(power) + (1 if root and power else 0)
        else:
            times = COST["pow"]
        return cost + times * self.entries(self.indices(expr)), base, below

    def product(self, parts: Sequence[Part]) -> sp.Expr:
        """The multiplications and divisions of a product whose factors are there."""
        counted = [part for part in parts if not part.bracket]
        upside_down = bool(counted) and all(part.below for part in counted)
        inverse = self.entries(union(counted)) if upside_down else sp.S.Zero
        return self.combined(counted) + inverse

    def combined(self, parts: Sequence[Part]) -> sp.Expr:
        """The operations that make one of several, two at a time, what is smallest first."""
        left = [part.indices for part in parts]
        cost = sp.S.Zero
        while len(left) > 1:
            pairs = itertools.combinations(range(len(left)), 2)
            a, b = min(pairs, key=lambda pair: (len(left[pair[0]] | left[pair[1]]), pair))
            left[a] |= left.pop(b)
            cost += self.entries(left[a])
        return cost

    # -- sums ---------------------------------------------------------------

    def sum(self, expr: sp.Sum) -> sp.Expr:
        body, bound, scatters = self.selected(expr.function, [limit[0] for limit in expr.limits])
        cost, parts = self.factors(body)
        parts += scatters
        while bound:
            inside = [part for part in parts if bound[0] in part.indices]
            parts = [part for part in parts if bound[0] not in part.indices]
            elsewhere = union(parts)
            end = next((at for at, s in enumerate(bound) if s in elsewhere), len(bound))
            own, bound = bound[:end], bound[end:]
            parts.append(Part(union(inside) - {*own}))
            cost += self.product(inside) + (self.entries(union(inside)) if inside else 0)
        scattered = self.indices(expr) - union(parts)  # over what a delta puts its terms
        *rest, last = parts or [Part(frozenset())]
        return cost + self.product([*rest, replace(last, indices=last.indices | scattered)])

    def selected(
        self, body: sp.Expr, bound: list[sp.Symbol]
    ) -> tuple[sp.Expr, list[sp.Symbol], list[Part]]:
        """A sum's body and indices without its deltas: ``[a = t_i]`` puts t_i in the place of a.

        Where the sum does not run over a, each of its terms is added to the entry t_i: such a
        delta stays as a bracket.
        """
        scatters = []
        for delta in [f for f in sp.Mul.make_args(body) if isinstance(f, sp.KroneckerDelta)]:
            sides = [
                (s, other)
                for s, other in (delta.args, delta.args[::-1])
                if s in self.dims and delta.has(*bound) and not other.has(s)
            ]
            sides.sort(key=lambda side: side[0] not in bound)
            for s, other in sides[:1]:
                body = substitute(body / delta, {s: other})
                if s not in bound:
                    scatters.append(Part(self.indices(other), bracket=True))
                bound = [b for b in bound if b != s]
        return body, bound, scatters


def union(parts: Iterable[Part]) -> Indices:
    return reduce(frozenset.union, (part.indices for part in parts), frozenset[sp.Symbol]())


def squarings(power: int) -> int:
    """The multiplications of a power with a whole exponent."""
    return max(power.bit_length() + power.bit_count() - 2, 0)
