"""Proofs that need what is declared of the inputs."""

from __future__ import annotations

import pytest

from symllm import Dim, ops, sum_over
from symllm.steps import Step

n = Dim("n")
i, j, k = n.indices("i j k")
y, p = n.vector("y", role="target"), n.vector("p")

#: Both sides of a step, and whether they are one where the targets sum to one.
SIDES = {
    "left": (p[i] * sum_over(y[j], j), p[i], True),
    "right": (p[i], p[i] * sum_over(y[j], j), True),
    "both, to different powers": (
        p[i] * sum_over(y[j], j) * sum_over(y[k], k) + y[i],
        p[i] * sum_over(y[j], j) + y[i],
        True,
    ),
    "neither": (p[i] * sum_over(y[j] ** 2, j), p[i] * sum_over(y[j], j), False),
}


@pytest.mark.parametrize("name", SIDES)
def test_declared_facts_are_used_on_both_sides(name):
    before, after, provable = SIDES[name]
    g = ops.cross_entropy.gradient("z")
    step = Step(y[i], before, after, "rule", ("because",), ((i.symbol, n),))
    assert g._proved(step) is provable
