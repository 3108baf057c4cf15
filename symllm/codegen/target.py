"""What a target language must be able to spell; the writer decides what to say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .contraction import Indices, Plan
from .pieces import Piece


class Target(Protocol):
    """NumPy, or something that computes with arrays as NumPy does."""

    #: Function names by the name of the SymPy class, for arrays and for Python's numbers.
    @property
    def functions(self) -> Mapping[str, str]: ...

    @property
    def scalar_functions(self) -> Mapping[str, str]: ...

    #: An operator as a function that writes into its first operand's array.
    @property
    def operators(self) -> Mapping[str, str]: ...

    #: May a function write into arrays that it made itself?
    in_place: bool

    def transpose(self, piece: Piece, order: Indices) -> Piece: ...

    def reduce(self, method: str, piece: Piece, axes: Sequence[int], keep: bool) -> Piece: ...

    def finite(self, piece: Piece) -> Piece: ...

    def contract(self, plan: Plan, operands: Sequence[Piece], sizes: Sequence[str]) -> Piece: ...

    def positions(self, size: str) -> str: ...

    def lower_triangle(self, rows: str, columns: str, strict: bool) -> str: ...

    def where_allowed(self, condition: str, value: str) -> str: ...

    def forbid(self, name: str, condition: str) -> str: ...

    def into(self, function: str, name: str) -> str: ...

    def take(self, array: str, index: str, axis: int) -> str: ...

    def take_along(self, array: str, index: str, axis: int) -> str: ...

    def scatter(
        self, name: str, shape: Sequence[str], like: str, index: str, values: str
    ) -> Sequence[str]: ...

    def cast(self, piece: Piece, like: str) -> Piece: ...

    def copied(self, text: str) -> str: ...

    def filled(self, text: str, shape: str) -> str: ...


@dataclass(frozen=True)
class Statement:
    text: str
    comment: str = ""
