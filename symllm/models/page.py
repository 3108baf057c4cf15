"""A whole model as a page: three equations, a recurrence, a table of the checkpoint's arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import sympy as sp

from ..derivation import Derivation
from ..equation import Let
from ..expressions import rename_entries
from ..notation import Layer, entry
from ..program import lowered
from ..render.flavour import Flavour, flavour_of
from ..render.page import rows
from ..render.printer import PLAIN, Printer
from .architecture import HEAD, Architecture


class ModelGradient(Protocol):
    """What the page needs to know of a model's gradient."""

    @property
    def model(self) -> Architecture: ...
    @property
    def head(self) -> Derivation: ...
    @property
    def layer(self) -> Derivation: ...
    @property
    def top(self) -> tuple[sp.Expr, sp.Expr]: ...
    @property
    def recurrence(self) -> Let: ...
    @property
    def results(self) -> Mapping[str, tuple[Let, ...]]: ...
    def at_layer(self, let: Let) -> Let: ...
    def placed(self, let: Let, stage: str) -> Let: ...
    def verify(self) -> Any: ...


def model_markdown(gradient: ModelGradient, flavour: str | Flavour = "github") -> str:
    """The page; it raises ``VerificationError`` if anything on it does not verify."""
    certificate = gradient.verify()
    f = flavour_of(flavour)
    return "\n\n".join([*sections(gradient, f, certificate)]) + "\n"


def sections(gradient: ModelGradient, f: Flavour, certificate: Any) -> Iterator[str]:
    model = gradient.model
    layer = lowered(model.block.title)
    p = Printer(PLAIN)
    count = p(model.stack.count.symbol)
    yield "**Forward.** " + f.prose(
        f"Tokens enter through {model.embed.title}; each of ${count}$ layers is {layer}, "
        f"with parameters of its own; the last layer's output goes to {model.head.title}."
    )
    yield f.display(forward(gradient))
    yield "**The head.** " + f.prose(
        "The derivation for the head gives the gradient of what the last layer puts out, by way "
        "of the logits $z$: probabilities less the token that came, for each of the "
        f"${p(sp.Symbol('n_mask'))}$ positions that count."
    )
    adjoints = (let for let in gradient.head.where_new if let.name.startswith("d"))
    kept = [gradient.placed(let, HEAD) for let in adjoints]
    found = [*((let.lhs, let.rhs) for let in kept), gradient.top]
    yield f.display(rows([(left, following(right, model)) for left, right in found], PLAIN))
    yield "**The layers.** " + f.prose(
        "What a layer does to the gradient is derived once. From the last layer to the first, "
        rf"for $\ell = {count} - 1, \dots, 0$, the gradient of what went into a layer follows from "
        "that of what came out: the stream itself, and a branch of it for each of its two readers."
    )
    carry = gradient.model.stack.carry
    kept = [let for n, let in gradient.layer.where.items() if n.startswith("d")]
    stream = [gradient.at_layer(let) for let in kept if let.name in streams(gradient)]
    yield f.display(rows([(let.lhs, let.rhs) for let in (*stream, gradient.recurrence)], PLAIN))
    yield "**The parameters.** " + f.prose(
        "Each array of a checkpoint, and its gradient, in the names of the derivations of the "
        f"head, of the layer and of the embedding; ${p(sp.Symbol(f'd{carry}'))}$ is "
        "the gradient of the stream. Before the names of a layer's arrays stands its place, "
        f"`{model.layers.format(layer=0)}` in the first."
    )
    yield table(gradient, f)
    worst = f"{len(certificate.errors)} arrays"
    yield "**Evidence.** " + f.prose(
        "The derivations of the head, of the layer and of the embedding verify step by step; the "
        f"gradients of all {worst} of a small model agree with central differences of the ops' "
        "own NumPy functions, composed, to within $10^{-7}$."
    )


def following(expr: Any, model: Architecture) -> Any:
    """What the head says, with the tokens that come next told from those that go in."""
    inputs = (model.embed.program.inputs, model.head.program.inputs)
    read, wanted = ({t.name for t in each if t.role == "target"} for each in inputs)
    return rename_entries(expr, {name: coming(name) for name in read & wanted})


def coming(name: str) -> Callable[[tuple[sp.Expr, ...]], sp.Expr]:
    return lambda subscripts: entry(f"{name}_next", *subscripts)


def streams(gradient: ModelGradient) -> set[str]:
    """The adjoints of the names that have the shape of what the layers pass on."""
    program = gradient.layer.program
    shape = program.tensors[gradient.model.stack.carry].dims
    mentioned = gradient.recurrence.mentioned
    return {f"d{n}" for n, t in program.tensors.items() if t.dims == shape} & mentioned


def forward(gradient: ModelGradient) -> str:
    """The model as three equations."""
    model = gradient.model
    p = Printer(PLAIN)
    ell = sp.Symbol("ell", integer=True)
    x, count = model.stack.carry, p(model.stack.count.symbol)
    first, here, after, last = (
        p(entry(x, Layer(at))) for at in (sp.S.Zero, ell, ell + 1, model.stack.count.symbol)
    )
    lines = [
        rf"{first} &= \text{{embedding}}(t)",
        rf"{after} &= \text{{block}}({here}) && \quad \ell = 0, \dots, {count} - 1",
        rf"L &= \text{{head}}({last}, {p(sp.Symbol('t_next'))})",
    ]
    return "\\begin{aligned}\n" + " \\\\\n".join(lines) + "\n\\end{aligned}"


def table(gradient: ModelGradient, f: Flavour) -> str:
    p = Printer(PLAIN)
    lines = ["| array | gradient |", "|:---|:---|"]
    prefix = gradient.model.layers.format(layer="l")
    for name, lets in gradient.results.items():
        formulas = [f"${p(let.lhs)} = {p(let.rhs)}$" for let in lets]
        if len(lets) > 1 and len({let.name for let in lets}) == 1:  # the places of one table
            total = " + ".join(p(let.rhs) for let in lets)
            formulas = [f"${p(lets[0].lhs)} = {total}$"]
        first, *rest = formulas
        lines.append(f"| `{name.removeprefix(prefix)}` | {f.prose(first)} |")
        lines += [f"| | {f.prose(formula)} |" for formula in rest]
    return "\n".join(lines)
