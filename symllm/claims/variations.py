"""The slips that a person makes in an equation, one at a time.

Each kind of slip is a row of ``SLIPS``: from a part of an equation's right
side, and where that part stands, to what might be written there by mistake.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping

import sympy as sp

from ..expressions import fresh_letters, make_sum, name_of, nodes, subscripts_of, substitute
from ..notation import Dim, Iverson, Tensor, entry
from .slips import Instead, Place, Row, dim_of


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
    if place.whole:
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
    number, rest = part.as_coeff_Mul()
    if rest.is_Mul:
        yield Instead(2.6, number / rest, "{} is turned upside down", (part,))


def misplaced_bracket(place: Place) -> Iterator[Instead]:
    """A bracket closed too early: the factor before it multiplies one term alone."""
    part = place.part
    brackets = [f for f in part.args if isinstance(f, sp.Add)] if isinstance(part, sp.Mul) else []
    for bracket in brackets:
        for factor in part.args:
            if factor in (bracket, -1):
                continue
            for term in bracket.args:
                early = part / factor / bracket * (factor * term + bracket - term)
                words = "the factor {} multiplies the term {} alone"
                yield Instead(2.4, early, words, (factor, term))


def wrong_exponent(place: Place) -> Iterator[Instead]:
    """A power that is too high or too low, or a root forgotten."""
    part = place.part
    if isinstance(part, sp.Pow):
        others: tuple[sp.Expr, ...] = (-part.exp, part.exp * 2, part.exp / 2)
        if part.exp.is_Rational:
            others = (part.exp + 1, part.exp - 1, *others)
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


def turned_around(place: Place) -> Iterator[Instead]:
    """A mask that stops what it should let through."""
    part = place.part
    tensor = place.program.tensors.get(name_of(part)) if isinstance(part, sp.Indexed) else None
    if isinstance(part, Iverson) or (tensor is not None and tensor.domain == "binary"):
        yield Instead(2.3, 1 - part, "the mask {} is turned around", (part,))


def other_relation(place: Place) -> Iterator[Instead]:
    """A comparison the wrong way round, or one that counts what is equal, too."""
    part = place.part
    condition = part.args[0] if isinstance(part, Iverson) else None
    if isinstance(condition, sp.Ge | sp.Le | sp.Gt | sp.Lt):
        left, right = condition.args
        other = OTHER_STRICTNESS[condition.func]
        for weight, new in ((2.3, condition.func(right, left)), (2.4, other(left, right))):
            words = "{} should be there, not {}"
            yield Instead(weight, Iverson(new), words, (part, Iverson(new)))


OTHER_STRICTNESS = {sp.Ge: sp.Gt, sp.Gt: sp.Ge, sp.Le: sp.Lt, sp.Lt: sp.Le}


def without_bound(place: Place) -> Iterator[Instead]:
    """One side of a minimum or a maximum alone."""
    if isinstance(place.part, sp.Min | sp.Max):
        for side in place.part.args:
            yield Instead(2.2, side, "{} should be there, not {} alone", (place.part, side))


def wrong_name_throughout(place: Place) -> Iterator[Instead]:
    """Another tensor wherever one stands, as the input in the place of the output."""
    if place.whole:
        found = [e for e in place.part.atoms(sp.Indexed) if name_of(e) in place.program.tensors]
        for name in dict.fromkeys(map(name_of, sorted(found, key=str))):
            mine = [e for e in found if name_of(e) == name]
            for other, tensor in place.program.tensors.items():
                same = tensor.dims == place.program.tensors[name].dims
                if same and other not in (name, place.let.name) and not tensor.integer:
                    new = {e: entry(other, *subscripts_of(e)) for e in mine}
                    words = "{} should be there, not {}"
                    named = (mine[0], new[mine[0]])
                    yield Instead(3.2, place.part.xreplace(new), words, named)


def size_for_sum(place: Place) -> Iterator[Instead]:
    """A count where a sum belongs: a mean over all where some count."""
    if isinstance(place.part, sp.Sum):
        size = sp.Mul(*(dim.symbol for _, dim, _ in sums(place)))
        yield Instead(2.9, size, "{} should be there, not {}", (place.part, size))


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
    if place.whole:
        for factor in entries_for(place, place.free):
            yield Instead(2.4, place.part * factor, "there is a factor {} too many", (factor,))
            words = "it is divided by {}, which does not belong there"
            yield Instead(2.9, place.part / factor, words, (factor,))


def further_factor_inside(place: Place) -> Iterator[Instead]:
    """What is summed, or one term, times something that does not belong there."""
    part = place.part
    if isinstance(part, sp.Sum):
        bound = {symbol: dim for symbol, dim, _ in sums(place)}
        for factor in entries_for(place, {**bound, **place.indices}):
            if not factor.free_symbols.isdisjoint(bound):
                more = make_sum(part.function * factor, part.limits)
                yield Instead(2.7, more, "in {}, there is a factor {} too many", (part, factor))
    elif isinstance(part, sp.Add):
        for factor in entries_for(place, place.indices):
            for term in part.args:
                words = "in the term {}, there is a factor {} too many"
                yield Instead(2.8, part - term + term * factor, words, (term, factor))


def entries_for(place: Place, indices: Mapping[sp.Symbol, Dim]) -> Iterator[sp.Expr]:
    """An entry of every tensor whose axes these indices can run over."""
    for name, tensor in place.program.tensors.items():
        at = indices_for(tensor, indices)
        if at is not None and name != place.let.name and not tensor.integer:
            yield entry(name, *at)


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


def sine_for_cosine(place: Place) -> Iterator[Instead]:
    """Sine and cosine exchanged throughout."""
    part = place.part
    if place.whole and part.has(sp.sin) and part.has(sp.cos):
        waves = part.atoms(sp.sin, sp.cos)
        other = {w: (sp.cos if isinstance(w, sp.sin) else sp.sin)(w.args[0]) for w in waves}
        named = sorted(waves, key=str)[0]
        words = "sine and cosine are exchanged, as in {}"
        yield Instead(2.6, part.xreplace(other), words, (named,))


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
    misplaced_bracket,
    one_less,
    wrong_exponent,
    only_the_diagonal,
    over_more_axes,
    other_index,
    transposed,
    wrong_function,
    sine_for_cosine,
    wrong_name,
    wrong_name_throughout,
    further_factor,
    further_factor_inside,
    size_for_sum,
    turned_around,
    other_relation,
    without_bound,
    nothing_there,
)
