"""What functions say of themselves: the docstring of one, at length or in brief."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

from ..notation import Dim, Tensor
from .writer import WIDTH


def docstring(doc: str, arguments: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[str]:
    """What a function computes, and the shapes of what it takes and returns."""
    body = [row for line in opening(doc, outputs).splitlines() for row in folded(line)] + [""]
    body += [f"{t.name}: {shape(t)}" for t in arguments]
    body += ["", "Returns", *(f"    {t.name}: {shape(t)}" for t in outputs)]
    return ['"""' + quotable(body[0]), *map(quotable, body[1:]), '"""']


def in_brief(doc: str, arguments: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[str]:
    """The same in as few rows as it needs, where it is read beside the formulas.

    ``Gradient of tanh. dy, x: [n]; returns dx: [n].``
    """
    taken, returned = ("; ".join(by_shape(tensors)) for tensors in (arguments, outputs))
    words = f"{opening(doc, outputs)} {taken}; returns {returned}."
    rows = wrap(f'"""{quotable(words)}"""', WIDTH - 4, break_long_words=False)
    return [row.replace(TIED, " ") for row in rows]


def by_shape(tensors: Sequence[Tensor]) -> list[str]:
    """``gamma, beta: [d]``: the names of those that are alike, and how they are."""
    groups: dict[str, list[str]] = {}
    for tensor in tensors:
        groups.setdefault(shape(tensor).replace(", ", f",{TIED}"), []).append(tensor.name)
    return [f"{', '.join(names)}:{TIED}{alike}" for alike, names in groups.items()]


#: A space at which no row ends.
TIED = "\N{NO-BREAK SPACE}"


def opening(doc: str, outputs: Sequence[Tensor]) -> str:
    return doc.strip() or f"Compute {', '.join(t.name for t in outputs)}."


def quotable(line: str) -> str:
    """A line as it may stand between three quotation marks."""
    return line.replace("\\", "\\\\").replace('"""', "'''")


def folded(line: str) -> list[str]:
    """A line of prose on as few rows as it needs, equally long: no row holds but the last word."""
    widest = WIDTH - 8
    rows = wrap(line, widest) or [""]
    widths = range(-(-len(line) // len(rows)), widest)
    even = (wrap(line, width) for width in widths if len(rows) > 1)
    return next((found for found in even if len(found) == len(rows)), rows)


def shape(tensor: Tensor) -> str:
    text = tensor.shape_text if tensor.dims else "scalar"
    if isinstance(tensor.domain, Dim):
        return f"{text}, integers from 0 to {tensor.domain.name} - 1"
    return text + DOMAINS.get(tensor.domain, "")


#: What a docstring says of where a tensor's entries lie.
DOMAINS = {
    "distribution": ", sums to 1",
    "positive": ", positive",
    "unit": ", between 0 and 1",
    "binary": ", zeros and ones",
}
