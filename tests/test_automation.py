"""What runs in other people's hooks and in CI: the commands in it are ours, and exist."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from symllm.cli.app import cli

ROOT = Path(__file__).parent.parent
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in yaml.safe_load(workflow.read_text())["jobs"].values():
        yield from job["steps"]


def commands() -> Iterator[str]:
    yield from (hook["entry"] for hook in HOOKS)
    for workflow in WORKFLOWS:
        yield from (step["run"] for step in steps(workflow) if "run" in step)


@pytest.mark.parametrize("line", [line for line in commands() if line.startswith("symllm ")])
def test_commands_and_their_options_exist(line: str) -> None:
    name, *words = line.split()[1:]
    command = cli.commands[name]
    with click.Context(command) as context:
        command.make_parser(context).parse_args(words)  # raises for an option that is none


def test_documents_are_checked_before_they_are_published() -> None:
    (workflow,) = (path for path in WORKFLOWS if path.stem == "documents")
    run = [step.get("run", step.get("uses", "")).partition("@")[0] for step in steps(workflow)]
    order = [
        "symllm build --check",
        "symllm build --output site",
        "actions/upload-pages-artifact",
        "actions/deploy-pages",
    ]
    assert [line for line in run if line in order] == order


def test_hooks_say_what_they_are() -> None:
    for hook in HOOKS:
        assert {"id", "name", "description", "entry", "language"} <= hook.keys()
    assert "symllm build --check" in [hook["entry"] for hook in HOOKS]


def test_every_file_of_the_package_is_installed() -> None:
    """A pattern sees no name with a dot before it, unless it starts with one itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = project["tool"]["setuptools"]["package-data"]["symllm"]
    patterns = [pattern.rpartition("/")[2] for pattern in listed]
    files = [path.name for path in (ROOT / "symllm").rglob("*") if path.is_file()]
    for name in (name for name in files if not name.endswith((".py", ".pyc"))):
        alike = [pattern for pattern in patterns if (pattern[0] == ".") == (name[0] == ".")]
        assert any(fnmatch(name, pattern) for pattern in alike), name
