"""Somebody's function against what was derived: ``check_gradient`` and ``assert_gradient``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np

from ...catalogue import ops
from ...errors import SymllmError
from ...op import Op
from ..diagnose import judged
from ..points import Point, points
from ..precision import tolerance
from ..question import Question, question
from ..verdict import ClaimError, Verdict, joined
from .binding import Said
from .caller import Asked, Caller
from .child import in_time
from .choose import as_forward, caller, may_be_forward
from .differentiated import Differentiated
from .forward import forward_arrays
from .functions import close
from .libraries import PRECISIONS, coarsest
from .matching import Computed, Saved, Vocabulary
from .objects import is_pair
from .probing import Probed, probed
from .reading import numbers, title
from .results import Outcome, outcome

#: What ``upstream=`` may say: it is an argument, or the loss is the mean or the sum of the output.
UPSTREAMS = ("given", "mean", "sum")


def check_gradient(
    fn: Any,
    op: Op | str,
    *,
    args: Said | None = None,
    returns: str | Sequence[str | None] | None = None,
    sizes: Mapping[str, int] | None = None,
    dtype: str = "float64",
    layout: Mapping[str, str] | None = None,
    upstream: str = "given",
    seed: int = 0,
    timeout: float | None = None,
    constants: Mapping[str, Any] | None = None,
    forward: Callable[..., Any] | None = None,
    library: str | None = None,
    device: str | None = None,
) -> Verdict:
    """Is this function the gradient of the op, and if not, which term is wrong?

    ``fn`` is a backward function of NumPy, PyTorch or JAX arrays or of ``ctypes`` pointers; or
    what PyTorch or JAX differentiate: a ``torch.autograd.Function``, a module, a ``custom_vjp``,
    a forward function; or a class or an object with ``forward`` and ``backward``. A function that
    works on batches is checked against ``op.batched(...)``.

    ``args`` says what it takes, in order or by parameter: inputs of the op, upstream gradients
    (``dy``), what the forward pass computes (``xhat``, ``mean``, ``lse``), sizes (``d``), constants
    (any value that is no text), and for buffers the gradients that belong there. ``returns`` names
    what it returns, None for what is no gradient. What is not said is told by names.
    ``layout={"W": "m n"}`` gives the axes of an array where they are others than the op's.

    ``upstream="mean"`` or ``"sum"`` says that the function takes no upstream gradient and that the
    loss is the mean of all entries of the output (for a loss: the mean over the batch), or their
    sum. ``constants`` fixes parameters of the function and constants of the op; a function there
    is called with the sizes that it names. ``forward`` makes what the function takes as
    ``cache``. ``timeout`` (seconds) runs each call in a process of its own. ``library`` says whose
    arrays the function wants where it does not show: numpy, torch or jax; ``device`` where tensors
    of PyTorch lie, as "cuda" for a kernel written in Triton.

    The verdict says what is wrong in ``kind`` and ``explanation``; what cannot be called is an
    ``error`` or a ``shape``, and nothing is raised.
    """
    try:
        check_said(fn, op, dtype, upstream)
        asked = Asked(
            fn=fn,
            op=ops[op] if isinstance(op, str) else op,
            args=args,
            returns=fields(returns),
            sizes=dict(sizes or {}),
            dtype=dtype,
            layout=layout,
            upstream=upstream,
            seed=seed,
            timeout=timeout,
            constants=dict(constants or {}),
            forward=forward,
            library=library,
            device=device,
        )
        return checked(asked)
    except ClaimError as error:
        return refusal(title(fn), error)
    except SymllmError as error:  # an op or a size that there is not
        return refusal(title(fn), ClaimError("error", str(error)))


def assert_gradient(fn: Any, op: Op | str, **said: Any) -> None:
    """Raises ``AssertionError`` with the explanation unless the gradient is correct.

    Takes what ``check_gradient`` takes.
    """
    __tracebackhide__ = True
    verdict = check_gradient(fn, op, **said)
    if not verdict.ok:
        raise AssertionError(str(verdict))


def check_said(fn: Any, op: Any, dtype: str, upstream: str) -> None:
    if not callable(fn) and not is_pair(fn):
        raise ClaimError("error", f"{fn!r} cannot be called")
    if not isinstance(op, Op | str):
        raise ClaimError("error", f"op is an op such as ops.layer_norm, or its name, not {op!r}")
    for name, value, known in (("dtype", dtype, PRECISIONS), ("upstream", upstream, UPSTREAMS)):
        if value not in known:
            raise ClaimError("error", f"{name}={value!r} is none of {', '.join(known)}")


def fields(returns: str | Sequence[str | None] | None) -> tuple[str | None, ...] | None:
    """``"dx,dgamma"`` and ``("dx", "dgamma")`` are the same; ``"_"`` is None."""
    if returns is None:
        return None
    words = returns.replace(",", " ").split() if isinstance(returns, str) else returns
    return tuple(None if word in (None, "_", "None") else str(word) for word in words)


def refusal(name: str, error: ClaimError) -> Verdict:
    one = Verdict(error.output or name, error.kind, error.explanation)
    if not error.output:
        return one
    return replace(one, name=name, outputs={error.output: one})


# --------------------------------------------------------------------------
# Checking
# --------------------------------------------------------------------------


def checked(asked: Asked) -> Verdict:
    call = settled(asked, caller(asked, question(asked.op, unit=False)))
    if needs_unit(asked, call):
        call = rebuilt(asked, call)
    at = tuple(prepared(point, asked, call) for point in drawn(asked, call))
    found, where = tried(Session(asked, call, {}), at[0])
    session = Session(asked, found.call, {id(where): (where, found.first)})
    there, said = with_own_constants(session, at, found)
    verdict = judgement(session, there, found)
    notes = () if verdict.ok or said else unsaid(session, there)
    return replace(verdict, inferred=(*verdict.inferred, *said), notes=(*verdict.notes, *notes))


def judgement(session: Session, at: tuple[Point, ...], found: Probed) -> Verdict:
    """The verdict; what is wrong at a big point is explained at small ones, if it is there too."""
    if at[0].big and not session.right(at, found):
        asked, call = session.asked, session.call
        small = points(call.form.question, asked.seed, call.sizes, call.form.dtype)
        verdict = session.verdict(tuple(prepared(p, asked, call) for p in small), found)
        if verdict.kind not in ("correct", "error", "shape"):
            return verdict
    return session.verdict(at, found)


def tried(session: Session, point: Point) -> tuple[Probed, Point]:
    """What is found out by running it, at a small point if it can be called there."""
    if point.big:
        asked, call = session.asked, session.call
        small = points(call.form.question, asked.seed, call.sizes, call.form.dtype)[0]
        try:
            return probed(session.outcome, call, prepared(small, asked, call)), small
        except ClaimError:  # it has sizes of its own
            pass
    return probed(session.outcome, session.call, point), point


def settled(asked: Asked, call: Caller) -> Caller:
    """What only a call can tell: does it go forwards, and is what it gives one number?"""
    forward = as_forward(call, asked) if may_be_forward(call, asked) else call
    if not isinstance(forward, Differentiated):
        return call
    at = prepared(drawn(asked, forward)[0], asked, forward)
    value = run(asked, forward, lambda: forward.value(at))
    output = forward.outputs[0]
    expected = forward.form.outward(forward_arrays(at, [output])[output], output, at)
    number = value is not None and value.ndim == 0 < expected.ndim
    if forward is not call and not number:
        if value is None or value.shape != expected.shape:
            return call
        if asked.upstream != "given" and not close(value, expected, asked.dtype):
            return call
    return replace(forward, reduced=number and (asked.upstream != "given" or is_loss(asked)))


def run(asked: Asked, call: Caller, does: Callable[[], Any]) -> Any:
    """What a call does, stopped in time where a time is set."""
    if asked.timeout is None:
        return does()
    return in_time(asked.timeout, title(asked.fn), does, call.form.library.name)


def is_loss(asked: Asked) -> bool:
    """Is its one output a number for each row of the batch?"""
    tensors = tuple(asked.op.outputs.values())
    return len(tensors) == 1 and tensors[0].rank == len(asked.op.program.batch)


def needs_unit(asked: Asked, call: Caller) -> bool:
    """Is the upstream gradient 1, for it is that of a loss and the function takes none?"""
    return is_loss(asked) and asked.upstream == "given" and not call.takes_upstream


def rebuilt(asked: Asked, call: Caller) -> Caller:
    """The same where the upstream gradient is 1."""
    about = question(asked.op, unit=True)
    form = replace(call.form, question=about)
    return replace(call, form=form, vocabulary=Vocabulary(about))


def drawn(asked: Asked, call: Caller) -> tuple[Point, ...]:
    sizes = {**call.sizes, **asked.sizes}
    return points(call.form.question, asked.seed, sizes, call.form.dtype)


def prepared(point: Point, asked: Asked, call: Caller) -> Point:
    """The point with the function's own constants and with what ``upstream=`` says."""
    changed = {name: np.asarray(value) for name, value in call.fixed.items()}
    for tensor in point.question.given if asked.upstream != "given" else ():
        shape = [point.sizes[dim.name] for dim in tensor.dims]
        changed[tensor.name] = np.full(shape, 1 / prod(shape) if asked.upstream == "mean" else 1.0)
    return point.changed(**changed) if changed else point


