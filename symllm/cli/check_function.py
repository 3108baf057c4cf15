"""``symllm check FILE.py:function``: gradients in somebody's code against an op."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click
from rich.text import Text

from ..catalogue import ops
from ..errors import UnknownName
from ..lazily import lazily
from ..op import Op
from .common import console, counted, find_op, names_option
from .own import load
from .tables import table

if TYPE_CHECKING:
    from ..claims import calling
    from ..claims.verdict import Verdict
else:
    calling = lazily("symllm.claims.calling")


@dataclass(frozen=True)
class Target:
    """A function in a file: ``FILE.py:function``, with dots for what is inside a class."""

    path: Path
    name: str

    def __str__(self) -> str:
        return f"{self.path}:{self.name}"


def is_target(text: str) -> bool:
    """Is this ``FILE.py:function``, or at least a Python file?"""
    path, colon, _ = text.rpartition(":")
    return (path if colon else text).endswith(".py")


def read_target(text: str) -> Target:
    path, colon, name = text.rpartition(":")
    if not colon or not name or not path.endswith(".py"):
        raise click.UsageError(f"{text!r} is no function: write FILE.py:function")
    return Target(Path(path), name)


# --------------------------------------------------------------------------
# Finding
# --------------------------------------------------------------------------


def find(target: Target, modules: dict[Path, ModuleType]) -> Any:
    """What a target names; raises ``FileError`` or ``UnknownName``."""
    if target.path not in modules:
        modules[target.path] = load(target.path)
    found: Any = modules[target.path]
    for part in target.name.split("."):
        if not hasattr(found, part):
            known = [n for n, v in vars(found).items() if callable(v) and not n.startswith("_")]
            raise UnknownName(f"function in {target.path}", part, known)
        found = getattr(found, part)
    return found


def op_for(target: Target, name: str, batch: tuple[str, ...]) -> Op:
    """The op asked for; else the one whose name is in the function's."""
    if name:
        return find_op(name, batch)
    called = target.name.replace("_", "").lower()
    inside = [op for op in ops if op.replace("_", "") in called]
    if not inside:
        raise click.UsageError(f"what should {target} be the gradient of? Say it with --op")
    return find_op(max(inside, key=len), batch)


# --------------------------------------------------------------------------
# Checking
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Checked:
    """A function, the op that it was held against, and what was found."""

    target: Target
    op: Op
    verdict: Verdict

    def as_json(self) -> dict[str, Any]:
        return {"function": str(self.target), "op": self.op.name, **self.verdict.as_json()}


def check_functions(
    targets: Iterable[str], op: str, batch: tuple[str, ...], as_json: bool, **said: Any
) -> bool:
    """Checks functions and says what was found; is every one right?

    ``said`` are further arguments of ``check_gradient``. Raises ``SymllmError`` or
    ``click.UsageError`` for what is no function, no file or no op.
    """
    read = [read_target(target) for target in targets]
    asked = [(target, op_for(target, op, batch)) for target in read]
    modules: dict[Path, ModuleType] = {}
    functions = [find(target, modules) for target in read]
    forward = said.pop("forward", None)
    found = []
    for (target, about), fn in zip(asked, functions, strict=True):
        made = find(Target(target.path, forward), modules) if forward else None
        verdict = calling.check_gradient(fn, about, forward=made, **said)
        found.append(Checked(target, about, verdict))
    report(found, as_json)
    return all(one.verdict.ok for one in found)


def report(found: Sequence[Checked], as_json: bool) -> None:
    out = console()
    if as_json:
        click.echo(json.dumps([one.as_json() for one in found], indent=2, ensure_ascii=False))
        return
    if len(found) == 1:
        print_one(found[0])
        return
    heads = ["function", "op", "verdict", "largest error", "why"]
    out.print(table(heads, map(row, found)))
    wrong = [one for one in found if not one.verdict.ok]
    said = f"{counted(len(found), 'function')} checked, {len(found) - len(wrong)} right"
    out.print(Text(f"\n{said}" + (f", {len(wrong)} NOT" if wrong else "")))


