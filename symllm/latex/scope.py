"""The state of one reading: what letters mean so far, and what else the formula asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from ..equation import Let
from ..errors import ReadError
from ..notation import entry
from .arrays import Value
from .context import Context
from .names import Signature
from .readings import Choices
from .sizes import Mismatch, Sizes
from .tree import Node

#: Expressions inside each other that are read; more than any formula has.
DEEPEST = 64

#: Indices in sight at one place: arrays have an axis for each, and grow with them.
MOST_INDICES = 7


@dataclass(frozen=True)
class Definition:
    """``name(parameters) = body`` or ``name_indices = body``, as a formula leans on."""

    name: str
    head: Signature
    indices: tuple[str, ...]
    parameters: tuple[str, ...]
    body: Node
    text: str
    at: int


@dataclass(frozen=True)
class Wanted:
    """A derivative that the formula mentions, by the name that it was given.

    ``quantity`` names what is differentiated, or is the equation that defines
    it; ``order`` is 2 for the second derivatives of a loss.
    """

    name: str
    quantity: str | Let
    wrt: str
    order: int = 1


@dataclass
class Scope:
    """All that is known while one reading of a formula goes on.

    ``free`` maps the letters of free indices to their symbols, ``bound``
    those of sums; ``parameters`` the arguments of a function that is being
    written out, and ``said`` the sizes of letters that the user has given.
    With ``entry`` set, a vector without an index stands for its entry there;
    ``written`` counts the entries of matrices that are written out.
    """

    text: str
    context: Context
    choose: Choices
    definitions: Mapping[Signature, Definition] = field(default_factory=dict)
    sizes: Sizes = field(default_factory=Sizes)
    free: dict[str, sp.Symbol] = field(default_factory=dict)
    bound: list[tuple[str, sp.Symbol]] = field(default_factory=list)
    parameters: dict[Signature, Value] = field(default_factory=dict)
    called: dict[str, sp.Expr] = field(default_factory=dict)
    wanted: dict[str, Wanted] = field(default_factory=dict)
    lets: dict[str, Value] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    said: Mapping[str, sp.Expr] = field(default_factory=dict)
    entry: sp.Symbol | None = None
    depth: int = 0
    effort: int = 0
    written: int = 0

    def value(self, node: Node) -> Value:
        """What a part of the formula means; raises ``ReadError`` or ``Mismatch``."""
        for kind in type(node).__mro__:
            if kind in READERS:
                break
        else:
            raise self.error(f"{type(node).__name__.lower()} is not understood here", node)
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.error("the formula is nested too deeply", node)
        found = READERS[kind](self, node)
        if found.expr.is_number and not is_real(found.expr):
            raise self.error("this is no real number", node)
        self.depth -= 1
        return found

    def number(self, node: Node, what: str) -> sp.Expr:
        """The value of a part that is a single number."""
        found = self.value(node)
        if found.axes:
            raise Mismatch(f"{what} is a number, not {self.sizes.text(*found.axes)}", node.at)
        return found.expr

    def index(self, letter: str, new: bool = True) -> sp.Symbol | None:
        """The index that a letter stands for; a free one, if it is new."""
        for known, symbol in reversed(self.bound):
            if known == letter:
                return symbol
        if letter not in self.free and new:
            self.free[letter] = self.sizes.index(self.said.get(letter), letter)
        return self.free.get(letter)

    @contextmanager
    def binding(self, letters: tuple[str, ...], at: int) -> Iterator[tuple[sp.Symbol, ...]]:
        """Indices of these letters, in sight as long as this lasts."""
        symbols = tuple(self.sizes.index(self.said.get(c), c) for c in letters)
        if len(self.bound) + len(symbols) > MOST_INDICES:
            raise ReadError(
                f"more than {MOST_INDICES} sums inside each other are not read", self.text, at
            )
        self.bound += zip(letters, symbols, strict=True)
        yield symbols
        del self.bound[len(self.bound) - len(symbols) :]

    def use(self, name: str) -> Value:
        """The name of an equation that the formula leans on, with axes of its own."""
        value = self.lets[name]
        axes = tuple(self.sizes.index(self.sizes.of[a], self.sizes.letter[a]) for a in value.axes)
        return Value(entry(name, *axes), axes, value.row)

    def settle(self) -> None:
        """Give the indices that nothing in the formula gives a size one: their letter's."""
        for symbol, letter in self.sizes.letter.items():
            if self.sizes.is_open(self.sizes.of[symbol]) and letter in self.context.letters:
                self.sizes.unify(self.sizes.of[symbol], self.context.letters[letter].symbol)

    def error(self, message: str, node: Node) -> ReadError:
        return ReadError(message, self.text, node.at)

    def lost(self, letter: str = "") -> ReadError:
        """What is raised where nothing says how far an index runs."""
        which = f"the index {letter}" if letter else "a sum or a vector of ones"
        return ReadError(f"nothing says which dimension {which} runs over", self.text, 0)

    def crowded(self, what: str) -> ReadError:
        return ReadError(f"too many {what} for one formula", self.text, 0)

    def known(self) -> str:
        """The names that there are, for a message."""
        names = [n for n in self.context.forward if n]
        return f"{self.context.title} has {', '.join(names)}"


#: A name that the op does not have, by what people mean with it; None if it is none of theirs.
Usual = Callable[[Scope, Node, str, tuple[Node, ...]], Value | None]

USUAL: list[Usual] = []


def usual(reader: Usual) -> Usual:
    """Enter a function into the list of usual names."""
    USUAL.append(reader)
    return reader


def is_real(number: sp.Expr) -> bool:
    return not number.has(sp.zoo, sp.oo, -sp.oo, sp.nan, sp.I)


Reader = Callable[[Scope, Any], Value]

#: How each kind of node is read.
READERS: dict[type, Reader] = {}


def reads(*kinds: type) -> Callable[[Reader], Reader]:
    """Enter a function into the table of readers."""

    def enter(reader: Reader) -> Reader:
        READERS.update(dict.fromkeys(kinds, reader))
        return reader

    return enter
