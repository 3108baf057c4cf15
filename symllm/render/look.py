"""The files that say what pages look like: the package's, or a user's own of the same name."""

from __future__ import annotations

from pathlib import Path

import jinja2

FOLDER = Path(__file__).parent / "templates"

#: Folders to look in first.
_preferred: list[Path] = []


def prefer(folder: Path) -> None:
    """Take from a folder what is there, from now on: for a process that makes one document."""
    _preferred[:] = [folder]


def look(name: str) -> Path:
    """The file of that name. It is opened where it may be, so that it is known what was read."""
    for folder in _preferred:
        try:
            with open(folder / name, encoding="utf-8"):
                return folder / name
        except (FileNotFoundError, NotADirectoryError):
            continue
    return FOLDER / name


def source(name: str) -> tuple[str, str, None] | None:
    path = look(name)
    return (path.read_text(encoding="utf-8"), str(path), None) if path.is_file() else None


TEMPLATES = jinja2.Environment(
    loader=jinja2.FunctionLoader(source),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
