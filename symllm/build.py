"""Building: chapters to files, each written whole or not at all."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path

from .cache import cache_folder
from .derivation import Derivation
from .document import Document, document_markdown, find_chapters, run_chapter, surroundings
from .errors import UnknownName
from .files import alone, read, swept, write_all
from .footprint import digest
from .made import Around, Result, Task
from .making import Work, all_made
from .measured import Measured, measured
from .render.look import prefer
from .render.typeset import latex_document, pdf_document

#: Beside the folder of the chapters, and optional: files that replace those of the same name
#: with which the package makes pages.
TEMPLATES = "templates"

#: Beside the documents, and not committed: errors measured and seconds taken differ each time.
MEASUREMENTS = "measurements.json"


@dataclass(frozen=True)
class Report:
    """What a build did, or what a check found: a difference for each stale file.

    ``chapters`` holds, for each chapter by name, what was measured of its
    derivations; ``reused`` are those that were as they had been made before.
    """

    written: tuple[Path, ...] = ()
    unchanged: tuple[Path, ...] = ()
    stale: Mapping[Path, str] = field(default_factory=dict)
    chapters: Mapping[str, Sequence[Measured]] = field(default_factory=dict)
    reused: tuple[str, ...] = ()

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
    jobs: int | None = None,
    cache: bool = True,
    wait: Callable[[], None] = lambda: None,
) -> Report:
    """Build chapters of ``folder`` (all, if none is named) into ``output``.

    Everything is made before anything is written, so that a chapter that
    fails leaves the output as it was. ``check`` writes nothing and reports how
    what is there differs from what would be written.

    Chapters are made in processes of their own, as many at once as ``jobs``
    says (one for each core, if it says nothing), and ``progress`` is called
    with the name of each that is ready. One that would be what it was is not
    made again, unless ``cache`` is false. Of two builds into one folder the
    second waits for the first, and calls ``wait``.
    """
    output = Path(output)
    for wanted in formats:
        if wanted not in FORMATS:
            raise UnknownName("format", wanted, FORMATS)
    paths = dict.fromkeys(find_chapters(Path(folder), chapters))
    with nullcontext() if check else writing(output, wait):
        around = surroundings(Path(folder))
        tasks = [Task(str(path), chapter, str(path), tuple(formats), around) for path in paths]
        found = all_made(tasks, lambda name: progress(Path(name).stem), jobs, cache)
        made = {Path(name).stem: each for name, each in found.items()}
        return delivered(output, made, formats, check)


def chapter(path: str, formats: Sequence[str], around: Around) -> Result:
    """Run a chapter and write its pages: the work of a process of its own."""
    folder = Path(path).absolute().parent
    sys.path.append(str(folder))  # after all that is installed
    prefer(folder.parent / TEMPLATES)
    document = run_chapter(Path(path), around)
    pages = {name: {f"{Path(path).stem}.{name}": FORMATS[name](document)} for name in formats}
    values = (shown.value for shown in document.shown)
    return Result(pages, [measured(value) for value in values if isinstance(value, Derivation)])


# --------------------------------------------------------------------------
# Writing
# --------------------------------------------------------------------------


@contextmanager
def writing(output: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Be the only build that writes to a folder, and remove what one that was killed has left."""
    name = digest(os.fsencode(output.absolute()))[:32]
    with alone(cache_folder() / "locks" / f"{name}.lock", wait) as locked:
        if locked:
            swept([output])
        yield


def delivered(
    output: Path, chapters: Mapping[str, Work], formats: Sequence[str], check: bool
) -> Report:
    """Write what differs from what is there, or tell of it."""
    pages = {
        output / name: data
        for work in chapters.values()
        for ending in formats
        for name, data in work.result.pages[ending].items()
    }
    there = {page: read(page) for page in pages}
    fresh = {page: new for page, new in pages.items() if there[page] != new}
    unchanged = tuple(sorted(pages.keys() - fresh.keys()))
    found = {name: work.result.measured for name, work in chapters.items()}
    again = tuple(name for name, work in chapters.items() if work.again)
    if check:
        stale = {page: difference(page, there[page], new) for page, new in fresh.items()}
        return Report((), unchanged, stale, found, again)
    write_all(fresh | measurements(output / MEASUREMENTS, chapters))
    return Report(tuple(fresh), unchanged, {}, found, again)


def measurements(path: Path, chapters: Mapping[str, Work]) -> dict[Path, bytes]:
    """The file of measurements, with those of chapters that were not built now."""
    try:
        before = json.loads(read(path) or b"{}")
    except ValueError:
        before = {}
    now = {
        name: {
            "seconds": work.seconds,
            "derivations": [asdict(each) for each in work.result.measured],
        }
        for name, work in chapters.items()
    }
    text = json.dumps((before if isinstance(before, dict) else {}) | now, indent=1, sort_keys=True)
    return {path: text.encode() + b"\n"}


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
