"""Which shapes the equations of a program say, and whether they agree."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import sympy as sp
from sympy.core.relational import Relational

from .equation import Call, Let
from .errors import OpError
from .expressions import bound_symbols, fresh_letters, is_entry, name_of, parts
from .notation import Dim, Tensor, entry


class Written(Protocol):
    """A program as it is written down, before its shapes are known."""

    @property
    def name(self) -> str: ...
    @property
    def inputs(self) -> tuple[Tensor, ...]: ...
    @property
    def equations(self) -> tuple[Let, ...]: ...
    @property
    def outputs(self) -> tuple[str, ...]: ...
    @property
    def aliases(self) -> tuple[Let, ...]: ...
    @property
    def declared(self) -> tuple[Tensor, ...]: ...


def in_order_of_use(program: Written) -> tuple[Let, ...]:
    """The equations, each after those it mentions, else in the order written."""
    where = f"op {program.name!r}"
    known = {t.name for t in program.inputs}
    if len(known) < len(program.inputs):
        raise OpError(f"{where}: two inputs bear one name: {[t.name for t in program.inputs]}")
    names = [let.name for let in program.equations]
    for name in [*known, *names]:
        if not name.isidentifier() or keyword.iskeyword(name):
            raise OpError(f"{where}: {name!r} cannot be a name; use a plain identifier")
    for name in names:
        if names.count(name) > 1 or name in known:
            bound = "is an input" if name in known else "is already bound by another equation"
            raise OpError(f"{where}: {name!r} {bound}; every name is bound once")
    if not names and program.outputs:
        raise OpError(f"{where} has no equations")
    defined = set(names)
    waiting = list(program.equations)
    ordered: list[Let] = []
    while waiting:
        ready = next((let for let in waiting if let.mentioned & defined <= known), None)
        if ready is None:
            circle = ", ".join(let.name for let in waiting)
            raise OpError(f"{where}: these equations need each other: {circle}")
        waiting.remove(ready)
        ordered.append(ready)
        known.add(ready.name)
    for output in program.outputs:
        if output not in defined:
            raise OpError(f"{where}: output {output!r} is not defined by any equation")
    return tuple(ordered)


class Shapes(NamedTuple):
    """The tensors by name, and for each equation the dimensions of its indices."""

    tensors: dict[str, Tensor]
    indices: dict[str, dict[sp.Symbol, Dim]]


def infer_shapes(program: Written) -> Shapes:
    """Shapes of all names, from the inputs' dimensions and the equations."""
    where = f"op {program.name!r}"
    tensors = {t.name: t for t in program.inputs}
    declared = {t.name: t for t in program.declared}
    indices: dict[str, dict[sp.Symbol, Dim]] = {}
    for let in program.equations:
        dims = index_dims(let, tensors, where)
        if let.name in declared:
            dims = dims | dict(zip(let.indices, declared[let.name].dims, strict=True))
        for index in let.indices:
            if index not in dims:
                raise OpError(
                    f"{where}: in {let}, the index {index} is on the left, but nothing on the "
                    f"right says which dimension it runs over"
                )
        merged = declared[let.name].merged if let.name in declared else ()
        tensors[let.name] = Tensor(let.name, tuple(dims[i] for i in let.indices), merged=merged)
        indices[let.name] = dims
    spoken = {f"d{name}": t.adjoint() for name, t in tensors.items()}
    for alias in program.aliases:  # which may speak of gradients and of aliases before it
        dims = index_dims(alias, spoken | tensors, where)
        spoken[alias.name] = Tensor(alias.name, tuple(dims[i] for i in alias.indices))
        indices[alias.name] = dims
    sizes = {dim.name for t in tensors.values() for dim in t.dims}
    for name in sizes & tensors.keys():
        raise OpError(f"{where}: {name!r} names both a dimension and a tensor")
    return Shapes(tensors, indices)


