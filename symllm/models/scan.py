"""A stack of layers, as many as a symbol says."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OpError
from ..notation import Dim
from ..op import Op


@dataclass(frozen=True)
class Scan:
    """``x[0]`` is given, ``x[l + 1] = body(x[l], parameters of layer l)`` for every layer l.

    A let-program binds every name once; a scan binds ``carry`` once for each
    layer. Its adjoint is a scan as well, from the last layer to the first:
    ``dx[l]`` is what the gradient of the body makes of ``dx[l + 1]``. The
    parameters of the body have a layer axis of length ``count``. Raises
    ``OpError`` where the body does not give what it takes.
    """

    body: Op
    carry: str
    count: Dim

    def __post_init__(self) -> None:
        if self.carry not in self.body.inputs:
            raise OpError(
                f"a scan of {self.body.name}: it has no input {self.carry!r}; "
                f"known: {', '.join(self.body.inputs)}"
            )
        outputs = tuple(self.body.outputs.values())
        given = self.body.inputs[self.carry]
        if len(outputs) != 1 or outputs[0].dims != given.dims:
            shapes = ", ".join(t.name + t.shape_text for t in outputs)
            raise OpError(
                f"a scan of {self.body.name}: it takes {given.name}{given.shape_text}, "
                f"and so must give one output of that shape, but gives {shapes}"
            )
        if self.count in self.body.program.dims:
            raise OpError(
                f"a scan of {self.body.name}: {self.count.name} counts layers, "
                f"but is one of its dimensions"
            )

    @property
    def output(self) -> str:
        return self.body.program.outputs[0]
