"""Notebooks run, and show then what was written into them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from symllm.document import run_chapter
from symllm.formats import FORMATS, Options

CHAPTER = """\
# %% [markdown]
# # A title
#
# Prose with $x_i$.

# %%
from symllm import ops

ops.softmax

# %% [markdown]
# ## The gradient

# %%
ops.softmax.gradient("x")

# %% [markdown]
# *In words:* it is so.

# %%
ops.softmax.gradient("x").result

# %% tags=["shown"]
print("once", 2)
"""


def notebook(folder: Path, text: str = CHAPTER) -> Any:
    path = folder / "one.py"
    path.write_text(text)
    files = FORMATS["ipynb"].chapter(run_chapter(path), Options())
    return nbformat.reads(files["one.ipynb"].decode(), as_version=4)


def rich(cell: Any) -> list[dict[str, str]]:
    return [
        {kind: text for kind, text in output["data"].items() if kind != "text/plain"}
        for output in cell.get("outputs", [])
        if "data" in output
    ]


def printed(cell: Any) -> str:
    return "".join(output.get("text", "") for output in cell.get("outputs", []))


def test_a_notebook_runs_and_shows_what_it_showed(tmp_path):
    written = notebook(tmp_path)
    nbformat.validate(written)
    ran = nbformat.from_dict(json.loads(json.dumps(written)))
    for cell in ran.cells:
        cell.update({"outputs": []} if cell.cell_type == "code" else {})
    NotebookClient(ran, timeout=120, kernel_name="python3").execute()
    assert [rich(cell) for cell in ran.cells] == [rich(cell) for cell in written.cells]
    assert [printed(cell) for cell in ran.cells] == [printed(cell) for cell in written.cells]
    assert printed(ran.cells[-1]) == "once 2\n"
    assert written.cells[-1].metadata.tags == ["shown"]
    shown = "".join(text for cell in ran.cells for data in rich(cell) for text in data.values())
    assert "**Result.**" in shown
    assert written.cells[0].source == "# A title\n\nProse with $x_i$."


def ids(folder: Path, text: str) -> list[str]:
    return [cell.id for cell in notebook(folder, text).cells]


def test_cell_ids_stay_when_something_is_edited_or_added_elsewhere(tmp_path):
    before = ids(tmp_path, CHAPTER)
    assert before == [
        "a-title-text",
        "a-title-code",
        "the-gradient-text",
        "the-gradient-code",
        "the-gradient-text-2",
        "the-gradient-code-2",
        "the-gradient-code-3",
    ]
    assert ids(tmp_path, CHAPTER.replace("it is so", "it is otherwise")) == before
    more = CHAPTER.replace("# %% [markdown]\n# ## The", "# %%\n1 + 1\n\n# %% [markdown]\n# ## The")
    assert [cell for cell in ids(tmp_path, more) if cell in before] == before


@pytest.mark.parametrize("name", ["normalisation"])
def test_the_books_notebooks_are_valid(name):
    folder = Path(__file__).parents[2] / "derivations"
    files = FORMATS["ipynb"].chapter(run_chapter(folder / f"{name}.py"), Options())
    nbformat.validate(nbformat.reads(files[f"{name}.ipynb"].decode(), as_version=4))
