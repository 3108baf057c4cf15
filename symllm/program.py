"""Let-programs: an ordered list of equations between indexed scalars.

A program is frozen data. Its forward equations and the backward pass that is
derived from them are both programs, and so is an op used inside another op.
"""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import sympy as sp

from .errors import OpError, SymllmError
from .notation import (
    BATCHED,
    Dim,
    Index,
    Partial,
    Tensor,
    bound_symbols,
    entries,
    entry,
    fresh_letters,
    is_entry,
    name_of,
    subscripts_of,
    substitute,
)


@dataclass(frozen=True)
class Argument:
    """What a call passes for one input: ``value`` is the entry at ``axes``."""

    name: str
    axes: tuple[sp.Symbol, ...]
    value: sp.Expr


@dataclass(frozen=True)
class Call:
    """An op used inside an equation: its output's entry at ``at``.

    Indices of the arguments that are not among their axes are batch axes of
    the call: the op is applied for each of them.
    """

    program: Program
    arguments: tuple[Argument, ...]
    at: tuple[sp.Symbol, ...]

    @property
    def name(self) -> str:
        return self.program.name

    def argument(self, name: str) -> Argument:
        return next(a for a in self.arguments if a.name == name)

    def __str__(self) -> str:
        inner = ", ".join(str(a.value) for a in self.arguments)
        at = f"[{', '.join(map(str, self.at))}]" if self.at else ""
        return f"{self.name}({inner}){at}"


@dataclass(frozen=True)
class Let:
    """One equation: a name's entry, its value, and what it is in words."""

    lhs: sp.Expr
    rhs: sp.Expr | Call
    note: str = ""

    def __post_init__(self) -> None:
        lhs = sp.sympify(self.lhs)
        if not is_entry(lhs):
            raise OpError(f"the left side of an equation is a name or name[indices], not {lhs}")
        if not all(isinstance(s, sp.Symbol) for s in subscripts_of(lhs)):
            raise OpError(f"the left side's subscripts must be plain indices: {lhs}")
        if len(set(subscripts_of(lhs))) < len(subscripts_of(lhs)):
            raise OpError(f"the left side repeats an index: {lhs}; bind each axis to its own index")
        object.__setattr__(self, "lhs", lhs)
        if not isinstance(self.rhs, Call):
            object.__setattr__(self, "rhs", sp.sympify(self.rhs))

    @property
    def name(self) -> str:
        return name_of(self.lhs)

    @property
    def indices(self) -> tuple[sp.Symbol, ...]:
        return subscripts_of(self.lhs)

    @property
    def expressions(self) -> tuple[sp.Expr, ...]:
        """The SymPy expressions on the right."""
        if isinstance(self.rhs, Call):
            return tuple(a.value for a in self.rhs.arguments)
        return (self.rhs,)

    @property
    def mentioned(self) -> frozenset[str]:
        """The names of tensors, indices and dimensions on the right."""
        return frozenset(name_of(e) for value in self.expressions for e in entries(value))

    def __str__(self) -> str:
        return f"{self.lhs} = {self.rhs}"


def map_value(let: Let, change: Any) -> Let:
    """The same equation with ``change`` applied to each expression on the right."""
    if isinstance(let.rhs, Call):
        arguments = tuple(replace(a, value=change(a.value)) for a in let.rhs.arguments)
        return replace(let, rhs=replace(let.rhs, arguments=arguments))
    return replace(let, rhs=change(let.rhs))


