"""Hostile input, and a process of its own that reads it: what each costs is that text's alone."""

from __future__ import annotations

import contextlib
import json
import resource
import time

from symllm import ReadError, ops
from symllm.latex.check import context_for
from symllm.latex.claim import claims
from symllm.latex.statements import taken_apart

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
    "a point for a denominator": r"p_i = \frac 0.5",
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
    "matrices in a row": r"p_i = " + r"\begin{pmatrix} x_i & 1 \\ 1 & p_i \end{pmatrix}" * 60,
    "matrices in matrices": r"p_i = "
    + r"\begin{pmatrix} x_i & " * 45
    + "1"
    + r"\end{pmatrix}" * 45,
    "matrices without end": r"\begin{pmatrix}" * 1_000,
    "a long row": r"p = \begin{pmatrix}" + "&".join(["x_i"] * 1_500) + r"\end{pmatrix}",
    "a long column": r"p = \begin{pmatrix}" + r"\\".join(["x_i"] * 1_500) + r"\end{pmatrix}",
    "a square": r"p = \begin{bmatrix}" + r"\\".join(["&".join(["x_i"] * 8)] * 8) + r"\end{bmatrix}",
    "squares of a square": r"p_i = "
    + (r"\begin{bmatrix}" + r"\\".join(["&".join(["x_i"] * 8)] * 8) + r"\end{bmatrix}") * 12,
    "columns of notes": "p_i = x_i " + r"&& " * 2_900,
    "notes beside notes": "p_i = x_i " + r"&& \text{a b} " * 1_400,
    "averages of averages": "p_i = " + r"\mathbb{E}[" * 40 + "x_i" + "]" * 40,
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


def cost(text: str) -> tuple[float, int]:
    """Seconds of computing, and by how many KiB the process grew."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    with contextlib.suppress(ReadError):
        read(text)
    seconds = time.process_time() - start
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


if __name__ == "__main__":
    read(r"p_i = \tanh(x_i)")
    print(json.dumps({name: cost(text) for name, text in HOSTILE.items()}))
