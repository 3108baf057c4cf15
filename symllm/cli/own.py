"""Ops in files of one's own: ``FILE.py:NAME``."""

from __future__ import annotations

import runpy
import sys
import traceback
from pathlib import Path

from ..errors import OpError, SymllmError, UnknownName
from ..op import Op


class FileError(SymllmError):
    """A file of ops that cannot be read or that raises; says where."""


def is_own(name: str) -> bool:
    return name.partition(":")[0].endswith(".py")


def own_ops(name: str) -> list[Op]:
    """The op that ``FILE.py:NAME`` names, or all that are defined in ``FILE.py``.

    Raises ``FileError``, ``OpError`` or ``UnknownName``.
    """
    file, _, wanted = name.partition(":")
    found = {key: value for key, value in names_in(Path(file)).items() if isinstance(value, Op)}
    if not found:
        raise OpError(f"there is no op in {file}: an op is a name at the top of it")
    if wanted and wanted not in found:
        raise UnknownName(f"op in {file}", wanted, found)
    return [found[wanted]] if wanted else list(dict.fromkeys(found.values()))


def names_in(path: Path) -> dict[str, object]:
    """Run a file, which finds modules beside it and one folder up, as a chapter does."""
    if not path.is_file():
        raise FileError(f"there is no file {str(path)!r}")
    folder = path.absolute().parent
    before = list(sys.path)
    sys.path += [str(folder), str(folder.parent)]
    try:
        return runpy.run_path(str(path))
    except (Exception, SystemExit) as error:
        raise FileError(f"{place(path, error)}: {type(error).__name__}: {error}") from error
    finally:
        sys.path[:] = before


def place(path: Path, error: BaseException) -> str:
    """The line of the file in which it went wrong."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}"
    inside = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
    return f"{path}:{inside[-1].lineno}" if inside else str(path)
