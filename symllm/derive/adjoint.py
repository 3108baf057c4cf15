"""The adjoint program: the equations walked backwards, one line for each name.

For every occurrence of ``T[a..]`` in ``D[i..] = right`` the adjoint of T
receives the sum over D's indices of ``dD[i..] d right / d T[a..]``; deltas
disappear as they arise. What comes out is a let-program again.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

from ..algebra.calculus import Occurrence, occurrences, pull_back
from ..algebra.change import Change
from ..algebra.rewrite import Rewrite, Use, simplify
from ..algebra.terms import ONE, ZERO, Atom, Ix, Poly, Ref, Subscript, atom_poly, delta, fresh_index
from ..program import Program
from .orient import rules_of
from .system import CallEquation, Equation, System, system


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


def adjoint_lines(
    sys: System, wrt: tuple[str, ...], seed: Seed, declared: bool = True
) -> dict[str, Line]:
    """The adjoint of every name between the inputs asked for and the outputs.

    In the order in which they are computed: from the outputs to the inputs.
    """
    outputs = (seed.output,) if seed.output else sys.program.outputs
    below = set(outputs)
    for let in reversed(sys.program.equations):
        if let.name in below:
            below |= sys.mentions[let.name]
    above = set(wrt)
    for let in sys.program.equations:
        if sys.mentions[let.name] & above:
            above.add(let.name)
    active = below & above

    def computed(name: str) -> tuple[float, int, str]:
        """Outputs first; an input right after the last name that it enters."""
        if sys.levels[name]:
            return -sys.levels[name], 0, name
        users = [sys.levels[n] for n in active if name in sys.mentions.get(n, ())]
        return -min(users, default=0) + 0.5, wrt.index(name), name

    order = sorted(active, key=computed)
    rules = tuple(r for r in rules_of(sys.program) if declared or r.rule != "declared")
    inner = {n for n in outputs if any(n in sys.mentions.get(user, ()) for user in active)}
    seed = replace(seed, inner=frozenset(inner))
    lines: dict[str, Line] = {}
    for name in order:
        line = adjoint_line(sys, name, active, seed, rules)
        if name in outputs and not line.contributions:
            continue  # its adjoint is the upstream gradient itself
        lines[name] = line
    return lines


def adjoint_line(
    sys: System, name: str, active: set[str], seed: Seed, rules: tuple[Rewrite, ...]
) -> Line:
    entry = sys.entry(name)
    if seed.output:
        entry = apart(sys, entry, seed.row)
    found: list[Contribution] = []
    is_output = name == seed.output if seed.output else name in sys.program.outputs
    upstream = seed.upstream(sys, name, entry) if is_output else ZERO
    for let in sys.program.equations:
        if let.name not in active or name not in sys.mentions[let.name]:
            continue
        if let.name in sys.calls:
            found += through_call(sys, sys.calls[let.name], name, entry, seed)
        else:
            found.append(through(sys, sys.equations[let.name], name, entry, seed))
    raw = upstream
    for contribution in found:
        raw = raw + contribution.value
    value, uses = simplify(raw, rules, sys.price)
    return Line(name, seed.name(sys, name), entry, tuple(found), upstream, raw, uses, value)


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


def through_call(
    sys: System, call: CallEquation, name: str, entry: tuple[Ix, ...], seed: Seed
) -> list[Contribution]:
    """An op used inside this one: its own gradient is a lemma."""
    from_caller = {ix: fresh_index(ix.dim) for ix in call.indices}
    found = []
    for argument in call.arguments:
        if name not in argument.value.names or argument.tensor.integer:
            continue
        axes = {ix: fresh_index(ix.dim) for ix in argument.axes}
        rows = {ix: from_caller[ix] for ix in call.batch}
        outer = pulled_back(sys, call, argument.tensor.name, tuple(axes.values()), rows, seed)
        inner = Change({**rows, **axes}).poly(argument.value)
        places = tuple(occurrences(inner, name))
        indices = (*rows.values(), *axes.values())
        value = ZERO
        for place in places:
            value = value + pull_back(outer, indices, place, entry)
        found.append(Contribution(call, indices, places, value, call.callee.name))
    return found


def pulled_back(
    sys: System,
    call: CallEquation,
    argument: str,
    axes: tuple[Ix, ...],
    rows: Mapping[Ix, Ix],
    seed: Seed,
) -> Poly:
    """The adjoint of a call's argument at ``axes``: the callee's lemma in this op's names."""
    callee = system(call.callee)
    output = call.callee.outputs[0]
    entry, lemma = vjp(call.callee, argument)
    # Every dimension of the callee stands for one of the caller's.
    dims = {
        d.name: ix.dim for d, ix in zip(callee.program.tensors[output].dims, call.at, strict=True)
    }
    for passed in call.arguments:
        dims |= {d.name: ix.dim for d, ix in zip(passed.tensor.dims, passed.axes, strict=True)}

    def subs_of(subs: tuple[Subscript, ...]) -> tuple[Subscript, ...]:
        at = dict(zip(call.at, subs, strict=True))
        return tuple(rows[ix] if ix in rows else at[ix] for ix in call.indices)

    def rename(atom: Atom) -> Poly | None:
        if not isinstance(atom, Ref):
            return None
        if atom.name == output:
            return atom_poly(sys.ref(call.name, subs_of(atom.subs)))
        if atom.name == f"d{output}":
            return cotangent(sys, call.name, subs_of(atom.subs), seed)
        if atom.name in call.inside:
            name, lead = call.inside[atom.name]
            return atom_poly(sys.ref(name, (*(rows[ix] for ix in lead), *atom.subs)))
        passed = next((a for a in call.arguments if a.tensor.name == atom.name), None)
        if passed is None:
            return None
        moved = dict(zip(passed.axes, atom.subs, strict=True))
        return Change({**rows, **moved}).poly(passed.value)

    return Change(dict(zip(entry, axes, strict=True)), rename, dims).poly(lemma)


