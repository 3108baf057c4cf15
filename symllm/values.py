"""Expressions and programs as NumPy arrays, all entries at once.

Where the evaluator asks for one entry in many digits, this computes whole arrays in float64 by
broadcasting: quick enough to try a thousand variations of an equation at one point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, reduce, singledispatch
from typing import Any

import numpy as np
import sympy as sp

from .equation import Let
from .errors import NotationError
from .expressions import name_of
from .notation import Dim, Iverson
from .program import Program

Arrays = Mapping[str, np.ndarray]

#: What is done to the outcome of every operation: nothing, or a small error.
Rounding = Callable[[np.ndarray], np.ndarray]


def exact(array: np.ndarray) -> np.ndarray:
    return array


FUNCTIONS: dict[type, Callable[[np.ndarray], np.ndarray]] = {
    sp.exp: np.exp,
    sp.log: np.log,
    sp.tanh: np.tanh,
    sp.sinh: np.sinh,
    sp.cosh: np.cosh,
    sp.sin: np.sin,
    sp.cos: np.cos,
    sp.erf: np.vectorize(math.erf, otypes=[float]),
    sp.Abs: np.abs,
    sp.sign: np.sign,
}

RELATIONS: dict[type, Callable[..., np.ndarray]] = {
    sp.Eq: np.equal,
    sp.Ne: np.not_equal,
    sp.Le: np.less_equal,
    sp.Lt: np.less,
    sp.Ge: np.greater_equal,
    sp.Gt: np.greater,
}


@dataclass(frozen=True, eq=False)
class Frame:
    """What names stand for: arrays, sizes, and an axis for each index in scope.

    Every value has one axis for each index in scope, of length 1 where it does not depend on it.
    """

    arrays: Arrays
    sizes: Mapping[str, int]
    axes: tuple[tuple[sp.Symbol, int], ...] = ()
    rounding: Rounding = exact

    @cached_property
    def places(self) -> Mapping[sp.Symbol, int]:
        """The axis of each index."""
        return {symbol: axis for axis, (symbol, _) in enumerate(self.axes)}

    def constant(self, value: float) -> np.ndarray:
        return np.full((1,) * len(self.axes), float(value))

    def along(self, axis: int) -> np.ndarray:
        """0, 1, 2... along one axis."""
        size = self.axes[axis][1]
        return np.arange(size).reshape([size if k == axis else 1 for k in range(len(self.axes))])

    def inner(self, symbol: sp.Symbol, size: int) -> Frame:
        """A scope with one index more; one that bears its name is out of sight."""
        hidden = tuple((sp.Dummy() if s == symbol else s, n) for s, n in self.axes)
        return replace(self, axes=(*hidden, (symbol, size)))


def evaluated(
    expr: sp.Expr,
    free: Mapping[sp.Symbol, Dim],
    arrays: Arrays,
    sizes: Mapping[str, int],
    rounding: Rounding = exact,
) -> np.ndarray:
    """The value of an expression over its free indices, an axis for each, in their order.

    ``arrays`` have one axis for each dimension of their tensor. Raises ``NotationError`` for a
    name or a kind of expression that it does not know.
    """
    axes = tuple((symbol, size_of(dim.symbol, sizes)) for symbol, dim in free.items())
    found = value(sp.sympify(expr), Frame(arrays, sizes, axes, rounding))
    return np.array(np.broadcast_to(found, tuple(size for _, size in axes)))


def run(
    program: Program,
    inputs: Arrays,
    sizes: Mapping[str, int],
    rounding: Rounding = exact,
    known: Container[Let] = (),
) -> dict[str, np.ndarray]:
    """Inputs and everything that the program's equations compute; it calls no other op.

    What the ``known`` equations give is among the inputs already.
    """
    found = dict(inputs)
    with np.errstate(all="ignore"):
        for let in program.equations:
            if let in known:
                continue
            dims = program.tensors[let.name].dims
            free = dict(zip(let.indices, dims, strict=True))
            (right,) = let.expressions
            found[let.name] = evaluated(right, free, found, sizes, rounding)
    return found


def size_of(expr: sp.Expr, sizes: Mapping[str, int]) -> int:
    """A dimension, or what is computed from dimensions, as a number."""
    if isinstance(expr, sp.Integer):
        return int(expr)
    if isinstance(expr, sp.Symbol) and expr.name in sizes:
        return sizes[expr.name]
    known = {s: sizes[s.name] for s in expr.free_symbols if s.name in sizes}
    found = expr.xreplace({s: sp.Integer(n) for s, n in known.items()})
    if not isinstance(found, sp.Integer):
        raise NotationError(f"{expr} is no size; known are {', '.join(sizes)}")
    return int(found)


@singledispatch
def value(expr: Any, frame: Frame) -> np.ndarray:
    raise NotationError(f"cannot compute {expr}, which is a {type(expr).__name__}")


@value.register(sp.Number)
@value.register(sp.NumberSymbol)
def _(expr: Any, frame: Frame) -> np.ndarray:
    return frame.constant(float(expr))


@value.register(sp.Symbol)
def _(expr: Any, frame: Frame) -> np.ndarray:
    if expr in frame.places:
        return frame.along(frame.places[expr]).astype(float)
    if expr.name in frame.arrays and not frame.arrays[expr.name].ndim:
        return frame.constant(float(frame.arrays[expr.name]))
    if expr.name in frame.sizes:
        return frame.constant(frame.sizes[expr.name])
    raise NotationError(f"{expr} is no index, no dimension and no number that is known")


@value.register(sp.Indexed)
def _(expr: Any, frame: Frame) -> np.ndarray:
    name = name_of(expr)
    if name not in frame.arrays:
        raise NotationError(f"{name!r} has no value; known: {', '.join(frame.arrays)}")
    array = frame.arrays[name]
    subscripts = expr.args[1:]
    if array.ndim != len(subscripts):
        raise NotationError(f"{name} has {array.ndim} axes, but was written {expr}")
    axes = [frame.places.get(s, -1) for s in subscripts]
    if -1 not in axes and len(set(axes)) == array.ndim:
        shape = [1] * len(frame.axes)
        for axis, size in zip(axes, array.shape, strict=True):
            shape[axis] = size
        if axes != sorted(axes):
            array = array.transpose(sorted(range(array.ndim), key=axes.__getitem__))
        return array.reshape(shape)
    at = tuple(value(s, frame).astype(int) for s in subscripts)
    return array[at].astype(float)


@value.register(sp.Add)
def _(expr: Any, frame: Frame) -> np.ndarray:
    return reduce(lambda a, b: frame.rounding(a + b), [value(a, frame) for a in expr.args])


@value.register(sp.Mul)
def _(expr: Any, frame: Frame) -> np.ndarray:
    factors = sorted((value(a, frame) for a in expr.args), key=lambda v: v.size)
    return reduce(lambda a, b: frame.rounding(a * b), factors)


@value.register(sp.Pow)
def _(expr: Any, frame: Frame) -> np.ndarray:
    return frame.rounding(np.power(value(expr.base, frame), value(expr.exp, frame)))


@value.register(sp.Max)
@value.register(sp.Min)
def _(expr: Any, frame: Frame) -> np.ndarray:
    combine = np.maximum if isinstance(expr, sp.Max) else np.minimum
    return reduce(combine, [value(a, frame) for a in expr.args])


@value.register(sp.Function)
def _(expr: Any, frame: Frame) -> np.ndarray:
    function = FUNCTIONS.get(type(expr))
    if function is None or len(expr.args) != 1:
        known = ", ".join(sorted(f.__name__ for f in FUNCTIONS))
        raise NotationError(f"cannot compute the function {expr}; known: {known}")
    return frame.rounding(function(value(expr.args[0], frame)))


@value.register(sp.KroneckerDelta)
def _(expr: Any, frame: Frame) -> np.ndarray:
    left, right = (value(a, frame) for a in expr.args[:2])
    return (left == right).astype(float)


@value.register(Iverson)
def _(expr: Any, frame: Frame) -> np.ndarray:
    return value(expr.args[0], frame).astype(float)


@value.register(sp.core.relational.Relational)
def _(expr: Any, frame: Frame) -> np.ndarray:
    left, right = (value(a, frame) for a in expr.args)
    return np.asarray(RELATIONS[type(expr)](left, right))


@value.register(sp.And)
@value.register(sp.Or)
def _(expr: Any, frame: Frame) -> np.ndarray:
    combine = np.logical_and if isinstance(expr, sp.And) else np.logical_or
    return reduce(combine, [value(a, frame) for a in expr.args])


@value.register(sp.Not)
def _(expr: Any, frame: Frame) -> np.ndarray:
    return np.logical_not(value(expr.args[0], frame))


@value.register(sp.logic.boolalg.BooleanAtom)
def _(expr: Any, frame: Frame) -> np.ndarray:
    return frame.constant(bool(expr)).astype(bool)


@value.register(sp.Piecewise)
def _(expr: Any, frame: Frame) -> np.ndarray:
    found = frame.constant(np.nan)
    for piece, condition in reversed(expr.args):
        found = np.where(value(condition, frame), value(piece, frame), found)
    return found


@value.register(sp.Sum)
def _(expr: Any, frame: Frame) -> np.ndarray:
    inner, total = frame, 1
    shifts: dict[sp.Symbol, sp.Expr] = {}
    for symbol, low, high in reversed(expr.limits):  # outermost first
        first, last = size_of(low, frame.sizes), size_of(high, frame.sizes)
        inner = inner.inner(symbol, max(last - first + 1, 0))
        shifts |= {symbol: symbol + first} if first else {}
    body = expr.function.xreplace(shifts) if shifts else expr.function
    found = value(body, inner)
    outer = len(frame.axes)
    for axis in range(outer, len(inner.axes)):  # what does not depend on the index: n times
        if found.shape[axis] == 1:
            total *= inner.axes[axis][1]
    return frame.rounding(found.sum(axis=tuple(range(outer, len(inner.axes)))) * total)
