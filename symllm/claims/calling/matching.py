"""Which quantity of an op a name of somebody's function stands for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...notation import Dim, Tensor
from ..question import Question
from .vocabulary import (
    BATCH_SIZES,
    COUNTS,
    DATA,
    DEFINITIONS,
    GRADIENTS,
    IN_SIZES,
    INPUTS,
    INTERMEDIATES,
    OUT_SIZES,
    OUTPUT,
    SAVED,
    UPSTREAM,
    fold,
)


@dataclass(frozen=True)
class Quantity:
    """An input, an upstream gradient, or what is computed on the way forward."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Computed:
    """What is no name of the op, but follows from some."""

    name: str
    needs: tuple[str, ...]
    way: Callable[..., Any] = field(compare=False)

    def __str__(self) -> str:
        return f"{self.name}, computed from {', '.join(self.needs)}"


@dataclass(frozen=True)
class Size:
    """A dimension, as an int."""

    name: str

    def __str__(self) -> str:
        return f"the size {self.name}"


@dataclass(frozen=True)
class Constant:
    """A value that the caller gave. A function is called with the sizes that it names."""

    value: Any

    def __str__(self) -> str:
        return "the constant given" if callable(self.value) else f"the constant {self.value!r}"


@dataclass(frozen=True)
class Buffer:
    """A place for a gradient."""

    name: str

    def __str__(self) -> str:
        return f"a buffer for {self.name}"


@dataclass(frozen=True)
class Saved:
    """What the forward function left, ``part`` of what it returned."""

    part: int | None = None

    def __str__(self) -> str:
        return "what the forward function left"


