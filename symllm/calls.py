"""Ops inside ops: their equations written in the place of the call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import sympy as sp

from .equation import Argument, Call, Let, symbols_of
from .expressions import (
    Entry,
    bound_symbols,
    entries,
    fresh_letters,
    name_of,
    rename_entries,
    substitute,
)
from .notation import Tensor, entry
from .program import Program
from .shapes import call_sizes


@dataclass(frozen=True)
class Inside:
    """A name inside a called op as the caller sees it.

    ``name`` is what it is called there, ``lead`` the batch indices of the call
    that come before its own.
    """

    name: str
    lead: tuple[sp.Symbol, ...]

    def entry(self, subscripts: tuple[sp.Expr, ...]) -> sp.Expr:
        return entry(self.name, *self.lead, *subscripts)


@lru_cache(maxsize=256)
def with_aliases(program: Program) -> Program:
    """The program with those aliases as equations that speak of forward names alone."""
    if not program.aliases:
        return program
    gradients = {f"d{name}" for name in program.tensors}
    own = [alias for alias in program.aliases if alias.mentioned.isdisjoint(gradients)]
    return replace(program, equations=(*program.equations, *own), aliases=())


def callee_of(call: Call) -> Program:
    """The called op's program, without calls of its own, its aliases as equations."""
    assert isinstance(call.program, Program)
    return without_calls(with_aliases(call.program))


def callees(program: Program) -> dict[str, Program]:
    """The programs of the ops that are called, by their names."""
    calls = [let.rhs for let in program.equations if isinstance(let.rhs, Call)]
    return {call.name: call.program for call in calls if isinstance(call.program, Program)}


@lru_cache(maxsize=256)
def without_calls(program: Program) -> Program:
    """The same program with the equations of the ops it calls written in their place."""
    inside = names_inside(program)
    if not inside:
        return program
    equations: list[Let] = []
    declared = list(program.declared)
    for let in program.equations:
        if let.name in inside:
            equations.extend(splice(program, let, inside[let.name]))
            declared.extend(declared_inside(program, let, inside[let.name]))
        else:
            equations.append(let)
    return replace(program, equations=tuple(equations), declared=tuple(declared))


def declared_inside(program: Program, let: Let, inside: Mapping[str, Inside]) -> Iterator[Tensor]:
    """The shapes that a called op declares, as the caller sees them."""
    assert isinstance(let.rhs, Call)
    dims = program.index_dims[let.name]
    callee, sizes = callee_of(let.rhs), call_sizes(let.rhs, dims, program.name)
    for tensor in callee.declared:
        if tensor.name in inside and tensor.name != callee.outputs[0]:
            found = inside[tensor.name]
            lead = tuple(dims[i] for i in found.lead)
            yield Tensor(found.name, lead + tuple(sizes[d] for d in tensor.dims))


@lru_cache(maxsize=256)
def names_inside(program: Program) -> dict[str, dict[str, Inside]]:
    """For each equation that calls an op, the caller's names for those inside it.

    A name is kept where the caller has none like it and no other call has it.
    """
    calls = {let.name: let.rhs for let in program.equations if isinstance(let.rhs, Call)}
    letters = {s.name for let in program.equations for s in symbols_of(let)}
    taken = Counter({*program.tensors, *(d.name for d in program.dims), *letters})
    for call in calls.values():
        callee = callee_of(call)
        taken.update(e.name for e in callee.equations if e.name not in callee.outputs[:1])
    found = {}
    for let in program.equations:
        if let.name in calls:
            lead = leading_indices(let, calls[let.name])
            output = callee_of(calls[let.name]).outputs[0]
            found[let.name] = {
                n: Inside(
                    let.name if n == output else n if taken[n] == 1 else f"{n}_{let.name}", indices
                )
                for n, indices in lead.items()
            }
    return found


def all_inside(program: Program) -> set[str]:
    """The caller's names for all that is inside the ops it calls."""
    return {found.name for names in names_inside(program).values() for found in names.values()}


def leading_indices(let: Let, call: Call) -> dict[str, tuple[sp.Symbol, ...]]:
    """The batch indices of a call on which each name inside depends."""
    callee = callee_of(call)
    batch = tuple(i for i in let.indices if i not in call.at)
    lead: dict[str, tuple[sp.Symbol, ...]] = {}
    for argument in call.arguments:
        free = argument.value.free_symbols
        lead[argument.name] = tuple(i for i in batch if i in free)
    for inner in callee.equations:
        used = {i for name in inner.mentioned for i in lead.get(name, ())}
        lead[inner.name] = tuple(i for i in batch if i in used or inner.name == callee.outputs[0])
    return {inner.name: lead[inner.name] for inner in callee.equations}


