"""Functions of C behind ctypes."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.ctypeslib import ndpointer

from symllm import assert_gradient, check_gradient, ops

SOURCE = """
void norm(float* dinp, float* dweight, float* dbias, float* dout, float* inp, float* weight,
          float* mean, float* rstd, int B, int T, int C) {
  for (int row = 0; row < B * T; row++) {
    float a = 0, c = 0, m = mean[row], r = rstd[row];
    float *dy = dout + row * C, *x = inp + row * C, *dx = dinp + row * C;
    for (int i = 0; i < C; i++) { a += weight[i] * dy[i]; c += weight[i] * dy[i] * (x[i] - m) * r; }
    for (int i = 0; i < C; i++) {
      float n = (x[i] - m) * r;
      dbias[i] += dy[i];
      dweight[i] += n * dy[i];
      dx[i] += (weight[i] * dy[i] - a / C - n * c / C) * r;
    }
  }
}
void loss(double* dlogits, double* probs, int* targets, double scale, int N, int V) {
  for (int i = 0; i < N * V; i++) dlogits[i] = scale * (probs[i] - (i % V == targets[i / V]));
}
void half(double* dx, double* dy, int n) { for (int i = 0; i < n; i++) dx[i] = dx[i] / 2 + dy[i]; }
void crash(double* dx) { *(volatile int*)0 = 1; }
"""

NORM = "dinp, dweight, dbias, dout, inp, weight, mean, rstd, B, T, C"
LAYER_NORM = ops.layer_norm.batched("B", "T")
FLOATS, DOUBLES = ctypes.POINTER(ctypes.c_float), ctypes.POINTER(ctypes.c_double)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    folder = tmp_path_factory.mktemp("c")
    (folder / "c.c").write_text(SOURCE)
    subprocess.check_call([compiler, "-O1", "-shared", "-fPIC", "c.c", "-o", "c.so"], cwd=folder)
    return folder / "c.so"


@pytest.fixture
def c(built: Path) -> Any:
    """The library, loaded anew: its functions have no types yet."""
    return ctypes.CDLL(str(built))


def test_buffers_that_are_added_to(c: Any) -> None:
    verdict = check_gradient(c.norm, LAYER_NORM, args=NORM, dtype="float32")
    assert verdict.ok
    assert verdict.inferred == (
        "its argtypes are not set: buffers are passed as float*, sizes as int",
        "it adds to what is in dx, dgamma, dbeta",
    )


@pytest.mark.parametrize("kind", [FLOATS, ndpointer(np.float32), ctypes.c_void_p])
def test_types_that_are_said(c: Any, kind: Any) -> None:
    c.norm.argtypes = [kind] * 8 + [ctypes.c_int] * 3
    dtype = "float32" if kind is ctypes.c_void_p else "float64"
    assert_gradient(c.norm, LAYER_NORM, args=NORM, dtype=dtype)


def test_the_precision_is_that_of_the_types(c: Any) -> None:
    c.norm.argtypes = [FLOATS] * 8 + [ctypes.c_int] * 3
    verdict = check_gradient(c.norm, LAYER_NORM, args=NORM)
    assert "its buffers are float32, as argtypes says" in verdict.inferred


def test_a_wrong_order_of_buffers_is_seen(c: Any) -> None:
    c.norm.argtypes = [FLOATS] * 8 + [ctypes.c_int] * 3
    swapped = NORM.replace("dweight, dbias", "dbias, dweight")
    assert check_gradient(c.norm, LAYER_NORM, args=swapped).kind == "permuted"


def test_integers_and_numbers(c: Any) -> None:
    c.loss.argtypes = [DOUBLES, DOUBLES, ctypes.POINTER(ctypes.c_int), ctypes.c_double]
    c.loss.argtypes = [*c.loss.argtypes, ctypes.c_int, ctypes.c_int]
    op = ops.cross_entropy_index.batched("N")
    assert_gradient(c.loss, op, args=("dz", "p", "t", 1.0, "N", "n"))
    assert check_gradient(c.loss, op, args=("dz", "p", "t", 2.0, "N", "n")).kind == "scaled"


def test_numbers_without_types(c: Any) -> None:
    op = ops.cross_entropy_index.batched("N")
    assert_gradient(c.loss, op, args=("dz", "p", "t", 1.0, "N", "n"))


def test_what_cannot_be_called(c: Any) -> None:
    verdict = check_gradient(c.norm, LAYER_NORM)
    assert verdict.kind == "error"
    assert "say what it takes, in order, with args=" in verdict.explanation
    c.norm.argtypes = [FLOATS] * 8 + [ctypes.c_int] * 3
    verdict = check_gradient(c.norm, LAYER_NORM, args=NORM.removesuffix(", C"))
    assert verdict.explanation == "args= names 10 arguments, but its argtypes has 11"
    verdict = check_gradient(c.norm, LAYER_NORM, args=NORM.replace("B", "x"))
    assert verdict.explanation == "args= has an array where argtypes has c_int"
    c.norm.argtypes = [FLOATS] * 7 + [DOUBLES] + [ctypes.c_int] * 3
    verdict = check_gradient(c.norm, LAYER_NORM, args=NORM)
    assert "one precision is expected" in verdict.explanation


def test_a_buffer_that_is_neither_overwritten_nor_added_to(c: Any) -> None:
    verdict = check_gradient(c.half, ops.relu, args="dx, dy, n")
    assert verdict.kind == "error"
    assert "neither overwritten nor added to" in verdict.explanation


def test_a_crash_ends_a_child_process_only(c: Any) -> None:
    verdict = check_gradient(c.crash, ops.relu, args="dx", timeout=20)
    assert (verdict.kind, verdict.explanation) == ("error", "crash ended its process: SIGSEGV")
