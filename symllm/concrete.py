"""Running a let-program at concrete sizes, entry by entry."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from .arithmetic import HIGH, Arithmetic, At, Env, Meaning, Read, Scope, meaning
from .equation import Call, Let
from .errors import NotationError
from .notation import Partial
from .program import Program
from .shapes import index_dims

Entry = tuple[str, At]
Values = dict[str, dict[At, Any]]

#: One equation, made concrete: from what names stand for to the entry that it defines.
Equation = Callable[[Scope, At], Any]


@dataclass(frozen=True, eq=False)
class Concrete:
    """A program with a size for each dimension (by name) and a kind of numbers."""

    program: Program
    sizes: Mapping[str, int]
    arithmetic: Arithmetic = HIGH

    @cached_property
    def equations(self) -> dict[str, Equation]:
        """Each equation and each alias as a function, by name."""
        lets = (*self.program.equations, *self.program.aliases)
        return {let.name: equation(let, self) for let in lets}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The names that equations define, in the order in which they are computed."""
        return tuple(let.name for let in self.program.equations)

    def scope(self, read: Read) -> Scope:
        """What names stand for in equations, where their entries are read so."""
        return Scope(self.arithmetic, self.sizes, read, no_change)

    def indices(self, name: str) -> Iterator[At]:
        """The indices of all entries of a tensor, the last axis fastest."""
        dims = self.program.tensors[name].dims
        return itertools.product(*(range(self.sizes[dim.name]) for dim in dims))


def no_change(expr: Partial, env: Env) -> Any:
    raise NotationError(f"an equation of a program cannot contain the derivative {expr}")


def equation(let: Let, concrete: Concrete) -> Equation:
    """The function that computes one entry of the name that ``let`` defines."""
    right = called(let.rhs, let, concrete) if isinstance(let.rhs, Call) else meaning(let.rhs)

    def value(scope: Scope, at: At) -> Any:
        return right(scope, dict(zip(let.indices, at, strict=True)))

    return value


def called(call: Call, let: Let, caller: Concrete) -> Meaning:
    """A call's value: the called program is run for the row that the entry lies in."""
    dims = index_dims(let, caller.program.tensors, caller.program.name)
    sizes: dict[str, int] = {}
    for argument in call.arguments:
        axes = call.program.input(argument.name).dims
        for axis, dim in zip(argument.axes, axes, strict=True):
            sizes[dim.name] = caller.sizes[dims[axis].name]
    assert isinstance(call.program, Program)
    callee = Concrete(call.program, sizes, caller.arithmetic)
    given = [(a.name, a.axes, meaning(a.value)) for a in call.arguments]

    @lru_cache(maxsize=1)  # the entries of one row are asked for one after the other
    def output(*inputs: tuple[tuple[At, Any], ...]) -> Mapping[At, Any]:
        named = {name: dict(i) for (name, _, _), i in zip(given, inputs, strict=True)}
        return run(callee, named)[call.program.outputs[0]]

    def value(scope: Scope, env: Env) -> Any:
        inputs = (
            tuple(
                (at, passed(scope, {**env, **dict(zip(axes, at, strict=True))}))
                for at in callee.indices(name)
            )
            for name, axes, passed in given
        )
        return output(*inputs)[tuple(env[s] for s in call.at)]

    return value


def run(
    concrete: Concrete,
    inputs: Mapping[str, Mapping[At, Any]],
    reads: dict[Entry, set[Entry]] | None = None,
) -> Values:
    """All entries of all names, computed in the order of the equations.

    ``reads`` takes note of which entries each computed entry was made from.
    """
    values: Values = {name: dict(entries) for name, entries in inputs.items()}
    for let in concrete.program.equations:
        values[let.name] = {}
        for at in concrete.indices(let.name):
            read, seen = noting(values)
            values[let.name][at] = concrete.equations[let.name](concrete.scope(read), at)
            if reads is not None:
                reads[let.name, at] = seen
    return values


def noting(values: Values) -> tuple[Read, set[Entry]]:
    seen: set[Entry] = set()

    def read(name: str, at: At) -> Any:
        seen.add((name, at))
        return entry_of(values, name, at)

    return read, seen


def entry_of(values: Mapping[str, Mapping[At, Any]], name: str, at: At) -> Any:
    """One entry; an error that names it where there is none."""
    try:
        return values[name][at]
    except KeyError:
        if name not in values:
            raise NotationError(f"{name!r} has no value; known: {', '.join(values)}") from None
        last = list(max(values[name]))
        raise NotationError(f"{name} has no entry {list(at)}; its last is {last}") from None
