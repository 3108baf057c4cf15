"""``symllm new``: a folder to start from."""

from __future__ import annotations

from pathlib import Path

import click
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.text import Text

from ..errors import SymllmError
from ..files import write_all
from .common import console

#: What a folder starts with: files whose names lose their ending.
START = Path(__file__).parent / "start"
ENDING = ".j2"


class FolderError(SymllmError):
    """A folder in which nothing new can be started."""


@click.command("new")
@click.argument("folder", type=Path)
def new_command(folder: Path) -> None:
    """Make FOLDER, with a first chapter and a first op of one's own.

    It builds like the project's own documents: symllm build, in FOLDER.

    \b
    Example:
      symllm new my-paper
    """
    if folder.exists() and not folder.is_dir():
        raise FolderError(f"cannot make the folder {folder}: a file of that name is there")
    if folder.is_dir() and any(folder.iterdir()):
        raise FolderError(
            f"the folder {folder} is not empty: give the name of one that is, or that is not there"
        )
    write_all({folder / name: text for name, text in started(folder.absolute().name).items()})
    out = console()
    for name in started(folder.name):
        out.print(Text(f"written    {folder / name}"))
    out.print(Text(f"\nGo there and build: cd {folder}; symllm build"))


def started(name: str) -> dict[Path, bytes]:
    """The files of a new folder."""
    templates = Environment(
        loader=FileSystemLoader(START), undefined=StrictUndefined, keep_trailing_newline=True
    )
    return {
        Path(found.removesuffix(ENDING)): templates.get_template(found).render(name=name).encode()
        for found in sorted(templates.list_templates(extensions=[ENDING.removeprefix(".")]))
    }
