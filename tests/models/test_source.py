"""The text of generated modules: as a person would have written it, and nothing too much."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from generated import TARGETS, source

from symllm.models import MODELS

everywhere = pytest.mark.parametrize(
    ("name", "target"), [(name, target) for name in MODELS for target in TARGETS]
)


@everywhere
def test_ruff_has_nothing_to_say(name: str, target: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.py"
    path.write_text(source(name, target))
    rules = ["--select", "E,F,W,I", "--ignore", "E741", "--line-length", "88"]
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--no-cache", *rules]
    done = subprocess.run([*command, str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def functions(text: str) -> dict[str, ast.FunctionDef]:
    """The functions of a module, and those of its classes as ``Class.function``."""
    found = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            inner = (n for n in node.body if isinstance(n, ast.FunctionDef))
            found |= {f"{node.name}.{n.name}": n for n in inner}
    return found


def unused(function: ast.FunctionDef) -> Iterator[str]:
    """Arguments, and names that a tuple is taken apart into, that nothing reads."""
    nodes = [node for statement in function.body for node in ast.walk(statement)]
    names = [node for node in nodes if isinstance(node, ast.Name)]
    read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    bound = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    bound |= {argument.arg for argument in function.args.args}
    yield from sorted(bound - read - {"_"})


#: Every model, in every language, is called in one way.
SAME = {"backward": ["params"]}


@everywhere
def test_nothing_is_passed_or_kept_in_vain(name: str, target: str) -> None:
    found = {f: list(unused(node)) for f, node in functions(source(name, target)).items()}
    assert {f: names for f, names in found.items() if names} == SAME


@everywhere
def test_every_size_is_used(name: str, target: str) -> None:
    nodes = list(ast.walk(ast.parse(source(name, target))))
    (made,) = (
        n
        for n in nodes
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.keywords
        if n.func.id == "SimpleNamespace"
    )
    read = {
        n.attr
        for n in nodes
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "s"
    }
    assert {keyword.arg for keyword in made.keywords} == read


def test_a_name_that_is_not_used_is_found() -> None:
    planted = "def f(a, b):\n    c, d = a\n    return d\n"
    assert list(unused(functions(planted)["f"])) == ["b", "c"]


@everywhere
def test_every_function_says_what_it_is(name: str, target: str) -> None:
    tree = ast.parse(source(name, target))
    top = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    assert [node.name for node in top if not ast.get_docstring(node)] == []
    assert len({node.name for node in top}) == len(top)
    derived = [node for node in top if "Derivation: " in (ast.get_docstring(node) or "")]
    assert len(derived) >= 2 * 7
    assert "Derivation: causal_attention (Vaswani et al., 2017)." in source(name, target)
    assert f"Equations: {name}_block (" in source(name, target)


@everywhere
def test_the_same_text_comes_out_again(name: str, target: str) -> None:
    assert MODELS[name]().code(target) == source(name, target)
