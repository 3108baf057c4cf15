"""The command line: what it says, where it says it, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from click.testing import CliRunner, Result

from symllm import Dim, Iverson, Let, Op, delta, matrix, mean, ops, sum_over
from symllm.cli import common, verify
from symllm.cli.app import cli
from symllm.formats import FORMATS
from symllm.notation import LOSS, Partial
from symllm.render import tex
from symllm.render.text import Formula, spelled

n = Dim("n")
i, j = n.indices("i j")
x, y, p = n.vector("x"), n.vector("y"), n.vector("p")
A = matrix("A", n, n)


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, words)


def refused(result: Result, code: int = 2) -> str:
    """The one message on stderr of a command that did nothing else."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    return result.stderr


def wrong_op() -> Op:
    """An op whose NumPy forward is another function."""
    return Op("twice", "Twice", (x,), (Let(y[i], 2 * x[i]),), numpy=lambda x: 3 * x)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with derivations/ to be in."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "derivations").mkdir()
    return tmp_path


def chapter(folder: Path, code: str, name: str = "one") -> Path:
    path = folder / "derivations" / f"{name}.py"
    path.write_text(f"# %% [markdown]\n# # One\n\n# %%\nfrom symllm import ops\n\n# %%\n{code}\n")
    return path


# --------------------------------------------------------------------------
# ops, show
# --------------------------------------------------------------------------


def test_ops_lists_the_catalogue_in_order() -> None:
    lines = run("ops").stdout.splitlines()[1:]
    rows = [line for line in lines if not line.startswith(" ")]  # long ones take two lines
    assert [row.split()[0] for row in rows] == list(ops)
    assert any("x[m], W[n, m], b[n]" in line for line in lines)


@pytest.mark.parametrize("name", list(ops))
def test_show_writes_every_equation_of_an_op(name: str) -> None:
    result = run("show", name)
    assert result.exit_code == 0
    assert result.stdout.count(" = ") >= len(ops[name].equations)


def test_show_numbers_the_steps_and_says_what_each_is_good_for() -> None:
    shown = run("show", "layer_norm", "--wrt", "x").stdout
    steps = ops.layer_norm.gradient("x").steps
    heads = [line for line in shown.splitlines() if "checked < 1e-" in line and "(" in line]
    assert [int(line.split()[0]) for line in heads] == list(range(1, len(steps) + 1))
    assert "r (dx̂[i]" in shown
    assert "dx: agrees with central differences < 1e-7" in shown
    assert all(len(line) <= common.PIPED_WIDTH + 4 for line in shown.splitlines())  # accents


def test_show_takes_several_inputs_in_either_way() -> None:
    once = run("show", "attention", "--wrt", "Q,K").stdout
    assert once == run("show", "attention", "--wrt", "Q", "--wrt", "K").stdout
    assert "dQ = dS K / √d" in once
    assert "dS = P ⊙ (dP - D 1ᵀ)" in once


def test_show_gives_jacobians_and_hessians() -> None:
    jacobian = run("show", "softmax", "--wrt", "x", "--jacobian").stdout
    assert "∂p[i]/∂x[j] = p[i] ([i = j] - p[j])" in jacobian
    hessian = run("show", "cross_entropy", "--wrt", "z", "--hessian").stdout
    assert "∂²L/∂z[i]∂z[j] = p[i] [i = j] - p[i] p[j]" in hessian


def test_show_adds_batch_axes() -> None:
    assert "x[B, T, n]" in run("show", "softmax", "--batched", "B,T").stdout


def test_show_stops_at_what_is_false(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "ops", {"twice": wrong_op()})
    result = run("show", "twice", "--wrt", "x")
    assert "DIFFERS from the NumPy forward" in refused(result, 1)


