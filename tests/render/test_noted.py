"""Notes beside formulas: what in them is set as mathematics."""

from __future__ import annotations

import pytest

from symllm.render.noted import prose, words
from symllm.render.printer import Printer, Style


@pytest.mark.parametrize(
    ("note", "said"),
    [
        ("length of x at i", "length of $x$ at $i$"),
        ("the x's row, a layer's, in n parts", "the $x$'s row, a layer's, in $n$ parts"),
        ("half of $x + i$, x * y", r"half of $x + i$, $x \odot y$"),
        ("a sum of words", "a sum of words"),
    ],
)
def test_letters_in_a_note_are_formulas(note, said):
    names = frozenset({"i", "n", "s", "a"})
    assert prose(note, Style(("x", "y"), letters=names)) == said


def test_a_note_may_hold_formulas_between_dollars():
    p = Printer(Style(("xhat",)))
    assert words("weight of $r_i$, as is", p) == r"\text{weight of } r_i \text{, as is}"
    assert words("gradient of xhat", p) == r"\text{gradient of } \hat{x}"


def test_a_sign_after_words_joins_no_two_terms():
    p = Printer(Style())
    assert words("the step was $-x$", p) == r"\text{the step was } {-x}"
    assert words("the step was $1 - x$", p) == r"\text{the step was } 1 - x"
