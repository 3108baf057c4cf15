"""A second reader, where it is installed: latex2sympy2, of fragments that are plain numbers.

It knows neither indices nor matrices, takes ``\\log`` for base 10 and drops transposes; of letters,
fractions, powers and elementary functions its reading is worth something, for it shares nothing
with ours. Where the two differ, nobody can know what was meant.
"""

from __future__ import annotations

import math
import sys
import typing
from collections.abc import Callable, Iterator
from functools import lru_cache
from random import Random
from types import ModuleType
from typing import Any

import sympy as sp

from ..errors import ReadError
from ..notation import scalar
from .context import Context
from .reading import read_expression
from .tree import (
    Fraction,
    Group,
    Mark,
    Name,
    Node,
    Number,
    Product,
    Root,
    Scripted,
    Terms,
    alone,
    children,
)

Second = Callable[[str], Any]

#: Functions that mean the same to both.
COMMON = frozenset({"exp", "tanh", "sinh", "cosh", "sin", "cos"})

#: Letters that mean something of their own to one of them.
SPECIAL = frozenset({"e", "i", "d", "E", "I", "O", "S", "N", "Q", "C", "pi", "sigma", "phi", "Phi"})

#: Longer or deeper fragments cost its parser seconds.
LONGEST, DEEPEST = 120, 8

#: As many points are tried, and so close two values must be.
POINTS = 3
TOLERANCE = 1e-9

PLAIN = (Number, Name, Fraction, Root, Terms, Product, Group, Scripted, Mark)


@lru_cache(maxsize=1)
def second_reader() -> Second | None:
    """latex2sympy2's function; None where it is not installed."""
    if "typing.io" not in sys.modules:  # which its parser imports, and Python 3.13 has no more
        shim = ModuleType("typing.io")
        shim.TextIO = typing.TextIO  # type: ignore[attr-defined]
        sys.modules["typing.io"] = shim
    try:
        import latex2sympy2
    except ImportError:
        return None
    found: Second = latex2sympy2.latex2sympy
    return found


def check_twice(node: Node, text: str, second: Second | None = None) -> None:
    """Raises ``ReadError`` where the second reader makes something else of a plain fragment."""
    read = second or second_reader()
    if read is None:
        return
    for part in fragments(node):
        fragment = text[part.at : part.end]
        if len(fragment) > LONGEST or sum(fragment.count(c) for c in "({[") > DEEPEST:
            continue
        own, other = our_reading(fragment), their_reading(fragment, read)
        if own is not None and other is not None and differ(own, other):
            raise ReadError(
                f"this is read in two ways: as {own}, and by latex2sympy2 as {other}; "
                f"brackets would make it plain",
                text,
                part.at,
            )


def fragments(node: Node) -> Iterator[Node]:
    """The largest parts that are plain numbers, and more than a single sign."""
    if is_plain(node) and isinstance(node, Terms | Product | Fraction | Root):
        yield node
        return
    for child in children(node):
        yield from fragments(child)


def is_plain(node: Node) -> bool:
    if not isinstance(node, PLAIN):
        return False
    if isinstance(node, Name):
        letter = len(node.text) == 1 or node.text in COMMON
        return letter and node.text not in SPECIAL and not node.style
    if isinstance(node, Mark):
        return node.op in ("cdot", "/")
    if isinstance(node, Group) and (node.kind == "set" or len(node.parts) != 1):
        return False
    if isinstance(node, Scripted) and (
        node.sub is not None
        or node.primes
        or not isinstance(node.base, Name | Group | Number)
        or not isinstance(alone(node.sup or node), Number)  # a T may be a transpose
    ):
        return False
    return all(map(is_plain, children(node)))


@lru_cache(maxsize=256)
def our_reading(fragment: str) -> sp.Expr | None:
    """The fragment in our reading, its letters plain numbers; None if it has several."""
    letters = {c for c in fragment if c.isalpha()}
    tensors = {c: scalar(c) for c in letters}
    context = Context("the fragment", tensors, tuple(tensors), tuple(tensors), ("",), ())
    try:
        found = [o.found.expr for o in read_expression(fragment, context, {}) if o.found]
    except ReadError:
        return None
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=256)
def their_reading(fragment: str, second: Second) -> sp.Expr | None:
    try:
        found = second(fragment)
    except Exception:
        return None  # it has its own errors, and many others
    return found if isinstance(found, sp.Expr) else None


def differ(own: sp.Expr, other: sp.Expr) -> bool:
    """Have they different values, with the same number for each letter?"""
    random = Random(0)
    names = sorted({s.name for e in (own, other) for s in e.free_symbols})
    for _ in range(POINTS):
        numbers = {name: sp.Float(0.25 + random.random(), 30) for name in names}
        one, two = (value(e, numbers) for e in (own, other))
        if one is None or two is None:
            return False
        if abs(one - two) > TOLERANCE * max(1.0, abs(one)):
            return True
    return False


def value(expr: sp.Expr, numbers: dict[str, sp.Float]) -> float | None:
    try:
        found = float(expr.xreplace({s: numbers[s.name] for s in expr.free_symbols}))
    except (TypeError, ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
