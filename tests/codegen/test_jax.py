"""Generated JAX: right, in the precision given, and known to ``grad``, ``jit`` and ``vmap``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import sympy as sp
from points import (
    CORE,
    NAMES,
    POINTS,
    SHAPES,
    batched,
    by_rows,
    derived,
    expected_gradients,
    many,
    namespace,
    point,
    upstream,
)

from symllm.catalogue import ops
from symllm.codegen import function_source
from symllm.codegen.functions import Total
from symllm.codegen.jax import JAX
from symllm.codegen.lines import Line, over
from symllm.codegen.writer import body_of
from symllm.equation import Let
from symllm.notation import Dim, Tensor, entry
from symllm.op import Op
from symllm.program import Program

jax = pytest.importorskip("jax")
jnp = pytest.importorskip("jax.numpy")

names = pytest.mark.parametrize("name", NAMES)
shapes = pytest.mark.parametrize(("name", "axes"), POINTS, ids=SHAPES)


@pytest.fixture(autouse=True)
def _double_precision() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def arrays(op: Op, dtype: str = "float64") -> dict[str, Any]:
    """The inputs of a point; constants without axes as Python's numbers."""
    given = point(op.program)
    return {
        t.name: float(given[t.name])
        if not t.dims and t.role == "constant"
        else jnp.asarray(given[t.name], dtype="int32" if t.integer else dtype)
        for t in op.program.inputs
    }


def places(op: Op, *wrt: str) -> tuple[int, ...]:
    return tuple(list(op.inputs).index(x) for x in wrt)


def outputs_of(function: Any, *given: Any) -> tuple[Any, ...]:
    found = function(*given)
    return tuple(found.values()) if isinstance(found, dict) else many(found)


def loss(function: Any, op: Op) -> Any:
    """The outputs, weighted by their upstream gradients."""
    weights = [jnp.asarray(dy) for dy in upstream(op).values()]
    return lambda *given: sum(
        (y * dy).sum() for y, dy in zip(outputs_of(function, *given), weights, strict=True)
    )


@shapes
def test_agrees_with_numpy(name: str, axes: tuple[str, ...]) -> None:
    op = batched(name, axes)
    g, inputs, forward = derived(op), arrays(op), by_rows(op, point(op.program))
    function = namespace(g.code("jax"))[name]
    for each in (namespace(op.code("jax"))[name], function):
        for output, value in zip(outputs_of(each, *inputs.values()), forward.values(), strict=True):
            np.testing.assert_allclose(output, value, rtol=1e-12, atol=1e-12)
    found = jax.grad(loss(function, op), places(op, *g.wrt))(*inputs.values())
    expected = expected_gradients(op, *g.wrt)
    for gradient, value in zip(found, expected.values(), strict=True):
        np.testing.assert_allclose(gradient, value, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CORE)
def test_gradients_are_those_of_the_function_itself(name: str) -> None:
    """JAX differentiates the forward function by its own rules."""
    op = batched(name, ("N",))
    g, inputs = derived(op), arrays(op)
    taught = namespace(g.code("jax"))[name]
    plain = namespace(op.code("jax"))[name]
    at = places(op, *g.wrt)
    found = jax.jit(jax.grad(loss(taught, op), at))(*inputs.values())
    for gradient, value in zip(found, jax.grad(loss(plain, op), at)(*inputs.values()), strict=True):
        np.testing.assert_allclose(gradient, value, rtol=1e-10, atol=1e-12)


def test_a_wrong_sign_is_seen() -> None:
    op = batched("layer_norm", ("N",))
    source = derived(op).code("jax")
    wrong = source.replace("- mean_dxhat\n", "+ mean_dxhat\n").replace(
        "- mean_dxhat)", "+ mean_dxhat)"
    )
    assert wrong != source
    plain, inputs = namespace(op.code("jax"))["layer_norm"], arrays(op)
    found = jax.grad(loss(namespace(wrong)["layer_norm"], op))(*inputs.values())
    expected = jax.grad(loss(plain, op))(*inputs.values())
    assert not np.allclose(found, expected)


