"""Counts of operations against loops that count what they do, by hand and entry by entry."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import pytest
import sympy as sp

from symllm import Dim, Iverson, ops
from symllm.calls import without_calls
from symllm.program import Program, needed

# --------------------------------------------------------------------------
# Loops that count what they do
# --------------------------------------------------------------------------


@dataclass
class Number:
    """A number that notes every operation it takes part in."""

    value: float
    tally: list[int]

    def _with(self, other: Any, function: Callable[[float, float], float]) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # NumPy goes through the entries
        self.tally[0] += 1
        return Number(function(self.value, worth(other)), self.tally)

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b / a)

    def __neg__(self) -> Number:
        return Number(-self.value, self.tally)

    def call(self, function: Callable[[float], float]) -> Number:
        self.tally[0] += 1
        return Number(function(self.value), self.tally)

    def selected(self, chosen: bool) -> Number:
        return Number(self.value if chosen else 0.0, self.tally)

    __radd__, __rmul__ = __add__, __mul__


def worth(given: Any) -> float:
    return given.value if isinstance(given, Number) else given


def total(numbers: Any) -> Any:
    """A sum as loops do it: it starts at zero, and adds each term."""
    numbers = list(numbers)
    return reduce(lambda a, b: a + b, numbers, Number(0.0, numbers[0].tally))


def each(function: Callable[[Number], Number], array: np.ndarray) -> np.ndarray:
    return np.array([function(a) for a in array.flat], dtype=object).reshape(array.shape)


def exponential(array: np.ndarray) -> np.ndarray:
    return each(lambda a: a.call(math.exp), array)


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``left @ right``, by three loops."""
    rows = [
        [total(a * b for a, b in zip(row, col, strict=True)) for col in right.T] for row in left
    ]
    return np.array(rows, dtype=object)


def by_hand_softmax(x: Any) -> Any:
    weights = exponential(x)
    return weights / total(weights)


def by_hand_linear(x: Any, W: Any, b: Any) -> Any:
    return product(W, x[:, None])[:, 0] + b


