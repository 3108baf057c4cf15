"""Ops made of ops as networks of functions, each with its pair of passes."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import sympy as sp

from ..catalogue import ops
from ..codegen.network import Called, Network
from ..codegen.pair import Pair
from ..equation import Call, Let
from ..errors import OpError
from ..op import Op
from ..program import Program


def network(op: Op, *batch: str) -> Network:
    """The op with its batch axes as calls of functions."""
    program = (op.batched(*batch) if batch else op).program
    calls = named({let.name: called(program, let) for let in program.equations if is_call(let)})
    wrt = tuple(t.name for t in program.inputs if t.differentiable)
    return Network(program, calls, wrt)


def is_call(let: Let) -> bool:
    return isinstance(let.rhs, Call)


def called(program: Program, let: Let) -> Called:
    assert isinstance(let.rhs, Call)
    lead = tuple(i for i in let.indices if i not in let.rhs.at)
    dims = program.index_dims[let.name]
    assert isinstance(let.rhs.whole, Program)
    return Called(let, pair(let.rhs.whole, tuple(dims[i].name for i in lead)), lead)


def named(calls: dict[str, Called]) -> dict[str, Called]:
    """The calls, functions of one op told apart by their batch axes where there are several."""
    kinds: dict[str, set[tuple[str, ...]]] = {}
    for call in calls.values():
        kinds.setdefault(call.pair.name, set()).add(axes(call.pair))
    return {
        name: replace(call, pair=renamed(call.pair)) if len(kinds[call.pair.name]) > 1 else call
        for name, call in calls.items()
    }


def axes(pair: Pair) -> tuple[str, ...]:
    return tuple(dim.name for dim in pair.forward.batch)


def renamed(pair: Pair) -> Pair:
    name = f"{pair.name}_{''.join(axes(pair)).lower()}"
    return replace(pair, forward=replace(pair.forward, name=name))


@lru_cache(maxsize=256)
def pair(program: Program, lead: tuple[str, ...]) -> Pair:
    """The passes of a catalogued op with these batch axes."""
    op = ops[program.name]
    if op.program != program:
        raise OpError(f"{program.name} is not the catalogue's; in code, calls are of its ops")
    names = fresh_axes(program, lead)
    found = (op.batched(*names) if names else op).gradient(upstream=f"d{program.outputs[0]}")
    return found.pair


def fresh_axes(program: Program, lead: tuple[str, ...]) -> tuple[str, ...]:
    """Names for batch axes that the op does not use: the caller's, in capitals."""
    taken = {d.name for d in program.dims} | program.tensors.keys()
    taken |= {s.name for let in program.equations for s in let.lhs.atoms(sp.Symbol)}
    names: list[str] = []
    for k, name in enumerate(lead):
        wanted = (name.upper(), "BTHGUNM"[k], f"B{k}")
        names.append(next(n for n in wanted if n not in taken and n not in names))
    return tuple(names)
