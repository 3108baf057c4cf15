"""Generated PyTorch: right, in every precision and on every device, and known to autograd."""

from __future__ import annotations

import re
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
from symllm.codegen.lines import Line, over
from symllm.codegen.torch import TORCH
from symllm.codegen.writer import body_of
from symllm.equation import Let
from symllm.notation import Dim, Iverson, Tensor, entry, matrix, scalar, sum_over
from symllm.op import Op
from symllm.program import Program

torch = pytest.importorskip("torch")

names = pytest.mark.parametrize("name", NAMES)
shapes = pytest.mark.parametrize(("name", "axes"), POINTS, ids=SHAPES)


def tensors(op: Op, dtype: Any = None, device: str = "cpu", grad: bool = True) -> dict[str, Any]:
    """The inputs of a point; constants without axes as Python's numbers."""
    found = {}
    for t in op.program.inputs:
        value = point(op.program)[t.name]
        if not t.dims and t.role == "constant":
            found[t.name] = float(value)
            continue
        kind = torch.int64 if t.integer else dtype or torch.float64
        found[t.name] = torch.tensor(value, dtype=kind, device=device)
        found[t.name].requires_grad_(grad and t.differentiable)
    return found


@shapes
def test_forward_agrees_with_the_oracle(name: str, axes: tuple[str, ...]) -> None:
    op = batched(name, axes)
    expected = by_rows(op, point(op.program))
    for source in (op.code("torch"), derived(op).code("torch")):
        found = namespace(source)[name](*tensors(op).values())
        found = found.values() if isinstance(found, dict) else many(found)
        for output, value in zip(found, expected.values(), strict=True):
            assert output.dtype == torch.float64
            np.testing.assert_allclose(output.detach(), value, rtol=1e-12, atol=1e-12)


def gradients(function: Any, given: dict[str, Any], op: Op) -> dict[str, Any]:
    outputs = many(function(*given.values()))
    pairs = zip(outputs, upstream(op).values(), strict=True)
    torch.autograd.backward(outputs, [torch.tensor(dy, dtype=y.dtype) for y, dy in pairs])
    return {f"d{n}": v.grad for n, v in given.items() if torch.is_tensor(v) and v.requires_grad}


@shapes
def test_gradients_agree_with_numpy(name: str, axes: tuple[str, ...]) -> None:
    op = batched(name, axes)
    g = derived(op)
    found = gradients(namespace(g.code("torch"))[name], tensors(op), op)
    expected = expected_gradients(op, *g.wrt)
    assert found.keys() == expected.keys()
    for key, gradient in expected.items():
        np.testing.assert_allclose(found[key], gradient, rtol=1e-10, atol=1e-12)


@names
def test_one_gradient_alone(name: str) -> None:
    op = batched(name, ("N",))
    for x in derived(op).wrt:
        found = gradients(namespace(derived(op, x).code("torch"))[name], tensors(op), op)
        (gradient,) = expected_gradients(op, x).values()
        np.testing.assert_allclose(found.pop(f"d{x}"), gradient, rtol=1e-10, atol=1e-12)
        assert set(found.values()) <= {None}


@names
def test_differences_agree(name: str) -> None:
    op = batched(name, ("N",))
    assert torch.autograd.gradcheck(
        namespace(derived(op).code("torch"))[name], tuple(tensors(op).values())
    )


def test_differences_see_a_wrong_sign() -> None:
    op = batched("layer_norm", ("N",))
    source = derived(op).code("torch")
    wrong = source.replace("- mean_dxhat)", "+ mean_dxhat)")
    assert wrong != source
    with pytest.raises(RuntimeError, match="mismatch"):
        torch.autograd.gradcheck(namespace(wrong)["layer_norm"], tuple(tensors(op).values()))


