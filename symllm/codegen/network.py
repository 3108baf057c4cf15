"""Ops made of ops as code: each called op is a function, and this one calls them.

Forwards it passes arrays on; backwards it takes the calls in reverse, and adds
up what several paths bring to one name. Nothing is derived here: the gradient
of every function called is a pair that a derivation has found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import sympy as sp

from ..equation import Argument, Call, Let
from ..errors import OpError
from ..expressions import is_entry, name_of, subscripts_of
from ..notation import Dim, Tensor
from ..program import Program
from .pair import Pair
from .relay import Groups, broadcast, relaid
from .target import Target
from .writer import WIDTH


@dataclass(frozen=True)
class Called:
    """A call as code: the function's pair, and the batch indices of the call, its leading axes."""

    let: Let
    pair: Pair
    lead: tuple[sp.Symbol, ...]

    @property
    def call(self) -> Call:
        assert isinstance(self.let.rhs, Call)
        return self.let.rhs

    @property
    def output(self) -> Groups:
        """How the function's output lies."""
        tensor = self.call.program.tensors[self.call.program.outputs[0]]
        return (*apart(self.lead), *axes_of(tensor, self.call.at))

    @property
    def active(self) -> list[tuple[Argument, str]]:
        """The arguments that have a gradient, in the order in which it is returned."""
        names = {dx: x for x, dx in self.pair.gradients.items()}
        return [(self.call.argument(names[dx]), dx) for dx in self.pair.backward.outputs]


@dataclass(frozen=True)
class Network:
    """A program whose equations call ops or add entries, and the pair of each call."""

    program: Program
    calls: Mapping[str, Called]
    wrt: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.program.name


def axes_of(tensor: Tensor, indices: Sequence[sp.Symbol]) -> Groups:
    """The indices of a tensor's entry, by the axes of its array."""
    rest = iter(indices)
    return tuple(tuple(next(rest) for _ in axis) for axis in tensor.axes)


def apart(indices: Sequence[sp.Symbol]) -> Groups:
    return tuple((index,) for index in indices)


#: The dimension of each index of an equation.
Dims = Mapping[sp.Symbol, Dim]
#: The axes of an array, each with the places of its indices in the tensor's entry.
Layout = tuple[tuple[int, ...], ...]


@dataclass
class Gradient:
    """What has come in for one name: a variable of its own, or texts still to be added."""

    owned: bool = False
    given: list[tuple[str, Layout]] = field(default_factory=list)


