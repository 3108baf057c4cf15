"""Calls that are stopped when they take too long.

They are made in a copy of this process, which is killed; JAX does not live on in a copy once it
has run, and there an alarm goes off, which stops what Python does, but not compiled code.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from ..verdict import ClaimError


def in_time(timeout: float, what: str, call: Callable[[], Any], library: str) -> Any:
    """What a call returns; raises ``ClaimError`` if it takes longer than ``timeout`` seconds."""
    way = with_alarm if library == "jax" and jax_has_run() else in_child
    return way(timeout, what, call)


def too_long(what: str, timeout: float) -> ClaimError:
    return ClaimError(
        "error", f"{what} ran out of time: it was stopped after {timeout:g} s (timeout=)"
    )


def jax_has_run() -> bool:
    """Has JAX started the threads that a copy of this process would not have?"""
    bridge = sys.modules.get("jax._src.xla_bridge")
    started = getattr(bridge, "backends_are_initialized", None)
    return bool(started()) if started else "jax" in sys.modules


class Alarm(BaseException):
    """Not an ``Exception``, so that nobody's function catches it."""


def with_alarm(timeout: float, what: str, call: Callable[[], Any]) -> Any:
    if threading.current_thread() is not threading.main_thread():
        raise ClaimError("error", "timeout= with JAX needs the main thread, where alarms go off")

    def ring(signum: int, frame: Any) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, timeout)
    try:
        return call()
    except Alarm:
        raise too_long(what, timeout) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


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
            raise too_long(what, timeout)
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
