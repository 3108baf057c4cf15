"""Gradient functions against what knows nothing of the derivation.

Two judges: differences of an op's hand-written NumPy forward function, and
PyTorch's autograd where it is installed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from .arithmetic import Arithmetic
from .comparison import Comparison, column, compare
from .concrete import Concrete, run
from .errors import UnknownName, VerificationError
from .evaluate import Point
from .notation import BATCHED
from .program import Program

Arrays = dict[str, np.ndarray]

#: Required agreement, relative to the largest entry. The evaluator rounds
#: correctly, so forward values differ by the oracle's own float64 rounding;
#: sixth-order differences keep about 11 digits, nested ones about 9.
FORWARD_BOUND = 1e-12
DIFFERENCE_BOUND = 1e-7
SECOND_BOUND = 1e-6
AUTOGRAD_BOUND = 1e-10

#: Weights of the sixth-order central difference, for 1, 2 and 3 steps.
STENCIL = (3 / 4, -3 / 20, 1 / 60)
RELATIVE_STEP = 2.0**-10
#: Nested differences divide the rounding by its square: a larger one keeps more digits.
NESTED_STEP = 2.0**-7


# --------------------------------------------------------------------------
# What is compared
# --------------------------------------------------------------------------


def comparisons(
    kind: str,
    points: Sequence[Point],
    oracle: Callable[..., Any],
    function: Callable[..., Any],
    wrt: Sequence[str],
    output: str,
) -> list[Comparison]:
    """All that a function of a kind can be compared in: the forward, and its own differences."""
    found = list(compare_forward(points, oracle))
    if kind == "gradient":
        found += compare_with_oracle(points, oracle, function, wrt)
    elif kind == "jacobian":
        found.append(compare_jacobian(points, oracle, function, wrt[0], output))
    else:
        found.append(compare_hessian(points, oracle, function, wrt[0]))
    return found


def compare_forward(points: Sequence[Point], oracle: Callable[..., Any]) -> tuple[Comparison, ...]:
    """The evaluator's outputs and the oracle's: one comparison for each output."""
    program = program_of(points)
    found = [{name: to_array(p, p.values[name], name) for name in program.outputs} for p in points]
    expected = [forward(program, oracle, inputs_of(p)) for p in points]
    kind = "the NumPy forward"
    return tuple(
        compare(name, kind, FORWARD_BOUND, points, column(found, name), column(expected, name))
        for name in program.outputs
    )


def compare_with_oracle(
    points: Sequence[Point],
    oracle: Callable[..., Any],
    gradient: Callable[..., Any],
    wrt: Sequence[str],
) -> tuple[Comparison, ...]:
    """A gradient function and differences of the oracle: one comparison for each name in ``wrt``.

    ``gradient`` takes every input, and every upstream gradient that is not
    implied, by keyword (float64 arrays of the tensors' shapes, batch axes
    first; integers where the domain is a dimension) and returns an array, or
    a dict with ``d<name>`` for each of several. ``oracle`` works on one
    example. Raises ``VerificationError`` if there is nothing to compare.
    """
    program_of(points)
    found = [called(gradient, p, wrt) for p in points]
    expected = [{f"d{name}": differences(p, oracle, name) for name in wrt} for p in points]
    kind, floors = "central differences", [rounding(p) for p in points]
    return compared_gradients(points, found, expected, wrt, kind, DIFFERENCE_BOUND, floors)


def compare_with_autograd(
    points: Sequence[Point], gradient: Callable[..., Any], wrt: Sequence[str]
) -> tuple[Comparison, ...]:
    """A gradient function and autograd of the let-program; skipped where PyTorch is missing."""
    program_of(points)
    kind = "autograd"
    try:
        import torch
    except ImportError:
        missing = "PyTorch is not installed"
        return tuple(
            Comparison(f"d{name}", kind, 0, 0.0, AUTOGRAD_BOUND, skipped=missing)
            for name in require_names(wrt)
        )
    found = [called(gradient, p, wrt) for p in points]
    expected = [autograd(p, wrt, torch) for p in points]
    return compared_gradients(points, found, expected, wrt, kind, AUTOGRAD_BOUND)


def compare_jacobian(
    points: Sequence[Point],
    oracle: Callable[..., Any],
    jacobian: Callable[..., Any],
    wrt: str,
    output: str = "",
) -> Comparison:
    """A Jacobian function and differences of the oracle.

    Its array has the output's axes, then those of ``wrt``, batch axes included.
    """
    program = program_of(points)
    output = output or program.outputs[0]

    def expected(point: Point) -> np.ndarray:
        inputs = inputs_of(point)
        return difference_quotients(
            lambda x: forward(program, oracle, inputs | {wrt: x})[output], inputs[wrt]
        )

    return compare(
        f"d{output}/d{wrt}",
        "central differences",
        DIFFERENCE_BOUND,
        points,
        [np.asarray(jacobian(**keywords(p))) for p in points],
        [expected(p) for p in points],
    )


def compare_hessian(
    points: Sequence[Point], oracle: Callable[..., Any], hessian: Callable[..., Any], wrt: str
) -> Comparison:
    """A Hessian function of the loss and nested differences of the oracle.

    Its array has the axes of ``wrt`` twice, batch axes included.
    """
    program_of(points)

    def expected(point: Point) -> np.ndarray:
        loss = loss_of(point, oracle, wrt)
        return difference_quotients(
            lambda x: difference_quotients(loss, x, NESTED_STEP), inputs_of(point)[wrt], NESTED_STEP
        )

    return compare(
        f"d2L/d{wrt}2",
        "central differences",
        SECOND_BOUND,
        points,
        [np.asarray(hessian(**keywords(p))) for p in points],
        [expected(p) for p in points],
    )


# --------------------------------------------------------------------------
# Gradients by name
# --------------------------------------------------------------------------


def compared_gradients(
    points: Sequence[Point],
    found: Sequence[Arrays],
    expected: Sequence[Arrays],
    wrt: Sequence[str],
    kind: str,
    bound: float,
    floors: Sequence[float] = (),
) -> tuple[Comparison, ...]:
    names = [f"d{name}" for name in require_names(wrt)]
    return tuple(
        compare(name, kind, bound, points, column(found, name), column(expected, name), floors)
        for name in names
    )


def program_of(points: Sequence[Point]) -> Program:
    if not points:
        raise VerificationError("there are no points to compare at")
    return points[0].program


def require_names(wrt: Sequence[str]) -> Sequence[str]:
    if not wrt:
        raise VerificationError("there are no gradients to compare")
    return wrt


# --------------------------------------------------------------------------
# Arrays of a point, and calling functions with them
# --------------------------------------------------------------------------


def to_array(point: Point, entries: Mapping[tuple[int, ...], Any], name: str) -> np.ndarray:
    tensor = point.program.tensors[name]
    shape = [point.sizes[dim.name] for dim in tensor.dims]
    array = np.empty(shape, dtype=np.int64 if tensor.integer else np.float64)
    for at, value in entries.items():
        array[at] = int(value) if tensor.integer else float(value)
    return array.reshape([math.prod(point.sizes[d.name] for d in axis) for axis in tensor.axes])


def inputs_of(point: Point) -> Arrays:
    return {t.name: to_array(point, point.values[t.name], t.name) for t in point.program.inputs}


def upstream_of(point: Point) -> Arrays:
    return {
        f"d{name}": to_array(point, point.upstream[f"d{name}"], name)
        for name in point.program.outputs
    }


def keywords(point: Point) -> dict[str, Any]:
    """What a gradient function is given; scalars as NumPy scalars."""
    given = inputs_of(point) | ({} if point.implied else upstream_of(point))
    return {name: array[()] for name, array in given.items()}


def called(gradient: Callable[..., Any], point: Point, wrt: Sequence[str]) -> Arrays:
    """The function's results as ``d<name>`` for each name in ``wrt``."""
    result = gradient(**keywords(point))
    names = [f"d{name}" for name in require_names(wrt)]
    if not isinstance(result, Mapping):
        if len(names) > 1:
            raise VerificationError(
                f"the gradient function returned one {type(result).__name__}, "
                f"but {', '.join(names)} are to be compared: return a dict"
            )
        result = {names[0]: result}
    for name in names:
        if name not in result:
            raise UnknownName("gradient", name, result)
    return {name: np.asarray(result[name], dtype=np.float64) for name in names}


