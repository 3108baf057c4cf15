"""NumPy's spelling, and the source of one function."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from textwrap import wrap

import sympy as sp

from ..errors import OpError
from ..notation import Dim, Tensor
from ..program import Program
from .contraction import Indices, Plan
from .layout import present
from .lines import Line, lines_of, names_in
from .pieces import ATOM, MUL, NEGATE, Piece, wrapped
from .sharing import shared
from .stability import stable
from .writer import WIDTH, body_of

LETTERS = "abcdefghijklmnopqrstuvwxyz"


FUNCTIONS = {
    "exp": "np.exp({})",
    "log": "np.log({})",
    "sqrt": "np.sqrt({})",
    "sin": "np.sin({})",
    "cos": "np.cos({})",
    "tanh": "np.tanh({})",
    "Abs": "np.abs({})",
    "sign": "np.sign({})",
    "erf": "erf({})",
    "Sigmoid": "expit({})",
    "Softplus": "np.logaddexp(0, {})",
    "Expm1": "np.expm1({})",
    "Log1p": "np.log1p({})",
    "Max": "np.maximum({}, {})",
    "Min": "np.minimum({}, {})",
    "Heaviside": "np.heaviside({}, 0.5)",
}
SCALAR_FUNCTIONS = {
    "exp": "math.exp({})",
    "log": "math.log({})",
    "sqrt": "math.sqrt({})",
    "sin": "math.sin({})",
    "cos": "math.cos({})",
    "tanh": "math.tanh({})",
    "Abs": "abs({})",
    "erf": "math.erf({})",
    "Sigmoid": "float(expit({}))",
    "Softplus": "float(np.logaddexp(0, {}))",
    "Expm1": "math.expm1({})",
    "Log1p": "math.log1p({})",
    "Max": "max({}, {})",
    "Min": "min({}, {})",
}
OPERATORS = {
    "+": "np.add({0}, {1}, out={into})",
    "-": "np.subtract({0}, {1}, out={into})",
    "*": "np.multiply({0}, {1}, out={into})",
    "/": "np.divide({0}, {1}, out={into})",
}


class NumPy:
    """Arrays of NumPy 2; special functions are SciPy's."""

    functions = FUNCTIONS
    scalar_functions = SCALAR_FUNCTIONS
    operators = OPERATORS
    in_place = True

    def transpose(self, piece: Piece, order: Indices) -> Piece:
        own = present(piece.slots)
        if order[:-2] == own[:-2] and order[-2:] == own[-2:][::-1]:
            text = f"{piece.tight(ATOM)}.{'T' if len(own) == 2 else 'mT'}"
        else:
            axes = ", ".join(str(own.index(s)) for s in order)
            text = f"{piece.tight(ATOM)}.transpose({axes})"
        return replace(piece, text=text, slots=order, level=ATOM)

    def reduce(self, method: str, piece: Piece, axes: Sequence[int], keep: bool) -> Piece:
        axis = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
        arguments = ([axis] if axes else []) + (["keepdims=True"] if keep else [])
        return Piece(f"{piece.tight(ATOM)}.{method}({', '.join(arguments)})")

    def finite(self, piece: Piece) -> Piece:
        return piece.with_text(f"np.nan_to_num({piece.text})")

    def contract(self, plan: Plan, operands: Sequence[Piece], sizes: Sequence[str]) -> Piece:
        parts = [operands[k] for k in plan.order]
        if plan.kind in ("dot", "matmul"):
            left, right = (
                self.swapped(part) if swap else part
                for part, swap in zip(parts, plan.transposed, strict=True)
            )
            return Piece(f"{left.tight(MUL)} @ {right.tight(NEGATE)}", level=MUL)
        if plan.kind == "rows":
            return Piece(f"np.vecdot({parts[0].text}, {parts[1].text})")
        if plan.kind == "flat":
            rows = [
                f"{part.tight(ATOM)}.reshape(-1, {size})"
                for part, size in zip(parts, sizes, strict=True)
            ]
            return Piece(f"{rows[0]}.T @ {rows[1]}", level=MUL)
        if plan.kind == "tensordot":
            return Piece(f"np.tensordot({parts[0].text}, {parts[1].text}, {plan.axes})")
        letters = letters_for([present(part.slots) for part in parts])
        terms = ",".join("".join(letters[s] for s in present(part.slots)) for part in parts)
        result = "".join(letters[s] for s in plan.result)
        return Piece(f'np.einsum("{terms}->{result}", {", ".join(p.text for p in parts)})')

    def swapped(self, piece: Piece) -> Piece:
        *lead, i, j = present(piece.slots)
        return self.transpose(piece, (*lead, j, i))

    def positions(self, size: str) -> str:
        return f"np.arange({size})"

    def lower_triangle(self, rows: str, columns: str, strict: bool) -> str:
        size = rows if rows == columns else f"{rows}, {columns}"
        diagonal = ", k=-1" if strict else ""
        return f"np.tri({size}{diagonal}, dtype=bool)"

    def where_allowed(self, condition: str, value: str) -> str:
        return f"np.where({condition}, {value}, -np.inf)"

    def forbid(self, name: str, condition: str) -> str:
        return f"np.copyto({name}, -np.inf, where={condition})"

    def into(self, function: str, name: str) -> str:
        return function.format(f"{name}, out={name}")

    def take(self, array: str, index: str, axis: int) -> str:
        return f"{array}[{index}]" if axis == 0 else f"np.take({array}, {index}, axis={axis})"

    def take_along(self, array: str, index: str, axis: int) -> str:
        return f"np.take_along_axis({array}, {index}, axis={axis})"

    def scatter(
        self, name: str, shape: Sequence[str], like: str, index: str, values: str
    ) -> tuple[str, str]:
        sizes = ", ".join(shape) + ("," if len(shape) == 1 else "")
        return (
            f"{name} = np.zeros(({sizes}), dtype={like}.dtype)",
            f"np.add.at({name}, {index}, {values})",
        )

    def cast(self, piece: Piece, like: str) -> Piece:
        return piece.with_text(f"{piece.tight(ATOM)}.astype({like}.dtype)")

    def filled(self, text: str, shape: str) -> str:
        return f"np.broadcast_to({text}, ({shape},)).copy()"

    def copied(self, text: str) -> str:
        return f"{text}.copy()"


