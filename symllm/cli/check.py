"""``symllm check``: claims about gradients, in code and in documents."""

from __future__ import annotations

from typing import Any

import click

from .check_document import check_documents
from .check_function import check_functions, function_options, is_target

#: Options that say something about documents, too.
FOR_DOCUMENTS = frozenset({"as_json", "empty_is_fine"})


@click.command("check")
@click.argument("targets", metavar="FILE.py:FUNCTION | FILE.md | FILE.tex ...", nargs=-1)
@function_options
@click.option(
    "--allow-empty",
    "empty_is_fine",
    is_flag=True,
    help="Documents may hold no claim.",
)
def check_command(targets: tuple[str, ...], **said: Any) -> None:
    r"""Is it right what somebody wrote of a gradient, and if not, which term is wrong?

    Of a function: it may want arrays of NumPy, PyTorch or JAX; it may be a
    torch.autograd.Function, a module, a custom_vjp, or a class with forward
    and backward. What it takes is told by the names of its parameters, or
    said with --args.

    Of a document: display formulas that a comment marks, as % symllm: softmax
    in LaTeX and <!-- symllm: softmax --> in Markdown; definitions that they
    lean on stand after where: in the comment.

    The exit code is 1 if anything is not right, 2 if it cannot be read.

    \b
    Examples:
      symllm check norms.py:layer_norm_backward --op layer_norm --batch N
      symllm check norms.py:ln_bwd --op layer_norm --batch N --args dy,x,gamma --returns dx
      symllm check paper.tex notes.md
    """
    if not targets:
        raise click.UsageError("name a function, FILE.py:function, or a document")
    functions = [is_target(target) for target in targets]
    if any(functions) and not all(functions):
        raise click.UsageError("check functions and documents in two runs, not in one")
    empty_is_fine = said.pop("empty_is_fine")
    if all(functions):
        options = {name: value for name, value in said.items() if value is not None}
        if not check_functions(targets, **options):
            raise click.exceptions.Exit(1)
        return
    context = click.get_current_context()
    given = [
        name
        for name in said
        if name not in FOR_DOCUMENTS
        and context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"--{given[0].replace('_', '-')} says nothing about documents")
    raise click.exceptions.Exit(check_documents(targets, said["as_json"], empty_is_fine))
