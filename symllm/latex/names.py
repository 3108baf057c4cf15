"""What a name is called in Python: ``\\hat{x}`` is xhat, ``\\mathrm{d}`` before it makes dxhat.

The way back from LaTeX is not a table of its own: each name that is known is written as pages
write it, and read; a name in a formula is the one that reads alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from ..render.names import LETTERS, name_parts, word_parts
from .parse import parse
from .tree import Accent, Group, Name, Node, Number, Product, Scripted, alone

#: A head such as ``xhat``, and the subscripts that belong to the name.
Signature = tuple[str, tuple[str, ...]]


def head_of(node: Node) -> str:
    """``x``, ``xhat``, ``gamma``; empty for what is no name."""
    node = alone(node)
    if isinstance(node, Name) and node.style != "big":
        return node.text
    if isinstance(node, Accent):
        inner = head_of(node.body)
        return f"{inner}{node.kind}" if inner else ""
    return ""


def folded(word: str) -> str:
    """A word without what is written now so, now otherwise: capitals, hyphens, a backslash."""
    return re.sub(r"[\s_\\-]", "", word.lower())


def listed(node: Node | None) -> tuple[Node, ...]:
    """The subscripts in ``ij`` or ``i, j``."""
    if node is None:
        return ()
    if isinstance(node, Group) and node.kind == "{":
        return tuple(part for one in node.parts for part in listed(one))
    if isinstance(node, Product):
        return tuple(part for one in node.items for part in listed(one))
    return (node,)


def spelled(node: Node) -> str:
    """A subscript as a text to compare; empty for what is no name."""
    node = alone(node)
    if isinstance(node, Number):
        return node.text
    if isinstance(node, Scripted) and node.sup is None:
        inner = [head_of(node.base), *map(spelled, listed(node.sub))]
        return "_".join(inner) + "'" * node.primes if all(inner) else ""
    return head_of(node)


@lru_cache(maxsize=4096)
def signature(name: str) -> Signature:
    """How a Python name reads when it is written as pages write it."""
    return signature_of(str(name_parts(name, (name,))), name)


def signature_of(tex: str, name: str) -> Signature:
    ((node, *_),) = parse(tex)
    node = alone(node)
    if isinstance(node, Scripted):
        return head_of(node.base), tuple(map(spelled, listed(node.sub)))
    if isinstance(node, Product):  # a word that pages write letter by letter
        return name, ()
    return head_of(node), ()


def by_signature(names: Iterable[str]) -> Mapping[Signature, str]:
    """The names by how they read; of two that read alike, the first.

    A name that a letter stands for is written as a word where the letter is taken.
    """
    found: dict[Signature, str] = {}
    every = tuple(names)
    for name in every:
        found.setdefault(signature(name), name)
    for name in filter(LETTERS.__contains__, every):
        found.setdefault(signature_of(str(word_parts(name)), name), name)
    return found
