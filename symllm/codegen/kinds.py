"""How numbers of different kinds meet: none raises the precision of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..notation import Tensor
from .pieces import NumberKind, Piece
from .target import Target


def kind_of_input(target: Target, tensor: Tensor) -> NumberKind:
    if tensor.integer:
        return "int"
    if tensor.role != "constant":
        return "float"
    return ("given" if target.wide else "float") if tensor.dims else "weak"


def as_float(target: Target, like: str, piece: Piece) -> Piece:
    """A piece in the precision of the data."""
    return replace(target.cast(piece, like), kind="float")


def as_wide(target: Target, like: str, piece: Piece) -> Piece:
    """A piece in single precision at least, where the target keeps tables so."""
    if not target.wide:
        return as_float(target, like, piece)
    return replace(target.widened(piece, like), kind="wide")


def agreed(target: Target, like: str, pieces: Sequence[Piece]) -> list[Piece]:
    """Pieces that may meet in arithmetic.

    Tables that are made of positions and constants keep their own precision
    until they meet data: the angle of a large position has no digit right
    in half precision.
    """
    if len(pieces) < 2:
        return list(pieces)
    kinds = {piece.kind for piece in pieces}
    change = as_float if "float" in kinds else as_wide
    found = [change(target, like, p) if p.kind == "int" else p for p in pieces]
    kinds = {piece.kind for piece in found}
    if kinds.isdisjoint({"float", "wide"}):
        found = [as_float(target, like, p) if p.kind == "bool" else p for p in found]
        kinds = {piece.kind for piece in found}
    if "float" in kinds:
        found = [as_float(target, like, p) if p.kind == "wide" else p for p in found]
    return found


def multiplied(target: Target, like: str, pieces: Sequence[Piece]) -> list[Piece]:
    """The same for operands of products of matrices, which are all of one kind."""
    kinds = {piece.kind for piece in pieces}
    wide = "wide" in kinds and "float" not in kinds
    exact = "float" not in kinds or not target.bool_arithmetic
    change = as_wide if wide else as_float
    fitting = {"float", "weak", "wide" if wide else "given", *(() if exact else ("bool",))}
    return [p if p.kind in fitting else change(target, like, p) for p in pieces]
