"""Work for processes of its own, as tests need it."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import symllm
from symllm.errors import OpError, VerificationError
from symllm.made import Result


def page(data: bytes) -> Result:
    return Result({"md": {"page": data}})


def echo(given: bytes, *_: Any) -> Result:
    return page(given)


def noisy(*_: Any) -> Result:
    print("noise")
    os.write(1, b"noise from below\n")
    return page(sys.stdin.read().encode())


def marking(*_: Any) -> Result:
    before = getattr(symllm, "mark", "first")
    symllm.mark = "second"  # type: ignore[attr-defined]
    return page(before.encode())


def asking(given: Any, formats: Any, around: Any) -> Result:
    assert around["book"]["a"] == 1
    assert "z" not in around["book"]
    assert list(around["seen"]) == ["c"]
    return page(b"")


def failing(false: bool, *_: Any) -> Result:
    try:
        raise VerificationError("no") if false else ValueError("no")
    except ValueError as error:
        raise OpError("it says so") from error


def leaving(*_: Any) -> Result:
    os._exit(3)


def killed(*_: Any) -> Result:
    os.kill(os.getpid(), signal.SIGTERM)
    return page(b"")


def raising(*_: Any) -> Result:
    raise RuntimeError("a mistake in the program")


def sleeping(note: str, *_: Any) -> Result:
    Path(note).write_text(f"{os.getpid()}\n")
    time.sleep(60)
    return page(b"")
