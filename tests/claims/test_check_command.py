"""``symllm check FILE.py:function``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symllm.cli.app import cli

CODE = """
import numpy as np


def layer_norm_backward(dout, x, gamma, eps=1e-5):
    r = 1 / np.sqrt(x.var(-1, keepdims=True) + eps)
    xhat = (x - x.mean(-1, keepdims=True)) * r
    g = dout * gamma
    return r * (g - g.mean(-1, keepdims=True)), (dout * xhat).sum(0), dout.sum(0)


def softmax_bwd(dout, p):
    return p * (dout - (dout * p).sum(-1, keepdims=True))


class Softmax:
    backward = staticmethod(softmax_bwd)


def ln_bwd(a, b, c):
    r = 1 / np.sqrt(b.var(-1, keepdims=True) + 1e-6)
    xhat = (b - b.mean(-1, keepdims=True)) * r
    g = a * c
    mean = lambda v: v.mean(-1, keepdims=True)
    return r * (g - mean(g) - xhat * mean(g * xhat)), a.sum(0)


def sleepy(dy, x):
    import time
    time.sleep(60)


def weight_first(dout, x, w):
    return dout @ w.T
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(CODE)
    return tmp_path / "mine.py"


def check(*words: str) -> Result:
    result = CliRunner().invoke(cli, ["check", *words])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def refused(result: Result) -> str:
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr


@pytest.mark.usefixtures("file")
def test_a_right_function() -> None:
    result = check("mine.py:softmax_bwd", "--op", "softmax", "--batch", "N")
    assert result.exit_code == 0
    assert result.stdout.startswith("correct  mine.py:softmax_bwd as the gradient of softmax\n")
    assert "  inferred: its argument dout is dp\n" in result.stdout


@pytest.mark.usefixtures("file")
def test_a_wrong_function() -> None:
    result = check("mine.py:layer_norm_backward", "--op", "layer_norm", "--batch", "N")
    assert result.exit_code == 1
    assert result.stdout.startswith("wrong_term  mine.py:layer_norm_backward as the gradient of")
    assert "dx: the term -(x̂[n, i] / d) Σ_j x̂[n, j] dx̂[n, j] is missing" in result.stdout


@pytest.mark.usefixtures("file")
def test_several_functions_are_a_table_and_their_names_tell_their_ops() -> None:
    result = check("mine.py:softmax_bwd", "mine.py:layer_norm_backward", "--batch", "N")
    assert result.exit_code == 1
    rows = [line.split()[:3] for line in result.stdout.splitlines() if line]
    assert rows[0] == ["function", "op", "verdict"]
    assert rows[1] == ["softmax_bwd", "softmax", "correct"]
    assert rows[2] == ["layer_norm_backward", "layer_norm", "wrong_term"]
    assert result.stdout.endswith("\n2 functions checked, 1 right, 1 NOT\n")


@pytest.mark.usefixtures("file")
def test_what_it_takes_and_returns_is_said() -> None:
    said = ["--args", "dy,x,gamma", "--returns", "dx,dbeta", "--constant", "eps=1e-6"]
    result = check("mine.py:ln_bwd", "--op", "layer_norm", "--batch", "N", *said)
    assert result.exit_code == 0, result.output
    said[-1] = "eps=1e-3"
    assert check("mine.py:ln_bwd", "--op", "layer_norm", "--batch", "N", *said).exit_code == 1


@pytest.mark.usefixtures("file")
def test_further_options() -> None:
    said = ["--op", "projection", "--batch", "N", "--layout", "W=m n", "--size", "m=9"]
    said += ["--dtype", "float32", "--seed", "3"]
    assert check("mine.py:weight_first", *said).exit_code == 0
    assert check("mine.py:Softmax.backward", "--batch", "B,T").exit_code == 0


def test_constants_are_numbers_lists_or_text(file: Path) -> None:
    file.write_text(
        "def f(dy, x, mode, mask):\n"
        "    assert (mode, mask) == ('exact', [True, False])\n"
        "    return dy * (x > 0)\n"
    )
    said = ["--constant", "mode=exact", "--constant", "mask=[True, False]"]
    assert check("mine.py:f", "--op", "relu", *said).exit_code == 0


@pytest.mark.usefixtures("file")
def test_a_function_that_hangs() -> None:
    result = check("mine.py:sleepy", "--op", "relu", "--timeout", "0.3")
    assert result.exit_code == 1
    assert "sleepy ran out of time: it was stopped after 0.3 s" in result.stdout


@pytest.mark.usefixtures("file")
def test_json() -> None:
    words = ["mine.py:softmax_bwd", "mine.py:layer_norm_backward", "--batch", "N", "--json"]
    result = check(*words)
    assert result.exit_code == 1
    one, other = json.loads(result.stdout)
    assert (one["function"], one["op"], one["ok"]) == ("mine.py:softmax_bwd", "softmax", True)
    assert other["outputs"]["dx"]["kind"] == "wrong_term"
    assert check(*words).stdout == result.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["mine.py"], "'mine.py' is no function: write FILE.py:function"),
        (["none.py:f", "--op", "relu"], "there is no file 'none.py'"),
        (["mine.py:softmax", "--op", "softmax"], "Did you mean 'Softmax'?"),
        (["mine.py:ln_bwd"], "what should mine.py:ln_bwd be the gradient of? Say it with --op"),
        (["mine.py:ln_bwd", "--op", "relo"], "there is no op 'relo'. Did you mean 'relu'?"),
        (["broken.py:f", "--op", "relu"], "broken.py:1: ZeroDivisionError"),
        (["mine.py:f", "--op", "relu", "--constant", "eps"], "'eps' is not NAME=VALUE, as eps="),
        (["mine.py:f", "--op", "relu", "--size", "n=x"], "'n=x' is not DIM=SIZE, as d=64"),
        (["mine.py:f", "--op", "relu", "--dtype", "float8"], "'float8' is not one of 'float64'"),
    ],
)
def test_wrong_use(file: Path, words: list[str], says: str) -> None:
    (file.parent / "broken.py").write_text("1 / 0")
    assert says in refused(check(*words))