@dataclass(frozen=True)
class Program:
    """Inputs, equations and outputs; every name bound once, all shapes agreeing.

    ``declared`` gives the dimensions of defined names where the equations do
    not say them, as in ``J[i, j] = [i = j]``. Raises ``OpError`` where the
    equations contradict each other.
    """

    name: str
    inputs: tuple[Tensor, ...]
    equations: tuple[Let, ...]
    outputs: tuple[str, ...]
    aliases: tuple[Let, ...] = ()
    batch: tuple[Dim, ...] = ()
    declared: tuple[Tensor, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "equations", in_order_of_use(self))
        self.tensors  # noqa: B018  (infers and checks every shape)

    # -- names ------------------------------------------------------------

    @cached_property
    def let(self) -> dict[str, Let]:
        """The equation that defines each name."""
        return {let.name: let for let in self.equations}

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """Inputs and every defined name, with its dimensions."""
        return infer_tensors(self)

    @cached_property
    def dims(self) -> tuple[Dim, ...]:
        """All dimensions, batch axes first, then in order of appearance."""
        found = dict.fromkeys(self.batch)
        for tensor in self.tensors.values():
            found.update(dict.fromkeys(tensor.dims))
            if isinstance(tensor.domain, Dim):
                found[tensor.domain] = None
        return tuple(found)

    def input(self, name: str) -> Tensor:
        return next(t for t in self.inputs if t.name == name)

    @cached_property
    def entry_of(self) -> dict[str, sp.Expr]:
        """Each tensor's entry with the letters its axes go by in the equations."""
        return entry_letters(self)


# --------------------------------------------------------------------------
# Checking and shapes
# --------------------------------------------------------------------------


def in_order_of_use(program: Program) -> tuple[Let, ...]:
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
    if not names:
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


def infer_tensors(program: Program) -> dict[str, Tensor]:
    """Shapes of all names, from the inputs' dimensions and the equations."""
    where = f"op {program.name!r}"
    tensors = {t.name: t for t in program.inputs}
    declared = {t.name: t for t in program.declared}
    for let in program.equations:
        dims = index_dims(let, tensors, where)
        if let.name in declared:
            dims = dict(zip(let.indices, declared[let.name].dims, strict=True)) | dims
        for index in let.indices:
            if index not in dims:
                raise OpError(
                    f"{where}: in {let}, the index {index} is on the left, but nothing on the "
                    f"right says which dimension it runs over"
                )
        tensors[let.name] = Tensor(let.name, tuple(dims[i] for i in let.indices))
    sizes = {dim.name for t in tensors.values() for dim in t.dims}
    for name in sizes & tensors.keys():
        raise OpError(f"{where}: {name!r} names both a dimension and a tensor")
    return tensors


def index_dims(let: Let, tensors: Mapping[str, Tensor], where: str) -> dict[sp.Symbol, Dim]:
    """The dimension that each index of an equation runs over.

    Raises ``OpError`` for an index used with two dimensions, a free index
    that is on the right only, an unknown name and a wrong number of axes.
    """
    dims: dict[sp.Symbol, Dim] = {}
    known_dims = {d.name: d for t in tensors.values() for d in t.dims}
    known_dims |= {t.domain.name: t.domain for t in tensors.values() if isinstance(t.domain, Dim)}

    def meet(index: sp.Symbol, dim: Dim) -> None:
        if dims.setdefault(index, dim) != dim:
            raise OpError(
                f"{where}: in {let}, the index {index} is used with two dimensions, "
                f"{dims[index].name} and {dim.name}"
            )

    for value in let.expressions:
        for total in value.atoms(sp.Sum):
            for symbol, lower, upper in total.limits:
                size = upper + 1
                if lower != 0 or not isinstance(size, sp.Symbol):
                    raise OpError(
                        f"{where}: in {let}, the sum over {symbol} must run from 0 to a "
                        f"dimension less 1, not from {lower} to {upper}"
                    )
                meet(symbol, known_dims.get(str(size), Dim(str(size))))
        for found in value.atoms(sp.Indexed):
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
                if isinstance(subscript, sp.Symbol) and str(subscript) not in tensors:
                    meet(subscript, dim)
    if isinstance(let.rhs, Call):
        sizes = call_sizes(let.rhs, dims, where)
        output = let.rhs.program.tensors[let.rhs.program.outputs[0]]
        for index, dim in zip(let.rhs.at, output.dims, strict=True):
            meet(index, sizes[dim])
    check_free_names(let, tensors, dims, known_dims, where)
    return dims


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
    for value in let.expressions:
        bound = bound_symbols(value)
        subscripts = {s for e in value.atoms(sp.Indexed) for s in e.indices}
        for symbol in sorted(value.free_symbols, key=str):
            name = str(symbol)
            if isinstance(symbol, sp.Indexed) or symbol in bound or symbol in let.indices:
                continue
            if name in tensors or name in known_dims:
                tensor = tensors.get(name)
                if tensor and tensor.rank and not value.atoms(sp.Indexed):
                    raise OpError(f"{where}: {let} writes {name} without its indices")
                continue
            if any(name == str(base.label) for base in value.atoms(sp.IndexedBase)):
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


