"""The slips that a person makes in an equation, one at a time.

Each kind of slip is a row of ``SLIPS``: from a part of an equation's right
side, and where that part stands, to what might be written there by mistake.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from ..equation import Let
from ..expressions import fresh_letters, make_sum, name_of, nodes, subscripts_of, substitute
from ..notation import Dim, Iverson, Tensor, entry
from ..program import Program
from .wording import Says


@dataclass(frozen=True)
class Place:
    """A part of an equation, and how the equation reads with another in its place.

    ``indices`` are those in scope, free ones first, each with its dimension.
    """

    program: Program
    let: Let
    part: sp.Expr
    around: Callable[[sp.Expr], sp.Expr]
    indices: Mapping[sp.Symbol, Dim]

    @property
    def free(self) -> Mapping[sp.Symbol, Dim]:
        return {s: d for s, d in self.indices.items() if s in self.let.indices}


@dataclass(frozen=True)
class Slip:
    """One mistake in one equation: the equation with it, and what to say of it.

    ``weight`` orders slips from the likely to the contrived. ``term`` is what
    the sentence names, ``factor`` what a term was multiplied by.
    """

    let: Let
    weight: float
    says: Says
    term: sp.Expr
    factor: sp.Expr | None = None


@dataclass(frozen=True)
class Instead:
    """What may stand in a place by mistake; ``words`` name ``formulas``, the first one the term."""

    weight: float
    expr: sp.Expr
    words: str
    formulas: tuple[Any, ...]
    factor: sp.Expr | None = None


Row = Callable[[Place], Iterator[Instead]]


def slips(program: Program, let: Let, rows: Iterable[Row] | None = None) -> Iterator[Slip]:
    """All slips of the table in one equation; none changes its shape."""
    (right,) = let.expressions
    dims = program.tensors[let.name].dims
    free = dict(zip(let.indices, dims, strict=True))
    seen = {right}
    for place in places(program, let, right, lambda new: new, free):
        for row in SLIPS if rows is None else rows:
            for instead in row(place):
                changed = place.around(instead.expr)
                if changed in seen or changed.has(sp.zoo, sp.nan, sp.oo):
                    continue
                seen.add(changed)
                says = Says(let, instead.words, instead.formulas)
                wrong = Let(let.lhs, changed, let.note)
                yield Slip(wrong, instead.weight, says, instead.formulas[0], instead.factor)


def places(
    program: Program,
    let: Let,
    part: sp.Expr,
    around: Callable[[sp.Expr], sp.Expr],
    indices: Mapping[sp.Symbol, Dim],
) -> Iterator[Place]:
    """Every part of a right side, the outermost first; not the insides of subscripts."""
    yield Place(program, let, part, around, indices)
    if isinstance(part, sp.Sum):
        inner = dict(indices) | {
            symbol: dim_of(program, high + 1) for symbol, _, high in part.limits
        }

        def over(new: sp.Expr) -> sp.Expr:
            return around(make_sum(new, part.limits))

        yield from places(program, let, part.function, over, inner)
    elif isinstance(part, sp.Add | sp.Mul | sp.Function | sp.Max | sp.Min) and not isinstance(
        part, Iverson | sp.KroneckerDelta
    ):
        for k, arg in enumerate(part.args):

            def among(new: sp.Expr, k: int = k) -> sp.Expr:
                return around(part.func(*part.args[:k], new, *part.args[k + 1 :]))

            yield from places(program, let, arg, among, indices)
    elif isinstance(part, sp.Pow):

        def raised(new: sp.Expr) -> sp.Expr:
            return around(new**part.exp)

        yield from places(program, let, part.base, raised, indices)


def dim_of(program: Program, size: sp.Expr) -> Dim:
    return next((d for d in program.dims if d.symbol == size), Dim(str(size)))


# --------------------------------------------------------------------------
# The table of slips
# --------------------------------------------------------------------------


def missing_term(place: Place) -> Iterator[Instead]:
    """A term left out."""
    if isinstance(place.part, sp.Add):
        for term in place.part.args:
            words = "the term {} is missing"
            yield Instead(1.0, place.part - term, words, (term,), sp.S.Zero)


def multiple_of_term(place: Place) -> Iterator[Instead]:
    """A term with the wrong sign, twice, or half of it."""
    if isinstance(place.part, sp.Add):
        for term in place.part.args:
            for weight, multiple, words in MULTIPLES:
                changed = place.part + (multiple - 1) * term
                yield Instead(weight, changed, words, (term,), multiple)


MULTIPLES = (
    (1.1, sp.S.NegativeOne, "the term {} has the wrong sign"),
    (1.2, sp.Integer(2), "the term {} is doubled"),
    (1.3, sp.S.Half, "the term {} is halved"),
)


def nothing_there(place: Place) -> Iterator[Instead]:
    """A whole right side that is zero."""
    if place.part is place.let.rhs:
        yield Instead(3.0, sp.S.Zero, "{} is taken as zero", (place.let.lhs,), sp.S.Zero)


def factor_slips(place: Place) -> Iterator[Instead]:
    """A factor forgotten, there twice, or below the bar instead of above."""
    part = place.part
    if not isinstance(part, sp.Mul):
        return
    for factor in part.args:
        if factor == -1:
            words = "{} has the wrong sign"
            yield Instead(1.6, -part, words, (part,), sp.S.NegativeOne)
            continue
        named = (part, factor)
        yield Instead(2.0, part / factor, "in {}, the factor {} is missing", named)
        yield Instead(2.2, part * factor, "in {}, the factor {} is there twice", named)
        upside_down = "in {}, the factor {} is turned upside down"
        yield Instead(2.6, part / factor**2, upside_down, named)


def wrong_exponent(place: Place) -> Iterator[Instead]:
    """A power that is too high or too low, or a root forgotten."""
    part = place.part
    if isinstance(part, sp.Pow) and part.exp.is_Rational:
        others = (part.exp + 1, part.exp - 1, -part.exp, part.exp * 2, part.exp / 2)
        for other in dict.fromkeys(others):
            if other:
                words = "{} should be there, not {}"
                yield Instead(2.3, part.base**other, words, (part, part.base**other))
    elif isinstance(part, sp.Indexed | sp.Symbol) and name_of(part) in place.program.tensors:
        yield Instead(2.5, part**2, "{} should be there, not {}", (part, part**2))


def one_less(place: Place) -> Iterator[Instead]:
    """A mean that divides by one less, as an unbiased variance does."""
    part = place.part
    sizes = {d.symbol for d in place.program.dims if d.size is None}
    if isinstance(part, sp.Pow) and part.exp == -1 and part.base in sizes:
        less = part.base - 1
        yield Instead(2.1, 1 / less, "it divides by {1} instead of {0}", (part.base, less))


def only_the_diagonal(place: Place) -> Iterator[Instead]:
    """Of a sum, only the entry whose index is the free one."""
    if isinstance(place.part, sp.Sum):
        for bound, dim, rest in sums(place):
            for free in alike(place, dim):
                body = substitute(place.part.function, {bound: free})
                words = "of the sum {}, only the entry {} = {} is there"
                single = make_sum(body, rest) if rest else body
                yield Instead(2.4, single, words, (place.part, bound, free))


def over_more_axes(place: Place) -> Iterator[Instead]:
    """A sum or a mean that also runs over an axis whose index is free, or over that one alone."""
    part = place.part
    if not isinstance(part, sp.Sum):
        return
    for bound, dim, rest in sums(place):
        for free, other in place.indices.items():
            if free not in part.free_symbols:
                continue
            new = unused(place)
            wider = sp.Tuple(new, 0, other.symbol - 1)
            body = make_sum(substitute(part.function, {free: new}), (*part.limits, wider))
            words = "the sum {} also runs over the axis {}"
            yield Instead(2.7, body, words, (part, other.symbol))
            yield Instead(2.8, body / other.symbol, words, (part, other.symbol))
            for same in alike(place, dim):
                if same != free:
                    over = make_sum(
                        substitute(part.function, {bound: same, free: new}), (*rest, wider)
                    )
                    words = "the sum {} runs over the axis {} instead of {}"
                    named = (part, other.symbol, dim.symbol)
                    yield Instead(2.7, over, words, named)
                    yield Instead(2.7, over * dim.symbol / other.symbol, words, named)


def sums(place: Place) -> Iterator[tuple[sp.Symbol, Dim, list[sp.Tuple]]]:
    """Each index that a sum binds, its dimension, and the limits of the others."""
    for limit in place.part.limits:
        rest = [other for other in place.part.limits if other is not limit]
        yield limit[0], dim_of(place.program, limit[2] + 1), rest


def alike(place: Place, dim: Dim) -> list[sp.Symbol]:
    """The indices in scope that run over a dimension."""
    return [symbol for symbol, other in place.indices.items() if other == dim]


def unused(place: Place) -> sp.Symbol:
    taken = {str(s) for s in nodes(place.part) if isinstance(s, sp.Symbol)}
    return sp.Symbol(next(fresh_letters(taken | {str(s) for s in place.indices})), integer=True)


def other_index(place: Place) -> Iterator[Instead]:
    """A factor taken out of a sum, or into it: its index is that of the other side."""
    part = place.part
    if not isinstance(part, sp.Indexed):
        return
    subscripts = subscripts_of(part)
    for k, symbol in enumerate(subscripts):
        if symbol not in place.indices:
            continue
        side = "inside" if symbol in place.let.indices else "outside"
        for other in alike(place, place.indices[symbol]):
            if other not in subscripts:
                moved = entry(name_of(part), *subscripts[:k], other, *subscripts[k + 1 :])
                words = f"the factor {{}} stands {side} the sum, as {{}}"
                yield Instead(2.3, moved, words, (part, moved))


def transposed(place: Place) -> Iterator[Instead]:
    """An entry with two of its subscripts exchanged."""
    part = place.part
    if not isinstance(part, sp.Indexed):
        return
    subscripts = subscripts_of(part)
    for a, b in itertools.combinations(range(len(subscripts)), 2):
        dims = [place.indices.get(subscripts[k]) for k in (a, b)]
        if dims[0] is not None and dims[0] == dims[1]:
            turned = list(subscripts)
            turned[a], turned[b] = turned[b], turned[a]
            instead = entry(name_of(part), *turned)
            yield Instead(2.3, instead, "the factor {} is transposed", (part,))


def wrong_name(place: Place) -> Iterator[Instead]:
    """Another tensor of the same shape in the place of one, or one without the batch."""
    part = place.part
    if not isinstance(part, sp.Indexed) or name_of(part) not in place.program.tensors:
        return
    tensors = place.program.tensors
    dims = tensors[name_of(part)].dims
    for name, tensor in tensors.items():
        inner = dims[len(dims) - len(tensor.dims) :]
        other = name not in (name_of(part), place.let.name) and not tensor.integer
        if other and tensor.dims and tensor.dims == inner:
            instead = entry(name, *subscripts_of(part)[len(dims) - len(inner) :])
            yield Instead(3.0, instead, "{} should be there, not {}", (part, instead))


def further_factor(place: Place) -> Iterator[Instead]:
    """The whole right side times, or divided by, something that does not belong there."""
    (right,) = place.let.expressions
    if place.part is not right:
        return
    for name, tensor in place.program.tensors.items():
        at = indices_for(tensor, place.free)
        if at is not None and name != place.let.name and not tensor.integer:
            factor = entry(name, *at)
            yield Instead(2.4, right * factor, "there is a factor {} too many", (factor,))
            words = "it is divided by {}, which does not belong there"
            yield Instead(2.9, right / factor, words, (factor,))


def indices_for(tensor: Tensor, free: Mapping[sp.Symbol, Dim]) -> tuple[sp.Symbol, ...] | None:
    """Free indices that a tensor's axes can run over, where there is one for each."""
    found: list[sp.Symbol] = []
    for dim in tensor.dims:
        match = [s for s, d in free.items() if d == dim and s not in found]
        if not match:
            return None
        found.append(match[0])
    return tuple(found)


