"""Which kind of function something is, and so how to call it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..points import point
from ..question import Question
from ..verdict import ClaimError
from .binding import Binding, bound
from .caller import Asked, Caller
from .differentiated import Differentiated, Module, copied
from .failures import guarded
from .functions import Forward, Function, arguments, keywords
from .giving import Form, Giving, read_layouts
from .libraries import library, loaded
from .matching import Constant, Quantity, Size, Vocabulary
from .objects import (
    BACKWARD,
    FORWARD,
    Pair,
    constants_in,
    is_pair,
    method,
    parameters_in,
    shapes_in,
)
from .pointers import is_pointer, precision, python_function
from .reading import (
    forward_beside,
    library_of,
    parameters,
    root,
    sounds_backward,
    title,
)

NOTHING = Binding()


@dataclass(frozen=True)
class Setting:
    """What is asked, and what all kinds of callers need of it."""

    asked: Asked
    form: Form
    vocabulary: Vocabulary

    def bound(self, fn: Any, said: Any = None, skip: int = 0, forward: Any = None) -> Binding:
        return bound(fn, self.vocabulary, said, self.asked.constants, forward, skip)


def caller(asked: Asked, about: Question) -> Caller:
    """How to call what is asked about; raises ``ClaimError``."""
    vocabulary = Vocabulary(about)
    name = asked.library or ("numpy" if is_pointer(asked.fn) else library_of(asked.fn))
    layouts = read_layouts(asked.layout, about, vocabulary)
    asked = replace(asked, returns=gradients(asked, vocabulary))
    setting = Setting(asked, Form(about, library(name), asked.dtype, layouts), vocabulary)
    found = kind(setting)
    if name != "numpy" and not asked.library:
        found = replace(found, inferred=(*found.inferred, f"its arrays are of {name}"))
    return found


def gradients(asked: Asked, vocabulary: Vocabulary) -> tuple[str | None, ...] | None:
    """What ``returns=`` names, as symllm calls it; raises ``ClaimError``."""
    if asked.returns is None:
        return None
    found = []
    for word in asked.returns:
        known = word is None or word in asked.op.outputs
        means = word if known else vocabulary.gradient(str(word))
        if means == "":
            own = [f"d{name}" for name in vocabulary.question.wrt]
            between = [name for name in vocabulary.exact if vocabulary.gradient(name)]
            between = [name for name in between if name not in own]
            raise ClaimError(
                "error",
                f"returns= names {word!r}, which is no gradient of {asked.op.name}: there are "
                f"{', '.join(own)}" + (f", and on the way {', '.join(between)}" if between else ""),
            )
        found.append(means)
    return tuple(found)


def kind(of: Setting) -> Caller:
    fn = of.asked.fn
    if is_pointer(fn):
        return pointer(of)
    if of.form.library.name == "torch":
        torch = loaded("torch")
        if isinstance(fn, type) and issubclass(fn, torch.autograd.Function):
            return autograd_function(of)
        if is_a(fn, torch.nn.Module):
            return module(of)
    if root(type(fn).__module__) == "jax" and type(fn).__name__ in ("custom_vjp", "custom_jvp"):
        return differentiated(of)
    if is_pair(fn):
        return pair(of)
    if of.asked.returns and not set(of.asked.returns).isdisjoint(of.asked.op.outputs):
        return differentiated(of)
    return function(of)


def is_a(thing: Any, kind: type) -> bool:
    return isinstance(thing, kind) or (isinstance(thing, type) and issubclass(thing, kind))


# --------------------------------------------------------------------------
# Backward functions
# --------------------------------------------------------------------------


def function(of: Setting) -> Function:
    asked = of.asked
    made = asked.forward or forward_beside(asked.fn)
    binding = of.bound(asked.fn, asked.args, forward=made)
    forward = None
    if binding.saves:
        if made is None:
            raise ClaimError(
                "error",
                f"{title(asked.fn)} takes what a forward function leaves: name it with forward=",
            )
        forward = Forward(made, of.bound(made))
    inferred = [*binding.inferred]
    if forward and not asked.forward:
        inferred.append(f"{title(forward.fn)} is its forward function")
    return Function(
        fn=asked.fn,
        form=of.form,
        vocabulary=of.vocabulary,
        binding=binding,
        fixed=fixed(of, (asked.fn, forward and forward.fn)),
        inferred=tuple(inferred),
        returns=asked.returns,
        forward=forward,
    )


def pointer(of: Setting) -> Function:
    fn, args = of.asked.fn, of.asked.args
    if args is None or isinstance(args, Mapping):
        raise ClaimError(
            "error",
            f"a C function does not tell its parameters: say what it takes, in order, with args=. "
            f"{of.vocabulary.known()}",
        )
    dtype, inferred = precision(fn, of.asked.dtype)
    form = replace(of.form, dtype=dtype)
    return Function(
        fn=python_function(fn, dtype),
        form=form,
        vocabulary=of.vocabulary,
        binding=of.bound(fn, args),
        fixed=fixed(of, ()),
        inferred=(inferred,) if inferred else (),
        returns=of.asked.returns,
    )


# --------------------------------------------------------------------------
# Forward functions
# --------------------------------------------------------------------------


def differentiated(of: Setting) -> Differentiated:
    if of.form.library.name == "numpy":
        raise ClaimError(
            "error",
            f"{title(of.asked.fn)} is said to return {', '.join(of.asked.op.outputs)}, but NumPy "
            f"does not differentiate: pass the function that returns the gradients",
        )
    binding = of.bound(of.asked.fn, of.asked.args)
    return Differentiated(
        fn=of.asked.fn,
        form=of.form,
        vocabulary=of.vocabulary,
        binding=binding,
        fixed=fixed(of, (of.asked.fn,)),
        inferred=(*binding.inferred, f"{of.form.library.name} calls its backward pass"),
        call=of.asked.fn,
    )


def autograd_function(of: Setting) -> Differentiated:
    fn = of.asked.fn
    base = loaded("torch").autograd.Function
    takes_context = fn.setup_context is base.setup_context
    skip = 1 if takes_context and of.asked.args is None else 0
    binding = of.bound(fn.forward, of.asked.args, skip=skip)
    return Differentiated(
        fn=fn,
        form=of.form,
        vocabulary=of.vocabulary,
        binding=binding,
        fixed=fixed(of, (fn.forward,)),
        inferred=(*binding.inferred, f"its backward is called by {title(fn)}.apply and autograd"),
        call=fn.apply,
    )


def module(of: Setting) -> Module:
    make, thing, made = maker(of)
    inferred = made.inferred
    own = {name: tuple(p.shape) for name, p in thing.named_parameters()}
    said = of.asked.args if isinstance(of.asked.args, Mapping) else {}
    names = module_parameters(of, own, {n: w for n, w in said.items() if n in own})
    args = {n: w for n, w in said.items() if n not in own} or None
    binding = of.bound(thing.forward, args if said else of.asked.args)
    shapes = {means: own[name] for name, means in names.items()}
    constants = inside(constants_in(thing, of.vocabulary), binding, made)
    other = [f"{name} is {means}" for name, means in names.items() if name != means]
    if other:
        inferred += (f"of its parameters {', '.join(other)}",)
    return Module(
        fn=of.asked.fn,
        form=of.form,
        vocabulary=of.vocabulary,
        binding=binding,
        sizes=sizes_of(of, shapes) if not isinstance(of.asked.fn, type) else {},
        fixed={**constants, **fixed(of, (thing.forward, of.asked.fn))},
        inferred=(*binding.inferred, *inferred, *said_of(constants)),
        call=thing,
        make=make,
        parameters=names,
    )


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


# --------------------------------------------------------------------------
# Objects
# --------------------------------------------------------------------------


def pair(of: Setting) -> Pair:
    make, thing, made = maker(of)
    inferred = made.inferred
    forward, back = getattr(thing, method(thing, FORWARD)), getattr(thing, method(thing, BACKWARD))
    binding = of.bound(forward)
    said = of.asked.args if of.asked.args is not None else None
    backward = of.bound(back, said)
    names = parameters_in(thing, of.vocabulary)
    names = {place: means for place, means in names.items() if means not in binding.quantities}
    shapes = shapes_in(thing, names)
    constants = inside(constants_in(thing, of.vocabulary), binding, made)
    other = [f"{place} is {means}" for place, means in names.items() if place != means]
    if other:
        inferred += (f"of its attributes {', '.join(other)}",)
    return Pair(
        fn=of.asked.fn,
        form=of.form,
        vocabulary=of.vocabulary,
        binding=binding,
        sizes=sizes_of(of, shapes) if not isinstance(of.asked.fn, type) else {},
        fixed={**constants, **fixed(of, (forward, back, of.asked.fn))},
        inferred=(*binding.inferred, *backward.inferred, *inferred, *said_of(constants)),
        make=make,
        backward=backward,
        returns=of.asked.returns,
        parameters=names,
    )


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


# --------------------------------------------------------------------------
# Constants
# --------------------------------------------------------------------------


def fixed(of: Setting, functions: Iterable[Any]) -> dict[str, float]:
    """The op's constants that the caller gave; raises ``ClaimError`` for a name of nothing."""
    found: dict[str, float] = {}
    asked, vocabulary = of.asked, of.vocabulary
    takes = {p.name for fn in functions if fn for p in parameters(fn) or ()}
    for name, value in asked.constants.items():
        if isinstance(value, Mapping):  # the parameters of a layer, as one dict
            means = {vocabulary.constant(str(key)): held for key, held in value.items()}
            found |= {constant: number(constant, v) for constant, v in means.items() if constant}
        if constant := vocabulary.constant(name):
            found[constant] = number(name, value)
        elif name not in takes and not mentioned(asked.args, name):
            raise ClaimError(
                "error",
                f"constants= names {name!r}, which is neither a constant of {asked.op.name} "
                f"({', '.join(constants_of(vocabulary)) or 'it has none'}) nor a parameter of "
                f"{title(asked.fn)}",
            )
    return found