def forward(program: Program, oracle: Callable[..., Any], inputs: Arrays) -> Arrays:
    """All outputs: the oracle applied to each batch row, the rows stacked.

    An output without batch axes is that of any row.
    """
    depth = len(program.batch)
    rows = [t.name for t in program.inputs if t.role in BATCHED]
    lead = next((inputs[name].shape[:depth] for name in rows), ())
    results = [
        applied(program, oracle, {n: a[row] if n in rows else a[()] for n, a in inputs.items()})
        for row in np.ndindex(lead)
    ]
    found = {}
    for name, parts in zip(program.outputs, zip(*results, strict=True), strict=True):
        batched = program.tensors[name].dims[:depth] == program.batch
        found[name] = np.stack(parts).reshape(lead + parts[0].shape) if batched else parts[0]
    return found


def applied(
    program: Program, oracle: Callable[..., Any], given: Mapping[str, Any]
) -> list[np.ndarray]:
    """The oracle's outputs for one example; ``VerificationError`` where it returns none."""
    says = f"the NumPy function of {program.name}"
    try:  # NumPy's own functions, such as tanh, take no keywords
        result = oracle(**given) if len(given) > 1 else oracle(*given.values())
    except Exception as error:
        shapes = ", ".join(f"{name} {list(np.shape(value))}" for name, value in given.items())
        what = f"{type(error).__name__}: {error}"
        raise VerificationError(f"{says} raised {what}; it was given {shapes}") from error
    wanted = ", ".join(program.outputs)
    parts = result if len(program.outputs) > 1 else (result,)
    if not isinstance(parts, tuple | list | np.ndarray) or len(parts) != len(program.outputs):
        raise VerificationError(
            f"{says} returned one {type(result).__name__}, expected a tuple of {wanted}"
        )
    arrays = [np.asarray(part) for part in parts]
    for name, array in zip(program.outputs, arrays, strict=True):
        if array.dtype.kind not in "biuf":
            raise VerificationError(
                f"{says} returned {result!r}, expected numbers for the output {name}"
            )
    return arrays


