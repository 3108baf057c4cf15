"""``symllm check FILE.md FILE.tex``: the claims in documents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from ..errors import SymllmError
from ..lazily import lazily
from .common import console, counted, find_op

if TYPE_CHECKING:
    from ..claims.verdict import Verdict
    from ..latex import check, documents
    from ..latex.documents import Marked
else:
    check = lazily("symllm.latex.check")
    documents = lazily("symllm.latex.documents")

#: Exit codes: every claim is right, one is not, one cannot be read.
RIGHT, WRONG, UNREADABLE = 0, 1, 2


class NoClaims(SymllmError):
    """Documents in which nothing is marked: nothing was checked."""


@dataclass(frozen=True)
class Judged:
    """A claim in a document with its verdict, or with why it cannot be read."""

    claim: Marked
    verdict: Verdict | None
    error: str = ""

    @property
    def code(self) -> int:
        if self.verdict is None:
            return UNREADABLE
        return RIGHT if self.verdict.ok else WRONG

    @property
    def place(self) -> str:
        return f"{self.claim.path}:{self.claim.line}"

    def as_json(self) -> dict[str, Any]:
        found = {
            "file": str(self.claim.path),
            "line": self.claim.line,
            "op": self.claim.op,
            "formula": self.claim.formula,
        }
        return found | (self.verdict.as_json() if self.verdict else {"error": self.error})


def check_documents(paths: Iterable[str], as_json: bool, empty_is_fine: bool) -> int:
    """Checks all claims in these files and says what was found; the exit code.

    Raises ``SymllmError`` for a file that cannot be read, and where there is no claim at all,
    unless that is fine.
    """
    files = [Path(path) for path in paths]
    claims = [claim for path in files for claim in documents.marked_in(path)]
    if not claims and not empty_is_fine:
        raise NoClaims(
            f"nothing is marked as a claim in {', '.join(map(str, files))}: write "
            "'% symllm: OP' or '<!-- symllm: OP -->' before a display formula"
        )
    found = [judged(claim) for claim in claims]
    report(found, as_json)
    codes = {one.code for one in found}
    return WRONG if WRONG in codes else max(codes, default=RIGHT)


def judged(claim: Marked) -> Judged:
    try:
        op = find_op(claim.op, claim.batch)
        return Judged(claim, check.check_latex(claim.formula, op, claim.where))
    except SymllmError as error:
        return Judged(claim, None, str(error))


def report(found: Sequence[Judged], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([one.as_json() for one in found], indent=2, ensure_ascii=False))
        return
    out = console()
    for one in found:
        out.print(line(one), soft_wrap=True)
    right = sum(one.code == RIGHT for one in found)
    if len(found) > 1:
        said = f"{counted(len(found), 'claim')} checked, {right} right"
        unread = sum(one.code == UNREADABLE for one in found)
        wrong = len(found) - right - unread
        said += f", {wrong} NOT" * bool(wrong) + f", {unread} unreadable" * bool(unread)
        out.print(Text(said))


def line(one: Judged) -> Text:
    """``notes.md:12: softmax: correct, proved``"""
    text = Text(f"{one.place}: {one.claim.op}: ")
    if one.verdict is None:
        return text.append("unreadable", "bold red").append(f": {one.error.splitlines()[0]}")
    verdict = one.verdict
    text.append(verdict.kind, "bold green" if verdict.ok else "bold red")
    if verdict.ok:
        return text.append(", proved" if verdict.proved else ", checked at points", "dim")
    return text.append(f": {verdict.explanation}")
