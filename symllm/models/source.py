"""A model as one importable module, in NumPy, PyTorch or JAX."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from textwrap import fill

from jinja2 import Environment, FunctionLoader, StrictUndefined

from ..catalogue import ops
from ..codegen import Language, language
from ..codegen.composed import applied_function, backward_function, forward_function
from ..codegen.function import mentions
from ..codegen.network import Network
from ..codegen.pair import Pair
from ..codegen.passes import backward_function as pair_backward
from ..codegen.passes import forward_function as pair_forward
from ..codegen.passes import passes
from ..codegen.writer import WIDTH
from ..op import Op
from ..program import lowered
from .architecture import Architecture
from .table import Table


def model_source(model: Architecture, target: str) -> str:
    """The source of a module with ``forward`` and ``backward``.

    Raises ``UnknownName`` for a target that there is not.
    """
    chosen = language(target)
    parts = [
        *(functions(chosen, pair) for pair in pairs(model)),
        *(
            text
            for stage, net in model.networks.items()
            for text in stage_functions(chosen, model.ops[stage], net)
        ),
    ]
    text = TEMPLATES.get_template(f"{target}.py.j2").render(
        model=model, definitions=parts, table=Table(model, chosen.target)
    )
    return with_imports(text.rstrip() + "\n", chosen)


# --------------------------------------------------------------------------
# Functions: the ops that are called, and the stages that call them
# --------------------------------------------------------------------------


def pairs(model: Architecture) -> list[Pair]:
    """The functions that the stages call, each once."""
    found: dict[str, Pair] = {}
    for net in model.networks.values():
        for called in net.calls.values():
            found.setdefault(called.pair.name, called.pair)
    return list(found.values())


def op_of(pair: Pair) -> Op:
    """The op of a pair, whose name may tell its batch axes as well."""
    return ops[pair.name if pair.name in ops else pair.name.rsplit("_", 1)[0]]


def functions(chosen: Language, pair: Pair) -> str:
    """Both passes of one op, as the language takes them."""
    op = op_of(pair)
    summary, note = f"Gradient of {lowered(op.title)}", cited("Derivation", op)
    if chosen.taught is not None:
        return without_imports(chosen.taught(pair, op.title, summary, note))
    both = passes(chosen.target, pair)
    backward = pair_backward(both, summary, pair.backward.outputs, note)
    return "\n\n\n".join([pair_forward(both, op.title, note), backward])


def stage_functions(chosen: Language, op: Op, net: Network) -> Iterator[str]:
    """A stage: both of its passes, or where the library differentiates calls the first alone."""
    note = cited("Equations", op)
    words = f"{op.title}.\n\n{fill(op.about, WIDTH - 8)}\n\n{note}"
    if chosen.taught is not None:
        yield applied_function(chosen.target, net, words)
        return
    text, kept = forward_function(chosen.target, net, words)
    yield text
    words = f"Gradient of {lowered(op.title)}, from what was saved.\n\n{note}"
    yield backward_function(chosen.target, net, words, kept)


def cited(what: str, op: Op) -> str:
    return f"{what}: {op.name} ({op.source})." if op.source else f"{what}: {op.name}."


def without_imports(source: str) -> str:
    lines = source.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith(("class ", "def ", "@")))
    return "\n".join(lines[start:]).rstrip()


# --------------------------------------------------------------------------
# The module around them
# --------------------------------------------------------------------------

#: What the templates use besides what a language's functions use.
FURTHER = (
    ("SimpleNamespace(", "from types import SimpleNamespace"),
    ("np.", "import numpy as np"),
)
STANDARD = {"import math", "from types import SimpleNamespace"}


def with_imports(text: str, chosen: Language) -> str:
    """The module's docstring, the imports that its code needs, the code."""
    end = text.index('"""', 3) + 3
    known = dict.fromkeys((*chosen.target.imports, *FURTHER))
    needed = dict.fromkeys(line for use, line in known if mentions(text[end:], use))
    blocks = (
        sorted((line for line in needed if (line in STANDARD) is standard), key=order)
        for standard in (True, False)
    )
    imports = ["\n".join(block) for block in blocks if block]
    return "\n\n".join([text[:end], *imports]) + "\n\n\n" + text[end:].lstrip("\n")


def order(line: str) -> tuple[bool, str]:
    """Imports by name, those of modules first."""
    return line.startswith("from"), line


def read(name: str) -> str:
    return (files(__package__) / "templates" / name).read_text()


TEMPLATES = Environment(
    loader=FunctionLoader(read),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,
)