@dataclass(frozen=True)
class Session:
    """The calls of one check; what was returned at a point is kept."""

    asked: Asked
    call: Caller
    kept: dict[int, tuple[Point, Outcome]]
    known: dict[int, bool] = field(default_factory=dict)

    def outcome(self, call: Caller, point: Point, fill: float = 0.0) -> Outcome:
        return run(self.asked, call, lambda: outcome(call.raw(point, fill), call.form, point))

    def answer(self, point: Point) -> Mapping[str, np.ndarray]:
        """Its gradients at a point; raises ``ClaimError`` where it has other constants inside."""
        if id(point) not in self.kept:
            for name, value in self.call.fixed.items():
                if float(point.drawn[name]) != value:
                    raise ClaimError("error", f"{name} is {value:g} and cannot be another")
            self.kept[id(point)] = (point, self.outcome(self.call, point))
        return self.kept[id(point)][1].arrays

    def verdict(self, at: tuple[Point, ...], found: Probed) -> Verdict:
        about = self.call.form.question
        names = ordered(found.first.arrays, about)
        sizes = {**self.call.sizes, **self.asked.sizes}
        dtype = precision(self.call, found)
        return joined(
            title(self.asked.fn),
            judged(about, self.answer, names, at, dtype, sizes),
            (*self.call.inferred, *found.inferred),
            tuple(dict.fromkeys((*found.first.notes, *found.notes))),
        )

    def right(self, at: tuple[Point, ...], found: Probed) -> bool:
        """Is every gradient right there?"""
        return self.rights(at, found) == len(found.first.arrays)

    def rights(self, at: tuple[Point, ...], found: Probed) -> int:
        """How many of the gradients are right there."""
        dtype = precision(self.call, found)

        def fits(name: str, point: Point) -> bool:
            array = self.answer(point)[name]
            off = np.abs(array - point.truth(name).reshape(array.shape)).max(initial=0.0)
            return bool(off <= tolerance(point, name, dtype))

        return sum(all(fits(name, p) for p in at) for name in found.first.arrays)


