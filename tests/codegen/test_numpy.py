"""Generated NumPy: right, in the precision given, readable, the same on every run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import programs
import pytest
import sympy as sp
from points import AXES, NAMES, by_rows, point

from symllm.catalogue import ops
from symllm.codegen import compile_function, listing, numpy_source
from symllm.codegen.functions import Total
from symllm.codegen.lines import Line, over
from symllm.codegen.numpy import NUMPY
from symllm.codegen.writer import body_of
from symllm.equation import Let
from symllm.notation import Dim, Iverson, Tensor, entry
from symllm.program import Program


def compiled(program: Program, name: str = "f") -> Callable[..., Any]:
    return compile_function(numpy_source(program, name), name, program.inputs)


@pytest.mark.parametrize("axes", AXES, ids=lambda axes: "x".join(axes) or "one")
@pytest.mark.parametrize("name", NAMES)
def test_forward_agrees_with_the_oracle(name: str, axes: tuple[str, ...]) -> None:
    op = ops[name].batched(*axes) if axes else ops[name]
    given = point(op.program)
    found = compiled(op.program)(**given)
    found = found if isinstance(found, dict) else {op.program.outputs[0]: found}
    expected = by_rows(op, given)
    assert list(found) == list(expected)
    for output in expected:
        assert np.shape(found[output]) == np.shape(expected[output])
        np.testing.assert_allclose(found[output], expected[output], rtol=1e-12, atol=1e-12)


# --------------------------------------------------------------------------
# Backward programs against central differences of the oracle
# --------------------------------------------------------------------------

#: the op, the backward program's maker, the upstream gradient's name, the gradients
BACKWARD = (
    ("softmax", programs.softmax_backward, "dp"),
    ("layer_norm", programs.layer_norm_backward, "dy"),
    ("linear", programs.linear_backward, "dy"),
    ("cross_entropy_index", programs.cross_entropy_index_backward, ""),
    *(
        (name, lambda *axes, name=name: programs.attention_backward(name, *axes), "dO")
        for name in ("attention", "causal_attention", "masked_attention")
    ),
)


@pytest.mark.parametrize("axes", AXES, ids=lambda axes: "x".join(axes) or "one")
@pytest.mark.parametrize(("name", "make", "upstream"), BACKWARD, ids=[b[0] for b in BACKWARD])
def test_backward_agrees_with_differences(
    name: str, make: Callable[..., Program], upstream: str, axes: tuple[str, ...]
) -> None:
    op = ops[name].batched(*axes) if axes else ops[name]
    program = make(*axes)
    given = point(op.program) | point(program)
    found = compiled(program)(**{n: given[n] for n in (t.name for t in program.inputs)})
    found = found if isinstance(found, dict) else {program.outputs[0]: found}
    forward = {t.name: given[t.name] for t in op.program.inputs}

    def loss() -> float:
        (y,) = by_rows(op, forward).values()
        return float(np.sum(y * given[upstream] if upstream else y))

    for output, gradient in found.items():
        array = forward[output.removeprefix("d")]
        expected = np.empty_like(array)
        for at in np.ndindex(array.shape):
            value, step = array[at], 1e-6
            array[at] = value + step
            above = loss()
            array[at] = value - step
            expected[at] = (above - loss()) / (2 * step)
            array[at] = value
        assert gradient.shape == expected.shape
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


def test_softmax_jacobian() -> None:
    x = np.random.default_rng(0).normal(size=4)
    p = ops.softmax.numpy(x)
    found = compiled(programs.softmax_jacobian())(x=x)
    np.testing.assert_allclose(found, np.diag(p) - np.outer(p, p), atol=1e-15)


# --------------------------------------------------------------------------
# Precision, inputs
# --------------------------------------------------------------------------

PROGRAMS = {
    **{name: ops[name].batched("N", "T").program for name in NAMES},
    **{f"{name}_backward": make("N", "T") for name, make, _ in BACKWARD},
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_is_kept_and_inputs_are_left_alone(name: str, dtype: type) -> None:
    program = PROGRAMS[name]
    given = point(program)
    for t in program.inputs:
        if not t.integer and t.dims:
            given[t.name] = given[t.name].astype(dtype)
    before = {n: np.copy(a) for n, a in given.items()}
    found = compiled(program)(**given)
    for array in found.values() if isinstance(found, dict) else [found]:
        assert array.dtype == dtype
        assert not any(np.shares_memory(array, a) for a in given.values())
    for n, array in before.items():
        np.testing.assert_array_equal(given[n], array)


# --------------------------------------------------------------------------
# Readability
# --------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROGRAMS)
def test_source_is_short_and_plain(name: str) -> None:
    source = numpy_source(PROGRAMS[name], name)
    lines = source.splitlines()
    assert max(map(len, lines)) <= 88
    assert len(lines) < (80 if name.endswith("_block") else 50)
    assert "[::" not in source
    assert not re.search(r"\(\(\w+\)\)|--|\+ -", source)
    for line in lines:
        assert line == line.rstrip()


EXPECTED = (
    ("attention_backward", ("@ K.mT", "P.mT @ dO", "dS @ K", "dS.mT @ Q"), ("einsum",)),
    ("layer_norm_backward", ("np.vecdot(dx, xhat)", "keepdims=True"), ("unused", "**")),
    ("linear_backward", ("dy @ W", "dy.reshape(-1, n).T @ x.reshape(-1, m)"), ("einsum",)),
    ("linear", ("x @ W.T",), ("einsum",)),
    ("cross_entropy_index_backward", ("[:, None], np.arange(T), t] -= 1",), ("==",)),
    ("causal_attention", ("~np.tri(n, dtype=bool)",), ("arange",)),
    ("gelu_tanh", ("0.044715", "math.sqrt(2 / math.pi)"), ("8943", "**3")),
    ("gelu", ("(1 + erf(x / math.sqrt(2))) / 2",), ("numpy",)),
)


@pytest.mark.parametrize(("name", "present", "absent"), EXPECTED, ids=[e[0] for e in EXPECTED])
def test_source_says(name: str, present: tuple[str, ...], absent: tuple[str, ...]) -> None:
    source = numpy_source(PROGRAMS[name], name)
    for text in present:
        assert text in source
    for text in absent:
        assert text not in source


def test_large_matrices_of_attention_are_two() -> None:
    source = numpy_source(programs.attention_backward("attention", "B", "H"), "f")
    code = source.split('"""')[2]
    made = [line for line in code.splitlines() if re.match(r"    (S|P|dS|dP) = ", line)]
    assert [line.strip().split("  #")[0] for line in made] == [
        "S = Q @ K.mT",
        "P = np.exp(S, out=S)",
        "dS = dO @ V.mT",
    ]


