"""Arrays as somebody's function has them: other axes, in another order, merged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from ...notation import Tensor
from ..verdict import ClaimError


@dataclass(frozen=True)
class Layout:
    """The axes of an array, each with the dimensions that it holds; "1" for none."""

    axes: tuple[tuple[str, ...], ...]

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        return tuple(prod(sizes[name] for name in axis) for axis in self.axes)

    def __str__(self) -> str:
        texts = [axis[0] if len(axis) == 1 else f"({' '.join(axis)})" for axis in self.axes]
        names = ", ".join(text if text != "()" else "1" for text in texts)
        return f"({names},)" if len(texts) == 1 else f"({names})"


def natural(tensor: Tensor) -> Layout:
    """The axes that the tensor's array has in symllm."""
    return Layout(tuple(tuple(dim.name for dim in axis) for axis in tensor.axes))


def read_layout(text: str, tensor: Tensor) -> Layout:
    """A layout such as ``"N T d"``, ``"(N T) d"`` or ``"N 1"`` for a tensor.

    One name that the op does not have stands for the one dimension that is not named.
    Raises ``ClaimError``.
    """
    words = re.findall(r"\([^()]*\)|[^\s()]+", text)
    axes = [tuple(n for n in re.split(r"[\s,()]+", word) if n not in ("", "1")) for word in words]
    own = [dim.name for dim in tensor.dims]
    given = [name for axis in axes for name in axis]
    left = [name for name in own if name not in given]
    strange = [name for name in given if name not in own]
    if len(left) == 1 and len(strange) == 1:
        axes = [tuple(left[0] if n == strange[0] else n for n in axis) for axis in axes]
    elif left or strange or len(given) != len(own):
        raise ClaimError(
            "error",
            f"the layout {text!r} does not name each dimension of {tensor.name} once: "
            f"they are {' '.join(own) or '(none: it is one number)'}",
            tensor.name,
        )
    return Layout(tuple(axes))


def outward(
    array: np.ndarray, tensor: Tensor, layout: Layout, sizes: Mapping[str, int]
) -> np.ndarray:
    """From symllm's array to the one of that layout."""
    if layout == natural(tensor):
        return array
    own = [dim.name for dim in tensor.dims]
    order = [own.index(name) for axis in layout.axes for name in axis]
    apart = array.reshape([sizes[name] for name in own])
    return apart.transpose(order).reshape(layout.shape(sizes))


def inward(
    array: np.ndarray, tensor: Tensor, layout: Layout, sizes: Mapping[str, int]
) -> np.ndarray:
    """From an array of that layout, whose shape fits, to symllm's."""
    if layout == natural(tensor):
        return array
    own = [dim.name for dim in tensor.dims]
    names = [name for axis in layout.axes for name in axis]
    apart = array.reshape([sizes[name] for name in names])
    there = apart.transpose([names.index(name) for name in own])
    return there.reshape(natural(tensor).shape(sizes))


def misfit(
    name: str,
    found: tuple[int, ...],
    layout: Layout,
    sizes: Mapping[str, int],
    batch: Iterable[str],
) -> str:
    """What is wrong with a shape, and where it may come from."""
    expected = layout.shape(sizes)
    said = f"{name} has shape {found}, but {layout} = {expected} was expected"
    rows = tuple(sizes[b] for b in batch)
    names = ", ".join(batch)
    inner = tuple(n for n in found if n != 1)
    if len(expected) > 1 and found == expected[::-1]:
        return f"{said}: it is the transpose"
    if len(found) == len(expected) and len(expected) > 1 and sorted(found) == sorted(expected):
        return f"{said}: its axes are in another order"
    if inner == tuple(n for n in expected if n != 1):
        return f"{said}: it differs by axes of length 1"
    if rows and found == (*rows, *expected):
        return f"{said}: the sum over the batch ({names}) is missing"
    if found == expected[len(rows) :] and rows and expected[: len(rows)] == rows:
        return f"{said}: it was summed over the batch ({names}), but each row has its own"
    if len(found) > len(expected) and is_part(expected, found):
        return f"{said}: a sum over {'an axis' if len(found) - len(expected) == 1 else 'axes'}" + (
            f" of length {', '.join(map(str, without(found, expected)))} is missing"
        )
    if prod(found) == prod(expected):
        return f"{said}: the number of entries is right, so that a reshape is missing"
    return said


def is_part(part: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    rest = iter(whole)
    return all(n in rest for n in part)


def without(whole: tuple[int, ...], part: tuple[int, ...]) -> list[int]:
    left = list(whole)
    for n in part:
        left.remove(n)
    return left
