"""What is known where a formula stands: the names that it may speak of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import singledispatch
from typing import Any

import sympy as sp
from sympy.core.relational import Relational

from symllm.calculations import Calculation, sides_of
from symllm.calls import with_aliases, without_calls
from symllm.counts import Counts
from symllm.derivation import Derivation
from symllm.equation import Call, Let
from symllm.expressions import entries, name_of, parts, subscripts_of
from symllm.latex.context import Context, context_of
from symllm.latex.theory import context_in
from symllm.models.gradient import ModelGradient
from symllm.notation import Dim, Tensor
from symllm.op import Op
from symllm.optima import Optimum
from symllm.setting import Setting
from symllm.statements import Equals


@dataclass(frozen=True, eq=False)
class Around:
    """The names by which formulas are read, and of theory its setting.

    ``dims`` says over which dimensions indices run, where they run over the same in all formulas.
    """

    context: Context
    dims: Mapping[sp.Symbol, Dim] = field(default_factory=dict)
    setting: Setting | None = None


@singledispatch
def around(value: Any) -> Around:
    """What is known around a value of which nothing is known but what it says itself."""
    expr = value.rhs - value.lhs if isinstance(value, Let) else sp.sympify(value)
    ranges = {s: Dim(str(last + 1)) for e in parts(expr, sp.Sum) for s, _, last in e.limits}
    tensors = {}
    for found in entries(expr):
        axes = tuple(ranges.get(s, Dim(f"size_of_{s}")) for s in subscripts_of(found))
        tensors[name_of(found)] = Tensor(name_of(found), axes)
    known = {n: t for n, t in tensors.items() if t.rank}
    sizes = {s.name for s in expr.free_symbols if s.is_integer and s.is_positive}
    return Around(
        Context("this", known, tuple(known), tuple(known), (), tuple(map(Dim, sorted(sizes))))
    )


@around.register
def _(derivation: Derivation) -> Around:
    """All names of an op, written out, and of its gradients."""
    flat = without_calls(with_aliases(derivation.program))
    adjoints = [t.adjoint() for t in flat.tensors.values()]
    found = derivation.backward.tensors
    further = [t for name, t in found.items() if name not in flat.tensors]
    steps = [*derivation.steps, *(s for fact in derivation.facts for s in fact.steps)]
    runs: dict[sp.Symbol, set[Dim]] = defaultdict(set)
    for symbol, dim in (pair for step in steps for pair in step.free):
        runs[symbol].add(dim)
    letters = {symbol.name: next(iter(found)) for symbol, found in runs.items() if len(found) == 1}
    context = context_of(flat, (*adjoints, *further), derivation.op.name)
    return Around(replace(context, letters=letters))


@around.register
def _(op: Op) -> Around:
    return Around(context_of(op.program, (), op.name))


@around.register
def _(model: ModelGradient) -> Around:
    """The names of head and embedding; those of a layer bear its index."""
    ends = [around(stage).context for stage in (model.embed, model.head)]
    layered = around(model.layer).context
    found = (d for context in (*ends, layered) for d in context.dims)
    dims = tuple(dict.fromkeys([*found, model.model.stack.count]))
    tensors = {name: t for context in ends for name, t in context.tensors.items()}
    read, wanted = (
        {t.name: t for t in part.program.inputs if t.role == "target"}
        for part in (model.model.embed, model.model.head)
    )
    tensors |= {f"{n}_next": replace(wanted[n], name=f"{n}_next") for n in read.keys() & wanted}
    return Around(
        Context("the model", tensors, tuple(tensors), (), (), dims, layered=layered),
    )


@around.register
def _(counts: Counts) -> Around:
    found = (counts.parameters, counts.training_flops, counts.activations)
    names = sorted({s.name for count in found for s in count.free_symbols})
    return Around(Context("the counts", {}, (), (), (), tuple(map(Dim, names))))


@around.register
def _(value: Calculation) -> Around:
    groups = [value.start, *(link.after for link in value.links)]
    return in_setting(value.setting, [side for g in groups for s in g for side in sides_of(s)])


@around.register
def _(value: Optimum) -> Around:
    held = [side for e in value.subject_to for side in sides_of(e)]
    best = [side for let in value.at for side in (let.lhs, let.rhs)]
    return in_setting(value.setting, [value.objective, *held, *best])


def in_setting(setting: Setting, sides: Iterable[Any]) -> Around:
    assumed = [a for a in setting.assuming if isinstance(a, Equals | Relational)]
    laws = [side for a in setting.random for side in (a.entry, a.mean, a.variance)]
    defined = [side for let in setting.definitions for side in (let.lhs, let.rhs)]
    sides = [*sides, *(side for a in assumed for side in (a.lhs, a.rhs)), *laws, *defined]
    plain = [sp.sympify(s) for s in sides if not isinstance(s, sp.MatrixExpr | Call)]
    dims = {s: d for side in plain for s, d in setting.dims_in(side).items()}
    return Around(context_in(setting, plain), dims, setting)
