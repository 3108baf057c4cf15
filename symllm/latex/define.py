"""Ops from formulas: what the inputs are, and over which dimensions they run, is inferred."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sympy as sp

from ..equation import Let
from ..errors import OpError, ReadError
from ..expressions import is_entry, name_of, parts
from ..notation import Dim, Domain, Role, Tensor
from ..program import Program
from ..values import run
from .applied import ON_AXES
from .claim import entry_of
from .context import Context
from .functions import FOLDED, FUNCTIONS
from .names import head_of, listed, spelled
from .quantities import with_derivatives
from .readings import Choices
from .scope import Scope
from .sizes import Mismatch, Sizes
from .statements import equations as equations_of
from .statements import is_label, letters_below
from .tidy import tidied
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
    lone = tuple(dict.fromkeys(n for e in found for n in size_letters(e, tensors)))
    dims_known = tuple(map(Dim, dict.fromkeys((*said.names, *sorted(bounds(found)), *lone))))
    read = []
    for equation in found:
        context = Context(
            "the formula", tensors, tuple(tensors), names, (equation.name,), dims_known
        )
        one = read_equation(equation, context, sizes, said)
        tensors = tensors | {equation.name: Tensor(equation.name, one.dims)}
        read.append(one)
    name_sizes(sizes, tensors, (*said.names, *sorted(bounds(found))), lone)
    taken = frozenset(tensors)
    lets = [finished(one, taken) for one in read]
    done = {name: with_dims(tensor, sizes) for name, tensor in tensors.items()}
    inner = {n for let in lets for n in let.mentioned}
    logged = {name for let in lets for name in under_logarithms(let.rhs)} - domains.keys()
    return Defined(
        inputs=tuple(
            replace(done[n], domain="positive") if n in logged else done[n] for n in names
        ),
        equations=tuple(lets),
        outputs=tuple(outputs) or tuple(e.name for e in found if e.name not in inner),
        declared=tuple(done[e.name] for e in found if done[e.name].rank),
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
    return in_order(found)


def in_order(found: Sequence[Equation]) -> list[Equation]:
    """The equations, each after those whose names it uses; raises ``ReadError`` for a circle."""
    heads = {(e.head, e.own) for e in found}
    done: list[Equation] = []
    waiting = list(found)
    while waiting:
        ready = [e for e in waiting if needs(e) & heads <= {(d.head, d.own) for d in done}]
        if not ready:
            circle = ", ".join(e.name for e in waiting)
            raise ReadError(f"defined by themselves: {circle}", waiting[0].text, waiting[0].at)
        done.append(ready[0])
        waiting.remove(ready[0])
    return done


def needs(equation: Equation) -> set[tuple[str, tuple[str, ...]]]:
    """The names on the right side, with the subscripts that belong to them."""
    letters = letters_below(equation.right) | set(equation.indices)
    return {
        (head, tuple(spelled(s) for s in subs if is_label(s)))
        for head, subs, _ in uses(equation.right, letters)
    }


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
    word = len(head) > 1 and (head.lower() in FOLDED or head.lower() in ON_AXES)
    return (head in FUNCTIONS and head not in ("phi", "Phi")) or word


# --------------------------------------------------------------------------
# The equations
# --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Read:
    """An equation that was read, some of its sizes perhaps still to be named."""

    equation: Equation
    scope: Scope
    expr: sp.Expr
    axes: tuple[sp.Symbol, ...]

    @property
    def dims(self) -> tuple[Dim, ...]:
        return tuple(Dim(str(self.scope.sizes.size(axis))) for axis in self.axes)


def read_equation(equation: Equation, context: Context, sizes: Sizes, said: Said) -> Read:
    """An equation's right side; raises ``ReadError``, also where there are several ways."""
    right = with_derivatives(equation.right, context, frozenset())
    letters = letters_below(right) | set(equation.indices)
    by_letter = {
        letter: Dim(names[0]).symbol
        for letter, names in said.by_name.items()
        if letter in letters and letter not in context.tensors
    }
    choose = Choices({})
    scope = Scope(equation.text, context, choose, sizes=sizes, said=by_letter)
    axes = tuple(scope.index(letter) for letter in equation.indices)
    try:
        value = scope.value(right)
    except Mismatch as error:
        raise ReadError(error.message, equation.text, error.at) from None
    for question, answer in choose.made.items():
        others = ", ".join(made[question] for made in choose.others if made[question] != answer)
        raise ReadError(
            f"this can be read in several ways: {question} {answer}, or {others}; make it plain",
            equation.text,
            right.at,
        )
    loose = sorted(scope.free.keys() - set(equation.indices))
    if loose:
        raise ReadError(
            f"{', '.join(loose)} is free on the right but not on the left: sum over it",
            equation.text,
            right.at,
        )
    if axes and value.axes:
        raise ReadError(
            f"the left side is an entry, the right side {sizes.text(*value.axes)}",
            equation.text,
            right.at,
        )
    return Read(equation, scope, value.expr, axes or value.axes)


def finished(read: Read, taken: frozenset[str]) -> Let:
    body, change = tidied(read.scope, read.expr, read.axes, taken)
    subs = tuple(change[axis] for axis in read.axes)
    return Let(entry_of(read.equation.name, subs), body)


def under_logarithms(expr: Any) -> set[str]:
    """The names whose logarithm or root is taken, and which are positive therefore."""
    inside = [f.args[0] for f in parts(expr, sp.log)]
    inside += [p.base for p in parts(expr, sp.Pow) if p.exp.is_Rational and not p.exp.is_Integer]
    return {name_of(arg) for arg in inside if is_entry(arg)}


def name_sizes(
    sizes: Sizes, tensors: Mapping[str, Tensor], said: Sequence[str], lone: Sequence[str]
) -> None:
    """A name for every size that has none: the letter that is left over, or a usual one."""
    taken = {*tensors, *said}
    free = (c for c in dict.fromkeys((*lone, *LETTERS)) if c not in taken)
    for tensor in tensors.values():
        for dim in tensor.dims:
            if sizes.is_open(dim.symbol):
                sizes.unify(dim.symbol, Dim(next(free)).symbol)


def size_letters(equation: Equation, tensors: Mapping[str, Tensor]) -> list[str]:
    letters = letters_below(equation.right) | set(equation.indices)
    return [h for h, subs, _ in uses(equation.right, letters) if h in SIZES and h not in tensors]


def with_dims(tensor: Tensor, sizes: Sizes) -> Tensor:
    """A tensor with the dimensions that were found for it."""
    return replace(tensor, dims=tuple(Dim(str(sizes.found(d.symbol))) for d in tensor.dims))


# --------------------------------------------------------------------------
# The judge of such an op
# --------------------------------------------------------------------------


def forward_function(program: Program) -> Callable[..., Any]:
    """The forward pass as a NumPy function that evaluates the equations as they stand.

    It shares nothing with the engine nor with generated code, and so can judge both; only what
    was read wrongly it cannot see.
    """

    def forward(*given: Any, **named: Any) -> Any:
        inputs = dict(zip((t.name for t in program.inputs), given, strict=False)) | named
        arrays = {name: np.asarray(value, float) for name, value in inputs.items()}
        sizes = {
            dim.name: length
            for tensor in program.inputs
            for dim, length in zip(tensor.dims, arrays[tensor.name].shape, strict=True)
        }
        found = run(program, arrays, sizes)
        outputs = [found[name][()] for name in program.outputs]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    return forward
