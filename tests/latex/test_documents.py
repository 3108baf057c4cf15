"""Claims in documents: where they are found, and what ``symllm check`` says of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symllm.cli.app import cli
from symllm.latex.documents import UnreadableDocument, marked_in

NOTES = r"""# Notes

<!-- symllm: softmax -->
```math
\frac{\partial p_i}{\partial x_j} = p_i(\delta_{ij} - p_j)
```

Not marked, and not read: $$ p = \foo $$

<!-- symllm: layer_norm
where: g_i = \gamma_i \frac{\partial L}{\partial y_i}
-->

$$
\frac{\partial L}{\partial x_i} = \frac{1}{\sigma} \left( g_i - \frac{1}{d} \sum_j g_j \right)
$$

- in a list

  ```math
  % symllm: attention
  dQ = \frac{dS K}{\sqrt d}
  ```
"""

PAPER = r"""\documentclass{article}
\begin{document}
Of 100\% symllm: means nothing.
% symllm: cross_entropy
% where: p_i = \frac{e^{z_i}}{Z\;}; Z = \sum_j e^{z_j}
\begin{align}
  \frac{\partial L}{\partial z_i} &= p_i - y_i \label{eq:one}
\end{align}
% symllm: mse batch: N
\[ dx_{bi} = \frac{2}{n} (x_{bi} - y_{bi}) \frac{\partial L}{\partial L_b} \]
\end{document}
"""


def check(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, ["check", *map(str, arguments)])


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    path = tmp_path / "notes.md"
    path.write_text(NOTES, encoding="utf-8")
    return path


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    path = tmp_path / "paper.tex"
    path.write_text(PAPER, encoding="utf-8")
    return path


def test_marked_formulas_are_found_with_their_lines(notes: Path, paper: Path) -> None:
    assert [(m.op, m.line) for m in marked_in(notes)] == [
        ("softmax", 4),
        ("layer_norm", 14),
        ("attention", 20),
    ]
    one, two = marked_in(paper)
    assert (one.op, one.line, two.op, two.line) == ("cross_entropy", 6, "mse", 10)
    assert one.where == (r"p_i = \frac{e^{z_i}}{Z\;}", r"Z = \sum_j e^{z_j}")
    assert two.batch == ("N",)


def test_each_claim_is_a_line_and_a_false_one_an_exit_code(notes: Path, paper: Path) -> None:
    result = check(notes, paper)
    assert result.exit_code == 1
    lines = [line for line in result.output.splitlines() if str(notes.parent) in line]
    assert len(lines) == 5
    assert lines[0] == f"{notes}:4: softmax: correct, proved"
    assert lines[1].startswith(f"{notes}:14: layer_norm: wrong_term: ")
    assert result.output.splitlines()[-1] == "5 claims checked, 4 right, 1 NOT"


def test_where_all_is_right_the_exit_code_is_0(paper: Path) -> None:
    assert check(paper).exit_code == 0


def test_verdicts_as_json(notes: Path) -> None:
    found = json.loads(check(notes, "--json").output)
    assert [(f["line"], f["op"], f["kind"]) for f in found] == [
        (4, "softmax", "correct"),
        (14, "layer_norm", "wrong_term"),
        (20, "attention", "correct"),
    ]


#: A text, and what is said of it; all end with exit code 2.
UNREADABLE = (
    ("<!-- symllm: softmax -->\n$$ p_i = \\foo $$\n", r"1?2?: softmax: unreadable: column 7"),
    ("<!-- symllm: nosuch -->\n$$ p_i = x_i $$\n", "there is no op 'nosuch'"),
    ("<!-- symllm: softmax -->\n\nSome words.\n", ":1: no display formula follows this mark"),
    ("<!-- symllm: softmax -->\n", ":1: no display formula follows this mark"),
    ("<!-- symllm: -->\n$$ p_i = x_i $$\n", ":1: a mark names an op"),
    ("Nothing at all.\n", "nothing is marked as a claim"),
)


@pytest.mark.parametrize(("text", "says"), UNREADABLE)
def test_what_cannot_be_read_is_said_and_is_exit_code_2(
    text: str, says: str, tmp_path: Path
) -> None:
    path = tmp_path / "text.md"
    path.write_text(text, encoding="utf-8")
    result = check(path)
    assert result.exit_code == 2
    assert re.search(says, result.output.replace("\n", " ")), result.output
    assert "Traceback" not in result.output


def test_documents_without_claims_may_be_allowed(tmp_path: Path) -> None:
    path = tmp_path / "text.md"
    path.write_text("Nothing at all.\n", encoding="utf-8")
    assert check(path, "--allow-empty").exit_code == 0


def test_a_mark_in_latex_needs_its_formula(tmp_path: Path) -> None:
    path = tmp_path / "paper.tex"
    path.write_text("% symllm: softmax\nwords\n\\[ p_i = x_i \\]\n", encoding="utf-8")
    with pytest.raises(UnreadableDocument, match=r"paper\.tex:1: no display formula"):
        marked_in(path)


WRONG_USE = (
    ((), "name a function"),
    (("notes.md", "code.py:f"), "in two runs"),
    (("notes.md", "--op", "softmax"), "says nothing about documents"),
    (("nofile.md",), "cannot be read"),
    (("picture.png",), "no document that is read"),
)


@pytest.mark.parametrize(("arguments", "says"), WRONG_USE)
def test_wrong_use_is_one_message(arguments: tuple[str, ...], says: str) -> None:
    result = check(*arguments)
    assert result.exit_code == 2
    assert says in result.output


def test_the_hook_runs_a_command_that_there_is() -> None:
    hook = Path(__file__).parents[2].joinpath(".pre-commit-hooks.yaml").read_text("utf-8")
    (entry,) = re.findall(r"entry: symllm (check .*)", hook)
    result = CliRunner().invoke(cli, [*entry.split(), "nofile.md"])
    assert "cannot be read" in result.output


def test_a_gradient_from_a_formula(tmp_path: Path) -> None:
    pdf = tmp_path / "out.pdf"
    result = CliRunner().invoke(
        cli, ["derive", r"y_i = \gamma_i x_i", "--wrt", "x", "--pdf", str(pdf)]
    )
    assert result.exit_code == 0, result.output
    assert "∂L/∂x[i] = γ[i] dy[i]" in result.output
    assert pdf.read_bytes().startswith(b"%PDF")


def test_a_formula_that_cannot_be_derived_is_one_message() -> None:
    for arguments in ((r"y_i = \gamma_i x_",), (r"y = W x", "--dims", "W=n,m", "--dims", "x=n")):
        result = CliRunner().invoke(cli, ["derive", *arguments])
        assert result.exit_code == 2
        assert "Error: column" in result.output
