"""What was made before is made again where what it rests on has changed, and only there."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import symllm
from symllm.build import Report, build
from symllm.cache import VARIABLE, entry_for, keep, kept
from symllm.footprint import digest
from symllm.made import Made, Result

ONE = """\
# %% [markdown]
# # One

# %%
from pathlib import Path

from own_words.said import word

here = Path(__file__).parent
[word, (here / "data.txt").read_text(), len(list((here / "runs").iterdir()))]
"""
CITED = """\
# %% [markdown]
# # Cited

# %%
from symllm import ops

ops.sigmoid.gradient("x")
"""
CITING = CITED.replace("Cited", "Citing").replace("sigmoid", "silu")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    chapters = folder / "derivations"
    for inner in ("own_words", "runs"):
        (chapters / inner).mkdir(parents=True)
    (chapters / "one.py").write_text(ONE)
    (chapters / "cited.py").write_text(CITED)
    (chapters / "citing.py").write_text(CITING)
    (chapters / "own_words" / "said.py").write_text('word = "a word"\n')
    (chapters / "data.txt").write_text("1 2 3")
    assert len(built(folder).written) == 5  # with the lists of contents and of symbols
    return folder


def built(folder: Path, *formats: str, **options: bool) -> Report:
    formats = formats or ("md",)
    return build((), formats, folder / "output", folder / "derivations", **options)


def rewrite(path: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        text = (folder / path).read_text()
        assert old in text
        (folder / path).write_text(text.replace(old, new))

    return change


def add(path: str, text: str = "") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        (folder / path).write_text(text)

    return change


def touch(folder: Path) -> None:
    os.utime(folder / "derivations" / "one.py", (0, 0))


#: What is changed, and which chapters are made again.
CHANGES: dict[str, tuple[Callable[[Path], None], set[str]]] = {
    "nothing": (lambda folder: None, set()),
    "the time of a file": (touch, set()),
    "a document": (rewrite("output/one.md", "One", "None"), set()),
    "a chapter": (rewrite("derivations/one.py", "# # One", "# # Won"), {"one"}),
    "a module of one's own": (
        rewrite("derivations/own_words/said.py", "a word", "words"),
        {"one"},
    ),
    "a file that is read": (rewrite("derivations/data.txt", "2", "5"), {"one"}),
    "a folder that is listed": (add("derivations/runs/first.txt"), {"one"}),
    "what another chapter says": (
        rewrite("derivations/cited.py", "# # Cited", "# # Cited here"),
        {"cited", "citing"},
    ),
    "a chapter that is new": (add("derivations/two.py", "# %% [markdown]\n# # Two\n"), {"two"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_change_makes_anew(change: str, project: Path) -> None:
    act, anew = CHANGES[change]
    act(project)
    report = built(project)
    assert {*report.chapters} - {*report.reused} == anew
    assert (not anew) or report.written
    assert {*built(project).reused} == {*report.chapters}


def test_what_was_kept_is_what_is_made_without_it(project: Path) -> None:
    built(project)
    again = built(project, cache=False, check=True)
    assert again.ok
    assert not again.reused


def test_more_formats_are_made_and_fewer_are_there(project: Path) -> None:
    built(project)
    assert not built(project, "md", "tex").reused
    assert len(built(project, "tex").reused) == len(built(project, "md").reused) > 2


SCRIPT = """
import json
from symllm.build import build
report = build(formats=["md"])
print(json.dumps(sorted({*report.chapters} - {*report.reused})))
"""

#: A change of the package, and the chapters that it makes anew.
ENGINE = {
    "nothing": ("__init__.py", "", set()),
    "an op": ("catalogue/z_loss.py", "\n# another\n", {"losses"}),
    "a rule": ("algebra/sums.py", "\n# another\n", {"losses", "softmax"}),
    "a template": ("render/templates/pandoc.lua", "\n-- another\n", {"losses", "softmax"}),
}
PACKAGE_CHAPTERS = {
    "losses": "ops.z_loss",
    "softmax": "ops.softmax",
}


def test_a_changed_rule_or_op_makes_anew_what_used_it(tmp_path: Path) -> None:
    package = tmp_path / "package" / "symllm"
    hidden = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(symllm.__file__).parent, package, ignore=hidden)
    (tmp_path / "derivations").mkdir()
    for name, shown in PACKAGE_CHAPTERS.items():
        text = f"# %% [markdown]\n# # {name}\n\n# %%\nfrom symllm import ops\n\n{shown}\n"
        (tmp_path / "derivations" / f"{name}.py").write_text(text)

    def anew(**more: str) -> set[str]:
        env = os.environ | {"PYTHONPATH": str(package.parent)} | more
        command = [sys.executable, "-c", SCRIPT]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, check=True)
        return set(json.loads(done.stdout))

    assert anew() == {"losses", "softmax"}
    for name, (path, more, expected) in ENGINE.items():
        (package / path).write_text((package / path).read_text() + more)
        assert anew() == expected, name
    assert anew(SYMPY_DEBUG="False") == {"losses", "softmax"}


# --------------------------------------------------------------------------
# Entries that are not what they should be
# --------------------------------------------------------------------------

MADE = Made(None, Result({"md": {"one.md": b"One" * 1000}}), files={"here": "missing"})


def signed(data: bytes) -> bytes:
    return digest(data).encode() + b"\n" + data


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "half": lambda data: data[: len(data) // 2],
    "all but the end": lambda data: data[:-1],
    "more": lambda data: data + b"x",
    "a bit": flipped,
    "without its digest": lambda data: data.partition(b"\n")[2],
    "no pickle": lambda data: signed(b"{}"),
    "of another kind": lambda data: signed(pickle.dumps({"pages": {}})),
    "of a class that is gone": lambda data: signed(
        data.partition(b"\n")[2].replace(b"Made", b"Mode")
    ),
}


def test_an_entry_that_is_whole_is_read() -> None:
    keep("one", MADE)
    assert kept("one") == MADE
    assert kept("another") is None


@pytest.mark.parametrize("how", SPOILED)
def test_an_entry_that_is_spoiled_is_not_believed(how: str) -> None:
    keep("one", MADE)
    path = entry_for("one")
    path.write_bytes(SPOILED[how](path.read_bytes()))
    assert kept("one") is None


def test_a_spoiled_entry_is_made_again(project: Path) -> None:
    built(project)
    path = entry_for(str(project / "derivations" / "one.py"))
    path.write_bytes(flipped(path.read_bytes()))
    report = built(project)
    assert {*report.chapters} - {*report.reused} == {"one"}
    assert not report.written


def test_where_nothing_can_be_kept_all_is_made(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "cache"))
    report = built(project)
    assert not report.reused
    assert not report.written
