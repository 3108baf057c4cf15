"""The gradient of a whole model: three derivations, and a recurrence over the layers.

The depth is a symbol. What one layer does to the gradient that comes down to
it is derived once; ``dx[l]`` follows from ``dx[l + 1]``, from the last layer to
the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING

import sympy as sp

from ..derivation import Derivation
from ..equation import Let
from ..expressions import rename_entries
from ..lazily import lazily
from ..notation import Layer, entry
from ..steps import Step
from .architecture import EMBED, HEAD, LAYER, Architecture, Parameter

if TYPE_CHECKING:
    from . import judge, page
else:
    judge = lazily("symllm.models.judge")
    page = lazily("symllm.models.page")

#: The index of the layers.
LAYER_INDEX = sp.Symbol("ell", integer=True)


@dataclass(frozen=True)
class ModelGradient:
    """``stages`` holds the derivation of each: embedding, one layer, head."""

    model: Architecture
    stages: Mapping[str, Derivation]

    @property
    def head(self) -> Derivation:
        return self.stages[HEAD]

    @property
    def layer(self) -> Derivation:
        return self.stages[LAYER]

    @property
    def embed(self) -> Derivation:
        return self.stages[EMBED]

    # -- the recurrence -------------------------------------------------------

    def at_layer(self, let: Let) -> Let:
        """An equation of the block, each of its names with the index of the layer.

        What comes in is ``x[l]``, what goes out ``x[l + 1]``.
        """
        scan = self.model.stack
        program = self.layer.program
        shared = {t.name for t in program.inputs if t.role == "constant"}
        names = {*self.layer.backward.tensors, *program.tensors, *self.layer.where} - shared
        carry, output = scan.carry, scan.output

        def indexed(name: str, offset: int = 0) -> Callable[[tuple[sp.Expr, ...]], sp.Expr]:
            return lambda subs: entry(name, Layer(LAYER_INDEX + offset), *subs)

        change = {name: indexed(name) for name in names}
        change |= {f"d{name}": indexed(f"d{name}") for name in names if f"d{name}" not in names}
        change |= {output: indexed(carry, 1), f"d{output}": indexed(f"d{carry}", 1)}
        right = rename_entries(sp.sympify(let.rhs), change)
        return Let(rename_entries(let.lhs, change), right, let.note)

    def at_end(self, expr: sp.Expr, stage: str) -> sp.Expr:
        """An expression of the first or the last stage, what it shares with the layers in place.

        The embedding gives ``x[0]``, the head takes what the last layer gives.
        """
        carry, model = self.model.stack.carry, self.model
        inner, place = model.embed.program.outputs[0], Layer(0)
        if stage == HEAD:
            inner, place = next(iter(model.head.inputs)), Layer(model.stack.count.symbol)
        change = {
            inner: lambda subs: entry(carry, place, *subs),
            f"d{inner}": lambda subs: entry(f"d{carry}", place, *subs),
        }
        return rename_entries(expr, change)

    def placed(self, let: Let, stage: str) -> Let:
        return Let(let.lhs, self.at_end(sp.sympify(let.rhs), stage), let.note)

    @cached_property
    def top(self) -> tuple[sp.Expr, sp.Expr]:
        """``dx[L]``: what the head makes of the loss."""
        let = self.head.result_equations[0]
        return self.at_end(let.lhs, HEAD), self.at_end(sp.sympify(let.rhs), HEAD)

    @cached_property
    def recurrence(self) -> Let:
        """``dx[l]`` from ``dx[l + 1]``."""
        found = {let.name: let for let in self.layer.result_equations}
        return self.at_layer(found[f"d{self.model.stack.carry}"])

    @cached_property
    def equations(self) -> tuple[Let, ...]:
        """The backward program below ``top``: the head, one layer at ``l``, the embedding."""
        layer = [let for name, let in self.layer.where.items() if name.startswith("d")]
        layer += [*self.layer.result_equations]
        return (
            *(self.placed(let, HEAD) for let in self.head.where_new),
            *(self.placed(let, HEAD) for let in self.head.result_equations[1:]),
            *map(self.at_layer, layer),
            *(self.placed(let, EMBED) for let in self.embed.result_equations),
        )

    # -- the results ----------------------------------------------------------

    @cached_property
    def results(self) -> Mapping[str, tuple[Let, ...]]:
        """The gradient of each of the checkpoint's arrays, by its name.

        One equation for each op's input that the array holds, or for each of
        the places where a tied table is used, whose gradients add up.
        """
        found: dict[str, tuple[Let, ...]] = {}
        for stage in (EMBED, LAYER, HEAD):
            own = {let.name: let for let in self.stages[stage].result_equations}
            for parameter in self.model.of(stage):
                lets = tuple(own[f"d{name}"] for name in parameter.inputs)
                at = self.at_layer if stage == LAYER else partial(self.placed, stage=stage)
                lets = tuple(map(at, lets))
                name = self.full_name(parameter)
                found[name] = (*found.get(name, ()), *lets)
        return MappingProxyType(found)

    def full_name(self, parameter: Parameter) -> str:
        if parameter.stage == LAYER:
            return self.model.layers.replace("{layer}", "l") + parameter.name
        tied = self.model.tied and parameter.name == "lm_head.weight"
        return self.model.table if tied else parameter.name

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """From the loss down: the head, one layer for all of them, the embedding."""
        return tuple(step for stage in (HEAD, LAYER, EMBED) for step in self.stages[stage].steps)

    # -- evidence -------------------------------------------------------------

    def verify(self) -> judge.ModelCertificate:
        """Check the three derivations, and the whole against differences.

        The loss of the ops' own NumPy functions, composed for a small
        configuration, is moved along random directions of every parameter; the
        generated module's gradients must say by how much it changes. Raises
        ``VerificationError`` if anything is false.
        """
        return judge.verify(self.model, self.stages)

    # -- showing --------------------------------------------------------------

    def to_markdown(self, flavour: str = "github") -> str:
        """The model and its gradient as a page of Markdown that cites the block's derivation."""
        return page.model_markdown(self, flavour)

    def _repr_markdown_(self) -> str:
        return page.model_markdown(self, "notebook")


def gradient(model: Architecture) -> ModelGradient:
    """The gradient of the loss by every parameter, for any number of layers."""
    head = model.head.gradient()
    layer = model.block.batched("B").gradient()
    embed = model.embed.batched("B").gradient()
    return ModelGradient(model, MappingProxyType({EMBED: embed, LAYER: layer, HEAD: head}))