Source = Quantity | Computed | Size | Constant | Buffer | Saved


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The names by which people may mean the quantities of one question."""

    question: Question

    def tensors(self) -> dict[str, Tensor]:
        """Everything that is not a gradient."""
        return dict(self.question.forward.tensors)

    @cached_property
    def upstream(self) -> tuple[str, ...]:
        return tuple(t.name for t in self.question.upstream)

    @cached_property
    def exact(self) -> Mapping[str, Source]:
        """The op's own names, in which capitals count."""
        found: dict[str, Source] = {}
        for dim in self.question.op.program.dims:
            if dim.size is None:
                found[dim.name] = Size(dim.name)
        for name in self.question.known:
            if name.startswith("d") and name[1:] in self.tensors():
                found[name] = Buffer(name)
        found |= {f"d{name}": Buffer(f"d{name}") for name in self.question.wrt}
        found |= {name: Quantity(name) for name in self.upstream}
        found |= {name: Quantity(name) for name in self.tensors()}
        return found

    @cached_property
    def folded(self) -> Mapping[str, tuple[Source, ...]]:
        """All other names, each with what it may mean, the likeliest first."""
        found: dict[str, dict[Source, None]] = {}
        for name, source in self._likely():
            found.setdefault(fold(name), {})[source] = None
        return {name: tuple(sources) for name, sources in found.items()}

    def _likely(self) -> Iterator[tuple[str, Source]]:
        op = self.question.op
        single = self.upstream[0] if len(self.upstream) == 1 else ""
        for name in self.exact:
            yield name, self.exact[name]
        if single:
            yield from ((name, Quantity(single)) for name in UPSTREAM)
        for name in op.inputs:
            yield from ((called, Quantity(name)) for called in self.input_names(name))
        if single:
            yield from ((called, Quantity(single[1:])) for called in OUTPUT)
        for name, called in self._between():
            yield called, Quantity(name)
        yield from self._defined()
        yield from self.sizes()
        for name in op.inputs:
            if name in self.question.wrt:
                yield from self._gradients(name, (name, *self.input_names(name)), Buffer)
        if single:
            yield from self._gradients(single[1:], OUTPUT, Quantity)
        for name, called in self._between():
            if f"d{name}" in self.question.known:
                yield from self._gradients(name, (name, called), Buffer)

    def _gradients(
        self, name: str, names: Iterable[str], kind: type[Buffer] | type[Quantity]
    ) -> Iterator[tuple[str, Source]]:
        for called in names:
            yield from ((form.format(fold(called)), kind(f"d{name}")) for form in GRADIENTS)

    def _between(self) -> Iterator[tuple[str, str]]:
        """Intermediate names of the op, each with what it is called."""
        for name in self.tensors():
            if name not in self.question.op.inputs:
                yield from ((name, fold(called)) for called in INTERMEDIATES.get(name, ()))

    def input_names(self, name: str) -> tuple[str, ...]:
        """What an input may be called, from its own name and from its place in the op."""
        inputs = self.question.op.inputs
        alike = [n for n, t in inputs.items() if t.role == "data"]
        names = list(INPUTS.get(name, ()))
        if alike == [name]:
            names += DATA
        if inputs[name].role == "parameter":
            others = [n for n, t in inputs.items() if t.role == "parameter"]
            if others[0] == name:
                names += ["weight", "w"]
        return tuple(dict.fromkeys(names))

    def _defined(self) -> Iterator[tuple[str, Source]]:
        tensors = self.tensors()
        known = {*tensors, *(d.name for d in self.question.op.program.dims)}
        for definition in DEFINITIONS:
            for way in definition.ways:
                needs = tuple(inspect.signature(way).parameters)
                if needs[0] in tensors and known.issuperset(needs):
                    computed = Computed(definition.names[0], needs, way)
                    yield from ((called, computed) for called in definition.names)
                    break

    @cached_property
    def letters(self) -> Mapping[str, tuple[Source, ...]]:
        """Capitals that are sizes, each with what it may mean."""
        found: dict[str, tuple[Source, ...]] = {}
        for name, means in self.sizes():
            if len(name) == 1 and name.isupper():
                found[name] = (*found.get(name, ()), means)
        return found

    def sizes(self) -> Iterator[tuple[str, Source]]:
        program = self.question.op.program
        if len(program.batch) == 1:
            yield from ((called, Size(program.batch[0].name)) for called in BATCH_SIZES)
        outputs = [t for t in self.question.op.outputs.values() if t.dims]
        data = [t for t in program.inputs if t.role == "data" and t.dims] or outputs
        ends = [(t.domain, COUNTS) for t in program.inputs if isinstance(t.domain, Dim)]
        ends += [(t.dims[-1], IN_SIZES) for t in data[:1]]
        ends += [(t.dims[-1], OUT_SIZES) for t in outputs[:1]]
        for dim, names in ends:
            if dim not in program.batch and dim.size is None:
                yield from ((called, Size(dim.name)) for called in names)

    # -- asking ---------------------------------------------------------------

    def candidates(self, name: str) -> tuple[Source, ...]:
        if name in self.exact:
            return (self.exact[name],)
        found = (*self.letters.get(name, ()), *self.folded.get(fold(name), ()))
        return (*found, Saved()) if fold(name) in SAVED else found

    def gradient(self, name: str) -> str:
        """The gradient that a name of an output means; "" if it means none."""
        for source in self.candidates(name):
            if isinstance(source, Buffer):
                return source.name
        return ""

    def entry(self, name: str) -> str:
        """The gradient that a key such as ``weight`` of a dict of gradients means, or ""."""
        if found := self.gradient(name):
            return found
        for source in self.candidates(name):
            if isinstance(source, Quantity) and source.name in self.question.wrt:
                return f"d{source.name}"
        return ""

    def inputs(self, name: str) -> str:
        """The input that a name means, or ""."""
        for source in self.candidates(name):
            if isinstance(source, Quantity) and source.name in self.question.op.inputs:
                return source.name
        return ""

    def constant(self, name: str) -> str:
        """The number among the op's inputs that a name means, or ""."""
        found = self.inputs(name)
        tensor = self.question.op.inputs.get(found)
        return found if tensor and tensor.role == "constant" and not tensor.rank else ""

    def known(self) -> str:
        """What may be said, for messages."""
        computed = {source.name for _, source in self._defined() if isinstance(source, Computed)}
        sizes = [n for n, s in self.exact.items() if isinstance(s, Size)]
        forward = [n for n in self.tensors() if n not in self.question.op.inputs]
        gradients = [f"d{name}" for name in self.question.wrt]
        parts = {
            "inputs": list(self.question.op.inputs),
            "upstream gradients": list(self.upstream),
            "from the forward pass": [*forward, *sorted(computed - {*forward})],
            "sizes": sizes,
            "buffers for gradients": gradients,
        }
        return "; ".join(f"{what}: {', '.join(names)}" for what, names in parts.items() if names)


def matched(names: Iterable[str], vocabulary: Vocabulary) -> dict[str, Source]:
    """What each name means, each quantity once; names that mean nothing are left out.

    Names that can only mean one thing choose first.
    """
    left = {name: list(vocabulary.candidates(name)) for name in names}
    found: dict[str, Source] = {}
    while left := {name: sources for name, sources in left.items() if sources}:
        name = min(left, key=lambda n: len(left[n]))
        found[name] = left.pop(name)[0]
        for sources in left.values():
            if found[name] in sources:
                sources.remove(found[name])
    return found