_LEMMAS: dict[tuple[Program, str], tuple[tuple[Ix, ...], Poly]] = {}


def vjp(program: Program, wrt: str) -> tuple[tuple[Ix, ...], Poly]:
    """A gradient in textbook form, all adjoints but the upstream one written out."""
    key = (program, wrt)
    if key not in _LEMMAS:
        sys = system(program)
        lines = adjoint_lines(sys, (wrt,), Seed(), declared=False)
        value = inline_all(lines, lines[wrt].value)
        # What its inputs are declared to be is for the caller to say of what it passes.
        rules = tuple(r for r in rules_of(program) if r.rule != "declared")
        value, _ = simplify(value, rules, sys.price)
        aliases = value.names & sys.aliases.keys()
        value = unfold(sys, value, aliases) if aliases else value
        _LEMMAS[key] = lines[wrt].entry, value
    return _LEMMAS[key]


def inline_all(lines: Mapping[str, Line], poly: Poly, keep: frozenset[str] = frozenset()) -> Poly:
    """The polynomial with the adjoints of intermediate names put in, but those kept."""
    for line in reversed(list(lines.values())):
        if line.name not in keep:
            poly = put_in(line, poly)
    return poly


def put_in(line: Line, poly: Poly) -> Poly:
    """The polynomial with one adjoint line written out."""
    if line.adjoint not in poly.names:
        return poly

    def replace(atom: Atom) -> Poly | None:
        if not isinstance(atom, Ref) or atom.name != line.adjoint:
            return None
        # A row of a Jacobian leads the subscripts of its derivatives.
        subs = atom.subs[len(atom.subs) - len(line.entry) :]
        return line.at(dict(zip(line.entry, subs, strict=True)))

    return Change({}, replace, heads=frozenset({line.adjoint})).poly(poly)


def unfold(sys: System, poly: Poly, hidden: Set[str]) -> Poly:
    """Names written out by their forward equations."""

    def replace(atom: Atom) -> Poly | None:
        if not isinstance(atom, Ref) or atom.name not in hidden:
            return None
        equation = sys.equations.get(atom.name) or sys.aliases[atom.name]
        return Change(dict(zip(equation.indices, atom.subs, strict=True))).poly(equation.right)

    return Change({}, replace, heads=frozenset(hidden)).poly(poly)