def print_one(one: Checked) -> None:
    """The verdict, what was noticed, and what was guessed of how to call it."""
    verdict, out = one.verdict, console()
    out.print(styled(verdict).append(f"  {one.target} as the gradient of {one.op.name}", ""))
    if len(verdict.outputs) > 1:
        rows = [
            (v.name, styled(v), error_text(v), "" if v.ok else v.explanation)
            for v in verdict.outputs.values()
        ]
        out.print(table(["", "verdict", "largest error", "why"], rows))
    else:
        out.print(Text(f"  {verdict.explanation}"))
    for what, texts in (("note", verdict.notes), ("inferred", verdict.inferred)):
        for text in texts:
            out.print(Text(f"  {what}: {text}", "" if what == "note" else "dim"))


def row(one: Checked) -> list[str | Text]:
    verdict = one.verdict
    why = "" if verdict.ok else verdict.explanation
    return [one.target.name, one.op.name, styled(verdict), error_text(verdict), why]


def styled(verdict: Verdict) -> Text:
    return Text(verdict.kind, "bold green" if verdict.ok else "bold red")


def error_text(verdict: Verdict) -> str:
    error = verdict.as_json()["max_error"]
    return "" if error is None else f"{error:.1e}"


# --------------------------------------------------------------------------
# What can be said
# --------------------------------------------------------------------------


def pairs(what: str, read: Callable[[str], Any]) -> Callable[..., dict[str, Any]]:
    """Reads ``NAME=VALUE``, given once or several times."""

    def callback(
        context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
    ) -> dict[str, Any]:
        found = {}
        for text in values:
            name, equals, value = text.partition("=")
            try:
                found[name.strip()] = read(value.strip())
            except ValueError:
                equals = ""
            if not equals or not name:
                raise click.BadParameter(f"{text!r} is not {what}", context, parameter)
        return found

    return callback


def literal(text: str) -> Any:
    """A number, a list, a truth value as Python writes them; text otherwise."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option("--op", default="", metavar="NAME", help="The op; else told by the name."),
    names_option("--batch", "AXIS", "Leading batch axes of the op; several: B,T."),
    click.option("--args", metavar="NAMES", help="What it takes, in order: dy,x,gamma."),
    click.option("--returns", metavar="NAMES", help="What it returns, in order; _ for neither."),
    click.option(
        "--dtype",
        type=click.Choice(["float64", "float32", "float16", "bfloat16"]),
        default="float64",
        help="The precision in which it is tried.",
    ),
    click.option(
        "--library", type=click.Choice(["numpy", "torch", "jax"]), help="Whose arrays it wants."
    ),
    click.option("--device", help="Where tensors of PyTorch lie, as cuda."),
    click.option(
        "--upstream",
        type=click.Choice(["given", "mean", "sum"]),
        default="given",
        help="mean or sum: it takes no upstream gradient, and the loss is that of the output.",
    ),
    click.option("--forward", metavar="NAME", help="The function in the file that makes `cache`."),
    click.option(
        "--layout",
        metavar="NAME=AXES",
        multiple=True,
        callback=pairs("NAME=AXES, as W='m n'", str),
        help="The axes of an array: --layout W='m n'.",
    ),
    click.option(
        "--size",
        "sizes",
        metavar="DIM=SIZE",
        multiple=True,
        callback=pairs("DIM=SIZE, as d=64", int),
        help="A size that it must have: --size d=64.",
    ),
    click.option(
        "--constant",
        "constants",
        metavar="NAME=VALUE",
        multiple=True,
        callback=pairs("NAME=VALUE, as eps=1e-5", literal),
        help="A constant that it has inside: --constant eps=1e-5.",
    ),
    click.option("--seed", default=0, help="Of the points that are drawn."),
    click.option("--timeout", type=float, metavar="SECONDS", help="Stop a call that takes longer."),
    click.option("--json", "as_json", is_flag=True, help="The verdicts as JSON."),
)


def function_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(OPTIONS):
        command = option(command)
    return command
