"""Chapters: what they show, how they fail, and that what is built is always the same."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from fakes import layer_norm_gradient, softmax_gradient

from symllm import ops
from symllm.build import MEASUREMENTS, build
from symllm.chapters import ChapterError, cells_of, find_chapters
from symllm.document import document_markdown, run_chapter, show
from symllm.errors import UnknownName, VerificationError
from symllm.files import BuildError
from symllm.formats import DEFAULT, FORMATS
from symllm.render import typeset
from symllm.render.flavour import FLAVOURS
from symllm.render.glance import glance_markdown
from symllm.render.page import derivation_latex, derivation_markdown, op_latex

CHAPTER = """\
# %% [markdown]
# # A title
#
# Prose with $x_i$ and `code $5`.

# %%
from fakes import softmax_gradient
from symllm import ops

ops.softmax

# %%
softmax_gradient()

# %% [markdown]
# The end.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    chapters = tmp_path / "derivations"
    chapters.mkdir()
    (chapters / "one.py").write_text(CHAPTER)
    return tmp_path


def build_in(folder: Path, **options):
    return build(output=folder / "output", folder=folder / "derivations", **options)


# --------------------------------------------------------------------------
# Reading and running
# --------------------------------------------------------------------------


def test_cells_know_their_lines():
    cells = list(cells_of(CHAPTER))
    assert [cell.prose for cell in cells] == [True, False, False, True]
    assert [cell.line for cell in cells] == [2, 7, 13, 16]
    assert cells[0].source.splitlines()[2] == "Prose with $x_i$ and `code $5`."


def test_words_for_a_result_end_where_a_section_begins():
    text = "# %% [markdown]\n# *In words:* so.\n#\n# And so.\n#\n# ## Next\n# More.\n"
    first, second = cells_of(text)
    assert (first.source, first.line) == ("*In words:* so.\n\nAnd so.", 2)
    assert (second.source, second.line, second.prose) == ("## Next\nMore.", 6, True)


def test_a_chapter_shows_prose_and_values(folder):
    document = run_chapter(folder / "derivations" / "one.py")
    assert document.title == "A title"
    github = document_markdown(document, "github")
    assert github.startswith("# A title\n\nProse with $`x_i`$ and `code $5`.\n")
    assert github.index("**Forward.**") < github.index("**Question.**") < github.index("The end.")
    assert "```math" in github
    assert "$$" not in github
    assert "\n\n\n" not in github
    pandoc = document_markdown(document, "pandoc", title=False)
    assert pandoc.startswith("Prose with $x_i$ and `code $5`.\n")


BESIDE = CHAPTER.replace("The end.", "*In words:* it is so.\n\n# %% [markdown]\n# The end.")
OTHER = """\
# %% [markdown]
# # Another title

# %%
from symllm import ops

ops.sigmoid.batched("N").gradient("x")
"""
CITING = """\
# %% [markdown]
# # Citing

# %%
from symllm import ops

ops.silu

# %%
ops.silu.gradient("x")
"""


def test_words_about_a_result_stand_beside_it(folder):
    path = folder / "derivations" / "one.py"
    path.write_text(BESIDE)
    page = document_markdown(run_chapter(path), "github")
    marks = ["**Result.**", "*In words:* it is so.", "**Evidence.**", "The end."]
    assert [page.index(mark) for mark in marks] == sorted(page.index(mark) for mark in marks)
    assert page.count("*In words:*") == 1


def test_a_result_does_not_repeat_the_equations_before_it(folder):
    page = document_markdown(run_chapter(folder / "derivations" / "one.py"), "github")
    assert "> with $`p`$ as in the forward equations." in page
    assert "as in the forward equations" not in derivation_markdown(softmax_gradient())


def test_a_lemma_says_where_it_is_derived(folder):
    path = folder / "derivations" / "citing.py"
    path.write_text(CITING)
    assert "That derivation" not in document_markdown(run_chapter(path), "github")
    (folder / "derivations" / "other.py").write_text(OTHER)
    (folder / "derivations" / "bad.py").write_text("# %% [markdown]\n# # Bad\n# %%\nx = (\n")
    document = run_chapter(path)
    assert document.book["sigmoid"] == ("other", "Another title")
    found = "It is in the chapter [Another title](other.md)."
    assert found in document_markdown(document, "github")
    pandoc = document_markdown(document, "pandoc")
    assert "in the chapter [Another title](other.md#sigmoid_gradient)." in pandoc
    path.write_text(CITING + "\n# %% [markdown]\n# *In words:* as *Another\n# title* says.\n")
    assert "as [Another title](other.md) says." in document_markdown(run_chapter(path), "pandoc")
    path.write_text(CITING.replace("ops.silu\n", "ops.sigmoid.gradient('x')\n", 1))
    assert "It is given above." in document_markdown(run_chapter(path), "github")


