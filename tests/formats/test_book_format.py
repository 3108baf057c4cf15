"""PDF: pages by themselves, by either engine, and the book."""

from __future__ import annotations

import pytest

from symllm.document import run_chapter
from symllm.errors import UnknownName
from symllm.formats import ENGINES, FORMATS, Options
from symllm.formats import book as books
from symllm.leaf import leaf_of, packed, unpacked
from symllm.render.binding import book_typst, symbols
from symllm.render.typeset import convert


@pytest.fixture(scope="module")
def source(bound) -> str:
    return book_typst(*books.said(bound))


def test_the_book_is_set_and_the_same_each_time(bound):
    one, two = (FORMATS["pdf"].whole(bound, Options())["book.pdf"] for _ in range(2))
    assert one.startswith(b"%PDF")
    assert one == two
    assert b"/Outlines" in one


def test_chapters_come_in_order_and_their_results_are_numbered(source):
    order = (
        '#part("Parts & pieces")',
        "= Softmax <softmax>",
        '#part("Whole")',
        "= Attention <attention>",
    )
    assert sorted(order, key=source.index) == [*order]
    assert source.count("numbering: equation-number)\n$") == 4
    for label in ("softmax:softmax_gradient", "attention:attention_gradient"):
        assert source.count(f"<{label}>") == 1


def test_a_citation_refers_to_the_formula(source):
    assert '#chapter-ref(label("softmax:softmax_gradient"))[Softmax]' in source


def test_references_are_gathered_at_the_end_and_cited(source):
    assert source.count("Probabilistic interpretation") == 1
    assert source.index("= Bibliography") < source.index("Probabilistic interpretation")
    assert "=== References" not in source
    assert "#link(<work-bridle1990>)[Bridle, 1990]" in source


def test_every_op_can_be_looked_up(source):
    index = source[source.index("= Formulas by op") :]
    assert 'op-row([Softmax], label("softmax:softmax_gradient"))' in index
    assert 'op-row([Scaled dot-product attention], label("attention:attention_gradient"))' in index


def test_symbols_are_listed_with_what_they_mean(source):
    listed = source[source.index("= Symbols") : source.index("= Bibliography")]
    row = '[$P$], [attention weights], [#met(label("attention"))[Attention]],'
    assert row in " ".join(listed.split())


@pytest.mark.parametrize(
    ("formula", "set_as"),
    [
        (r"\text{over }\kappa\text{, then}", r'upright("over") kappa \, upright(" then")'),
        (r"a\text{; then }b", r'a \; upright(" then") b'),
        (r"a\text{ is, as said, }b", 'a upright("is, as said,") b'),
        (r"\text{as }\tanh u", 'upright("as") #h(0.33em) tanh u'),
        (r"\mathrm{norm}(x) \mathrm{base} (x)", r'op("norm") \( x \) upright("base") \( x \)'),
        (r"\mathrm{d}\mathrm{pos}", 'upright("dpos")'),
        (r"\lvert a \rvert", "lr(|a|)"),
    ],
)
def test_a_formula_has_its_spaces_where_tex_sets_them(formula, set_as):
    found = convert(f"${formula}$", "typst", "PDF").strip()
    assert found.removeprefix("#box[").removesuffix("];").strip("$ ") == set_as


@pytest.mark.parametrize(
    ("formula", "whole"),
    [("C > 0", True), ("x", False), (r"\rho_i = \exp(a_i - b_i) + \exp(c_i - d_i)", False)],
)
def test_a_short_formula_in_a_line_is_not_broken(formula, whole):
    assert convert(f"a ${formula}$(b)", "typst", "PDF").startswith("a #box[") is whole


def test_an_empty_table_is_one():
    assert "table(" in symbols([], {})


def test_all_is_set_by_the_engine_that_is_asked_for(documents, bound, monkeypatch):
    asked = []
    engine = books.Engine(
        "latexmk", lambda title, text: asked.append((title, text)) or b"%PDF", lambda bound: b"book"
    )
    monkeypatch.setitem(ENGINES, "latexmk", engine)
    options = Options(engine="latexmk")
    assert FORMATS["pdf"].chapter(documents[0], options) == {"softmax.pdf": b"%PDF"}
    assert FORMATS["pdf"].whole(bound, options) == {"book.pdf": b"book"}
    assert asked[0][0] == "Softmax"
    assert FORMATS["pdf"].chapter(documents[0], Options())["softmax.pdf"][:4] == b"%PDF"


def test_an_engine_that_is_none_is_told(documents):
    with pytest.raises(UnknownName, match=r"no PDF engine 'word'\. Known: typst, latexmk"):
        FORMATS["pdf"].chapter(documents[0], Options(engine="word"))


def test_what_a_book_is_bound_from_can_be_kept(documents):
    found = leaf_of(documents[0])
    assert unpacked(packed(found)) == found
    assert leaf_of(run_chapter(documents[0].chapter.path)) == found
