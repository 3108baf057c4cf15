"""A model as one importable module, in NumPy, PyTorch or JAX."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined

from ..catalogue import ops
from ..codegen import language
from ..codegen.composed import applied_function, backward_function, forward_function
from ..codegen.function import indented, listed, mentions
from ..codegen.pair import Pair
from ..codegen.passes import backward_function as pair_backward
from ..codegen.passes import forward_function as pair_forward
from ..codegen.passes import passes
from ..codegen.target import Target
from ..codegen.writer import WIDTH
from .architecture import Architecture
from .table import Table


def model_source(model: Architecture, target: str) -> str:
    """The source of a module with ``forward`` and ``backward``.

    Raises ``UnknownName`` for a target that there is not.
    """
    chosen = language(target)
    parts = [
        *(taught(chosen, pair) for pair in pairs(model)),
        *stages(model, chosen.target, target),
    ]
    text = TEMPLATES.from_string(read(target)).render(
        model=model,
        definitions=parts,
        table=Table(model, chosen.target),
        width=WIDTH,
    )
    return with_imports(text.rstrip() + "\n", chosen.target)


def read(target: str) -> str:
    return (files(__package__) / "templates" / f"{target}.py.j2").read_text()


def pairs(model: Architecture) -> list[Pair]:
    """The functions that the stages call, each once."""
    found: dict[str, Pair] = {}
    for net in model.networks.values():
        for called in net.calls.values():
            found.setdefault(called.pair.name, called.pair)
    return list(found.values())


def title(pair: Pair) -> str:
    name = pair.name if pair.name in ops else pair.name.rsplit("_", 1)[0]
    return ops[name].title


def taught(chosen: Any, pair: Pair) -> str:
    """Both passes of one op, as the language takes them."""
    words = f"{title(pair)} (derivation: {pair.name.replace('_', ' ')})"
    if chosen.taught is not None:
        return without_imports(chosen.taught(pair, words, f"Gradient of {words}"))
    both = passes(chosen.target, pair)
    backward = pair_backward(both, f"Gradient of {words}", pair.backward.outputs)
    return "\n\n\n".join([pair_forward(both, words), backward])


def without_imports(source: str) -> str:
    lines = source.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith(("class ", "def ", "@")))
    return "\n".join(lines[start:]).rstrip()


def stages(model: Architecture, target: Target, name: str) -> Iterator[str]:
    for stage, net in model.networks.items():
        words = f"{model.ops[stage].title}: {model.ops[stage].about}"
        if name == "numpy":
            text, kept = forward_function(target, net, words)
            yield text
            yield backward_function(target, net, f"Gradient of {model.ops[stage].title}.", kept)
        else:
            yield applied_function(target, net, words)


#: What the templates use of the standard library.
STANDARD = (("SimpleNamespace(", "from types import SimpleNamespace"),)


def with_imports(text: str, target: Target) -> str:
    """The module's docstring, the imports that its code needs, the code."""
    end = text.index('"""', 3) + 3
    needed = [line for use, line in (*STANDARD, *target.imports) if mentions(text[end:], use)]
    library = {line for _, line in STANDARD} | {"import math"}
    standard = sorted(
        (line for line in needed if line in library), key=lambda line: line.startswith("from")
    )
    others = [line for line in needed if line not in library]
    blocks = ["\n".join(block) for block in (standard, others) if block]
    return "\n\n".join([text[:end], *blocks]) + "\n\n\n" + text[end:].lstrip("\n")


TEMPLATES = Environment(
    undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)
TEMPLATES.filters["indented"] = lambda rows: "\n".join(indented(rows))
TEMPLATES.globals["listed"] = lambda *given: "\n".join(listed(*given))