FAILING = {
    "raises": ("# %%\n1 + 1\n\n# %%\nx = 1\nx / 0\n", ":8: ZeroDivisionError: division by zero"),
    "syntax": ("# %%\nx = (\n", ":4: SyntaxError: '(' was never closed"),
    "name": ("# %%\nops.softmaks\n", ":4: NameError"),
    "calls": ("# %%\ndef f():\n    raise KeyError(3)\n\n\nf()\n", ":5: KeyError: 3"),
    "unverified": (
        "# %%\nfrom fakes import softmax_gradient\n\n\nsoftmax_gradient(ok=False)\n",
        ":4: VerificationError: the gradient of 'softmax' does not verify",
    ),
}


@pytest.mark.parametrize("case", FAILING)
def test_a_chapter_that_fails_says_where_and_leaves_nothing(folder, case):
    source, message = FAILING[case]
    path = folder / "derivations" / "bad.py"
    path.write_text("# %% [markdown]\n# # Bad\n" + source)
    with pytest.raises(ChapterError) as caught:
        build_in(folder, chapters=["bad"], formats=["md"])
    assert f"{path}{message}" in str(caught.value)
    assert not (folder / "output").exists()


def test_a_chapter_needs_a_title(folder):
    path = folder / "derivations" / "bare.py"
    path.write_text("# %%\n1 + 1\n")
    with pytest.raises(ChapterError, match="title"):
        run_chapter(path)


def test_values_are_shown_as_they_read_best():
    assert show(None) == ""
    assert show(3) == "```\n3\n```"
    assert show("def f():\n    pass\n") == "```python\ndef f():\n    pass\n```"
    assert show([1, "a"]).count("```") == 4


# --------------------------------------------------------------------------
# Building
# --------------------------------------------------------------------------


def test_build_writes_every_format_once(folder):
    seen: list[str] = []
    report = build_in(folder, progress=seen.append)
    assert seen == ["one"]
    expected = [
        "README.md",
        "book.pdf",
        "index.html",
        *(f"one.{name}" for name in FORMATS),
        "search.js",
        "symbols.html",
        "symbols.md",
    ]
    assert sorted(path.name for path in report.written) == sorted(expected)
    assert sorted(os.listdir(folder / "output")) == sorted([MEASUREMENTS, *expected])
    assert (folder / "output" / "one.pdf").read_bytes().startswith(b"%PDF")
    again = build_in(folder)
    assert not again.written
    assert len(again.unchanged) == len(expected)


def test_check_writes_nothing_and_says_what_is_stale(folder):
    assert "is missing" in "".join(build_in(folder, check=True, formats=["md"]).stale.values())
    assert not (folder / "output").exists()
    build_in(folder, formats=["md"])
    assert build_in(folder, check=True, formats=["md"]).ok
    page = folder / "output" / "one.md"
    page.write_text(page.read_text().replace("The end.", "An end."))
    report = build_in(folder, check=True, formats=["md"])
    assert not report.ok
    assert "-An end.\n+The end." in report.stale[page]
    assert "An end." in page.read_text()


STUBBORN = """
# %%
class Stubborn:
    def to_markdown(self, flavour):
        return "yes"

    def _repr_svg_(self):
        raise ValueError("no")


Stubborn()
"""


def test_nothing_is_written_if_one_format_fails(folder):
    path = folder / "derivations" / "one.py"
    path.write_text(CHAPTER + STUBBORN)
    with pytest.raises(ChapterError, match="ValueError: no"):
        build_in(folder, formats=["md", "ipynb"])
    assert not (folder / "output").exists()
    assert build_in(folder, formats=["md"]).written


def test_what_chapters_make_together_is_built_with_all_of_them(folder):
    (folder / "derivations" / "two.py").write_text(OTHER)
    assert [path.name for path in build_in(folder, chapters=["one"], formats=["html"]).written] == [
        "one.html"
    ]
    found = build_in(folder, formats=["html"])
    made = {"two.html", "index.html", "search.js", "symbols.html"}
    assert {path.name for path in found.written} == made


def test_a_chapter_may_not_bear_the_name_of_the_book(folder):
    (folder / "derivations" / "book.py").write_text(OTHER)
    with pytest.raises(BuildError, match=r"book\.pdf would be a file of book and of the book"):
        build_in(folder, formats=["pdf"])
    assert not (folder / "output").exists()


def test_an_output_that_cannot_be_written(folder):
    (folder / "output").write_text("a file, not a folder")
    with pytest.raises(BuildError, match="output"):
        build_in(folder, formats=["md"])


