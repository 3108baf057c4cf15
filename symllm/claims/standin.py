"""Right or wrong, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from .points import Point
from .question import Question
from .verdict import Verdict

Answer = Callable[[Point], Mapping[str, np.ndarray]]
TOLERANCE = {"float64": 1e-9, "float32": 1e-4, "float16": 3e-2, "bfloat16": 2e-1}


def judged(
    question: Question, answer: Answer, names: Sequence[str], points: Sequence[Point], dtype: str
) -> dict[str, Verdict]:
    found = {}
    errors = dict.fromkeys(names, 0.0)
    for point in points:
        claimed = answer(point)
        for name in names:
            true = point.array(name)
            scale = float(np.abs(true).max(initial=1e-30))
            error = float(np.abs(claimed[name] - true).max(initial=0.0)) / scale
            errors[name] = max(errors[name], error)
    for name, error in errors.items():
        ok = error < TOLERANCE[dtype]
        text = f"{name} is {'right' if ok else 'wrong'}"
        found[name] = Verdict(name, "correct" if ok else "wrong", text, error)
    return found
