"""What a language model is made of: an embedding, a stack of blocks, a head, a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..codegen.network import Network
from ..errors import OpError
from ..op import Op
from .networks import network
from .scan import Scan

#: The stages of a model, in the order of the data.
EMBED, LAYER, HEAD = "embed", "layer", "head"


@dataclass(frozen=True)
class Setting:
    """A size or a constant by its letter in the equations: a field of the configuration.

    Where the field is missing or has no name, it is ``default``, a number or
    Python in the letters before, or ``exact``, one letter over another, which
    must divide it.
    """

    letter: str
    field: str = ""
    default: str = ""
    exact: tuple[str, ...] = ()
    #: A dictionary of the configuration that newer versions keep the field in.
    inside: str = ""


@dataclass(frozen=True)
class Assumption:
    """What the equations take for granted: the values of a field, the first where it is missing.

    A value is written as Python. A configuration that says another is of another model.
    """

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Parameter:
    """One array of a checkpoint, by its name there.

    It holds the inputs of a stage's op, joined along ``axis`` if several;
    ``axes`` names the dimensions that each of its axes holds. Of a table of
    ``rows`` only as many are used as there are positions.
    """

    name: str
    stage: str
    inputs: tuple[str, ...]
    axes: tuple[tuple[str, ...], ...]
    axis: int = 0
    rows: str = ""


@dataclass(frozen=True)
class Architecture:
    """An embedding, a stack of blocks, a head that gives the loss, and a checkpoint's names.

    The stages' ops take the data first, then their parameters, then what is
    constant. The head makes logits with the array ``logits``, or where it is
    tied with the embedding's, ``table``; ``tied`` says which where a
    configuration does not.
    """

    name: str
    title: str
    embed: Op
    stack: Scan
    head: Op
    settings: tuple[Setting, ...]
    parameters: tuple[Parameter, ...]
    layers: str
    tied: bool
    table: str
    #: A small configuration, at which the whole is checked.
    example: Mapping[str, Any]
    logits: str = "lm_head.weight"
    assumptions: tuple[Assumption, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        for stage, op in self.ops.items():
            held = [x for p in self.of(stage) for x in p.inputs]
            wanted = [n for n, t in op.inputs.items() if t.role == "parameter"]
            if sorted(held) != sorted(wanted):
                raise OpError(
                    f"{self.name}: the checkpoint holds {', '.join(held)} for {op.name}, "
                    f"which takes {', '.join(wanted)}"
                )

    @property
    def block(self) -> Op:
        return self.stack.body

    @property
    def ops(self) -> dict[str, Op]:
        return {EMBED: self.embed, LAYER: self.block, HEAD: self.head}

    def of(self, stage: str) -> Iterator[Parameter]:
        """The arrays of a stage, in the order of the op's inputs."""
        return (p for p in self.parameters if p.stage == stage)

    @property
    def inside(self) -> tuple[str, ...]:
        """The dictionaries of a configuration in which there are fields as well."""
        return tuple(dict.fromkeys(s.inside for s in self.settings if s.inside))

    @cached_property
    def networks(self) -> dict[str, Network]:
        """Each stage as calls of functions, on batches."""
        return {
            EMBED: network(self.embed, "B"),
            LAYER: network(self.block, "B"),
            HEAD: network(self.head),
        }
