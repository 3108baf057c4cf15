"""The second reader: what it is asked, and what becomes of a formula that it reads otherwise."""

from __future__ import annotations

import pytest
import sympy as sp

from symllm import ReadError, check_latex, ops
from symllm.latex.parse import parse
from symllm.latex.second import check_twice, fragments, second_reader

X, Y = sp.symbols("x y")

#: A formula, and the fragments of it that are plain numbers.
FRAGMENTS = (
    (r"\frac{x + y}{2} x^2 - \tanh(x y)", [r"\frac{x + y}{2} x^2 - \tanh(x y)"]),
    (r"p_i (x^2 + 1)", ["x^2 + 1"]),
    (r"\sum_j x_j", []),
    (r"\log(x + y)", ["x + y"]),
    (r"Q K^\top", []),
    (r"\sigma(x y) + \delta_{ij}", ["x y"]),
)


@pytest.mark.parametrize(("text", "expected"), FRAGMENTS)
def test_plain_fragments_are_what_both_can_read(text: str, expected: list[str]) -> None:
    ((node, *_),) = parse(text)
    assert [text[part.at : part.end] for part in fragments(node)] == expected


def checked(text: str, second: object) -> None:
    ((node, *_),) = parse(text)
    check_twice(node, text, second)  # type: ignore[arg-type]


def test_readers_that_agree_are_heard_no_further() -> None:
    checked("x y + 1", lambda text: Y * X + 1)


def test_readers_that_differ_make_a_formula_ambiguous() -> None:
    with pytest.raises(
        ReadError, match=r"as x\*y \+ 2, and by latex2sympy2 as x\*\*y \+ 2"
    ) as caught:
        checked("p_i + (x y + 2)", lambda text: X**Y + 2)
    assert caught.value.column == 8


def test_a_second_reader_that_fails_says_nothing() -> None:
    def failing(text: str) -> sp.Expr:
        raise TypeError("no reading")

    checked("x y + 3", failing)
    checked("x y + 4", lambda text: None)
    checked("x y + 5", lambda text: X / 0)


def test_without_a_second_reader_nothing_is_lacking() -> None:
    assert check_latex(r"y' = 1 - y^2", ops.tanh).ok


@pytest.mark.skipif(second_reader() is None, reason="latex2sympy2 is not installed")
def test_the_real_second_reader_agrees_on_what_is_plain() -> None:
    for text in (r"\frac{x + y}{2} x^2 - \tanh(x y)", r"\sqrt{x^2 + 1}", "3 (x + y) z", "-x^2"):
        checked(text, None)