@dataclass
class Emitter:
    """The statements of one pass, the sizes that they mention, and how arrays lie."""

    network: Network
    target: Target
    rows: list[str] = field(default_factory=list)
    sizes: dict[str, None] = field(default_factory=dict)
    #: Of variables that lie as a function returned them; else each index has an axis.
    layouts: dict[str, Layout] = field(default_factory=dict)
    #: Are arguments passed at their full size, since a library differentiates the calls?
    spread: bool = False

    def say(self, text: str) -> None:
        self.rows += listed_call(text)

    def relaid(self, text: str, dims: Dims, have: Groups, want: Groups) -> str:
        return relaid(self.target, text, have, want, lambda index: self.size(dims[index]))

    def size(self, dim: Dim) -> str:
        if dim.size is None:
            self.sizes[dim.name] = None
        return dim.name

    def dims(self, let: Let) -> Dims:
        return self.network.program.index_dims[let.name]

    def layout(self, variable: str, rank: int) -> Layout:
        return self.layouts.get(variable, tuple((k,) for k in range(rank)))

    # -- forwards ---------------------------------------------------------------

    def argument(self, called: Called, argument: Argument) -> str:
        """What a call passes: the array with the batch axes in front, as the function wants it."""
        value = argument.value
        tensor = called.call.program.input(argument.name)
        if not is_entry(value):
            raise OpError(
                f"{self.network.name}: {called.let.name} passes {value} to {called.pair.name}; "
                f"in code a call takes names: give it one by an equation"
            )
        name, own = name_of(value), subscripts_of(value)
        want, missing = passed(called, argument, tensor)
        have = placed(self.layout(name, len(own)), own)
        text = self.relaid(name, self.dims(called.let), have, want)
        if not missing:
            return text
        text = broadcast(text, len(called.lead), missing)
        if not self.spread:
            return text
        dims = self.dims(called.let)
        whole = (*apart(called.lead), *axes_of(tensor, argument.axes))
        shape = [" * ".join(self.size(dims[i]) for i in axis) for axis in whole]
        return self.target.spread(text, shape)

    def call(self, called: Called, function: str, *results: str) -> None:
        arguments = [self.argument(called, a) for a in called.call.arguments]
        names = (called.let.name, *results)
        self.say(f"{', '.join(names)} = {function}({', '.join(arguments)})")
        self.layouts[called.let.name] = places(called.output, called.let.indices)

    def sum_of(self, let: Let) -> None:
        """``y = x + A``: entries added, those with fewer axes for all of the others."""
        text = ""
        for coefficient, found in terms(self.network, let):
            name, own = name_of(found), subscripts_of(found)
            order = tuple(i for i in let.indices if i in own)
            have = placed(self.layout(name, len(own)), own)
            piece = self.relaid(name, self.dims(let), have, apart(order))
            if order != let.indices[len(let.indices) - len(order) :]:
                items = [":" if i in own else "None" for i in let.indices]
                piece = f"{piece}[{', '.join(items)}]"
            sign, size = ("-" if coefficient < 0 else "+"), abs(coefficient)
            piece = piece if size == 1 else f"{size} * {piece}"
            text = f"{text} {sign} {piece}" if text else (piece if sign == "+" else f"-{piece}")
        self.say(f"{let.name} = {text}")

    # -- backwards --------------------------------------------------------------

    def backward(self, upstream: str) -> None:
        """The calls in reverse; a name's gradient is complete before it is passed on."""
        program, active = self.network.program, names_between(self.network)
        rank = program.tensors[program.outputs[0]].rank
        found = {program.outputs[0]: Gradient(given=[(upstream, self.layout("", rank))])}
        for let in reversed(program.equations):
            if let.name not in found or let.name not in active:
                continue
            text, layout = self.complete(let.name, let.indices, found[let.name])
            if let.name in self.network.calls:
                called = self.network.calls[let.name]
                self.through(called, text, placed(layout, let.indices), found, active)
            else:
                self.through_sum(let, text, placed(layout, let.indices), found, active)
        for name in self.network.wrt:
            self.result(name, found[name])

    def complete(
        self, name: str, own: tuple[sp.Symbol, ...], gradient: Gradient
    ) -> tuple[str, Layout]:
        """The variable that holds a name's gradient, what several paths bring added up."""
        if not gradient.owned and len(gradient.given) == 1:
            return gradient.given[0]
        dims = dict(zip(own, self.network.program.tensors[name].dims, strict=True))
        layout = self.layout(f"d{name}", len(own))
        want = placed(layout, own)
        texts = [self.relaid(text, dims, placed(lies, own), want) for text, lies in gradient.given]
        if gradient.owned:
            for text in texts:
                self.say(f"d{name} += {text}")
        else:
            self.say(f"d{name} = {' + '.join(texts)}")
        return f"d{name}", layout

    def result(self, name: str, gradient: Gradient) -> None:
        """An input's gradient, with an axis for each index."""
        tensor = self.network.program.tensors[name]
        own = subscripts_of(self.network.program.entry_of[name])
        text, layout = self.complete(name, own, gradient)
        dims = dict(zip(own, tensor.dims, strict=True))
        value = self.relaid(text, dims, placed(layout, own), apart(own))
        if value != f"d{name}":
            self.say(f"d{name} = {value}")

    def through(
        self,
        called: Called,
        text: str,
        have: Groups,
        found: dict[str, Gradient],
        active: set[str],
    ) -> None:
        """A call's gradients, added to what has come in for what it was passed."""
        let, names, after = called.let, [], []
        given = self.relaid(text, self.dims(let), have, called.output)
        for argument, _ in called.active:
            name, own = name_of(argument.value), subscripts_of(argument.value)
            if name not in active:
                names.append("_")
                continue
            mine = found.setdefault(name, Gradient())
            variable = f"d{name}_{let.name}" if mine.owned else f"d{name}"
            names.append(variable)
            lies, missing = passed(called, argument, called.call.program.input(argument.name))
            value = variable
            if missing:
                value = f"{variable}.sum({over(missing)})"
            if mine.owned:
                want = placed(self.layout(f"d{name}", len(own)), own)
                after.append(f"d{name} += {self.relaid(value, self.dims(let), lies, want)}")
            else:
                mine.owned = True
                self.layouts[variable] = places(lies, own)
                if missing:
                    after.append(f"{variable} = {value}")
        self.say(f"{', '.join(names)} = {called.pair.name}_backward({saved(let)}, {given})")
        for row in after:
            self.say(row)

    def through_sum(
        self, let: Let, text: str, have: Groups, found: dict[str, Gradient], active: set[str]
    ) -> None:
        for coefficient, entry in terms(self.network, let):
            name, own = name_of(entry), subscripts_of(entry)
            if name not in active:
                continue
            lost = [i for i in let.indices if i not in own]
            value, lies = text if coefficient == 1 else f"{coefficient} * {text}", have
            if lost:
                value = self.relaid(text, self.dims(let), have, apart(let.indices))
                axes = [k for k, i in enumerate(let.indices) if i in lost]
                value = f"{value}.sum({over(axes)})"
                value = value if coefficient == 1 else f"{coefficient} * {value}"
                lies = apart([i for i in let.indices if i in own])
            found.setdefault(name, Gradient()).given.append((value, places(lies, own)))


