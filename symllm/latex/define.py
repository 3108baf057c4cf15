"""Ops from formulas: what the inputs are, and over which dimensions they run, is inferred."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..equation import Let
from ..errors import OpError, ReadError
from ..notation import Dim, Domain, Role, Tensor
from ..program import Program
from ..values import run
from .applied import ON_AXES
from .claim import definition_read
from .context import Context
from .functions import FOLDED, FUNCTIONS
from .names import head_of, listed, spelled
from .quantities import with_derivatives
from .sizes import Mismatch, Sizes
from .statements import equations as equations_of
from .statements import is_label, letters_below
from .tree import Accent, Name, Node, Scripted, alone, children

#: Dimensions that nobody has named are called so, in this order.
LETTERS = ("n", "m", "d", "e", "k", "l")

#: Single letters that mostly stand for a size where they carry no index.
SIZES = frozenset({"n", "N", "m", "M", "d", "D", "T", "K", "C", "H"})

#: Weights and the like: shared by all examples, and learned.
PARAMETERS = frozenset({"gamma", "beta", "W", "b", "w", "A", "B", "U", "theta"})
POSITIVE = frozenset({"eps", "tau"})
CONSTANTS = frozenset({"e", "pi", "ones", "I"})

#: What is called otherwise in Python.
RENAMED = {"epsilon": "eps"}

Dims = Mapping[str, Any] | Sequence[Any] | str | Dim | None


@dataclass(frozen=True)
class Defined:
    """What an op is made of."""

    inputs: tuple[Tensor, ...]
    equations: tuple[Let, ...]
    outputs: tuple[str, ...]
    declared: tuple[Tensor, ...]


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


def op_from_latex(
    texts: Sequence[str] | str,
    dims: Dims,
    roles: Mapping[str, Role],
    domains: Mapping[str, Domain],
    outputs: Iterable[str],
) -> Defined:
    """The inputs and equations that formulas say; see ``Op.from_latex``."""
    found = written((texts,) if isinstance(texts, str) else tuple(texts))
    said = Said.of(dims)
    sizes = Sizes()
    tensors = inputs_of(found, said, roles, domains)
    if not tensors:
        raise ReadError("a formula of an op names at least one input", found[0].text, found[0].at)
    names = tuple(tensors)
    lets: list[Let] = []
    raw: list[Any] = []
    for equation in found:
        context = context_of(tensors, names, said)
        value, free = read_equation(equation, context, sizes, said)
        dims_of = tuple(Dim(str(size)) for size in free)
        tensors = tensors | {equation.name: Tensor(equation.name, dims_of)}
        raw.append(value)
    naming = named_sizes(sizes, tensors, said, found)
    done = {name: renamed(tensor, sizes, naming) for name, tensor in tensors.items()}
    lets = [finish(sizes, naming) for finish in raw]
    inner = {n for let in lets for n in let.mentioned}
    ends = tuple(outputs) or tuple(e.name for e in found if e.name not in inner)
    used = tuple(n for n in names if n in inner)
    return Defined(
        tuple(done[n] for n in used),
        tuple(lets),
        ends,
        tuple(done[e.name] for e in found if done[e.name].rank),
    )


def written(texts: Sequence[str]) -> list[Equation]:
    """Each equation of the texts, every name defined once."""
    found: list[Equation] = []
    for text in texts:
        for left, rights, condition in equations_of(text):
            if condition is not None or len(rights) != 1:
                raise ReadError("an op's equation has one side that defines it", text, left.at)
            node = alone(left)
            base, subs = (node.base, listed(node.sub)) if isinstance(node, Scripted) else (node, ())
            if isinstance(node, Scripted) and (node.sup is not None or node.primes):
                raise ReadError("the left side of an equation is a name", text, node.at)
            head = head_of(base)
            own = tuple(spelled(s) for s in subs if is_label(s))
            indices = tuple(spelled(s) for s in subs if not is_label(s))
            if not head or not all(indices):
                raise ReadError("the left side of an equation is a name", text, node.at)
            name = "_".join((RENAMED.get(head, head), *own))
            if any(name == other.name for other in found):
                raise ReadError(f"{name} is defined twice", text, node.at)
            found.append(Equation(name, head, own, indices, rights[0], text, node.at))
    if not found:
        raise OpError("an op needs at least one equation")
    return found


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


def is_size(
    name: str, ranks: Mapping[str, int], found: Sequence[Equation], said: Said
) -> bool:
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


def uses(
    node: Node, letters: frozenset[str]
) -> Iterable[tuple[str, tuple[Node, ...], Node]]:
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
    word = len(head) > 1 and (head.lower() in FOLDED or head.lower() in ON_AXES)
    return (head in FUNCTIONS and head not in ("phi", "Phi")) or word


# --------------------------------------------------------------------------
# The equations
# --------------------------------------------------------------------------


def context_of(tensors: Mapping[str, Tensor], inputs: tuple[str, ...], said: Said) -> Context:
    named = [Dim(name) for name in said.names]
    return Context("the op", tensors, tuple(tensors), inputs, tuple(tensors)[-1:], tuple(named))


def read_equation(
    equation: Equation, context: Context, sizes: Sizes, said: Said
) -> tuple[Any, tuple[Any, ...]]:
    """An equation's right side, to be put in letters once all sizes are known; its free sizes."""
    right = with_derivatives(equation.right, context, frozenset())
    forced = {
        letter: said.by_name[letter][0]
        for letter in (letters_below(right) | set(equation.indices)) & said.by_name.keys()
        if letter not in context.tensors
    }
    try:
        return definition_read(
            equation.name, equation.indices, right, equation.text, context, sizes, forced
        )
    except Mismatch as error:
        raise ReadError(error.message, equation.text, error.at) from None