FORMULAS = {
    x[i] / n: "x[i] / n",
    -x[i]: "-x[i]",
    x[i] - y[i]: "x[i] - y[i]",
    sp.Rational(1, 2) * x[i]: "x[i] / 2",
    sp.Rational(44715, 10**6) * x[i]: "0.044715 x[i]",
    mean(x[j] ** 2, j): "(1 / n) Σ_j x[j]^2",
    sum_over(x[i] + y[i], i): "Σ_i (x[i] + y[i])",
    sum_over(A[i, j], i, j): "Σ_i Σ_j A[i, j]",
    1 / sp.sqrt(x[i] + y[i]): "1 / √(x[i] + y[i])",
    (x[i] + 1) / (x[i] * y[i]): "(1 + x[i]) / (x[i] y[i])",
    (x[i] + y[i]) ** 2: "(x[i] + y[i])^2",
    sp.exp(x[i]) / sum_over(sp.exp(x[j]), j): "exp(x[i]) / Σ_j exp(x[j])",
    Iverson(sp.Le(j.symbol, i.symbol)): "[j ≤ i]",
    delta(i, j): "[i = j]",
    Partial(LOSS, x[i]): "∂L/∂x[i]",
    Partial(Partial(LOSS, x[i]), x[j]): "∂²L/∂x[i]∂x[j]",
    sp.Heaviside(x[i]): "[x[i] > 0]",
    sp.Max(x[i], 0): "max(0, x[i])",
    sp.sqrt(2 / sp.pi): "√(2 / π)",
}


@pytest.mark.parametrize("formula", FORMULAS, ids=str)
def test_formulas_read_as_a_person_types_them(formula: sp.Expr) -> None:
    assert Formula()(formula) == FORMULAS[formula]


def test_names_are_spelled_as_letters() -> None:
    names = ("gamma", "eps", "xhat", "dxhat", "dgamma", "dS", "delta", "logits", "hat", "lambda")
    assert [spelled(name) for name in names] == [
        *("γ", "ε", "x̂", "dx̂", "dγ", "dS", "δ", "logits", "hat", "λ")
    ]


# --------------------------------------------------------------------------
# code
# --------------------------------------------------------------------------


def test_code_is_the_source_that_runs() -> None:
    namespace: dict[str, object] = {}
    exec(run("code", "softmax", "--batched", "N").stdout, namespace)
    rows = np.array([[0.0, 1.0, 3.0], [2.0, -1.0, 0.0]])
    function = namespace["softmax_backward"]
    assert callable(function)
    assert np.allclose(function(np.ones_like(rows), rows), 0)


def test_code_is_of_all_inputs_or_of_those_named() -> None:
    assert '{"dx": dx, "dgamma": dgamma, "dbeta": dbeta}' in run("code", "layer_norm").stdout
    assert "return dgamma\n" in run("code", "layer_norm", "--wrt", "gamma").stdout


TAUGHT = {"torch": "class Softmax(torch.autograd.Function):", "jax": "@jax.custom_vjp"}


@pytest.mark.parametrize("target", TAUGHT)
def test_code_is_for_a_library_that_differentiates(target: str, tmp_path: Path) -> None:
    path = tmp_path / "softmax.py"
    assert run("code", "softmax", "--target", target, "-o", str(path)).exit_code == 0
    assert TAUGHT[target] in path.read_text()
    assert "def softmax(x):" in path.read_text()


def test_code_goes_to_a_file_whole(tmp_path: Path) -> None:
    path = tmp_path / "backward.py"
    path.write_text("old")
    result = run("code", "softmax", "-o", str(path))
    assert (result.exit_code, result.stdout) == (0, "")
    assert path.read_text() == run("code", "softmax").stdout
    assert list(tmp_path.iterdir()) == [path]


def test_code_does_not_touch_the_file_when_it_fails(tmp_path: Path) -> None:
    path = tmp_path / "backward.py"
    path.write_text("old")
    refused(run("code", "softmax", "--wrt", "q", "-o", str(path)))
    assert path.read_text() == "old"


def test_code_writes_to_ordinary_files_in_folders_that_are_there(tmp_path: Path) -> None:
    assert "there is no folder" in refused(run("code", "softmax", "-o", "/nonexistent/x.py"))
    assert not Path("/nonexistent").exists()
    assert "no ordinary file" in refused(run("code", "softmax", "-o", str(tmp_path)))
    assert "no ordinary file" in refused(run("code", "softmax", "-o", "/dev/null"))


# --------------------------------------------------------------------------
# verify
# --------------------------------------------------------------------------


