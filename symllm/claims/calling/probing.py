"""What is found out of a function by running it at one point."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..points import Point
from ..verdict import ClaimError
from .caller import Caller
from .functions import CLOSE
from .giving import Form
from .layout import Layout, natural
from .libraries import coarsest
from .matching import Computed, Quantity
from .reading import title
from .results import Outcome

Run = Callable[..., Outcome]

#: What buffers hold at a second call, to see what becomes of it.
FILL = 0.75


@dataclass(frozen=True)
class Probed:
    """The first outcome, and how the function has to be called."""

    call: Caller
    first: Outcome
    inferred: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def probed(run: Run, call: Caller, point: Point) -> Probed:
    """Raises ``ClaimError`` for a function that fails, or gives other results each time."""
    call, first, inferred = first_outcome(run, call, point)
    again = run(call, point)
    check_same(title(call.fn), first, again)
    inferred += first.inferred
    if first.buffers:
        inferred += left_in_buffers(first, run(call, point, FILL))
    if first.dtype != call.form.dtype:
        inferred += (f"it computes in {first.dtype}, though given {call.form.dtype}",)
    notes = tuple(f"it writes into its input {name}" for name in first.written)
    return Probed(call, first, inferred, notes)


def first_outcome(run: Run, call: Caller, point: Point) -> tuple[Caller, Outcome, tuple[str, ...]]:
    """As it is; else with an axis of length 1 where a row was reduced to a number."""
    try:
        return call, run(call, point), ()
    except ClaimError as error:
        reduced = reductions(call)
        other = replace(call, form=replace(call.form, keep=True)) if reduced else call
        if reduced:
            try:
                found = run(other, point)
            except ClaimError:
                pass
            else:
                said = f"{', '.join(reduced)} with a last axis of length 1"
                return other, found, (said,)
        if hint := transposed(run, call, point):
            raise ClaimError(error.kind, f"{error.explanation}. {hint}", error.output) from error
        raise


def reductions(call: Caller) -> list[str]:
    """What is computed on the way and has one number for each row of the batch."""
    about = call.form.question
    rows = len(about.op.program.batch)
    found = []
    for source in call.sources if rows else ():
        match source:
            case Computed(name):
                found.append(name)
            case Quantity(name) if name not in about.op.inputs and about.tensor(name).rank == rows:
                found.append(name)
    return [name for name in found if name not in call.form.layouts]


def transposed(run: Run, call: Caller, point: Point) -> str:
    """The remedy where a function runs with a matrix of parameters the other way round."""
    about = call.form.question
    for name in call.quantities:
        tensor = about.tensor(name)
        if tensor.role in ("data", "target") or tensor.rank != 2 or name in call.form.layouts:
            continue
        axes = Layout(natural(tensor).axes[::-1])
        form: Form = replace(call.form, layouts={**call.form.layouts, name: axes, f"d{name}": axes})
        try:
            run(replace(call, form=form), point)
        except ClaimError:
            continue
        said = " ".join(dim.name for dim in tensor.dims[::-1])
        return f"It runs if {name} is given as {axes}: say layout={{{name!r}: {said!r}}}"
    return ""


def check_same(called: str, first: Outcome, again: Outcome) -> None:
    for name, array in first.arrays.items():
        other = again.arrays.get(name)
        if other is None or not near(array, other, first.dtype):
            raise ClaimError(
                "error",
                f"{called} gives another {name} when it is called again with the same arguments: "
                f"it is random, or it keeps something from call to call. Pass what is random as an "
                f"argument, or fix its seed inside",
                name,
            )


def left_in_buffers(first: Outcome, other: Outcome) -> tuple[str, ...]:
    """Is what was in a buffer overwritten or added to? Raises ``ClaimError`` if neither."""
    added, over = [], []
    for name in first.buffers:
        zero, filled = first.arrays[name], other.arrays[name]
        if near(zero, filled, first.dtype):
            over.append(name)
        elif near(zero, filled - FILL, first.dtype):
            added.append(name)
        else:
            raise ClaimError(
                "error",
                f"what is left in the buffer of {name} depends on what was there, but it was "
                f"neither overwritten nor added to",
                name,
            )
    said: Mapping[str, list[str]] = {"it overwrites": over, "it adds to what is in": added}
    return tuple(f"{how} {', '.join(names)}" for how, names in said.items() if names)


def near(one: np.ndarray, other: np.ndarray, dtype: str) -> bool:
    """Equal but for the order of a sum."""
    scale = max(1.0, float(np.abs(one).max(initial=0.0)))
    error = CLOSE[coarsest([dtype])] * 1e-3
    return bool(np.abs(one - other).max(initial=0.0) <= max(error, 1e-10) * scale)
