"""Calls in a process of their own, which is killed when it takes too long."""

from __future__ import annotations

import faulthandler
import multiprocessing
import signal
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from ..verdict import ClaimError


def in_child(timeout: float, what: str, call: Callable[[], Any]) -> Any:
    """What a call returns, made in a copy of this process.

    Raises ``ClaimError`` if it takes longer than ``timeout`` seconds, or if the process dies; what
    the call itself raises as ``ClaimError`` is raised here.
    """
    if "fork" not in multiprocessing.get_all_start_methods():
        raise ClaimError("error", f"timeout= needs fork, which {sys.platform} does not have")
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=work, args=(call, sender), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that threads do not survive a fork is known
        process.start()
    sender.close()
    try:
        if not receiver.poll(timeout):
            raise ClaimError(
                "error", f"{what} ran out of time: it was stopped after {timeout:g} s (timeout=)"
            )
        kind, value = receiver.recv()
    except EOFError:
        process.join()
        raise ClaimError("error", f"{what} ended its process{ending(process.exitcode)}") from None
    finally:
        receiver.close()
        process.kill()
        process.join()
    if kind == "claim":
        raise ClaimError(*value)
    return value


def work(call: Callable[[], Any], sender: Connection) -> None:
    """In the child: call, and send what came of it."""
    faulthandler.disable()  # how it ends is said by the parent
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)  # the threads of the parent are not here
    try:
        sender.send(("value", call()))
    except ClaimError as error:
        sender.send(("claim", (error.kind, error.explanation, error.output)))
    sender.close()


def ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f": {signal.Signals(-code).name}"
    return f" with exit code {code}"
