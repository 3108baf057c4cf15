"""JAX's spelling, and a gradient as a ``custom_vjp``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..program import Program
from .function import definition, docstring, function_source, module
from .numpy import FUNCTIONS as NUMPY_FUNCTIONS
from .pair import Pair
from .passes import as_value, backward_function, forward_function, passes, with_note
from .pieces import Piece
from .target import Target, tuple_of

FUNCTIONS = {
    **{name: text.replace("np.", "jnp.") for name, text in NUMPY_FUNCTIONS.items()},
    "rsqrt": "jax.lax.rsqrt({})",
    "Sigmoid": "jax.nn.sigmoid({})",
    "Softplus": "jax.nn.softplus({})",
}
IMPORTS = (
    ("math.", "import math"),
    ("jax.", "import jax"),
    ("jnp.", "import jax.numpy as jnp"),
    ("erf(", "from jax.scipy.special import erf"),
)


@dataclass(frozen=True)
class Jax(Target):
    """Arrays never change, so that none needs to be copied."""

    def scatter(
        self, name: str, shape: Sequence[str], like: str, index: str, values: str
    ) -> Sequence[str]:
        zeros = f"jnp.zeros({tuple_of(shape)}, dtype={like}.dtype)"
        return (f"{name} = {zeros}.at[{index}].add({values})",)

    def copied(self, piece: Piece) -> Piece:
        return piece

    def filled(self, piece: Piece, shape: Sequence[str], like: str) -> Piece:
        if piece.kind == "weak":
            return piece.with_text(f"jnp.full({tuple_of(shape)}, {piece.text}, dtype={like}.dtype)")
        return piece.with_text(f"jnp.broadcast_to({piece.text}, {tuple_of(shape)})")


#: Numbers may be traced, and so Python's own functions are not for them.
JAX = Jax(
    module="jnp",
    functions=FUNCTIONS,
    scalar_functions=FUNCTIONS,
    imports=IMPORTS,
    vecdot=False,
)


def jax_source(program: Program, function: str, doc: str = "") -> str:
    """A module with one JAX function of the program's inputs that its outputs need."""
    return function_source(JAX, program, function, doc)


def jax_gradient_source(pair: Pair, title: str, summary: str, note: str = "") -> str:
    """A module with a ``custom_vjp`` function and its two passes; a note for the docstrings."""
    both = passes(JAX, pair)
    name, arguments = pair.name, ", ".join(t.name for t in pair.inputs)
    outputs = [pair.forward.tensors[name] for name in pair.outputs]
    primal = definition(
        name,
        [t.name for t in pair.inputs],
        [
            *docstring(with_note(title + ".", note), pair.inputs, outputs),
            f"{as_value(pair.outputs)}, _ = {name}_forward({arguments})",
            f"return {as_value(pair.outputs)}",
        ],
    )
    results = ", ".join(both.gradients) if len(pair.inputs) > 1 else tuple_of(both.gradients)
    return module(
        JAX,
        [
            f"@jax.custom_vjp\n{primal}",
            forward_function(both, title, note),
            backward_function(both, summary, results, note),
            f"{name}.defvjp({name}_forward, {name}_backward)",
        ],
    )
