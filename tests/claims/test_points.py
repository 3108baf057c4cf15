"""Points that can see a mistake."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import symllm
from symllm import ShapeError, UnknownName, ops
from symllm.claims.points import VANISHING, points
from symllm.claims.question import Question, question

NAMES = [name for name in ops if "block" not in name]
TYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32}


def asked(name: str, *axes: str) -> Question:
    op = ops[name].batched(*(axes or ("N",)))
    scalars = all(len(t.dims) == len(op.program.batch) for t in op.outputs.values())
    return question(op, scalars and len(op.outputs) == 1)


@pytest.mark.parametrize("name", NAMES)
def test_sizes_differ_and_no_gradient_vanishes(name: str) -> None:
    it = asked(name)
    rows = []
    for at in points(it):
        free = [at.sizes[d.name] for d in it.op.program.dims if d.size is None]
        assert min(free) >= 2
        assert len(free) > 5 or len(set(free)) == len(free)
        rows.append(at.sizes["N"])
        for of in it.wrt:
            assert np.abs(at.truth(f"d{of}")).max() > VANISHING
    assert len(set(rows)) == len(rows) == 3


def test_two_batch_axes_differ() -> None:
    for at in points(asked("layer_norm", "B", "T")):
        assert at.sizes["B"] != at.sizes["T"]


def test_data_are_small_at_one_point_and_large_at_another() -> None:
    sizes = [np.abs(at.array("x")).max() for at in points(asked("softmax"))]
    assert min(sizes) < 1 < 4 < max(sizes)


def test_parameters_and_upstream_gradients_are_not_constant() -> None:
    for at in points(asked("layer_norm")):
        for name in ("gamma", "dy"):
            assert np.ptp(at.array(name)) > 0.1
            assert not (at.array(name) == 1).any()


@pytest.mark.parametrize("dtype", TYPES)
def test_entries_are_numbers_that_the_dtype_has(dtype: str) -> None:
    for at in points(asked("attention"), 3, None, dtype):
        for array in at.drawn.values():
            np.testing.assert_array_equal(array.astype(TYPES[dtype]).astype(float), array)


def test_the_same_seed_gives_the_same_points() -> None:
    first = points(question(ops.rms_norm.batched("N"), False), 5)
    again = points(question(ops.rms_norm.batched("N"), False), 5)
    other = points(question(ops.rms_norm.batched("N"), False), 6)
    for a, b in zip(first, again, strict=True):
        assert a.sizes == b.sizes
        for name in a.drawn:
            np.testing.assert_array_equal(a.drawn[name], b.drawn[name])
    assert any(
        a.sizes != b.sizes or (a.array("x") != b.array("x")).any()
        for a, b in zip(first, other, strict=True)
    )


PRINTED = """
from symllm import ops
from symllm.claims.points import points
from symllm.claims.question import question
for at in points(question(ops.lora.batched("N"), False)):
    print(sorted(at.sizes.items()), [(n, a.tobytes().hex()) for n, a in at.drawn.items()])
"""


def test_points_do_not_depend_on_the_hash_seed() -> None:
    root = str(Path(symllm.__file__).parents[1])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PRINTED],
            env=dict(os.environ, PYTHONHASHSEED=seed, PYTHONPATH=root),
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(outputs) == 1


def test_sizes_can_be_given() -> None:
    for at in points(asked("linear"), 0, {"m": 7, "N": 1}):
        assert (at.sizes["m"], at.sizes["N"]) == (7, 1)
        assert at.array("x").shape == (1, 7) == at.shape("x")
    with pytest.raises(UnknownName):
        points(asked("linear"), 0, {"q": 7})
    with pytest.raises(ShapeError):
        points(asked("linear"), 0, {"m": 0})


def test_integers_are_integers_and_merged_axes_are_one() -> None:
    at = points(asked("embedding"))[0]
    assert at.array("t").dtype == np.int64
    at = points(asked("rope"))[0]
    assert at.array("x").shape == (at.sizes["N"], at.sizes["n"], 2 * at.sizes["m"])


def test_what_is_computed_can_be_asked_for_and_nothing_else() -> None:
    at = points(asked("layer_norm"))[0]
    x = at.array("x")
    np.testing.assert_allclose(at.array("mu"), x.mean(-1), rtol=1e-12)
    with pytest.raises(UnknownName):
        at.array("nothing")


def test_points_are_shared_and_so_cannot_be_written_into() -> None:
    at = points(asked("softmax"))[0]
    with pytest.raises(ValueError, match="read-only"):
        at.array("x")[0, 0] = 1


def test_a_big_point_is_one_and_its_truth_comes_from_generated_code() -> None:
    it = asked("softmax")
    (big,) = points(it, 0, {"N": 64, "n": 512})
    x, dp = big.array("x"), big.array("dp")
    p = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    expected = p * (dp - (p * dp).sum(-1, keepdims=True))
    np.testing.assert_allclose(big.truth("dx"), expected, rtol=1e-9, atol=1e-12)
    assert "values" not in big.__dict__  # nothing else was computed