@pytest.mark.parametrize("name", CORE)
def test_gradients_are_not_differentiated_again(name: str) -> None:
    """The closed form is not what autograd saw: a second derivative would be wrong."""
    op = batched(name, ("N",))
    given = tensors(op)
    wanted = [v for v in given.values() if torch.is_tensor(v) and v.requires_grad]
    outputs = many(namespace(derived(op).code("torch"))[name](*given.values()))
    squares = sum((output**2).sum() for output in outputs)
    (first, *_) = torch.autograd.grad(squares, wanted, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.sum().backward()


@pytest.mark.parametrize("name", CORE)
@pytest.mark.parametrize("half", ["bfloat16", "float16"])
def test_half_precision_is_close_and_kept(name: str, half: str) -> None:
    op = ops[name].batched("N", "T")
    dtype = getattr(torch, half)
    function = namespace(derived(op).code("torch"))[name]
    low = tensors(op, dtype)
    high = {n: exact(v) if torch.is_tensor(v) else v for n, v in low.items()}
    near, far = gradients(function, low, op), gradients(function, high, op)
    for found, given in ((near, low), (far, high)):
        found |= zip(op.outputs, many(function(*given.values())), strict=True)
    step = 4 * torch.finfo(dtype).eps
    for key, value in far.items():
        assert near[key].dtype == dtype
        scale = value.abs().max().item()
        np.testing.assert_allclose(
            near[key].detach().double(), value.detach(), rtol=step, atol=step * scale
        )


def exact(low: Any) -> Any:
    """The same numbers in double precision."""
    if not low.is_floating_point():
        return low
    return low.detach().double().requires_grad_(low.requires_grad)


@shapes
def test_all_is_made_on_the_device_given(name: str, axes: tuple[str, ...]) -> None:
    """Arrays on two devices do not meet, and the device without memory is always there."""
    op = batched(name, axes)
    if "t" in op.inputs and not axes:
        pytest.skip("an index without memory looks up nothing")
    given = tensors(op, device="meta")
    outputs = many(namespace(derived(op).code("torch"))[name](*given.values()))
    torch.autograd.backward(outputs, [torch.empty_like(output) for output in outputs])
    for value in given.values():
        if torch.is_tensor(value) and value.requires_grad:
            assert value.grad.device.type == "meta"
            assert value.grad.shape == value.shape


@shapes
def test_source_is_plain(name: str, axes: tuple[str, ...]) -> None:
    op = batched(name, axes)
    for source in (op.code("torch"), derived(op).code("torch")):
        assert max(map(len, source.splitlines())) <= 88
        assert not re.search(r"numpy|np\.|\.cpu\(|out=|[-+*/]= |keepdims|--|\+ -", source)


SAYS = (
    (
        "layer_norm",
        ("class LayerNorm(torch.autograd.Function)", "torch.rsqrt(", "(dy * xhat).sum("),
    ),
    ("causal_attention", (".tril()", "torch.where(mask, S, -torch.inf)", "device=Q.device")),
    ("masked_softmax", ("torch.where(mask != 0, x, -torch.inf)",)),
    ("cross_entropy_index", ("torch.take_along_dim(", "torch.arange(n, device=dL.device)")),
    ("linear", ("dy.reshape(-1, n).T @ x.reshape(-1, m)",)),
    ("relu", ("torch.clamp(x, min=0)",)),
    ("sliding_window", ("mask = (", ".tril()\n", "torch.where(mask, S, -torch.inf)")),
    (
        "rope",
        ("torch.promote_types(x.dtype, torch.float32)\n", "torch.cos(theta).to(x.dtype) * x"),
    ),
)


@pytest.mark.parametrize(("name", "texts"), SAYS, ids=[row[0] for row in SAYS])
def test_source_says(name: str, texts: tuple[str, ...]) -> None:
    source = derived(batched(name, ("N", "T"))).code("torch")
    for text in texts:
        assert text in source


def test_brackets_are_closed_where_they_were_opened() -> None:
    source = ops.gelu.jacobian("x").code("torch")
    assert re.search(r"\n *torch.arange\(n, device=x.device\)\[:, None\]\n", source)
    assert re.search(r"\n *== torch.arange\(n, device=x.device\)\n", source)


def test_extreme_inputs() -> None:
    x = torch.tensor([[1e4, -1e4], [0.0, 9999.0]], dtype=torch.float64, requires_grad=True)
    for name in ("softmax", "log_softmax", "sigmoid", "softplus", "silu", "gelu", "logsumexp"):
        output = namespace(derived(batched(name, ("N",))).code("torch"))[name](x)
        (gradient,) = torch.autograd.grad(output.sum(), x)
        assert torch.isfinite(output).all(), name
        assert torch.isfinite(gradient).all(), name


def test_a_fully_masked_row_has_no_gradient() -> None:
    op = batched("masked_attention", ())
    given = tensors(op)
    given["M"] = torch.zeros_like(given["M"])
    given["M"][0] = -torch.inf
    output = namespace(derived(op).code("torch"))["masked_attention"](*given.values())
    output.sum().backward()
    assert torch.isfinite(output).all()
    assert (given["Q"].grad[0] == 0).all()


def block() -> Op:
    """Layer norm, a matrix, GELU, a matrix, and the input added again."""
    n, d, m = Dim("n"), Dim("d"), Dim("m")
    (i, a), (k, l) = (n.index("i"), m.index("a")), d.indices("k l")
    x, h, y = (matrix(name, n, d) for name in "xhy")
    u, s = (matrix(name, n, m) for name in "us")
    W, U = matrix("W", m, d, "parameter"), matrix("U", d, m, "parameter")
    gamma, beta = d.vector("gamma", "parameter"), d.vector("beta", "parameter")
    eps = scalar("eps", "constant", "positive")
    equations = (
        Let(h[i, k], ops.layer_norm(x[i, k], gamma[k], beta[k], eps, over=k)),
        Let(u[i, a], sum_over(W[a, l] * h[i, l], l)),
        Let(s[i, a], ops.gelu(u[i, a], over=a)),
        Let(y[i, k], x[i, k] + sum_over(U[k, a] * s[i, a], a)),
    )
    return Op("block", "A block", (x, gamma, beta, eps, W, U), equations, lambda *given: None)


def test_an_op_made_of_ops() -> None:
    op = block().batched("N")
    source = op.gradient().code("torch")
    assert "ctx.save_for_backward(gamma, beta, W, U, r, xhat, u)" in source
    assert torch.autograd.gradcheck(namespace(source)["block"], tuple(tensors(op).values()))


# --------------------------------------------------------------------------
# What the catalogue does not say
# --------------------------------------------------------------------------

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
b, i, j = (sp.Symbol(c, integer=True) for c in "bij")
N, n, m = Dim("N"), Dim("n"), Dim("m")
x = Tensor("x", (N, n))
t = Tensor("t", (N,), "target", n)
W = Tensor("W", (n, m), "parameter")
TABLE = np.arange(12.0).reshape(3, 4)

#: An expression over the given indices, what its source says, its value at x = X, t = [2, 0].
SMALL: tuple[tuple[sp.Expr, tuple[sp.Symbol, ...], str, Any], ...] = (
    (sp.Max(x[b, i], -x[b, i]), (b, i), "torch.maximum(-x, x)", abs(X)),
    (sp.Min(x[b, i], 1), (b, i), "torch.clamp(x, max=1)", np.minimum(X, 1)),
    (sp.Heaviside(x[b, i]), (b, i), "torch.heaviside", np.heaviside(X, 0.5)),
    (x[b, i], (b, i), "x.clone()", X),
    (x[b, i], (i, b), "x.T", X.T),
    (sp.S.Zero * x[b, i] + 2, (b, i), "new_full((N, n), 2)", np.full((2, 3), 2.0)),
    (sp.Sum(x[b, j], (j, 0, n.symbol - 1)), (b, i), ".expand(N, n)", X.sum(1)[:, None] + 0 * X),
    (W[t[b], j], (b, j), "W[t]", TABLE[[2, 0]]),
    (x[b, t[b]], (b,), "take_along_dim", X[[0, 1], [2, 0]]),
    (i * x[b, i], (b, i), ".to(x.dtype)", X * np.arange(3)),
    (1 - Iverson(x[b, i] > 0), (b, i), "(x > 0).to(x.dtype)", 1.0 - (X > 0)),
    (
        sp.Sum(x[b, j] * Iverson(j <= i), (j, 0, n.symbol - 1)),
        (b, i),
        "tril().to(x.dtype)",
        np.cumsum(X, axis=1),
    ),
    (
        sp.Sum(x[b, j] * Iverson(i < j), (j, 0, n.symbol - 1)),
        (b, i),
        ".triu(1).to(x.dtype)",
        X.sum(1)[:, None] - np.cumsum(X, axis=1),
    ),
)


@pytest.mark.parametrize(("expr", "at", "text", "value"), SMALL, ids=[str(r[0]) for r in SMALL])
def test_small_expressions(expr: sp.Expr, at: tuple[sp.Symbol, ...], text: str, value: Any) -> None:
    dims = {b: N, i: n, j: m}
    declared = (Tensor("y", tuple(dims[s] for s in at)),)
    inputs = (x, t, W)
    program = Program("f", inputs, (Let(entry("y", *at), expr),), ("y",), declared=declared)
    source = function_source(TORCH, program, "f")
    given = {"x": torch.tensor(X), "t": torch.tensor([2, 0]), "W": torch.tensor(TABLE)}
    needed = source.split("def f(")[1].split(")")[0].split(", ")
    found = namespace(source)["f"](**{name: given[name] for name in needed})
    assert text in source
    np.testing.assert_allclose(found, value, rtol=1e-14)
    assert found.dtype == torch.float64


@pytest.mark.parametrize("c", [-800.0, -0.3, 0.0, 2.5, 800.0])
def test_numbers_do_not_overflow(c: float) -> None:
    number = scalar("c", role="constant")
    small, large = 1 / (1 + sp.exp(-sp.Symbol("c"))), sp.log(1 + sp.exp(sp.Symbol("c")))
    program = Program("f", (x, number), (Let(entry("y", b, i), x[b, i] * small * large),), ("y",))
    source = function_source(TORCH, program, "f")
    found = namespace(source)["f"](torch.tensor(X), c)
    expected = np.exp(-np.logaddexp(0, -c)) * np.logaddexp(0, c)
    assert "math." in source
    np.testing.assert_allclose(found, X * expected, rtol=1e-12)


def test_a_sum_over_looked_up_rows_is_scattered() -> None:
    a, k = (sp.Symbol(c, integer=True) for c in "ak")
    v, d = Dim("v"), Dim("d")
    rows = Tensor("t", (N, n), "target", v)
    inputs = (Tensor("dy", (N, n, d)), rows, Tensor("W", (v, d), "parameter"))
    picked = sp.KroneckerDelta(a, entry("t", b, i)) * entry("dy", b, i, k)
    line = Line(
        "dW",
        (a, k),
        (v.symbol, d.symbol),
        over(Total, picked, ((b, N.symbol), (i, n.symbol))),
    )
    (statement,) = body_of([line], inputs, ("dW",), TORCH).statements
    assert statement.text == "dW = dy.new_zeros(v, d).index_put((t,), dy, accumulate=True)"
    dy, at = torch.randn(2, 3, 4), torch.tensor([[0, 1, 0], [4, 1, 0]])
    scope = {"dy": dy, "t": at, "v": 5, "d": 4}
    exec(statement.text, scope)
    expected = torch.zeros(5, 4).index_add(0, at.flatten(), dy.flatten(0, 1))
    torch.testing.assert_close(scope["dW"], expected)
