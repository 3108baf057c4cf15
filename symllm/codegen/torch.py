"""PyTorch's spelling, and a gradient as an ``autograd.Function``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .docstrings import docstring, folded
from .function import (
    definition,
    indented,
    listed,
    module,
    returning,
    unpacked,
)
from .numpy import SCALAR_FUNCTIONS
from .pair import Pair
from .passes import passes, with_note
from .pieces import ADD, ATOM, Piece
from .target import Target, tuple_of
from .writer import WIDTH

FUNCTIONS = {
    "exp": "torch.exp({})",
    "log": "torch.log({})",
    "sqrt": "torch.sqrt({})",
    "rsqrt": "torch.rsqrt({})",
    "sin": "torch.sin({})",
    "cos": "torch.cos({})",
    "tanh": "torch.tanh({})",
    "Abs": "torch.abs({})",
    "sign": "torch.sign({})",
    "erf": "torch.erf({})",
    "Sigmoid": "torch.sigmoid({})",
    # Beyond its threshold softplus is the identity, where that is so to the last digit.
    "Softplus": "torch.nn.functional.softplus({}, threshold=40)",
    "Expm1": "torch.expm1({})",
    "Log1p": "torch.log1p({})",
    "Max": "torch.maximum({}, {})",
    "Min": "torch.minimum({}, {})",
    "Heaviside": "torch.heaviside({0}, torch.full_like({0}, 0.5))",
}
WITH_NUMBER = {"Max": "torch.clamp({}, min={})", "Min": "torch.clamp({}, max={})"}
NUMBERS = {
    **SCALAR_FUNCTIONS,
    "Sigmoid": "(math.exp(min({0}, 0)) / (1 + math.exp(-abs({0}))))",
    "Softplus": "(max({0}, 0) + math.log1p(math.exp(-abs({0}))))",
}
IMPORTS = (
    ("math.", "import math"),
    ("torch.", "import torch"),
    ("once_differentiable", "from torch.autograd.function import once_differentiable"),
)


@dataclass(frozen=True)
class Torch(Target):
    """Whatever is made, is made on the device of what was given."""

    def permuted(self, text: str, axes: str) -> str:
        return f"{text}.permute({axes})"

    def spread(self, text: str, shape: Sequence[str]) -> str:
        return f"{text}.expand({', '.join(shape)})"

    def reduce(self, method: str, piece: Piece, axes: Sequence[int], keep: bool) -> Piece:
        reduced = super().reduce("amax" if method == "max" else method, piece, axes, keep)
        return reduced.with_text(reduced.text.replace("keepdims=True)", "keepdim=True)"))

    def positions(self, size: str, like: str) -> str:
        return f"torch.arange({size}, device={like}.device)"

    def lower_triangle(self, rows: str, columns: str, strict: bool, like: str) -> str:
        return triangle("tril", rows, columns, "-1" if strict else "", like)

    def upper_triangle(self, rows: str, columns: str, strict: bool, like: str) -> str:
        return triangle("triu", rows, columns, "1" if strict else "", like)

    def where_allowed(self, condition: Piece, value: Piece) -> str:
        if condition.kind != "bool":
            condition = condition.with_text(f"{condition.tight(ADD)} != 0")
        return super().where_allowed(condition, value)

    def take(self, array: str, index: str, axis: int) -> str:
        return f"{array}[{':, ' * axis}{index}]"

    def take_along(self, array: str, index: str, axis: int) -> str:
        return f"torch.take_along_dim({array}, {index}, dim={axis})"

    def scatter(
        self, name: str, shape: Sequence[str], like: str, index: str, values: str
    ) -> Sequence[str]:
        zeros = f"{like}.new_zeros({', '.join(shape)})"
        return (f"{name} = {zeros}.index_put(({index},), {values}, accumulate=True)",)

    def split(self, text: str, parts: int, axis: int) -> str:
        return f"{text}.tensor_split({parts}{f', dim={axis}' if axis else ''})"

    def cast(self, piece: Piece, like: str) -> Piece:
        return piece.with_text(f"{piece.tight(ATOM)}.to({like}.dtype)")

    def widened(self, piece: Piece, like: str) -> Piece:
        return piece.with_text(f"{piece.tight(ATOM)}.to({self.wide.format(like)})")

    def copied(self, piece: Piece) -> Piece:
        return piece.with_text(f"{piece.tight(ATOM)}.clone()")

    def filled(self, piece: Piece, shape: Sequence[str], like: str) -> Piece:
        if piece.kind == "weak":
            return piece.with_text(f"{like}.new_full({tuple_of(shape)}, {piece.text})")
        return piece.with_text(f"{piece.tight(ATOM)}.expand({', '.join(shape)}).clone()")


def triangle(which: str, rows: str, columns: str, diagonal: str, like: str) -> str:
    ones = f"torch.ones({rows}, {columns}, dtype=torch.bool, device={like}.device)"
    return f"{ones}.{which}({diagonal})"


TORCH = Torch(
    module="torch",
    functions=FUNCTIONS,
    scalar_functions=NUMBERS,
    with_number=WITH_NUMBER,
    imports=IMPORTS,
    vecdot=False,
    bool_arithmetic=False,
    wide="torch.promote_types({}.dtype, torch.float32)",
)


def torch_gradient_source(pair: Pair, title: str, summary: str, note: str = "") -> str:
    """A module with an ``autograd.Function``, and a function that applies it.

    A ``note`` stands in both docstrings, in a paragraph of its own.
    """
    name = "".join(part.capitalize() for part in pair.name.split("_"))
    both = [autograd_class(pair, name, title, note), applied(pair, name, title, note)]
    return module(TORCH, both)


def autograd_class(pair: Pair, name: str, title: str, note: str) -> str:
    width = WIDTH - 8
    both = passes(TORCH, pair, width)
    # What is no tensor is saved by name: PyTorch would refuse it.
    tensors = [t.name for t in pair.saved if t.dims or t.differentiable]
    others = [name for name in both.saved if name not in tensors]
    save, load = [f"ctx.{n} = {n}" for n in others], [f"{n} = ctx.{n}" for n in others]
    if tensors:
        save = [*listed("ctx.save_for_backward(", tensors, ")", width), *save]
        load = [*unpacked(tensors, "ctx.saved_tensors", width), *load]
    forward = definition(
        "forward",
        ["ctx", *(t.name for t in pair.inputs)],
        [*both.forward.statements, *save, f"return {both.outputs}"],
        WIDTH - 4,
    )
    backward = definition(
        "backward",
        ["ctx", *(t.name for t in pair.upstream)],
        [*load, *both.backward.statements, *returning(both.gradients, width)],
        WIDTH - 4,
    )
    rows = [
        *words(with_note(f"{title}, and its gradient in closed form.", note)),
        "",
        "@staticmethod",
        *forward.splitlines(),
        "",
        "@staticmethod",
        "@once_differentiable",
        *backward.splitlines(),
    ]
    return "\n".join([f"class {name}(torch.autograd.Function):", *indented(rows)])


def words(doc: str) -> list[str]:
    """A docstring: on one row, or on several."""
    first, *rest = [row for line in doc.splitlines() for row in folded(line)]
    row = f'"""{first}"""'
    return [f'"""{first}', *rest, '"""'] if rest or len(row) > WIDTH - 4 else [row]


def applied(pair: Pair, name: str, title: str, note: str) -> str:
    arguments = [t.name for t in pair.inputs]
    outputs = [pair.forward.tensors[name] for name in pair.outputs]
    rows = [
        *docstring(with_note(title + ".", note), pair.inputs, outputs),
        *listed(f"return {name}.apply(", arguments, ")", WIDTH - 4),
    ]
    return definition(pair.name, arguments, rows)
