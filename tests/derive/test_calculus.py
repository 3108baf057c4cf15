"""Random programs: every step, result and expanded result against high-precision differences.

``EXAMPLES=5000 pytest tests/derive/test_calculus.py`` searches for long; what
a search has found becomes a row of ``FOUND``.
"""

from __future__ import annotations

import os

import pytest
import sympy as sp
from hypothesis import HealthCheck, Phase, assume, given, settings
from random_programs import random_programs

from symllm import Dim, Iverson, Let, Op, Tensor, delta, matrix, ops, scalar, sum_over
from symllm.calls import without_calls
from symllm.derivation import Derivation
from symllm.errors import VerificationError
from symllm.evaluate import sample
from symllm.notation import entry
from symllm.steps import Step
from symllm.verify import verify


def claims(g: Derivation) -> list[Step]:
    """The results, as they stand and written out in inputs alone, as steps of their own."""
    found = []
    expanded = g.expanded if isinstance(g.expanded, dict) else {next(iter(g.results)): g.expanded}
    for question, name, let in zip(g.question, g.wrt, g.result_equations, strict=True):
        dims = g.program.tensors[name].dims
        free = tuple(zip(let.indices, dims, strict=True))
        for value in (let.rhs, expanded[let.name]):
            found.append(Step(question, value, value, f"the result {let.name}", ("",), free))
    return found


def assert_right(op: Op) -> None:
    """Every step, lemma and result of an op's gradient holds at a random point."""
    program = without_calls(op.program)
    try:
        sizes = {d.name: size for d, size in zip(program.dims, (3, 4, 2), strict=False)}
        points = [sample(program, 0, sizes)]
    except VerificationError:
        assume(False)
    g = op.gradient()
    verify([*g.steps, *claims(g)], g.facts, program, points=points)


@settings(
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    derandomize="EXAMPLES" not in os.environ,
)
@given(random_programs(depth=2 if "EXAMPLES" in os.environ else 1))
def test_random_programs(op: Op) -> None:
    assume(any(t.differentiable for t in op.inputs.values()))
    assert_right(op)


# --- what was found ----------------------------------------------------------------

n, m = Dim("n"), Dim("m")
i, j, k, a = n.indices("i j k a")
p, q = m.indices("p q")
x, g = n.vector("x"), n.vector("g", "parameter")
f = n.vector("f", "constant")
w = m.vector("w")
A, B = matrix("A", n, m), matrix("B", m, n)
t, o = n.vector("t", "target", m), scalar("o", "target", n)
s, eps = scalar("s"), scalar("eps", "constant", "positive")
q_plus = n.vector("plus", domain="positive")
S, EPS, O = sp.Symbol("s"), sp.Symbol("eps"), sp.Symbol("o", integer=True)
INPUTS = (x, g, f, w, A, B, t, o, s, eps, q_plus)


def program(*equations: Let) -> Op:
    mentioned = {name for let in equations for name in let.mentioned}
    inputs = [tensor for tensor in INPUTS if tensor.name in mentioned]
    return Op("toy", "Toy", inputs, equations, numpy=lambda **given: None)


def named(name: str, *indices, value) -> Let:
    dims = tuple(ix.dim for ix in indices)
    lhs = Tensor(name, dims)[indices] if dims else sp.Symbol(name)
    return Let(lhs, value)


