"""Ops: named forward equations, and everything that is derived from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any

import sympy as sp

from .errors import OpError
from .notation import Index, Tensor
from .program import Argument, Call, Let, Program, batched, expression


class Op:
    """A named, frozen definition: inputs, equations, outputs.

    ``numpy`` is the oracle: a hand-written NumPy forward function of the
    inputs, for one example (without batch axes), which judges everything
    that is derived. ``aliases`` give names to expressions that people have a
    name for. Raises ``OpError`` if the definition contradicts itself.
    """

    def __init__(
        self,
        name: str,
        title: str,
        inputs: Iterable[Tensor],
        equations: Iterable[Let],
        numpy: Callable[..., Any],
        outputs: Iterable[str] = (),
        aliases: Iterable[Let] = (),
        about: str = "",
        source: str = "",
    ) -> None:
        equations = tuple(equations)
        if not equations:
            raise OpError(f"op {name!r} has no equations")
        self.program = Program(
            name=name,
            inputs=tuple(inputs),
            equations=equations,
            outputs=tuple(outputs) or (equations[-1].name,),
            aliases=tuple(aliases),
        )
        self.title = title
        self.numpy = numpy
        self.about = about
        self.source = source

    @property
    def name(self) -> str:
        return self.program.name

    @cached_property
    def inputs(self) -> Mapping[str, Tensor]:
        return MappingProxyType({t.name: t for t in self.program.inputs})

    @cached_property
    def outputs(self) -> Mapping[str, Tensor]:
        tensors = self.program.tensors
        return MappingProxyType({name: tensors[name] for name in self.program.outputs})

    @property
    def equations(self) -> tuple[Let, ...]:
        return self.program.equations

    def __call__(self, *values: Any, over: Any) -> Call:
        """Use this op inside another's equation: ``Let(P[i, j], softmax(S[i, j], over=j))``.

        Each value is the entry of one input, in the order of the inputs;
        ``over`` gives the index that stands for each of the op's dimensions,
        in the order in which the inputs name them.
        """
        tensors = self.program.inputs
        dims = list(dict.fromkeys(d for t in tensors for d in t.dims))
        symbols = [_symbol(i) for i in (over if isinstance(over, tuple) else (over,))]
        if len(values) != len(tensors) or len(symbols) != len(dims):
            raise OpError(
                f"{self.name} takes {len(tensors)} inputs ({', '.join(self.inputs)}) over "
                f"{len(dims)} dimensions ({', '.join(d.name for d in dims)}), but was given "
                f"{len(values)} and {len(symbols)}"
            )
        at = dict(zip(dims, symbols, strict=True))
        arguments = tuple(
            Argument(t.name, tuple(at[d] for d in t.dims), sp.sympify(value))
            for t, value in zip(tensors, values, strict=True)
        )
        output = self.outputs[self.program.outputs[0]]
        return Call(self.program, arguments, tuple(at[d] for d in output.dims))

    def batched(self, *names: str) -> Op:
        """The same op with leading batch axes on data, targets and what depends on them."""
        wider = object.__new__(Op)
        wider.__dict__.update(
            program=batched(self.program, *names),
            title=self.title,
            numpy=self.numpy,
            about=self.about,
            source=self.source,
        )
        return wider

    @cached_property
    def expression(self) -> Any:
        """The output in terms of the inputs alone; several outputs: a dict by name."""
        found = {name: expression(self.program, name) for name in self.outputs}
        return next(iter(found.values())) if len(found) == 1 else found


def _symbol(index: Any) -> sp.Symbol:
    return index.symbol if isinstance(index, Index) else index
