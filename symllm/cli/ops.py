"""``symllm ops``: what there is."""

from __future__ import annotations

import click

from ..catalogue import ops
from ..op import Op
from .common import console
from .tables import table


@click.command("ops")
def ops_command() -> None:
    """List the catalogue.

    \b
    Example:
      symllm ops
    """
    console().print(table(["op", "inputs", "output", ""], [row(ops[name]) for name in ops]))


def row(op: Op) -> list[str]:
    inputs = ", ".join(t.name + (t.shape_text if t.rank else "") for t in op.inputs.values())
    outputs = ", ".join(t.name + (t.shape_text if t.rank else "") for t in op.outputs.values())
    return [op.name, inputs, outputs, op.title]
