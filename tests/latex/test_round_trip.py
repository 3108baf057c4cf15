"""Every formula of every chapter is read back to the expression that it came from."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import pytest
import sympy as sp
from dialect import formulas_in
from round_trip import Shown, read_back, shown_in

from symllm.derivation import Derivation
from symllm.document import run_chapter
from symllm.latex.parse import parse

ROOT = Path(__file__).parents[2]

TEXTS = {p: p.read_text(encoding="utf-8") for p in sorted((ROOT / "derivations").glob("*.py"))}

#: Chapters that derive. Calculations, with expectations and bounds, are not read back.
DERIVING = [path for path, text in TEXTS.items() if ".gradient(" in text]
CHAPTERS = [path for path, text in TEXTS.items() if "calculation(" not in text]


@lru_cache(maxsize=4)
def derivations(path: Path) -> tuple[Derivation, ...]:
    shown = run_chapter(path).shown
    return tuple(s.value for s in shown if isinstance(s.value, Derivation))


@pytest.mark.parametrize("path", DERIVING, ids=lambda path: path.stem)
def test_every_step_of_a_chapter_is_read_back(path: Path) -> None:
    found = derivations(path)
    assert found or path not in CHAPTERS
    for derivation in found:
        for shown in shown_in(derivation):
            why = read_back(shown)
            assert not why, f"{derivation.op.name}, {shown.where}: {shown.tex}\n{why}"


def test_a_formula_that_says_something_else_is_noticed() -> None:
    """Each step's formula read as that of twice its expression, or with two indices swapped."""
    (derivation, *_) = derivations(ROOT / "derivations" / "normalisation.py")
    noticed = 0
    for shown in shown_in(derivation):
        if shown.expr == 0:
            continue
        other = Twice(shown.where, shown.expr, shown.free, shown.style, shown.context)
        assert read_back(other), shown.tex
        noticed += 1
    assert noticed > 20


class Twice(Shown):
    """An expression with the LaTeX of another."""

    @property
    def tex(self) -> str:
        return replace_shown(self).tex


def replace_shown(shown: Shown) -> Shown:
    return Shown(shown.where, sp.Integer(2) * shown.expr, shown.free, shown.style, shown.context)


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_displayed_formula_of_a_page_can_be_parsed(path: Path) -> None:
    page = (ROOT / "output" / f"{path.stem}.md").read_text(encoding="utf-8")
    found = [tex.strip() for tex, shown in formulas_in(page) if shown]
    assert found
    for tex in found:
        if r"\text{forward operations}" not in tex:  # counts, which are no formulas of an op
            parse(f"y {tex}" if tex.startswith("=") else tex)
