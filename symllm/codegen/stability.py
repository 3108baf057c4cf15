"""From the mathematician's forms to forms that neither overflow nor cancel.

Exponentials that only meet their own sums are shifted by the maximum. Which
ones are is found by counting: ``E = exp(u)`` has weight 1, a product adds
weights, a quotient subtracts them, a sum keeps the weight of its terms, which
must agree. Dividing every exponential by ``exp(top)`` then changes nothing of
weight 0, and adds ``w top`` to a logarithm of weight w.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import sympy as sp

from ..expressions import name_of, rename_entries, subscripts_of
from ..notation import Iverson, Tensor, entry
from ..program import needed
from .functions import (
    Allowed,
    Expm1,
    FiniteTop,
    Log1p,
    NonZero,
    Over,
    Sigmoid,
    Softplus,
    Top,
    indices_of,
)
from .identities import Knowledge, apply_identities
from .lines import Line, names_in, over
from .sharing import fold, fresh_name, name_for

EXPONENTIAL = (sp.exp, Sigmoid, Softplus, Expm1, Log1p, Allowed)


def stable(
    lines: tuple[Line, ...], inputs: tuple[Tensor, ...], outputs: tuple[str, ...]
) -> tuple[Line, ...]:
    """The same values, computed without overflow where the identities reach."""
    taken = {t.name for t in inputs} | {line.name for line in lines}
    lines = with_reduction_lines(lines, taken)
    lines = needed(settled(lines, inputs), outputs)
    lines = with_exponential_lines(lines, taken)
    for name in [line.name for line in lines if isinstance(line.value, sp.exp)]:
        lines = shifted(lines, name, inputs, outputs, taken)
    return needed(lines, outputs)


def settled(lines: tuple[Line, ...], inputs: tuple[Tensor, ...]) -> tuple[Line, ...]:
    """Each line after the identities, which see through the names of exponentials."""
    known = Knowledge(binary=frozenset(t.name for t in inputs if t.domain == "binary"))
    seen_through: dict[str, Line] = {}
    result = []
    for line in lines:
        inlined, rewritten = see_through(line.value, seen_through, known)
        settled_line = replace(line, value=rewritten if rewritten != inlined else line.value)
        result.append(settled_line)
        full = rename_entries(rewritten, {n: at.at for n, at in seen_through.items()})
        if full.has(*EXPONENTIAL) and not full.has(Over) and plain(full):
            seen_through[line.name] = replace(line, value=full)
        if known.is_positive(settled_line.value):
            known = replace(known, positive=known.positive | {line.name})
    return tuple(result)


def see_through(
    value: sp.Expr, lines: Mapping[str, Line], known: Knowledge
) -> tuple[sp.Expr, sp.Expr]:
    """The value with names written out, before and after the identities.

    A name stays where writing it out brings no identity about.
    """

    def written_out(names: set[str]) -> tuple[sp.Expr, sp.Expr]:
        inlined = rename_entries(value, {n: lines[n].at for n in names})
        return inlined, apply_identities(inlined, known)

    names = names_in(value) & lines.keys()
    whole, best = written_out(names)
    if whole == best:
        return whole, best
    for name in sorted(names):
        shorter = written_out(names - {name})[1]
        if rename_entries(shorter, {n: lines[n].at for n in names}) == best:
            names = names - {name}
    return whole, written_out(names)[1]


def plain(expr: sp.Expr) -> bool:
    """Are all subscripts plain indices?"""
    return all(isinstance(s, sp.Symbol) for e in expr.atoms(sp.Indexed) for s in e.indices)


def with_reduction_lines(lines: tuple[Line, ...], taken: set[str]) -> tuple[Line, ...]:
    """Sums that an exponential meets on lines of their own, so that ratios are seen through."""
    result: list[Line] = []
    for line in lines:
        value = line.value
        if value.has(sp.exp) and not isinstance(value, Over):
            for node in sorted(value.atoms(Over), key=str):
                made = generated(node, line, fresh_name(name_for(node), taken))
                if node.has(sp.exp) and made and not node.body.has(Over):
                    result.append(made)
                    value = value.xreplace({node: made.entry})
        result.append(replace(line, value=value))
    return tuple(result)


def with_exponential_lines(lines: tuple[Line, ...], taken: set[str]) -> tuple[Line, ...]:
    """Each exponential on a line of its own, equal ones on one."""
    result: list[Line] = []
    own = [line for line in lines if isinstance(line.value, sp.exp)]
    for line in lines:
        if not isinstance(line.value, sp.exp):
            for found in sorted(line.value.atoms(sp.exp), key=str):
                if not any(fold(found, line_of) != found for line_of in own) and plain(found):
                    made = generated(found, line, fresh_name("E", taken))
                    if made:
                        own.append(made)
                        result.append(made)
            for line_of in own:
                line = replace(line, value=fold(line.value, line_of))
        result.append(line)
    return tuple(result)


def generated(expr: sp.Expr, line: Line, name: str) -> Line | None:
    """A line for part of another line's value, with the indices that the part has."""
    sizes = dict(zip(line.indices, line.sizes, strict=True))
    for node in sp.preorder_traversal(line.value):
        if isinstance(node, Over):
            sizes.update(node.limits)
    indices = indices_of(expr)
    order = [*line.indices, *(i for i in indices if i not in line.indices)]
    indices = tuple(i for i in order if i in indices)
    if not all(i in sizes for i in indices):
        return None
    return Line(name, indices, tuple(sizes[i] for i in indices), expr, given=False)


