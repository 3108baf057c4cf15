"""The book as it is built: the same in every process, and readable by whoever reads it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dialect import assert_dialect, formulas_in

from symllm import ops
from symllm.build import MEASUREMENTS
from symllm.document import contents

ROOT = Path(__file__).parent.parent
CHAPTERS = sorted(path.stem for path in (ROOT / "derivations").glob("*.py"))
SCRIPT = """
import sys
from symllm.build import build
build(output=sys.argv[1], jobs=int(sys.argv[2]), cache=False)
"""
#: Clocks and languages that a document must not tell of.
ZONES = ({"TZ": "UTC", "LC_ALL": "C"}, {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"})
KATEX = """
const katex = require('katex');
const options = {throwOnError: true, strict: 'error'};
const wrong = [];
for (const [tex, displayMode] of JSON.parse(require('fs').readFileSync(0, 'utf8'))) {
  try { katex.renderToString(tex, {...options, displayMode}); }
  catch (error) { wrong.push(tex + ': ' + error.message); }
}
console.log(JSON.stringify(wrong));
"""


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """All chapters in all formats, built twice: other hashes, another clock, one or two at once."""
    folders = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(folder), number],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": number, "PYTHONPATH": str(ROOT)} | zone,
        )
        for folder, number, zone in zip(folders, "12", ZONES, strict=True)
    ]
    assert [process.wait() for process in running] == [0, 0]
    return folders


def test_builds_are_the_same_whatever_is_around_them(books):
    one, two = books
    names = sorted({*os.listdir(one)} - {MEASUREMENTS})
    expected = (f"{chapter}.{ending}" for chapter in CHAPTERS for ending in ("md", "pdf", "tex"))
    assert names == sorted(expected) == sorted({*os.listdir(two)} - {MEASUREMENTS})
    differing = [name for name in names if (one / name).read_bytes() != (two / name).read_bytes()]
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
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs node, and its package katex: npm install katex")
    if subprocess.run([node, "-e", "require('katex')"], cwd=ROOT, capture_output=True).returncode:
        pytest.skip("needs the npm package katex, where node looks for it: npm install katex")
    formulas = json.dumps(formulas_in((books[0] / f"{chapter}.md").read_text()))
    result = subprocess.run(
        [node, "-e", KATEX], cwd=ROOT, input=formulas, capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout) == []


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
    page = (books[0] / f"{chapter}.md").read_text()
    for target in (part.split(")")[0] for part in page.split("](")[1:]):
        assert (books[0] / target).exists(), target
