"""Markdown in each flavour, the folder's first page, and LaTeX."""

from __future__ import annotations

import pytest

from symllm.formats import FORMATS, Options
from symllm.formats.text import github_anchors
from symllm.headings import Heading

FLAVOURED = {
    "github": ("$`x_i`$", "```mermaid", "README.md"),
    "mkdocs": ("$x_i$", "```mermaid", "index.md"),
    "myst": ("{math}`x_i`", "```{mermaid}", "index.md"),
}


@pytest.mark.parametrize("flavour", FLAVOURED)
def test_a_page_in_each_flavour_with_its_pictures(documents, bound, flavour):
    options = Options(flavour=flavour)
    formula, graph, first = FLAVOURED[flavour]
    files = FORMATS["md"].chapter(documents[0], options)
    page = files["softmax.md"].decode()
    assert formula in page
    assert graph in page
    assert "](pictures/softmax-jacobian.svg)" in page
    assert files["pictures/softmax-jacobian.svg"].startswith(b"<svg ")
    assert set(files) == {"softmax.md", "pictures/softmax-jacobian.svg"}
    assert "(softmax.md)" in FORMATS["md"].chapter(documents[1], options)["attention.md"].decode()
    assert set(FORMATS["md"].whole(bound, options)) == {first, "symbols.md"}


def test_the_first_page_leads_to_every_op(bound):
    page = FORMATS["md"].whole(bound, Options())["README.md"].decode()
    assert page == (
        "# A book\n\n"
        "## Parts & pieces\n\n"
        "**[Softmax](softmax.md)**\n\n"
        "[Softmax](softmax.md#the-gradient) · [A remark & more](softmax.md#a-remark--more)\n\n"
        "## Whole\n\n"
        "**[Attention](attention.md)**\n\n"
        "[Scaled dot-product attention](attention.md#backwards)\n\n"
        "[Symbols](symbols.md)\n"
    )


def test_the_table_of_symbols_leads_to_where_they_are_met(bound):
    page = FORMATS["md"].whole(bound, Options())["symbols.md"].decode()
    rows = [line for line in page.splitlines() if line.startswith("| ")][1:]
    assert "| $`P`$ | attention weights | [Attention](attention.md) |" in rows
    assert "| $`p`$ | probabilities | [Softmax](softmax.md) |" in rows
    assert len(rows) == len(set(rows))


def test_anchors_as_github_makes_them():
    given = [("A & b", "x"), ("The *input*", "y"), ("The input", "z")]
    found = github_anchors(Heading(2, text, anchor) for text, anchor in given)
    assert found == {"x": "a--b", "y": "the-input", "z": "the-input-1"}


def test_latex_says_what_a_picture_would_show(documents):
    (source,) = FORMATS["tex"].chapter(documents[0], Options()).values()
    assert r"(\emph{Softmax: the Jacobian at x = (2, 1, 0).})" in source.decode()
    assert "<svg" not in source.decode()
    assert r"\label{" not in source.decode()
