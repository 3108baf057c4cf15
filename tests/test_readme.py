"""What the README and CONTRIBUTING show is what happens."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from symllm import Op
from symllm.cli import common
from symllm.cli.app import cli
from symllm.formats.text import github_anchors
from symllm.headings import headings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def names() -> dict[str, Any]:
    """The names that the README's Python blocks define, run one after the other."""
    namespace: dict[str, Any] = {}
    for block in blocks(README, "python"):
        exec(compile(block, "README.md", "exec"), namespace)
    return namespace


def test_the_python_blocks_run(names: dict[str, Any]) -> None:
    assert len(blocks(README, "python")) == 10
    assert str(names["ops"].cross_entropy.gradient("z").result) == "p[i] - y[i]"
    assert list(names["g"].results) == ["dx", "dgamma", "dbeta"]
    assert str(names["leading"](names["layer"].training_flops)) == "6*B*T*m*n"


def test_the_first_formula_is_what_the_engine_derives(names: dict[str, Any]) -> None:
    assert blocks(README, "math") == [names["rms_norm"].gradient("x").to_latex() + "\n"]


def test_the_page_that_is_shown_is_one_of_the_book() -> None:
    section = README.partition("## A page of the book")[2].partition("\n## ")[0]
    shown = section.split("\n\n", 2)[2].strip()
    assert "> **Result.**" in shown
    assert shown in (ROOT / "output" / "normalisation.md").read_text()


def test_the_verdict_is_what_is_shown(names: dict[str, Any]) -> None:
    assert f"{names['verdict'].explanation}\n" in blocks(README, "text")


def test_the_module_is_what_is_written(names: dict[str, Any]) -> None:
    written = names["ops"].rms_norm.batched("N").gradient().code("torch")
    (shown,) = (block for block in blocks(README, "python") if "class RmsNorm" in block)
    assert written.startswith(shown)


def test_the_first_screen_has_definition_gradient_and_both_commands() -> None:
    screen = README.splitlines()[:60]
    fences = [line for line in screen if line.startswith("```") and line != "```"]
    assert fences == ["```python", "```math", "```sh", "```sh"]


PAGES = [ROOT / "README.md", ROOT / "output" / "README.md"]


@pytest.mark.parametrize("page", PAGES, ids=["README", "output"])
def test_links_lead_to_headings(page: Path) -> None:
    """In ten seconds from here to the formula of a layer norm's gradient."""
    links = re.findall(r"\]\(([\w/.]+\.md)(?:#([^)]*))?\)", page.read_text(encoding="utf-8"))
    assert any(target.endswith("normalisation.md") for target, _ in links)
    for target, anchor in links:
        text = (page.parent / target).read_text(encoding="utf-8")
        anchors = github_anchors(headings([text])[0]).values()
        assert not anchor or anchor in anchors, f"{target}#{anchor}"


def test_ci_runs_the_test_command_of_the_readme() -> None:
    build, test = blocks(README, "sh")
    commands = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert test.strip() in commands
    assert ".venv/bin/symllm build --check" in commands
    assert build.startswith("python3 -m venv .venv && ")


@pytest.mark.parametrize("page", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_links_lead_somewhere(page: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page):
        assert (ROOT / target).exists(), target


def test_every_command_shown_is_a_command() -> None:
    shown = set(re.findall(r"^symllm (\w+)", "".join(blocks(README, "text")), re.MULTILINE))
    assert shown == set(cli.commands)


def test_the_worked_example_derives_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    example = blocks(CONTRIBUTING, "python")[0]
    there = ROOT / "symllm" / "catalogue" / "softcap.py"
    assert example == there.read_text(encoding="utf-8")
    namespace: dict[str, Any] = {"__package__": "symllm.catalogue", "__name__": "softcap"}
    exec(compile(example, "CONTRIBUTING.md", "exec"), namespace)
    assert isinstance(namespace["softcap"], Op)
    monkeypatch.setattr(common, "ops", namespace)
    (shown,) = blocks(CONTRIBUTING, "text")
    result = CliRunner().invoke(cli, ["show", "softcap", "--wrt", "x"])
    assert shown in result.stdout
    assert CliRunner().invoke(cli, ["verify", "softcap"]).exit_code == 0
