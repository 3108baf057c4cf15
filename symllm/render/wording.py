"""What is given and what is asked, in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sympy as sp

from ..notation import LOSS, Dim, Partial, Tensor
from .latex import latex
from .names import name_parts
from .printer import Printer, Style
from .steps import capitalised
from .subject import Definition, Derivation, asked_for


def given(op: Definition) -> str:
    """``For $x \\in \\mathbb{R}^{d}$, with parameters ...``: the inputs and where they live."""
    known = tuple(op.program.tensors)
    phrases = []
    for role, forms in ROLES.items():
        group = [t for t in op.inputs.values() if t.role == role]
        places: dict[str, list[str]] = {}
        for tensor in group:
            places.setdefault(place(tensor), []).append(latex(tensor_name(tensor), Style(known)))
        said = [f"${', '.join(names)} {where}$" for where, names in places.items()]
        if said:
            phrases.append(forms[len(group) > 1].format(listed(said)))
    source = f" ({op.source})" if op.source else ""
    words = re.sub("^and ", "for ", " ".join(phrases))  # there may be no data, only targets
    return capitalised(words) + source + ":"


ROLES = {
    "data": ("for {}", "for {}"),
    "target": ("and the given {}", "and the given {}"),
    "parameter": ("with the parameter {}", "with parameters {}"),
    "constant": ("and the constant {}", "and constants {}"),
}


def tensor_name(tensor: Tensor) -> Any:
    return sp.Symbol(tensor.name)


def place(tensor: Tensor) -> str:
    shape = r" \times ".join(str(name_parts(dim.name)) for dim in tensor.dims)
    power = f"^{{{shape}}}" if shape else ""
    if isinstance(tensor.domain, Dim):
        return rf"\in \{{1, \dots, {name_parts(tensor.domain.name)}\}}{power}"
    if tensor.domain == "positive" and not shape:
        return "> 0"
    return rf"\in {SETS.get(tensor.domain, SETS['real'])}{power}"


SETS = {
    "real": r"\mathbb{R}",
    "positive": r"\mathbb{R}_{+}",
    "unit": "(0, 1)",
    "distribution": r"\mathbb{R}_{+}",
    "binary": r"\{0, 1\}",
}


def listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def question(derivation: Derivation, style: Style) -> str:
    """The question in words."""
    p = Printer(replace(style, slashed=True))
    program = derivation.op.program
    asked = [f"${p(q)}$" for q in asked_for(derivation)]
    what = f"what {'is' if len(asked) == 1 else 'are'} {listed(asked)}?"
    declared = [f for f in derivation.facts if f.declared]
    known = "".join(f" It is given that ${p(f.lhs)} = {p(f.rhs)}$." for f in declared)
    outputs = [program.tensors[name] for name in program.outputs]
    if derivation.kind != "gradient":
        return capitalised(what) + known
    if len(outputs) == 1 and not outputs[0].dims:
        loss = p.name(outputs[0].name)
        take = (
            ""
            if outputs[0].name == str(LOSS)
            else f"Take ${loss}$ itself as the loss, $L = {loss}$: "
        )
        return (take + what if take else capitalised(what)) + known
    if derivation.unit:
        (entry,) = (program.entry_of[name] for name in program.outputs)
        return f"Take the sum of all ${p(entry)}$ as the loss $L$: {what}{known}"
    upstream = []
    for output in outputs:
        entry = program.entry_of[output.name]
        gradient = entry.func(f"d{output.name}", *entry.args[1:])
        upstream.append(f"${p(gradient)} = {p(Partial(LOSS, entry))}$")
    return f"Given {listed(upstream)}, for whatever loss $L$ comes after, {what}{known}"