# --------------------------------------------------------------------------
# Weights
# --------------------------------------------------------------------------


class Mixed(Exception):
    """The exponential meets something of another weight: it cannot be shifted."""


class SummedOver(Exception):
    """The exponential is summed over one more of its axes."""

    def __init__(self, axis: int) -> None:
        self.axis = axis


@dataclass(frozen=True)
class Weighed:
    """An expression, rewritten; its weight; and the subscripts of the shift."""

    expr: sp.Expr
    weight: sp.Expr = sp.S.Zero
    at: tuple[sp.Expr, ...] = ()


@dataclass(frozen=True)
class Shift:
    """One exponential's shift: which of its axes the shift keeps, and its name."""

    source: str
    kept: tuple[int, ...]
    top: str
    maskable: bool

    def weigh(self, expr: sp.Expr, weights: dict[str, Weighed]) -> Weighed:
        if isinstance(expr, sp.Indexed | sp.Symbol):
            return self.weigh_entry(expr, weights)
        if isinstance(expr, Over):
            return self.weigh_reduction(expr, weights)
        if not expr.args or isinstance(expr, Iverson):
            return Weighed(expr)
        parts = [self.weigh(arg, weights) for arg in expr.args]
        if all(part.weight == 0 for part in parts):
            return Weighed(expr.func(*(part.expr for part in parts)))
        if isinstance(expr, sp.Add):
            return together(expr.func(*(p.expr for p in parts)), parts, same_weight(parts))
        if isinstance(expr, sp.Mul):
            return together(
                expr.func(*(p.expr for p in parts)), parts, sp.Add(*(p.weight for p in parts))
            )
        if isinstance(expr, sp.Pow) and parts[1].weight == 0 and expr.exp.is_number:
            base = parts[0]
            safe = NonZero(base.expr) if self.maskable and expr.exp.is_negative else base.expr
            return Weighed(safe**expr.exp, base.weight * expr.exp, base.at)
        if isinstance(expr, sp.log):
            (inner,) = parts
            return Weighed(sp.log(inner.expr) + inner.weight * entry(self.top, *inner.at))
        raise Mixed

    def weigh_entry(self, expr: sp.Expr, weights: dict[str, Weighed]) -> Weighed:
        name, subscripts = name_of(expr), subscripts_of(expr)
        if name == self.source:
            return Weighed(expr, sp.S.One, tuple(subscripts[axis] for axis in self.kept))
        known = weights.get(name)
        if known is None or known.weight == 0:
            return Weighed(expr)
        axes = [int(axis) for axis in known.at]
        return Weighed(expr, known.weight, tuple(subscripts[axis] for axis in axes))

    def weigh_reduction(self, expr: Over, weights: dict[str, Weighed]) -> Weighed:
        body = self.weigh(expr.body, weights)
        if body.weight != 0:
            for kept, subscript in zip(self.kept, body.at, strict=True):
                if subscript in expr.bound:
                    raise SummedOver(kept)
        return Weighed(expr.func(body.expr, expr.args[1]), body.weight, body.at)


def same_weight(parts: list[Weighed]) -> sp.Expr:
    weights = {part.weight for part in parts if part.expr != 0}
    if len(weights) > 1:
        raise Mixed
    return weights.pop()


def together(expr: sp.Expr, parts: list[Weighed], weight: sp.Expr) -> Weighed:
    places = {part.at for part in parts if part.weight != 0}
    if len(places) > 1:
        raise Mixed
    return Weighed(expr, weight, places.pop()) if weight != 0 else Weighed(expr)


def shifted(
    lines: tuple[Line, ...],
    name: str,
    inputs: tuple[Tensor, ...],
    outputs: tuple[str, ...],
    taken: set[str],
) -> tuple[Line, ...]:
    """The lines with one exponential shifted by its maximum, or as they were."""
    source = next(line for line in lines if line.name == name)
    axes = set(range(len(source.indices)))
    exponent = source.value.args[0]
    top = fresh_name(f"top_{name}", taken)
    maskable = may_be_forbidden(exponent, lines, inputs)
    kept = axes
    while True:
        shift = Shift(name, tuple(sorted(kept)), top, maskable)
        try:
            following = weigh_lines(lines, shift, outputs)
            break
        except SummedOver as found:
            kept = kept - {found.axis}
        except Mixed:
            return lines
    if kept == axes:
        return lines
    return with_shift(following, source, shift, taken)


