"""A gradient as two programs: what is saved, and that the halves make the whole."""

from __future__ import annotations

import numpy as np
import pytest
from points import (
    POINTS,
    SHAPES,
    batched,
    derived,
    expected_gradients,
    many,
    namespace,
    point,
    upstream,
)
from sympy import exp, log

from symllm.catalogue import ops
from symllm.codegen import TARGETS, pair_source
from symllm.codegen.function import listed, unpacked
from symllm.equation import Let
from symllm.notation import Dim, scalar, sum_over
from symllm.op import Op

#: What the gradients by all inputs need.
SAVED = {
    "softmax": "p",
    "log_softmax": "p",
    "logsumexp": "p",
    "masked_softmax": "p",
    "cross_entropy": "y p",
    "cross_entropy_index": "t p",
    "layer_norm": "gamma r xhat",
    "rms_norm": "x gamma r",
    "linear": "x W",
    "relu": "x",
    "sigmoid": "y",
    "tanh": "y",
    "softplus": "x",
    "gelu": "x",
    "gelu_tanh": "x",
    "silu": "x",
    "attention": "Q K V P O",
    "causal_attention": "Q K V P O",
    "masked_attention": "Q K V P O",
}


@pytest.mark.parametrize("name", SAVED)
def test_little_is_saved(name: str) -> None:
    pair = derived(batched(name, ("N",))).pair
    assert " ".join(t.name for t in pair.saved) == SAVED[name]


@pytest.mark.parametrize(("name", "axes"), POINTS, ids=SHAPES)
def test_the_halves_make_the_whole(name: str, axes: tuple[str, ...]) -> None:
    op = batched(name, axes)
    g, given = derived(op), point(op.program)
    expected = list(expected_gradients(op, *g.wrt).values())
    functions = namespace(pair_source("numpy", g.pair, op.title, "Gradient."))
    inputs = [given[t.name] for t in op.program.inputs]
    results, saved = functions[f"{name}_forward"](*inputs)
    whole = op.lambdify()(**given)
    whole = whole.values() if isinstance(whole, dict) else [whole]
    for result, value in zip(many(results), whole, strict=True):
        np.testing.assert_allclose(result, value, rtol=1e-13)
    before = [np.copy(array) for array in saved]
    upstreams = tuple(upstream(op).values())
    for _ in range(2):  # what is saved is not used up
        given = upstreams if len(upstreams) > 1 else upstreams[0]
        found = functions[f"{name}_backward"](saved, given)
        found = [found] if len(expected) == 1 else found
        for gradient, value in zip(found, expected, strict=True):
            np.testing.assert_allclose(gradient, value, rtol=1e-10, atol=1e-13)
    for array, copy in zip(saved, before, strict=True):
        np.testing.assert_array_equal(array, copy)


n = Dim("n")
i, j = n.indices("i j")
x, w, u, y, z = (n.vector(name) for name in ("x", "w", "u", "y", "z"))
s = scalar("s")


def op_of(*equations: Let, inputs: tuple = (x, w), outputs: tuple[str, ...] = ()) -> Op:
    return Op("f", "An example", inputs, equations, lambda *given: None, outputs)


def test_a_gradient_that_is_zero_is_none() -> None:
    op = op_of(Let(y[i], exp(x[i])))
    pair = op.gradient().pair
    assert dict(pair.gradients) == {"x": "dx"}
    assert "return dx, None\n" in op.gradient().code("torch")
    assert "return dx, None\n" in op.gradient().code("jax")


def test_an_input_is_saved_for_its_size_alone() -> None:
    pair = op_of(Let(s, sum_over(x[j] + w[j], j))).gradient().pair
    assert [t.name for t in pair.saved] == ["x"]


def test_a_gradient_that_is_zero_and_alone_is_written() -> None:
    op = op_of(Let(y[i], exp(x[i])))
    assert "dw = dy.new_full((n,), 0)\n" in op.gradient("w").code("torch")