def called_value(program: Program, let: Let) -> sp.Expr:
    """The value of an equation that calls an op, as one plain SymPy expression."""
    call = let.rhs
    assert isinstance(call, Call)
    callee = callee_of(call)
    sizes = passed_sizes(program, let, call)
    change = passed_entries(call)
    busy = busy_names(program, let)

    def written_out(indices: tuple[sp.Symbol, ...], value: sp.Expr) -> Entry:
        return lambda s: substitute(value, sizes | dict(zip(indices, s, strict=True)), change)

    for inner in callee.equations:  # one is written inside another: no two bind the same letter
        value = rename_bound(inner.rhs, busy)
        busy |= {s.name for s in bound_symbols(value)}
        change[inner.name] = written_out(inner.indices, value)
    return change[callee.outputs[0]](call.at)


def passed_sizes(program: Program, let: Let, call: Call) -> dict[sp.Expr, sp.Expr]:
    """The caller's dimension for each of the called op's."""
    sizes = call_sizes(call, program.index_dims[let.name], program.name)
    return {old.symbol: new.symbol for old, new in sizes.items() if old.size is None}


def passed_entries(call: Call) -> dict[str, Entry]:
    """What is passed for the entries of each input of the called op."""

    def passed(a: Argument) -> Entry:
        return lambda s: substitute(a.value, dict(zip(a.axes, s, strict=True)))

    return {argument.name: passed(argument) for argument in call.arguments}


def busy_names(program: Program, let: Let) -> set[str]:
    """The caller's letters and all names, which the letters of a called op must not meet."""
    assert isinstance(let.rhs, Call)
    callee = callee_of(let.rhs)
    busy = {s.name for s in symbols_of(let)} | set(program.tensors) | set(callee.tensors)
    return busy | all_inside(program) | {d.name for d in (*program.dims, *callee.dims)}


def splice(program: Program, let: Let, inside: Mapping[str, Inside]) -> Iterator[Let]:
    """The equations of the called op, renamed and indexed to define ``let``."""
    call = let.rhs
    assert isinstance(call, Call)
    callee = callee_of(call)
    output = callee.outputs[0]
    sizes = passed_sizes(program, let, call)
    change = passed_entries(call)
    busy = busy_names(program, let)
    change |= {inner.name: inside[inner.name].entry for inner in callee.equations}
    known = dict(zip(callee.let[output].indices, call.at, strict=True))
    for inner in callee.equations:
        letters = fresh_letters(busy)
        own = {s: sp.Symbol(next(letters), integer=True) for s in inner.indices}
        back = {own[s]: known[s] for s in own.keys() & known.keys()}
        value = rename_bound(substitute(inner.rhs, own), busy)
        # At once: a caller's letter or size may bear the name of a callee's tensor.
        value = substitute(value, sizes | back, change)
        lhs = inside[inner.name].entry(tuple(back.get(s, s) for s in own.values()))
        note = let.note or inner.note if inner.name == output else inner.note
        yield Let(let.lhs if inner.name == output else lhs, value, note)


def rename_bound(expr: sp.Basic, busy: set[str]) -> sp.Basic:
    """Give the bound indices letters that are not busy."""
    bound = sorted(bound_symbols(expr), key=name_of)
    if not bound:
        return expr
    letters = fresh_letters(busy | {name_of(s) for s in expr.free_symbols})
    new = {s: sp.Symbol(next(letters), integer=True) for s in bound}
    new = {old: to for old, to in new.items() if old != to}
    return expr.xreplace(new) if new else expr


def expression(program: Program, name: str) -> sp.Expr:
    """A name in terms of the inputs alone, as one SymPy expression."""
    flat = without_calls(program)

    def inline(expr: sp.Basic) -> sp.Basic:
        change = {
            n: (lambda s, n=n: inlined(n, s))
            for n in {name_of(e) for e in entries(expr)} & flat.let.keys()
        }
        return rename_entries(expr, change)

    def inlined(n: str, subscripts: tuple[sp.Expr, ...]) -> sp.Basic:
        let = flat.let[n]
        return substitute(closed[n], dict(zip(let.indices, subscripts, strict=True)))

    closed: dict[str, sp.Expr] = {}
    for let in flat.equations:
        closed[let.name] = inline(let.rhs)
    return closed[name]