def weigh_lines(
    lines: tuple[Line, ...], shift: Shift, outputs: tuple[str, ...]
) -> tuple[Line, ...]:
    """Every line rewritten for the shift; raises where that cannot be."""
    weights: dict[str, Weighed] = {}
    result = []
    for line in lines:
        if line.name == shift.source:
            if line.name in outputs:
                raise Mixed
            result.append(line)
            continue
        found = shift.weigh(line.value, weights)
        if found.weight != 0:
            if line.name in outputs or not set(found.at) <= set(line.indices):
                raise Mixed
            places = tuple(sp.Integer(line.indices.index(s)) for s in found.at)
            weights[line.name] = replace(found, at=places)
        note = line.note
        if found.expr.has(NonZero) and "zero" not in note:
            note = f"{note}; zero where all is masked".removeprefix("; ")
        result.append(replace(line, value=found.expr, note=note))
    return tuple(result)


def with_shift(
    lines: tuple[Line, ...], source: Line, shift: Shift, taken: set[str]
) -> tuple[Line, ...]:
    """The maximum, the shifted exponent and its exponential, where the exponential was."""
    exponent = source.value.args[0]
    sizes = dict(zip(source.indices, source.sizes, strict=True))
    kept = tuple(source.indices[axis] for axis in shift.kept)
    limits = [(i, sizes[i]) for i in source.indices if i not in kept]
    made: list[Line] = []
    scores = exponent
    if not isinstance(exponent, sp.Indexed):
        masked = isinstance(exponent, Allowed) and isinstance(exponent.args[1], sp.Indexed)
        wish = f"{name_of(exponent.args[1])}_masked" if masked else f"log_{source.name}"
        scores_name = fresh_name(wish, taken)
        made.append(replace(source, name=scores_name, value=exponent, note="", given=False))
        scores = made[0].entry
        lines = tuple(
            replace(line, value=fold(line.value, made[0])) if line.name != source.name else line
            for line in lines
        )
    kind = FiniteTop if shift.maskable else Top
    sizes_kept = tuple(sizes[i] for i in kept)
    top = Line(shift.top, kept, sizes_kept, over(kind, scores, limits), given=False)
    below = Line(
        fresh_name(f"{name_of(scores)}_shifted", taken),
        source.indices,
        source.sizes,
        scores - top.entry,
        given=False,
    )
    result: list[Line] = []
    for line in lines:
        if line.name == source.name:
            result += [*made, top, below, replace(line, value=sp.exp(below.entry))]
        else:
            result.append(replace(line, value=cancel_top(line.value, scores, below, top)))
    return tuple(result)


def cancel_top(value: sp.Expr, scores: sp.Expr, below: Line, top: Line) -> sp.Expr:
    """``scores - (log Z + top)`` as ``(scores - top) - log Z``: the large numbers cancel first."""
    if shift_free(value, top):
        return value

    def lowered(subscripts: tuple[sp.Expr, ...]) -> sp.Expr:
        at = dict(zip(below.indices, subscripts, strict=True))
        return entry(below.name, *subscripts) + top.entry.xreplace(at)

    change = {name_of(scores): lambda s: lowered(at_indices(s, scores, below))}
    candidate = rename_entries(value, change)
    return candidate if shift_free(candidate, top) else value


def at_indices(
    subscripts: tuple[sp.Expr, ...], scores: sp.Expr, below: Line
) -> tuple[sp.Expr, ...]:
    given = dict(zip(subscripts_of(scores), subscripts, strict=True))
    return tuple(given[i] for i in below.indices)


def shift_free(expr: sp.Expr, top: Line) -> bool:
    return not any(
        isinstance(node, sp.Indexed | sp.Symbol) and name_of(node) == top.name
        for node in sp.preorder_traversal(expr)
    )


def may_be_forbidden(
    exponent: sp.Expr, lines: tuple[Line, ...], inputs: tuple[Tensor, ...]
) -> bool:
    """May the exponent be minus infinity: is it masked, or is a given bias added to it?"""
    if exponent.has(Allowed):
        return True
    biases = {t.name for t in inputs if t.role in ("target", "constant") and t.dims}
    terms = sp.Add.make_args(exponent)
    if len(terms) > 1 and any(isinstance(t, sp.Indexed) and name_of(t) in biases for t in terms):
        return True
    values = {line.name: line.value for line in lines}
    return any(
        name_of(term) in values and may_be_forbidden(values[name_of(term)], lines, inputs)
        for term in terms
        if isinstance(term, sp.Indexed | sp.Symbol)
    )
