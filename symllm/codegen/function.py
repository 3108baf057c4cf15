"""A let-program as the statements of a function, and functions as a module."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from textwrap import wrap

from ..errors import OpError
from ..notation import Tensor
from ..program import Program
from .docstrings import docstring
from .layout import Axes
from .lines import Line, lines_of
from .pieces import wrapped
from .sharing import lookups_first, shared, statistics_inside
from .stability import stable
from .target import Target
from .writer import WIDTH, body_of


@dataclass(frozen=True)
class Body:
    """The statements of a function, without indentation, and the inputs that they need."""

    arguments: tuple[Tensor, ...]
    statements: tuple[str, ...]
    #: How those of the program's outputs lie that are not returned to the user.
    axes: Mapping[str, Axes]


def function_body(
    target: Target,
    program: Program,
    width: int = WIDTH - 4,
    kept: Sequence[str] = (),
    given: Mapping[str, Axes] | None = None,
) -> Body:
    """The statements that compute the program's outputs, each at most ``width`` wide.

    Outputs that are ``kept`` for other code to use lie as they are met most;
    ``given`` says it of inputs that were kept so.
    """
    lines = simplified(program, target.in_place)
    mentioned = {name for line in lines for name in line.mentioned}
    body = body_of(lines, program.inputs, program.outputs, target, width, kept, given or {})
    merged = [t for t in program.inputs if t.merged and t.name in mentioned]
    results = [program.tensors[name] for name in program.outputs if name not in kept]
    results = [t for t in results if t.merged]
    folded = sorted({d.name for t in (*merged, *results) for d in t.dims})
    wanted = [n for n in dict.fromkeys((*body.sizes, *folded)) if not n.isdigit()]
    sizes, measured = size_statements(wanted, program.inputs, mentioned)
    statements = [*sizes, *map(unfolded, merged)]
    for statement in body.statements:
        rows = wrapped(statement.text, "", width)
        if statement.comment:
            rows[-1] += f"  # {statement.comment}"
        statements += rows
    statements += map(folded_back, results)
    # An input may also be there for its shape or its dtype alone.
    written = set(re.findall(r"\w+", " ".join(statement.text for statement in body.statements)))
    arguments = [t for t in program.inputs if t.name in mentioned | measured | written]
    return Body(tuple(arguments), tuple(statements), body.axes)


#: A docstring's rows: what a function computes in words, what it takes and what it returns.
Docstring = Callable[[str, Sequence[Tensor], Sequence[Tensor]], list[str]]


def function_source(
    target: Target, program: Program, function: str, doc: str = "", said: Docstring = docstring
) -> str:
    """A module with one function of the program's inputs that its outputs need.

    ``doc`` opens the docstring, which is written as ``said``.
    """
    body = function_body(target, program)
    outputs = [program.tensors[name] for name in program.outputs]
    text = definition(
        function,
        [t.name for t in body.arguments],
        [
            *said(doc, body.arguments, outputs),
            *body.statements,
            *returning_by_name(program.outputs, WIDTH - 4),
        ],
    )
    return module(target, [text])


def unfolded(tensor: Tensor) -> str:
    """An array whose axes hold several dimensions gets one axis for each."""
    return f"{tensor.name} = {tensor.name}.reshape({', '.join(d.name for d in tensor.dims)})"


def folded_back(tensor: Tensor) -> str:
    """And an output gets back the axes of its array."""
    sizes = ("*".join(d.name for d in axis) for axis in tensor.axes)
    return f"{tensor.name} = {tensor.name}.reshape({', '.join(sizes)})"


def definition(
    function: str, arguments: Sequence[str], body: Sequence[str], width: int = WIDTH
) -> str:
    """A function with this body."""
    head = listed(f"def {function}(", arguments, "):", width)
    return "\n".join([*head, *indented(body)])


def listed(opening: str, names: Sequence[str], closing: str, width: int) -> list[str]:
    """Names in brackets, on rows of their own where one row is too short.

    Names are wrapped; where some are expressions, each has a row.
    """
    row = f"{opening}{', '.join(names)}{closing}"
    if len(row) <= width:
        return [row]
    if any("[" in name or "(" in name for name in names):
        return [opening, *indented([f"{name}," for name in names]), closing]
    return [opening, *indented(wrap(", ".join(names), width - 4)), closing]


def unpacked(names: Sequence[str], value: str, width: int) -> list[str]:
    """An assignment of a tuple to its names."""
    row = f"{', '.join(names)} = {value}"
    if len(names) > 1 and len(row) <= width:
        return [row]
    return listed("(", several(names), f") = {value}", width)


def several(names: Sequence[str]) -> Sequence[str]:
    """The names of a tuple."""
    return [f"{names[0]},"] if len(names) == 1 else names


def returning(values: Sequence[str], width: int) -> list[str]:
    """The last statement: the value, or several as a tuple."""
    row = f"return {', '.join(values)}"
    return [row] if len(row) <= width else listed("return (", values, ")", width)


def indented(rows: Sequence[str]) -> list[str]:
    return [f"    {row}".rstrip() for row in rows]


def module(target: Target, definitions: Sequence[str]) -> str:
    """Functions and classes, after the imports that they need."""
    code = "\n".join(re.sub(r'""".*?"""', "", text, flags=re.DOTALL) for text in definitions)
    imports = [line for use, line in target.imports if mentions(code, use)]
    standard = [line for line in imports if line == "import math"]
    others = [line for line in imports if line != "import math"]
    blocks = ["\n".join(block) for block in (standard, others) if block]
    text = "\n\n\n".join(definitions)
    return "\n\n".join([*blocks, "\n" + text if blocks else text]) + "\n"


def simplified(program: Program, in_place: bool) -> tuple[Line, ...]:
    """The program's lines, made stable, with equal parts shared, and what lets arrays be reused."""
    lines = stable(lines_of(program), program.inputs, program.outputs)
    taken = {t.name for t in program.inputs} | {line.name for line in lines}
    taken |= {dim.name for dim in program.dims}
    lines = shared(lines, program.outputs, taken)
    if not in_place:
        return lines
    return statistics_inside(lookups_first(lines, taken), program.outputs)


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


def returning_by_name(outputs: Sequence[str], width: int) -> list[str]:
    """The last statement: one array, or several by name, a row for each where one is too long."""
    if len(outputs) == 1:
        return [f"return {outputs[0]}"]
    pairs = [f'"{name}": {name}' for name in outputs]
    row = f"return {{{', '.join(pairs)}}}"
    return [row] if len(row) <= width else ["return {", *(f"    {pair}," for pair in pairs), "}"]
