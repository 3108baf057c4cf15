"""The process in which work is done: a task comes in, what was made of it goes out.

``python -m symllm.worker`` is not for people: ``symllm build`` starts it.
"""

from __future__ import annotations

import os
import pickle
import sys
import threading
import time
from dataclasses import replace
from typing import BinaryIO

from .errors import SymllmError, tells_of_false
from .footprint import environment, watch
from .made import Made, Task, asked_of, consulted


def make(task: Task) -> Made:
    """What comes of a task, or why nothing does."""
    start = time.perf_counter()
    around = {name: consulted(known) for name, known in task.around.items()}
    try:
        result = task.function(task.given, task.formats, around)
    except SymllmError as error:
        return Made(task.given, None, error=str(error), false=tells_of_false(error))
    seconds = round(time.perf_counter() - start, 3)
    asked = {name: asked_of(known) for name, known in around.items()}
    return Made(task.given, result, seconds, asked)


def channels() -> tuple[BinaryIO, BinaryIO]:
    """What connects to the process that asks; a chapter that prints or reads does not meet it."""
    source, answer = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return source, answer


def end_with(source: BinaryIO) -> None:
    """End this process when the one that asks has ended."""
    source.read()
    os._exit(1)


def main(born: float) -> None:
    source, answer = channels()
    around = environment()
    footprint = watch(born)
    task = pickle.load(source)
    threading.Thread(target=end_with, args=(source,), daemon=True).start()
    made = make(task)
    with answer:
        answer.write(pickle.dumps(replace(made, files=footprint(), environment=around)))


if __name__ == "__main__":
    main(float(sys.argv[1]))
