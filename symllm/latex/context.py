"""What the names in a formula can mean: an op's quantities, and what people call them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import sympy as sp

from ..equation import Call
from ..notation import Dim, Tensor
from ..program import Program
from ..render.latex import CALLS
from .names import Signature, by_signature, folded


@dataclass(frozen=True, eq=False)
class Context:
    """The tensors that formulas may name, forward quantities and gradients, and the sizes.

    ``forward`` are those that have gradients called ``d<name>``; ``inputs``
    and ``outputs`` are names among them. ``title`` is what the op is called.
    ``pointwise`` says that each entry of the output depends on one place
    alone, as with activations, and ``batch`` how many batch axes there are.
    In ``theory`` there is chance, so that E, Var and Cov are averages over it,
    and derivatives are left as they are written; ``letters`` says over which
    dimension an index runs where its own formula does not. ``calls`` are ops
    that the equations call, by how pages write them: functions of which no more
    is read than what they are applied to. ``layered`` is what names mean that
    bear the index of a layer, where there is a stack of them.
    """

    title: str
    tensors: Mapping[str, Tensor]
    forward: tuple[str, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    dims: tuple[Dim, ...]
    pointwise: bool = False
    batch: int = 0
    theory: bool = False
    letters: Mapping[str, Dim] = field(default_factory=dict)
    calls: Mapping[str, str] = field(default_factory=dict)
    layered: Context | None = None

    @cached_property
    def names(self) -> Mapping[Signature, str]:
        """Forward quantities before gradients, where two read alike."""
        rest = (name for name in self.tensors if name not in self.forward)
        return by_signature((*self.forward, *rest))

    @cached_property
    def sizes(self) -> Mapping[Signature, Dim]:
        return {s: dim for dim in self.dims for s in by_signature((dim.name,))}

    @property
    def loss(self) -> str:
        """The output, if it is a single number, in a batch one for each example."""
        if len(self.outputs) != 1:
            return ""
        (first,) = self.outputs
        return first if self.tensors[first].rank == self.batch else ""

    @property
    def vector(self) -> str:
        """The one input that is a vector of data; empty if there are several, or none."""
        found = [n for n in self.inputs if self.tensors[n].role == "data" and self.tensors[n].rank]
        return found[0] if len(found) == 1 and self.tensors[found[0]].rank == 1 else ""

    @property
    def label(self) -> str:
        """The one class index among the inputs."""
        found = [n for n in self.inputs if self.tensors[n].integer and not self.tensors[n].rank]
        return found[0] if len(found) == 1 else ""


def gradient_of(key: Signature, context: Context) -> str:
    """The name of a quantity's gradient, if there is one; the quantity itself need not be known."""
    name = f"d{context.names[key]}" if key in context.names else ""
    if name in context.tensors:
        return name
    head, subscripts = key
    return context.names.get((f"d{head}", subscripts), "") if not name else ""


def context_of(program: Program, gradients: Iterable[Tensor], name: str) -> Context:
    """The context of a flat program and of the gradients that it has."""
    known = {t.name: t for t in gradients}
    return Context(
        title=name,
        tensors=known | program.tensors,
        forward=tuple(program.tensors),
        inputs=tuple(t.name for t in program.inputs),
        outputs=program.outputs,
        dims=program.dims,
        pointwise=is_pointwise(program),
        batch=len(program.batch),
        calls=called_in(program),
    )


def called_in(program: Program) -> dict[str, str]:
    """The ops that a program's equations call, by how pages write them."""
    names = (let.rhs.name for let in program.equations if isinstance(let.rhs, Call))
    return {folded(CALLS.get(name, name)): name for name in names}


def is_pointwise(program: Program) -> bool:
    """Are all tensors numbers and vectors of one length, and is nothing summed?"""
    lengths = {t.dims for t in program.tensors.values() if t.rank}
    sums = any(value.has(sp.Sum) for let in program.equations for value in let.expressions)
    return len(lengths) == 1 and all(len(dims) == 1 for dims in lengths) and not sums
