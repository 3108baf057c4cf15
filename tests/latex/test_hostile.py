"""Input that nobody means well with: refused, or read, at once; nothing of it is executed."""

from __future__ import annotations

import contextlib
import gc
import resource
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symllm import ReadError, check_latex, ops
from symllm.latex.check import context_for
from symllm.latex.claim import claims
from symllm.latex.parse import parse
from symllm.latex.statements import taken_apart

SECONDS = 1.0
MEBIBYTES = 200

HOSTILE = {
    "100,000 characters": "p_i = " + "x" * 100_000,
    "10,000 braces": "{" * 10_000,
    "10,000 pairs of braces": "p_i = " + "{" * 10_000 + "x" + "}" * 10_000,
    "9,000 brackets": "p_i = " + "(" * 9_000 + "x_i" + ")" * 9_000,
    "a tower of powers": "p_i = 9^{9^{9^9}}",
    "a power of powers": "p_i = (((9^{99})^{99})^{99})^{99}",
    "a tower of pi": r"p_i = \pi^{\pi^{\pi^{\pi}}}",
    "a factorial": "p_i = 99999999!",
    "a long number": "p_i = " + "9" * 10_000,
    "many numbers": "p_i = " + "9 " * 3_000,
    "a high power": r"p_i = (x_i + \sum_j x_j + 1)^{1000000}",
    "products of sums": "p_i = " + "(x_i + 1)" * 400,
    "control characters": "p_i = \x00\x07\x1b[31mx_i",
    "a change of direction": "p_i = \u202ex_i",
    "a file": r"\input{/etc/passwd}",
    "a shell": r"\write18{touch /tmp/symllm_was_here}",
    "a macro": r"\def\x{\x\x}\x",
    "a catcode": r"\catcode`\%=12",
    "Python below": "p_i = x_{__import__('os').system('touch /tmp/symllm_was_here')}",
    "Python": "__import__('os').system('touch /tmp/symllm_was_here')",
    "nothing": "",
    "blanks": " \n\t ",
    "only commas": "," * 5_000,
    "functions of functions": "p_i = " + r"\tanh(" * 40 + "x_i" + ")" * 40,
    "functions in a row": "p_i = " + r"\log " * 3_000 + "x_i",
    "roots without end": r"\sqrt" * 4_000,
    "hats without end": r"\hat" * 4_000,
    "fractions": "p_i = " + r"\frac{1}{1 + " * 45 + "x_i" + "}" * 45,
    "subscripts of subscripts": "p_{" * 500 + "i" + "}" * 500,
    "sums in sums": "p_i = " + "".join(rf"\sum_{{{c}}}" for c in "abcdefghjk") + " x_i",
    "many readings": "p_i = " + r"\log x_i x_i + x_i / x_i x_i + " * 60 + "1",
    "many equations": "p_i" + " = x_i" * 800,
    "cases in cases": r"\begin{cases}" * 1_000,
    "many arguments": r"p_i = \max(" + ",".join(["x_i"] * 1_000) + ")",
    "primes": "p" + "'" * 5_000 + " = x",
    "division by zero": r"p_i = \frac{x_i}{1 - 1}",
    "the logarithm of zero": r"p_i = \log(1 - 1) x_i",
    "an imaginary number": r"p_i = \sqrt{-1} x_i",
    "a comparison of nothing": r"p_i = [\log 0 < i]",
    "a smile": "p_i = 😀",
}


def read(text: str) -> None:
    """What ``check_latex`` does with a text before it compares numbers."""
    context = context_for(ops.softmax)
    reading = taken_apart(text, (), context)
    for statement in reading.statements:
        claims(statement, reading.definitions, context)


@pytest.fixture(scope="module", autouse=True)
def warm() -> None:
    read(r"p_i = \tanh(x_i)")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_is_refused_or_read_at_once(name: str) -> None:
    gc.collect()  # what other tests have left behind is not the reader's time
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    with contextlib.suppress(ReadError):
        read(HOSTILE[name])
    assert time.process_time() - start < SECONDS
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MEBIBYTES * 1024
    assert not Path("/tmp/symllm_was_here").exists()


REFUSED = (
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
    ; . ~ % \, $ _i ^2
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
