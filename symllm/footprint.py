"""What a process has read: files and folders, by what was in them, and the libraries around it.

Two runs that read the same say the same. So whoever keeps a result with the
footprint of the process that found it can tell when it no longer holds.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import shutil
import sys
import sysconfig
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

#: The package's own files are read as they are, wherever it is installed.
PACKAGE = Path(__file__).resolve().parent

CODE = frozenset({".py", ".pyc"})

#: Folders of files that other files stand for: a version, or the machine.
LIBRARIES = tuple({os.path.realpath(sysconfig.get_path(n)) for n in ("stdlib", "platstdlib")})
INSTALLED = ("site-packages", "dist-packages")
SYSTEM = tuple(f"{os.sep}{name}{os.sep}" for name in ("dev", "proc", "sys"))

#: Variables that change what libraries compute or call.
SETTINGS = ("SYMPY_", "MPMATH_", "PYPANDOC_")

#: What Python tells of: it lists folders for itself, to find modules.
WATCHED = frozenset({"open", "os.listdir", "os.scandir", "subprocess.Popen"})

#: For a file that is not there, and for one of which it is not known what was read.
MISSING, UNKNOWN = "missing", "unknown"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest_of(path: str) -> str:
    """What is in a file, or what a folder lists, in 64 letters."""
    try:
        if os.path.isdir(path):
            listed = sorted(name for name in os.listdir(path) if not name.startswith((".", "__")))
            return digest("\n".join(listed).encode())
        return digest(Path(path).read_bytes())
    except OSError:
        return MISSING


def environment() -> dict[str, str]:
    """What a result depends on besides files: Python, installed libraries, settings."""
    installed = {
        name
        for folder in sys.path
        if os.path.isdir(folder or ".")
        for name in os.listdir(folder or ".")
        if name.endswith((".dist-info", ".egg-info"))
    }
    settings = sorted(f"{k}={v}" for k, v in os.environ.items() if k.startswith(SETTINGS))
    return {
        "python": sys.version,
        "machine": f"{sys.platform} {platform.machine()}",
        "libraries": digest("\n".join(sorted(installed)).encode()),
        "settings": "\n".join(settings),
        "pandoc": installed_program("pandoc"),
    }


def installed_program(name: str) -> str:
    """A program on the path, if there is one, so that another version is another text."""
    found = shutil.which(name)
    if found is None:
        return ""
    about = os.stat(found)
    return f"{os.path.realpath(found)} {about.st_size} {about.st_mtime_ns}"


def watch(born: float) -> Callable[[], dict[str, str]]:
    """Note from now on which files this process reads; the function returned says which.

    Files of modules that were loaded before count, as they are now; one that
    was changed since the process was ``born`` may have been read before that.
    It cannot be undone: for a process that lives for one result.
    """
    files: dict[str, str] = {}
    written: set[str] = set()
    busy = False

    def note(path: str, since: float = float("inf")) -> None:
        nonlocal busy
        path = source_of(path)
        if path in files or path in written or not counts(path):
            return
        busy = True  # reading it is not what is watched
        try:
            files[path] = UNKNOWN if modified(path) >= since else digest_of(path)
        finally:
            busy = False

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if busy or event not in WATCHED:
            return
        if event == "subprocess.Popen":  # what it is told to read
            words = [args[1]] if isinstance(args[1], str | bytes) else args[1]
            given = (os.fsdecode(word).rpartition("=")[2] for word in words)
            for path in filter(os.path.isfile, given):
                note(path)
            return
        if not isinstance(args[0], str | bytes | os.PathLike):
            return
        path = os.fsdecode(args[0])
        if event == "open" and writes(*args[1:]):
            written.add(os.path.realpath(path))
        elif event == "open" or "importlib" not in sys._getframe(1).f_code.co_filename:
            note(path)

    def loaded(since: float = float("inf")) -> None:
        for path in modules():
            note(path, since)

    sys.addaudithook(hook)
    loaded(born)
    for path in PACKAGE.rglob("*"):  # programs written in other languages read some of them
        if path.is_file() and path.suffix not in CODE:
            note(str(path))

    def found() -> dict[str, str]:
        loaded()
        return dict(sorted(files.items()))

    return found


def writes(mode: str | None, flags: int) -> bool:
    if mode is None:  # os.open
        return bool(flags & (os.O_WRONLY | os.O_RDWR))
    return any(letter in mode for letter in "wax+")


def source_of(path: str) -> str:
    """The file that a compiled one was made from: Python looks whether it is still that."""
    with contextlib.suppress(ValueError):
        path = importlib.util.source_from_cache(path)
    return os.path.realpath(path)


def counts(path: str) -> bool:
    """Must a file be looked at itself, or does a version say what is in it?"""
    if Path(path).is_relative_to(PACKAGE):
        return True
    if path.startswith((*SYSTEM, *(f"{folder}{os.sep}" for folder in LIBRARIES))):
        return False
    return not any(part in INSTALLED for part in Path(path).parts)


def modified(path: str) -> float:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return 0.0


def modules() -> Iterable[str]:
    """The files of modules; some libraries have such as load when they are asked."""
    found = (
        object.__getattribute__(m, "__dict__").get("__file__") for m in [*sys.modules.values()]
    )
    return [path for path in found if isinstance(path, str)]


def current(files: Mapping[str, str], digest_now: Callable[[str], str] = digest_of) -> bool:
    """Do all files hold what they held?"""
    return all(before != UNKNOWN and digest_now(path) == before for path, before in files.items())
