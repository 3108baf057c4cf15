"""Modules that load when they are needed: one of each, whatever is imported in which order."""

from __future__ import annotations

import subprocess
import sys

import pytest

from symllm.lazily import Later, lazily

ORDERS = {
    "a module of a package that waits": (
        "from symllm.cli.app import cli",
        "from symllm.models.gradient import ModelGradient",
        "from symllm import models",
        "assert isinstance(models.gpt2().gradient(), ModelGradient)",
    ),
    "a package that waits": (
        "from symllm import ops",
        "g = ops.relu.gradient('x')",
        "import symllm.codegen",
        "from symllm import derivation",
        "assert derivation.codegen.source is symllm.codegen.source",
        "assert g.code()",
    ),
}


@pytest.mark.parametrize("lines", ORDERS.values(), ids=ORDERS.keys())
def test_a_module_is_loaded_once(lines):
    subprocess.run([sys.executable, "-c", "\n".join(lines)], check=True)


def test_a_module_waits_until_a_name_of_it_is_asked_for(tmp_path, monkeypatch):
    (tmp_path / "waiting.py").write_text("answer = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    module = lazily("waiting")
    assert isinstance(module, Later)
    assert "waiting" not in sys.modules
    assert module.answer == 42
    assert lazily("waiting") is sys.modules.pop("waiting")


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ModuleNotFoundError, match="nowhere_at_all"):
        _ = lazily("nowhere_at_all").name
