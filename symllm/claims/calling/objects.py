"""Objects with ``forward`` and ``backward``, which leave gradients in attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..points import Point
from ..verdict import ClaimError
from .binding import Binding
from .caller import Caller
from .failures import guarded
from .functions import Fields, arguments, fixed, keywords, other_output
from .giving import Giving
from .matching import Vocabulary
from .results import Raw, named

#: What the two methods are called.
FORWARD = ("forward", "fwd")
BACKWARD = ("backward", "bwd", "backprop")

#: The part of a parameter object that holds its values.
VALUES = ("data", "value", "values", "val")


@dataclass(frozen=True)
class Place:
    """Somewhere in an object: an attribute, or a key of a dict that is one."""

    name: str
    held: Any
    holder: Any

    def put(self, array: Any) -> None:
        if isinstance(self.holder, dict):
            self.holder[self.name] = array
        else:
            setattr(self.holder, self.name, array)


def places(thing: Any) -> Iterator[Place]:
    for name, value in list(getattr(thing, "__dict__", {}).items()):
        yield Place(name, value, thing)
        if isinstance(value, dict):
            yield from (Place(str(key), held, value) for key, held in list(value.items()))


def held(place: Place) -> Any:
    """The array in a place: itself, or in a parameter object's ``data``."""
    for part in VALUES:
        if not is_array(place.held) and hasattr(place.held, part):
            return getattr(place.held, part)
    return place.held


def is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def method(thing: Any, names: tuple[str, ...]) -> str:
    """Which of these methods a class, or that of an object, defines; "" if none."""
    owner = thing if isinstance(thing, type) else type(thing)
    return next((n for n in names if callable(getattr(owner, n, None))), "")


def is_pair(thing: Any) -> bool:
    return bool(method(thing, FORWARD) and method(thing, BACKWARD))


@dataclass(frozen=True, kw_only=True)
class Pair(Caller):
    """``make`` gives a fresh object; ``binding`` is of its forward method."""

    make: Callable[[Giving], Any]
    backward: Binding
    returns: Fields = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def quantities(self) -> tuple[str, ...]:
        return (*self.binding.quantities, *self.parameters.values())

    @property
    def takes_upstream(self) -> bool:
        return not set(self.vocabulary.upstream).isdisjoint(self.backward.quantities)

    def raw(self, point: Point, fill: float = 0.0) -> Raw:
        giving = Giving(point, self.form, fill)
        with self.form.library.context(self.form.dtype):
            with guarded(self.fn):
                thing = self.make(giving)
                self.load(thing, giving)
            forward, back = method(thing, FORWARD), method(thing, BACKWARD)
            with guarded(getattr(thing, forward)):
                value = getattr(thing, forward)(
                    *arguments(self.binding, giving), **keywords(self.binding, giving)
                )
            notes = other_output(getattr(thing, forward), value, self.form, point)
            with guarded(getattr(thing, back)):
                value = getattr(thing, back)(
                    *arguments(self.backward, giving), **keywords(self.backward, giving)
                )
            results, inferred = self.results(getattr(thing, back), value, thing, point)
            results = {name: fixed(result) for name, result in results.items()}
        return Raw(results, giving.written(), (), notes, inferred)

    def load(self, thing: Any, giving: Giving) -> None:
        """Puts the parameters of the point where the object has its own."""
        for place in places(thing):
            if place.name in self.parameters:
                array = giving.quantity(self.parameters[place.name])
                part = next((p for p in VALUES if hasattr(place.held, p)), "")
                if part and not is_array(place.held):
                    setattr(place.held, part, array)
                else:
                    place.put(array)

    def results(
        self, back: Any, value: Any, thing: Any, point: Point
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        found: dict[str, Any] = {}
        inferred: tuple[str, ...] = ()
        left = dict(gradients_in(thing, self.vocabulary))
        if value is not None:
            wrt = self.vocabulary.question.wrt
            passed = [f"d{name}" for name in wrt if name in self.binding.quantities]
            found, inferred = named(
                back, value, self.returns, self.vocabulary, passed, self.shapes(point)
            )
        there = [name for name in left if name not in found]
        if there:
            inferred += (f"{', '.join(there)} found in its attributes",)
        if not found and not left:
            raise ClaimError("error", "neither backward nor an attribute has a gradient")
        return {**left, **found}, inferred


def gradients_in(thing: Any, vocabulary: Vocabulary) -> Iterator[tuple[str, Any]]:
    """Gradients of parameters that an object holds: ``dgamma``, ``grads["W"]``, ``W.grad``."""
    roles = vocabulary.question.op.inputs
    for place in places(thing):
        inside = isinstance(place.holder, dict)
        means = (vocabulary.entry if inside else vocabulary.gradient)(place.name)
        array = held(place)
        graded = getattr(place.held, "grad", None)
        if graded is not None and not (means and is_array(place.held)):
            means, array = vocabulary.entry(place.name), graded
        ours = means.startswith("d") and means[1:] in roles
        if not ours or roles[means[1:]].role != "parameter" or array is None:
            continue
        if inside and any(array is p.held for p in places(thing) if p.holder is thing):
            continue
        if is_array(array) or isinstance(array, float | list):
            yield means, array


def parameters_in(thing: Any, vocabulary: Vocabulary) -> dict[str, str]:
    """The inputs of the op that an object holds as its parameters, by the names of the places."""
    inputs = vocabulary.question.op.inputs
    found: dict[str, str] = {}
    for place in places(thing):
        means = vocabulary.inputs(place.name)
        tensor = inputs.get(means)
        if tensor is None or tensor.role not in ("parameter", "constant") or not tensor.rank:
            continue
        array = held(place)
        if (array is None or is_array(array)) and means not in found.values():
            found[place.name] = means
    return found


def constants_in(thing: Any, vocabulary: Vocabulary) -> dict[str, float]:
    """The numbers among its attributes that are constants of the op: ``eps``."""
    found = {}
    for name, value in vars(thing).items() if hasattr(thing, "__dict__") else ():
        constant = vocabulary.constant(name)
        if constant and isinstance(value, int | float) and not isinstance(value, bool):
            found[constant] = float(value)
    return found


def shapes_in(thing: Any, parameters: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """The shapes of the parameters that an object holds already, by the inputs that they are."""
    found = {}
    for place in places(thing):
        array = held(place)
        if place.name in parameters and array is not None:
            found[parameters[place.name]] = tuple(np.shape(array))
    return found
