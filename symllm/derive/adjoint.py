"""What one equation adds to the adjoints of the names that it mentions.

For every occurrence of ``T[a..]`` in ``D[i..] = right`` the adjoint of T
receives the sum over D's indices of ``dD[i..] d right / d T[a..]``; deltas
disappear as they arise.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from ..algebra.calculus import Occurrence, occurrences, pull_back
from ..algebra.change import Change
from ..algebra.rewrite import Use
from ..algebra.terms import ONE, ZERO, Atom, Ix, Poly, Ref, Subscript, atom_poly, delta, fresh_index
from .system import CallEquation, Equation, System


@dataclass(frozen=True)
class Seed:
    """What is differentiated.

    Either the loss, the upstream gradient of each output given (or 1, for
    ``unit`` outputs), or one entry ``output[row]``, whose derivatives make a
    row of a Jacobian.
    """

    unit: frozenset[str] = frozenset()
    output: str = ""
    row: tuple[Ix, ...] = ()
    #: Outputs that other equations on the way use as well.
    inner: frozenset[str] = frozenset()

    def upstream(self, sys: System, name: str, subs: tuple[Subscript, ...]) -> Poly:
        if self.output:
            if name != self.output:
                return ZERO
            result = ONE
            for a, b in zip(self.row, subs, strict=True):
                result = result * delta(a, b)
            return result
        return ONE if name in self.unit else atom_poly(Ref(f"d{name}", subs))

    def name(self, sys: System, name: str) -> str:
        """What the adjoint of a name is called.

        ``dy`` is the upstream gradient of an output y; where other equations
        use y as well, its whole adjoint needs a name of its own.
        """
        if self.output:
            return f"∂{name}"
        return f"d{name}_total" if name in self.inner else f"d{name}"

    def adjoint(self, sys: System, name: str, subs: tuple[Subscript, ...]) -> Ref:
        """An adjoint's entry: ``dZ``, or for a row of a Jacobian with the row's indices."""
        return Ref(self.name(sys, name), (*self.row, *subs))


@dataclass(frozen=True)
class Contribution:
    """What one equation adds to an adjoint; ``indices`` stand for its own in ``places``."""

    equation: Equation | CallEquation
    indices: tuple[Ix, ...]
    places: tuple[Occurrence, ...]
    value: Poly
    lemma: str = ""


@dataclass(frozen=True)
class Line:
    """``d name[entry] = value``: one line of the adjoint program.

    ``raw`` is what calculus gives, ``uses`` how rules brought it to ``value``.
    """

    name: str
    adjoint: str
    entry: tuple[Ix, ...]
    contributions: tuple[Contribution, ...]
    upstream: Poly
    raw: Poly
    uses: tuple[Use, ...]
    value: Poly

    def at(self, subs: Mapping[Ix, Subscript]) -> Poly:
        return Change(subs).poly(self.value)


def apart(sys: System, entry: tuple[Ix, ...], row: tuple[Ix, ...]) -> tuple[Ix, ...]:
    """The entry in letters that the row of the Jacobian does not use."""
    taken = {ix.name for ix in row}
    result = []
    for ix in entry:
        pool = (ix.name, *sys.letters.pools.get(ix.dim, ()), *"ijklmnpqrstuvwabcefgh")
        letter = next(c for c in pool if c not in taken and c not in sys.letters.names)
        taken.add(letter)
        result.append(Ix(letter, ix.dim))
    return tuple(result)


def fresh_copy(equation: Equation) -> tuple[tuple[Ix, ...], Poly]:
    """An equation in indices of its own, apart from those of the entry asked for."""
    new = {ix: fresh_index(ix.dim) for ix in equation.indices}
    return tuple(new.values()), Change(new).poly(equation.right)


def cotangent(sys: System, name: str, subs: tuple[Subscript, ...], seed: Seed) -> Poly:
    """The adjoint of a name: given, if it is an output that nothing else uses."""
    outputs = (seed.output,) if seed.output else sys.program.outputs
    if name in outputs and name not in seed.inner:
        return seed.upstream(sys, name, subs)
    return atom_poly(seed.adjoint(sys, name, subs))


def through(
    sys: System, equation: Equation, name: str, entry: tuple[Ix, ...], seed: Seed
) -> Contribution:
    indices, right = fresh_copy(equation)
    outer = cotangent(sys, equation.name, indices, seed)
    places = tuple(occurrences(right, name))
    value = ZERO
    for place in places:
        value = value + pull_back(outer, indices, place, entry)
    return Contribution(equation, indices, places, value)


def inline_all(lines: Mapping[str, Line], poly: Poly, keep: frozenset[str] = frozenset()) -> Poly:
    """The polynomial with the adjoints of intermediate names put in, but those kept."""
    for line in reversed(list(lines.values())):
        if line.name not in keep:
            poly = put_in(line, poly)
    return poly


def put_in(line: Line, poly: Poly, row: tuple[Ix, ...] = ()) -> Poly:
    """The polynomial with one adjoint line written out, the line's ``row`` as said there."""
    if line.adjoint not in poly.names:
        return poly

    def replace(atom: Atom) -> Poly | None:
        if not isinstance(atom, Ref) or atom.name != line.adjoint:
            return None
        # A row of a Jacobian leads the subscripts of its derivatives.
        here = (*row, *line.entry)
        subs = atom.subs[len(atom.subs) - len(here) :]
        return line.at(dict(zip(here, subs, strict=True)))

    return Change({}, replace, heads=frozenset({line.adjoint})).poly(poly)


def unfold(sys: System, poly: Poly, hidden: Set[str]) -> Poly:
    """Names written out by their forward equations."""

    def replace(atom: Atom) -> Poly | None:
        if not isinstance(atom, Ref) or atom.name not in hidden:
            return None
        equation = sys.equations.get(atom.name) or sys.aliases[atom.name]
        return Change(dict(zip(equation.indices, atom.subs, strict=True))).poly(equation.right)

    return Change({}, replace, heads=frozenset(hidden)).poly(poly)
