"""What a claim is about: the quantities of an op, and the equations that make them up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from ..calls import with_aliases, without_calls
from ..derivation import Derivation
from ..equation import Let
from ..errors import UnknownName
from ..notation import Tensor, array
from ..op import Op
from ..program import Program


@dataclass(frozen=True, eq=False)
class Question:
    """An op and what is derived of it, as one let-program from its inputs to each quantity.

    ``unit`` says that the upstream gradient is 1, as that of a loss.
    """

    op: Op
    unit: bool
    memo: dict[Any, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def wrt(self) -> tuple[str, ...]:
        return tuple(n for n, t in self.op.inputs.items() if t.differentiable)

    @cached_property
    def upstream(self) -> tuple[Tensor, ...]:
        """The upstream gradients, one for each output."""
        return tuple(t.adjoint() for t in self.op.outputs.values())

    @cached_property
    def derivation(self) -> Derivation:
        """The gradient by all differentiable inputs."""
        asked = {} if self.unit else {"upstream": self.upstream[0].name}
        return self.op.gradient(*self.wrt, **asked)

    @cached_property
    def function(self) -> Callable[..., Any]:
        """The gradient as a NumPy function of keywords."""
        return self.derivation.lambdify()

    @cached_property
    def textbook(self) -> Program:
        """Forward equations and the gradients in the form of a textbook."""
        book = without_calls(self.derivation.backward)
        new = [let for let in book.equations if let.name not in self.forward.let]
        known = {t.name: t for t in (*book.declared, *self.forward.declared)}
        return replace(
            book, equations=(*self.forward.equations, *new), declared=tuple(known.values())
        )

    @cached_property
    def line_by_line(self) -> Program:
        """Forward equations and the gradient of every name on the way, as calculus gives it."""
        named = [alias for alias in self.op.program.aliases if alias.name not in self.forward.let]
        lines = with_names(self.derivation.equations, named)
        return with_lines(self.forward, lines, self.given, self.wrt)

    @cached_property
    def forward(self) -> Program:
        return without_calls(with_aliases(self.op.program))

    @cached_property
    def given(self) -> tuple[Tensor, ...]:
        """The upstream gradients that come from outside, where they are not 1."""
        return () if self.unit else self.upstream

    @cached_property
    def known(self) -> Mapping[str, Program]:
        """For each quantity that a claim may be about, the program that computes it."""
        programs = (self.line_by_line, self.textbook)
        inputs = {t.name for t in (*self.op.program.inputs, *self.given)}
        return {name: p for p in programs for name in p.tensors if name not in inputs}

    def tensor(self, name: str) -> Tensor:
        """The tensor of an input, an upstream gradient or anything that is computed.

        Raises ``UnknownName`` where there is none of that name.
        """
        for program in (self.textbook, self.line_by_line, self.op.program):
            if name in program.tensors:
                return program.tensors[name]
        for tensor in self.upstream:
            if tensor.name == name:
                return tensor
        names = dict.fromkeys((*self.op.program.tensors, *(t.name for t in self.upstream)))
        raise UnknownName(f"quantity of {self.op.name}", name, (*names, *self.known))


def with_lines(
    program: Program, lines: Iterable[Let], given: Iterable[Tensor], wrt: Iterable[str]
) -> Program:
    """The program followed by the adjoints of its names, one equation each."""
    new = [let for let in lines if let.name not in program.tensors]
    adjoints = [let.name for let in new if let.name.removeprefix("d") in program.tensors]
    return Program(
        name=f"{program.name}_backward",
        inputs=(*given, *program.inputs),
        equations=(*program.equations, *program.aliases, *new),
        outputs=tuple(f"d{name}" for name in wrt),
        batch=program.batch,
        declared=(*program.declared, *(adjoint_tensor(program, name) for name in adjoints)),
    )


def with_names(lines: Iterable[Let], aliases: Iterable[Let]) -> Iterator[Let]:
    """The lines, and before the first that mentions it what each alias stands for."""
    waiting = {alias.name: alias for alias in aliases}
    for let in lines:
        yield from (waiting.pop(name) for name in tuple(waiting) if name in let.mentioned)
        yield let


def adjoint_tensor(program: Program, name: str) -> Tensor:
    return array(name, *program.tensors[name.removeprefix("d")].axes)


@lru_cache(maxsize=16)
def question(op: Op, unit: bool) -> Question:
    """The question about an op; the same object for the same op, for it holds what was derived."""
    return Question(op, unit)
