"""JAX's spelling, and a gradient as a ``custom_vjp``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .docstrings import docstring
from .function import definition, listed, module
from .numpy import FUNCTIONS as NUMPY_FUNCTIONS
from .pair import Pair
from .passes import as_value, backward_function, forward_function, passes, with_note
from .pieces import Piece
from .target import Target, tuple_of
from .writer import WIDTH

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
    wide="jnp.promote_types({}.dtype, jnp.float32)",
)


def jax_gradient_source(pair: Pair, title: str, summary: str, note: str = "") -> str:
    """A module with a ``custom_vjp`` function and its two passes; a note for the docstrings."""
    both = passes(JAX, pair)
    name, arguments = pair.name, [t.name for t in pair.inputs]
    outputs = [pair.forward.tensors[name] for name in pair.outputs]
    value = as_value(pair.outputs)
    primal = definition(
        name,
        arguments,
        [
            *docstring(with_note(title + ".", note), pair.inputs, outputs),
            *listed(f"{value}, _ = {name}_forward(", arguments, ")", WIDTH - 4),
            f"return {value}",
        ],
    )
    results = both.gradients if len(arguments) > 1 else [tuple_of(both.gradients)]
    halves = [f"{name}_forward", f"{name}_backward"]
    return module(
        JAX,
        [
            f"@jax.custom_vjp\n{primal}",
            forward_function(both, title, note),
            backward_function(both, summary, results, note),
            "\n".join(listed(f"{name}.defvjp(", halves, ")", WIDTH)),
        ],
    )
