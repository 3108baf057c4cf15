"""``symllm code``: the source of the backward pass."""

from __future__ import annotations

import stat
from pathlib import Path

import click

from ..codegen import TARGETS
from ..errors import SymllmError
from ..files import write_all
from .common import batched_option, find_model, find_op, wrt_option


class OutputError(SymllmError):
    """A file that cannot be written where it should be."""


@click.command("code")
@click.argument("op")
@click.option(
    "--target",
    default="numpy",
    show_default=True,
    metavar="NAME",
    help=f"The language of the source: {', '.join(TARGETS)}.",
)
@wrt_option
@batched_option
@click.option("-o", "--output", metavar="FILE", type=Path, help="Write to a file.")
def code_command(
    op: str, target: str, wrt: tuple[str, ...], batched: tuple[str, ...], output: Path | None
) -> None:
    """Print the source of a backward pass, or of a whole model.

    It computes the gradient of OP by all of its inputs, or by those named.
    For torch and jax, it is the op itself that knows its gradient. For a
    model, gpt2 or llama, it is a module with forward and backward passes.

    \b
    Examples:
      symllm code layer_norm --wrt x
      symllm code layer_norm --target torch -o layer_norm.py
      symllm code attention --batched B,H -o attention_backward.py
      symllm code gpt2 --target numpy -o gpt2.py
      symllm code llama --target jax -o llama.py
    """
    model = find_model(op, wrt, batched)
    found = model or find_op(op, batched).gradient(*wrt)
    source = found.code(target).rstrip() + "\n"
    if output is None:
        click.echo(source, nl=False)
    else:
        write_source(output, source)


def write_source(path: Path, source: str) -> None:
    """Write the file whole or not at all; raises ``OutputError`` where it cannot be."""
    if not path.parent.is_dir():
        raise OutputError(f"cannot write {path}: there is no folder {str(path.parent)!r}")
    if path.exists() and not stat.S_ISREG(path.stat().st_mode):
        raise OutputError(f"cannot write {path}: it is there, and is no ordinary file")
    write_all({path: source.encode()})
