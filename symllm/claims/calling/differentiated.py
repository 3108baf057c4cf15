"""Forward functions that a library differentiates: what its user wrote is the backward pass.

A ``torch.autograd.Function``, a ``custom_vjp``, a module: called forwards, then the library asks
for the gradients, with the upstream gradient of the point.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..points import Point
from ..verdict import ClaimError
from .caller import Caller
from .failures import guarded
from .functions import arguments, keywords, other_output
from .giving import Giving
from .libraries import Jax, loaded, taken
from .reading import title
from .results import Raw

Leaves = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Differentiated(Caller):
    """``call`` goes forwards. ``reduced``: it gives the loss of all rows as one number."""

    call: Callable[..., Any]
    reduced: bool = False

    @property
    def takes_upstream(self) -> bool:
        return not self.reduced

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.form.question.op.outputs)

    def raw(self, point: Point, fill: float = 0.0) -> Raw:
        giving = Giving(point, self.form, fill)
        with self.form.library.context(self.form.dtype), guarded(self.fn):
            one = jax_gradients if isinstance(self.form.library, Jax) else torch_gradients
            value, found = one(self, giving)
            notes = () if self.reduced else other_output(self.fn, first(value), self.form, point)
            return Raw(found, giving.written(), (), notes)

    def forward(self, giving: Giving) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
        """What to call and what it takes, new for each call."""
        return self.call, arguments(self.binding, giving), keywords(self.binding, giving)

    def leaves(self, giving: Giving) -> Leaves:
        """What is differentiated by, of what was given."""
        wrt = self.form.question.wrt
        return {name: native for name, (native, _) in giving.given.items() if name in wrt}

    def value(self, point: Point) -> Any:
        """What the forward function gives."""
        giving = Giving(point, self.form)
        with self.form.library.context(self.form.dtype), guarded(self.fn):
            call, args, named = self.forward(giving)
            return as_array(first(call(*args, **named)))

    def upstream(self, giving: Giving, outs: list[Any]) -> list[Any]:
        """The upstream gradient of each output; of what is one number for all rows, 1."""
        about = self.form.question
        if self.reduced:
            return [self.form.library.give(np.asarray(1.0), self.form.dtype)]
        found = []
        for name, out in zip(self.outputs, outs, strict=False):
            shape = self.form.layout(name).shape(giving.point.sizes)
            if tuple(out.shape) != shape:
                raise ClaimError("shape", self.other_shape(name, tuple(out.shape), shape), name)
            adjoint = f"d{name}"
            array = np.ones(shape)
            if not about.unit:
                array = self.form.outward(giving.point.array(adjoint), adjoint, giving.point)
            found.append(self.form.library.give(array, self.form.dtype))
        return found

    def other_shape(self, name: str, found: tuple[int, ...], shape: tuple[int, ...]) -> str:
        said = (
            f"{title(self.fn)} gives {name} with shape {found}, but {self.form.layout(name)} = "
            f"{shape} was expected"
        )
        if not found:
            return f"{said}: if it is the mean or the sum, say upstream='mean' or upstream='sum'"
        return f"{said}: a function of batches is checked against op.batched(...)"


@dataclass(frozen=True, kw_only=True)
class Module(Differentiated):
    """A ``torch.nn.Module``; ``parameters`` are inputs of the op by the names of its parameters."""

    make: Callable[[Giving], Any]
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def quantities(self) -> tuple[str, ...]:
        return (*super().quantities, *self.parameters.values())

    def forward(self, giving: Giving) -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
        torch = loaded("torch")
        module = self.make(giving).to(self.form.library.device, getattr(torch, self.form.dtype))
        own = dict(module.named_parameters())
        with torch.no_grad():
            for name, means in self.parameters.items():
                own[name].copy_(giving.quantity(means))
                giving.given[means] = (own[name], giving.given[means][1])
        return module, arguments(self.binding, giving), keywords(self.binding, giving)


def copied(thing: Any) -> Callable[[Giving], Any]:
    """An object as it is now, again for each call."""
    return lambda giving: copy.deepcopy(thing)


def first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple | list) and value else value


def as_array(value: Any) -> np.ndarray | None:
    try:
        return taken(value, "")[0]
    except ClaimError:
        return None


def tensors(value: Any, count: int, fn: Any) -> list[Any]:
    values = list(value) if isinstance(value, tuple | list) else [value]
    for out in values[:count]:
        if not hasattr(out, "shape"):
            raise ClaimError("error", f"{title(fn)} gave {type(out).__name__}, not an array")
    if len(values) < count:
        raise ClaimError("error", f"{title(fn)} gave {len(values)} outputs instead of {count}")
    return values


def torch_gradients(of: Differentiated, giving: Giving) -> tuple[Any, dict[str, Any]]:
    torch = loaded("torch")
    call, args, named = of.forward(giving)
    leaves = of.leaves(giving)
    for leaf in leaves.values():
        leaf.requires_grad_()
    value = call(*args, **named)
    outs = tensors(value, len(of.outputs), of.fn)[: len(of.outputs)]
    upstream = of.upstream(giving, outs)
    if not any(out.requires_grad for out in outs):
        raise ClaimError("error", f"what {title(of.fn)} gives is not connected to its inputs")
    pairs = [(o, u.to(o.dtype)) for o, u in zip(outs, upstream, strict=True) if o.requires_grad]
    found = torch.autograd.grad(
        [out for out, _ in pairs], list(leaves.values()), [up for _, up in pairs], allow_unused=True
    )
    return value, {f"d{name}": gradient for name, gradient in zip(leaves, found, strict=True)}


def jax_gradients(of: Differentiated, giving: Giving) -> tuple[Any, dict[str, Any]]:
    jax, jnp = loaded("jax"), loaded("jax.numpy")
    call, args, named = of.forward(giving)
    leaves = of.leaves(giving)
    at = {id(native): name for name, native in leaves.items()}

    def forward(given: Leaves) -> Any:
        values = [given[at[id(a)]] if id(a) in at else a for a in args]
        return call(
            *values, **{k: given[at[id(a)]] if id(a) in at else a for k, a in named.items()}
        )

    value, pull = jax.vjp(forward, leaves)
    values = tensors(value, len(of.outputs), of.fn)
    outs = values[: len(of.outputs)]
    upstream = [u.astype(o.dtype) for o, u in zip(outs, of.upstream(giving, outs), strict=True)]
    upstream += [jnp.zeros_like(out) for out in values[len(outs) :]]
    packed = type(value)(upstream) if isinstance(value, tuple | list) else upstream[0]
    (found,) = pull(packed)
    return value, {f"d{name}": gradient for name, gradient in found.items()}