def over(axes: Sequence[int]) -> str:
    """One axis, or a tuple of them."""
    return str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"


def places(groups: Groups, indices: Sequence[sp.Symbol]) -> Layout:
    return tuple(tuple(indices.index(i) for i in axis) for axis in groups)


def placed(layout: Layout, indices: Sequence[sp.Symbol]) -> Groups:
    return tuple(tuple(indices[k] for k in axis) for axis in layout)


def saved(let: Let) -> str:
    return f"{let.name}_saved"


def passed(called: Called, argument: Argument, tensor: Tensor) -> tuple[Groups, tuple[int, ...]]:
    """How a function wants an argument, and the batch axes that the caller's array lacks."""
    own = subscripts_of(argument.value)
    here = tuple(i for i in called.lead if i in own)
    whole = called.call.whole.input(argument.name)
    batched = called.pair.forward.input(argument.name).rank > whole.rank
    missing = tuple(k for k, i in enumerate(called.lead) if i not in own) if batched else ()
    if here and not batched:
        raise OpError(
            f"{called.pair.name} is called with a {argument.name} for each "
            f"{', '.join(map(str, here))}; in code it is one for the whole batch"
        )
    return (*apart(here), *axes_of(tensor, argument.axes)), missing


def terms(network: Network, let: Let) -> Iterator[tuple[sp.Expr, sp.Expr]]:
    """The coefficients and entries of a sum."""
    assert isinstance(let.rhs, sp.Expr)
    for term in let.rhs.as_ordered_terms():
        coefficient, rest = term.as_coeff_Mul()
        if not is_entry(rest):
            raise OpError(
                f"{network.name}: {let} is no sum of entries; in code, what is more is an op's"
            )
        yield coefficient, rest


def names_between(network: Network) -> set[str]:
    """The names on a path from what is differentiated by to the output."""
    above = set(network.wrt)
    for let in network.program.equations:
        if let.name in network.calls:
            passed = (name_of(a.value) for a, _ in network.calls[let.name].active)
        else:
            passed = (name_of(entry) for _, entry in terms(network, let))
        if not above.isdisjoint(passed):
            above.add(let.name)
    return above


def listed_call(text: str, width: int = WIDTH - 4) -> list[str]:
    """A statement that is a call, its arguments on rows of their own where one row is too short."""
    if len(text) <= width or not text.endswith(")"):
        return [text]
    start = text.index("(") + 1
    rows: list[str] = []
    for argument in arguments_in(text[start:-1]):
        if rows and len(f"{rows[-1]} {argument},") <= width - 4:
            rows[-1] += f" {argument},"
        else:
            rows += listed_call(argument, width - 5)
            rows[-1] += ","
    rows[-1] = rows[-1][:-1]
    return [text[:start], *(f"    {row}" for row in rows), ")"]


def arguments_in(text: str) -> Iterator[str]:
    """The parts between the commas that stand outside all brackets."""
    depth, start = 0, 0
    for k, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if c == "," and not depth:
            yield text[start:k].strip()
            start = k + 1
    yield text[start:].strip()