@pytest.mark.parametrize("name", ["gelu_tanh", "gpt2_block"])
def test_a_term_of_a_wide_statement_has_a_name_rather_than_lines_of_its_own(name: str) -> None:
    (function,) = ast.parse(ops[name].gradient("x").code("numpy")).body[-1:]
    assert isinstance(function, ast.FunctionDef)
    assert not [ast.unparse(s) for s in function.body[1:] if s.end_lineno != s.lineno]


def test_docstring_holds_shapes_and_words() -> None:
    program = programs.layer_norm_backward("B", "T")
    function = compile_function(
        numpy_source(program, "f", "The gradient of layer norm."), "f", program.inputs
    )
    assert function.__doc__ is not None
    for text in ("The gradient of layer norm.", "x: [B, T, d]", "eps: scalar", "dgamma: [d]"):
        assert text in function.__doc__


def test_a_docstring_in_brief_groups_what_is_alike() -> None:
    lines = listing(ops.layer_norm.gradient().backward, "f", "Gradient of it.").splitlines()
    said = lines.index("def f(dy, x, gamma, eps):") + 1
    assert lines[said : said + 2] == [
        '    """Gradient of it. dy, x, gamma: [d]; eps: scalar, positive; returns dx, dgamma,',
        '    dbeta: [d]."""',
    ]


def test_a_docstring_in_brief_says_as_much_and_nothing_else_is_changed() -> None:
    derivation = ops.gpt2_block.gradient("x")
    long, brief = (text.split('"""') for text in (derivation.code("numpy"), derivation.listing()))
    assert (long[0], long[2]) == (brief[0], brief[2])
    assert max(map(len, derivation.listing().splitlines())) <= 88
    assert "dy, x: [n, c]; gamma_1, beta_1, b_O, gamma_2," in brief[1]
    for name in (*re.findall(r"^ +(\w+): ", long[1], re.M), "returns dx: [n, c]."):
        assert name in brief[1]
    assert len(brief[1].splitlines()) <= 4


SCRIPT = """
from test_numpy import PROGRAMS
from symllm.codegen import numpy_source
import hashlib
print(hashlib.sha256("".join(numpy_source(p, n) for n, p in PROGRAMS.items()).encode()).hexdigest())
"""


def test_source_is_the_same_under_every_hash_seed() -> None:
    here = Path(__file__).parent
    digests = set()
    for seed in ("0", "1"):
        path = os.pathsep.join([str(here), str(here.parents[1])])
        environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path}
        run = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, check=True
        )
        digests.add(run.stdout)
    assert len(digests) == 1


