"""From adjoint lines to results: which names survive, and the cheapest form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..algebra.factor import Factored, cost, factored
from ..algebra.rewrite import Rewrite, Use, simplify
from ..algebra.terms import ZERO, Ix, Poly, Ref, Root, Size
from ..algebra.walk import mono_atoms
from .adjoint import Line, Seed, apart, inline_all, put_in
from .backward import adjoint_lines, names_to_keep
from .orient import rules_of
from .system import System


@dataclass(frozen=True)
class Closed:
    """A result, or an intermediate adjoint that keeps its name.

    ``start`` is the adjoint line as it came, ``inlined`` has the adjoints
    that lose their names written out, ``uses`` lists the rules that led from
    there to ``value``.
    """

    name: str
    entry: tuple[Ix, ...]
    start: Poly
    inlined: Poly
    uses: tuple[Use, ...]
    value: Poly


@dataclass(frozen=True)
class Textbook:
    """All that was derived: the adjoint lines, and the closed forms made of them."""

    lines: Mapping[str, Line]
    closed: Mapping[str, Closed]
    wrt: tuple[str, ...]
    seed: Seed


def textbook(sys: System, wrt: tuple[str, ...], seed: Seed) -> Textbook:
    """Derive, and bring into textbook form, the adjoints of the inputs asked for."""
    lines = adjoint_lines(sys, wrt, seed)
    kept = frozenset() if seed.output else names_to_keep(sys, lines, wrt)
    closed = {name: close(sys, lines, name, kept) for name in lines if name in kept or name in wrt}
    missing = [n for n in wrt if n not in lines]
    for name in missing:  # the loss does not depend on it
        entry = apart(sys, sys.entry(name), seed.row) if seed.output else sys.entry(name)
        closed[name] = Closed(name, entry, ZERO, ZERO, (), ZERO)
    if not seed.output:
        closed = name_products(sys, lines, closed, kept, wrt)
    return Textbook(lines, closed, wrt, seed)


def close(sys: System, lines: Mapping[str, Line], name: str, kept: frozenset[str]) -> Closed:
    line = lines[name]
    inlined = inline_all(lines, line.value, kept | {name})
    value, uses = simplify(inlined, rules_of(sys.program), sys.price)
    for other in reversed(list(lines.values())):
        if other.name in kept and other.name != name:
            value, more = unfold_where_cheaper(sys, other, value)
            uses += more
    return Closed(name, line.entry, line.value, inlined, uses, value)


def unfold_where_cheaper(sys: System, line: Line, poly: Poly) -> tuple[Poly, tuple[Use, ...]]:
    """A kept adjoint written out in those terms that get cheaper by it.

    ``sum_j P dP`` becomes ``rowsum(dO * O)``, though ``dP`` keeps its name
    in the other term.
    """
    if line.adjoint not in poly.names:
        return poly, ()
    uses: list[Use] = []
    for mono, c in poly.sorted():
        term = Poly({mono: c})
        written = put_in(line, term)
        if written == term:
            continue
        value, steps = simplify(written, rules_of(sys.program), sys.price)
        if sys.price(value) < sys.price(term):
            rest = poly - term
            unfold = Rewrite(line.name, "unfold", (), (), written)
            uses.append((unfold, rest + written))
            uses += [(rule, rest + part) for rule, part in steps]
            poly = rest + value
    return poly, tuple(uses)


def name_products(
    sys: System,
    lines: Mapping[str, Line],
    closed: dict[str, Closed],
    kept: frozenset[str],
    wrt: tuple[str, ...],
) -> dict[str, Closed]:
    """Products of entries that a result mentions several times get their name back.

    Layer norm's ``gamma_i dy_i`` is such a one.
    """
    for name, line in lines.items():
        if name in kept or name in wrt or not is_product(line.value):
            continue
        trial = {
            n: close(sys, lines, n, kept | {name}) if n not in kept else c
            for n, c in closed.items()
            if n in lines
        }
        trial |= {n: c for n, c in closed.items() if n not in lines}
        before = sum(cost(c.value) for c in closed.values())
        after = sum(cost(c.value) for c in trial.values()) + cost(line.value) / 2
        used = sum(count(c.value, line.adjoint) for c in trial.values())
        if used >= 2 and after < before:
            kept = kept | {name}
            own = close(sys, lines, name, kept)
            closed = {n: own if n == name else trial[n] for n in lines if n in trial or n == name}
            closed |= {n: c for n, c in trial.items() if n not in lines}
    return closed


def is_product(poly: Poly) -> bool:
    if len(poly.terms) != 1:
        return False
    (mono,) = poly.terms
    factors = [a for a, _ in mono.factors if not isinstance(a, Root | Size)]
    return len(factors) > 1 and all(isinstance(a, Ref) for a in factors)


def count(poly: Poly, name: str) -> int:
    """How often a name stands in the polynomial as it is written, factored."""

    def in_tree(tree: Factored) -> int:
        here = sum(isinstance(a, Ref) and a.name == name for a in mono_atoms(tree.outside))
        return here + sum(map(in_tree, (*tree.inside, *tree.more)))

    return in_tree(factored(poly, products=False))