@names
def test_one_gradient_alone(name: str) -> None:
    """Inputs that were not asked for are constants: their gradient is zero."""
    op = batched(name, ("N",))
    inputs = arrays(op)
    every = derived(op).wrt
    for x in every:
        function = namespace(derived(op, x).code("jax"))[name]
        found = jax.grad(loss(function, op), places(op, *every))(*inputs.values())
        expected = expected_gradients(op, x)
        for other, gradient in zip(every, found, strict=True):
            value = expected.get(f"d{other}", 0)
            np.testing.assert_allclose(gradient, value + 0 * gradient, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", CORE)
def test_rows_of_a_batch_may_be_mapped(name: str) -> None:
    op, rows = ops[name], batched(name, ("N",))
    inputs = arrays(rows)
    axes = [0 if t.role in ("data", "target") else None for t in op.program.inputs]
    function = namespace(derived(op).code("jax"))[name]
    found = many(jax.jit(jax.vmap(function, axes))(*inputs.values()))
    expected = by_rows(rows, point(rows.program))
    for output, value in zip(found, expected.values(), strict=True):
        np.testing.assert_allclose(output, value, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CORE)
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_precision_is_kept(name: str, dtype: str) -> None:
    """To four roundings, or twice as far off as JAX's own differentiation in that precision."""
    op = batched(name, ("N", "T"))
    g, low = derived(op), arrays(op, dtype)
    high = {
        n: v.astype("float64") if hasattr(v, "dtype") and v.dtype == dtype else v
        for n, v in low.items()
    }

    def values(source: str, given: dict[str, Any]) -> list[Any]:
        function = namespace(source)[name]
        outputs, back = jax.vjp(lambda *a: outputs_of(function, *a), *given.values())
        weights = zip(outputs, upstream(op).values(), strict=True)
        gradients = back(tuple(jnp.asarray(dy, y.dtype) for y, dy in weights))
        return [*outputs, *(gradients[k] for k in places(op, *g.wrt))]

    taught = g.code("jax")
    found, exact = values(taught, low), values(taught, high)
    step = 4 * float(jnp.finfo(dtype).eps)
    for near, own, far in zip(found, values(op.code("jax"), low), exact, strict=True):
        assert near.dtype == dtype
        bound = max(step, 2 * distance(own, far))
        assert distance(near, far) <= bound


def distance(near: Any, far: Any) -> float:
    """The largest error, relative to the entry and to the largest entry."""
    scale = abs(far) + (abs(far).max() or 1.0)
    return float((abs(near.astype("float64") - far) / scale).max())


@shapes
def test_source_is_plain(name: str, axes: tuple[str, ...]) -> None:
    op = batched(name, axes)
    for source in (op.code("jax"), derived(op).code("jax")):
        assert max(map(len, source.splitlines())) <= 88
        assert not re.search(r"numpy(?! as jnp)|\bnp\.|scipy(?<!jax.scipy)|out=|[-+*/]= ", source)
        assert not re.search(r"\.copy\(\)|\]\s=[^=]", source)


SAYS = (
    ("layer_norm", ("@jax.custom_vjp", "jax.lax.rsqrt(", "return dx, dgamma, dbeta, None")),
    ("layer_norm", ("layer_norm.defvjp(layer_norm_forward, layer_norm_backward)",)),
    ("softmax", ("return p, (p,)", "return (dx,)")),
    ("causal_attention", ("jnp.where(jnp.tri(n, dtype=bool), S, -jnp.inf)",)),
    ("cross_entropy_index", ("jnp.take_along_axis(", "return dz, None")),
    ("gelu", ("from jax.scipy.special import erf",)),
    ("softplus", ("jax.nn.softplus(x)",)),
    ("sliding_window", ("mask = jnp.tri(n, dtype=bool) & (jnp.arange(n)[:, None] -",)),
    ("alibi", ("(jnp.arange(n) - jnp.arange(n)[:, None]).astype(\n",)),
)


@pytest.mark.parametrize(("name", "texts"), SAYS, ids=[row[0] for row in SAYS])
def test_source_says(name: str, texts: tuple[str, ...]) -> None:
    source = derived(batched(name, ("N", "T"))).code("jax")
    for text in texts:
        assert text in source


def test_constants_may_be_traced() -> None:
    op = ops.layer_norm
    inputs = arrays(op)
    function = namespace(derived(op).code("jax"))["layer_norm"]
    found = jax.jit(function)(*inputs.values())
    np.testing.assert_allclose(found, op.numpy(**point(op.program)), rtol=1e-12)


# --------------------------------------------------------------------------
# What the catalogue does not say
# --------------------------------------------------------------------------

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
b, i, j = (sp.Symbol(c, integer=True) for c in "bij")
N, n = Dim("N"), Dim("n")
x = Tensor("x", (N, n))

SMALL: tuple[tuple[sp.Expr, str, Any], ...] = (
    (x[b, i], "y = x\n", X),
    (sp.S.Zero * x[b, i] + 2, "jnp.full((N, n), 2, dtype=x.dtype)", np.full((2, 3), 2.0)),
    (sp.Sum(x[b, j], (j, 0, n.symbol - 1)), "broadcast_to(", X.sum(1)[:, None] + 0 * X),
    (sp.Heaviside(x[b, i]), "jnp.heaviside(x, 0.5)", np.heaviside(X, 0.5)),
)


@pytest.mark.parametrize(("expr", "text", "value"), SMALL, ids=[str(row[0]) for row in SMALL])
def test_small_expressions(expr: sp.Expr, text: str, value: Any) -> None:
    declared = (Tensor("y", (N, n)),)
    program = Program("f", (x,), (Let(entry("y", b, i), expr),), ("y",), declared=declared)
    source = function_source(JAX, program, "f")
    assert text in source
    np.testing.assert_allclose(namespace(source)["f"](jnp.asarray(X)), value, rtol=1e-14)


def test_a_sum_over_looked_up_rows_is_scattered() -> None:
    a, k = (sp.Symbol(c, integer=True) for c in "ak")
    v, d = Dim("v"), Dim("d")
    rows = Tensor("t", (N, n), "target", v)
    inputs = (Tensor("dy", (N, n, d)), rows, Tensor("W", (v, d), "parameter"))
    picked = sp.KroneckerDelta(a, entry("t", b, i)) * entry("dy", b, i, k)
    value = over(Total, picked, ((b, N.symbol), (i, n.symbol)))
    line = Line("dW", (a, k), (v.symbol, d.symbol), value)
    (statement,) = body_of([line], inputs, ("dW",), JAX).statements
    assert statement.text == "dW = jnp.zeros((v, d), dtype=dy.dtype).at[t].add(dy)"
