"""Work in processes of their own: no chapter can leave a trace in another.

So a document is the same whatever is built beside it, in whatever order and on
however many cores; and what its process has read is what it rests on.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .files import BuildError
from .lazily import lazily
from .made import Made, Task, unpacked

if TYPE_CHECKING:
    import joblib
else:
    joblib = lazily("joblib")

WORKER = "symllm.worker"

#: Arrays are small: threads inside of linear algebra would cost more than they save.
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Place:
    """The folder that names of files start from, and where Python looks for modules."""

    here: str
    path: tuple[str, ...]


def this_place() -> Place:
    return Place(os.getcwd(), tuple(dict.fromkeys(map(os.path.abspath, sys.path))))


def made_apart(task: Task, place: Place) -> Made:
    """Do a piece of work in a new process, which ends when this one does.

    Raises ``BuildError`` if it ends without an answer.
    """
    process = None
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", WORKER, repr(time.time())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=place.here,
            env=ONE_THREAD | os.environ | {"PYTHONPATH": os.pathsep.join(place.path)},
            start_new_session=True,  # an interrupt is for the one who asks
        )
        with process:
            assert process.stdin
            assert process.stdout
            process.stdin.write(pickle.dumps(task))
            process.stdin.flush()
            # Its input stays open: it ends with that, should this process be killed.
            return unpacked(process.stdout.read())
    except (OSError, ValueError) as error:
        ended = f"ended with {process.wait()}" if process else f"did not start: {error}"
        raise BuildError(f"the process for {task.name} {ended}") from error


def made_in_parallel(tasks: Sequence[Task], jobs: int | None) -> Iterator[tuple[str, Made]]:
    """What came of each task with its name, as soon as it is made.

    As many at once as there are jobs; ``None`` is one for each core. Threads
    wait for the processes, unless joblib was told of another backend
    (``joblib.parallel_config``).
    """
    if not tasks:
        return
    place = this_place()
    run = joblib.Parallel(n_jobs=jobs or -1, prefer="threads", return_as="generator_unordered")
    yield from run(joblib.delayed(named)(task, place) for task in tasks)


def named(task: Task, place: Place) -> tuple[str, Made]:
    """One that fails does not stop the others."""
    try:
        return task.name, made_apart(task, place)
    except BuildError as error:
        return task.name, Made(task.given, None, error=str(error))
