"""Builds that are killed, and builds at the same time: every document is whole, old or new."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symllm.build import MEASUREMENTS
from symllm.files import UNFINISHED

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals")

NAMES = ("one", "two")
KILLS = 4
CHAPTER = """\
# %% [markdown]
# # Version {version}

# %%
print("what a chapter prints is not on its page")
"{version} " * 20_000
"""


def write_chapters(folder: Path, version: int) -> None:
    for name in NAMES:
        (folder / "derivations" / f"{name}.py").write_text(CHAPTER.format(version=version))


def start(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "symllm", "build", "--format", "md", "--jobs", "2", *more]
    quiet = subprocess.DEVNULL
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    return subprocess.Popen(command, cwd=folder, env=env, stdout=quiet, stderr=quiet)


def versions(folder: Path) -> set[int]:
    """The versions that the documents are of; each must be one of them from end to end."""
    found = set()
    for name in NAMES:
        title, _, text = (folder / "output" / f"{name}.md").read_text().partition("\n")
        version = int(title.split()[-1])
        assert text == f"\n```\n{(f'{version} ' * 20_000).strip()}\n```\n"
        found.add(version)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "derivations").mkdir()
    write_chapters(tmp_path, 0)
    assert start(tmp_path).wait() == 0
    assert versions(tmp_path) == {0}
    return tmp_path


def test_a_build_that_is_killed_leaves_documents_whole(folder: Path) -> None:
    began = time.perf_counter()
    assert start(folder, "--no-cache").wait() == 0
    whole = time.perf_counter() - began
    moments = random.Random(0)
    for version in range(1, KILLS + 1):
        write_chapters(folder, version)
        build = start(folder)
        # Imports take the first half; what matters comes after them.
        time.sleep(moments.uniform(0.4, 1.0) * whole)
        build.send_signal(signal.SIGKILL)
        build.wait()
        assert versions(folder) <= {*range(version + 1)}
    assert start(folder).wait() == 0
    assert versions(folder) == {KILLS}
    names = sorted(os.listdir(folder / "output"))
    assert names == sorted(
        [MEASUREMENTS, "README.md", "symbols.md", *(f"{name}.md" for name in NAMES)]
    )
    assert not [name for name in names if name.startswith(UNFINISHED)]


def test_builds_at_the_same_time_do_not_spoil_each_other(folder: Path) -> None:
    write_chapters(folder, 1)
    builds = [start(folder), start(folder, "--no-cache"), start(folder)]
    assert [build.wait() for build in builds] == [0, 0, 0]
    assert versions(folder) == {1}
    assert start(folder, "--check").wait() == 0
