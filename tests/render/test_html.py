"""HTML: formulas that can be read aloud, and what unfolds."""

from __future__ import annotations

import pytest
from pages import Page

from symllm import ops
from symllm.formats.contents import Contents
from symllm.headings import Heading
from symllm.leaf import Entry
from symllm.render.html import (
    chapter_html,
    formulas_html,
    html_body,
    index_html,
    plain,
    search_script,
)

WIDE = r"""
$$
\begin{aligned}
a &= \frac{1}{d} \sum_j x_j \\
b &= c < d
\end{aligned}
$$
"""


def test_a_formula_has_its_source_as_the_text_instead_of_it():
    (math,) = Page(html_body(r"Of $x_i < \gamma$.")).elements["math"]
    assert math == {"alttext": r"x_i < \gamma"}


def test_a_full_stop_and_brackets_stay_on_the_line_of_their_formula():
    made = html_body("Of $x$, or ($y$); and of $z$ alone (\n$v$ is it).\n\n$$\na = b\n$$\n")
    page = Page(made)
    assert page.elements["span"] == [{"class": "kept"}] * 2
    assert '<span class="kept">(<math' in made
    assert "or (y); and" in page.text.replace("\n", " ")


def test_displays_scroll_in_a_box_of_their_own_and_keep_their_size():
    page = Page(html_body(WIDE))
    assert {"class": "display"} in page.elements["div"]
    assert [table["displaystyle"] for table in page.elements["mtable"]] == ["true"]
    assert page.elements["math"][0]["display"] == "block"
    assert "annotation" not in page.elements


def test_steps_unfold_and_results_do_not_have_to():
    page = Page(html_body(ops.layer_norm.gradient("x").to_markdown("pandoc")))
    assert [d["class"] for d in page.elements["details"]] == ["lemma", "steps", "code"]
    assert len(page.elements["summary"]) == 3
    assert "Derivation in 9 steps" in page.text
    assert "result" in {div.get("class") for div in page.elements["div"]}


def test_a_lemma_without_a_proof_has_nothing_to_unfold():
    page = Page(html_body("::: lemma\n**Lemma.** It is so.\n:::"))
    assert not page.elements["details"]
    assert "It is so." in page.text


def test_formulas_come_back_one_for_one():
    found = formulas_html(["x", WIDE.strip().strip("$").strip(), r"\hat{y}"])
    assert ["mtable" in formula for formula in found] == [False, True, False]
    assert formulas_html([]) == []


@pytest.mark.parametrize(
    ("written", "said"),
    [("The *block* of `GPT`", "The block of GPT"), ("$x_i$", "x_i"), (r"$\beta^t$", "β^t")],
)
def test_a_title_without_marks(written, said):
    assert plain(written) == said


def test_lists_of_headings_have_their_formulas():
    sections = [Heading(2, r"Why $1 - \beta$ & more", "why"), Heading(3, "Less & less", "less")]
    titles = {"a": "Of $x$", "b": "B"}
    made = chapter_html("a", titles["a"], "Text.", sections, titles, {"title": "T"}, {})
    menu = made[made.index("<nav") : made.index("</nav>")]
    assert menu.count("<math") == 2
    assert 'alttext="1 - \\beta"' in menu
    assert "Less &amp; less</a>" in menu
    assert "$" not in Page(made).text
    chapter = Contents("a", titles["a"], (Entry("Where $y$ is", "", "why"),))
    assert index_html([chapter], titles, {"title": "T", "subtitle": ""}, {}).count("<math") == 3


def test_a_script_of_entries_is_the_same_whatever_the_order_of_their_keys():
    one, two = {"a": 1, "b": "é"}, {"b": "é", "a": 1}
    assert search_script([one]) == search_script([two])
    assert "é" in search_script([one])
