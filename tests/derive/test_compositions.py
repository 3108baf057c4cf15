"""Ops inside ops and other things that were once derived wrong: each a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy as sp

from symllm import Dim, Iverson, Let, Op, OpError, VerificationError, matrix, ops, scalar, sum_over
from symllm.notation import NotationError
from symllm.verify import check_chains

n, m = Dim("n"), Dim("m")
i, j = n.indices("i j")
x, y, z, w = (n.vector(name) for name in "xyzw")
L, s, u = scalar("L"), scalar("s"), scalar("u")
real_target = n.vector("goal", role="target")
T, S, D, E = (Dim(name) for name in ("T0", "S0", "D0", "E0"))
a, b, c, e = T.index("t"), S.index("s"), D.index("p"), E.index("l")
Q, K, V, O = matrix("Q", T, D), matrix("K", S, D), matrix("V", S, E), matrix("O", T, E)
X, H = matrix("X", T, D), matrix("H", T, D)
A, k = matrix("A", m, n), m.index("k")
O2, b2, q = matrix("Y", T, D), T.index("s"), D.index("q")


def rms(x: Any, w: Any, eps: Any) -> Any:
    return w * x / np.sqrt((x**2).mean() + eps)


def chained(x: Any, z: Any) -> Any:
    s = (np.cos(z) * x).sum()
    return z, s, s * z**3


def softmaxed(scores: Any) -> Any:
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True)


def surprise(x: Any, goal: Any) -> Any:
    return -(goal * (x - np.log(np.exp(x).sum()))).sum()


#: name: inputs, equations, NumPy forward, outputs
COMPOSED: dict[str, tuple[Any, ...]] = {
    "a constant of the callee that varies here": (
        (x, w, s),
        (Let(y[i], ops.rms_norm(x[i], w[i], s**2 + 1, over=i)),),
        lambda x, w, s: rms(x, w, s**2 + 1),
        (),
    ),
    "a target that is no distribution": (
        (x, real_target),
        (Let(L, ops.cross_entropy(x[i], real_target[i], over=i)),),
        surprise,
        (),
    ),
    "dimensions of the callee in sums alone": (
        (Q, K, V),
        (Let(O[a, e], ops.attention(Q[a, c], K[b, c], V[b, e], over=(a, c, b, e))),),
        ops.attention.numpy,
        (),
    ),
    "a softmax of a product of a tensor with itself": (
        (X,),
        (
            Let(H[a, c], sum_over(X[a, q] * X[b2, q], b2, q) * X[a, c] / 100),
            Let(O2[a, c], ops.softmax(H[a, c], over=c)),
        ),
        lambda X: softmaxed((X @ X.T).sum(1, keepdims=True) * X / 100),
        (),
    ),
    "a maximum of one tensor at two places": (
        (x,),
        (Let(L, sum_over(sp.Max(x[i], x[j]), i, j)),),
        lambda x: np.maximum(x[:, None], x).sum(),
        (),
    ),
    "a maximum of three": (
        (x, y, z),
        (Let(w[i], sp.Max(x[i], y[i], z[i])),),
        lambda x, y, z: np.maximum(np.maximum(x, y), z),
        (),
    ),
    "a bracket of what differs": (
        (x, y),
        (Let(L, sum_over(Iverson(sp.Ne(i.symbol, j.symbol)) * x[i] * y[j], i, j)),),
        lambda x, y: x.sum() * y.sum() - x @ y,
        (),
    ),
    "a mask over two dimensions": (
        (A,),
        (Let(m.vector("r")[k], sum_over(A[k, i] * Iverson(i <= k), i)),),
        lambda A: np.tril(A).sum(1),
        (),
    ),
    "outputs that use outputs that use outputs": (
        (x, y),
        (
            Let(z[i], sp.tanh(sp.sin(x[i]) * y[i])),
            Let(s, sum_over(sp.cos(z[i]) * x[i], i)),
            Let(w[i], s * z[i] ** 3),
        ),
        lambda x, y: chained(x, np.tanh(np.sin(x) * y)),
        ("z", "s", "w"),
    ),
    "a scalar called pi": (
        (x, scalar("pi")),
        (Let(y[i], scalar("pi") * sp.pi * x[i]),),
        lambda x, pi: pi * np.pi * x,
        (),
    ),
    "an output that another output uses": (
        (x,),
        (Let(u, sum_over(x[i] ** 2, i)), Let(L, u**2)),
        lambda x: ((x**2).sum() ** 2, (x**2).sum()),
        ("L", "u"),
    ),
}


def composed(name: str) -> Op:
    inputs, equations, forward, outputs = COMPOSED[name]
    return Op("composed", "Composed", inputs, equations, forward, outputs=outputs)


@pytest.mark.parametrize("name", COMPOSED)
def test_gradients_hold(name: str) -> None:
    g = composed(name).gradient()
    assert g.verify().ok
    code: Callable[..., Any] = g.lambdify()
    assert callable(code)


def test_jacobians_of_outputs_that_use_each_other() -> None:
    op = composed("an output that another output uses")
    assert op.jacobian("x", "u").verify().ok
    assert op.jacobian("x", "L").verify().ok


def test_an_input_that_does_not_matter_has_a_zero_jacobian() -> None:
    op = Op("idle", "Idle", (x, y), (Let(z[i], 2 * x[i]),), lambda x, y: 2 * x)
    j = op.jacobian("y")
    assert j.result == 0
    assert j.verify().ok


#: inputs, the equation, words of the message
REFUSED: dict[str, tuple[Any, Callable[[], Let], str]] = {
    "a call's index that is not on the left": (
        (A,),
        lambda: Let(m.vector("q")[m.index("k")], ops.softmax(A[m.index("k"), i], over=i)),
        "not on the left",
    ),
    "an input called like a gradient": (
        (x, n.vector("dx")),
        lambda: Let(y[i], x[i] * n.vector("dx")[i]),
        "gradient of",
    ),
    "an input called like a module": (
        (n.vector("np"),),
        lambda: Let(y[i], n.vector("np")[i]),
        "generated code",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_told_apart_is_refused(name: str) -> None:
    inputs, equation, words = REFUSED[name]
    with pytest.raises(OpError, match=words):
        Op("refused", "Refused", inputs, (equation(),), lambda **k: None)


def test_roles_and_domains_are_known_words() -> None:
    with pytest.raises(NotationError, match="parameter"):
        n.vector("q", role="weights")  # type: ignore[arg-type]
    with pytest.raises(NotationError, match="positive"):
        n.vector("q", domain="posative")  # type: ignore[arg-type]


def test_steps_that_do_not_hang_together_are_caught() -> None:
    g = ops.softmax.gradient("x")
    ends = dict(zip(g.question, g.results.values(), strict=True))
    check_chains(g.steps, ends)
    with pytest.raises(VerificationError, match="the result is"):
        check_chains(g.steps[:-1], ends)
    with pytest.raises(VerificationError, match="starts from"):
        check_chains((*g.steps[:-2], g.steps[-1], g.steps[-2]), ends)
    with pytest.raises(VerificationError, match="no step"):
        check_chains((), ends)