def index_dims(let: Let, tensors: Mapping[str, Tensor], where: str) -> dict[sp.Symbol, Dim]:
    """The dimension that each index of an equation runs over.

    Raises ``OpError`` for an index used with two dimensions, a free index
    that is on the right only, an unknown name and a wrong number of axes.
    """
    dims: dict[sp.Symbol, Dim] = {}
    known_dims = {d.name: d for t in tensors.values() for d in t.dims}
    known_dims |= {t.domain.name: t.domain for t in tensors.values() if isinstance(t.domain, Dim)}

    def meet(index: sp.Symbol, dim: Dim) -> None:
        if index.name in tensors:
            raise OpError(f"{where}: in {let}, {str(index)!r} names both an index and a tensor")
        if dims.setdefault(index, dim) != dim:
            raise OpError(
                f"{where}: in {let}, the index {index} is used with two dimensions, "
                f"{dims[index].name} and {dim.name}"
            )

    for value in let.expressions:
        for total in parts(value, sp.Sum):
            for symbol, lower, upper in total.limits:
                size = upper + 1
                if lower != 0 or not (isinstance(size, sp.Symbol) or size.is_Integer):
                    raise OpError(
                        f"{where}: in {let}, the sum over {symbol} must run from 0 to a "
                        f"dimension less 1, not from {lower} to {upper}"
                    )
                meet(symbol, known_dims.get(name_of(size)) or Dim(name_of(size)))
        for found in parts(value, sp.Indexed):
            tensor = tensors.get(name_of(found))
            if tensor is None:
                raise OpError(
                    f"{where}: {let} mentions {name_of(found)!r}, which is neither an input "
                    f"nor defined by an equation; known: {', '.join(tensors)}"
                )
            if tensor.rank != len(found.indices):
                raise OpError(
                    f"{where}: {tensor.name} has axes {tensor.shape_text}, but {let} writes {found}"
                )
            for subscript, dim in zip(found.indices, tensor.dims, strict=True):
                if isinstance(subscript, sp.Symbol) and subscript.name not in tensors:
                    meet(subscript, dim)
                else:
                    check_gather(let, found, subscript, tensors, dim, where)
        for bracket in parts(value, sp.KroneckerDelta):
            for side, other in (bracket.args, bracket.args[::-1]):
                tensor = tensors.get(name_of(other))
                plain = isinstance(side, sp.Symbol) and side.name not in tensors
                if plain and tensor and isinstance(tensor.domain, Dim):
                    meet(side, tensor.domain)
    for value in let.expressions:  # an index that is only compared runs as the other does
        for relation in parts(value, Relational, sp.KroneckerDelta):
            for side, other in (relation.args, relation.args[::-1]):
                if side in let.indices and other in dims:
                    dims.setdefault(side, dims[other])
    if isinstance(let.rhs, Call):
        sizes = call_sizes(let.rhs, dims, where)
        output = let.rhs.program.tensors[let.rhs.program.outputs[0]]
        for index, dim in zip(let.rhs.at, output.dims, strict=True):
            if index not in let.indices:
                raise OpError(
                    f"{where}: in {let}, the called op gives an entry for each {index}, "
                    f"but {index} is not on the left"
                )
            if dim not in sizes:
                raise OpError(
                    f"{where}: in {let}, the index {index} stands for the dimension {dim.name} of "
                    f"{let.rhs.name}, but is in nothing that is passed to it"
                )
            meet(index, sizes[dim])
    check_free_names(let, tensors, dims, known_dims, where)
    return dims


def check_gather(
    let: Let,
    found: sp.Indexed,
    subscript: sp.Expr,
    tensors: Mapping[str, Tensor],
    dim: Dim,
    where: str,
) -> None:
    """A subscript that is no index holds integers that index the axis."""
    holder = tensors.get(name_of(subscript)) if is_entry(subscript) else None
    if holder is None or holder.domain != dim:
        raise OpError(
            f"{where}: in {let}, the subscript {subscript} of {found} is neither an index nor "
            f"an entry of an integer tensor over {dim.name}"
        )


