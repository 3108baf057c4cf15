"""What a function returned, as symllm's gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from dataclasses import fields as dataclass_fields
from typing import Any

import numpy as np

from ..points import Point
from ..verdict import ClaimError
from .giving import Form
from .layout import inward, misfit
from .libraries import coarsest, in_numpy, taken
from .matching import Vocabulary
from .reading import returned, title


@dataclass(frozen=True)
class Raw:
    """Gradients by name as they came back, and what else was seen."""

    results: Mapping[str, Any]
    written: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """Gradients by name in symllm's shapes, float64."""

    arrays: Mapping[str, np.ndarray]
    dtype: str = "float64"
    written: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()


def outcome(raw: Raw, form: Form, point: Point) -> Outcome:
    """Raises ``ClaimError`` for what is no array, not finite, or of another shape."""
    arrays, dtypes = {}, []
    for name, value in raw.results.items():
        found, dtype = taken(value, name)
        layout = form.layout(name)
        if found.shape != layout.shape(point.sizes):
            batch = [dim.name for dim in form.question.op.program.batch]
            text = misfit(name, found.shape, layout, point.sizes, batch)
            raise ClaimError("shape", text, name)
        arrays[name] = inward(found, form.question.tensor(name), layout, point.sizes)
        dtypes.append(dtype)
    dtype = coarsest([form.dtype, *dtypes])
    return Outcome(arrays, dtype, raw.written, raw.buffers, raw.notes, raw.inferred)


# --------------------------------------------------------------------------
# Which result is which gradient
# --------------------------------------------------------------------------


def named(
    fn: Any,
    value: Any,
    said: Sequence[str | None] | None,
    vocabulary: Vocabulary,
    wanted: Sequence[str],
    shapes: Mapping[str, tuple[int, ...]],
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The gradients in what a function returned, and what was inferred to tell them.

    ``wanted`` are the gradients that are expected if nothing is told by a name, ``shapes`` those
    that they have.
    Raises ``ClaimError`` where it cannot be told which is which.
    """
    if isinstance(value, Mapping):
        return by_key(fn, value, said, vocabulary)
    if is_dataclass(value):
        parts = {field.name: getattr(value, field.name) for field in dataclass_fields(value)}
        return by_key(fn, parts, said, vocabulary)
    if isinstance(value, list) and not any(hasattr(part, "shape") for part in value):
        value = in_numpy(value, "")  # an array, written as a list
    fields = getattr(value, "_fields", None)
    values = list(value) if isinstance(value, tuple | list) else [value]
    if said is not None:
        if len(said) != len(values):
            raise ClaimError(
                "shape",
                f"{title(fn)} returned {count(len(values))}, but returns= names "
                f"{len(said)}: {', '.join(map(str, said))}",
            )
        return {n: v for n, v in zip(said, values, strict=True) if n}, ()
    names = list(fields or returned(fn))
    names = names if len(names) == len(values) else [""] * len(values)
    meant = [vocabulary.gradient(name) if name else "" for name in names]
    repeated = len(set(filter(None, meant))) < len(list(filter(None, meant)))
    if all(meant) and not repeated:
        return dict(zip(meant, values, strict=True)), told(zip(names, meant, strict=True))
    present = [k for k, v in enumerate(values) if v is not None or meant[k]]
    if len(present) != len(values) and len(present) == len(wanted):
        values, meant = [values[k] for k in present], [meant[k] for k in present]
    fits = len(values) == len(wanted)
    if len(values) == 1 and not fits and not any(meant):
        alone = by_shape(values[0], wanted, vocabulary, shapes)
        return {alone: values[0]}, (f"what it returns is taken for {alone}",)
    if fits and all(m in ("", w) for m, w in zip(meant, wanted, strict=True)):
        order = f"what it returns is taken for {', '.join(wanted)}"
        order += ", in this order" if len(wanted) > 1 else ""
        return dict(zip(wanted, values, strict=True)), (order,)
    some = {m: v for m, v in zip(meant, values, strict=True) if m}
    if not repeated and some and not fits:
        rest = ", ".join(n or "?" for n, m in zip(names, meant, strict=False) if not m)
        note = f"of what it returns, {', '.join(some)} are gradients of {title_of(vocabulary)}"
        return some, (f"{note}; {rest} is not judged",)
    raise ClaimError(
        "shape" if not fits else "error",
        f"{title(fn)} returned {count(len(values))}, and it is not clear which gradients they "
        f"are: {vocabulary.question.op.name} has {', '.join(wanted)}. Say it with returns=, as in "
        f"returns=({', '.join(map(repr, wanted))}{',' if len(wanted) == 1 else ''}), with None "
        f"for what is none of them",
    )


def by_shape(
    value: Any,
    wanted: Sequence[str],
    vocabulary: Vocabulary,
    shapes: Mapping[str, tuple[int, ...]],
) -> str:
    """Which gradient a single result is: the one of its shape, or that of the data."""
    alike = [name for name in wanted if shapes[name] == tuple(np.shape(value))]
    inputs = vocabulary.question.op.inputs
    data = [name for name in wanted if inputs[name[1:]].role == "data"]
    return (alike or data or list(wanted))[0]


def by_key(
    fn: Any,
    value: Mapping[Any, Any],
    said: Sequence[str | None] | None,
    vocabulary: Vocabulary,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    keys = {key: vocabulary.entry(str(key)) for key in value}
    found = {meant: value[key] for key, meant in keys.items() if meant}
    missing = [name for name in said or () if name and name not in found]
    if not found or missing:
        raise ClaimError(
            "error",
            f"{title(fn)} returned a dict with the keys {', '.join(map(repr, value))}; "
            + (f"{', '.join(missing)} is not there" if missing else "none is a gradient's name")
            + f". Gradients are called {', '.join(f'd{n}' for n in vocabulary.question.wrt)}",
        )
    found = {name: found[name] for name in said if name} if said else found
    return found, told((str(key), meant) for key, meant in keys.items() if meant)


def told(pairs: Any) -> tuple[str, ...]:
    other = [f"{name} is {meant}" for name, meant in pairs if name != meant]
    return (f"of what it returns, {', '.join(other)}",) if other else ()


def count(number: int) -> str:
    return "one result" if number == 1 else f"{number} results"


def title_of(vocabulary: Vocabulary) -> str:
    return vocabulary.question.op.name
