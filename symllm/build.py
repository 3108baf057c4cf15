"""Building: chapters to files, each written whole or not at all."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .book import FILE
from .cache import cache_folder
from .calculations import Calculation
from .chapters import chapters_in, find_chapters
from .derivation import Derivation
from .document import run_chapter, surroundings
from .errors import UnknownName
from .files import BuildError, alone, read, swept, write_all
from .footprint import digest
from .formats import DEFAULT, FORMATS, Files, Options
from .formats.format import leaf
from .leaf import Bound, packed, unpacked
from .made import Around, Result, Task
from .making import Work, all_made
from .measured import Linked, Measured, linked, measured
from .pictures.picture import FOLDER as PICTURES
from .render.look import prefer
from .symbols import keep_to_letters

#: Beside the folder of the chapters, and optional: files that replace those of the same name
#: with which the package makes pages.
TEMPLATES = "templates"

#: Beside the documents, and not committed: errors measured and seconds taken differ each time.
MEASUREMENTS = "measurements.json"

#: Beside a chapter's formats: what it is bound from, which is not written.
LEAF = "leaf"

#: The folder of the chapters, what each is bound from, and what was chosen.
Given = tuple[str, tuple[bytes, ...], Options]


@dataclass(frozen=True)
class Report:
    """What a build did, or what a check found: a difference for each stale file.

    ``chapters`` holds, for each chapter by name, what was measured of its
    derivations; ``reused`` are those that were as they had been made before.
    """

    written: tuple[Path, ...] = ()
    unchanged: tuple[Path, ...] = ()
    stale: Mapping[Path, str] = field(default_factory=dict)
    chapters: Mapping[str, Sequence[Measured | Linked]] = field(default_factory=dict)
    reused: tuple[str, ...] = ()

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
    jobs: int | None = None,
    cache: bool = True,
    wait: Callable[[], None] = lambda: None,
    options: Options = DEFAULT,
) -> Report:
    """Build chapters of ``folder`` (all, if none is named) into ``output``.

    Where all are built, so is what they make together: the book and the site.

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
    for asked in formats:
        if asked not in FORMATS:
            raise UnknownName("format", asked, FORMATS)
    paths = dict.fromkeys(find_chapters(Path(folder), chapters))
    with nullcontext() if check else writing(output, wait):
        around = surroundings(Path(folder))
        every = {path.stem for path in paths} >= chapters_in(Path(folder)).keys()
        wanted = (*formats, LEAF) if every else tuple(formats)
        tasks = [Task(str(p), chapter, (str(p), options), wanted, around) for p in paths]
        found = all_made(tasks, lambda name: progress(Path(name).stem), jobs, cache)
        made = {Path(name).stem: each for name, each in found.items()}
        pages = [(name, work.result.pages) for name, work in made.items()]
        if every:
            leaves = tuple(work.result.pages[LEAF][LEAF] for work in made.values())
            name = str(Path(folder) / FILE)
            task = Task(name, bound, (str(folder), leaves, options), tuple(formats), around)
            pages.append(("the book", all_made([task], ignored, jobs, cache)[name].result.pages))
        return delivered(output, made, together(pages, formats), check)


def chapter(given: tuple[str, Options], formats: Sequence[str], around: Around) -> Result:
    """Run a chapter and write its pages: the work of a process of its own."""
    name, options = given
    folder = Path(name).absolute().parent
    sys.path.append(str(folder))  # after all that is installed
    prefer(folder.parent / TEMPLATES)
    document = run_chapter(Path(name), around)
    keep_to_letters(document)
    pages = {each: FORMATS[each].chapter(document, options) for each in formats if each != LEAF}
    if LEAF in formats:
        pages[LEAF] = {LEAF: packed(leaf(document))}
    return Result(pages, list(what_was_measured(shown.value for shown in document.shown)))


def what_was_measured(values: Iterable[Any]) -> Iterator[Measured | Linked]:
    """What was measured of the derivations and calculations among what a chapter shows."""
    for value in values:
        if isinstance(value, Derivation):
            yield measured(value)
        elif isinstance(value, Calculation):
            yield linked(value)


def bound(given: Given, formats: Sequence[str], around: Around) -> Result:
    """Bind chapters together: the work of a process of its own, too."""
    folder, leaves, options = given
    prefer(Path(folder).absolute().parent / TEMPLATES)
    said = around["volume"], around["parts"], around["letters"]
    whole = Bound(*said, tuple(map(unpacked, leaves)))
    return Result({name: FORMATS[name].whole(whole, options) for name in formats})


# --------------------------------------------------------------------------
# Writing
# --------------------------------------------------------------------------


def ignored(name: str) -> None:
    """Of what chapters make together no progress is shown: it takes little time."""


@contextmanager
def writing(output: Path, wait: Callable[[], None]) -> Iterator[None]:
    """Be the only build that writes to a folder, and remove what one that was killed has left."""
    name = digest(os.fsencode(output.absolute()))[:32]
    with alone(cache_folder() / "locks" / f"{name}.lock", wait) as locked:
        if locked:
            swept([output, output / PICTURES])
        yield


def together(
    found: Iterable[tuple[str, Mapping[str, Files]]], formats: Sequence[str]
) -> dict[str, bytes]:
    """The files of all, by name; raises ``BuildError`` where two owners have one name."""
    owners: dict[str, str] = {}
    files: dict[str, bytes] = {}
    for owner, pages in found:
        for name, data in ((n, d) for ending in formats for n, d in pages[ending].items()):
            if owners.setdefault(name, owner) != owner and files[name] != data:
                raise BuildError(f"{name} would be a file of {owners[name]} and of {owner}")
            files[name] = data
    return files


def delivered(
    output: Path, chapters: Mapping[str, Work], files: Mapping[str, bytes], check: bool
) -> Report:
    """Write what differs from what is there, or tell of it."""
    pages = {output / name: data for name, data in files.items()}
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
