"""The adjoint program: the equations walked backwards, one line for each name.

What comes out is a let-program again. The gradient of an op that is called
enters as a lemma; its matrices keep their names and get lines of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace

from ..algebra.calculus import occurrences, pull_back
from ..algebra.change import Change
from ..algebra.rewrite import Rewrite, simplify
from ..algebra.terms import ZERO, Atom, Ix, Poly, Ref, Subscript, Sum, atom_poly, fresh_index
from ..algebra.walk import atoms
from ..calls import without_calls
from ..program import Program
from .adjoint import Contribution, Line, Seed, apart, cotangent, inline_all, through, unfold
from .orient import rules_of
from .system import CallEquation, System, system


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
        if line.contributions or name not in outputs:  # else it is the upstream gradient itself
            lines[name] = line
        if name in sys.calls:
            lines |= {inner.name: inner for inner in lines_inside(sys, name, active, seed)}
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
            found += through_call(sys, sys.calls[let.name], name, entry, active, seed)
        else:
            found.append(through(sys, sys.equations[let.name], name, entry, seed))
    raw = upstream
    for contribution in found:
        raw = raw + contribution.value
    value, uses = simplify(raw, rules, sys.price)
    return Line(name, seed.name(sys, name), entry, tuple(found), upstream, raw, uses, value)


# --------------------------------------------------------------------------
# Ops inside ops
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Lemma:
    """An op's gradients in textbook form, and the adjoints inside it that keep their names."""

    gradients: Mapping[str, tuple[tuple[Ix, ...], Poly]]
    kept: Mapping[str, tuple[tuple[Ix, ...], Poly]]


def through_call(
    sys: System,
    call: CallEquation,
    name: str,
    entry: tuple[Ix, ...],
    active: Set[str],
    seed: Seed,
) -> list[Contribution]:
    """An op used inside this one: its own gradient is a lemma."""
    from_caller = {ix: fresh_index(ix.dim) for ix in call.indices}
    lemma = lemma_of(sys, call, active, seed)
    found = []
    for argument in call.arguments:
        if name not in argument.value.names or argument.tensor.integer:
            continue
        axes = {ix: fresh_index(ix.dim) for ix in argument.axes}
        rows = {ix: from_caller[ix] for ix in call.batch}
        own, gradient = lemma.gradients[argument.tensor.name]
        at = dict(zip(own, axes.values(), strict=True))
        outer = in_caller(sys, call, lemma, gradient, at, rows, seed)
        inner = Change({**rows, **axes}).poly(argument.value)
        places = tuple(occurrences(inner, name))
        indices = (*rows.values(), *axes.values())
        value = ZERO
        for place in places:
            value = value + pull_back(outer, indices, place, entry)
        found.append(Contribution(call, indices, places, value, call.callee.name))
    return found


def lines_inside(sys: System, name: str, active: Set[str], seed: Seed) -> Iterator[Line]:
    """The adjoints inside a called op that keep their names, such as attention's ``dS``."""
    call = sys.calls[name]
    lemma = lemma_of(sys, call, active, seed)
    if not lemma.kept:
        return
    letters = without_calls(sys.program).entry_of
    dims = caller_dims(call)
    for inner, (entry, value) in lemma.kept.items():
        own, lead = call.inside[inner]
        symbols = letters[own].args[1 + len(lead) :]
        axes = tuple(Ix(str(s), dims[ix.dim]) for s, ix in zip(symbols, entry, strict=True))
        axes = apart(sys, axes, lead)
        at, rows = dict(zip(entry, axes, strict=True)), {ix: ix for ix in lead}
        raw = in_caller(sys, call, lemma, value, at, rows, seed)
        cited = Contribution(call, (*lead, *axes), (), raw, call.callee.name)
        yield Line(own, seed.name(sys, own), (*lead, *axes), (cited,), ZERO, raw, (), raw)


