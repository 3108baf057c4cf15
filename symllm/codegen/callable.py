"""Generated source as a function of keywords that says what does not fit."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import sympy as sp

from ..errors import ShapeError, UnknownName
from ..notation import Tensor, axis_size


class MissingInput(ShapeError, TypeError):
    """A function was called without an input that it needs."""


def compile_function(source: str, function: str, accepted: Iterable[Tensor]) -> Callable[..., Any]:
    """The function that the source defines, taking the accepted tensors by keyword.

    What it does not need, it ignores. Raises ``UnknownName`` for a keyword
    that is not accepted, ``MissingInput`` for one that is missing and
    ``ShapeError`` for an array whose shape does not fit.
    """
    tensors = {t.name: t for t in accepted}
    namespace: dict[str, Any] = {}
    exec(compile(source, f"<symllm {function}>", "exec"), namespace)
    inner = namespace[function]
    parameters = inspect.signature(inner).parameters
    required = [n for n, p in parameters.items() if p.default is inspect.Parameter.empty]

    def call(**given: Any) -> Any:
        for name in given:
            if name not in tensors:
                raise UnknownName(f"input of {function}", name, tensors)
        missing = [name for name in required if name not in given]
        if missing:
            raise MissingInput(
                f"{function} needs {', '.join(missing)}, "
                f"but was given {', '.join(given) or 'nothing'}"
            )
        arrays = {n: as_array(given[n], tensors[n]) for n in parameters if n in given}
        check_shapes(function, {n: np.shape(a) for n, a in arrays.items()}, tensors)
        return inner(**arrays)

    call.__name__ = call.__qualname__ = function
    call.__doc__ = inner.__doc__
    call.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=p.default)
            for n, p in parameters.items()
        ]
    )
    return call


def as_array(value: Any, tensor: Tensor) -> Any:
    """What was given as the kind of number that the source counts on.

    A constant scalar becomes Python's own number, which does not raise the
    precision of the arrays it meets; whole numbers become floating ones
    except where they are indices or masks.
    """
    array = np.asarray(value)
    if tensor.integer:
        if array.dtype.kind not in "iu":
            raise ShapeError(
                f"{tensor.name} holds integers, but was given an array of {array.dtype}"
            )
        return array
    if array.dtype.kind in "iub" and tensor.domain != "binary":
        array = array.astype(np.float64)
    if not tensor.dims and tensor.role == "constant" and array.ndim == 0:
        return array.item()
    return array if array.ndim else array[()]


def check_shapes(
    function: str, shapes: dict[str, tuple[int, ...]], tensors: dict[str, Tensor]
) -> None:
    sizes: dict[sp.Expr, tuple[int, str]] = {}
    for name, shape in shapes.items():
        tensor = tensors[name]
        if len(shape) != len(tensor.axes):
            raise ShapeError(
                f"{function}: {name} has axes {tensor.shape_text}, "
                f"but was given an array of shape {shape}"
            )
        for axis, (dims, size) in enumerate(zip(tensor.axes, shape, strict=True)):
            length = axis_size(dims)
            factor, _ = length.as_coeff_Mul()
            if size % factor:
                raise ShapeError(
                    f"{function}: axis {axis} of {name} {tensor.shape_text} is a multiple of "
                    f"{factor}, but was given with shape {shape}"
                )
            known, where = sizes.setdefault(length, (size, name))
            if known != size:
                raise ShapeError(
                    f"{function}: {length} is {known} in {where} but {size} in {name}: axis "
                    f"{axis} of {name} {tensor.shape_text}, which has shape {shape}"
                )