def test_verify_has_a_row_for_each_op() -> None:
    result = run("verify", "softmax", "layer_norm")
    assert result.exit_code == 0
    head, softmax, layer_norm = (line.split() for line in result.stdout.splitlines()[:3])
    assert head == ["op", "forward", "gradient", "autograd", "steps", "proved", "checked"]
    assert softmax[:5] == ["softmax", "<", "1e-12", "<", "1e-7"]
    assert layer_norm[0] == "layer_norm"
    assert "2 ops verified, alone and in a batch" in result.stdout


def test_verify_finds_what_is_false_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = {"twice": wrong_op(), "softmax": ops.softmax}
    monkeypatch.setattr(common, "ops", chosen)
    monkeypatch.setattr(verify, "ops", chosen)
    result = run("verify")
    assert result.exit_code == 1
    assert "twice    FALSE" in result.stdout
    assert "DIFFERS from the NumPy forward" in result.stdout
    assert "1 op verified" in result.stdout
    assert "1 FALSE" in result.stdout


# --------------------------------------------------------------------------
# build
# --------------------------------------------------------------------------


def test_build_writes_documents_and_says_what_was_verified(folder: Path) -> None:
    chapter(folder, 'ops.softmax.gradient("x")')
    result = run("build")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (folder / "output").iterdir())
    made = ["README.md", "book.pdf", "index.html", "search.js", "symbols.html", "symbols.md"]
    made += [f"one.{name}" for name in FORMATS]
    assert names == sorted([*made, "measurements.json"])
    assert result.stdout.count("written ") == len(made)
    assert "1 chapter, 1 derivation: " in result.stdout
    assert "central differences < 1e-7" in result.stdout
    assert run("build").stdout.count("unchanged ") == len(made)


def test_build_takes_chapters_formats_and_a_folder(folder: Path) -> None:
    chapter(folder, "ops.softmax", "one")
    chapter(folder, "ops.relu", "two")
    assert run("build", "two", "--format", "md,tex", "--output", "here").exit_code == 0
    names = sorted(path.name for path in (folder / "here").iterdir())
    assert names == ["measurements.json", "two.md", "two.tex"]


def test_build_makes_again_what_has_changed(folder: Path) -> None:
    path = chapter(folder, "ops.softmax")
    chapter(folder, "ops.relu", "two")
    words = ("build", "--format", "md", "--jobs", "1")
    assert "\n2 chapters, no derivation" in run(*words).stdout
    path.write_text(path.read_text().replace("# # One", "# # Other"))
    assert "\n2 chapters (1 as before), " in run(*words).stdout
    assert "\n2 chapters (2 as before), " in run(*words).stdout
    assert "\n2 chapters, " in run(*words, "--no-cache").stdout


def test_build_takes_a_flavour_and_an_engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chapter(folder, "ops.softmax")
    assert run("build", "--format", "md", "--flavour", "myst").exit_code == 0
    assert "```{math}" in (folder / "output" / "one.md").read_text()
    assert "'word' is not one of" in refused(run("build", "--flavour", "word"))
    monkeypatch.setenv("PATH", str(folder))
    tex.engine_fault.cache_clear()
    engine = ("build", "--format", "pdf", "--pdf-engine", "latexmk")
    assert "needs a TeX installation that works, but there is no latexmk" in refused(run(*engine))
    tex.engine_fault.cache_clear()


def test_check_compares_and_writes_nothing(folder: Path) -> None:
    path = chapter(folder, "ops.softmax")
    missing = run("build", "--check")
    assert missing.exit_code == 1
    assert "output/one.md is missing" in missing.stdout
    assert not (folder / "output").exists()
    run("build", "--format", "md,tex")
    assert run("build", "--check").exit_code == 0
    path.write_text(path.read_text().replace("# # One", "# # Other"))
    before = (folder / "output" / "one.md").read_bytes()
    stale = run("build", "--check")
    assert stale.exit_code == 1
    assert "-# One\n+# Other" in stale.stdout
    assert "stale      output/one.md" in stale.stdout
    assert (folder / "output" / "one.md").read_bytes() == before


WRONG_OP = """
from symllm import Dim, Let, Op

n = Dim("n")
i = n.index("i")
x, y = n.vector("x"), n.vector("y")
Op("twice", "Twice", (x,), (Let(y[i], 2 * x[i]),), numpy=lambda x: 3 * x).gradient("x")
"""


