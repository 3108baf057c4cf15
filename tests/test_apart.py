"""Work in processes of its own: what comes back, and what becomes of one that fails."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import apart_tasks
import pytest

from symllm.apart import made_apart, made_in_parallel, this_place
from symllm.files import BuildError
from symllm.made import Asked, Task


def task(function: Any, given: Any = None, name: str = "work", **more: Any) -> Task:
    return Task(name, function, given, ("md",), **more)


def pages(function: Any, given: Any = None, **more: Any) -> Mapping[str, bytes]:
    made = made_apart(task(function, given, **more), this_place())
    assert made.result, made.error
    return made.result.pages["md"]


def test_what_is_made_comes_back() -> None:
    assert pages(apart_tasks.echo, b"\x00\n" * 100_000) == {"page": b"\x00\n" * 100_000}


def test_what_work_prints_and_reads_does_not_disturb() -> None:
    assert pages(apart_tasks.noisy) == {"page": b""}


def test_work_leaves_no_trace_in_other_work() -> None:
    tasks = [task(apart_tasks.marking, name=str(number)) for number in range(2)]
    for _, made in made_in_parallel(tasks, jobs=1):
        assert made.result
        assert made.result.pages["md"] == {"page": b"first"}


def test_what_was_asked_of_the_surroundings_is_noted() -> None:
    around = {"book": {"a": 1, "b": 2}, "seen": {"c": 3}, "title": "T"}
    made = made_apart(task(apart_tasks.asking, around=around), this_place())
    assert made.asked["book"] == Asked({"a": 1, "z": None})
    assert made.asked["seen"] == Asked({}, [("c", 3)])
    assert made.asked["title"].holds("T")
    assert not made.asked["title"].holds("U")
    assert made.asked["book"].holds({"a": 1, "b": 5})
    assert not made.asked["book"].holds({"a": 2})
    assert not made.asked["book"].holds({"a": 1, "z": 0})
    assert not made.asked["seen"].holds({"c": 3, "d": 4})


@pytest.mark.parametrize("false", [True, False])
def test_an_error_comes_back_as_what_it_says(false: bool) -> None:
    made = made_apart(task(apart_tasks.failing, false), this_place())
    assert (made.result, made.error, made.false) == (None, "it says so", false)


@pytest.mark.parametrize("name", ["leaving", "killed", "raising"])
def test_a_process_that_dies_is_one_message(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BuildError, match=r"the process for work ended with -?[0-9]+"):
        made_apart(task(getattr(apart_tasks, name)), this_place())


ASK = """
import apart_tasks, sys
from symllm.apart import made_apart, this_place
from symllm.made import Task
made_apart(Task("work", apart_tasks.sleeping, sys.argv[1], ()), this_place())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals")
def test_work_ends_with_who_asked_for_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    asker = subprocess.Popen([sys.executable, "-c", ASK, str(note)], env=env)
    wait_until(lambda: note.exists() and note.read_text().endswith("\n"))
    worker = int(note.read_text())
    os.kill(asker.pid, signal.SIGKILL)
    asker.wait()
    wait_until(lambda: not running(worker))


def running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{process}/stat")  # one that nobody has waited for is still listed
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def wait_until(condition: Any, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_jobs_are_done_whatever_their_number() -> None:
    names: Sequence[str] = ["one", "two"]
    tasks = [task(apart_tasks.echo, name.encode(), name=name) for name in names]
    for jobs in (1, 2):
        found = dict(made_in_parallel(tasks, jobs))
        assert sorted(found) == names
