"""The table of symbols: its order, and what stands in its cells."""

from __future__ import annotations

import pytest

from symllm.leaf import Leaf
from symllm.render.flavour import flavour_of
from symllm.render.symbols import OTHERS, SAME, Meaning, alphabet, cell, symbols_markdown
from symllm.symbols import Symbol


def chapter(name: str, *rows: tuple[str, str]) -> Leaf:
    symbols = tuple(Symbol(tex, tex, meaning, "here") for tex, meaning in rows)
    return Leaf(name, name.title(), "", (), (), symbols)


BOOK = (
    chapter("one", (r"\eta", "the learning rate"), (r"\hat{d}", "moved"), ("d", "width")),
    chapter("two", (r"\eta", "learning rates"), ("d", "widths of $h$ | heads"), ("D", "tokens")),
)


def test_letters_come_in_their_order_and_meanings_in_that_of_the_book():
    met = ((s.tex, Meaning(s.meaning, s.gist, c, s.section)) for c in BOOK for s in c.symbols)
    found = [(tex, [m.words for m in meanings]) for tex, meanings in alphabet(met)]
    assert found == [
        ("D", ["tokens"]),
        ("d", ["width", "widths of $h$ | heads"]),
        (r"\hat{d}", ["moved"]),
        (r"\eta", ["the learning rate"]),
    ]


def test_a_letter_stands_before_the_first_of_its_meanings():
    table = symbols_markdown(BOOK, flavour_of("github"), lambda c, at: f"{c.name}#{at}", {})
    assert table.splitlines()[2:5] == [
        "| $`D`$ | tokens | two#here |",
        "| $`d`$ | width | one#here |",
        r"|  | widths of $`h`$ \| heads | two#here |",
    ]


def test_letters_in_a_meaning_are_formulas():
    letter = Symbol("u", "u", "the step's length at i", "here", "the step's length at $i$")
    found = symbols_markdown(
        [Leaf("one", "One", "", (), (), (letter,))], flavour_of("github"), lambda c, at: "", {}
    )
    assert "| the step's length at $`i`$ |" in found


def test_what_means_the_same_everywhere_comes_first():
    same = {"d": "width"}
    found = symbols_markdown(BOOK, flavour_of("github"), lambda c, at: c.name, same).splitlines()
    first, second = found.index(SAME), found.index(OTHERS)
    assert [row for row in found[first:second] if "`" in row] == ["| $`d`$ | width | one |"]
    assert not [row for row in found[second:] if "$`d`$" in row]


def test_what_no_chapter_speaks_of_has_no_table():
    unmet = symbols_markdown(BOOK, flavour_of("github"), lambda c, at: c.name, {"q": "queries"})
    assert unmet == symbols_markdown(BOOK, flavour_of("github"), lambda c, at: c.name, {})


@pytest.mark.parametrize(
    ("words", "said"), [("one\n  line", "one line"), ("a | b", r"a \| b"), ("plain", "plain")]
)
def test_what_would_break_a_table_does_not(words, said):
    assert cell(words) == said
