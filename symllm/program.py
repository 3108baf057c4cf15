"""Let-programs: an ordered list of equations between indexed scalars.

A program is frozen data. Its forward equations and the backward pass that is
derived from them are both programs, and so is an op used inside another op.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol, TypeVar

import sympy as sp

from .equation import Let, map_value, symbols_of
from .errors import OpError
from .expressions import fresh_letters, rename_entries
from .notation import BATCHED, Dim, Tensor, entry
from .shapes import Shapes, entry_letters, in_order_of_use, infer_shapes


@dataclass(frozen=True)
class Program:
    """Inputs, equations and outputs; every name bound once, all shapes agreeing.

    ``declared`` gives the dimensions of defined names where the equations do
    not say them, as in ``J[i, j] = [i = j]``, and ``title`` what people call
    it. Raises ``OpError`` where the equations contradict each other.
    """

    name: str
    inputs: tuple[Tensor, ...]
    equations: tuple[Let, ...]
    outputs: tuple[str, ...]
    aliases: tuple[Let, ...] = ()
    batch: tuple[Dim, ...] = ()
    declared: tuple[Tensor, ...] = ()
    title: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "equations", in_order_of_use(self))
        self.tensors  # noqa: B018  (infers and checks every shape)

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.name, self.inputs, self.equations, self.aliases, self.declared))

    # -- names ------------------------------------------------------------

    @property
    def called(self) -> str:
        """What it is called inside a sentence."""
        return lowered(self.title) if self.title else self.name.replace("_", " ")

    @cached_property
    def let(self) -> dict[str, Let]:
        """The equation that defines each name."""
        return {let.name: let for let in self.equations}

    @cached_property
    def _shapes(self) -> Shapes:
        return infer_shapes(self)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Inputs and every defined name, with its dimensions."""
        return self._shapes.tensors

    @property
    def index_dims(self) -> dict[str, dict[sp.Symbol, Dim]]:
        """For each equation and alias, the dimension that each of its indices runs over."""
        return self._shapes.indices

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
        return entry_letters(self, self.tensors, self.dims)


#: What is written with a capital letter anywhere.
NAMES = frozenset({"Adam", "Lion", "Nesterov"})


def lowered(title: str) -> str:
    """A title inside a sentence; acronyms stay, and names: whose embedding it is."""
    first, *_ = title.split()
    stays = first in NAMES or "'" in first or any(c.isupper() or c.isdigit() for c in first[1:])
    return title if stays else title[0].lower() + title[1:]


class Defined(Protocol):
    """A name, and the names that its definition mentions."""

    @property
    def name(self) -> str: ...

    @property
    def mentioned(self) -> Set[str]: ...


Definition = TypeVar("Definition", bound=Defined)


def needed(
    definitions: Iterable[Definition], names: Iterable[str], given: Set[str] = frozenset()
) -> tuple[Definition, ...]:
    """Those of the definitions, in their order, that the names need where some are given."""
    known = {each.name: each for each in definitions if each.name not in given}
    found: set[str] = set()
    waiting = known.keys() & set(names)
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= (known[name].mentioned & known.keys()) - found
    return tuple(each for name, each in known.items() if name in found)


def batched(program: Program, *names: str) -> Program:
    """The program with leading batch axes for data, targets and what depends on them."""
    taken = {s.name for let in (*program.equations, *program.aliases) for s in symbols_of(let)}
    taken |= {d.name for d in program.dims} | set(program.tensors)
    for name in names:
        if not isinstance(name, str) or not name.isidentifier():
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
    weights = any(t.role == "parameter" for t in program.inputs)  # and beside them b is a bias
    others = "stuvwbacefgh" if weights else "bstuvwacefgh"
    for name in names:
        letter = next(fresh_letters(taken, name.lower()[:1] + others))
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
        inputs=tuple(t.batched(dims) if t.name in rows else t for t in program.inputs),
        equations=tuple(map(widen, program.equations)),
        outputs=program.outputs,
        aliases=tuple(map(widen, program.aliases)),
        batch=dims + program.batch,
        declared=tuple(t.batched(dims) if t.name in rows else t for t in program.declared),
        title=program.title,
    )