def test_unknown_names_are_told(folder):
    with pytest.raises(UnknownName, match="no chapter 'on'"):
        build_in(folder, chapters=["on"])
    with pytest.raises(UnknownName, match="format 'doc'"):
        build_in(folder, formats=["doc"])
    with pytest.raises(ChapterError, match="no folder"):
        build(folder=folder / "nowhere")
    with pytest.raises(UnknownName, match="flavour"):
        derivation_markdown(softmax_gradient(), "word")


def test_markdown_needs_no_extra(folder, monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(typeset, "import_module", missing)
    document = run_chapter(folder / "derivations" / "one.py")
    assert FORMATS["md"].chapter(document, DEFAULT)
    with pytest.raises(typeset.MissingExtra, match=r"pip install 'symllm\[docs\]'"):
        FORMATS["pdf"].chapter(document, DEFAULT)


# --------------------------------------------------------------------------
# Pages
# --------------------------------------------------------------------------


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("make", [softmax_gradient, layer_norm_gradient])
def test_a_page_reads_in_order(make, flavour):
    page = derivation_markdown(make(), flavour)
    marks = [
        "**Question.**",
        "**Derivation.**",
        "1. **",
        "**Result.**",
        "**Evidence.**",
        "```python",
    ]
    assert [page.index(mark) for mark in marks] == sorted(page.index(mark) for mark in marks)
    assert "Indexed" not in page
    assert r"\operatorname" not in page


def test_names_of_gradients_are_introduced_where_they_are_needed():
    page = derivation_markdown(softmax_gradient())
    assert page.count(r"\mathrm{d}E_i = \frac{\partial L}{\partial E_i} = ") == 1
    assert r"\mathrm{d}x_i =" not in page


def test_lemmas_come_with_their_proof():
    page = derivation_markdown(layer_norm_gradient())
    assert r"**Lemma.** The entries of $`\hat{x}`$ sum to zero: $`\sum_j \hat{x}_j = 0`$." in page
    assert r"\text{split the sum}" in page


def test_what_does_not_verify_is_not_shown():
    with pytest.raises(VerificationError, match="does not verify"):
        derivation_markdown(softmax_gradient(ok=False))


def test_a_notebook_shows_the_result():
    assert r"\frac{\partial L}{\partial x_i} &= p_i" in derivation_latex(softmax_gradient())
    assert r"\sum_{j=1}^{n}" in op_latex(softmax_gradient().op)


def test_the_latex_source_has_no_raw_markdown(folder):
    build_in(folder, formats=["tex"])
    source = (folder / "output" / "one.tex").read_text()
    assert r"\begin{result}" in source
    assert r"\begin{shortcode}" in source
    for raw in (":::", "**", "$$", "```"):
        assert raw not in source


CHAPTERS = find_chapters(Path(__file__).parent.parent / "derivations")


@pytest.mark.parametrize("path", CHAPTERS, ids=[path.stem for path in CHAPTERS])
def test_prose_keeps_to_inline_symbols(path):
    prose = [cell.source for cell in cells_of(path.read_text()) if cell.prose]
    assert prose[0].startswith("# ")
    for text in prose:
        assert "$$" not in text
        assert "```math" not in text


def test_evidence_says_what_was_proved_and_what_checked():
    page = derivation_markdown(layer_norm_gradient(), "pandoc")
    assert (
        "**Evidence.** Steps 1 and 3–6 proved (one normal form), all checked at $n = 4$ (seed 0) "
        "and $n = 3$ (seed 1) to $10^{-20}$, the result against central differences of an "
        "independent NumPy function to $10^{-7}$."
    ) in page


def test_results_at_a_glance(folder):
    path = folder / "derivations" / "one.py"
    path.write_text(
        CHAPTER.replace("The end.", "More.\n\n# %%\n[softmax_gradient()]\n\n# %%\n")
        + "softmax_gradient()\n"
    )
    page = document_markdown(run_chapter(path), "github")
    glance = page[page.index("**At a glance.**") : page.index("**Forward.**")]
    assert glance.count("frac") == 1
    assert r"\text{Softmax}" in glance


def test_a_glance_gives_no_answers_away(folder):
    path = folder / "derivations" / "one.py"
    answers = "## Exercises\n#\n# ### Answers\n\n# %%\nops.tanh.gradient()\n\n# %%\n"
    path.write_text(CHAPTER.replace("The end.", answers) + "ops.sigmoid.gradient()\n")
    page = document_markdown(run_chapter(path), "github")
    assert page.count("**Result.**") == 3
    assert "**At a glance.**" not in page


def test_a_title_at_a_glance_holds_no_names():
    """Z is a name in the z-loss, and its title is a title all the same."""
    glance = glance_markdown([ops.z_loss.gradient(), ops.mse.gradient()])
    assert r"\text{Z-loss}" in glance
    assert r"\text{Mean squared error}" in glance
