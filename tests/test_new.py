"""A folder of one's own: it builds as ours does, and so do its op and its templates."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symllm.build import build
from symllm.cli.app import cli
from symllm.cli.new import started

OP = "derivations/my_ops/l2_norm.py"


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def refused(*words: str) -> str:
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.stderr
    return result.stderr


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert run("new", "my-paper").exit_code == 0
    monkeypatch.chdir(tmp_path / "my-paper")
    return tmp_path / "my-paper"


def test_a_new_folder_builds(folder: Path) -> None:
    result = run("build", "--format", "md,tex")
    assert result.exit_code == 0, result.output
    assert "1 chapter, 1 derivation: " in result.stdout
    page = (folder / "output" / "first_chapter.md").read_text()
    assert r"\frac{\partial L}{\partial x_i} = r \left( \mathrm{d}u_i - u_i \sum_j u_j" in page
    assert "Gradient of L2 normalisation." in page
    assert "1 as before" in run("build", "--check").stdout
    assert (folder / "README.md").read_text().startswith("# my-paper\n")


def test_every_command_of_its_readme_is_a_command(folder: Path) -> None:
    lines = (folder / "README.md").read_text().splitlines()
    commands = [line.partition("#")[0].split()[1:] for line in lines if line.startswith("symllm ")]
    assert [words[0] for words in commands] == ["verify", "build", "build"]
    for words in commands:
        result = run(*words)
        assert result.exit_code == 0, result.output


def test_an_op_of_ones_own_is_like_one_of_the_catalogue(folder: Path) -> None:
    verified = run("verify", f"{OP}:l2_norm")
    assert verified.exit_code == 0, verified.output
    assert "1 op verified, alone and in a batch" in verified.stdout
    shown = run("show", OP, "--wrt", "x").stdout
    assert "∂L/∂x[i] = r (du[i] - u[i] Σ_j u[j] du[j])" in shown
    assert "def l2_norm_backward(du, x):" in run("code", OP, "--batched", "N").stdout
    assert run("counts", OP).exit_code == 0


def test_a_wrong_op_of_ones_own_is_false(folder: Path) -> None:
    path = folder / OP
    path.write_text(path.read_text().replace("x / np.linalg.norm(x)", "x / np.abs(x).sum()"))
    result = run("verify", OP)
    assert result.exit_code == 1
    assert "DIFFERS from the NumPy forward" in result.stdout
    stopped = run("build", "--format", "md")
    assert stopped.exit_code == 1
    assert "DIFFERS from the NumPy forward" in stopped.stderr
    assert not (folder / "output").exists()


def test_templates_can_be_overridden(folder: Path) -> None:
    """A template that appears, changes or goes makes new pages: none of the old is kept."""

    def pages() -> str:
        report = build((), ["md", "tex"])
        assert bool(report.reused) != bool(report.written)
        return "".join(
            (folder / "output" / f"first_chapter.{e}").read_text() for e in ("md", "tex")
        )

    ours = pages()
    templates = folder / "templates"
    templates.mkdir()
    (templates / "derivation.md.j2").write_text("Derived: {{ question }}")
    (templates / "page.tex.j2").write_text("My own: << body >>")
    assert "Derived: Given" in pages()
    assert "My own: " in pages()
    (templates / "page.tex.j2").write_text("Another: << body >>")
    assert "Another: " in pages()
    for path in templates.iterdir():
        path.unlink()
    assert pages() == ours


def test_a_new_folder_is_empty_before(folder: Path) -> None:
    assert "the folder . is not empty" in refused("new", ".")
    assert "a file of that name is there" in refused("new", "README.md")
    assert "README.md" in refused("new", "README.md/inside")
    (folder / "empty").mkdir()
    assert run("new", "empty").exit_code == 0
    assert {*started("empty")} == {
        path.relative_to(folder / "empty")
        for path in (folder / "empty").rglob("*")
        if path.is_file()
    }


WRONG = {
    "none.py": "there is no file 'none.py'",
    "none.py:op": "there is no file 'none.py'",
    f"{OP}:l3_norm": f"there is no op in {OP} 'l3_norm'. Did you mean 'l2_norm'? Known: l2_norm",
    "raises.py": "raises.py:2: ZeroDivisionError: division by zero",
    "broken.py": "broken.py:1: SyntaxError",
    "empty.py": "there is no op in empty.py",
}


@pytest.mark.parametrize("name", WRONG)
def test_files_that_hold_no_such_op_are_one_message(name: str, folder: Path) -> None:
    (folder / "raises.py").write_text("x = 1\nx / 0\n")
    (folder / "broken.py").write_text("x = (\n")
    (folder / "empty.py").write_text("x = 1\n")
    assert WRONG[name] in refused("verify", name)
    assert WRONG[name] in refused("show", name)


def test_one_op_of_several_has_to_be_named(folder: Path) -> None:
    path = folder / OP
    path.write_text(path.read_text() + "\nother = l2_norm.batched('N')\n")
    assert f"there are several ops in {OP}: {OP}:l2_norm names one" in refused("show", OP)