def mentioned(args: Any, name: str) -> bool:
    said = args.values() if isinstance(args, Mapping) else args or ()
    said = args.replace(",", " ").split() if isinstance(args, str) else said
    return any(word == name for word in said if isinstance(word, str))


def number(name: str, value: Any) -> float:
    if not isinstance(value, int | float):
        raise ClaimError("error", f"constants={{{name!r}: ...}} is a number, not {value!r}")
    return float(value)


def constants_of(vocabulary: Vocabulary) -> list[str]:
    return [n for n in vocabulary.question.op.inputs if vocabulary.constant(n) == n]


# --------------------------------------------------------------------------
# Forwards or backwards
# --------------------------------------------------------------------------


def may_be_forward(call: Caller, asked: Asked) -> bool:
    """A function that some library differentiates, and that takes what a forward one does."""
    about = call.form.question
    known = {*about.op.inputs}
    return (
        isinstance(call, Function)
        and call.form.library.name != "numpy"
        and not asked.returns
        and not sounds_backward(asked.fn)
        and all(isinstance(s, Quantity | Size | Constant) for s in call.sources)
        and known.issuperset(call.quantities)
    )


def as_forward(call: Caller, asked: Asked) -> Differentiated:
    """The same function, called forwards."""
    return differentiated(Setting(asked, call.form, call.vocabulary))
