"""Entries that are looked up: gathers on the way forward, scattered sums on the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from symllm import Dim, Let, Op, ops, scalar, sum_over
from symllm.errors import OpError
from symllm.notation import BATCHED, Tensor

SIZES = {"n": 4, "m": 7, "v": 7, "d": 3, "N": 2, "H": 3, "T": 2}
BATCHES = ((), ("N",), ("N", "T"))

n, m, d = Dim("n"), Dim("m"), Dim("d")
(i,), (k,), (c,) = n.indices("i"), d.indices("k"), m.indices("c")
t = Tensor("t", (n,), "target", m)
s = scalar("s", "target", m)
x, X = Tensor("x", (m, d)), Tensor("x", (d, m))
W, V = Tensor("W", (m, d), "parameter"), Tensor("W", (d, m), "parameter")
y, Y, row = Tensor("y", (n, d)), Tensor("y", (d, n)), Tensor("y", (d,))


def looking_up(let: Let, inputs: tuple[Tensor, ...], numpy: Callable[..., Any]) -> Op:
    return Op(name="look_up", title="Look up", inputs=inputs, equations=(let,), numpy=numpy)


OPS = {
    "embedding": ops.embedding,
    "weight tying": ops.weight_tying,
    "rows of data": looking_up(Let(y[i, k], x[t[i], k]), (x, t), lambda x, t: x[t]),
    "columns of data": looking_up(Let(Y[k, i], X[k, t[i]]), (X, t), lambda x, t: x[:, t]),
    "columns of a parameter": looking_up(Let(Y[k, i], V[k, t[i]]), (V, t), lambda W, t: W[:, t]),
    "one row of data": looking_up(Let(row[k], x[s, k]), (x, s), lambda x, s: x[s]),
    "one row of a parameter": looking_up(Let(row[k], W[s, k]), (W, s), lambda W, s: W[s]),
    "rows of a sum": looking_up(
        Let(row[k], sum_over(W[t[i], k], i)), (W, t), lambda W, t: W[t].sum(0)
    ),
    "rows and all": looking_up(
        Let(y[i, k], W[t[i], k] + sum_over(W[c, k] ** 2, c)),
        (W, t),
        lambda W, t: W[t] + (W**2).sum(0),
    ),
}


def batch_of(op: Op, axes: tuple[str, ...]) -> tuple[Op, dict[str, Any]]:
    """The op in a batch, and inputs of which several look up the same row."""
    op = op.batched(*axes) if axes else op
    rng = np.random.default_rng(0)
    given: dict[str, Any] = {}
    for tensor in op.inputs.values():
        shape = tuple(SIZES[dim.name] for dim in tensor.dims)
        if isinstance(tensor.domain, Dim):
            given[tensor.name] = rng.integers(0, SIZES[tensor.domain.name] - 3, shape)
        else:
            given[tensor.name] = rng.normal(size=shape)
    return op, given


@pytest.mark.parametrize("axes", BATCHES, ids=lambda axes: "x".join(axes) or "one")
@pytest.mark.parametrize("op", OPS.values(), ids=OPS)
def test_gathers_and_their_gradients(op: Op, axes: tuple[str, ...]) -> None:
    op, given = batch_of(op, axes)
    forward = op.lambdify()
    found = forward(**given)
    lead = found.shape[: len(axes)]
    for at in np.ndindex(lead):
        one = {q: v[at] if op.inputs[q].role in BATCHED else v for q, v in given.items()}
        # All are sums of products: of absolute values, they are what rounding errors go by.
        terms = op.numpy(**{q: np.abs(v) for q, v in one.items()})
        assert (np.abs(found[at] - op.numpy(**one)) <= 1e-14 * terms).all()

    (output,) = op.outputs
    upstream = np.random.default_rng(1).normal(size=found.shape)
    g = op.gradient()
    gradients = g.lambdify()(**given, **{f"d{output}": upstream})
    gradients = gradients if isinstance(gradients, dict) else {f"d{g.wrt[0]}": gradients}
    for name, gradient in gradients.items():
        wrt = name[1:]
        direction, step = np.random.default_rng(2).normal(size=given[wrt].shape), 1e-4
        up, down = (
            (forward(**{**given, wrt: given[wrt] + by * direction}) * upstream).sum()
            for by in (step, -step)
        )
        assert gradient.shape == given[wrt].shape
        np.testing.assert_allclose((gradient * direction).sum(), (up - down) / (2 * step), 1e-7)


#: An op here or of the catalogue, the axes of its batch, and all that both passes do.
SOURCES = (
    ("embedding", ("N",), ["y = W[t]"], [
        "d = dy.shape[-1]",
        "v = W.shape[0]",
        "dW = np.zeros((v, d), dtype=dy.dtype)",
        "np.add.at(dW, t, dy)",
    ]),
    ("weight tying", ("N", "T"), ["y = W[t]", "h = y @ U.T", "del y", "z = h @ W.T"], [
        "v, d = W.shape",
        "y = W[t]",
        "h = y @ U.T",
        "dh = dz @ W",
        "dU = dh.reshape(-1, d).T @ y.reshape(-1, d)",
        "del y",
        "dy = dh @ U",
        "dW = np.zeros((v, d), dtype=dz.dtype)",
        "np.add.at(dW, t, dy)",
        "dW += dz.reshape(-1, v).T @ h.reshape(-1, d)",
    ]),
    ("cross_entropy_index", ("N",), [  # it is looked up before the array is reused
        "z_shifted = z - z.max(-1, keepdims=True)",
        "t_z_shifted = np.take_along_axis(z_shifted, t[:, None], axis=-1)[:, 0]",
        "E = np.exp(z_shifted, out=z_shifted)",
        "L = np.log(E.sum(-1)) - t_z_shifted",
    ], None),
    ("rows of data", ("N",), ["y = np.take_along_axis(x, t[..., None], axis=1)"], None),
    ("one row of a parameter", (), ["y = W[s].copy()"], None),
)  # fmt: skip


def statements(source: str) -> list[str]:
    """What a function does, without its docstring, comments and return."""
    *_, body = source.split('"""')
    return [line.split("  #")[0].strip() for line in body.strip().splitlines()[:-1]]


@pytest.mark.parametrize(("name", "axes", "forward", "backward"), SOURCES)
def test_sources(
    name: str, axes: tuple[str, ...], forward: list[str], backward: list[str] | None
) -> None:
    op = OPS[name] if name in OPS else ops[name]
    op = op.batched(*axes) if axes else op
    assert statements(op.code()) == forward
    assert backward is None or statements(op.gradient().code()) == backward


def test_no_output_is_a_view_of_an_input() -> None:
    for op in OPS.values():
        op, given = batch_of(op, ())
        found = op.lambdify()(**given)
        assert not any(np.shares_memory(found, array) for array in given.values())


def test_entries_looked_up_by_several_axes_at_once_are_refused() -> None:
    pairs = Tensor("t", (n, m), "target", d)
    by_two = Let(Tensor("y", (n, m))[i, c], Tensor("x", (d,))[pairs[i, c]])
    op = looking_up(by_two, (Tensor("x", (d,)), pairs), lambda x, t: x[t])
    assert op.code()
    with pytest.raises(OpError, match="looked up by several axes"):
        op.batched("N").code()