FOUND = {
    "a bracket inside a bracket that cancels": lambda: program(
        named("y", i, p, value=f[i] * w[p]),
        named("z", i, j, value=(1 + 1 / (entry("y", j, t[i]) ** 2 + 1)) ** -2),
    ),
    "one less a fraction": lambda: program(
        named("y", i, value=(1 / (x[i] ** 2 + 1) - 1) ** -1 * g[i])
    ),
    "a kept adjoint that is nothing but deltas": lambda: program(
        named("y", i, p, value=ops.softmax(sp.tanh(w[p] * x[i]), over=p)),
        named("z", i, p, value=(x[i] - entry("y", i, t[i])) * w[p]),
    ),
    "a caller's letter that is a name of the callee's": lambda: program(
        named("y", p, q, value=ops.softmax(sp.tanh(w[p] * w[q] * sum_over(x[i], i)), over=q)),
    ),
    "letters of two dimensions": lambda: program(
        named("y", i, p, value=ops.rms_norm(S * w[p] * x[i], S, EPS, over=p)),
    ),
    "an odd power is not solved for its base": lambda: program(
        named("y", i, value=sp.tanh(x[i]) ** 3), named("z", i, value=entry("y", i) * g[i])
    ),
    "an even power is not solved for its base": lambda: program(
        named("y", i, value=sp.tanh(x[i]) ** 2), named("z", i, value=entry("y", i) * x[i])
    ),
    "an even power of a sum": lambda: program(
        named("y", value=(S + sum_over(x[j], j)) ** -2),
        named("z", i, value=entry("y") * x[i] + S),
    ),
    "a negative power that is turned round": lambda: program(
        named("y", value=-((1 + S**2) ** sp.Rational(-3, 2))),
        named("z", i, value=sp.Symbol("y") * x[i] ** 2),
    ),
    "an entry that is only gathered": lambda: program(
        named("y", p, value=w[p] * x[O] ** 2),
    ),
    "a sum over an entry that is gathered": lambda: program(
        named("y", value=S * sum_over(A[O, p], p)),
    ),
    "nested sums that both must be renamed": lambda: program(
        named("y", i, p, value=A[i, p] ** 3 * g[O] ** 3),
        named(
            "z",
            value=sum_over(B[p, O], p) / (sum_over(entry("y", i, t[i]), i) ** 2 + 1),
        ),
        named("u", i, p, value=sp.Symbol("z") * w[p] * x[i]),
    ),
    "a delta of a scalar with itself": lambda: program(
        named("y", value=sum_over(A[O, p], p) ** 2),
        named("z", i, j, value=A[j, t[i]] / (sp.Symbol("y") ** 2 + 1)),
    ),
    "a bracket beside a delta": lambda: program(
        named("y", i, j, value=sp.sqrt(EPS + S**2) * delta(i, j) * x[i] ** 2 * x[j]),
    ),
    "a scatter": lambda: program(
        named("y", p, value=sum_over(delta(p, t[i]) * x[i] ** 2, i)),
    ),
    "causal weights": lambda: program(
        named("y", i, value=sum_over(Iverson(j <= i) * x[j] * x[i], j)),
        named("z", i, value=sum_over(Iverson(i <= j) * sp.tanh(entry("y", j)), j)),
    ),
    "a power of a sum inside a sum": lambda: program(
        named("y", value=sum_over(x[i] * sum_over(A[i, p] * w[p], p) ** 3, i)),
    ),
    "functions of sums inside sums of functions": lambda: program(
        named("y", i, value=sum_over(sp.tanh(x[j] * sum_over(sp.sin(A[j, p] * x[i]), p)), j) ** 2),
    ),
    "the same letter free and bound": lambda: program(
        named("y", i, value=x[i] * sp.Sum(x[i] ** 2 * g[i], (i.symbol, 0, n.symbol - 1))),
    ),
    "powers of one name in several equations": lambda: program(
        named("y", i, value=x[i] ** 2),
        named("z", i, value=entry("y", i) ** 2 * x[i]),
        named("u", value=sum_over(entry("z", i) * entry("y", i) / (1 + x[i] ** 2), i)),
    ),
    "an op of an op": lambda: program(
        named("y", i, value=ops.softmax(sp.tanh(x[i]), over=i)),
        named("z", i, value=ops.layer_norm(entry("y", i), g[i], f[i], EPS, over=i)),
    ),
    "an op whose output has lost an axis": lambda: program(
        named("y", i, value=ops.logsumexp(A[i, p] * x[i], over=p)),
        named("z", value=sum_over(entry("y", i) * g[i], i)),
    ),
    "a loss of logits": lambda: program(
        named("y", i, p, value=A[i, p] * x[i]),
        named("z", i, value=ops.cross_entropy_index(entry("y", i, p), t[i], over=p)),
    ),
    "a sum that looks like a definition, at an index that is summed": lambda: program(
        named("y", p, value=sum_over(A[i, p], i)),
        named("z", p, value=w[p] * sp.sqrt(EPS + sum_over(A[i, t[i]], i) ** 2)),
    ),
    "a sum that says nothing of an entry's index": lambda: program(
        named("y", i, value=q_plus[i] * sum_over(A[O, p], p)),
    ),
    "a layer inside an op": lambda: program(
        named("y", p, value=ops.linear(x[j], B[p, j], w[p], over=(j, p))),
        named("z", p, value=ops.softmax(entry("y", p), over=p)),
    ),
    "an op in a batch of entries": lambda: program(
        named("y", i, p, value=ops.log_softmax(A[i, p] * x[i], over=p)),
        named("z", value=sum_over(entry("y", i, t[i]), i)),
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    assert_right(FOUND[name]())