def test_upstream_gradients_of_several_outputs() -> None:
    op = op_of(Let(y[i], exp(x[i])), Let(z[i], x[i] * w[i]), outputs=("y", "z"))
    source = op.gradient().code("torch")
    assert "def backward(ctx, dy, dz):" in source
    assert "return y, z\n" in source
    assert "dy, dz = upstream" in op.gradient().code("jax")


BIG = np.array([1e4, 9999.0, -1e4])
E = n.vector("E")

#: Ops whose gradients mention what overflows by itself: equations, the gradient at ``BIG``.
LARGE = {
    "no name for the weights": (
        (Let(E[i], exp(x[i])), Let(s, log(sum_over(E[j], j)))),
        np.exp(BIG - 1e4) / np.exp(BIG - 1e4).sum(),
    ),
    "a logistic function": (
        (Let(E[i], exp(x[i])), Let(y[i], log(1 + E[i]))),
        np.array([1.0, 1.0, 0.0]),
    ),
}


@pytest.mark.parametrize("case", LARGE)
def test_what_overflows_is_not_saved(case: str) -> None:
    equations, expected = LARGE[case]
    op = op_of(*equations, inputs=(x,))
    functions = namespace(pair_source("numpy", op.gradient().pair, "An example", "Gradient."))
    with np.errstate(over="raise", invalid="raise"):
        output, saved = functions["f_forward"](BIG)
        found = functions["f_backward"](saved, np.ones_like(output))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("target", ["torch", "jax"])
def test_several_outputs_are_differentiated(target: str) -> None:
    library = pytest.importorskip(target)
    op = op_of(Let(y[i], exp(x[i])), Let(z[i], x[i] * w[i]), outputs=("y", "z"))
    function = namespace(op.gradient().code(target))["f"]
    values = [np.array([0.5, -1.0], "float32"), np.array([2.0, 3.0], "float32")]
    expected = (np.exp(values[0]) + 2 * values[1], 2 * values[0])
    if target == "torch":
        given = [library.tensor(v, requires_grad=True) for v in values]
        outputs = function(*given)
        (outputs[0] + 2 * outputs[1]).sum().backward()
        found = [v.grad for v in given]
    else:
        found = library.grad(lambda *a: (function(*a)[0] + 2 * function(*a)[1]).sum(), (0, 1))(
            *values
        )
    for gradient, value in zip(found, expected, strict=True):
        np.testing.assert_allclose(gradient, value, rtol=1e-6)


@pytest.mark.parametrize("target", TARGETS)
def test_sentences_of_any_length_are_broken_into_even_rows(target: str) -> None:
    x, y = (Dim("n").vector(name) for name in "xy")
    (i,) = Dim("n").indices("i")
    for words in range(1, 40):
        title = " ".join(["A", *["word"] * words])
        op = Op("long", title, (x,), (Let(y[i], exp(x[i])),), numpy=np.exp)
        source = op.gradient().code(target)
        assert max(map(len, source.splitlines())) <= 88
        for doc in source.split('"""')[1::2]:
            first, *rest = [row.strip() for row in doc.split("\n\n")[0].strip().splitlines()]
            assert all(len(first) - len(row) < 20 for row in rest), doc


@pytest.mark.parametrize("target", TARGETS)
def test_jacobians_and_hessians_are_functions(target: str) -> None:
    assert "def softmax_jacobian(x):" in ops.softmax.jacobian("x").code(target)
    assert "def cross_entropy_hessian(z):" in ops.cross_entropy.hessian("z").code(target)


NAMES = [f"a_long_name_{k}" for k in range(9)]


@pytest.mark.parametrize("names", [["p"], ["a", "b"], NAMES], ids=len)
def test_lists_of_names_wrap(names: list[str]) -> None:
    for rows in (unpacked(names, "saved", 80), listed("return (", names, ")", 80)):
        assert max(map(len, rows)) <= 80
    scope: dict[str, object] = {"saved": tuple(range(len(names)))}
    exec("\n".join(unpacked(names, "saved", 80)), scope)
    assert [scope[name] for name in names] == [*range(len(names))]
