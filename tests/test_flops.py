"""The conventions by which operations are counted, one by one."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from symllm import Dim, Iverson, Let, NotationError, Op, delta, matrix, mean, ops, scalar, sum_over
from symllm.flops import flops
from symllm.notation import Tensor
from symllm.program import Program

n, m, v = Dim("n"), Dim("m"), Dim("v")
i, j = n.indices("i j")
(k,), (p,) = m.indices("k"), v.indices("p")
x, y, z = (n.vector(name) for name in "xyz")
u = m.vector("u")
A, C = matrix("A", n, m), matrix("C", n, m)
s, r = scalar("s"), scalar("r")
N, M, V = n.symbol, m.symbol, v.symbol


def op(*equations: Let, inputs: tuple[Tensor, ...]) -> Op:
    return Op("toy", "Toy", inputs, equations, numpy=lambda **given: None)


FORWARD: dict[str, tuple[Let, tuple[Tensor, ...], Any]] = {
    "a sum of products, divided outside": (
        Let(y[i], sum_over(A[i, k] * u[k], k) / sp.sqrt(m)), (A, u), 2 * N * M + N,
    ),
    "a sum of products, divided inside": (
        Let(y[i], sum_over(A[i, k] * u[k] / sp.sqrt(m), k)), (A, u), 2 * N * M + N,
    ),
    "a factor outside the sum": (
        Let(y[i], sum_over(x[i] * A[i, k] * u[k], k)), (A, u, x), 2 * N * M + N,
    ),
    "three factors, the small ones first": (
        Let(s, sum_over(x[i] * A[i, k] * u[k], i, k)),
        (A, u, x), 2 * N * M + 2 * N,
    ),
    "what has no index is computed once": (
        Let(y[i], x[i] / sp.sqrt(s + r)), (x, s, r), N + 2,
    ),
    "a sum inside an equation is computed once": (
        Let(y[i], x[i] / sum_over(x[j], j)), (x,), 2 * N,
    ),
    "two sums in one": (Let(s, sum_over(A[i, k] * C[i, k], i, k)), (A, C), 2 * N * M),
    "a mean": (Let(s, mean(x[i], i)), (x,), N + 1),
    "signs are free": (Let(y[i], -x[i] - z[i]), (x, z), N),
    "a reciprocal": (Let(y[i], 1 / x[i]), (x,), N),
    "two divisors": (Let(y[i], z[i] / (x[i] * s)), (x, z, s), 2 * N),
    "a whole power": (Let(y[i], x[i] ** 5), (x,), 3 * N),
    "powers and roots": (Let(y[i], x[i] ** sp.Rational(-3, 2)), (x,), 3 * N),
    "another power": (Let(y[i], sp.exp(x[i] ** s)), (x, s), 2 * N),
    "numbers are one number": (Let(y[i], sp.sqrt(2 / sp.pi) * n * x[i] + 1 + n), (x,), 2 * N),
    "indices and sizes are known": (Let(y[i], x[i] * sp.cos(i / n)), (x,), N),
    "the largest": (Let(y[i], sp.Max(x[i], 0, s)), (x, s), N + 1),
    "a mask is dense": (Let(y[i], sum_over(Iverson(j <= i) * x[j], j)), (x,), N**2),
    "a mask costs nothing": (Let(y[i], Iverson(x[i] > 0) * x[i]), (x,), 0),
}  # fmt: skip


@pytest.mark.parametrize("what", FORWARD)
def test_a_convention(what: str) -> None:
    let, inputs, expected = FORWARD[what]
    assert flops(op(let, inputs=inputs).program) == sp.expand(expected)


def test_a_delta_under_a_sum_selects() -> None:
    """A scatter adds each row once, however many rows there are to add to."""
    t = n.vector("t", role="target", domain=v)
    W, h = matrix("W", v, m, role="parameter"), matrix("h", n, m)
    found = op(Let(h[i, k], W[t[i], k]), inputs=(t, W)).counts()
    assert (found.forward_flops, found.backward_flops) == (0, N * M)
    scaled = op(Let(W[p, k], s * sum_over(r * delta(p, t[i]) * h[i, k], i)), inputs=(t, s, r, h))
    assert flops(scaled.program) == N * M + 2 * V * M
    shares = op(Let(v.vector("f")[p], sum_over(delta(p, t[i]), i) / n), inputs=(t,))
    assert flops(shares.program) == N + V  # one is added for each row
    weighed = op(Let(matrix("R", v, m)[p, k], sum_over(delta(p, t[i]) * u[k], i)), inputs=(t, u))
    assert flops(weighed.program) == N + V * M
    own = op(
        Let(s, sum_over(delta(i, t[i]) * x[i], i)),
        inputs=(n.vector("t", role="target", domain=n), x),
    )
    assert flops(own.program) == N  # a bracket like any other: it says nothing of where to look
    divided = op(
        Let(y[i], sum_over(delta(p, t[i]) / v.vector("w")[p], p)), inputs=(t, v.vector("w"))
    )
    assert flops(divided.program) == N
    gathered = op(
        Let(y[i], sum_over(delta(p, t[i]) * v.vector("w")[p], p)), inputs=(t, v.vector("w"))
    )
    assert flops(gathered.program) == 0


def test_what_a_call_is_passed_is_computed_once() -> None:
    """``silu`` mentions its input twice."""
    inside = flops(ops.silu.program)
    found = op(Let(y[i], ops.silu(x[i] * z[i] + 1, over=i)), inputs=(x, z))
    assert flops(found.program) == inside + 2 * N
    taken = op(  # the name that the argument would get is one of the op's own
        Let(y[i], ops.silu(x[i] * z[i], over=i)),
        Let(scalar("y_x"), sum_over(y[j], j)),
        inputs=(x, z),
    )
    assert flops(taken.program) == inside + N + N


def test_a_call_is_counted_in_the_callers_sizes_for_each_of_its_rows() -> None:
    found = op(Let(C[i, k], ops.softmax(A[i, k], over=k)), inputs=(A,))
    assert flops(found.program) == 3 * N * M


def test_a_call_inside_a_call() -> None:
    inner = op(Let(y[i], ops.silu(2 * x[i], over=i)), inputs=(x,))
    outer = op(Let(C[i, k], inner(A[i, k] + 1, over=k)), inputs=(A,))
    assert flops(outer.program) == N * M * (1 + 1) + flops(ops.silu.program).subs(N, N * M)


def test_a_definition_that_no_output_needs_is_not_computed() -> None:
    """The derivative of ``softplus`` is an alias, and is counted where it is used: backward."""
    caller = op(Let(y[i], ops.softplus(x[i], over=i)), inputs=(x,))
    assert caller.counts().forward_flops == ops.softplus.counts().forward_flops == 3 * N
    assert caller.counts().backward_flops == ops.softplus.counts().backward_flops == 2 * N


def test_a_function_without_a_cost_is_named() -> None:
    let = Let(y[i], sp.gamma(x[i]))
    with pytest.raises(NotationError, match=r"no cost is known for the function gamma in .*x\[i\]"):
        flops(Program("toy", (x,), (let,), ("y",)))
