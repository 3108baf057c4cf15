"""Two small chapters, run once for all tests of formats."""

from __future__ import annotations

from pathlib import Path

import pytest

from symllm.document import Document, run_chapter
from symllm.formats.format import leaf
from symllm.leaf import Bound

SOFTMAX = """\
# %% [markdown]
# # Softmax
#
# Prose with $x_i$ (Bridle, 1990).

# %%
from symllm import ops, pictures

ops.softmax

# %% [markdown]
# ## The gradient

# %%
ops.softmax.gradient("x")

# %%
pictures.heat_map(ops.softmax.jacobian("x"), x=[2, 1, 0])

# %%
pictures.graph(ops.softmax)

# %% [markdown]
# ## A remark & more
#
# Nothing is derived here.
#
# ### References
#
# J. S. Bridle, *Probabilistic interpretation*, 1990.
"""

ATTENTION = """\
# %% [markdown]
# # Attention

# %%
from symllm import ops

ops.attention

# %% [markdown]
# ## Backwards

# %%
ops.attention.gradient()
"""


BOOK = """\
title = "A book"

[[parts]]
title = "Parts & pieces"
chapters = ["softmax"]

[[parts]]
title = "Whole"
chapters = ["attention"]
"""


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[Document]:
    folder = tmp_path_factory.mktemp("derivations")
    (folder / "softmax.py").write_text(SOFTMAX)
    (folder / "attention.py").write_text(ATTENTION)
    (folder / "book.toml").write_text(BOOK)
    return [run_chapter(Path(folder) / f"{name}.py") for name in ("softmax", "attention")]


@pytest.fixture(scope="session")
def bound(documents: list[Document]) -> Bound:
    said = documents[0]
    return Bound(said.volume, said.parts, said.letters, tuple(map(leaf, documents)))
