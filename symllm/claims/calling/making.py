"""Objects made for a call, and what they hold: parameters, constants, sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..points import point
from ..verdict import ClaimError
from .binding import Binding
from .differentiated import copied
from .failures import guarded
from .functions import arguments, keywords
from .giving import Giving
from .matching import Quantity
from .reading import parameters, title
from .setting import Setting

NOTHING = Binding()


def maker(of: Setting) -> tuple[Callable[[Giving], Any], Any, Binding]:
    """What makes a fresh object for each call, one such object, and what its class takes."""
    thing = of.asked.fn
    if not isinstance(thing, type):
        return copied(thing), thing, NOTHING
    binding = NOTHING
    if parameters(thing) is not None:
        binding = constructor(of, of.bound(thing))

    def make(giving: Giving) -> Any:
        return thing(*arguments(binding, giving), **keywords(binding, giving))

    at = point(of.form.question, of.asked.seed, of.asked.sizes)
    with guarded(thing):
        return make, make(Giving(at, of.form)), binding


def constructor(of: Setting, binding: Binding) -> Binding:
    """Without the tensors that it could also have without: ``bias=None``."""
    required = {p.name for p in parameters(of.asked.fn) or () if p.required}
    inputs = of.asked.op.inputs
    keywords = {
        name: means
        for name, means in binding.keywords.items()
        if name in required or not (isinstance(means, Quantity) and inputs[means.name].rank)
    }
    return replace(binding, keywords=keywords)


def inside(constants: Mapping[str, float], *bindings: Binding) -> dict[str, float]:
    """The constants that an object has as attributes and is not given."""
    given = {name for binding in bindings for name in binding.quantities}
    return {name: value for name, value in constants.items() if name not in given}


def said_of(constants: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(f"{name} = {value:g}, as it has inside" for name, value in constants.items())


def sizes_of(of: Setting, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    """The sizes that an object's parameters have; raises ``ClaimError`` where they disagree."""
    found: dict[str, int] = {}
    for name, shape in shapes.items():
        layout = of.form.layout(name)
        text = f"its parameter for {name} has shape {shape}, but {layout} was expected"
        if len(shape) != len(layout.axes):
            raise ClaimError("shape", text, f"d{name}")
        for axis, size in zip(layout.axes, shape, strict=True):
            if len(axis) == 1 and found.setdefault(axis[0], size) != size:
                said = f"{text}: {axis[0]} is {found[axis[0]]} elsewhere"
                raise ClaimError("shape", f"{said}; layout= says if axes are others", f"d{name}")
    return found


def module_parameters(
    of: Setting, own: Mapping[str, tuple[int, ...]], said: Mapping[str, str]
) -> dict[str, str]:
    """Inputs of the op by the names of a module's parameters; raises ``ClaimError``."""
    inputs = of.asked.op.inputs
    able = [n for n, t in inputs.items() if t.role in ("parameter", "constant") and t.rank]
    found = {name: of.vocabulary.inputs(word) for name, word in said.items()}
    for full in (True, False):
        for name in own:
            called = name.replace(".", "_") if full else name.rpartition(".")[2]
            means = of.vocabulary.inputs(called)
            if name not in found and means in able and means not in found.values():
                found[name] = means
    left = [name for name in own if name not in found]
    free = [name for name in able if name not in found.values()]
    for name in list(left):
        alike = [n for n in free if inputs[n].rank == len(own[name])]
        if len(alike) == 1:
            found[name] = alike[0]
            free.remove(alike[0])
            left.remove(name)
    if left:
        raise ClaimError(
            "error",
            f"the parameters {', '.join(left)} of {title(of.asked.fn)} are not known for "
            f"{of.asked.op.name}, whose parameters are {', '.join(able) or '(none)'}: say which "
            f"they are with args=, as in args={{{left[0]!r}: {(free or able or ['W'])[0]!r}}}",
        )
    return found
