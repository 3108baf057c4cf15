"""Files of one's own, and the ops in them: ``FILE.py:NAME``."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from ..errors import OpError, SymllmError, UnknownName
from ..op import Op


class FileError(SymllmError):
    """A file that cannot be read or that raises; says where."""


def is_own(name: str) -> bool:
    return name.partition(":")[0].endswith(".py")


def own_ops(name: str) -> list[Op]:
    """The op that ``FILE.py:NAME`` names, or all that are defined in ``FILE.py``.

    Raises ``FileError``, ``OpError`` or ``UnknownName``.
    """
    file, _, wanted = name.partition(":")
    found = {key: value for key, value in vars(load(Path(file))).items() if isinstance(value, Op)}
    if not found:
        raise OpError(f"there is no op in {file}: an op is a name at the top of it")
    if wanted and wanted not in found:
        raise UnknownName(f"op in {file}", wanted, found)
    return [found[wanted]] if wanted else list(dict.fromkeys(found.values()))


def load(path: Path) -> ModuleType:
    """The module in a file, executed; it finds others beside it and one folder up.

    Raises ``FileError``.
    """
    if not path.is_file():
        raise FileError(f"there is no file {str(path)!r}")
    spec = importlib.util.spec_from_file_location(path.stem, str(path))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    folder = path.absolute().parent
    found_before, path_before = sys.modules.get(path.stem), list(sys.path)
    sys.modules[path.stem] = module  # what is defined there looks for its module by name
    sys.path[:] = [str(folder), *path_before, str(folder.parent)]
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise FileError(f"{place(path, error)}: {type(error).__name__}: {error}") from error
    finally:
        sys.path[:] = path_before
        if found_before is not None:
            sys.modules[path.stem] = found_before
    return module


def place(path: Path, error: BaseException) -> str:
    """The line of the file in which it went wrong."""
    called = {str(path), str(path.absolute())}
    if isinstance(error, SyntaxError) and error.filename in called:
        return f"{path}:{error.lineno}"
    inside = [f for f in traceback.extract_tb(error.__traceback__) if f.filename in called]
    return f"{path}:{inside[-1].lineno}" if inside else str(path)
