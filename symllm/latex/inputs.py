"""What is an input of formulas, how many axes it has, and over which dimensions they run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..errors import OpError
from ..notation import Dim, Domain, Role, Tensor
from .applied import is_expectation
from .axes import is_on_axes
from .functions import FOLDED, FUNCTIONS
from .names import head_of, listed, spelled
from .statements import is_label, letters_below
from .tree import Accent, Name, Node, Scripted, alone, children

#: Single letters that mostly stand for a size where they carry no index.
SIZES = frozenset({"n", "N", "m", "M", "d", "D", "T", "K", "C", "H"})

#: Weights and the like: shared by all examples, and learned.
PARAMETERS = frozenset({"gamma", "beta", "W", "b", "w", "A", "B", "U", "theta"})
POSITIVE = frozenset({"eps", "tau"})
CONSTANTS = frozenset({"e", "pi", "ones", "I"})

#: What is called otherwise in Python.
RENAMED = {"epsilon": "eps", "lambda": "lambda_"}

Dims = Mapping[str, Any] | Sequence[Any] | str | Dim | None


@dataclass(frozen=True)
class Equation:
    """An equation as it is written: the name on the left, its indices, and the right side."""

    name: str
    head: str
    own: tuple[str, ...]
    indices: tuple[str, ...]
    right: Node
    text: str
    at: int


# --------------------------------------------------------------------------
# What is said of dimensions
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """Dimensions by tensor, by index letter, and for all indices alike."""

    by_name: Mapping[str, tuple[str, ...]]
    everywhere: str = ""

    @classmethod
    def of(cls, dims: Dims) -> Said:
        """From what a user gave: ``"d"``, ``{"x": "d"}``, ``{"W": ("n", "m"), "j": "m"}``."""
        if dims is None:
            return cls({})
        if isinstance(dims, Mapping):
            return cls({RENAMED.get(str(k), str(k)): as_names(v) for k, v in dims.items()})
        names = as_names(dims)
        if len(names) != 1:
            raise OpError(
                f"dims={dims!r} does not say which index runs over which dimension; write "
                f"dims={{'x': {names!r}}}"
            )
        return cls({}, names[0])

    @property
    def names(self) -> tuple[str, ...]:
        found = dict.fromkeys(n for names in self.by_name.values() for n in names)
        return tuple(found) if not self.everywhere else (self.everywhere,)


def as_names(given: Any) -> tuple[str, ...]:
    """A dimension's name, or several, as users give them."""
    parts = given if isinstance(given, tuple | list) else (given,)
    names = tuple(part.name if isinstance(part, Dim) else part for part in parts)
    for name in names:
        if not isinstance(name, str) or not (name.isidentifier() or name.isdigit()):
            raise OpError(f"a dimension is a name such as 'd', not {name!r}")
    return names


# --------------------------------------------------------------------------
# The inputs
# --------------------------------------------------------------------------


def inputs_of(
    found: Sequence[Equation],
    said: Said,
    roles: Mapping[str, Role],
    domains: Mapping[str, Domain],
) -> dict[str, Tensor]:
    """Every name that is used and not defined, with as many axes as it has subscripts."""
    ranks: dict[str, int] = {}
    texts: dict[str, tuple[str, int]] = {}
    defined = {e.name for e in found}
    for equation in found:
        letters = letters_below(equation.right) | set(equation.indices)
        for head, subs, node in uses(equation.right, letters):
            own = tuple(spelled(s) for s in subs if is_label(s))
            name = "_".join((RENAMED.get(head, head), *own))
            if name not in defined and name not in said.names and name not in bounds(found):
                ranks[name] = max(ranks.get(name, 0), len(subs) - len(own))
                texts.setdefault(name, (equation.text, node.at))
    for name in roles.keys() | domains.keys():
        if name not in ranks:
            raise OpError(f"{name!r} is no input of these formulas; there are {', '.join(ranks)}")
    return {
        name: Tensor(
            name,
            dims_of(name, rank, said),
            roles.get(name, role_of(name, rank if name not in said.by_name else 1)),
            domains.get(name, "positive" if name in POSITIVE else "real"),
        )
        for name, rank in ranks.items()
        if not (rank == 0 and is_size(name, ranks, found, said))
    }


def dims_of(name: str, rank: int, said: Said) -> tuple[Dim, ...]:
    """The dimensions of an input: those that were said, or ones that are still to be found."""
    if name in said.by_name:
        return tuple(map(Dim, said.by_name[name]))
    return tuple(Dim(said.everywhere or f"?{name}{axis}") for axis in range(rank))


def role_of(name: str, rank: int) -> Role:
    if name.split("_")[0] in PARAMETERS and rank:
        return "parameter"
    greek = len(name) > 1 and rank == 0
    return "constant" if greek or (rank == 0 and name in PARAMETERS) else "data"


def is_size(name: str, ranks: Mapping[str, int], found: Sequence[Equation], said: Said) -> bool:
    """Is a letter without an index the one dimension that has no name yet?"""
    others = [n for n, rank in ranks.items() if rank == 0 and n in SIZES]
    return name in SIZES and others == [name] and not said.names and not bounds(found)


def bounds(found: Sequence[Equation]) -> frozenset[str]:
    """The names that sums run to."""
    names: set[str] = set()

    def walk(node: Node, letters: frozenset[str]) -> None:
        if isinstance(node, Scripted) and is_sum(node.base) and node.sup is not None:
            text = spelled(node.sup)
            if text and text not in letters and not text.isdigit():
                names.add(text)
        for child in children(node):
            walk(child, letters)

    for equation in found:
        walk(equation.right, letters_below(equation.right) | set(equation.indices))
    return frozenset(names)


def is_sum(node: Node) -> bool:
    return isinstance(node, Name) and node.style == "big"


def uses(node: Node, letters: frozenset[str]) -> Iterable[tuple[str, tuple[Node, ...], Node]]:
    """The names in a formula with their subscripts, less functions, constants and indices."""
    node = alone(node)
    base, subs = (node.base, listed(node.sub)) if isinstance(node, Scripted) else (node, ())
    if isinstance(base, Name | Accent) and (head := head_of(base)):
        if not is_function(head, base) and not (head in letters and not subs):
            constant = head in CONSTANTS or (head == "delta" and len(subs) == 2)
            if not constant:
                yield head, subs, node
        if isinstance(node, Scripted) and node.sup is not None and spelled(node.sup) != "top":
            yield from uses(node.sup, letters)
        return
    if is_sum(base):
        return
    parts = children(node) if not isinstance(node, Scripted) else (node.base, node.sup)
    for part in parts:
        if part is not None:
            yield from uses(part, letters)


def is_function(head: str, base: Node) -> bool:
    if is_expectation(base):
        return True
    word = is_on_axes(head) or (len(head) > 1 and head.lower() in FOLDED)
    return (head in FUNCTIONS and head not in ("phi", "Phi")) or word
