"""The commands, gathered; and what becomes of an error."""

from __future__ import annotations

import sys
from typing import Any

import click

from .. import __version__
from ..errors import SymllmError, tells_of_false
from .build import build_command
from .check import check_command
from .code import code_command
from .counts import counts_command
from .derive import derive_command
from .new import new_command
from .ops import ops_command
from .show import show_command
from .verify import verify_command


class Untrue(click.ClickException):
    """A check failed."""

    exit_code = 1


class Refused(click.ClickException):
    """Wrong use or unreadable input."""

    exit_code = 2


class Commands(click.Group):
    """Commands in the order of use, whose errors are messages and no tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SymllmError as error:
            raise (Untrue if tells_of_false(error) else Refused)(str(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="symllm")
def cli() -> None:
    """Write the forward equations once. Get the gradient, the steps that lead to it, the proof
    that it is right, the code that computes it, and the document that explains it.

    \b
    Examples:
      symllm show softmax --wrt x
      symllm build
    """


for command in (
    ops_command,
    show_command,
    code_command,
    counts_command,
    verify_command,
    check_command,
    derive_command,
    build_command,
    new_command,
):
    cli.add_command(command)


def main() -> None:
    """What the shell calls."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without Greek shows "?", and works
            stream.reconfigure(errors="replace")
    cli()
