"""What differs between libraries of arrays: names, and a few idioms.

The writer decides what to say, a target how it is spelled. The libraries
follow NumPy closely, so that its spelling is what is inherited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import sympy as sp

from .contraction import Indices, Plan
from .layout import present
from .pieces import ATOM, MUL, NEGATE, Piece

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Statement:
    text: str
    comment: str = ""


@dataclass(frozen=True)
class Target:
    """A library that computes with arrays as NumPy does.

    Texts with braces are templates: ``"np.exp({})"``.
    """

    #: What the library is called in code: ``np``.
    module: str
    #: Functions by the name of the SymPy class, for arrays and for Python's numbers.
    functions: Mapping[str, str]
    scalar_functions: Mapping[str, str]
    #: What a text in the code needs, in the order of import statements.
    imports: tuple[tuple[str, str], ...]
    #: Functions of an array and one of Python's numbers, where they have a name of their own.
    with_number: Mapping[str, str] = field(default_factory=dict)
    #: Are there dot products of rows that make no array of the products?
    vecdot: bool = True
    #: May truth values be subtracted and multiplied as matrices?
    bool_arithmetic: bool = True
    #: The dtype of tables made of positions, by that of the data; empty where it is the same.
    wide: str = ""
    #: An operator as a function into its first operand's array, and how else a function
    #: writes into arrays that it made itself; empty where it should not.
    operators: Mapping[str, str] = field(default_factory=dict)
    forbid: str = ""
    into: str = ""

    @property
    def in_place(self) -> bool:
        return bool(self.operators)

    # -- axes -----------------------------------------------------------------

    def transpose(self, piece: Piece, order: Indices) -> Piece:
        own = present(piece.slots)
        if order[:-2] == own[:-2] and order[-2:] == own[-2:][::-1]:
            text = f"{piece.tight(ATOM)}.{'T' if len(own) == 2 else 'mT'}"
        else:
            text = self.permuted(piece.tight(ATOM), ", ".join(str(own.index(s)) for s in order))
        return replace(piece, text=text, slots=order, level=ATOM)

    def permuted(self, text: str, axes: str) -> str:
        return f"{text}.transpose({axes})"

    def spread(self, text: str, shape: Sequence[str]) -> str:
        """The array at this shape, where it has an axis of size one: no copy."""
        return f"{self.module}.broadcast_to({text}, {tuple_of(shape)})"

    def reduce(self, method: str, piece: Piece, axes: Sequence[int], keep: bool) -> Piece:
        axis = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
        arguments = ([axis] if axes else []) + (["keepdims=True"] if keep else [])
        return Piece(f"{piece.tight(ATOM)}.{method}({', '.join(arguments)})")

    def finite(self, piece: Piece) -> Piece:
        return piece.with_text(f"{self.module}.nan_to_num({piece.text})")

    # -- products -------------------------------------------------------------

    def contract(self, plan: Plan, operands: Sequence[Piece], sizes: Sequence[str]) -> Piece:
        parts = [operands[k] for k in plan.order]
        if plan.kind in ("dot", "matmul"):
            left, right = (
                self.swapped(part) if swap else part
                for part, swap in zip(parts, plan.transposed, strict=True)
            )
            return Piece(f"{left.tight(MUL)} @ {right.tight(NEGATE)}", level=MUL)
        if plan.kind == "rows":
            return Piece(f"{self.module}.vecdot({parts[0].text}, {parts[1].text})")
        if plan.kind == "flat":
            rows = [
                f"{part.tight(ATOM)}.reshape(-1, {size})"
                for part, size in zip(parts, sizes, strict=True)
            ]
            return Piece(f"{rows[0]}.T @ {rows[1]}", level=MUL)
        texts = ", ".join(part.text for part in parts)
        if plan.kind == "tensordot":
            return Piece(f"{self.module}.tensordot({texts}, {plan.axes})")
        letters = letters_for([present(part.slots) for part in parts])
        terms = ",".join("".join(letters[s] for s in present(part.slots)) for part in parts)
        result = "".join(letters[s] for s in plan.result)
        return Piece(f'{self.module}.einsum("{terms}->{result}", {texts})')

    def swapped(self, piece: Piece) -> Piece:
        *lead, i, j = present(piece.slots)
        return self.transpose(piece, (*lead, j, i))

    # -- positions, masks, entries that are looked up ---------------------------

    def positions(self, size: str, like: str) -> str:
        return f"{self.module}.arange({size})"

    def lower_triangle(self, rows: str, columns: str, strict: bool, like: str) -> str:
        """Where the column is at most the row; less than the row, if strict."""
        size = rows if rows == columns else f"{rows}, {columns}"
        diagonal = ", k=-1" if strict else ""
        return f"{self.module}.tri({size}{diagonal}, dtype=bool)"

    def upper_triangle(self, rows: str, columns: str, strict: bool, like: str) -> str:
        return f"~{self.lower_triangle(rows, columns, not strict, like)}"

    def where_allowed(self, condition: Piece, value: Piece) -> str:
        return f"{self.module}.where({condition.text}, {value.text}, -{self.module}.inf)"

    def take(self, array: str, index: str, axis: int) -> str:
        if axis == 0:
            return f"{array}[{index}]"
        return f"{self.module}.take({array}, {index}, axis={axis})"

    def take_along(self, array: str, index: str, axis: int) -> str:
        return f"{self.module}.take_along_axis({array}, {index}, axis={axis})"

    def scatter(
        self, name: str, shape: Sequence[str], like: str, index: str, values: str
    ) -> Sequence[str]:
        """Statements that make an array of zeros with the values added at the index."""
        raise NotImplementedError

    # -- whole arrays -----------------------------------------------------------

    def split(self, text: str, parts: int, axis: int) -> str:
        """Views of equal size, side by side along an axis."""
        along = f", axis={axis}" if axis else ""
        return f"{self.module}.split({text}, {parts}{along})"

    def cast(self, piece: Piece, like: str) -> Piece:
        return piece.with_text(f"{piece.tight(ATOM)}.astype({like}.dtype)")

    def widened(self, piece: Piece, like: str) -> Piece:
        return piece.with_text(f"{piece.tight(ATOM)}.astype({self.wide.format(like)})")

    def copied(self, piece: Piece) -> Piece:
        return piece.with_text(f"{piece.tight(ATOM)}.copy()")

    def filled(self, piece: Piece, shape: Sequence[str], like: str) -> Piece:
        return piece.with_text(
            f"{self.module}.broadcast_to({piece.text}, {tuple_of(shape)}).copy()"
        )


def tuple_of(items: Sequence[str]) -> str:
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def letters_for(operands: Sequence[Indices]) -> dict[sp.Symbol, str]:
    """One letter for each index: its own where it is one."""
    indices = list(dict.fromkeys(s for operand in operands for s in operand))
    letters = {s: str(s) for s in indices if str(s) in LETTERS and len(str(s)) == 1}
    spare = (c for c in LETTERS if c not in letters.values())
    return {s: letters[s] if s in letters else next(spare) for s in indices}