def named_sizes(
    sizes: Sizes, tensors: Mapping[str, Tensor], said: Said, found: Sequence[Equation]
) -> dict[Any, Dim]:
    """A name for every size that has none: the letter that is left over, or a usual one."""
    open_sizes = dict.fromkeys(
        size
        for tensor in tensors.values()
        for dim in tensor.dims
        if sizes.is_open(size := sizes.found(dim.symbol))
    )
    lone = [n for e in found for n in size_letters(e, tensors)]
    taken = set(tensors) | set(said.names)
    pool = [*dict.fromkeys(lone), *(c for c in LETTERS if c not in lone)]
    free = (c for c in pool if c not in taken)
    return {size: Dim(next(free)) for size in open_sizes}


def size_letters(equation: Equation, tensors: Mapping[str, Tensor]) -> list[str]:
    letters = letters_below(equation.right) | set(equation.indices)
    return [h for h, subs, _ in uses(equation.right, letters) if h in SIZES and h not in tensors]


def renamed(tensor: Tensor, sizes: Sizes, naming: Mapping[Any, Dim]) -> Tensor:
    """A tensor with the dimensions that were found for it."""
    found = (sizes.found(dim.symbol) for dim in tensor.dims)
    return replace(tensor, dims=tuple(naming.get(size) or Dim(str(size)) for size in found))


# --------------------------------------------------------------------------
# The judge of such an op
# --------------------------------------------------------------------------


def forward_function(program: Program) -> Callable[..., Any]:
    """The forward pass as a NumPy function that evaluates the equations as they stand.

    It shares nothing with the engine nor with generated code, and so can judge both; only what
    was read wrongly it cannot see.
    """

    def forward(**inputs: Any) -> Any:
        arrays = {name: np.asarray(value, float) for name, value in inputs.items()}
        sizes = {
            dim.name: length
            for tensor in program.inputs
            for dim, length in zip(tensor.dims, np.shape(inputs[tensor.name]), strict=True)
        }
        found = run(program, arrays, sizes)
        outputs = [found[name][()] for name in program.outputs]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    return forward
