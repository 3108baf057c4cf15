"""What a formula says as it is written, before anything is known of its names.

Every node knows the columns that it stands in, so that an error can point there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields


@dataclass(frozen=True)
class Node:
    """A part of a formula, from column ``at`` up to ``end``."""

    at: int
    end: int


@dataclass(frozen=True)
class Number(Node):
    text: str


@dataclass(frozen=True)
class Name(Node):
    """A letter or a word: ``x``, ``gamma``, ``softmax``; ``style`` is how it is set."""

    text: str
    style: str = ""


@dataclass(frozen=True)
class Accent(Node):
    kind: str
    body: Node


@dataclass(frozen=True)
class Scripted(Node):
    """A base with what stands below it, above it, and its primes."""

    base: Node
    sub: Node | None = None
    sup: Node | None = None
    primes: int = 0


@dataclass(frozen=True)
class Fraction(Node):
    above: Node
    below: Node


@dataclass(frozen=True)
class Root(Node):
    body: Node
    degree: Node | None = None


@dataclass(frozen=True)
class Group(Node):
    """Brackets of a kind, ``(``, ``[``, ``{`` or ``set``, around parts with commas between them."""

    kind: str
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Bars(Node):
    """``|x|`` or ``||x||``."""

    kind: str
    body: Node


@dataclass(frozen=True)
class Inner(Node):
    """An inner product in angle brackets."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Case(Node):
    value: Node
    condition: Node | None


@dataclass(frozen=True)
class Cases(Node):
    rows: tuple[Case, ...]


@dataclass(frozen=True)
class Line(Node):
    """A row of a matrix."""

    cells: tuple[Node, ...]


@dataclass(frozen=True)
class Matrix(Node):
    """A matrix whose entries are written out."""

    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Mark(Node):
    """An operator between factors: ``cdot``, ``odot``, ``times``, ``/``."""

    op: str


@dataclass(frozen=True)
class Product(Node):
    """Factors and operators side by side, in the order written."""

    items: tuple[Node, ...]


@dataclass(frozen=True)
class Terms(Node):
    """Terms, each with its sign, +1 or -1."""

    signs: tuple[int, ...]
    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Relation(Node):
    """Sides with a relation between each two: ``=``, ``<=``, ``<``, ``>=``, ``>``, ``!=``."""

    sides: tuple[Node, ...]
    signs: tuple[str, ...]


@dataclass(frozen=True)
class Adjoint(Node):
    """The gradient of the loss by what ``of`` names, as in ``dQ``; with its own scripts."""

    of: Node


@dataclass(frozen=True)
class Slope(Node):
    """The derivative of ``above``, the loss if that is None, by each of ``below``."""

    above: Node | None
    below: tuple[Node, ...]


def children(node: Node) -> Iterator[Node]:
    """The nodes directly inside a node, in the order written."""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            yield value
        elif isinstance(value, tuple):
            yield from (part for part in value if isinstance(part, Node))


def walk(node: Node) -> Iterator[Node]:
    """A node and all that is inside."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting.extend(reversed(list(children(found))))


def alone(node: Node) -> Node:
    """The node without braces, and without sums and products of a single thing."""
    while True:
        match node:
            case Group(kind="{", parts=(one,)) | Product(items=(one,)):
                node = one
            case Terms(signs=(1,), terms=(one,)):
                node = one
            case _:
                return node
