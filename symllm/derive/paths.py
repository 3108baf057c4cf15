"""Total derivatives by walking forwards: the sum over all paths from an entry to the loss.

The derivation walks the equations backwards; that this comes to the same is what the chain rule
says, and so what proves a step that begins with the question itself.
"""

from __future__ import annotations

from collections.abc import Callable, Set

from ..algebra.calculus import occurrences
from ..algebra.change import Change
from ..algebra.sums import total
from ..algebra.terms import ONE, ZERO, Poly, Ref, Subscript, atom_poly, delta, fresh_index
from ..errors import NotationError
from .adjoint import Seed
from .system import System

#: Normal forms longer than this, in characters, are not pursued: a proof that
#: takes longer than all the checks is not worth it.
LONGEST = 20_000


def by_parts(poly: Poly, slope: Callable[[Ref], Poly]) -> Poly:
    """The derivative of an expression, from those of the entries in it."""
    result = ZERO
    for name in sorted(poly.names):
        for place in occurrences(poly, name):
            result = result + total(place.bound, place.slope * slope(Ref(name, place.subs)))
    return result


def along_paths(flat: System, quantity: Ref, entry: Ref, stops: Set[str]) -> Poly:
    """The derivative of a quantity by an entry, over the paths that pass none of ``stops``.

    Raises ``NotationError`` where that gets too long.
    """
    if quantity.name == entry.name:
        return equal(quantity.subs, entry.subs)
    equation = flat.equations.get(quantity.name)
    if equation is None:
        return ZERO
    right = Change(dict(zip(equation.indices, quantity.subs, strict=True))).poly(equation.right)
    result = by_parts(
        right, lambda q: ZERO if q.name in stops else along_paths(flat, q, entry, stops)
    )
    if len(result.key) > LONGEST:
        raise NotationError("the sum over all paths is too long for a proof")
    return result


def of_seed(flat: System, seed: Seed, entry: Ref, known: Set[str]) -> Poly:
    """The derivative of what is differentiated, where the adjoints of some names are known.

    That is the loss, the sum of all outputs, each weighted by its upstream
    gradient, or one entry of an output: then its upstream gradient is 1.
    Paths end where they meet a name whose adjoint is known, and count as often as that says.
    """
    result = ZERO
    stops = frozenset(known - {entry.name})
    outputs = (seed.output,) if seed.output else flat.program.outputs
    for name in (*(n for n in outputs if n not in stops), *sorted(stops)):
        indices = tuple(fresh_index(d.name) for d in flat.program.tensors[name].dims)
        weight = (
            atom_poly(seed.adjoint(flat, name, indices))
            if name in stops
            else seed.upstream(flat, name, indices)
        )
        slope = along_paths(flat, Ref(name, indices), entry, stops)
        result = result + total(indices, weight * slope)
    return result


def equal(left: tuple[Subscript, ...], right: tuple[Subscript, ...]) -> Poly:
    result = ONE
    for a, b in zip(left, right, strict=True):
        result = result * delta(a, b)
    return result
