"""Gradients as people write them: a function, what it takes and gives, and the verdict it gets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from symllm import Op, ops
from symllm.claims.diagnose import judged
from symllm.claims.points import Point, points
from symllm.claims.question import question
from symllm.claims.verdict import Verdict, joined

Arrays = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Written:
    """A function under test. ``asked`` reads "layer_norm N: x gamma eps dy -> dx dgamma".

    ``kind`` is that of the verdict on all outputs, and ``says`` is in its
    explanation.
    """

    title: str
    asked: str
    function: Callable[..., Any]
    kind: str = "correct"
    says: str = ""
    dtype: str = "float64"

    @property
    def op(self) -> Op:
        name, *axes = self.asked.partition(":")[0].split()
        return batched(name, tuple(axes))

    @property
    def args(self) -> list[str]:
        return self.asked.partition(":")[2].partition("->")[0].split()

    @property
    def returns(self) -> list[str]:
        return self.asked.partition("->")[2].split()

    @property
    def unit(self) -> bool:
        """A loss has the upstream gradient 1, unless one is taken."""
        upstream = {f"d{name}" for name in self.op.outputs}
        scalars = all(len(t.dims) == len(self.op.program.batch) for t in self.op.outputs.values())
        return scalars and upstream.isdisjoint(self.args)

    def answer(self, point: Point) -> Mapping[str, np.ndarray]:
        given = [point.array(name) for name in self.args]
        if self.dtype != "float64":
            given = [a if a.dtype == np.int64 else a.astype(self.dtype) for a in given]
        with np.errstate(all="ignore"):
            found = self.function(*(np.array(a) if a.ndim else a[()] for a in given))
        found = found if isinstance(found, tuple) else (found,)
        return dict(zip(self.returns, found, strict=True))

    def judged(self) -> dict[str, Verdict]:
        asked = question(self.op, self.unit)
        return judged(
            asked, self.answer, self.returns, points(asked, 0, None, self.dtype), self.dtype
        )

    def verdict(self) -> Verdict:
        return joined(self.op.name, self.judged())


@cache
def batched(name: str, axes: tuple[str, ...]) -> Op:
    return ops[name].batched(*axes) if axes else ops[name]


def table(asked: str, *rows: tuple[Any, ...], **changes: Any) -> tuple[Written, ...]:
    """Functions that take and give the same: a title and a function, then kind and words."""
    name = asked.partition(":")[0]
    return tuple(
        Written(f"{name}, {title}", asked, function, *said, **changes)
        for title, function, *said in rows
    )


def mean(a: np.ndarray, axis: Any = -1) -> np.ndarray:
    return a.mean(axis, keepdims=True)


def total(a: np.ndarray, axis: Any = -1) -> np.ndarray:
    return a.sum(axis, keepdims=True)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / total(e)


def lse(x: np.ndarray) -> np.ndarray:
    top = x.max(-1, keepdims=True)
    return np.log(total(np.exp(x - top))) + top


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def onehot(t: np.ndarray, like: np.ndarray) -> np.ndarray:
    return np.eye(like.shape[-1])[t]