def by_hand_layer_norm(x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
    centred = x - total(x) / len(x)
    variance = total(centred * centred) / len(x)
    return gamma * (1 / (variance + eps).call(math.sqrt) * centred) + beta


def by_hand_rms_norm(x: Any, gamma: Any, eps: Any) -> Any:
    return gamma * (1 / (total(x * x) / len(x) + eps).call(math.sqrt) * x)


def by_hand_attention(Q: Any, K: Any, V: Any) -> Any:
    scores = product(Q, K.T) / math.sqrt(Q.shape[1])
    return product(np.array([by_hand_softmax(row) for row in scores]), V)


def by_hand_causal_attention(Q: Any, K: Any, V: Any) -> Any:
    scores = exponential(product(Q, K.T) / math.sqrt(Q.shape[1]))
    weights = np.array(
        [[a.selected(c <= row) for c, a in enumerate(line)] for row, line in enumerate(scores)]
    )
    return product(np.array([row / total(row) for row in weights]), V)


def by_hand_cross_entropy(z: Any, y: Any) -> Any:
    return np.array(-total(y * each(lambda a: a.call(math.log), by_hand_softmax(z))))


def by_hand_gelu_tanh(x: Any) -> Any:
    cubic = (x + 0.044715 * (x * x * x)) * math.sqrt(2 / math.pi)
    return x * (each(lambda a: a.call(math.tanh), cubic) + 1) * 0.5


BY_HAND: dict[str, Callable[..., Any]] = {
    name.removeprefix("by_hand_"): f for name, f in globals().items() if name.startswith("by_hand_")
}


def sizes_for(program: Program, seed: int) -> dict[str, int]:
    """Sizes that all differ, and are small: there are as many entries as their product."""
    numbers = random.Random(seed).sample(range(2, 3 + len(program.dims)), len(program.dims))
    return {d.name: d.size or k for d, k in zip(program.dims, numbers, strict=True)}


def drawn(program: Program, sizes: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {t.name: tuple(sizes[dim.name] for dim in t.dims) for t in program.inputs}
    return {name: rng.uniform(0.1, 1.0, shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", BY_HAND)
def test_loops_written_by_hand_do_as_many_operations(name: str, seed: int) -> None:
    program = ops[name].program
    sizes = sizes_for(program, seed)
    given, tally = drawn(program, sizes, seed), [0]
    numbers = {
        what: np.array([Number(float(a), tally) for a in array.flat]).reshape(array.shape)
        for what, array in given.items()
    }
    scalars = {what: a.item() if a.ndim == 0 else a for what, a in numbers.items()}
    result = BY_HAND[name](**scalars)
    assert np.allclose(np.vectorize(worth)(result), ops[name].numpy(**given))
    assert tally[0] == at(ops[name].counts().forward_flops, sizes)


def at(count: sp.Expr, sizes: Mapping[str, int]) -> int:
    return int(count.subs({Dim(name).symbol: size for name, size in sizes.items()}))


# --------------------------------------------------------------------------
# All equations, forward and backward, entry by entry
# --------------------------------------------------------------------------


#: Where a part stands in an expression: which argument of which argument.
Place = tuple[int, ...]


@dataclass
class Walker:
    """Walks over the entries of one equation, and computes each part once for its own indices.

    A part is known by its place: what is written twice is computed twice.
    """

    tensors: frozenset[str]
    ranges: Mapping[sp.Symbol, int]
    looked_up: Mapping[str, np.ndarray]
    operations: int = 0
    seen: set[Any] = field(default_factory=set)

    def once(
        self, place: Place, what: Any, free: frozenset[Any], env: Mapping[Any, int], cost: int
    ) -> None:
        key = (place, what, tuple(sorted((str(f), env[f]) for f in free)))
        self.operations += 0 if key in self.seen else cost
        self.seen.add(key)

    def free(self, *exprs: sp.Basic) -> frozenset[Any]:
        return frozenset(f for e in exprs for f in e.free_symbols if f in self.ranges)

    def plain(self, expr: sp.Basic) -> bool:
        names = {str(f) for f in expr.free_symbols} | {
            str(a.base.label) for a in expr.atoms(sp.Indexed)
        }
        return not names & self.tensors

    def walk(self, expr: sp.Basic, env: dict[Any, int], place: Place = ()) -> None:
        if self.plain(expr) or isinstance(expr, sp.Indexed | sp.Symbol):
            return
        if isinstance(expr, sp.Sum):
            self.walk_sum(expr, env, place)
            return
        for k, arg in enumerate(expr.args):
            self.walk(arg, env, (*place, k))
        if isinstance(expr, sp.Mul):
            self.multiply([f for f in expr.args if f != -1], env, place)
        elif isinstance(expr, sp.Add | sp.Max | sp.Min):
            self.fold(expr.func, list(expr.args), env, place)
        elif isinstance(expr, sp.Pow):
            known: dict[Any, int] = {
                2: 1,
                -1: 1,
                -2: 2,
                sp.Rational(1, 2): 1,
                -sp.Rational(1, 2): 2,
                3: 2,
            }
            times = known.get(expr.exp, 1)  # any other power is a function
            self.once(place, expr, self.free(expr), env, times)
        elif isinstance(expr, sp.Function) and not is_bracket(expr):
            self.once(place, expr, self.free(expr), env, 1)

    def multiply(self, factors: list[sp.Expr], env: dict[Any, int], place: Place) -> None:
        """A division takes the place of a multiplication: the reciprocal was counted already."""
        factors = [f for f in factors if not is_bracket(f)]
        inverse = [
            f for f in factors if not self.plain(f) and isinstance(f, sp.Pow) and f.exp.is_negative
        ]
        if len(inverse) < len(factors):
            for factor in inverse:
                self.once(place, ("divided", factor), self.free(factor), env, -1)
        self.fold(sp.Mul, factors, env, place)

    def fold(self, kind: Any, args: list[sp.Expr], env: dict[Any, int], place: Place) -> None:
        known = [a for a in args if self.plain(a) and not self.free(a)]
        rest = sorted((a for a in args if a not in known), key=lambda a: len(self.free(a)))
        parts = [*([kind(*known)] if known else []), *rest]
        for count in range(2, len(parts) + 1):
            self.once(place, (kind, *parts[:count]), self.free(*parts[:count]), env, 1)

    def walk_sum(self, expr: sp.Sum, env: dict[Any, int], place: Place) -> None:
        symbols = [symbol for symbol, _, _ in expr.limits]
        factors = sp.Mul.make_args(expr.function)
        inside = [f for f in factors if f.has(*symbols)]
        for at in itertools.product(*(range(self.ranges[symbol]) for symbol in symbols)):
            here = {**env, **dict(zip(symbols, at, strict=True))}
            if any(self.is_zero(f, here) for f in inside):
                continue
            self.walk(sp.Mul(*inside), here, (*place, 0))
            self.once(place, (sp.Add, expr), self.free(*inside), here, 1)
        outside = [f for f in factors if f not in (*inside, -1)]
        for k, factor in enumerate(outside, 1):
            self.walk(factor, env, (*place, k))
        self.multiply([*outside, expr], env, place)

    def is_zero(self, factor: sp.Expr, env: Mapping[Any, int]) -> bool:
        """Is it a delta that selects other terms, as the integers that were drawn have it?"""
        if not isinstance(factor, sp.KroneckerDelta):
            return False
        left, right = (self.integer(side, env) for side in factor.args)
        return left != right

    def integer(self, expr: sp.Basic, env: Mapping[Any, int]) -> int:
        if isinstance(expr, sp.Indexed):
            at = tuple(self.integer(s, env) for s in expr.indices)
            return int(self.looked_up[str(expr.base.label)][at])
        return env[expr] if expr in env else int(self.looked_up[str(expr)])


def is_bracket(expr: sp.Basic) -> bool:
    return isinstance(expr, Iverson | sp.KroneckerDelta | sp.Heaviside)


def walked(program: Program, known: frozenset[str], sizes: Mapping[str, int]) -> int:
    rng, operations = np.random.default_rng(0), 0
    looked_up = {
        t.name: rng.integers(sizes[t.domain.name], size=[sizes[dim.name] for dim in t.dims])
        for t in program.inputs
        if isinstance(t.domain, Dim)
    }
    for let in needed(program.equations, program.outputs, known):
        dims = program.index_dims[let.name]
        ranges = {symbol: sizes[dim.name] for symbol, dim in dims.items()}
        walker = Walker(frozenset(program.tensors), ranges, looked_up)
        for at in itertools.product(*(range(ranges[symbol]) for symbol in let.indices)):
            walker.walk(let.rhs, dict(zip(let.indices, at, strict=True)))
        operations += walker.operations
    return operations


#: Whole blocks have too many entries to walk.
WALKED = [name for name in ops if not name.endswith("_block")]


@pytest.mark.parametrize("name", WALKED)
def test_entry_by_entry_it_comes_to_the_same(name: str) -> None:
    found = ops[name]
    sizes = sizes_for(found.program, len(name))
    forward = without_calls(found.program)
    computed = frozenset(let.name for let in needed(forward.equations, forward.outputs))
    counts = found.counts()
    assert walked(forward, frozenset(), sizes) == at(counts.forward_flops, sizes)
    backward = found.gradient().backward
    assert walked(backward, computed, sizes) == at(counts.backward_flops, sizes)
