"""How long it takes to read a formula and to judge it: ``pytest benchmarks/test_latex.py``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from symllm import check_latex, ops

CLAIMS = json.loads(
    (Path(__file__).parents[1] / "tests" / "latex" / "claims.json").read_text(encoding="utf-8")
)
RIGHT = [claim for claim in CLAIMS if claim["verdict"] == "correct"]

#: Seconds that a claim may take.
LIMIT = 0.05

#: The first claim about an op in a fresh process, imports done.
FIRST = """
import time
from symllm import check_latex, ops
op = ops[{op!r}]
start = time.process_time()
check_latex({latex!r}, op, {where!r})
print(time.process_time() - start)
"""


@pytest.mark.parametrize("claim", RIGHT, ids=lambda claim: claim["id"])
def test_a_claim_is_judged_in_a_moment(benchmark: Any, claim: dict[str, Any]) -> None:
    benchmark.group = "check_latex"
    op = ops[claim["op"]]
    verdict = benchmark(check_latex, claim["latex"], op, claim["where"])
    assert verdict.ok
    assert benchmark.stats.stats.min < LIMIT


@pytest.mark.parametrize("name", ["softmax_jacobian", "ce_logits", "rms_dx", "silu"])
def test_the_first_claim_of_a_process_too(name: str) -> None:
    (claim,) = (claim for claim in CLAIMS if claim["id"] == name)
    code = FIRST.format(**claim)
    times = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        times.append(float(done.stdout))
    assert min(times) < LIMIT, times
