"""What the forward pass computes at a point, by generated code where there is much of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from ...codegen import compile_function, source
from ..points import Point
from ..question import Question


@lru_cache(maxsize=64)
def function(about: Question, names: tuple[str, ...]) -> Callable[..., Any]:
    """A function of the op's inputs that gives these quantities."""
    program = replace(about.forward, outputs=names)
    return compile_function(
        source("numpy", program, "forward", "forward"), "forward", program.inputs
    )


def forward_arrays(point: Point, names: Sequence[str]) -> dict[str, np.ndarray]:
    """Quantities of the forward pass at a point, in the shapes that users give them.

    Everything that is asked for at a big point is computed at once, and kept.
    """
    about = point.question
    if not point.big:
        return {name: point.array(name) for name in names}
    kept: dict[str, np.ndarray] = point.memo.setdefault("forward", {})
    computed = [n for n in names if n not in about.op.inputs and n in about.forward.tensors]
    missing = tuple(sorted(name for name in computed if name not in kept))
    if missing:
        given = {tensor.name: point.array(tensor.name) for tensor in about.op.program.inputs}
        with np.errstate(all="ignore"):
            found = function(about, missing)(**given)
        kept |= found if len(missing) > 1 else {missing[0]: found}
    return {name: kept[name] if name in kept else point.array(name) for name in names}
