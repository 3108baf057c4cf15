"""What a process has read, as it is noted while it reads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symllm.footprint import MISSING, UNKNOWN, current, digest_of, environment

SCRIPT = """
import json, sys
sys.path.append(sys.argv[2])
{before}
from symllm.footprint import watch
found = watch(float(sys.argv[1]))
{after}
print(json.dumps(found()))
"""


def footprint(folder: Path, after: str, before: str = "", born: float | None = None):
    script = SCRIPT.format(before=before, after=after)
    born = time.time() + 60 if born is None else born
    command = [sys.executable, "-c", script, repr(born), str(folder)]
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "numbers").write_text("1 2 3")
    (tmp_path / "own.py").write_text("x = 1\n")
    return tmp_path.resolve()


#: Code, and the name of the file or folder that it rests on.
READING = {
    "a file": ('open("data/numbers").read()', "data/numbers"),
    "a file by its number": (
        'import os\nos.close(os.open("data/numbers", os.O_RDONLY))',
        "data/numbers",
    ),
    "a file by NumPy": ('import numpy\nnumpy.loadtxt("data/numbers")', "data/numbers"),
    "a folder": ('import os\nos.listdir("data")', "data"),
    "a pattern": ('from pathlib import Path\nlist(Path("data").glob("*"))', "data"),
    "a module": ("import own", "own.py"),
    "a module that was compiled": ("import own\nimport py_compile", "own.py"),
    "a program's file": (
        'import subprocess, sys\nsubprocess.run(["true", "--from=data/numbers"])',
        "data/numbers",
    ),
    "an op": ("from symllm import ops\nops.z_loss", "z_loss.py"),
}


@pytest.mark.parametrize("how", READING)
def test_what_is_read_is_noted(how: str, folder: Path) -> None:
    code, name = READING[how]
    found = footprint(folder, code)
    (path,) = (path for path in found if path.endswith(f"/{name}"))
    assert found[path] == digest_of(path)
    assert current(found)


def test_what_is_not_there_is_noted_as_that(folder: Path) -> None:
    code = 'try: open("none")\nexcept OSError: pass'
    found = footprint(folder, code)
    assert found[str(folder / "none")] == MISSING
    assert current(found)
    (folder / "none").write_text("")
    assert not current(found)


def test_what_it_wrote_itself_is_not_noted(folder: Path) -> None:
    assert str(folder / "new") not in footprint(folder, 'open("new", "w")\nopen("new")')


def test_libraries_and_devices_are_not_noted(folder: Path) -> None:
    found = footprint(folder, 'import sympy, json\nopen("/dev/null")')
    assert not [path for path in found if "sympy" in path or "json" in path or "null" in path]


def test_a_file_counts_as_it_was_when_it_was_read(folder: Path) -> None:
    found = footprint(folder, 'open("own.py").read()\nopen("own.py", "a").write("y = 2")')
    assert found[str(folder / "own.py")] != digest_of(str(folder / "own.py"))
    assert not current(found)


def test_a_module_that_was_read_unseen_may_have_changed_since(folder: Path) -> None:
    own = str(folder / "own.py")
    assert footprint(folder, "", "import own")[own] == digest_of(own)
    changed = footprint(folder, "", "import own", born=0)
    assert changed[own] == UNKNOWN
    assert not current(changed)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_module_that_waits_is_noted_when_it_is_needed(when: str, folder: Path) -> None:
    (folder / "own.py").write_text("y = 1\n")
    waiting = "from symllm.lazily import lazily\nwaiting = lazily('own')"
    own = str(folder / "own.py")
    assert own not in footprint(folder, **{"after": "", when: waiting})
    needed = f"{waiting}\nwaiting.y"
    assert footprint(folder, **{"after": "", when: needed})[own] == digest_of(own)


def test_installed_libraries_belong_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    before = environment()
    (tmp_path / "notes.txt").write_text("")
    assert environment() == before
    (tmp_path / "other-1.0.dist-info").mkdir()
    assert environment() != before