def call_sizes(call: Call, dims: Mapping[sp.Symbol, Dim], where: str) -> dict[Dim, Dim]:
    """Which of the caller's dimensions stands for each of the callee's."""
    sizes: dict[Dim, Dim] = {}
    for argument in call.arguments:
        for axis, dim in zip(argument.axes, call.program.input(argument.name).dims, strict=True):
            if axis in dims and sizes.setdefault(dim, dims[axis]) != dims[axis]:
                raise OpError(
                    f"{where}: the call {call} takes {dim.name} both as {sizes[dim].name} "
                    f"and as {dims[axis].name}"
                )
    return sizes


def check_free_names(
    let: Let,
    tensors: Mapping[str, Tensor],
    dims: Mapping[sp.Symbol, Dim],
    known_dims: Mapping[str, Dim],
    where: str,
) -> None:
    axes = {s for a in let.rhs.arguments for s in a.axes} if isinstance(let.rhs, Call) else set()
    for value in let.expressions:
        bound = bound_symbols(value) | axes  # a call binds what it runs over
        subscripts = {s for e in parts(value, sp.Indexed) for s in e.indices}
        free = {*parts(value, sp.Symbol)} - bound - set(let.indices)
        for symbol in sorted(free, key=lambda s: s.name):
            name = symbol.name
            if name in tensors or name in known_dims:
                tensor = tensors.get(name)
                if tensor and tensor.rank and not parts(value, sp.Indexed):
                    raise OpError(f"{where}: {let} writes {name} without its indices")
                continue
            if any(name == base.label.name for base in parts(value, sp.IndexedBase)):
                continue
            if symbol in subscripts or symbol in dims:
                raise OpError(
                    f"{where}: the free indices of {let} do not agree: {name} is on the right "
                    f"but not on the left; sum over it, or add it on the left"
                )
            raise OpError(
                f"{where}: {let} mentions {name!r}, which is neither an input nor defined by an "
                f"equation; known: {', '.join(tensors)}"
            )


def entry_letters(
    program: Written, tensors: Mapping[str, Tensor], dims: tuple[Dim, ...]
) -> dict[str, sp.Expr]:
    """For each tensor, its entry in the letters a reader knows its axes by.

    They are the smallest in the alphabet among those that the equations use; an axis that is
    only read at integers, as a table's, has one that stands for nothing else.
    """
    seen: dict[str, list[tuple[str, ...]]] = {name: [] for name in tensors}
    read: dict[str, list[tuple[str, ...]]] = {name: [] for name in tensors}
    used: set[str] = set()
    for let in (*program.equations, *program.aliases):
        seen.setdefault(let.name, []).append(tuple(i.name for i in let.indices))
        used.update(i.name for i in let.indices)
        for value in let.expressions:
            for found in parts(value, sp.Indexed):
                plain = all(isinstance(s, sp.Symbol) for s in found.indices)
                letters = tuple(s.name for s in found.indices) if plain else ()
                plain = plain and tensors.keys().isdisjoint(letters)  # a gather has no letter
                if name_of(found) in seen and plain and len(set(letters)) == len(letters):
                    seen[name_of(found)].append(letters)
                used.update(letters)
                if name_of(found) in read:
                    own = [s.name if isinstance(s, sp.Symbol) else "" for s in found.indices]
                    once = (c if c not in tensors and own.count(c) == 1 else "" for c in own)
                    read[name_of(found)].append(tuple(once))
    result = {}
    taken = set(tensors) | {d.name for d in dims}
    for name, tensor in tensors.items():
        if seen[name]:
            letters = min(seen[name])
        else:
            source = fresh_letters(taken | used)
            known = min(read[name], default=("",) * tensor.rank)
            letters = tuple(letter or next(source) for letter in known)
        result[name] = entry(name, *(sp.Symbol(c, integer=True) for c in letters))
    return result
