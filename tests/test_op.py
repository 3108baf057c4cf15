"""Ops: what they hold, how they are called, and questions about them."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from symllm import Dim, Let, Op, OpError, VerificationError, ops, scalar, sum_over
from symllm.notation import Tensor, entry

n = Dim("n")
i, j = n.indices("i j")
x, y = n.vector("x"), n.vector("y")


def test_the_face_of_an_op() -> None:
    op = ops.softmax
    assert list(op.inputs) == ["x"]
    assert list(op.outputs) == ["p"]
    assert [let.name for let in op.equations] == ["E", "Z", "p"]
    assert all(let.note for let in op.equations)
    assert repr(op).splitlines()[0] == "softmax(x[n])"


def test_an_op_is_frozen() -> None:
    for mapping in (ops.softmax.inputs, ops.softmax.outputs):
        with pytest.raises(TypeError):
            mapping["x"] = None  # type: ignore[index]


def test_expression_is_in_inputs_alone() -> None:
    expr = ops.softmax.expression
    (symbol,) = {s for s in expr.free_symbols if str(s) == "i"}
    total = sp.Sum(sp.exp(entry("x", j)), (j.symbol, 0, n.symbol - 1))
    assert expr == sp.exp(entry("x", symbol)) / total
    assert {str(b.label) for b in ops.attention.expression.atoms(sp.IndexedBase)} == set("QKV")


def test_lambdify_takes_keywords() -> None:
    f = ops.layer_norm.lambdify()
    values = np.array([1.0, 2.0, 4.0])
    found = f(x=values, gamma=np.ones(3), beta=np.zeros(3), eps=0.0)
    assert np.allclose(found, (values - values.mean()) / values.std())


def test_several_outputs() -> None:
    op = Op(
        "toy",
        "Toy",
        (x,),
        (Let(y[i], x[i] ** 2), Let(sp.Symbol("u"), sum_over(x[j], j))),
        numpy=lambda x: (x**2, x.sum()),
        outputs=("y", "u"),
    )
    assert list(op.outputs) == ["y", "u"]
    assert set(op.expression) == {"y", "u"}
    g = op.gradient("x")
    assert g.result == 2 * entry("dy", g.indices[0]) * entry("x", g.indices[0]) + sp.Symbol("du")
    assert g.verify().ok
    (one, two) = op.jacobian("x", "y").indices
    assert op.jacobian("x", "y").result == 2 * sp.KroneckerDelta(one, two) * entry("x", one)
    assert op.jacobian("x", "u").result == 1
    with pytest.raises(OpError, match=r"y\[n\]"):
        op.hessian("x")


def test_an_input_that_nothing_depends_on_has_gradient_zero() -> None:
    s = scalar("s")
    op = Op("toy", "Toy", (x, s), (Let(y[i], 2 * x[i]),), numpy=lambda x, s: 2 * x)
    assert op.gradient("s").result == 0
    assert op.gradient().verify().ok


def test_an_op_of_ones_own_is_verified_like_any_other() -> None:
    op = Op(
        "cumulative",
        "Weighted squares",
        (x, scalar("s", "parameter")),
        (Let(y[i], x[i] ** 2 * sp.Symbol("s") + sum_over(x[j], j)),),
        numpy=lambda x, s: s * x**2 + x.sum(),
    )
    for asked in (op, op.batched("N"), op.batched("B", "T")):
        assert asked.gradient().verify().ok
    assert op.jacobian("x").verify().ok


def test_declared_dimensions_hold_where_equations_do_not_say_them() -> None:
    s, z = scalar("s"), scalar("z")
    op = Op(
        "ramp",
        "Ramp",
        (x, s),
        (Let(y[i], s * (i + 1)), Let(z, sum_over(y[j] * x[j] ** 2, j))),
        numpy=lambda x, s: (s * (np.arange(len(x)) + 1) * x**2).sum(),
        declared=(y,),
    )
    for asked in (op, op.batched("N"), op.batched("B", "T")):
        assert asked.gradient().verify().ok
    assert [d.name for d in op.batched("N").program.tensors["y"].dims] == ["N", "n"]


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (scalar("y"), r"declares y\[\], with 0 axes, but the equation that defines y has 1"),
        (n.vector("w"), r"declares w\[n\], .* but the equation that defines w does not exist"),
    ],
    ids=["rank", "name"],
)
def test_what_is_declared_is_defined(declared: Tensor, words: str) -> None:
    with pytest.raises(OpError, match=words):
        Op("toy", "Toy", (x,), (Let(y[i], x[i]),), numpy=lambda x: x, declared=(declared,))


def test_a_hessian_through_two_calls_of_one_op() -> None:
    a, b, L = scalar("a"), scalar("b"), scalar("L")
    both = Op(
        name="both",
        title="Both",
        inputs=(x,),
        equations=(
            Let(a, ops.logsumexp(x[i], over=i)),
            Let(b, ops.logsumexp(-x[i], over=i)),
            Let(L, a * b),
        ),
        numpy=lambda x: np.log(np.exp(x).sum()) * np.log(np.exp(-x).sum()),
    )
    assert both.hessian("x").verify(autograd=False).ok


def test_an_output_that_has_no_row_for_each_example() -> None:
    w, u = n.vector("w", role="parameter"), n.vector("u")
    op = Op(
        name="shared",
        title="An output of parameters alone",
        inputs=(x, w),
        equations=(Let(y[i], w[i] * x[i]), Let(u[i], w[i] ** 2)),
        outputs=("y", "u"),
        numpy=lambda x, w: (w * x, w**2),
    )
    assert op.batched("N").gradient().verify(autograd=False).ok


def raising(x: np.ndarray) -> np.ndarray:
    raise ValueError("no such thing")


BAD_FORWARD = {
    "it raises": (
        raising,
        r"the NumPy function of bad raised ValueError: no such thing; it was given x \[\d\]",
    ),
    "it returns nothing": (
        lambda x: None,
        "the NumPy function of bad returned None, expected numbers for the output y",
    ),
    "it returns text": (lambda x: "3", "returned '3', expected numbers for the output y"),
}


@pytest.mark.parametrize("name", BAD_FORWARD)
def test_a_bad_forward_function_gets_one_clear_message(name: str) -> None:
    forward, message = BAD_FORWARD[name]
    bad = Op("bad", "Bad", (x,), (Let(y[i], 2 * x[i]),), numpy=forward)
    with pytest.raises(VerificationError, match=message):
        bad.gradient().verify(autograd=False)


def test_a_forward_function_of_too_few_outputs_is_named() -> None:
    u = n.vector("u")
    lets = (Let(y[i], 2 * x[i]), Let(u[i], 3 * x[i]))
    bad = Op("bad", "Bad", (x,), lets, outputs=("y", "u"), numpy=lambda x: 2.0)
    with pytest.raises(VerificationError, match="returned one float, expected a tuple of y, u"):
        bad.gradient().verify(autograd=False)
