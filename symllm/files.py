"""Files written whole or not at all, whoever else writes them and whenever that is ended."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from .errors import SymllmError

#: How the names of files start that are being written.
UNFINISHED = ".symllm-"


class BuildError(SymllmError):
    """A document that cannot be made, or not be written where it should be."""


def read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BuildError(f"cannot read {path}: {error.strerror}") from error


def write_all(pages: Mapping[Path, bytes]) -> None:
    """Write files so that a reader sees each whole, old or new; if one fails, none is replaced."""
    waiting: list[tuple[str, Path]] = []
    try:
        for path, data in pages.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=UNFINISHED)
            waiting.append((temporary, path))
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # the name must not arrive before what it names
            os.chmod(temporary, 0o644)
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        for temporary, path in waiting:
            os.replace(temporary, path)
    except OSError as error:
        where = error.filename2 or error.filename or "the output"
        raise BuildError(f"cannot write {where}: {error.strerror}") from error
    finally:
        remove(temporary for temporary, _ in waiting)


def remove(paths: Iterable[str | Path]) -> None:
    """Remove files; what is gone already, or cannot be removed, is left."""
    for path in paths:
        with contextlib.suppress(OSError):
            os.unlink(path)


@contextlib.contextmanager
def alone(lock: Path, wait: Callable[[], None]) -> Iterator[bool]:
    """Hold a lock that ends with the process; ``wait`` is called where another one holds it.

    The value says whether there is a lock: where none can be had, files are
    written whole all the same.
    """
    held = locked(lock, wait)
    try:
        yield held is not None
    finally:
        if held is not None:
            held.release()


def locked(lock: Path, wait: Callable[[], None]) -> BaseFileLock | None:
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        found = FileLock(lock)
        try:
            found.acquire(timeout=0)
        except Timeout:
            wait()
            found.acquire()
        return found
    except (OSError, NotImplementedError):
        return None


def swept(folders: Iterable[Path]) -> None:
    """Remove what builds that were killed had begun to write: nobody else may be writing there."""
    for folder in folders:
        remove(folder.glob(f"{UNFINISHED}*"))
