"""Cells whose code stands on the page, with what they print."""

from __future__ import annotations

from symllm.document import document_markdown, run_chapter

SHOWN = """\
# %% [markdown]
# # Shown

# %%
from symllm import ops

print("to whoever builds")

# %% tags=["shown"]
import numpy as np

dx = ops.softmax.gradient("x").lambdify()(x=np.array([0.0, 0.0]), dp=np.array([1.0, 0.0]))
print(dx)

# %% tags=["shown"]
nothing = "is printed"

# %% tags=["other"]
hidden = "code"
"""


def test_a_cell_that_is_shown_stands_on_the_page_with_what_it_prints(tmp_path, capsys):
    path = tmp_path / "one.py"
    path.write_text(SHOWN)
    document = run_chapter(path)
    page = document_markdown(document, "github")
    assert "dx = ops.softmax" in page
    assert "This prints\n\n```text\n[ 0.25 -0.25]\n```" in page
    assert page.count("This prints") == 1
    assert 'nothing = "is printed"' in page
    assert "hidden" not in page
    assert "whoever" not in page
    assert capsys.readouterr().out == "to whoever builds\n"
    assert document.book == {}  # a chapter that computes with a gradient does not derive it
