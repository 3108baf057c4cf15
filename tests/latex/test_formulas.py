"""Formulas of the field: their verdicts, and that differences say the same of each."""

from __future__ import annotations

import numpy as np
import pytest
from differences import data
from formulas import Formula
from formulas_of_layers import LAYERS
from formulas_of_losses import LOSSES
from formulas_of_norms import NORMS

from symllm import check_latex, ops

FORMULAS = (*LOSSES, *NORMS, *LAYERS)

#: Differences in double precision know this much.
TOLERANCE = 1e-4


def named(formula: Formula) -> str:
    return f"{formula.op}-{formula.latex[:48]}"


def test_there_are_many() -> None:
    assert len(FORMULAS) >= 80
    assert sum(f.kind != "correct" for f in FORMULAS) >= 20
    assert len({(f.op, f.latex) for f in FORMULAS}) == len(FORMULAS)


@pytest.mark.parametrize("formula", FORMULAS, ids=named)
def test_a_formula_gets_its_verdict(formula: Formula) -> None:
    verdict = check_latex(formula.latex, ops[formula.op], where=formula.where)
    assert verdict.kind == formula.kind, str(verdict)


@pytest.mark.parametrize("formula", FORMULAS, ids=named)
def test_differences_say_the_same(formula: Formula) -> None:
    """What was accepted is right, and what was refused is wrong, by hand and by differences."""
    point = data(ops[formula.op])
    truth = np.asarray(formula.truth(point))
    if formula.claimed is None:
        assert formula.kind == "shape"
        return
    claimed = np.asarray(formula.claimed(point))
    scale = np.abs(truth).max()
    same = claimed.shape == truth.shape and np.abs(claimed - truth).max() < TOLERANCE * scale
    assert scale > 1e-3
    assert same == (formula.kind == "correct")
