"""``symllm build``: chapters to documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from ..build import Report, build
from ..chapters import ChapterError, find_chapters
from ..formats import ENGINES, FORMATS, Options
from ..measured import summary as verified
from ..render.flavour import WRITTEN
from .common import console, counted, names_option, progress_bar

#: Where the chapters are, in the folder one is in.
CHAPTERS = Path("derivations")

#: What is committed, and so can be stale: PDFs are made when they are needed.
COMMITTED = ("md", "tex")


#: How many of the chapters to come a progress bar names.
SHOWN = 3


@click.command("build")
@click.argument("chapters", metavar="[CHAPTER]...", nargs=-1)
@names_option("--format", "FORMAT", f"One or more of {','.join(FORMATS)}; all by default.")
@click.option(
    "--output",
    metavar="DIR",
    type=Path,
    default=Path("output"),
    show_default=True,
    help="The folder that documents are written to.",
)
@click.option(
    "--flavour",
    type=click.Choice(WRITTEN),
    default=WRITTEN[0],
    show_default=True,
    help="Whose Markdown is written.",
)
@click.option(
    "--pdf-engine",
    "engine",
    type=click.Choice(list(ENGINES)),
    default=next(iter(ENGINES)),
    show_default=True,
    help="What sets PDFs: Typst, which comes with symllm[docs], or a TeX installation.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 and a diff if stale.")
@click.option(
    "--jobs",
    metavar="N",
    type=click.IntRange(min=1),
    help="How many chapters are made at once; by default one on each core.",
)
@click.option("--no-cache", is_flag=True, help="Make all anew, whatever was made before.")
def build_command(
    chapters: tuple[str, ...],
    format: tuple[str, ...],
    output: Path,
    flavour: str,
    engine: str,
    check: bool,
    jobs: int | None,
    no_cache: bool,
) -> None:
    """Build documents from the chapters in derivations/.

    All chapters are built if none is named. Every derivation is verified
    first; one that is false stops the build with exit code 1. Where all are
    built, HTML has a first page, index.html, and PDF a book, book.pdf. --check compares
    what is there with what would be written (Markdown and LaTeX, if no format
    is named). What would come out as it did before is not made again: that
    depends on all the files that were read for it, and on what is installed.

    \b
    Examples:
      symllm build
      symllm build attention --format pdf --output /tmp
      symllm build --format html --output site
      symllm build --format md --flavour mkdocs --output docs
      symllm build --check
    """
    names = [path.stem for path in find_chapters(CHAPTERS, chapters)]
    if not names:
        raise ChapterError(f"there is no chapter in {str(CHAPTERS)!r}: a chapter is a .py file")
    formats = format or (COMMITTED if check else tuple(FORMATS))
    out = console()
    with bar(names) as (ready, wait):
        choices = Options(flavour, engine)
        report = build(
            names, formats, output, CHAPTERS, check, ready, jobs, not no_cache, wait, choices
        )
    if check:
        show_stale(out, report)
    else:
        show_written(out, report)
    out.print(Text(summary(report)))
    if not report.ok:
        raise click.exceptions.Exit(1)


@contextmanager
def bar(names: Sequence[str]) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """A progress bar, what to call as each chapter is ready, and as the build has to wait."""
    waiting = dict.fromkeys(names)

    def what() -> str:
        named = ", ".join([*waiting][:SHOWN])
        return f"Building {named}{', ...' * (len(waiting) > SHOWN)}"

    with progress_bar() as progress:
        task = progress.add_task(what(), total=len(names))

        def ready(name: str) -> None:
            waiting.pop(name, None)
            progress.update(task, description=what(), advance=1)

        def wait() -> None:
            progress.update(task, description="Waiting for another build into the same folder")

        yield ready, wait


def show_written(out: Console, report: Report) -> None:
    for path in report.written:
        out.print(Text(f"written    {path}"))
    for path in report.unchanged:
        out.print(Text(f"unchanged  {path}"))


def show_stale(out: Console, report: Report) -> None:
    for difference in report.stale.values():
        out.print(Text(difference), soft_wrap=True)
    for path in report.stale:
        out.print(Text(f"stale      {path}"))
    for path in report.unchanged:
        out.print(Text(f"current    {path}"))


def summary(report: Report) -> str:
    """What was verified, as a sentence."""
    found = [measured for chapter in report.chapters.values() for measured in chapter]
    chapters = f"\n{counted(len(report.chapters), 'chapter')}"
    again = f" ({len(report.reused)} as before)" if report.reused else ""
    return f"{chapters}{again}, {verified(found)}"
