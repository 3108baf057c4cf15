"""The book as it is built: the same in every process, and readable by whoever reads it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dialect import assert_dialect, formulas_in, katex_faults
from filelock import FileLock
from pages import Page, page_of

from symllm import ops
from symllm.build import MEASUREMENTS
from symllm.chapters import contents
from symllm.formats import FORMATS

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted(path.stem for path in (ROOT / "derivations").glob("*.py"))
SCRIPT = """
import sys
from symllm.build import build
folder, jobs, cache, *chapters = sys.argv[1:]
build(chapters, output=folder, jobs=int(jobs), cache=cache == "cache")
"""
#: Clocks and languages that a document must not tell of.
ZONES = ({"TZ": "UTC", "LC_ALL": "C"}, {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"})

#: Chapters of every kind, built again where all else is different.
AGAIN = ("softmax", "positions", "scaling")


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """All chapters in all formats, and some again: other hashes, another clock, one at once.

    Processes that test side by side share what the first of them builds.
    """
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folders = shared / "books-one", shared / "books-two"
    with FileLock(shared / "books.lock"):
        if not folders[1].exists():
            chapters: tuple[tuple[str, ...], ...] = ((), AGAIN)
            caches = ("cache", "none")  # the whole is there for who builds it next
            for folder, number, zone, names, cache in zip(
                folders, "21", ZONES, chapters, caches, strict=True
            ):
                env = os.environ | {"PYTHONHASHSEED": number} | zone
                command = [sys.executable, "-c", SCRIPT, str(folder), number, cache, *names]
                subprocess.run(command, cwd=ROOT, env=env, check=True)
    return folders


def files_in(folder: Path) -> list[str]:
    found = (p for p in folder.rglob("*") if p.is_file() and p.name != MEASUREMENTS)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def test_builds_are_the_same_whatever_is_around_them(books):
    one, two = books
    names = files_in(one)
    expected = {f"{chapter}.{ending}" for chapter in CHAPTERS for ending in FORMATS}
    expected |= {"README.md", "book.pdf", "index.html", "search.js", "symbols.html", "symbols.md"}
    assert {name for name in names if not name.startswith("pictures/")} == expected
    again = files_in(two)
    assert {f"{chapter}.{ending}" for chapter in AGAIN for ending in FORMATS} <= set(again)
    differing = [name for name in again if (one / name).read_bytes() != (two / name).read_bytes()]
    assert not differing


def test_every_op_of_the_catalogue_has_its_place_in_the_book():
    shown = set(contents(ROOT / "derivations"))
    missing = set(ops) - shown
    assert not missing, f"no chapter in derivations/ shows {', '.join(sorted(missing))}"
    assert shown <= set(ops)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_formulas_keep_to_the_dialect(books, chapter):
    formulas = formulas_in((books[0] / f"{chapter}.md").read_text())
    assert len(formulas) > 20
    for tex, _ in formulas:
        assert_dialect(tex)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_katex_reads_every_formula(books, chapter):
    formulas = formulas_in((books[0] / f"{chapter}.md").read_text())
    assert katex_faults(formulas) == []


@pytest.mark.parametrize("name", ["search", *CHAPTERS])
def test_katex_reads_every_formula_of_the_site(books, name):
    """What a page's formulas say to who cannot see them is TeX as well."""
    searched = "".join(entry.get("formula", "") for entry in entries(books[0]))
    page = Page(searched) if name == "search" else page_of(books[0] / f"{name}.html")
    found = page.elements["math"]
    formulas = [(math["alttext"], "display" in math) for math in found]
    assert len(formulas) > 10
    assert katex_faults(formulas) == []


def test_katex_finds_what_it_is_strict_about():
    wrong = [(r"\foo", True), (r"\frac{a}", False), ("é", False)]
    assert len(katex_faults(wrong)) == len(wrong)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_plain_latex_compiles_with_no_line_too_long(books, chapter, tmp_path):
    latex = shutil.which("pdflatex")
    if latex is None:
        pytest.skip("needs pdflatex")
    shutil.copy(books[0] / f"{chapter}.tex", tmp_path)
    command = [latex, "-no-shell-escape", "-halt-on-error", "-interaction=nonstopmode"]
    result = subprocess.run([*command, f"{chapter}.tex"], cwd=tmp_path, capture_output=True)
    log = (tmp_path / f"{chapter}.log").read_text(errors="replace")
    assert result.returncode == 0, log[-2000:]
    assert "Overfull \\hbox" not in log


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_links_lead_to_chapters(books, chapter):
    page = re.sub(r"^```.*?^```$", "", (books[0] / f"{chapter}.md").read_text(), flags=re.M | re.S)
    for target in (part.split(")")[0] for part in page.split("](")[1:]):
        assert (books[0] / target).exists(), target


# --------------------------------------------------------------------------
# The site
# --------------------------------------------------------------------------

PAGES = ["index", *CHAPTERS]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_site_needs_nothing_beside_it(books, name):
    page = Page((books[0] / f"{name}.html").read_text())
    assert page.open == []
    assert {link for link in page.loaded if link != "search.js"} == set()
    assert len(page.ids) == len(set(page.ids))
    for link in page.links:
        target, _, anchor = link.partition("#")
        assert anchor in page_of(books[0] / (target or f"{name}.html")).ids or not anchor, link


@pytest.mark.parametrize("name", PAGES)
def test_a_page_of_the_site_can_be_read_aloud(books, name):
    page = page_of(books[0] / f"{name}.html")
    assert all(math.get("alttext") for math in page.elements["math"])
    assert all(svg.get("aria-label") for svg in page.elements["svg"])
    assert all(svg.get("role") == "img" for svg in page.elements["svg"])
    assert len(page.elements["h1"]) == 1
    assert page.elements["html"][0]["lang"] == "en"
    assert len(page.elements["details"]) > 2 or "Derivation" not in page.text
    assert page.text.count("$") == 0


LAYER_NORM = "Layer normalisation: gradient by x"


def entries(folder: Path) -> list[dict[str, str]]:
    text = (folder / "search.js").read_text()
    return json.loads(text.removeprefix("window.SEARCH = ").rstrip().removesuffix(";"))


def test_whoever_looks_for_a_gradient_finds_its_formula(books):
    """The script that the site's search looks in leads to what it shows."""
    found = next(e for e in entries(books[0]) if e["title"] == LAYER_NORM)
    assert found["url"] == "normalisation.html#layer_norm_gradient"
    assert r"r \left( \mathrm{d}\hat{x}_i - " in found["formula"]
    for entry in entries(books[0]):
        target, _, anchor = entry["url"].partition("#")
        assert anchor in page_of(books[0] / target).ids, entry


def test_the_book_has_an_outline_and_its_lists(books):
    bound = (books[0] / "book.pdf").read_bytes()
    assert bound.startswith(b"%PDF")
    assert b"/Outlines" in bound
