"""Input that nobody means well with: refused, or read, at once; nothing of it is executed."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import HOSTILE, read
from hypothesis import given, settings
from hypothesis import strategies as st

from symllm import ReadError, check_latex, ops
from symllm.latex.parse import parse

SECONDS = 1.0
MEBIBYTES = 200


@pytest.fixture(scope="module")
def costs() -> dict[str, tuple[float, int]]:
    command = [sys.executable, str(Path(__file__).parent / "hostile.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, tuple[float, int]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_refused_or_read_at_once(
    costs: dict[str, tuple[float, int]], name: str
) -> None:
    seconds, grown = costs[name]
    assert seconds < SECONDS
    assert grown < MEBIBYTES * 1024
    assert not Path("/tmp/symllm_was_here").exists()


REFUSED = (
    "a point for a denominator",
    "a tower of powers",
    "a factorial",
    "control characters",
    "a file",
    "a shell",
    "Python below",
    "an imaginary number",
    "10,000 braces",
)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_formula_is_refused(name: str) -> None:
    with pytest.raises(ReadError) as caught:
        check_latex(HOSTILE[name], ops.softmax)
    assert len(str(caught.value)) < 1_000


WORDS = r"""
    x p y z i j k n e d L E Z 1 2 0.5 + - = , & \\ / ' ( ) [ ] { } ^ _ ^{ _{ ^\top ^T | \| <
    > \frac \frac{ \sqrt \sum \sum_j \sum_{j=1}^{n} \log \exp \tanh \sigma \mu \delta_{ij}
    \partial \frac{\partial}L}{\partial x_i} \nabla \nabla_x \odot \cdot \times \hat \bar
    \mathbf{1} \mathbb{1} \mathrm{softmax} \operatorname{diag} \text{if} \text{where}
    \begin{cases} \end{cases} \left( \right) \left[ \right. \langle \rangle \overline
    \mathbb{E} \quad \in \ne \le dx dp x_i p_j p_i \dots \top \pi \infty \max \mathcal{L} :
    ; . ~ % \, $ _i ^2 && \begin{pmatrix} \end{pmatrix} \sim \implies \mathrm{Var} \mathrm{Cov}(
    \mathbb{E}_{j\sim{p}}[ \prod_j _{i+1} \text{so}
"""
PIECES = st.sampled_from(WORDS.split())


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=24).map(" ".join))
def test_the_reader_reads_or_says_why_not(text: str) -> None:
    with contextlib.suppress(ReadError):
        read(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ReadError):
        parse(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=12).map(lambda pieces: "p_i = " + " ".join(pieces)))
def test_a_claim_is_judged_or_refused(text: str) -> None:
    try:
        verdict = check_latex(text, ops.softmax)
    except ReadError:
        return
    assert verdict.kind