def entry_letters(program: Program) -> dict[str, sp.Expr]:
    """For each tensor, its entry in the letters a reader knows its axes by.

    They are the smallest in the alphabet among those that the equations use.
    """
    seen: dict[str, list[tuple[str, ...]]] = {name: [] for name in program.tensors}
    for let in (*program.equations, *program.aliases):
        seen.setdefault(let.name, []).append(tuple(map(str, let.indices)))
        for value in let.expressions:
            for found in value.atoms(sp.Indexed):
                letters = tuple(map(str, found.indices))
                plain = all(isinstance(s, sp.Symbol) for s in found.indices)
                if name_of(found) in seen and plain and len(set(letters)) == len(letters):
                    seen[name_of(found)].append(letters)
    result = {}
    taken = set(program.tensors) | {d.name for d in program.dims}
    for name, tensor in program.tensors.items():
        if seen[name]:
            letters = min(seen[name])
        else:
            source = fresh_letters(taken)
            letters = tuple(next(source) for _ in tensor.dims)
        result[name] = entry(name, *(sp.Symbol(c, integer=True) for c in letters))
    return result


# --------------------------------------------------------------------------
# Changing programs
# --------------------------------------------------------------------------


def rename_entries(expr: sp.Basic, change: Mapping[str, Any]) -> sp.Basic:
    """Apply ``change[name](subscripts)`` to every entry of the tensors named."""
    found = {e for e in entries(expr) if name_of(e) in change}
    if not found:
        return expr

    def walk(node: sp.Basic) -> sp.Basic:
        if is_entry(node) and name_of(node) in change:
            return change[name_of(node)](tuple(walk(s) for s in subscripts_of(node)))
        if not node.args or isinstance(node, sp.IndexedBase):
            return node
        return node.func(*(walk(arg) for arg in node.args))

    return walk(expr)


def batched(program: Program, *names: str) -> Program:
    """The program with leading batch axes for data, targets and what depends on them."""
    taken = {str(s) for let in (*program.equations, *program.aliases) for s in symbols_of(let)}
    taken |= {d.name for d in program.dims} | set(program.tensors)
    for name in names:
        if not name.isidentifier():
            raise OpError(f"a batch axis is a name such as 'N', not {name!r}")
        if name in taken:
            raise OpError(
                f"op {program.name!r} cannot have a batch axis {name!r}: the name is taken; "
                f"taken are {', '.join(sorted(taken))}"
            )
    if not names or len(set(names)) < len(names):
        raise OpError(f"batched() takes one or more different axis names, but was given {names}")
    dims = tuple(Dim(name) for name in names)
    lead: tuple[sp.Symbol, ...] = ()
    for name in names:
        letter = next(fresh_letters(taken, name.lower()[:1] + "bstuvwacefgh"))
        taken.add(letter)
        lead += (sp.Symbol(letter, integer=True),)

    rows = {t.name for t in program.inputs if t.role in BATCHED}
    for let in program.equations:
        if let.mentioned & rows:
            rows.add(let.name)
    rows |= {alias.name for alias in program.aliases}
    rows |= {f"d{name}" for name in rows}
    change = {n: (lambda s, n=n: entry(n, *lead, *s)) for n in rows}

    def widen(let: Let) -> Let:
        wider = map_value(let, lambda value: rename_entries(value, change))
        return replace(wider, lhs=rename_entries(let.lhs, change))

    return Program(
        name=program.name,
        inputs=tuple(
            replace(t, dims=dims + t.dims) if t.name in rows else t for t in program.inputs
        ),
        equations=tuple(map(widen, program.equations)),
        outputs=program.outputs,
        aliases=tuple(map(widen, program.aliases)),
        batch=dims + program.batch,
    )