def in_caller(
    sys: System,
    call: CallEquation,
    lemma: Lemma,
    value: Poly,
    at: Mapping[Ix, Ix],
    rows: Mapping[Ix, Ix],
    seed: Seed,
) -> Poly:
    """What a lemma says, in the caller's names; ``rows`` are the batch indices of the call."""
    output = call.callee.outputs[0]
    adjoints = {f"d{inner}": call.inside[inner] for inner in lemma.kept}

    def subs_of(subs: tuple[Subscript, ...]) -> tuple[Subscript, ...]:
        here = dict(zip(call.at, subs, strict=True))
        return tuple(rows[ix] if ix in rows else here[ix] for ix in call.indices)

    def rename(atom: Atom) -> Poly | None:
        if not isinstance(atom, Ref):
            return None
        if atom.name == output:
            return atom_poly(sys.ref(call.name, subs_of(atom.subs)))
        if atom.name == f"d{output}":
            return cotangent(sys, call.name, subs_of(atom.subs), seed)
        if atom.name in adjoints:
            name, lead = adjoints[atom.name]
            return atom_poly(seed.adjoint(sys, name, (*(rows[ix] for ix in lead), *atom.subs)))
        if atom.name in call.inside:
            name, lead = call.inside[atom.name]
            return atom_poly(sys.ref(name, (*(rows[ix] for ix in lead), *atom.subs)))
        passed = next((a for a in call.arguments if a.tensor.name == atom.name), None)
        if passed is None:
            return None
        moved = dict(zip(passed.axes, atom.subs, strict=True))
        return Change({**rows, **moved}).poly(passed.value)

    return Change(at, rename, caller_dims(call)).poly(value)


def caller_dims(call: CallEquation) -> dict[str, str]:
    """For each dimension of the callee the caller's that it stands for."""
    output = call.callee.tensors[call.callee.outputs[0]]
    dims = {d.name: ix.dim for d, ix in zip(output.dims, call.at, strict=True)}
    for passed in call.arguments:
        dims |= {d.name: ix.dim for d, ix in zip(passed.tensor.dims, passed.axes, strict=True)}
    return dims


_LEMMAS: dict[tuple[Program, tuple[str, ...], frozenset[str]], Lemma] = {}


def lemma_of(sys: System, call: CallEquation, active: Set[str], seed: Seed) -> Lemma:
    """The lemma that a call needs: the gradients by what depends on active names.

    Adjoints inside keep their names where they have a row for each of the call.
    """
    wrt = tuple(
        a.tensor.name
        for a in call.arguments
        if not a.tensor.integer and not active.isdisjoint(a.value.names)
    )
    rows = (n for n, (_, lead) in call.inside.items() if lead == call.batch)
    able = frozenset() if seed.output else frozenset(rows)
    key = (call.callee, wrt, able)
    if key not in _LEMMAS:
        _LEMMAS[key] = derived(call.callee, wrt, able)
    return _LEMMAS[key]


def derived(program: Program, wrt: tuple[str, ...], able: frozenset[str]) -> Lemma:
    sys = system(program)
    lines = adjoint_lines(sys, wrt, Seed(), declared=False)
    kept = names_to_keep(sys, lines, wrt) & able
    # What its inputs are declared to be is for the caller to say of what it passes.
    rules = tuple(r for r in rules_of(program) if r.rule != "declared")

    def closed(name: str) -> tuple[tuple[Ix, ...], Poly]:
        value = inline_all(lines, lines[name].value, kept | {name})
        value, _ = simplify(value, rules, sys.price)
        aliases = value.names & sys.aliases.keys()
        return lines[name].entry, unfold(sys, value, aliases) if aliases else value

    return Lemma(
        {name: closed(name) for name in wrt if name in lines} | without_gradient(sys, lines, wrt),
        {name: closed(name) for name in lines if name in kept},
    )


def without_gradient(
    sys: System, lines: Mapping[str, Line], wrt: tuple[str, ...]
) -> dict[str, tuple[tuple[Ix, ...], Poly]]:
    """Inputs on which the output does not depend."""
    return {name: (sys.entry(name), ZERO) for name in wrt if name not in lines}


# --------------------------------------------------------------------------
# Which adjoints keep their names
# --------------------------------------------------------------------------


def own_rank(sys: System, name: str) -> int:
    """The number of a tensor's axes, batch axes aside."""
    own = sys.program.tensors
    dims = (own if name in own else without_calls(sys.program).tensors)[name].dims
    batch = len(sys.program.batch)
    return len(dims) - (batch if batch and dims[:batch] == sys.program.batch else 0)


def names_to_keep(sys: System, lines: Mapping[str, Line], wrt: tuple[str, ...]) -> frozenset[str]:
    """Matrices worth a name, and what several results share."""
    kept: set[str] = set()
    for name, line in reversed(list(lines.items())):
        if name in wrt or line.adjoint != f"d{name}":
            continue  # the whole adjoint of an output has no name that a reader knows
        several = len(line.value.terms) > 1
        summed = any(isinstance(a, Sum) for a in atoms(line.value))
        if own_rank(sys, name) >= 2 and (several or summed):
            kept.add(name)
            continue
        users = {
            other
            for other in (*kept, *wrt)
            if other in lines
            and line.adjoint
            in (inline_all(lines, lines[other].value, frozenset({name, *kept}))).names
        }
        if len(users) > 1 and (several or summed):
            kept.add(name)
    return frozenset(kept)
