"""The book in LaTeX: it has what Typst's has, and TeX sets it."""

from __future__ import annotations

import re
import shutil

import pytest

from symllm.formats import FORMATS, Options
from symllm.formats.book import said
from symllm.render.volume import book_latex


@pytest.fixture(scope="module")
def source(bound) -> str:
    return book_latex(*said(bound))


ORDER = (
    r"\begin{titlepage}",
    r"\tableofcontents",
    r"\part{Parts \& pieces}",
    r"\chapter{Softmax}\label{softmax}",
    r"\section{The gradient}",
    r"\part{Whole}",
    r"\chapter{Attention}\label{attention}",
    r"\chapter{Formulas by op}",
    r"\chapter{Symbols}",
    r"\chapter{Bibliography}",
)


def test_chapters_come_in_order_with_what_stands_around_them(source):
    assert sorted(ORDER, key=source.index) == [*ORDER]


def test_results_are_numbered_and_referred_to(source):
    labels = re.findall(r"\\label\{(.*?)\}", source)
    assert len(labels) == len(set(labels))
    assert {"eq:softmax:softmax_gradient", "eq:attention:attention_gradient"} <= {*labels}
    assert r"\chapterref{softmax:softmax_gradient}{Softmax}" in source
    assert r"\oprow{Softmax}{softmax:softmax_gradient}" in source


def test_references_are_gathered_at_the_end_and_cited(source):
    assert source.count("Probabilistic interpretation") == 1
    assert r"\hyperref[work-bridle1990]{Bridle, 1990}" in source
    assert r"\label{work-bridle1990}" in source


def test_pictures_are_drawn(source):
    assert source.count(r"\begin{picture}") == 2


@pytest.mark.skipif(not shutil.which("latexmk"), reason="needs latexmk")
def test_tex_sets_the_book_the_same_each_time(bound):
    options = Options(engine="latexmk")
    one, two = (FORMATS["pdf"].whole(bound, options)["book.pdf"] for _ in range(2))
    assert one.startswith(b"%PDF")
    assert one == two
