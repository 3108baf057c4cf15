"""``symllm counts``: how large an op is, and what it costs."""

from __future__ import annotations

import click

from ..counts import Counts
from ..render.counts import by_size
from ..render.text import Formula, signed
from .common import batched_option, console, find_model, find_op, wrt_option
from .tables import table


@click.command("counts")
@click.argument("op")
@wrt_option
@batched_option
def counts_command(op: str, wrt: tuple[str, ...], batched: tuple[str, ...]) -> None:
    """Count what OP, or a whole model, holds, does and keeps.

    Parameters; operations of the forward pass, and of the backward pass by all inputs or by those
    named; the numbers that the backward pass needs of the forward pass.

    \b
    Examples:
      symllm counts attention
      symllm counts linear --batched B,T
      symllm counts gpt2
    """
    found = counts_of(op, wrt, batched)
    write = Formula()
    rows = [[what, signed([*map(write, by_size(count))])] for what, count in found.rows]
    console().print(table(["", "count"], rows))


def counts_of(name: str, wrt: tuple[str, ...], batched: tuple[str, ...]) -> Counts:
    model = find_model(name, wrt, batched)
    return model.counts() if model else find_op(name, batched).gradient(*wrt).counts()
