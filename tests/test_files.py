"""Files are whole whoever else writes them and whenever that is ended, and locks do not stay."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symllm.files import UNFINISHED, BuildError, alone, swept, write_all

NAMES = ("a", "b", "c")
SIZE = 100_000
KILLS, MOST = 25, 500


def pages(folder: Path, letter: str) -> dict[Path, bytes]:
    return {folder / name: letter.encode() * SIZE for name in NAMES}


def write_for_ever(folder: Path, ready: Path) -> None:
    write_all({ready: b""})
    while True:
        for letter in "xy":
            write_all(pages(folder, letter))


def assert_whole(folder: Path) -> None:
    for name in NAMES:
        data = (folder / name).read_bytes()
        assert len(data) == SIZE
        assert set(data) in ({ord("x")}, {ord("y")})


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals")
def test_a_writer_that_is_killed_leaves_files_whole(tmp_path: Path) -> None:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["symllm.files"])
    moments = random.Random(0)
    began = time.perf_counter()
    write_all(pages(tmp_path, "x"))
    once = time.perf_counter() - began
    seen: set[bytes] = set()
    for number in range(MOST):
        ready = tmp_path / f"ready{number}"
        writer = processes.Process(target=write_for_ever, args=(tmp_path, ready))
        writer.start()
        while not ready.exists():
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 3 * once))
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        assert_whole(tmp_path)
        seen.add(b"".join((tmp_path / name).read_bytes()[:1] for name in NAMES))
        # Enough is when it was killed before, after and in the midst of writing.
        midst = bool(list(tmp_path.glob(f"{UNFINISHED}*")))
        if number >= KILLS and len(seen) > 1 and midst:
            break
    else:
        pytest.fail("no writer was killed at a moment that matters")
    swept([tmp_path])
    assert not list(tmp_path.glob(f"{UNFINISHED}*"))
    assert_whole(tmp_path)


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(BuildError, match="cannot write"):
        write_all({tmp_path / "a": b"", tmp_path / "b": b""})
    assert sorted(os.listdir(tmp_path)) == ["b"]


HOLD = """
import sys
from pathlib import Path
from symllm.files import alone
with alone(Path(sys.argv[1]), lambda: None) as held:
    print(held, flush=True)
    sys.stdin.read()
"""


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "one.lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline().strip() == b"True"
        with alone(lock, holder.kill) as held:  # called because it has to wait
            assert held
    assert holder.returncode


def test_where_no_lock_can_be_had_work_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with alone(tmp_path / "file" / "one.lock", lambda: None) as held:
        assert not held
