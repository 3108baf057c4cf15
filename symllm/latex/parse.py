"""Tokens to a syntax tree, by an LALR grammar."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple, cast

import lark
from lark.lexer import Lexer

from ..errors import ReadError
from .commands import ARROWS
from .prepare import prepare
from .scan import Token
from .tree import (
    Accent,
    Bars,
    Case,
    Cases,
    Fraction,
    Group,
    Inner,
    Line,
    Mark,
    Matrix,
    Name,
    Node,
    Number,
    Product,
    Relation,
    Root,
    Scripted,
    Terms,
)

Leaf = Any  # lark's tokens, whose value is one of ours


class Piece(NamedTuple):
    """A relation or an expression, the condition under which it is claimed, and the arrow that
    leads to it from the piece before: ``=>``, ``<=>`` or none."""

    node: Node
    condition: Node | None = None
    arrow: str = ""


class Prepared(Lexer):
    """Hands tokens that are there already to lark's parser."""

    def __init__(self, lexer_conf: Any) -> None:
        pass

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[Leaf]:
        for token in lexer_state.text:
            yield lark.Token(token.kind, token)

    __future_interface__ = 2


def span(nodes: list[Any]) -> tuple[int, int]:
    """The columns from the first of these to the last."""
    first, last = (n.value if isinstance(n, lark.Token) else n for n in (nodes[0], nodes[-1]))
    return first.at, last.end


class Builder(lark.Transformer[Leaf, Any]):
    """What becomes of each rule of the grammar; it runs as the parser goes."""

    def start(self, parts: list[Any]) -> tuple[Piece, ...]:
        found: list[Piece] = []
        arrow = ""
        for part in parts:
            if isinstance(part, Piece):
                found.append(part._replace(arrow=arrow))
            else:
                arrow = ARROWS.get(part.value.text, "")
        return tuple(found)

    def piece(self, parts: list[Any]) -> Piece:
        return Piece(parts[0])

    def conditional(self, parts: list[Any]) -> Piece:
        return Piece(parts[0], parts[2])

    def relation(self, parts: list[Any]) -> Node:
        if len(parts) == 1:
            return parts[0]
        return Relation(*span(parts), tuple(parts[::2]), tuple(t.value.text for t in parts[1::2]))

    def sign(self, parts: list[Any]) -> Leaf:
        return parts[0]

    def terms(self, parts: list[Any]) -> Node:
        at, end = span(parts)
        signs, terms = [], []
        sign = 1
        for part in parts:
            if isinstance(part, lark.Token):
                sign = -1 if part.type == "MINUS" else 1
            else:
                signs.append(sign)
                terms.append(part)
        if signs == [1]:
            return terms[0]
        return Terms(at, end, tuple(signs), tuple(terms))

    def product(self, parts: list[Any]) -> Node:
        items = [self.mark(p) if isinstance(p, lark.Token) else p for p in parts]
        return items[0] if len(items) == 1 else Product(*span(items), tuple(items))

    def mark(self, token: Leaf) -> Mark:
        return Mark(token.value.at, token.value.end, token.value.text)

    def factor(self, parts: list[Any]) -> Node:
        base, *scripts = parts
        if not scripts:
            return base
        sub = sup = None
        primes = 0
        for kind, node in scripts:
            if kind == "prime":
                primes += 1
            elif (kind == "below" and sub) or (kind == "above" and sup):
                raise Twice(node.at, kind)
            elif kind == "below":
                sub = node
            else:
                sup = node
        return Scripted(base.at, scripts[-1][1].end, base, sub, sup, primes)

    def below(self, parts: list[Any]) -> tuple[str, Node]:
        return "below", parts[1]

    def above(self, parts: list[Any]) -> tuple[str, Node]:
        return "above", parts[1]

    def prime(self, parts: list[Any]) -> tuple[str, Token]:
        return "prime", parts[0].value

    def number(self, parts: list[Any]) -> Node:
        token = parts[0].value
        return Number(token.at, token.end, token.text)

    def letter(self, parts: list[Any]) -> Node:
        token = parts[0].value
        return Name(token.at, token.end, token.text, token.style)

    def ones(self, parts: list[Any]) -> Node:
        return Name(*span(parts), "ones")

    def big(self, parts: list[Any]) -> Node:
        token = parts[0].value
        return Name(token.at, token.end, token.text, "big")

    def fraction(self, parts: list[Any]) -> Node:
        return Fraction(*span(parts), parts[1], parts[2])

    def root(self, parts: list[Any]) -> Node:
        return Root(*span(parts), parts[1])

    def root_of_degree(self, parts: list[Any]) -> Node:
        return Root(*span(parts), parts[4], parts[2])

    def accent(self, parts: list[Any]) -> Node:
        kind = parts[0].value.text
        return Accent(*span(parts), kind, parts[1]) if kind else parts[1]

    def several(self, parts: list[Any]) -> tuple[Node, ...]:
        return tuple(parts[::2])

    def group(self, parts: list[Any]) -> Node:
        return Group(*span(parts), "{", parts[1])

    def round(self, parts: list[Any]) -> Node:
        return Group(*span(parts), "(", parts[1])

    def square(self, parts: list[Any]) -> Node:
        return Group(*span(parts), "[", parts[1])

    def set(self, parts: list[Any]) -> Node:
        return Group(*span(parts), "set", parts[1])

    def bars(self, parts: list[Any]) -> Node:
        return Bars(*span(parts), "|", parts[1])

    def norm(self, parts: list[Any]) -> Node:
        return Bars(*span(parts), "||", parts[1])

    def inner(self, parts: list[Any]) -> Node:
        return Inner(*span(parts), parts[1])

    def row(self, parts: list[Any]) -> Case:
        condition = parts[-1] if len(parts) > 1 else None
        return Case(*span(parts), parts[0], condition)

    def last_row(self, parts: list[Any]) -> Case:
        return Case(*span(parts), parts[0], None)

    def cases(self, parts: list[Any]) -> Node:
        return Cases(*span(parts), tuple(p for p in parts if isinstance(p, Case)))

    def line(self, parts: list[Any]) -> Line:
        return Line(*span(parts), tuple(parts[::2]))

    def matrix(self, parts: list[Any]) -> Node:
        return Matrix(*span(parts), tuple(p for p in parts if isinstance(p, Line)))


class Twice(Exception):
    """Two subscripts, or two superscripts, of one base."""

    def __init__(self, at: int, kind: str) -> None:
        super().__init__(kind)
        self.at, self.kind = at, kind


@lru_cache(maxsize=1)
def parser() -> lark.Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text(encoding="utf-8")
    return lark.Lark(grammar, parser="lalr", lexer=Prepared, transformer=Builder())


def parse(text: str) -> tuple[Piece, ...]:
    """The pieces of a formula: relations, each with the condition under which it is claimed.

    Raises ``ReadError``, with the column, for what is no formula.
    """
    tokens = prepare(text)
    if not tokens:
        raise ReadError("there is no formula", text or " ", 0)
    try:
        return cast(tuple[Piece, ...], parser().parse(tokens))
    except lark.exceptions.UnexpectedToken as error:
        token = error.token.value
        if not isinstance(token, Token):
            raise ReadError("the formula ends too early", text, len(text.rstrip()) - 1) from None
        raise ReadError(f"{token.text!r} is not expected here", text, token.at) from None
    except Twice as error:
        kind = {"below": "subscript", "above": "superscript"}[error.kind]
        raise ReadError(f"a second {kind} of one sign", text, error.at) from None