def letters_for(operands: Sequence[Indices]) -> dict[sp.Symbol, str]:
    """One letter for each index: its own where it is one."""
    indices = list(dict.fromkeys(s for operand in operands for s in operand))
    letters = {s: str(s) for s in indices if str(s) in LETTERS and len(str(s)) == 1}
    spare = (c for c in LETTERS if c not in letters.values())
    return {s: letters[s] if s in letters else next(spare) for s in indices}


IMPORTS = (
    ("math.", "import math"),
    ("np.", "import numpy as np"),
    ("erf(", "from scipy.special import erf"),
    ("expit(", "from scipy.special import expit"),
)


def numpy_source(
    program: Program,
    function: str,
    doc: str = "",
    defaults: Mapping[str, float] | None = None,
) -> str:
    """A module with one NumPy function of the program's inputs that its outputs need.

    ``doc`` opens the docstring; ``defaults`` gives inputs default values.
    """
    defaults = defaults or {}
    outputs = program.outputs
    lines = simplified(program)
    mentioned = {name for line in lines for name in names_in(line.value)}
    body = body_of(lines, program.inputs, outputs, NumPy())
    reshaped = [t for t in program.inputs if t.merged and t.name in mentioned]
    reshaped += [t for t in map(program.tensors.__getitem__, outputs) if t.merged]
    needed = {d.name for t in reshaped for d in t.dims if d.size is None}
    named = (size for size in (*body.sizes, *sorted(needed)) if not size.isdigit())
    wanted = dict.fromkeys(named)
    sizes, measured = size_statements(tuple(wanted), program.inputs, mentioned)
    statements = [f"    {s}" for s in (*sizes, *unfolded(program.inputs, mentioned))]
    for statement in body.statements:
        rows = wrapped(statement.text, "    ", WIDTH)
        if statement.comment:
            rows[-1] += f"  # {statement.comment}"
        statements += rows
    # An input may also be there for its shape or its dtype alone.
    written = set(re.findall(r"\w+", " ".join(statement.text for statement in body.statements)))
    arguments = [t for t in program.inputs if t.name in mentioned | measured | written]
    signature = [
        f"{t.name}={defaults[t.name]!r}" if t.name in defaults else t.name for t in arguments
    ]
    head = f"def {function}({', '.join(signature)}):"
    if len(head) > WIDTH:
        rows = wrap(", ".join(signature), WIDTH - 4)
        head = "\n".join([f"def {function}(", *(f"    {row}" for row in rows), "):"])
    source = [
        head,
        *docstring(doc, arguments, [program.tensors[name] for name in outputs]),
        *statements,
        *returned(outputs, program.tensors),
    ]
    text = "\n".join(source)
    code = "\n".join([head, *statements])
    imports = [line for use, line in IMPORTS if mentions(code, use)]
    standard = [line for line in imports if line == "import math"]
    others = [line for line in imports if line != "import math"]
    blocks = ["\n".join(block) for block in (standard, others) if block]
    return "\n\n".join([*blocks, "\n" + text if blocks else text]) + "\n"


def simplified(program: Program) -> tuple[Line, ...]:
    """The program's lines, made stable, with equal parts shared."""
    lines = stable(lines_of(program), program.inputs, program.outputs)
    taken = {t.name for t in program.inputs} | {line.name for line in lines}
    taken |= {dim.name for dim in program.dims}
    return shared(lines, program.outputs, taken)


def mentions(code: str, use: str) -> bool:
    """Does a name begin there, not just end?"""
    return any(
        code.startswith(use, k) and not (code[k - 1].isalnum() or code[k - 1] in "._")
        for k in range(1, len(code))
    )