# --------------------------------------------------------------------------
# The judges
# --------------------------------------------------------------------------


def loss_of(point: Point, oracle: Callable[..., Any], name: str) -> Callable[..., np.ndarray]:
    """The loss by one input: the oracle's outputs, weighted by their upstream gradients, summed."""
    inputs, weights = inputs_of(point), upstream_of(point)

    def loss(x: np.ndarray) -> np.ndarray:
        outputs = forward(point.program, oracle, inputs | {name: x})
        return np.asarray(sum((weights[f"d{n}"] * array).sum() for n, array in outputs.items()))

    return loss


def rounding(point: Point) -> float:
    """Gradients below this are lost in the rounding of the loss, as those of a key's bias are.

    A softmax does not see what is added to all its scores: that gradient is zero.
    """
    terms = (
        abs(float(point.upstream[f"d{name}"][at] * value))
        for name in point.program.outputs
        for at, value in point.values[name].items()
    )
    return 8 * 2.0**-52 * sum(terms) / RELATIVE_STEP / DIFFERENCE_BOUND


def differences(point: Point, oracle: Callable[..., Any], name: str) -> np.ndarray:
    return difference_quotients(loss_of(point, oracle, name), inputs_of(point)[name])


def difference_quotients(
    f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, relative: float = RELATIVE_STEP
) -> np.ndarray:
    """Derivatives of f by every entry of x; the axes of f(x), then those of x.

    The step follows the entry's size: near a pole at zero, as of the
    logarithm, a fixed one would not do.
    """
    columns = []
    for at in np.ndindex(x.shape):
        step = relative * min(1.0, abs(float(x[at])) or 1.0)
        slope: Any = 0.0
        for k, weight in enumerate(STENCIL, start=1):
            up, down = x.copy(), x.copy()
            up[at] += k * step
            down[at] -= k * step
            slope = slope + weight * (f(up) - f(down)) / step
        columns.append(np.asarray(slope))
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(stacked.shape[:-1] + x.shape)


def autograd(point: Point, wrt: Sequence[str], torch: Any) -> Arrays:
    """PyTorch's gradients of the loss, the let-program run on its scalars."""

    def on_tensor(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda value: function(torch.as_tensor(value, dtype=torch.float64))

    functions: dict[type, Callable[[Any], Any]] = {
        sp.exp: on_tensor(torch.exp),
        sp.log: on_tensor(torch.log),
        sp.tanh: on_tensor(torch.tanh),
        sp.sinh: on_tensor(torch.sinh),
        sp.cosh: on_tensor(torch.cosh),
        sp.erf: on_tensor(torch.erf),
        sp.sin: on_tensor(torch.sin),
        sp.cos: on_tensor(torch.cos),
        sp.Abs: on_tensor(torch.abs),
        sp.sign: on_tensor(torch.sign),
    }
    arithmetic = Arithmetic(
        rational=lambda p, q: p / q,
        pi=math.pi,
        functions=functions,
        is_real=lambda value: bool(torch.isfinite(torch.as_tensor(value))),
    )
    program = point.program
    leaves: dict[str, dict[tuple[int, ...], Any]] = {}
    for tensor in program.inputs:
        entries = point.values[tensor.name]
        leaves[tensor.name] = {
            at: torch.tensor(float(v), dtype=torch.float64, requires_grad=tensor.name in wrt)
            for at, v in entries.items()
        }
    outputs = run(Concrete(program, point.sizes, arithmetic), leaves)
    loss = sum(
        float(weight) * outputs[name][at]
        for name in program.outputs
        for at, weight in point.upstream[f"d{name}"].items()
    )
    if getattr(loss, "requires_grad", False):  # else every path is cut off, as by relu
        loss.backward()
    return {
        f"d{name}": to_array(
            point, {at: 0.0 if v.grad is None else v.grad for at, v in leaves[name].items()}, name
        )
        for name in wrt
    }
