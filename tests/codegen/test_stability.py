"""What overflows as written must not overflow as generated; and each identity must hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import mpmath
import numpy as np
import programs
import pytest
import sympy as sp

from symllm.catalogue import ops
from symllm.codegen import compile_function, numpy_source
from symllm.codegen.functions import Allowed, Expm1, Log1p, Sigmoid, Softplus
from symllm.codegen.identities import IDENTITIES, Identity, Knowledge
from symllm.equation import Let
from symllm.notation import Dim, sum_over
from symllm.program import Program

KNOWN = Knowledge(positive=frozenset({"Z"}), binary=frozenset({"mask"}))

#: What the stable functions mean, for the test alone.
MEANINGS: dict[type, Callable[..., Any]] = {
    Sigmoid: lambda x: 1 / (1 + mpmath.exp(-x)),
    Softplus: lambda x: mpmath.log(1 + mpmath.exp(x)),
    Expm1: mpmath.expm1,
    Log1p: mpmath.log1p,
    Allowed: lambda c, u: u if c else mpmath.mpf("-inf"),
}


def meaning(expr: sp.Expr, at: dict[str, Any]) -> Any:
    if isinstance(expr, sp.Symbol):
        return at[str(expr)]
    args = [meaning(arg, at) for arg in expr.args]
    for kind, function in MEANINGS.items():
        if isinstance(expr, kind):
            return function(*args)
    if isinstance(expr, sp.Add):
        return mpmath.fsum(args)
    if isinstance(expr, sp.Mul):
        return mpmath.fprod(args)
    if isinstance(expr, sp.Pow):
        return mpmath.power(*args)
    if isinstance(expr, sp.exp):
        return mpmath.exp(*args)
    if isinstance(expr, sp.log):
        return mpmath.log(*args)
    return mpmath.mpf(int(expr))


def check_identity(identity: Identity) -> None:
    assert identity.rewrite(identity.before, KNOWN) == identity.after
    with mpmath.workdps(40):
        for a, mask in ((-3.7, 0), (0.3, 1), (5.1, 1), (2.2, 0)):
            at = {"a": mpmath.mpf(a), "b": mpmath.mpf(1.3), "Z": mpmath.mpf(2.9), "mask": mask}
            difference = meaning(identity.before, at) - meaning(identity.after, at)
            assert abs(difference) < 1e-30, identity.name


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda identity: identity.name)
def test_identity_holds(identity: Identity) -> None:
    check_identity(identity)


@pytest.mark.parametrize("identity", IDENTITIES, ids=lambda identity: identity.name)
def test_a_wrong_identity_is_caught(identity: Identity) -> None:
    right = identity.rewrite
    wrong = replace(identity, after=2 * identity.after, rewrite=lambda n, k: 2 * right(n, k))
    with pytest.raises(AssertionError):
        check_identity(wrong)


BIG = np.array([1e4, -1e4, 9999.0, 0.0])
ROWS = np.stack([BIG, BIG[::-1] * 0.5])
FORBIDDEN = np.array([[0.0, -np.inf, 0.0], [-np.inf, -np.inf, -np.inf]])
QKV = {
    name: np.random.default_rng(1).normal(size=(rows, 4)) * 1e3
    for name, rows in (("Q", 2), ("K", 3), ("V", 3))
}

EXTREME: tuple[tuple[str, Program, dict[str, Any], Any], ...] = (
    ("sigmoid", ops.sigmoid.program, {"x": BIG}, [1, 0, 1, 0.5]),
    ("silu", ops.silu.program, {"x": BIG}, [1e4, 0, 9999, 0]),
    ("softplus", ops.softplus.program, {"x": BIG}, [1e4, 0, 9999, np.log(2)]),
    ("tanh", ops.tanh.program, {"x": BIG}, [1, -1, 1, 0]),
    ("gelu", ops.gelu.program, {"x": BIG}, [1e4, 0, 9999, 0]),
    ("gelu_tanh", ops.gelu_tanh.program, {"x": BIG}, [1e4, 0, 9999, 0]),
    ("softmax", ops.softmax.program, {"x": BIG[:2]}, [1, 0]),
    ("softmax, one forbidden", ops.softmax.program, {"x": np.array([1.0, -np.inf])}, [1, 0]),
    ("logsumexp", ops.logsumexp.program, {"x": BIG[:2]}, 1e4),
    ("log_softmax", ops.log_softmax.program, {"x": BIG[:2]}, [0, -2e4]),
    ("cross_entropy", ops.cross_entropy.program, {"z": BIG[:2], "y": np.array([0, 1.0])}, 2e4),
    ("cross_entropy_index", ops.cross_entropy_index.program, {"z": BIG[:2], "t": 1}, 2e4),
    (
        "cross_entropy_index rows",
        ops.cross_entropy_index.batched("N").program,
        {"z": ROWS[:, :2], "t": np.array([1, 0])},
        [2e4, -(0 - 4999.5 - np.log1p(np.exp(-4999.5)))],
    ),
    (
        "masked_softmax, the largest is masked",
        ops.masked_softmax.program,
        {"x": np.array([1e4, -1e4]), "mask": np.array([0.0, 1.0])},
        [0, 1],
    ),
    (
        "masked_softmax, nothing allowed",
        ops.masked_softmax.program,
        {"x": np.array([1e4, -1e4]), "mask": np.array([0, 0])},
        [0, 0],
    ),
    (
        "masked_softmax, boolean mask",
        ops.masked_softmax.program,
        {"x": np.array([1e4, -1e4]), "mask": np.array([False, True])},
        [0, 1],
    ),
    (
        "masked_attention",
        ops.masked_attention.program,
        QKV | {"M": FORBIDDEN},
        ops.masked_attention.numpy(**QKV, M=FORBIDDEN),
    ),
    ("attention", ops.attention.program, QKV, ops.attention.numpy(**QKV)),
    (
        "cross_entropy_index backward",
        programs.cross_entropy_index_backward(),
        {"z": BIG[:2], "t": 1},
        [1, -1],
    ),
)


@pytest.mark.parametrize("case", EXTREME, ids=[case[0] for case in EXTREME])
def test_extreme_inputs(case: tuple[str, Program, dict[str, Any], Any]) -> None:
    _, program, given, expected = case
    function = compile_function(numpy_source(program, "f"), "f", program.inputs)
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        found = function(**given)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def test_a_fully_masked_row_has_no_gradient() -> None:
    program = programs.attention_backward("masked_attention")
    given = QKV | {"M": FORBIDDEN, "dO": np.ones((2, 4))}
    function = compile_function(numpy_source(program, "f"), "f", program.inputs)
    with np.errstate(all="raise", under="ignore"):
        found = function(**given)
    assert all(np.isfinite(array).all() for array in found.values())
    np.testing.assert_array_equal(found["dQ"][1], 0)
    assert "zero where all is masked" in numpy_source(program, "f")


n = Dim("n")
i, j = n.indices("i j")
x, E, y, w = (n.vector(name) for name in ("x", "E", "y", "w"))

#: Programs other than softmax: the shift is found by counting weights.
WEIGHTS: tuple[tuple[str, tuple[Let, ...], Callable[[Any], Any]], ...] = (
    (
        "ratio of sums, written out",
        (Let(y[i], sp.exp(x[i]) / sum_over(sp.exp(x[j]), j)),),
        lambda x: np.exp(x) / np.exp(x).sum(),
    ),
    (
        "squares",
        (Let(E[i], sp.exp(x[i])), Let(y[i], E[i] ** 2 / sum_over(E[j] ** 2, j))),
        lambda x: np.exp(2 * x) / np.exp(2 * x).sum(),
    ),
    (
        "square root of a sum",
        (Let(E[i], sp.exp(x[i])), Let(y[i], E[i] / sp.sqrt(sum_over(E[j] ** 2, j)))),
        lambda x: np.exp(x) / np.sqrt(np.exp(2 * x).sum()),
    ),
    (
        "temperature",
        (Let(E[i], sp.exp(3 * x[i])), Let(y[i], sp.log(E[i] / sum_over(E[j], j)))),
        lambda x: 3 * x - np.log(np.exp(3 * x).sum()),
    ),
)


@pytest.mark.parametrize(("name", "equations", "plain"), WEIGHTS, ids=[w[0] for w in WEIGHTS])
def test_shift_is_found_by_weight(
    name: str, equations: tuple[Let, ...], plain: Callable[[Any], Any]
) -> None:
    program = Program("f", (x,), equations, ("y",))
    function = compile_function(numpy_source(program, "f"), "f", program.inputs)
    small = np.array([0.3, -1.2, 0.9])
    np.testing.assert_allclose(function(x=small), plain(small), rtol=1e-13)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        far = function(x=small + 1e4)
    np.testing.assert_allclose(far, plain(small), rtol=1e-9)


def test_an_exponential_that_leaves_its_ratio_is_not_shifted() -> None:
    equations = (
        Let(E[i], sp.exp(x[i])),
        Let(y[i], E[i] / sum_over(E[j], j)),
        Let(w[i], E[i] + 1),
    )
    program = Program("f", (x,), equations, ("y", "w"))
    function = compile_function(numpy_source(program, "f"), "f", program.inputs)
    given = np.array([0.3, -1.2, 0.9])
    found = function(x=given)
    np.testing.assert_allclose(found["w"], np.exp(given) + 1, rtol=1e-14)
    np.testing.assert_allclose(found["y"], np.exp(given) / np.exp(given).sum(), rtol=1e-14)


def test_a_bracket_that_compares_an_exponential_does_not_mask_it() -> None:
    source = ops.ppo_clip.gradient().code()
    assert "dlogp = -(A * rho * (A * rho < kappa) / n)" in source
    assert source.count("np.exp(") == 1
    assert "inf" not in source
