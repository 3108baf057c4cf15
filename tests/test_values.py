"""Whole arrays at once, against the slow evaluator, for every op and its gradient."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from symllm import Dim, NotationError, ops
from symllm.calls import with_aliases, without_calls
from symllm.evaluate import sample
from symllm.values import evaluated, run, size_of

n, m = Dim("n"), Dim("m")
i, j, k = sp.symbols("i j k", integer=True)
x, W = n.vector("x"), sp.IndexedBase("W")
SIZES = {"n": 3, "m": 2}
X = np.array([1.0, -2.0, 4.0])
MATRIX = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
ARRAYS = {"x": X, "W": MATRIX, "s": np.array(0.5), "t": np.array([2.0, 0.0, 1.0])}
N, s = n.symbol, sp.Symbol("s")


def total(body: sp.Expr, symbol: sp.Symbol, size: sp.Expr = N) -> sp.Expr:
    return sp.Sum(body, (symbol, 0, size - 1))


TABLE = [
    (x[i] * s + N, X * 0.5 + 3),
    (total(x[j], j), np.full(3, 3.0)),
    (total(sp.Integer(1), j), np.full(3, 3.0)),  # what does not depend on the index, n times
    (total(W[i, k] * s, k, m.symbol), MATRIX.sum(1) * 0.5),
    (total(total(x[j] * W[j, k], j), k, m.symbol), np.full(3, (X @ MATRIX).sum())),
    (sp.IndexedBase("x")[sp.IndexedBase("t")[i]], X[[2, 0, 1]]),
    (sp.Max(x[i], 0) - sp.Min(x[i], 1, s), np.maximum(X, 0) - np.minimum(X, 0.5)),
    (sp.Piecewise((x[i], x[i] > 0), (-1, True)), np.where(X > 0, X, -1)),
    (sp.Sum(x[j], (j, 1, N - 1)), np.full(3, 2.0)),
    (i**2 + 1, np.array([1.0, 2.0, 5.0])),
    (sp.KroneckerDelta(i, 1) * x[i], np.array([0.0, -2.0, 0.0])),
    (sp.exp(x[i]) * sp.tanh(s) / sp.sqrt(sp.pi), np.exp(X) * np.tanh(0.5) / np.sqrt(np.pi)),
]


@pytest.mark.parametrize(("expr", "expected"), TABLE, ids=[str(row[0])[:40] for row in TABLE])
def test_an_expression(expr: sp.Expr, expected: np.ndarray) -> None:
    free = {i: n}
    np.testing.assert_allclose(evaluated(expr, free, ARRAYS, SIZES), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("expr", "words"),
    [
        (sp.IndexedBase("z")[i], "'z' has no value; known: x, W, s, t"),
        (x[i] + sp.Symbol("z"), "z is no index"),
        (W[i], "W has 2 axes"),
        (sp.gamma(x[i]), "cannot compute the function"),
        (sp.Sum(x[j], (j, 0, sp.Symbol("q"))), "is no size"),
    ],
)
def test_what_has_no_value_is_said(expr: sp.Expr, words: str) -> None:
    with pytest.raises(NotationError) as error:
        evaluated(expr, {i: n}, ARRAYS, SIZES)
    assert words in str(error.value)


def test_a_size_is_computed_from_sizes() -> None:
    assert size_of(N * m.symbol - 1, SIZES) == 5


def test_every_operation_is_rounded() -> None:
    counted = []
    evaluated(x[i] * s + 1, {i: n}, ARRAYS, SIZES, lambda a: counted.append(a.shape) or a)
    assert len(counted) == 2


SMALL = [name for name in ops if "block" not in name]


@pytest.mark.parametrize("name", SMALL)
def test_the_forward_program_of_every_op(name: str) -> None:
    program = without_calls(with_aliases(ops[name].program))
    point = sample(ops[name].program, 1)
    inputs = {t.name: dense(point.values[t.name]) for t in program.inputs}
    found = run(program, inputs, point.sizes)
    for output in program.outputs:
        slow = dense(point.values[output])
        np.testing.assert_allclose(found[output], slow, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("name", SMALL)
def test_the_gradient_of_every_op_is_what_generated_code_gives(name: str) -> None:
    derivation = ops[name].gradient(upstream=f"d{next(iter(ops[name].outputs))}")
    program = without_calls(derivation.backward)
    point = sample(ops[name].program, 2)
    random = np.random.default_rng(0)
    inputs = {t.name: dense(point.values[t.name]) for t in ops[name].program.inputs}
    given = [t for t in program.inputs if t.name not in inputs]
    for tensor in given:
        inputs[tensor.name] = random.normal(size=[point.sizes[d.name] for d in tensor.dims])
    found = run(program, inputs, point.sizes)
    shapes = {t.name: t for t in program.inputs}
    users = {name: as_user(array, shapes.get(name), point.sizes) for name, array in inputs.items()}
    upstream = {f"d{o}": users.get(f"d{o}", 0.0) for o in ops[name].outputs}
    expected = derivation.lambdify()(**users | upstream)
    expected = expected if isinstance(expected, dict) else {f"d{derivation.wrt[0]}": expected}
    for of, array in expected.items():
        np.testing.assert_allclose(found[of].reshape(np.shape(array)), array, rtol=1e-9, atol=1e-11)


def dense(entries: object) -> np.ndarray:
    """An array from entries by index."""
    assert isinstance(entries, dict)
    shape = [1 + max(at[axis] for at in entries) for axis in range(len(next(iter(entries))))]
    found = np.empty(shape)
    for at, value in entries.items():
        found[at] = float(value)
    return found


def as_user(array: np.ndarray, tensor: object, sizes: object) -> np.ndarray:
    """With the axes and the kind of number that users have."""
    if tensor is None:
        return array
    shape = [int(np.prod([sizes[d.name] for d in axis])) for axis in tensor.axes]  # type: ignore
    array = array.reshape(shape)
    return array.astype(int) if tensor.integer else array  # type: ignore
