"""Ops from formulas: what is inferred, what is asked for, and that they are ops like others."""

from __future__ import annotations

import numpy as np
import pytest

from symllm import Dim, Op, OpError, ReadError, ops

RMS = [r"r = \frac{1}{\sqrt{\frac{1}{d}\sum_j x_j^2 + \epsilon}}", r"y_i = \gamma_i r x_i"]
ATTENTION = [
    r"O_{il} = \sum_j P_{ij} V_{jl}",
    r"P_{ij} = \mathrm{softmax}_j(S_{ij})",
    r"S_{ij} = \frac{1}{\sqrt{d}} \sum_k Q_{ik} K_{jk}",
]


@pytest.mark.parametrize(
    "dims", [None, "d", Dim("d"), ("d",), {"x": "d"}, {"i": "d"}, {"x": ("d",), "gamma": ("d",)}]
)
def test_dimensions_are_said_in_many_ways_or_inferred(dims: object) -> None:
    op = Op.from_latex(RMS, dims=dims)
    assert {n: t.shape_text for n, t in op.inputs.items()} == {
        "x": "[d]",
        "eps": "[]",
        "gamma": "[d]",
    }
    assert list(op.outputs) == ["y"]


def test_an_op_from_formulas_is_the_op() -> None:
    op, known = Op.from_latex(RMS, dims="d"), ops.rms_norm
    rng = np.random.default_rng(0)
    given = {"x": rng.normal(size=5), "gamma": rng.normal(size=5), "eps": 0.1}
    assert np.allclose(op.lambdify()(**given), known.lambdify()(**given))
    dy = rng.normal(size=5)
    mine, theirs = (o.gradient("x", "gamma").lambdify()(**given, dy=dy) for o in (op, known))
    for name in ("dx", "dgamma"):
        assert np.allclose(mine[name], theirs[name])
    assert np.allclose(op.numpy(**given), known.numpy(**given))


def test_it_is_derived_checked_generated_and_documented() -> None:
    op = Op.from_latex(RMS, dims="d", name="my_norm", title="My norm")
    derivation = op.gradient()
    assert list(derivation.results) == ["dx", "dgamma"]
    assert derivation.verify(autograd=False).ok
    assert "def my_norm" in op.code("numpy")
    assert "class MyNorm" in derivation.code("torch")
    assert r"\frac{\partial L}{\partial x_i}" in derivation.to_markdown()
    assert op.batched("N").inputs["x"].shape_text == "[N, d]"
    assert op.batched("N").inputs["gamma"].shape_text == "[d]"


def test_equations_may_stand_in_any_order_and_in_one_text() -> None:
    op = Op.from_latex(ATTENTION, dims={"Q": ("n", "d")})
    shapes = {n: t.shape_text for n, t in op.inputs.items()}
    assert shapes == {"Q": "[n, d]", "K": "[m, d]", "V": "[m, e]"}
    assert [let.name for let in op.equations] == ["S", "P", "O"]
    together = r"\begin{aligned} " + r" \\ ".join(ATTENTION) + r" \end{aligned}"
    assert Op.from_latex(together, dims={"Q": ("n", "d")}).equations == op.equations
    rng = np.random.default_rng(1)
    given = {n: rng.normal(size=s) for n, s in (("Q", (3, 5)), ("K", (4, 5)), ("V", (4, 2)))}
    assert np.allclose(op.lambdify()(**given), ops.attention.numpy(**given))


def test_matrix_notation_needs_the_shapes() -> None:
    op = Op.from_latex(r"y = W x + b", dims={"W": ("n", "m"), "x": "m", "b": "n"})
    assert {n: t.role for n, t in op.inputs.items()} == {
        "W": "parameter",
        "x": "data",
        "b": "parameter",
    }
    assert op.gradient("W").matrix["dW"] is not None


def test_roles_and_domains_can_be_said() -> None:
    op = Op.from_latex(
        r"L = -\sum_i y_i \log p_i", roles={"y": "target"}, domains={"y": "distribution"}
    )
    assert op.inputs["y"].role == "target"
    assert op.inputs["y"].domain == "distribution"
    assert op.inputs["p"].domain == "positive", "a logarithm is taken of it"
    assert str(op.gradient("p").result) == "-y[i]/p[i]"


REFUSED = (
    (r"y_i = x_j", None, ReadError, "j is free on the right"),
    (r"y_i = \log x_i b_i", None, ReadError, "several ways"),
    (r"y_i = x_i + y_i", None, ReadError, "defined by themselves: y"),
    (r"y_i = 2", None, ReadError, "names at least one input"),
    (r"y_i + 1 = x_i", None, ReadError, "left side"),
    (r"y_i = x_i, y_i = 2 x_i", None, ReadError, "y is defined twice"),
    (r"y_i = \sum_j W_{ij} x_j", {"W": ("n", "m"), "x": "n"}, ReadError, "runs to"),
    (r"y = W x", {"W": ("n", "m"), "x": "n"}, ReadError, "do not multiply"),
    (r"y_i = x_i", ("n", "m"), OpError, "does not say which"),
    (r"y_i = x_i", {"x": 3}, OpError, "a dimension is a name"),
    ([], None, OpError, "at least one equation"),
)  # fmt: skip


@pytest.mark.parametrize(("text", "dims", "error", "says"), REFUSED)
def test_what_is_no_op_is_refused(
    text: str, dims: object, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        Op.from_latex(text, dims=dims)


def test_a_role_of_no_input_is_refused() -> None:
    with pytest.raises(OpError, match="'z' is no input"):
        Op.from_latex(r"y_i = x_i", roles={"z": "target"})


def test_names_that_python_keeps_for_itself_are_called_otherwise() -> None:
    op = Op.from_latex(r"y_i = \lambda x_i")
    assert list(op.inputs) == ["lambda_", "x"]
    assert r"\lambda" in op.to_latex()


def test_a_function_of_a_whole_axis() -> None:
    op = Op.from_latex(r"p_i = \mathrm{softmax}(x)_i", dims={"x": "n"})
    x = np.random.default_rng(2).normal(size=4)
    assert np.allclose(op.lambdify()(x=x), ops.softmax.numpy(x))
