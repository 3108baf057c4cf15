"""Which kind of function something is, and so how to call it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..question import Question
from ..verdict import ClaimError
from .caller import Asked, Caller
from .differentiated import Differentiated, Module
from .functions import Forward, Function
from .giving import Form, read_layouts
from .libraries import library, loaded
from .making import inside, maker, module_parameters, said_of, sizes_of
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
from .reading import forward_beside, library_of, root, sounds_backward, title
from .setting import Setting, fixed, gradients


def caller(asked: Asked, about: Question) -> Caller:
    """How to call what is asked about; raises ``ClaimError``."""
    vocabulary = Vocabulary(about)
    name = asked.library or ("numpy" if is_pointer(asked.fn) else library_of(asked.fn))
    layouts = read_layouts(asked.layout, about, vocabulary)
    asked = replace(asked, returns=gradients(asked, vocabulary))
    form = Form(about, library(name, asked.device), asked.dtype, layouts)
    setting = Setting(asked, form, vocabulary)
    found = kind(setting)
    if name != "numpy" and not asked.library:
        found = replace(found, inferred=(*found.inferred, f"its arrays are of {name}"))
    return found


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