def test_a_sum_over_looked_up_rows_is_scattered() -> None:
    a, k, b, i = (sp.Symbol(c, integer=True) for c in "akbi")
    v, d, n, rows = (Dim(name) for name in ("v", "d", "n", "B"))
    t = Tensor("t", (rows, n), "target", v)
    inputs = (Tensor("dy", (rows, n, d)), t, Tensor("W", (v, d), "parameter"))
    picked = sp.KroneckerDelta(a, entry("t", b, i)) * entry("dy", b, i, k)
    value = over(Total, picked, ((b, rows.symbol), (i, n.symbol)))
    line = Line("dW", (a, k), (v.symbol, d.symbol), value)
    body = body_of([line], inputs, ("dW",), NUMPY)
    assert [statement.text for statement in body.statements] == [
        "dW = np.zeros((v, d), dtype=dy.dtype)",
        "np.add.at(dW, t, dy)",
    ]


X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
b, i, j = (sp.Symbol(c, integer=True) for c in "bij")
N, n = Dim("N"), Dim("n")
x = Tensor("x", (N, n))
t = Tensor("t", (N,), "target", n)


def value_of(expr: sp.Expr) -> tuple[str, Any]:
    """The source and the value of y[b, i] = expr at x = X, t = [2, 0]."""
    free = tuple(s for s in (b, i) if s in expr.free_symbols)
    program = Program("f", (x, t), (Let(entry("y", *free), expr),), ("y",))
    found = compiled(program)(x=X, t=np.array([2, 0]))
    return numpy_source(program, "f"), found


TOTAL = sp.Sum(x[b, j], (j, 0, n.symbol - 1))

#: An expression, what its source says, its value.
SMALL: tuple[tuple[sp.Expr, str, Any], ...] = (
    (x[b, i] * Iverson(x[b, i] > 0), "x * (x > 0)", X * (X > 0)),
    (-x[b, i], "y = -x", -X),
    (x[b, i] + 0, "x.copy()", X),
    (sp.Sum(x[b, j] + 2, (j, 0, n.symbol - 1)), ".sum(-1)", (X + 2).sum(1)),
    (TOTAL / n.symbol, "x.mean(-1)", X.mean(1)),
    (x[b, i] - TOTAL / n.symbol, "x.mean(-1, keepdims=True)", X - X.mean(1, keepdims=True)),
    (x[b, i] * TOTAL + TOTAL, "sum_x = x.sum(-1, keepdims=True)", (X + 1) * X.sum(1)[:, None]),
    (x[b, t[b]] + TOTAL, "take_along_axis", X[[0, 1], [2, 0]] + X.sum(1)),
    (x[b, i] - x[b, t[b]], "axis=-1)", X - X[[0, 1], [2, 0]][:, None]),
    (x[b, i] ** 3 / 3, "x**2 * x / 3", X**3 / 3),
    (sp.exp(x[b, i]) - 1, "np.expm1(x)", np.expm1(X)),
    (sp.log(1 + x[b, i] ** 2), "np.log1p(", np.log1p(X**2)),
    (sp.sqrt(2) * x[b, i] / 2, "x / math.sqrt(2)", X / np.sqrt(2)),
    (x[b, i] / sp.sqrt(2 * sp.pi), "x / math.sqrt(2 * math.pi)", X / np.sqrt(2 * np.pi)),
    (sp.Rational(2, 3) * x[b, i], "2 * x / 3", X * 2 / 3),
)


@pytest.mark.parametrize(("expr", "text", "value"), SMALL, ids=[str(row[0]) for row in SMALL])
def test_small_expressions(expr: sp.Expr, text: str, value: Any) -> None:
    source, found = value_of(expr)
    assert text in source
    np.testing.assert_allclose(found, value, rtol=1e-14)


def test_two_names_for_one_array_are_not_overwritten() -> None:
    at = (b, i)
    lets = (
        Let(entry("u", *at), 2 * x[b, i]),
        Let(entry("w", *at), entry("u", *at)),
        Let(entry("y", *at), entry("u", *at) + 1),
        Let(entry("z", *at), entry("w", *at) * entry("y", *at)),
    )
    program = Program("f", (x,), lets, ("y", "z"))
    found = compiled(program)(x=X)
    np.testing.assert_array_equal(found["y"], 2 * X + 1)
    np.testing.assert_array_equal(found["z"], 2 * X * (2 * X + 1))


def test_long_expressions_are_wrapped() -> None:
    long = sp.Mul(*(sp.tanh(k * x[b, i]) + k for k in range(2, 9)))
    source, found = value_of(x[b, i] * long + sp.sin(long))
    assert max(map(len, source.splitlines())) <= 88
    value = np.prod([np.tanh(k * X) + k for k in range(2, 9)], axis=0)
    np.testing.assert_allclose(found, X * value + np.sin(value), rtol=1e-9)