def test_build_stops_at_what_is_false(folder: Path) -> None:
    chapter(folder, WRONG_OP)
    message = refused(run("build"), 1)
    assert "derivations/one.py:" in message
    assert "DIFFERS from the NumPy forward" in message
    assert not (folder / "output").exists()


CHAPTERS = {
    "raises": ("1 / 0", "derivations/one.py:8: ZeroDivisionError: division by zero"),
    "unknown op": ("ops.sofmax", "Did you mean 'softmax'?"),
    "unknown input": ('ops.softmax.gradient("q")', "there is no input of softmax 'q'. Known: x"),
    "syntax": ("ops.softmax.gradient(", "derivations/one.py:8: SyntaxError"),
}


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_broken_chapter_is_one_message(name: str, folder: Path) -> None:
    code, expected = CHAPTERS[name]
    chapter(folder, code)
    assert expected in refused(run("build"))
    assert not (folder / "output").exists()


def test_every_broken_chapter_is_told(folder: Path) -> None:
    chapter(folder, "1 / 0")
    chapter(folder, "import os\nos._exit(3)", "three")
    chapter(folder, "ops.sofmax", "two")
    first, second, third = refused(run("build", "--format", "md")).strip().splitlines()
    assert first.endswith("derivations/one.py:8: ZeroDivisionError: division by zero")
    assert second == "the process for derivations/three.py ended with 3"
    assert third.startswith("derivations/two.py:8: UnknownName: ")


def test_build_says_what_it_looked_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no chapter in 'derivations'" in refused(run("build"))
    chapter(folder, "ops.softmax")
    assert "no chapter 'won'. Did you mean 'one'? Known: one" in refused(run("build", "won"))
    known = "no format 'doc'. Known: md, tex, html, ipynb, pdf"
    assert known in refused(run("build", "--format", "doc"))
    (folder / "file").write_text("")
    assert "file" in refused(run("build", "--format", "md", "--output", "file"))
    (folder / "away").mkdir()
    monkeypatch.chdir(folder / "away")
    assert "there is no folder 'derivations'" in refused(run("build"))


# --------------------------------------------------------------------------
# Wrong use
# --------------------------------------------------------------------------

WRONG_USE = {
    "show zzz": "there is no op 'zzz'. Known: softmax, ",
    "show sofmax": "Did you mean 'softmax'?",
    "show softmax --wrt q": "there is no input of softmax 'q'. Known: x",
    "show softmax --wrt x,": "an empty name",
    "show softmax --jacobian": "a jacobian is by one input: --wrt NAME; given: none",
    "show attention --jacobian --wrt Q,K": "given: Q, K",
    "show softmax --wrt x --hessian": "a Hessian is of one scalar output, but softmax has p[n]",
    "show softmax --wrt x --hessian --jacobian": "not both",
    "show cross_entropy_index --wrt t": "'t': it holds integers",
    "show softmax --batched n": "the name is taken",
    "code softmax --target cobol": "there is no target 'cobol'. Known: numpy, torch, jax",
    "verify zzz": "there is no op 'zzz'",
    "build --jobs 0": "0 is not in the range x>=1",
    "build --jobs many": "'many' is not a valid integer",
    "shwo": "Did you mean 'show'?",
    "show": "Missing argument 'OP'",
}


@pytest.mark.parametrize("words", WRONG_USE)
def test_wrong_use_is_one_message(words: str) -> None:
    assert WRONG_USE[words] in refused(run(*words.split()))


@pytest.mark.parametrize("command", ["", *cli.commands])
def test_every_help_text_shows_an_example(command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert f"symllm {command}" in result.stdout.partition("Example")[2]


def test_the_module_runs_and_needs_no_greek() -> None:
    command = [sys.executable, "-m", "symllm", "show", "layer_norm"]
    shown = subprocess.run(
        command, capture_output=True, text=True, env={"PYTHONIOENCODING": "ascii"}, check=False
    )
    assert shown.returncode == 0, shown.stderr
    assert "learned scale and shift" in shown.stdout
    version = subprocess.run([*command[:3], "--version"], capture_output=True, text=True)
    assert version.stdout.startswith("symllm, version ")
