"""Counts: known ops, loops that count what they do, composing, leading terms, how they look."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp
from click.testing import CliRunner
from dialect import assert_dialect, formulas_in

from symllm import (
    Counts,
    Dim,
    Let,
    NotationError,
    Op,
    ShapeError,
    UnknownName,
    leading,
    matrix,
    ops,
    scalar,
    sum_over,
)
from symllm.cli.app import cli
from symllm.document import show
from symllm.flops import COST
from symllm.notation import Tensor

n, m, d, e, v = (Dim(name) for name in "nmdev")
i, j = n.indices("i j")
(k,), (p,) = m.indices("k"), v.indices("p")
x, y, z = (n.vector(name) for name in "xyz")
u = m.vector("u")
A, C = matrix("A", n, m), matrix("C", n, m)
s, r = scalar("s"), scalar("r")
N, M, D, E, V, B, T = (Dim(name).symbol for name in "nmdevBT")


def op(*equations: Let, inputs: tuple[Tensor, ...]) -> Op:
    return Op("toy", "Toy", inputs, equations, numpy=lambda **given: None)


# --------------------------------------------------------------------------
# Ops that everybody knows
# --------------------------------------------------------------------------

#: Parameters, forward, backward, kept for the backward pass.
KNOWN: dict[str, tuple[Any, Any, Any, Any]] = {
    "linear": (N * M + N, 2 * N * M + N, 3 * N * M, M),
    "softmax": (0, 3 * N, 4 * N, N),
    "layer_norm": (2 * D, 7 * D + 5, 9 * D + 2, D + 1),
    "rms_norm": (D, 4 * D + 4, 7 * D + 1, D + 1),
    "relu": (0, N, 0, N),
    "gelu": (0, 5 * N, 7 * N, 2 * N),
    "cross_entropy": (0, 6 * N, N, 2 * N),
    "cross_entropy_index": (0, 3 * N + 1, N, N + 1),
    "attention": (
        0,
        (2 * N * M * D + N * M) + 3 * N * M + 2 * N * M * E,
        # dV, dP; D; dS; dQ and dK, each divided by sqrt(d)
        4 * N * M * E + 2 * N * E + 2 * N * M + (4 * N * M * D + N * D + M * D),
        N * D + M * D + M * E + N * E + N * M,
    ),
    "causal_attention": (
        0,
        2 * N**2 * D + 4 * N**2 + 2 * N**2 * E,
        4 * N**2 * E + 2 * N * E + 2 * N**2 + 4 * N**2 * D + 2 * N * D,
        2 * N * D + 2 * N * E + N**2,
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_counts_of_known_ops(name: str) -> None:
    found = ops[name].counts()
    row = (found.parameters, found.forward_flops, found.backward_flops, found.activations)
    assert row == tuple(sp.expand(count) for count in KNOWN[name])


def test_a_batch_multiplies_work_and_memory_and_no_parameters() -> None:
    found = ops.linear.batched("B", "T").counts()
    assert dict(found.by_parameter) == {"W": N * M, "b": N}
    assert found.forward_flops == sp.expand(B * T * (2 * N * M + N))
    assert found.backward_flops == sp.expand(B * T * (4 * N * M + N))
    assert dict(found.by_activation) == {"x": B * T * M}


def test_every_op_of_the_catalogue_is_counted() -> None:
    for name in ops:
        plain, batch = ops[name].counts(), ops[name].batched("rows").counts()
        B = Dim("rows").symbol
        counted = [(c.forward_flops, c.activations) for c in (plain, batch)]
        for one, many in zip(*counted, strict=True):
            spared = sp.Poly(B * one - many, B)  # what does not depend on the example
            assert spared.degree() <= 1, name
            assert spared.eval(1) == 0, name
            assert spared.LC().subs(dict.fromkeys(spared.LC().free_symbols, 3)) >= 0, name
        assert batch.parameters == plain.parameters


def test_a_gradient_by_one_input_costs_less() -> None:
    one = ops.linear.gradient("x").counts()
    assert one.backward_flops == 2 * N * M
    assert one.activations == 0
    assert one.forward_flops == ops.linear.counts().forward_flops


def test_an_op_without_a_gradient_has_a_forward_pass_alone() -> None:
    labels = n.vector("t", role="target")
    found = op(Let(y[i], 2 * labels[i]), inputs=(labels,)).counts()
    assert (found.forward_flops, found.backward_flops, found.activations) == (N, 0, 0)


# --------------------------------------------------------------------------
# Composing, leading terms
# --------------------------------------------------------------------------


def perceptron() -> Op:
    """A block of two linear layers, an activation and a residual connection."""
    model, hidden = Dim("c"), Dim("f")
    (a,), (b,) = model.indices("i"), hidden.indices("k")
    x, o, y = (model.vector(name) for name in "xoy")
    h, g = hidden.vector("h"), hidden.vector("g")
    W1, b1 = matrix("W1", hidden, model, role="parameter"), hidden.vector("b1", role="parameter")
    W2, b2 = matrix("W2", model, hidden, role="parameter"), model.vector("b2", role="parameter")
    return Op(
        "perceptron",
        "Perceptron",
        (x, W1, b1, W2, b2),
        (
            Let(h[b], ops.linear(x[a], W1[b, a], b1[b], over=(a, b))),
            Let(g[b], ops.gelu(h[b], over=b)),
            Let(o[a], ops.linear(g[b], W2[a, b], b2[a], over=(b, a))),
            Let(y[a], x[a] + o[a]),
        ),
        numpy=lambda **given: None,
    )


def test_training_a_stack_of_linear_layers_costs_six_operations_a_parameter_and_token() -> None:
    layers = sp.Symbol("L", integer=True, positive=True)
    stack = layers * perceptron().batched("B", "T").counts()
    weights, tokens = leading(stack.parameters), B * T
    c, f = Dim("c").symbol, Dim("f").symbol
    assert weights == 2 * c * f * layers
    assert leading(stack.forward_flops) == 2 * weights * tokens
    assert leading(stack.backward_flops) == 4 * weights * tokens
    assert leading(stack.training_flops) == 6 * weights * tokens
    assert leading(stack.training_flops, Dim("c"), Dim("f")) == 6 * weights * tokens
    assert stack.parameters == sp.expand(layers * (2 * c * f + c + f))


def heads() -> Op:
    """A block of causal attention with heads, its four projections, a norm before it."""
    time, model, head, size = (Dim(name) for name in "TCHe")
    (t,), (c,), (h,), (k,) = (
        dim.indices(letter)
        for dim, letter in zip((time, model, head, size), ("t", "c", "h", "k"), strict=True)
    )
    x, a, y = (matrix(name, time, model) for name in "xay")
    Q, K, V, O = (Tensor(name, (head, time, size)) for name in "QKVO")
    Wq, Wk, Wv = (Tensor(name, (head, size, model), "parameter") for name in ("Wq", "Wk", "Wv"))
    Wo = Tensor("Wo", (model, head, size), "parameter")
    gamma, eps = model.vector("gamma", "parameter"), scalar("eps", "constant", "positive")
    attended = ops.causal_attention(Q[h, t, k], K[h, t, k], V[h, t, k], over=(t, k, k))
    return Op(
        "heads",
        "Heads",
        (x, gamma, eps, Wq, Wk, Wv, Wo),
        (
            Let(a[t, c], ops.rms_norm(x[t, c], gamma[c], eps, over=c)),
            Let(Q[h, t, k], sum_over(Wq[h, k, c] * a[t, c], c)),
            Let(K[h, t, k], sum_over(Wk[h, k, c] * a[t, c], c)),
            Let(V[h, t, k], sum_over(Wv[h, k, c] * a[t, c], c)),
            Let(O[h, t, k], attended),
            Let(y[t, c], x[t, c] + sum_over(Wo[c, h, k] * O[h, t, k], h, k)),
        ),
        numpy=lambda **given: None,
    )


def test_a_wide_transformer_costs_six_operations_a_parameter_and_token_too() -> None:
    """What attention adds does not grow with the width of the model."""
    found = heads().batched("B").counts()
    width, head, size = (Dim(name).symbol for name in "CHe")
    weights = leading(found.parameters)
    assert weights == 4 * width * head * size
    assert leading(found.training_flops, Dim("C"), Dim("e")) == 6 * weights * B * T
    attention = head * T**2 * (4 * size + 4)
    rest = width * T * 4 + 4 * T + width * T
    assert found.forward_flops == sp.expand(B * (2 * weights * T + attention + rest))
    assert found.by_activation["P"] == B * head * T**2


def test_counts_add_and_multiply() -> None:
    one, other = ops.linear.counts(), ops.layer_norm.counts()
    both = one + other
    assert both.parameters == one.parameters + other.parameters
    assert both.forward_flops == one.forward_flops + other.forward_flops
    assert sum([one, one]) == 2 * one == one * 2 == one + one
    assert Dim("k") * one == one * Dim("k").symbol == Dim("k").symbol * one
    assert dict((one + one).by_parameter) == {"W": 2 * N * M, "b": 2 * N}
    assert both.activations == M + D + 1
    for wrong in (lambda: one * one, lambda: one + 1, lambda: one * "three"):
        with pytest.raises((TypeError, sp.SympifyError)):
            wrong()


def test_counts_at_other_sizes() -> None:
    found = ops.linear.counts()
    assert found.at(n=3, m=4).parameters == 15
    assert found.at(n=m, m=n).parameters == N * M + M  # both at once
    assert found.at(n=4 * D).forward_flops == sp.expand(2 * 4 * D * M + 4 * D)
    assert found.activation_bytes() == 4 * M
    assert found.activation_bytes(2) == 2 * M
    with pytest.raises(UnknownName, match="'q'"):
        found.at(q=3)
    for size in (0, -3, 2.5):
        with pytest.raises(ShapeError, match=f"dimension n is a positive integer, not {size}"):
            found.at(n=size)


LEADING = {
    "all dimensions": ((2 * N * M + N,), 2 * N * M),
    "one of them": ((2 * N * M + 3 * N + M**2, n), 2 * N * M + 3 * N),
    "total degree": ((N**2 * M + N * M**2 + N * M, n, m), N**2 * M + N * M**2),
    "a symbol": ((N * M + N, N), N * M + N),
    "one that is not there": ((N * M + N, d), N * M + N),
    "a number": ((7,), 7),
    "nothing": ((0, n), 0),
    "a product that is not written out": (((N + 1) * (M + 2),), N * M),
}


@pytest.mark.parametrize("what", LEADING)
def test_leading_terms(what: str) -> None:
    given, expected = LEADING[what]
    assert leading(*given) == expected


def test_what_has_no_leading_terms_is_refused() -> None:
    with pytest.raises(NotationError, match=r"sqrt\(n\) is no polynomial in n"):
        leading(sp.sqrt(N))
    with pytest.raises(NotationError, match="a dimension such as"):
        leading(N, 3)  # type: ignore[arg-type]


# --------------------------------------------------------------------------
# How they look
# --------------------------------------------------------------------------


def test_a_page_shows_the_largest_terms_first() -> None:
    page = show(ops.attention.counts())
    ((tex, displayed),) = formulas_in(page)
    assert displayed
    assert_dialect(tex)
    assert r"\text{forward operations} &= 2 d m n + 2 e m n + 4 m n \\" in tex
    assert r"\text{parameters} &= 0 \\" in tex
    assert "$$" in ops.attention.counts()._repr_markdown_()


def test_a_long_count_goes_on_in_the_next_line() -> None:
    tex = ops.attention.batched("B", "H").counts().to_latex()
    assert_dialect(tex)
    assert r"\\" + "\n" + r"&\qquad {} + " in tex


def test_the_command_counts() -> None:
    shown = CliRunner().invoke(cli, ["counts", "linear", "--batched", "B"]).stdout
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert rows == [
        "count",
        "parameters m n + n",
        "forward operations 2 B m n + B n",
        "backward operations 4 B m n + B n",
        "activations kept B m",
    ]
    one = CliRunner().invoke(cli, ["counts", "linear", "--wrt", "b"])
    assert "backward operations 0" in " ".join(one.stdout.split())
    wrong = CliRunner().invoke(cli, ["counts", "linaer"])
    assert wrong.exit_code == 2
    assert "linear" in wrong.stderr


def test_counts_are_plain_data() -> None:
    found = ops.linear.counts()
    assert isinstance(found, Counts)
    assert found == ops.linear.counts()
    with pytest.raises(TypeError):
        found.by_parameter["W"] = sp.S.One  # type: ignore[index]
    assert COST["exp"] == 1
