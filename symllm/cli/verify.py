"""``symllm verify``: every op against every judge, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import click
from rich.text import Text

from ..catalogue import ops
from ..errors import VerificationError
from ..evidence import bound_text
from ..op import Op
from ..verify import Certificate
from .common import console, counted, find_op, progress_bar
from .own import is_own, own_ops
from .tables import table

#: The columns that are comparisons, by what a comparison calls its judge.
JUDGES = {
    "the NumPy forward": "forward",
    "central differences": "gradient",
    "autograd": "autograd",
}

#: Names for the batch axis; the first that is not one of the op's own.
BATCH_AXES = ("N", "B", "batch")


@dataclass(frozen=True)
class Verdict:
    """What was found of an op: a certificate alone and one in a batch, or what is false."""

    name: str
    certificates: tuple[Certificate, ...] = ()
    false: str = ""

    @cached_property
    def steps(self) -> int:
        return len(self.certificates[0].derived) if self.certificates else 0

    @cached_property
    def proved(self) -> int:
        """How many of the steps are proved, alone and in a batch."""
        return min((sum(e.proved for e in c.derived) for c in self.certificates), default=0)


@click.command("verify")
@click.argument("names", metavar="[OP]...", nargs=-1)
def verify_command(names: tuple[str, ...]) -> None:
    """Verify forward, gradients and every step.

    All ops are verified if none is named; each alone and in a batch. Ops of
    one's own are named by their file, FILE.py or FILE.py:NAME. The
    forward equations are compared with a hand-written NumPy function, the
    gradients with its central differences and with PyTorch's autograd (where
    that is installed), and every step is checked at random points. The table
    says how well they agree at least. The exit code is 1 if anything is false.

    \b
    Examples:
      symllm verify
      symllm verify softmax attention
      symllm verify derivations/my_ops/l2_norm.py
    """
    chosen = [op for name in names or ops for op in find_ops(name)]
    with progress_bar() as progress:
        found = [verdict(op) for op in progress.track(chosen, description="Verifying")]
    report(found)
    if any(verdict.false for verdict in found):
        raise click.exceptions.Exit(1)


def find_ops(name: str) -> list[Op]:
    return own_ops(name) if is_own(name) else [find_op(name)]


def verdict(op: Op) -> Verdict:
    try:
        return Verdict(op.name, tuple(each.gradient().verify() for each in (op, in_batch(op))))
    except VerificationError as error:
        return Verdict(op.name, false=str(error))


def in_batch(op: Op) -> Op:
    taken = {d.name for d in op.program.dims} | set(op.program.tensors)
    return op.batched(next(name for name in BATCH_AXES if name not in taken))


# --------------------------------------------------------------------------
# Showing
# --------------------------------------------------------------------------


def report(found: Sequence[Verdict]) -> None:
    out = console()
    heads = ["op", *JUDGES.values(), "steps", "proved", "checked"]
    out.print(table(heads, map(row, found)))
    for verdict in found:
        if verdict.false:
            out.print(Text(f"\n{verdict.name} is FALSE: ", "bold red").append(verdict.false, ""))
    comparisons = [c for v in found for each in v.certificates for c in each.comparisons]
    for why in sorted({f"{c.kind}: {c.skipped}" for c in comparisons if c.skipped}):
        out.print(Text(f"\nnot compared with {why}"))
    out.print(Text(f"\n{summary(found)}"))


def summary(found: Sequence[Verdict]) -> str:
    well = [verdict for verdict in found if not verdict.false]
    steps, proved = (sum(v.steps for v in well), sum(v.proved for v in well))
    said = f"{counted(len(well), 'op')} verified, alone and in a batch: {counted(steps, 'step')}"
    false = len(found) - len(well)
    return f"{said} checked, {proved} of them proved" + (f"; {false} FALSE" if false else "")


def row(verdict: Verdict) -> list[str | Text]:
    if verdict.false:
        return [verdict.name, Text("FALSE", "bold red")]
    return [verdict.name, *cells(verdict)]


def cells(verdict: Verdict) -> Iterator[str]:
    """Bounds that were met by each judge, then what is said of the steps and the facts."""
    comparisons = [c for each in verdict.certificates for c in each.comparisons if not c.skipped]
    for kind in JUDGES:
        met = [c.bound for c in comparisons if c.kind == kind]
        yield bound_text(max(met)) if met else "not compared"
    yield str(verdict.steps)
    yield str(verdict.proved)
    yield bound_text(max(e.bound for each in verdict.certificates for e in each.evidence))
