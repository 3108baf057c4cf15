"""What the commands share: their options, the ops they name, and the console they write to."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import Progress

from ..catalogue import ops
from ..errors import OpError
from ..lazily import lazily
from ..op import Op
from .own import is_own, own_ops

if TYPE_CHECKING:
    from .. import models
    from ..models import Model
else:
    models = lazily("symllm.models")

#: The whole models, which need not be loaded to be told from ops.
MODELS = frozenset({"gpt2", "llama"})

#: The width of text that goes to a file or a pipe, where no terminal says it.
PIPED_WIDTH = 100


def console(stderr: bool = False) -> Console:
    """A console that takes text as it is: ``x[i]`` is an entry and no markup."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPED_WIDTH
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False)


def progress_bar() -> Progress:
    """A bar on stderr that is gone when the work is done, and that no log ever holds."""
    return Progress(console=console(stderr=True), transient=True, disable=not sys.stderr.isatty())


def split(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    """``--wrt x,gamma`` and ``--wrt x --wrt gamma`` are the same."""
    found = tuple(part.strip() for value in values for part in value.split(","))
    if not all(found):
        raise click.BadParameter("an empty name", context, parameter)
    return tuple(dict.fromkeys(found))


def names_option(flag: str, metavar: str, about: str) -> Callable[[Any], Any]:
    return click.option(flag, metavar=metavar, multiple=True, callback=split, help=about)


wrt_option = names_option("--wrt", "NAME", "Input to derive by; several: x,gamma.")
batched_option = names_option("--batched", "AXIS", "Add a leading batch axis; several: B,T.")


def find_model(name: str, wrt: tuple[str, ...], batched: tuple[str, ...]) -> Model | None:
    """A whole model, if it is one that is named; it takes no options."""
    if name not in MODELS:
        return None
    if wrt or batched:
        raise click.UsageError(f"{name} is a whole model: it takes neither --wrt nor --batched")
    return models.MODELS[name]()


def find_op(name: str, batched: tuple[str, ...] = ()) -> Op:
    """An op of the catalogue, or one's own, ``FILE.py:NAME``, with batch axes.

    Raises ``UnknownName``, ``OpError``, and ``FileError`` where a file cannot be read.
    """
    if is_own(name):
        (op, *more) = own_ops(name)
        if more:
            raise OpError(f"there are several ops in {name}: {name}:{op.name} names one of them")
        return op.batched(*batched) if batched else op
    if name in MODELS:
        raise OpError(
            f"{name} is a whole model and no op: there are symllm code {name} and "
            f"symllm counts {name}"
        )
    return ops[name].batched(*batched) if batched else ops[name]


def counted(number: int, thing: str) -> str:
    return f"{number} {thing}{'s' * (number != 1)}"
