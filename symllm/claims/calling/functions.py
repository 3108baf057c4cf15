"""Backward functions: what they take comes from a point, what they return are gradients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..points import Point
from ..verdict import ClaimError
from .binding import Binding
from .caller import Caller
from .failures import guarded
from .forward import forward_arrays
from .giving import Form, Giving
from .libraries import taken
from .matching import Saved
from .reading import returned, title
from .results import Raw, named
from .vocabulary import SAVED, fold

Fields = Sequence[str | None] | None


@dataclass(frozen=True)
class Forward:
    """The forward function that makes what a backward function needs."""

    fn: Callable[..., Any]
    binding: Binding

    def call(self, giving: Giving) -> Any:
        with guarded(self.fn):
            return self.fn(*arguments(self.binding, giving), **keywords(self.binding, giving))

    def saved(self, value: Any) -> Any:
        """The part of what it returned that is called a cache; the last one else."""
        if not isinstance(value, tuple | list):
            return value
        names = returned(self.fn)
        if len(names) == len(value):
            for name, part in zip(names, value, strict=True):
                if fold(name) in SAVED:
                    return part
        return value[-1]

    def output(self, value: Any) -> Any:
        return value[0] if isinstance(value, tuple | list) and value else value


@dataclass(frozen=True, kw_only=True)
class Function(Caller):
    """A function of arrays that returns gradients, or writes them into buffers."""

    returns: Fields = None
    forward: Forward | None = None

    @property
    def parts(self) -> bool:
        """Does it take some of what the forward function returns, each by its name?"""
        return any(isinstance(s, Saved) and s.part is not None for s in self.sources)

    def raw(self, point: Point, fill: float = 0.0) -> Raw:
        giving = Giving(point, self.form, fill)
        notes: tuple[str, ...] = ()
        with self.form.library.context(self.form.dtype):
            if self.forward and self.binding.saves:
                value = self.forward.call(giving)
                parts = any(
                    isinstance(s, Saved) and s.part is not None for s in self.binding.sources
                )
                giving.saved = value if parts else self.forward.saved(value)
                notes = other_output(self.forward.fn, self.forward.output(value), self.form, point)
                giving.given.clear()  # a cache may hold what was given, and write there
            args, named_args = arguments(self.binding, giving), keywords(self.binding, giving)
            with guarded(self.fn):
                value = self.fn(*args, **named_args)
            results, inferred = self.results(value, giving)
            written = giving.written()
            results = {name: fixed(result) for name, result in results.items()}
        return Raw(results, written, tuple(giving.buffers), notes, inferred)

    def results(self, value: Any, giving: Giving) -> tuple[dict[str, Any], tuple[str, ...]]:
        buffers = giving.buffers
        if buffers and (value is None or isinstance(value, int)):
            return dict(buffers), ()
        wanted = [f"d{n}" for n in self.vocabulary.question.wrt if f"d{n}" not in buffers]
        takes = {*self.binding.quantities}
        some = [name for name in wanted if name[1:] in takes]
        count = len(value) if isinstance(value, tuple | list) else 1
        expected = some if len(some) == count and not buffers else wanted
        shapes = self.shapes(giving.point)
        found, inferred = named(self.fn, value, self.returns, self.vocabulary, expected, shapes)
        return {**buffers, **found}, inferred


def fixed(value: Any) -> Any:
    """A copy, where the function still holds the array that it returned."""
    return value.copy() if isinstance(value, np.ndarray) else value


def arguments(binding: Binding, giving: Giving) -> list[Any]:
    giving.prepare(binding.sources)
    return [giving.native(source) for source in binding.positional]


def keywords(binding: Binding, giving: Giving) -> dict[str, Any]:
    return {name: giving.native(source) for name, source in binding.keywords.items()}


def other_output(fn: Any, value: Any, form: Form, point: Point) -> tuple[str, ...]:
    """A note where a forward function gives another output than the op."""
    if fits_output(value, form, point) is False:
        output = next(iter(form.question.op.outputs))
        return (f"{title(fn)} gives another {output} than {form.question.op.name}",)
    return ()


#: How close an output has to be for a function to be taken for the op's forward function.
CLOSE: Mapping[str, float] = {"float64": 1e-6, "float32": 1e-3, "float16": 0.05, "bfloat16": 0.2}


def fits_output(value: Any, form: Form, point: Point) -> bool | None:
    """Is this the op's first output? None if it cannot be compared."""
    output = next(iter(form.question.op.outputs))
    expected = form.outward(forward_arrays(point, [output])[output], output, point)
    try:
        found, _ = taken(value, output)
    except ClaimError:
        return None
    if found.shape != expected.shape:
        return None
    return close(found, expected, form.dtype)


def close(found: np.ndarray, expected: np.ndarray, dtype: str) -> bool:
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    return bool(np.abs(found - expected).max(initial=0.0) <= CLOSE[dtype] * scale)