def precision(call: Caller, found: Probed) -> str:
    return coarsest([call.form.dtype, found.first.dtype])


def ordered(names: Mapping[str, Any], about: Question) -> list[str]:
    """Gradients in the order of the op's inputs, then those of intermediates."""
    first = [f"d{name}" for name in about.wrt if f"d{name}" in names]
    return [*first, *(name for name in names if name not in first)]


# --------------------------------------------------------------------------
# Constants that a function has inside
# --------------------------------------------------------------------------


#: What a function may have built in without being told: an eps that is at most so large. Others,
#: such as a temperature of 1, would hide that they were forgotten.
LARGEST_EPS = 0.01


def hidden_constants(session: Session) -> list[str]:
    """The op's constants that a function is not given, though it takes nothing but inputs."""
    call, inputs = session.call, session.asked.op.inputs
    if any(isinstance(s, Computed | Saved) for s in call.sources):
        return []
    if not set(call.quantities) <= {*inputs, *call.vocabulary.upstream}:
        return []
    return [
        name
        for name, tensor in inputs.items()
        if tensor.role == "constant" and not tensor.rank and not tensor.integer
        if name not in call.fixed and name not in call.quantities
    ]


def with_own_constants(
    session: Session, at: tuple[Point, ...], found: Probed
) -> tuple[tuple[Point, ...], tuple[str, ...]]:
    """Points with the eps that is written in the function.

    A LayerNorm that adds its own eps = 1e-5 cannot be right at any other, and what else is wrong
    with it shows best there; but one that is right with no eps at all has forgotten it.
    """

    def there(name: str, value: float) -> tuple[Point, ...]:
        return tuple(point.changed(**{name: np.asarray(value)}) for point in at)

    try:
        hidden = [name for name in hidden_constants(session) if name.startswith("eps")]
        if not hidden or session.right(at, found):
            return at, ()
        for name, value in product(hidden, numbers(session.asked.fn)):
            if not 0 < value <= LARGEST_EPS:
                continue
            own, none = there(name, value), there(name, 0.0)
            needed = not session.right(none, found)
            if needed and session.rights(own, found) >= session.rights(none, found):
                said = f"{name} = {value:g}, which is written in it and is not among its arguments"
                return own, (said,)
    except ClaimError:
        pass
    return at, ()


def unsaid(session: Session, at: tuple[Point, ...]) -> tuple[str, ...]:
    """What to say of a wrong function: that it goes forwards, or has constants of its own."""
    dtype = session.call.form.dtype
    same = [
        f"{name} is the output {output}: pass the function that returns gradients"
        for output in session.asked.op.outputs
        for name, array in session.answer(at[0]).items()
        if array.shape == at[0].shape(output)
        and close(array, forward_arrays(at[0], [output])[output], dtype)
    ]
    return *same, *(
        f"{name} is not among its arguments, and was {float(at[0].drawn[name]):g} at the first "
        f"point: if it has its own, say constants={{{name!r}: ...}}"
        for name in hidden_constants(session)
    )
