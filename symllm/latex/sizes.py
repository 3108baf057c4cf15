"""Which dimension each index runs over: found out as a formula is read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import sympy as sp


class Mismatch(Exception):
    """Parts of a formula that do not fit; ``at`` is the column."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.message, self.at = message, at


class Sizes:
    """The size of every index; a size that is not known yet is a hole, to be filled once.

    An index is a symbol of its own for each place that binds it, so that two
    sums over j are told apart; its letter is what the formula calls it.
    """

    def __init__(self) -> None:
        self.of: dict[sp.Symbol, sp.Expr] = {}
        self.letter: dict[sp.Symbol, str] = {}
        self.filled: dict[sp.Expr, sp.Expr] = {}
        self._count: Iterator[int] = itertools.count(1)

    def hole(self) -> sp.Symbol:
        return sp.Symbol(f"?{next(self._count)}", integer=True, positive=True)

    def index(self, size: sp.Expr | None = None, letter: str = "") -> sp.Symbol:
        """A new index; without a size, one that is still to be found."""
        symbol = sp.Symbol(f"{letter}@{next(self._count)}", integer=True)
        self.of[symbol] = self.hole() if size is None else size
        self.letter[symbol] = letter
        return symbol

    def size(self, index: sp.Symbol) -> sp.Expr:
        return self.found(self.of[index])

    def found(self, size: sp.Expr) -> sp.Expr:
        while size in self.filled:
            size = self.filled[size]
        return size

    def is_open(self, size: sp.Expr) -> bool:
        return str(self.found(size)).startswith("?")

    def fit(self, left: sp.Expr, right: sp.Expr) -> bool:
        """Are these sizes equal, or could they be?"""
        left, right = self.found(left), self.found(right)
        return left == right or self.is_open(left) or self.is_open(right)

    def unify(self, left: sp.Expr, right: sp.Expr) -> bool:
        """Make two sizes one, if they fit."""
        left, right = self.found(left), self.found(right)
        if left == right:
            return True
        if self.is_open(left):
            self.filled[left] = right
        elif self.is_open(right):
            self.filled[right] = left
        else:
            return False
        return True

    def text(self, *indices: sp.Symbol) -> str:
        """A shape in words: ``n x m``."""
        sizes = (self.size(index) for index in indices)
        return " x ".join("?" if self.is_open(size) else str(size) for size in sizes)
