"""How long arrays live: no longer than in what a careful person writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import by_hand
import numpy as np
import programs
import pytest
import sympy as sp
from points import namespace

from symllm.catalogue import ops
from symllm.codegen import TARGETS, compile_function, numpy_source
from symllm.codegen.lifetimes import Array, let_go
from symllm.equation import Let
from symllm.notation import Dim, Index, Tensor, entry, mean, sum_over
from symllm.program import Program

#: The program, the same by hand, the arguments, and the ratio of memory that is allowed.
PEAKS: dict[str, tuple[Program, Callable[..., Any], dict[str, Any], float]] = {
    "layer_norm": (
        programs.layer_norm_backward("B", "T"),
        by_hand.layer_norm,
        {"dy": (8, 256, 64), "x": (8, 256, 64), "gamma": (64,), "eps": 1e-5},
        1.0,
    ),
    "attention": (
        programs.attention_backward("attention", "B", "H"),
        by_hand.attention,
        dict.fromkeys(("dO", "Q", "K", "V"), (2, 4, 256, 64)),
        0.85,  # by hand, nothing is let go
    ),
}
#: Bytes that code and numbers may take, of which each statistic of the rows takes many more.
SLACK = 512


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", PEAKS)
def test_peak_memory_is_no_higher_than_by_hand(name: str, dtype: type) -> None:
    program, hand, shapes, allowed = PEAKS[name]
    rng = np.random.default_rng(0)
    given = {
        n: rng.normal(size=s).astype(dtype) if isinstance(s, tuple) else s
        for n, s in shapes.items()
    }
    generated = namespace(numpy_source(program, name))[name]
    for output, array in hand(**given).items():
        close = {"rtol": 1e-4, "atol": 1e-3} if dtype is np.float32 else {"rtol": 1e-9}
        np.testing.assert_allclose(generated(**given)[output], array, **close)
    ours, theirs = (by_hand.peak(lambda f=f: f(**given)) for f in (generated, hand))
    assert ours <= allowed * theirs + SLACK


def test_what_nothing_reads_goes_in_one_line_before_others_are_made() -> None:
    code = numpy_source(programs.attention_backward("attention"), "f")
    assert code.count("del ") == 1
    assert "dS *= P\n    del S, P, O\n    dQ = dS @ K\n" in code
    assert "del " not in numpy_source(programs.layer_norm_backward("B", "T"), "f")


@pytest.mark.parametrize("target", [name for name in TARGETS if name != "numpy"])
def test_only_what_works_in_place_lets_go(target: str) -> None:
    assert " del " not in ops.attention.gradient().code(target)


#: Arrays as (line that makes it, last that reads it); before which line which go.
LIVES: tuple[tuple[list[tuple[int, int]], tuple[int, str] | None], ...] = (
    ([], None),
    ([(0, 9), (1, 9)], None),  # all are needed to the end
    ([(0, 3), (1, 9)], None),  # nothing is made afterwards
    ([(0, 1), (1, 9)], None),  # it is read by the line that makes the other
    ([(0, 1), (2, 9)], (2, "a")),
    ([(0, 1), (1, 1), (2, 9), (3, 9)], (2, "a b")),
    ([(0, 0), (1, 2), (2, 9), (3, 9), (4, 9)], (3, "a b")),  # later, more go
    ([(0, 0), (1, 9), (2, 3), (4, 9)], (1, "a")),  # earlier, where later does not help
)


@pytest.mark.parametrize(("lives", "expected"), LIVES, ids=str)
def test_arrays_go_where_it_helps_most(
    lives: list[tuple[int, int]], expected: tuple[int, str] | None
) -> None:
    arrays = [
        Array((name,), made, read) for name, (made, read) in zip("abcde", lives, strict=False)
    ]
    found = let_go(arrays)
    assert (found and (found[0], " ".join(found[1]))) == expected


N, n = Dim("N"), Dim("n")
b, (i, j) = N.index("b"), n.indices("i j")
x, w = Tensor("x", (N, n)), Tensor("w", (n,), "parameter")


def row(name: str) -> sp.Expr:
    return entry(name, b.symbol)


def full(name: str, index: Index = i) -> sp.Expr:
    return entry(name, b.symbol, index.symbol)


MEAN = Let(row("mu"), mean(x[b, j], j), "mean")
CENTRED = Let(full("y"), x[b, i] - row("mu"))
LONG = sp.Add(*(sp.tanh(q * x[b, i]) + sp.sin(q * x[b, i]) for q in range(2, 9)))
NOTED = "mu = x.mean(-1, keepdims=True)  # mean"

X = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75]])
W = np.array([1.0, -2.0, 0.5])
MU = X.mean(1, keepdims=True)

#: Equations that compute y, what their code says and does not, and the value.
STATISTICS: dict[str, tuple[tuple[Let, ...], str, str, Any]] = {
    "read by the next line alone": (
        (MEAN, CENTRED),
        "y = x - x.mean(-1, keepdims=True)",
        "mu",
        X - MU,
    ),
    "with the letter that it is read at": (
        (Let(row("mu"), mean(x[b, i], i)), CENTRED),
        "y = x - x.mean(-1, keepdims=True)",
        "mu",
        X - MU,
    ),
    "of what is changed by that line": (
        (
            Let(full("E"), sp.exp(x[b, i])),
            Let(row("Z"), sum_over(full("E", j), j)),
            Let(full("y"), full("E") / row("Z")),
        ),
        "y /= y.sum(-1, keepdims=True)",
        "Z",
        np.exp(X) / np.exp(X).sum(1, keepdims=True),
    ),
    "read by a later line": (
        (MEAN, Let(full("u"), x[b, i] ** 2), Let(full("y"), full("u") - row("mu"))),
        NOTED,
        "- x.mean",
        X**2 - MU,
    ),
    "read twice": (
        (MEAN, Let(full("u"), x[b, i] - row("mu")), Let(full("y"), full("u") * row("mu"))),
        NOTED,
        "- x.mean",
        (X - MU) * MU,
    ),
    "read inside a sum": (
        (MEAN, Let(row("y"), sum_over((x[b, j] - row("mu")) ** 3, j))),
        "mu = x.mean(-1, keepdims=True)  # mean",
        "- x.mean",
        ((X - MU) ** 3).sum(1),
    ),
    "a product of matrices": (
        (Let(row("s"), sum_over(x[b, j] * w[j], j)), Let(row("y"), sp.tanh(row("s")))),
        "s = x @ w",
        "tanh(x",
        np.tanh(X @ W),
    ),
    "on a line that is too long": (
        (MEAN, Let(full("y"), row("mu") * LONG)),
        NOTED,
        "x.mean(-1, keepdims=True) *",
        MU * sum(np.tanh(q * X) + np.sin(q * X) for q in range(2, 9)),
    ),
}


@pytest.mark.parametrize("case", STATISTICS)
def test_a_statistic_is_written_where_it_is_read(case: str) -> None:
    equations, present, absent, value = STATISTICS[case]
    program = Program("f", (x, w), equations, ("y",))
    source = numpy_source(program, "f")
    code = source.split('"""')[2]
    assert present in code
    assert absent not in code
    found = compile_function(source, "f", program.inputs)(x=X, w=W)
    np.testing.assert_allclose(found, value, rtol=1e-13)


def test_a_statistic_that_is_read_once_but_written_twice_keeps_its_name() -> None:
    assert "E, Z + (Z == 0), out=E)" in ops.masked_softmax.code()


def test_an_output_does_not_lend_its_name_to_what_is_noted_as_something_else() -> None:
    code = ops.softmax.gradient().code()
    assert "p /= p.sum()  # probabilities" in code
    assert "dx = np.multiply(p, " in code
