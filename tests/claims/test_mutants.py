"""Every op's derived gradient, with one mistake in it: the verdict says which."""

from __future__ import annotations

from functools import cache

import pytest
from mutants import UNBATCHED, Mutant, mutants

from symllm import ops

MOST = 3

#: Where what was changed makes it the right gradient of something else, which comes first.
ALSO = {
    "masked_mean, dx: a factor dropped in dx": "without the mask mask[b, i]",
    "sigmoid, dx: a term dropped in dx": "with respect to E",
    "dropout, dx: a factor dropped in dx": "without the mask mask[b, i]",
    "rope, dx: the diagonal only in dx": "with [u < s] instead of [s < u]",
    "rope_halves, dx: the diagonal only in dx": "with [u < s] instead of [s < u]",
    "adamw, dtheta: a term dropped in dtheta": "without the term 1",
}


@cache
def of_op(name: str) -> list[Mutant]:
    return mutants(name, 1 if name in UNBATCHED else MOST)


@pytest.mark.parametrize("name", ops)
def test_a_derived_gradient_is_right_and_its_mutants_are_not(name: str) -> None:
    found = of_op(name)
    assert found
    for mutant in found:
        verdict = mutant.verdict
        assert not verdict.ok, mutant.title
        if mutant.title in ALSO:
            assert verdict.kind == "other_function"
            assert ALSO[mutant.title] in verdict.explanation
        else:
            assert verdict.kind in mutant.expected, f"{mutant.title}: {verdict}"


def same_factor(mutant: Mutant) -> bool:
    return abs(float(mutant.verdict.factor) - float(mutant.factor)) < 1e-6


def test_the_term_that_is_named_is_the_one_that_was_changed() -> None:
    named = changed = 0
    for name in ops:
        for mutant in of_op(name):
            if mutant.factor is None or mutant.verdict.kind != "wrong_term":
                continue
            changed += 1
            assert mutant.verdict.term is not None, mutant.title
            if mutant.verdict.term == mutant.term:
                assert same_factor(mutant), mutant.title
                named += 1
            else:  # the same term as it is called in the other form of the gradient
                assert mutant.verdict.factor is None or same_factor(mutant), mutant.title
    assert changed >= 30
    assert named >= 0.7 * changed


def test_there_are_mutants_of_all_kinds() -> None:
    every = [mutant for name in ops for mutant in of_op(name)]
    kinds = {mutant.kind for mutant in every}
    assert len(every) >= 150
    assert {"scaled", "conditional", "wrong_term"} <= kinds
    assert len({mutant.mutation for mutant in every}) == 12
