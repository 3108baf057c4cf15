"""``symllm build``: chapters to documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from ..build import FORMATS, Report, build
from ..calculations import Calculation
from ..comparison import bound_text
from ..derivation import Derivation
from ..document import ChapterError, Document, find_chapters
from ..verify import Certificate
from .common import console, counted, names_option, progress_bar

#: Where the chapters are, in the folder one is in.
CHAPTERS = Path("derivations")

#: What is committed, and so can be stale: PDFs are made when they are needed.
COMMITTED = ("md", "tex")


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
@click.option("--check", is_flag=True, help="Write nothing; exit code 1 and a diff if stale.")
def build_command(
    chapters: tuple[str, ...], format: tuple[str, ...], output: Path, check: bool
) -> None:
    """Build documents from the chapters in derivations/.

    All chapters are built if none is named. Every derivation is verified
    first; one that is false stops the build with exit code 1. --check compares
    what is there with what would be written (Markdown and LaTeX, if no format
    is named).

    \b
    Examples:
      symllm build
      symllm build attention --format pdf --output /tmp
      symllm build --check
    """
    names = [path.stem for path in find_chapters(CHAPTERS, chapters)]
    if not names:
        raise ChapterError(f"there is no chapter in {str(CHAPTERS)!r}: a chapter is a .py file")
    formats = format or (COMMITTED if check else tuple(FORMATS))
    with bar(len(names)) as started:
        report = build(names, formats, output, CHAPTERS, check, started)
    out = console()
    if check:
        show_stale(out, report)
    else:
        show_written(out, report)
    out.print(Text(summary(report.documents)))
    if not report.ok:
        raise click.exceptions.Exit(1)


@contextmanager
def bar(chapters: int) -> Iterator[Callable[[str], None]]:
    """A progress bar, and what to call as each chapter starts."""
    with progress_bar() as progress:
        task = progress.add_task("Building", total=chapters)
        count = iter(range(chapters))

        def started(name: str) -> None:
            progress.update(task, description=f"Building {name}", completed=next(count))

        yield started


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


def summary(documents: Iterable[Document]) -> str:
    """What was verified on the way, as a sentence."""
    documents = list(documents)
    values = [shown.value for document in documents for shown in document.shown]
    found = [value.verify(autograd=False) for value in values if isinstance(value, Derivation)]
    steps = [evidence for certificate in found for evidence in certificate.evidence]
    links = [link for v in values if isinstance(v, Calculation) for link in v.links]
    by_proof = sum(link.proved for link in links)
    theory = f"; {counted(len(links), 'link')} of calculations, {by_proof} proved" if links else ""
    if not steps:
        return f"\n{counted(len(documents), 'chapter')}, no derivation{theory}"
    proved = sum(evidence.proved for evidence in steps)
    bound = bound_text(max(evidence.bound for evidence in steps))
    return (
        f"\n{counted(len(documents), 'chapter')}, {counted(len(found), 'derivation')}: "
        f"{counted(len(steps), 'step')}, {proved} proved, all checked {bound}; "
        + judged(found)
        + theory
    )


def judged(found: Iterable[Certificate]) -> str:
    """By whom the results were judged, and how well they agreed at least."""
    met: dict[str, float] = {}
    for comparison in (c for certificate in found for c in certificate.comparisons):
        if not comparison.skipped:
            met[comparison.kind] = max(met.get(comparison.kind, 0), comparison.bound)
    return "results agree with " + ", ".join(f"{k} {bound_text(b)}" for k, b in met.items())