def wrong_function(place: Place) -> Iterator[Instead]:
    """A function in the place of the one that it resembles."""
    for name, other in RESEMBLING.get(place.part.func, {}).items():
        (inside,) = place.part.args
        yield Instead(2.5, other(inside), f"{{}} is computed by {name}", (place.part,))


def logistic(x: sp.Expr) -> sp.Expr:
    return 1 / (1 + sp.exp(-x))


def erf_by_tanh(z: sp.Expr) -> sp.Expr:
    """Hendrycks and Gimpel's approximation, 2016."""
    x = sp.sqrt(2) * z
    return sp.tanh(sp.sqrt(2 / sp.pi) * (x + sp.Rational(44715, 10**6) * x**3))


def erf_by_sigmoid(z: sp.Expr) -> sp.Expr:
    """The same authors' shorter one."""
    return 2 * logistic(sp.Rational(1702, 1000) * sp.sqrt(2) * z) - 1


#: What people take for what: the functions that resemble one, by how they are described.
RESEMBLING: Mapping[type, Mapping[str, Callable[[sp.Expr], sp.Expr]]] = {
    sp.erf: {
        "its approximation by tanh": erf_by_tanh,
        "its approximation by a sigmoid": erf_by_sigmoid,
    },
    sp.tanh: {"a sigmoid": logistic, "erf": sp.erf},
    sp.log: {
        "the logarithm to base 2": lambda z: sp.log(z) / sp.log(2),
        "the logarithm to base 10": lambda z: sp.log(z) / sp.log(10),
    },
    sp.sin: {"cos": sp.cos},
    sp.cos: {"sin": sp.sin},
}

SLIPS: tuple[Row, ...] = (
    missing_term,
    multiple_of_term,
    factor_slips,
    one_less,
    wrong_exponent,
    only_the_diagonal,
    over_more_axes,
    other_index,
    transposed,
    wrong_function,
    wrong_name,
    further_factor,
    nothing_there,
)
