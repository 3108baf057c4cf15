"""The slow, obvious evaluator: expressions over a program at one concrete point.

It judges the engine and shares no code with it. Derivatives and adjoints are
differences: an entry is changed a little, what follows from it is computed
again, and the change of the result is divided by that of the entry.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import sympy as sp

from .arithmetic import HIGH, At, Env, Scope, meaning, mp
from .concrete import Concrete, Entry, Values, entry_of, run
from .errors import NotationError, UnknownName, VerificationError
from .expressions import entries, is_entry, name_of, subscripts_of
from .notation import LOSS, Dim, Direct, Partial, Tensor
from .program import Program
from .sampling import draw, draw_sizes

#: The step of the central differences. Truncation loses about STEP**2, that is
#: 1e-40; of 60 digits a first difference keeps 40 and a second one 20.
STEP = mp.mpf(10) ** -20

#: No step is smaller, where that is possible: half the digits are left to what
#: changes. A probability may be too small for a step in proportion to it.
LEAST = mp.mpf(10) ** -30

#: No step is larger than this share of the entry that it changes: the logarithm
#: of a tiny probability is straight over small steps alone.
SHARE = mp.mpf(10) ** -12

#: How often an expression may be differentiated and still keep half its digits.
MAX_ORDER = 2

Free = Sequence[tuple[sp.Symbol, Dim]]


@dataclass(frozen=True, eq=False)
class Point:
    """A program at concrete sizes with concrete values of every name.

    ``values`` holds inputs and computed names, ``upstream`` the gradients
    ``d<output>`` that come from outside (all 1 if ``implied``); both map a name
    to its entries by index. Adjoints ``d<name>`` of the other names, and
    aliases, are computed when an expression mentions them.
    """

    concrete: Concrete
    seed: int
    values: Values
    upstream: Mapping[str, Mapping[At, Any]]
    implied: bool
    readers: Mapping[Entry, tuple[Entry, ...]]
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def program(self) -> Program:
        return self.concrete.program

    @property
    def sizes(self) -> Mapping[str, int]:
        return self.concrete.sizes

    @cached_property
    def scope(self) -> Scope:
        return Scope(
            self.concrete.arithmetic,
            self.sizes,
            lambda name, at: read(self, name, at),
            lambda expr, env: change(self, expr, env),
            self.memo,
        )

    def __str__(self) -> str:
        symbolic = ((n, size) for n, size in self.sizes.items() if not n.isdigit())
        return ", ".join(f"{name} = {size}" for name, size in symbolic)


def has_implied_upstream(program: Program) -> bool:
    """Is the upstream gradient 1: is the single output a scalar in every batch row?"""
    only = program.tensors[program.outputs[0]]
    return len(program.outputs) == 1 and only.rank == len(program.batch)


def sample(
    program: Program,
    seed: int = 0,
    sizes: Mapping[str, int] | None = None,
    upstream: bool = False,
) -> Point:
    """A random point, the same for the same seed on every machine.

    ``sizes`` fixes dimensions by name; ``upstream`` asks for a random upstream
    gradient where it would be 1. Raises ``UnknownName`` for an unknown
    dimension and ``VerificationError`` where a value is not finite.
    """
    concrete = Concrete(program, draw_sizes(program, seed, sizes))

    def drawn(tensor: Tensor) -> dict[At, Any]:
        found = draw(tensor, concrete.sizes, seed)
        return {at: HIGH.rational(v.numerator, v.denominator) for at, v in found.items()}

    reads: dict[Entry, set[Entry]] = {}
    values = run(concrete, {t.name: drawn(t) for t in program.inputs}, reads)
    implied = has_implied_upstream(program) and not upstream
    gradients = {}
    for name in program.outputs:
        outer = program.tensors[name].adjoint()
        ones = dict.fromkeys(values[name], HIGH.rational(1, 1))
        gradients[outer.name] = ones if implied else drawn(outer)
    readers: dict[Entry, list[Entry]] = {}
    for computed, seen in reads.items():
        for source in seen:
            readers.setdefault(source, []).append(computed)
    frozen = {source: tuple(found) for source, found in readers.items()}
    return Point(concrete, seed, values, gradients, implied, frozen)


def evaluate(expr: Any, point: Point, at: Env | None = None) -> Any:
    """The value of an expression, its free indices set as ``at`` says.

    Raises ``NotationError`` for a node or a name that it does not know and
    ``VerificationError`` where a part is not a finite real number.
    """
    return meaning(sp.sympify(expr))(point.scope, at or {})


def values(expr: Any, free: Free, point: Point) -> dict[At, Any]:
    """The value at all entries of the free indices, by index."""
    symbols = [symbol for symbol, _ in free]
    return {
        at: evaluate(expr, point, dict(zip(symbols, at, strict=True)))
        for at in free_indices(free, point)
    }


def free_indices(free: Free, point: Point) -> list[At]:
    """All values of the free indices together, the last fastest."""
    for _, dim in free:
        if dim.name not in point.sizes:
            raise UnknownName(f"dimension of {point.program.name}", dim.name, point.sizes)
    return list(itertools.product(*(range(point.sizes[dim.name]) for _, dim in free)))


def loss(point: Point) -> Any:
    """All outputs, each weighted by its upstream gradient, summed."""
    return sum(
        point.upstream[f"d{name}"][at] * value
        for name in point.program.outputs
        for at, value in point.values[name].items()
    )


def read(point: Point, name: str, at: At) -> Any:
    """The entry of an input, a computed name, an upstream gradient, an alias or an adjoint."""
    if name == LOSS.name and at == () and () not in point.values.get(name, {}):
        return loss(point)
    for known in (point.values, point.upstream):
        if name in known:
            return entry_of(known, name, at)
    key = (name, at)
    if key not in point.memo:
        if any(alias.name == name for alias in point.program.aliases):
            point.memo[key] = equation_value(point, name, at)
        elif name.startswith("d") and name[1:] in point.values:
            point.memo[key] = difference(point, name[1:], at, loss)
        else:
            aliases = (alias.name for alias in point.program.aliases)
            known_names = (*point.values, *aliases, *point.upstream)
            raise UnknownName(f"name in {point.program.name}", name, known_names)
    return point.memo[key]


def equation_value(point: Point, name: str, at: At) -> Any:
    """The right side of the one equation that defines a name, at one entry."""
    return point.concrete.equations[name](point.concrete.scope(point.scope.read), at)


# --------------------------------------------------------------------------
# Derivatives, as differences
# --------------------------------------------------------------------------


def change(point: Point, expr: Partial, env: Env) -> Any:
    """The value of ``Partial(q, e)`` or ``Direct(q, e)``."""
    if not is_entry(expr.entry) or name_of(expr.entry) not in point.values:
        raise NotationError(f"{expr} differentiates by {expr.entry}, which no equation mentions")
    name = name_of(expr.entry)
    at = tuple(int(evaluate(s, point, env)) for s in subscripts_of(expr.entry))
    if isinstance(expr, Direct):
        defined = name_of(expr.quantity) if is_entry(expr.quantity) else ""
        if defined not in point.concrete.equations:
            raise NotationError(f"{expr}: no equation defines {expr.quantity}")
        of = tuple(int(evaluate(s, point, env)) for s in subscripts_of(expr.quantity))
        return difference(
            point, name, at, lambda there: equation_value(there, defined, of), follow=False
        )
    if expr.quantity == LOSS:
        return difference(point, name, at, loss)
    return difference(point, name, at, lambda there: evaluate(expr.quantity, there, env))


def difference(
    point: Point, name: str, at: At, quantity: Callable[[Point], Any], follow: bool = True
) -> Any:
    """The central difference of a quantity as one entry changes."""
    share = min(STEP, SHARE * abs(entry_of(point.values, name, at))) or STEP

    def quotient(step: Any) -> Any:
        up, down = (moved(point, name, at, by, follow) for by in (step, -step))
        return (quantity(up) - quantity(down)) / (2 * step)

    try:
        return quotient(max(LEAST, share))
    except VerificationError:  # that far away there is no value, as of a logarithm
        return quotient(share)


def moved(point: Point, name: str, at: At, step: Any, follow: bool) -> Point:
    """The point with one entry changed, and what follows from it computed again.

    With ``follow`` false all other names keep their values.
    """
    key = ("moved", name, at, step, follow)
    if key not in point.memo:
        changed: Values = dict(point.values)
        changed[name] = {**changed[name], at: entry_of(changed, name, at) + step}
        touched: dict[str, list[At]] = {}
        for reader, where in followers(point, (name, at)) if follow else ():
            touched.setdefault(reader, []).append(where)
        # Names come in order, so a sum is read only after all that it reads is there to stay.
        scope = point.concrete.scope(lambda n, a: entry_of(changed, n, a))
        for later in (n for n in point.concrete.order if n in touched):
            compute = point.concrete.equations[later]
            changed[later] = dict(changed[later])
            for where in touched[later]:
                changed[later][where] = compute(scope, where)
        point.memo[key] = replace(point, values=changed, memo={})
    return point.memo[key]


def followers(point: Point, source: Entry) -> list[Entry]:
    """The entries that are computed from one entry, directly or not."""
    key = ("followers", source)
    if key not in point.memo:
        found: set[Entry] = set()
        waiting = [source]
        while waiting:
            for reader in point.readers.get(waiting.pop(), ()):
                if reader not in found:
                    found.add(reader)
                    waiting.append(reader)
        point.memo[key] = sorted(found)
    return point.memo[key]


def order(expr: sp.Basic, program: Program) -> int:
    """How many differences inside each other it takes to evaluate an expression."""
    if isinstance(expr, Direct):
        return 1
    if isinstance(expr, Partial):
        return 1 + order(expr.quantity, program)
    if expr.has(Partial):
        return max(order(arg, program) for arg in expr.args)
    names = {name_of(e) for e in entries(expr)}
    upstream = {f"d{name}" for name in program.outputs}
    adjoints = {f"d{name}" for name in program.tensors} - upstream - program.tensors.keys()
    inner = [order(v, program) for a in program.aliases if a.name in names for v in a.expressions]
    return max([int(bool(names & adjoints)), *inner])
