"""Heat maps: the entries of a Jacobian or a Hessian at a point, in colours and in numbers."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..errors import NotationError
from ..render.subject import Derivation
from .picture import Picture
from .svg import drawing, element, label

CELL, MARGIN = 52, 14

#: Beyond so many rows or columns, cells are small and hold no numbers.
NUMBERED, SMALL = 8, 14

#: A number in a cell of so much colour or more is white.
STRONG = 0.6


class Numeric(Derivation, Protocol):
    """A derivation that is a function, too."""

    def lambdify(self) -> Any: ...


def heat_map(derivation: Numeric, **inputs: Any) -> Picture:
    """A matrix of derivatives at the inputs given, by name, rounded to two decimals.

    Raises ``NotationError`` where the result is no matrix there.
    """
    given = {name: np.asarray(value, float) for name, value in inputs.items()}
    values = np.asarray(derivation.lambdify()(**given), float)
    if values.ndim != 2:
        raise NotationError(
            f"a heat map shows a matrix, but the {derivation.kind} of {derivation.op.name!r} "
            f"has shape {values.shape} here"
        )
    shown = ", ".join(f"{name} = {said(value)}" for name, value in given.items())
    words = f"{derivation.op.title}: the {derivation.kind.capitalize()} at {shown}."
    return Picture(f"{derivation.op.name}-{derivation.kind}", drawn(values, words), words)


def matrix(values: Any, *, name: str, words: str) -> Picture:
    """A table of numbers in colours, rounded to two decimals.

    ``name`` is that of the picture's file, ``words`` what it shows. Raises
    ``NotationError`` where the values are no matrix of finite numbers.
    """
    try:
        found = np.asarray(values, float)
    except (TypeError, ValueError) as error:
        raise NotationError(f"{name}: these are no numbers in rows: {error}") from error
    if found.ndim != 2 or not found.size or not np.isfinite(found).all():
        raise NotationError(
            f"{name}: a matrix of finite numbers is shown, not values of shape {found.shape}"
        )
    return Picture(name, drawn(found, words), words)


def drawn(values: np.ndarray, words: str) -> str:
    rows, columns = values.shape
    cell = CELL if max(rows, columns) <= NUMBERED else SMALL
    largest = float(np.abs(values).max()) or 1.0
    parts = []
    for i in range(rows):
        for j in range(columns):
            share = round(float(values[i, j]) / largest, 2)
            x, y = MARGIN + cell * j, MARGIN + cell * i
            parts.append(square(x, y, cell - 1, share))
            if cell == CELL:
                ink = "#ffffff" if abs(share) > STRONG else "ink"
                text = f"{round(float(values[i, j]), 2) + 0.0:.2f}".replace("-", "\u2212")
                parts.append(label(x + cell / 2, y + cell / 2 + 5, text, 14, fill=ink))
    width, height = (2 * MARGIN + cell * n for n in (columns, rows))
    return drawing(width, height, words, parts)


def square(x: int, y: int, size: int, share: float) -> str:
    """A cell with an edge, so that zero is seen too; blue or red, as far as the share of the
    largest entry says, on the colour of the page."""
    kind = "positive" if share > 0 else "negative"
    edge = {"stroke": "soft", "stroke-width": 0.5, "rx": 3}
    return element(
        "rect",
        {"x": x, "y": y, "width": size, "height": size, **edge}
        | {"fill": kind, "fill-opacity": f"{abs(share):.2f}"},
    )


def said(value: np.ndarray) -> str:
    flat = [f"{v:g}" for v in value.ravel()]
    if not value.shape:
        return flat[0]
    return f"({', '.join(flat)})" if len(flat) <= NUMBERED else "…"
