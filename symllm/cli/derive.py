"""``symllm derive``: a gradient from a formula."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..files import write_all
from ..op import Op
from ..render.page import derivation_markdown, op_markdown
from ..render.typeset import pdf_document
from .common import console, wrt_option
from .show import show_derivation, show_op


def dims_of(
    context: click.Context, parameter: click.Parameter, values: tuple[str, ...]
) -> str | dict[str, tuple[str, ...]] | None:
    """``--dims d`` for all indices, ``--dims W=n,m`` for one name."""
    if not values:
        return None
    if len(values) == 1 and "=" not in values[0]:
        return values[0].strip()
    found = {}
    for text in values:
        name, equals, dims = text.partition("=")
        if not equals or not name.strip() or not dims.strip():
            raise click.BadParameter(f"{text!r} is neither d nor W=n,m", context, parameter)
        found[name.strip()] = tuple(part.strip() for part in dims.split(","))
    return found


@click.command("derive")
@click.argument("formulas", nargs=-1, required=True)
@wrt_option
@click.option(
    "--dims",
    metavar="DIM | NAME=DIMS",
    multiple=True,
    callback=dims_of,
    help="Over what it runs: d for all indices, W=n,m for one name.",
)
@click.option("--name", default="formula", help="What to call it.")
@click.option("--pdf", type=click.Path(path_type=Path), help="Write the derivation there, too.")
def derive_command(
    formulas: tuple[str, ...], wrt: tuple[str, ...], dims: Any, name: str, pdf: Path | None
) -> None:
    r"""Derive the gradient of a function that is given by its formulas, in LaTeX.

    Names that no formula defines are inputs. Every step is checked at random
    points. Without --wrt the gradient is by all inputs that can be
    differentiated by.

    \b
    Examples:
      symllm derive 'y_i = \gamma_i x_i' --wrt x
      symllm derive 'p_i = \frac{e^{x_i}}{\sum_j e^{x_j}}' --wrt x --pdf softmax.pdf
      symllm derive 'y = W x + b' --dims W=n,m --dims x=m --dims b=n --wrt W
    """
    title = name.replace("_", " ").capitalize()
    op = Op.from_latex(formulas, dims, name=name, title=title)
    derivation = op.gradient(*wrt)
    out = console()
    show_op(out, op)
    show_derivation(out, derivation)
    if pdf is not None:
        pages = (op_markdown(op, "pandoc"), derivation_markdown(derivation, "pandoc"))
        write_all({pdf: pdf_document(title, "\n\n".join(pages))})
        out.print(f"written: {pdf}")
