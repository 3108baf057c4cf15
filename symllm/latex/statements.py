"""From a text to its equations: definitions that it leans on, and statements that it makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..errors import ReadError
from .context import Context
from .names import Signature, head_of, listed, spelled
from .parse import parse
from .quantities import with_derivatives
from .scope import Definition
from .tree import Group, Name, Node, Number, Product, Relation, Scripted, alone, walk

#: More equations than this are no formula but a book.
MOST_STATEMENTS = 24


@dataclass(frozen=True)
class Statement:
    """``left = right``, perhaps under a condition, as it stands in a text."""

    left: Node
    right: Node
    condition: Node | None
    text: str

    @property
    def source(self) -> str:
        return self.text[self.left.at : self.right.end]


@dataclass(frozen=True)
class Reading:
    """A text taken apart: what is stated, and what is defined."""

    statements: tuple[Statement, ...]
    definitions: Mapping[Signature, Definition]


def taken_apart(text: str, where: Sequence[str], context: Context) -> Reading:
    """The statements of a text about an op, and its definitions and those it comes with.

    An equation whose left side is no name of the op defines that name; in
    ``where`` every equation is a definition. Raises ``ReadError``.
    """
    definitions: dict[Signature, Definition] = {}
    for given in where:
        for left, rights, _ in equations(given):
            one = defined_by(left, rights[-1], given)
            definitions[one.head] = one
    found: list[tuple[Node, list[Node], Node | None]] = []
    for left, rights, condition in equations(text):
        definition = definition_of(left, rights, text, context)
        if definition is None:
            found.append((left, rights, condition))
        elif definition.head not in definitions:
            definitions[definition.head] = definition
            if len(rights) > 1:
                found.append((left, rights[1:], condition))
    heads = frozenset(head for head, _ in definitions)
    # A name that the op has, too, is another's here: the text says what it means by it.
    definitions = {
        signature: replace(d, name=f"{d.name}_given") if d.name in context.tensors else d
        for signature, d in definitions.items()
    }
    ready = {
        signature: replace(d, body=with_derivatives(d.body, context, heads))
        for signature, d in definitions.items()
    }
    statements = [
        Statement(
            with_derivatives(left, context, heads),
            with_derivatives(right, context, heads),
            condition,
            text,
        )
        for left, rights, condition in found
        for right in rights
    ]
    if len(statements) > MOST_STATEMENTS:
        raise ReadError(f"one text holds at most {MOST_STATEMENTS} claims", text, 0)
    if not statements:
        raise ReadError(
            f"nothing is claimed: no left side is a quantity of {context.title}; it has "
            f"{', '.join(context.forward)}",
            text,
            0,
        )
    return Reading(tuple(statements), ready)


def equations(text: str) -> Iterable[tuple[Node, list[Node], Node | None]]:
    """Each equation of a text: its left side, what it is said to equal, and on what condition."""
    for node, condition, _ in parse(text):
        node = opened(node)
        if not isinstance(node, Relation):
            raise ReadError("this is no equation: there is no = in it", text, node.at)
        if set(node.signs) != {"="}:
            raise ReadError("a claim is an equation; this is another relation", text, node.at)
        yield node.sides[0], list(node.sides[1:]), condition


def opened(node: Node) -> Node:
    """An equation out of the braces of a box."""
    while isinstance(node, Group) and node.kind == "{" and len(node.parts) == 1:
        node = node.parts[0]
    return node


def name_parts(node: Node) -> tuple[str, tuple[Node, ...]]:
    """The head and the subscripts of a left side; no head for what is no name."""
    node = alone(node)
    if isinstance(node, Scripted):
        if node.sup is not None or node.primes:
            return "", ()
        return head_of(node.base), listed(node.sub)
    return head_of(node), ()


def definition_of(
    left: Node, rights: Sequence[Node], text: str, context: Context
) -> Definition | None:
    """The definition that an equation is, if its left side is a name that nobody has yet."""
    name, arguments = split_call(left)
    head, subs = name_parts(name)
    if not head or is_known(head, subs, context):
        return None
    if arguments and head.lower() == context.title.replace("_", ""):
        return None
    return defined_by(left, rights[0], text)


def is_known(head: str, subs: tuple[Node, ...], context: Context) -> bool:
    """Is this a quantity, or what people call one?"""
    texts = tuple(map(spelled, subs))
    if any((head, texts[:count]) in context.names for count in range(len(texts) + 1)):
        return True
    if head in ("J", "H") and not subs:
        return True
    if head == "yhat" and "p" in context.tensors:
        return True
    return head in ("mu", "sigma", "xbar") and bool(context.vector) and not subs


def split_call(left: Node) -> tuple[Node, tuple[Node, ...]]:
    """``f(x)`` as f and x."""
    left = alone(left)
    if isinstance(left, Product) and len(left.items) == 2:
        name, group = left.items
        if isinstance(group, Group) and group.kind in ("(", "["):
            return name, group.parts
    return left, ()


def defined_by(left: Node, right: Node, text: str) -> Definition:
    """The definition that an equation makes; raises ``ReadError`` if its left side cannot."""
    name, arguments = split_call(left)
    head, subs = name_parts(name)
    if not head:
        raise ReadError("the left side of a definition is a name", text, left.at)
    texts = tuple(map(spelled, subs))
    own = tuple(t for s, t in zip(subs, texts, strict=True) if is_label(s))
    indices = texts[len(own) :]
    parameters = tuple(map(head_of, arguments))
    if not all(indices) or len(set(indices)) < len(indices) or own != texts[: len(own)]:
        raise ReadError("the subscripts of a definition are indices, each once", text, left.at)
    if not all(parameters) or (indices and parameters):
        raise ReadError("the parameters of a definition are names", text, left.at)
    spelling = "_".join((head, *own))
    return Definition(spelling, (head, own), indices, parameters, right, text, left.at)


def is_label(node: Node) -> bool:
    """Is this subscript part of a name: a number or a word?"""
    node = alone(node)
    return isinstance(node, Number) or (isinstance(node, Name) and node.style == "upright")


def letters_below(node: Node) -> frozenset[str]:
    """Everything that is written as a subscript in a formula."""
    return frozenset(
        text
        for part in walk(node)
        if isinstance(part, Scripted) and part.sub is not None
        for sub in listed(part.sub)
        for text in (spelled(sub),)
        if text
    )
