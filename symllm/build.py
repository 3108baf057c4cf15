"""Building: chapters to files, each written whole or not at all."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .document import Document, chapters_in, find_chapters, run_chapter, surroundings
from .errors import SymllmError, UnknownName
from .formats import DEFAULT, FORMATS, Options
from .formats.format import leaf
from .leaf import Bound, Leaf


class BuildError(SymllmError):
    """A document that cannot be written where it should be."""


@dataclass(frozen=True)
class Report:
    """What a build did, or what a check found: a difference for each stale file.

    ``documents`` are the chapters that ran.
    """

    written: tuple[Path, ...] = ()
    unchanged: tuple[Path, ...] = ()
    stale: Mapping[Path, str] = field(default_factory=dict)
    documents: tuple[Document, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.stale


def build(
    chapters: Sequence[str] = (),
    formats: Sequence[str] = tuple(FORMATS),
    output: Path | str = "output",
    folder: Path | str = "derivations",
    check: bool = False,
    progress: Callable[[str], None] = lambda line: None,
    options: Options = DEFAULT,
) -> Report:
    """Build chapters of ``folder`` (all, if none is named) into ``output``.

    Where all are built, so is what they make together: the book and the site.

    Everything is made before anything is written, so that a chapter that
    fails leaves the output as it was. ``check`` writes nothing and reports how
    what is there differs from what would be written.
    """
    output = Path(output)
    for wanted in formats:
        if wanted not in FORMATS:
            raise UnknownName("format", wanted, FORMATS)
    paths = find_chapters(Path(folder), chapters)
    around = surroundings(Path(folder))
    fresh: dict[Path, bytes] = {}
    unchanged: list[Path] = []
    stale: dict[Path, str] = {}
    documents: list[Document] = []
    leaves: list[Leaf] = []
    pages: dict[str, bytes] = {}
    for path in paths:
        progress(path.stem)
        document = run_chapter(path, around)
        documents.append(document)
        for name in formats:
            add(pages, FORMATS[name].chapter(document, options), path.stem)
        leaves.append(leaf(document))
    if {path.stem for path in paths} >= chapters_in(Path(folder)).keys():
        bound = Bound(around["volume"], tuple(leaves))
        for name in formats:
            add(pages, FORMATS[name].whole(bound, options), "the book")
    for page, new in ((output / name, new) for name, new in pages.items()):
        old = read(page)
        if old == new:
            unchanged.append(page)
        elif check:
            stale[page] = difference(page, old, new)
        else:
            fresh[page] = new
    write_all(fresh)
    return Report(tuple(fresh), tuple(sorted(unchanged)), stale, tuple(documents))


def add(pages: dict[str, bytes], more: Mapping[str, bytes], owner: str) -> None:
    """Add files to those that are to be written; raises ``BuildError`` where two have one name."""
    for name in more.keys() & pages.keys():
        raise BuildError(f"{name} is what {owner} is written to, but a chapter has that name")
    pages.update(more)


def read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BuildError(f"cannot read {path}: {error.strerror}") from error


def difference(path: Path, old: bytes | None, new: bytes) -> str:
    """What would change, for a person: a diff of text, a word about the rest."""
    if old is None:
        return f"{path} is missing"
    try:
        before, after = old.decode().splitlines(), new.decode().splitlines()
    except UnicodeDecodeError:
        return f"{path} differs ({len(old)} bytes, {len(new)} if built anew)"
    names = f"{path} (as it is)", f"{path} (as built)"
    return "\n".join(difflib.unified_diff(before, after, *names, lineterm=""))


def write_all(pages: Mapping[Path, bytes]) -> None:
    """Write files so that a reader sees each whole, old or new; if one fails, none is replaced."""
    waiting: list[tuple[str, Path]] = []
    try:
        for path, data in pages.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            waiting.append((temporary, path))
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            os.chmod(temporary, 0o644)
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        for temporary, path in waiting:
            os.replace(temporary, path)
    except OSError as error:
        where = error.filename2 or error.filename or "the output"
        raise BuildError(f"cannot write {where}: {error.strerror}") from error
    finally:
        for temporary, _ in waiting:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
