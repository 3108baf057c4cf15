"""Building: chapters to files, each written whole or not at all."""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from .document import Document, document_markdown, find_chapters, run_chapter
from .errors import SymllmError, UnknownName
from .render.typeset import latex_document, pdf_document


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


def as_markdown(document: Document) -> bytes:
    return document_markdown(document, "github").encode()


def as_latex(document: Document) -> bytes:
    return latex_document(document.title, body(document)).encode()


def as_pdf(document: Document) -> bytes:
    return pdf_document(document.title, body(document))


@lru_cache(maxsize=1)
def body(document: Document) -> str:
    """What LaTeX and PDF are both made from."""
    return document_markdown(document, "pandoc", title=False)


#: Each format's ending, and what makes it.
FORMATS: dict[str, Callable[[Document], bytes]] = {
    "md": as_markdown,
    "tex": as_latex,
    "pdf": as_pdf,
}


def build(
    chapters: Sequence[str] = (),
    formats: Sequence[str] = ("md", "tex", "pdf"),
    output: Path | str = "output",
    folder: Path | str = "derivations",
    check: bool = False,
    progress: Callable[[str], None] = lambda line: None,
) -> Report:
    """Build chapters of ``folder`` (all, if none is named) into ``output``.

    Everything is made before anything is written, so that a chapter that
    fails leaves the output as it was. ``check`` writes nothing and reports how
    what is there differs from what would be written.
    """
    output = Path(output)
    for wanted in formats:
        if wanted not in FORMATS:
            raise UnknownName("format", wanted, FORMATS)
    paths = find_chapters(Path(folder), chapters)
    fresh: dict[Path, bytes] = {}
    unchanged: list[Path] = []
    stale: dict[Path, str] = {}
    documents: list[Document] = []
    for path in paths:
        progress(path.stem)
        document = run_chapter(path)
        documents.append(document)
        pages = {output / f"{path.stem}.{ending}": FORMATS[ending](document) for ending in formats}
        for page, new in pages.items():
            old = read(page)
            if old == new:
                unchanged.append(page)
            elif check:
                stale[page] = difference(page, old, new)
            else:
                fresh[page] = new
    write_all(fresh)
    return Report(tuple(fresh), tuple(sorted(unchanged)), stale, tuple(documents))


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
