"""What somebody's function raises, as one sentence."""

from __future__ import annotations

import linecache
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..verdict import ClaimError
from .reading import function_of, title

#: More of a message than this is not repeated.
LONGEST = 400


@contextmanager
def guarded(fn: Any, doing: str = "raised") -> Iterator[None]:
    """Turns whatever is raised inside into a ``ClaimError`` that says what and where."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ClaimError:
        raise
    except (Exception, SystemExit) as error:
        text = " ".join(str(error).split())
        text = text if len(text) <= LONGEST else f"{text[:LONGEST]}..."
        what = f"{type(error).__name__}: {text}" if text else type(error).__name__
        where = place(fn, error.__traceback__)
        raise ClaimError("error", f"{title(fn)} {doing} {what}{where}") from error


def place(fn: Any, trace: TracebackType | None) -> str:
    """The last line in the function's own file that was executed."""
    function = function_of(fn)
    own = function.__code__.co_filename if function else ""
    found = None
    while trace is not None:
        path, line = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        if path == own:
            found = (path, line)
        trace = trace.tb_next
    if found is None:
        return ""
    path, line = found
    written = linecache.getline(path, line).strip()
    return f" ({Path(path).name}, line {line}{f': {written}' if written else ''})"