def symbols_of(let: Let) -> set[sp.Symbol]:
    """Every symbol an equation writes: names, indices free and bound, dimensions."""
    values = (let.lhs, *let.expressions)
    found = {s for v in values for s in v.atoms(sp.Symbol)}
    if isinstance(let.rhs, Call):
        found |= {s for a in let.rhs.arguments for s in a.axes}
    return found


def without_calls(program: Program) -> Program:
    """The same program with the equations of the ops it calls written in their place."""
    if not any(isinstance(let.rhs, Call) for let in program.equations):
        return program
    taken = set(program.tensors) | {d.name for d in program.dims}
    equations: list[Let] = []
    for let in program.equations:
        if isinstance(let.rhs, Call):
            dims = index_dims(let, program.tensors, program.name)
            equations.extend(splice(let, call_sizes(let.rhs, dims, program.name), taken))
        else:
            equations.append(let)
    return replace(program, equations=tuple(equations))


def called_value(program: Program, let: Let) -> sp.Expr:
    """The value of an equation that calls an op, as one plain SymPy expression."""
    assert isinstance(let.rhs, Call)
    dims = index_dims(let, program.tensors, program.name)
    *inner, last = splice(let, call_sizes(let.rhs, dims, program.name), set(program.tensors))
    value = last.rhs
    for equation in reversed(inner):
        value = rename_entries(
            value,
            {
                equation.name: lambda s, e=equation: substitute(
                    e.rhs, dict(zip(e.indices, s, strict=True))
                )
            },
        )
    return value


def splice(let: Let, sizes: Mapping[Dim, Dim], taken: set[str]) -> Iterable[Let]:
    """The equations of the called op, renamed and indexed to define ``let``."""
    call = let.rhs
    assert isinstance(call, Call)
    callee = without_calls(call.program)
    output = callee.outputs[0]
    batch = tuple(i for i in let.indices if i not in call.at)
    lead: dict[str, tuple[sp.Symbol, ...]] = {}
    for argument in call.arguments:
        free = argument.value.free_symbols
        lead[argument.name] = tuple(i for i in batch if i in free)
    for inner in callee.equations:
        free = {i for name in inner.mentioned for i in lead.get(name, ())}
        lead[inner.name] = batch if inner.name == output else tuple(i for i in batch if i in free)

    names = {output: let.name}
    for inner in callee.equations:
        if inner.name not in names:
            fresh = inner.name if inner.name not in taken else f"{inner.name}_{let.name}"
            taken.add(fresh)
            names[inner.name] = fresh

    # The callee's own letters must not meet the caller's batch letters.
    busy = {str(s) for s in symbols_of(let)} | taken
    size_symbols = {old.symbol: new.symbol for old, new in sizes.items()}
    change: dict[str, Any] = {}
    for argument in call.arguments:
        change[argument.name] = lambda s, a=argument: substitute(
            a.value, dict(zip(a.axes, s, strict=True))
        )
    for inner in callee.equations:
        change[inner.name] = lambda s, n=inner.name: entry(names[n], *lead[n], *s)
    for inner in callee.equations:
        letters = fresh_letters(busy)
        fresh_index = {s: sp.Symbol(next(letters), integer=True) for s in inner.indices}
        if inner.name == output:
            fresh_index = dict(zip(inner.indices, call.at, strict=True))
        value = substitute(inner.rhs, size_symbols | fresh_index)
        value = rename_entries(rename_bound(value, busy), change)
        lhs = entry(names[inner.name], *lead[inner.name], *(fresh_index[s] for s in inner.indices))
        yield Let(let.lhs if inner.name == output else lhs, value, inner.note)


def rename_bound(expr: sp.Basic, busy: set[str]) -> sp.Basic:
    """Give the bound indices letters that are not busy."""
    used = {str(s) for s in expr.free_symbols}
    letters = fresh_letters(busy | used)
    new = {s: sp.Symbol(next(letters), integer=True) for s in sorted(bound_symbols(expr), key=str)}
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


def require(condition: bool, error: type[SymllmError], message: str) -> None:
    if not condition:
        raise error(message)


__all__ = [
    "Argument",
    "Call",
    "Index",
    "Let",
    "Partial",
    "Program",
    "batched",
    "expression",
    "index_dims",
    "map_value",
    "rename_entries",
    "without_calls",
]