def size_statements(
    sizes: Sequence[str], inputs: Sequence[Tensor], mentioned: set[str]
) -> tuple[list[str], set[str]]:
    """Statements that read the sizes off the shapes of inputs, and the inputs they read."""
    wanted = set(sizes)
    statements: list[str] = []
    measured: set[str] = set()

    def plain(tensor: Tensor) -> list[str]:
        """The dimension of each axis that holds one alone."""
        return [axis[0].name if len(axis) == 1 else "" for axis in tensor.axes]

    def use(tensor: Tensor) -> tuple[bool, int]:
        return tensor.name in mentioned, len(wanted & {*plain(tensor)})

    while wanted:
        tensor = max(inputs, key=use)
        names = plain(tensor)
        here = [name for name in dict.fromkeys(names) if name in wanted]
        if not here:
            tensor = next((t for t in inputs if use(t)[1]), tensor)
            names = plain(tensor)
            here = [name for name in dict.fromkeys(names) if name in wanted]
        if not here:
            name, text = divided(inputs, wanted, sizes)
            wanted.discard(name)
            statements.append(text)
            continue
        measured.add(tensor.name)
        wanted -= set(here)
        if len(here) > 1 and names == here:
            statements.append(f"{', '.join(here)} = {tensor.name}.shape")
        elif len(here) > 1 and names[-len(here) :] == here:
            statements.append(f"{', '.join(here)} = {tensor.name}.shape[-{len(here)}:]")
        elif len(here) > 1 and names[: len(here)] == here:
            statements.append(f"{', '.join(here)} = {tensor.name}.shape[:{len(here)}]")
        else:
            for name in here:
                axis = -1 if names[-1] == name else names.index(name)
                statements.append(f"{name} = {tensor.name}.shape[{axis}]")
    return statements, measured


def divided(inputs: Sequence[Tensor], wanted: set[str], known: Sequence[str]) -> tuple[str, str]:
    """A size, and the statement that finds it: an axis' length over the others that it holds."""
    for tensor in inputs:
        for axis, dims in enumerate(tensor.axes):
            missing = [d.name for d in dims if d.name in wanted]
            others = [d.name for d in dims if d.name not in wanted]
            if len(missing) == 1 and all(o.isdigit() or o in known for o in others):
                by = "*".join(others) if len(others) == 1 else f"({'*'.join(others)})"
                at = axis if axis < len(tensor.axes) - 1 else -1
                return missing[0], f"{missing[0]} = {tensor.name}.shape[{at}] // {by}"
    raise OpError(f"no input has the dimension {', '.join(sorted(wanted))}")


def docstring(doc: str, arguments: Sequence[Tensor], outputs: Sequence[Tensor]) -> list[str]:
    """What the function computes, and the shapes of what it takes and returns."""
    words = doc.strip() or f"Compute {', '.join(t.name for t in outputs)}."
    body = [row for line in words.splitlines() for row in folded(line)] + [""]
    body += [f"{t.name}: {shape(t)}" for t in arguments]
    body += ["", "Returns", *(f"    {t.name}: {shape(t)}" for t in outputs)]
    body = [line.replace("\\", "\\\\").replace('"""', "'''") for line in body]
    return ['    """' + body[0], *(f"    {line}".rstrip() for line in body[1:]), '    """']


def folded(line: str) -> list[str]:
    """A line of prose or of a formula on as many rows as it needs."""
    indent = " " * (len(line) - len(line.lstrip()))
    return wrap(line, WIDTH - 8, subsequent_indent=indent + "    ") or [""]


def shape(tensor: Tensor) -> str:
    text = tensor.shape_text if tensor.dims else "scalar"
    if isinstance(tensor.domain, Dim):
        return f"{text}, integers from 0 to {tensor.domain.name} - 1"
    return text + DOMAINS.get(tensor.domain, "")


#: What a docstring says of where a tensor's entries lie.
DOMAINS = {
    "distribution": ", sums to 1",
    "positive": ", positive",
    "unit": ", between 0 and 1",
    "binary": ", zeros and ones",
}


def returned(outputs: Sequence[str], tensors: Mapping[str, Tensor]) -> list[str]:
    """The last statement: one array, or several by name, a row for each where one is too long."""
    values = [folded_back(tensors[name]) for name in outputs]
    if len(outputs) == 1:
        return [f"    return {values[0]}"]
    pairs = [f'"{name}": {value}' for name, value in zip(outputs, values, strict=True)]
    row = f"    return {{{', '.join(pairs)}}}"
    return (
        [row] if len(row) <= WIDTH else ["    return {", *(f"        {p}," for p in pairs), "    }"]
    )


def unfolded(inputs: Sequence[Tensor], mentioned: set[str]) -> list[str]:
    """Statements that give arrays whose axes hold several dimensions one axis for each."""
    return [
        f"{t.name} = {t.name}.reshape({', '.join(d.name for d in t.dims)})"
        for t in inputs
        if t.merged and t.name in mentioned
    ]


def folded_back(tensor: Tensor) -> str:
    """An output in the axes of its array."""
    if not tensor.merged:
        return tensor.name
    sizes = ["*".join(d.name for d in axis) for axis in tensor.axes]
    return f"{tensor.name}.reshape({', '.join(sizes)})"
