"""What is given to a function at a point: copies, which are looked at again afterwards."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..points import Point
from ..question import Question
from ..verdict import ClaimError
from .forward import forward_arrays
from .layout import Layout, natural, outward, read_layout
from .libraries import Library
from .matching import Buffer, Computed, Constant, Quantity, Saved, Size, Source, Vocabulary


@dataclass(frozen=True)
class Form:
    """The form in which arrays are given and taken back: library, precision, layouts."""

    question: Question
    library: Library
    dtype: str
    layouts: Mapping[str, Layout] = field(default_factory=dict)
    keep: bool = False  # reduced intermediates keep an axis of length 1

    def layout(self, name: str) -> Layout:
        return self.layouts.get(name) or natural(self.question.tensor(name))

    def outward(self, array: np.ndarray, name: str, point: Point) -> np.ndarray:
        tensor = self.question.tensor(name)
        if tensor.integer:
            array = array.astype(np.int64)
        there = outward(array, tensor, self.layout(name), point.sizes)
        between = name not in self.question.op.inputs and not tensor.name.startswith("d")
        return self.kept(there) if between and name not in self.layouts else there

    def kept(self, array: np.ndarray) -> np.ndarray:
        """With an axis of length 1 where a row was reduced to a number."""
        rows = len(self.question.op.program.batch)
        return array[..., None] if self.keep and 0 < array.ndim == rows else array


def read_layouts(
    given: Mapping[str, str] | None, question: Question, vocabulary: Vocabulary
) -> dict[str, Layout]:
    """Layouts by name; that of an input or output is also that of its gradient.

    Raises ``ClaimError``.
    """
    found = {}
    for name, text in (given or {}).items():
        known = question.tensor(name).name if name in vocabulary.exact else vocabulary.inputs(name)
        if not known:
            raise ClaimError("error", f"layout= names {name!r}; known are {vocabulary.known()}")
        layout = read_layout(text, question.tensor(known))
        found[known] = layout
        if known in question.wrt or f"d{known}" in vocabulary.upstream:
            found.setdefault(f"d{known}", layout)
    return found


@dataclass
class Giving:
    """Copies of what a function takes at one point."""

    point: Point
    form: Form
    fill: float = 0.0
    given: dict[str, tuple[Any, np.ndarray]] = field(default_factory=dict)
    buffers: dict[str, Any] = field(default_factory=dict)
    saved: Any = None

    def prepare(self, sources: Iterable[Source]) -> None:
        """Computes at once what a function takes of the forward pass."""
        tensors = self.form.question.forward.tensors
        names: list[str] = []
        for source in sources:
            match source:
                case Quantity(name) if name in tensors:
                    names.append(name)
                case Computed():
                    names += [name for name in source.needs if name in tensors]
        forward_arrays(self.point, names)

    def array(self, name: str) -> np.ndarray:
        return forward_arrays(self.point, [name])[name]

    def native(self, source: Source) -> Any:
        """What to pass for a source."""
        match source:
            case Quantity(name):
                return self.quantity(name)
            case Computed():
                return self.computed(source)
            case Size(name):
                return self.point.sizes[name]
            case Constant(value):
                return self.constant(value)
            case Buffer(name):
                return self.buffer(name)
            case Saved(part):
                return self.saved if part is None else self.saved[part]

    def quantity(self, name: str) -> Any:
        tensor = self.form.question.tensor(name)
        array = self.form.outward(self.array(name), name, self.point)
        if tensor.role == "constant" and not array.ndim:
            return int(array) if tensor.integer else float(array)
        return self.copied(array, name)

    def copied(self, array: np.ndarray, name: str) -> Any:
        native = self.form.library.give(array, self.form.dtype)
        self.given[name] = (native, array)
        return native

    def computed(self, source: Computed) -> Any:
        sizes = self.point.sizes
        tensors = self.form.question.forward.tensors
        arrays = [self.array(n) if n in tensors else sizes[n] for n in source.needs]
        with np.errstate(all="ignore"):
            value = source.way(*arrays)
        if not isinstance(value, np.ndarray | np.generic):
            return value
        array = self.form.kept(np.asarray(value))
        return self.copied(array, source.name) if array.ndim else float(array)

    def constant(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.copy()
        return value(**self.wanted(value)) if callable(value) and named_sizes(value) else value

    def wanted(self, function: Callable[..., Any]) -> dict[str, Any]:
        known = dict(self.point.sizes)
        names = named_sizes(function)
        for name in names:
            if name not in known:
                raise ClaimError(
                    "error",
                    f"constants= holds a function of {', '.join(names)}; the sizes that it may "
                    f"name are {', '.join(n for n in known if not n.isdigit())}",
                )
        return {name: known[name] for name in names}

    def buffer(self, name: str) -> Any:
        shape = self.form.layout(name).shape(self.point.sizes)
        self.buffers[name] = self.form.library.give(np.full(shape, self.fill), self.form.dtype)
        return self.buffers[name]

    def written(self) -> tuple[str, ...]:
        """Those of the arrays given that hold something else now."""
        holds = self.form.library.holds
        return tuple(
            name
            for name, (native, array) in self.given.items()
            if not same(holds(native), array, self.form)
        )


def named_sizes(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names of a lambda's parameters; a class or a dtype that is a constant has none."""
    if not inspect.isfunction(function):
        return ()
    return tuple(inspect.signature(function).parameters)


def same(now: np.ndarray, before: np.ndarray, form: Form) -> bool:
    if now.dtype == before.dtype:
        return bool(np.array_equal(now, before))
    fresh = form.library.holds(form.library.give(before, form.dtype))
    return now.shape == fresh.shape and bool(np.array_equal(now, fresh))
