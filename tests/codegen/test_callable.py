"""What a generated function says when it is called with what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import programs
import pytest

from symllm.codegen import compile_function, numpy_source
from symllm.errors import ShapeError, UnknownName
from symllm.notation import Dim

PROGRAM = programs.layer_norm_backward("N")
GIVEN: dict[str, Any] = {
    "dy": np.ones((2, 3)),
    "x": np.ones((2, 3)),
    "gamma": np.ones(3),
    "eps": 1e-5,
}
BETA = Dim("d").vector("beta", "parameter")
function = compile_function(numpy_source(PROGRAM, "f"), "f", (*PROGRAM.inputs, BETA))

REFUSED = (
    ({"x": np.ones((2, 4))}, ShapeError, "d is 3 in dy but 4 in x"),
    ({"x": np.ones(3)}, ShapeError, r"x has axes \[N, d\], but was given an array of shape \(3,\)"),
    ({"gamma": np.ones(4)}, ShapeError, "d is 3 in dy but 4 in gamma"),
    ({"gama": np.ones(3)}, UnknownName, "Did you mean 'gamma'"),
)


@pytest.mark.parametrize(("change", "error", "message"), REFUSED)
def test_refuses(change: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        function(**(GIVEN | change))


def test_says_what_is_missing() -> None:
    with pytest.raises(TypeError, match="f needs x"):
        function(dy=GIVEN["dy"], gamma=GIVEN["gamma"], eps=1e-5)


def test_ignores_what_it_knows_but_does_not_need() -> None:
    assert set(function(**GIVEN, beta=np.ones(3))) == {"dx", "dgamma", "dbeta"}


def test_takes_lists_and_whole_numbers() -> None:
    given = GIVEN | {"x": [[1, 2, 4], [0, 5, 7]], "dy": [[1, 0, 2], [3, 1, 1]]}
    floats = {n: np.asarray(a, dtype=float) for n, a in given.items()}
    for name, array in function(**given).items():
        np.testing.assert_array_equal(array, function(**floats)[name])
