"""Points: sizes that differ, values in their domains, the same for a seed everywhere."""

import os
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symllm.catalogue import ops
from symllm.equation import Let
from symllm.errors import NotationError, ShapeError, UnknownName
from symllm.evaluate import evaluate, sample
from symllm.notation import Dim, Tensor, matrix, scalar, sum_over
from symllm.program import Program
from symllm.sampling import draw, draw_sizes

n, m = Dim("n"), Dim("m")
(a,), (c,) = n.indices("a"), m.indices("c")
x, y = n.vector("x"), n.vector("y")
W, s = matrix("W", n, m), scalar("s")

TOY = Program(
    name="toy",
    inputs=(x, W, s),
    equations=(Let(y[a], x[a] * s + sum_over(W[a, c], c)),),
    outputs=("y",),
)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_sizes_are_all_different_and_big_enough(seed):
    program = ops.attention.batched("N").program
    sizes = draw_sizes(program, seed)
    assert len(set(sizes.values())) == len(sizes) == 5
    assert sizes["N"] > 1
    assert min(size for name, size in sizes.items() if name != "N") > 2
    following = draw_sizes(program, seed + 1)
    if seed % 5 < 4:
        assert all(sizes[name] != following[name] for name in sizes if name != "N")


def test_a_batch_of_what_has_many_dimensions_is_small():
    """A fixed size of 2, as of a rotation's halves, does not make the batch larger."""
    program = ops.llama_block.batched("B").program
    assert all(draw_sizes(program, seed)["B"] == 2 for seed in range(4))


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_values_lie_in_their_domains(seed):
    sizes = {"n": 3, "m": 4}

    def drawn(domain):
        return draw(Tensor("v", (n, m), "target", domain), sizes, seed)

    real = drawn("real")
    assert len(real) == 12
    assert len(set(real.values())) == 12
    assert all(abs(v) >= 0.0625 and v != 1 and Fraction(float(v)) == v for v in real.values())
    assert all(v > 0 for v in drawn("positive").values())
    assert all(0 < v < 1 for v in drawn("unit").values())
    shares, bits = drawn("distribution"), drawn("binary")
    for row in range(3):
        assert sum(shares[row, col] for col in range(4)) == 1
        assert {bits[row, col] for col in range(4)} == {0, 1}
    assert all(v > 0 for v in shares.values())
    assert all(v in range(3) for v in drawn(n).values())


def test_the_same_seed_gives_the_same_point_whatever_the_hash_seed():
    program = (
        "from symllm.catalogue import ops; from symllm.evaluate import sample; "
        "p = sample(ops.masked_attention.batched('N').program, 5); "
        "print(p, p.values, p.upstream)"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(outputs) == 1
    assert len(outputs.pop()) > 1000


KNOWN = {
    (0,): Fraction(1100719, 1048576),
    (1,): Fraction(1395343, 524288),
    (2,): Fraction(2229937, 1048576),
}
KNOWN_SIZES = {"n": 7, "d": 3, "m": 4, "e": 6}


def test_known_values_of_a_seed():
    """The same on every version of Python; a change here changes every certificate."""
    assert draw(x, {"n": 3}, 7) == KNOWN
    assert draw_sizes(ops.attention.program, 7) == KNOWN_SIZES


def test_sizes_can_be_given():
    assert sample(TOY, sizes={"n": 7}).sizes["n"] == 7
    with pytest.raises(UnknownName, match="q"):
        sample(TOY, sizes={"q": 7})
    with pytest.raises(ShapeError, match="at least 1"):
        sample(TOY, sizes={"n": 0})
    with pytest.raises(NotationError, match="no entry"):
        evaluate(x[9], sample(TOY, sizes={"n": 3}))


def test_masks_allow_something_in_every_row():
    for seed in range(20):
        point = sample(ops.masked_softmax.batched("N").program, seed)
        mask = np.zeros((point.sizes["N"], point.sizes["n"]))
        for at, bit in point.values["mask"].items():
            mask[at] = float(bit)
        assert mask.any(axis=1).all()
