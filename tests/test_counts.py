"""Counts: known ops, loops that count what they do, composing, leading terms, how they look."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
import pytest
import sympy as sp
from click.testing import CliRunner
from dialect import assert_dialect, formulas_in

from symllm import (
    Counts,
    Dim,
    Iverson,
    Let,
    NotationError,
    Op,
    ShapeError,
    UnknownName,
    delta,
    leading,
    matrix,
    mean,
    ops,
    scalar,
    sum_over,
)
from symllm.calls import without_calls
from symllm.cli.app import cli
from symllm.document import show
from symllm.flops import COST, flops
from symllm.notation import Tensor
from symllm.program import Program, needed

n, m, d, e, v = (Dim(name) for name in "nmdev")
i, j = n.indices("i j")
(k,), (p,) = m.indices("k"), v.indices("p")
x, y, z = (n.vector(name) for name in "xyz")
u = m.vector("u")
A, C = matrix("A", n, m), matrix("C", n, m)
s, r = scalar("s"), scalar("r")
N, M, D, E, V, B, T = (Dim(name).symbol for name in "nmdevBT")


def op(*equations: Let, inputs: tuple[Tensor, ...]) -> Op:
    return Op("toy", "Toy", inputs, equations, numpy=lambda **given: None)


# --------------------------------------------------------------------------
# Ops that everybody knows
# --------------------------------------------------------------------------

#: Parameters, forward, backward, kept for the backward pass.
KNOWN: dict[str, tuple[Any, Any, Any, Any]] = {
    "linear": (N * M + N, 2 * N * M + N, 3 * N * M, M),
    "softmax": (0, 3 * N, 4 * N, N),
    "layer_norm": (2 * D, 7 * D + 5, 9 * D + 2, D + 1),
    "rms_norm": (D, 4 * D + 4, 7 * D + 1, D + 1),
    "relu": (0, N, 0, N),
    "gelu": (0, 5 * N, 7 * N, 2 * N),
    "cross_entropy": (0, 6 * N, N, 2 * N),
    "cross_entropy_index": (0, 3 * N + 1, N, N + 1),
    "attention": (
        0,
        (2 * N * M * D + N * M) + 3 * N * M + 2 * N * M * E,
        # dV, dP; D; dS; dQ and dK, each divided by sqrt(d)
        4 * N * M * E + 2 * N * E + 2 * N * M + (4 * N * M * D + N * D + M * D),
        N * D + M * D + M * E + N * E + N * M,
    ),
    "causal_attention": (
        0,
        2 * N**2 * D + 4 * N**2 + 2 * N**2 * E,
        4 * N**2 * E + 2 * N * E + 2 * N**2 + 4 * N**2 * D + 2 * N * D,
        2 * N * D + 2 * N * E + N**2,
    ),
}


@pytest.mark.parametrize("name", KNOWN)
def test_counts_of_known_ops(name: str) -> None:
    found = ops[name].counts()
    row = (found.parameters, found.forward_flops, found.backward_flops, found.activations)
    assert row == tuple(sp.expand(count) for count in KNOWN[name])


def test_a_batch_multiplies_work_and_memory_and_no_parameters() -> None:
    found = ops.linear.batched("B", "T").counts()
    assert dict(found.by_parameter) == {"W": N * M, "b": N}
    assert found.forward_flops == sp.expand(B * T * (2 * N * M + N))
    assert found.backward_flops == sp.expand(B * T * (4 * N * M + N))
    assert dict(found.by_activation) == {"x": B * T * M}


def test_every_op_of_the_catalogue_is_counted() -> None:
    for name in ops:
        plain, batch = ops[name].counts(), ops[name].batched("rows").counts()
        B = Dim("rows").symbol
        counted = [(c.forward_flops, c.activations) for c in (plain, batch)]
        for one, many in zip(*counted, strict=True):
            spared = sp.Poly(B * one - many, B)  # what does not depend on the example
            assert spared.degree() <= 1, name
            assert spared.eval(1) == 0, name
            assert spared.LC().subs(dict.fromkeys(spared.LC().free_symbols, 3)) >= 0, name
        assert batch.parameters == plain.parameters


def test_a_gradient_by_one_input_costs_less() -> None:
    one = ops.linear.gradient("x").counts()
    assert one.backward_flops == 2 * N * M
    assert one.activations == 0
    assert one.forward_flops == ops.linear.counts().forward_flops


def test_an_op_without_a_gradient_has_a_forward_pass_alone() -> None:
    labels = n.vector("t", role="target")
    found = op(Let(y[i], 2 * labels[i]), inputs=(labels,)).counts()
    assert (found.forward_flops, found.backward_flops, found.activations) == (N, 0, 0)


# --------------------------------------------------------------------------
# The conventions, one by one
# --------------------------------------------------------------------------

FORWARD: dict[str, tuple[Let, tuple[Tensor, ...], Any]] = {
    "a sum of products, divided outside": (
        Let(y[i], sum_over(A[i, k] * u[k], k) / sp.sqrt(m)), (A, u), 2 * N * M + N,
    ),
    "a sum of products, divided inside": (
        Let(y[i], sum_over(A[i, k] * u[k] / sp.sqrt(m), k)), (A, u), 2 * N * M + N,
    ),
    "a factor outside the sum": (
        Let(y[i], sum_over(x[i] * A[i, k] * u[k], k)), (A, u, x), 2 * N * M + N,
    ),
    "three factors, the small ones first": (
        Let(s, sum_over(x[i] * A[i, k] * u[k], i, k)),
        (A, u, x), 2 * N * M + 2 * N,
    ),
    "what has no index is computed once": (
        Let(y[i], x[i] / sp.sqrt(s + r)), (x, s, r), N + 2,
    ),
    "a sum inside an equation is computed once": (
        Let(y[i], x[i] / sum_over(x[j], j)), (x,), 2 * N,
    ),
    "two sums in one": (Let(s, sum_over(A[i, k] * C[i, k], i, k)), (A, C), 2 * N * M),
    "a mean": (Let(s, mean(x[i], i)), (x,), N + 1),
    "signs are free": (Let(y[i], -x[i] - z[i]), (x, z), N),
    "a reciprocal": (Let(y[i], 1 / x[i]), (x,), N),
    "two divisors": (Let(y[i], z[i] / (x[i] * s)), (x, z, s), 2 * N),
    "a whole power": (Let(y[i], x[i] ** 5), (x,), 3 * N),
    "powers and roots": (Let(y[i], x[i] ** sp.Rational(-3, 2)), (x,), 3 * N),
    "another power": (Let(y[i], sp.exp(x[i] ** s)), (x, s), 2 * N),
    "numbers are one number": (Let(y[i], sp.sqrt(2 / sp.pi) * n * x[i] + 1 + n), (x,), 2 * N),
    "indices and sizes are known": (Let(y[i], x[i] * sp.cos(i / n)), (x,), N),
    "the largest": (Let(y[i], sp.Max(x[i], 0, s)), (x, s), N + 1),
    "a mask is dense": (Let(y[i], sum_over(Iverson(j <= i) * x[j], j)), (x,), N**2),
    "a mask costs nothing": (Let(y[i], Iverson(x[i] > 0) * x[i]), (x,), 0),
}  # fmt: skip


@pytest.mark.parametrize("what", FORWARD)
def test_a_convention(what: str) -> None:
    let, inputs, expected = FORWARD[what]
    assert flops(op(let, inputs=inputs).program) == sp.expand(expected)


def test_a_delta_under_a_sum_selects() -> None:
    """A scatter adds each row once, however many rows there are to add to."""
    t = n.vector("t", role="target", domain=v)
    W, h = matrix("W", v, m, role="parameter"), matrix("h", n, m)
    found = op(Let(h[i, k], W[t[i], k]), inputs=(t, W)).counts()
    assert (found.forward_flops, found.backward_flops) == (0, N * M)
    scaled = op(Let(W[p, k], s * sum_over(r * delta(p, t[i]) * h[i, k], i)), inputs=(t, s, r, h))
    assert flops(scaled.program) == N * M + 2 * V * M
    own = op(
        Let(s, sum_over(delta(i, t[i]) * x[i], i)),
        inputs=(n.vector("t", role="target", domain=n), x),
    )
    assert flops(own.program) == N  # a bracket like any other: it says nothing of where to look
    divided = op(
        Let(y[i], sum_over(delta(p, t[i]) / v.vector("w")[p], p)), inputs=(t, v.vector("w"))
    )
    assert flops(divided.program) == N
    gathered = op(
        Let(y[i], sum_over(delta(p, t[i]) * v.vector("w")[p], p)), inputs=(t, v.vector("w"))
    )
    assert flops(gathered.program) == 0


def test_what_a_call_is_passed_is_computed_once() -> None:
    """``silu`` mentions its input twice."""
    inside = flops(ops.silu.program)
    found = op(Let(y[i], ops.silu(x[i] * z[i] + 1, over=i)), inputs=(x, z))
    assert flops(found.program) == inside + 2 * N
    taken = op(  # the name that the argument would get is one of the op's own
        Let(y[i], ops.silu(x[i] * z[i], over=i)),
        Let(scalar("y_x"), sum_over(y[j], j)),
        inputs=(x, z),
    )
    assert flops(taken.program) == inside + N + N


def test_a_call_is_counted_in_the_callers_sizes_for_each_of_its_rows() -> None:
    found = op(Let(C[i, k], ops.softmax(A[i, k], over=k)), inputs=(A,))
    assert flops(found.program) == 3 * N * M


def test_a_call_inside_a_call() -> None:
    inner = op(Let(y[i], ops.silu(2 * x[i], over=i)), inputs=(x,))
    outer = op(Let(C[i, k], inner(A[i, k] + 1, over=k)), inputs=(A,))
    assert flops(outer.program) == N * M * (1 + 1) + flops(ops.silu.program).subs(N, N * M)


def test_a_definition_that_no_output_needs_is_not_computed() -> None:
    """The derivative of ``softplus`` is an alias, and is counted where it is used: backward."""
    caller = op(Let(y[i], ops.softplus(x[i], over=i)), inputs=(x,))
    assert caller.counts().forward_flops == ops.softplus.counts().forward_flops == 3 * N
    assert caller.counts().backward_flops == ops.softplus.counts().backward_flops == 2 * N


def test_a_function_without_a_cost_is_named() -> None:
    let = Let(y[i], sp.gamma(x[i]))
    with pytest.raises(NotationError, match=r"no cost is known for the function gamma in .*x\[i\]"):
        flops(Program("toy", (x,), (let,), ("y",)))


# --------------------------------------------------------------------------
# Loops that count what they do
# --------------------------------------------------------------------------


@dataclass
class Number:
    """A number that notes every operation it takes part in."""

    value: float
    tally: list[int]

    def _with(self, other: Any, function: Callable[[float, float], float]) -> Any:
        if isinstance(other, np.ndarray):
            return NotImplemented  # NumPy goes through the entries
        self.tally[0] += 1
        return Number(function(self.value, worth(other)), self.tally)

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a + b)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a - b)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a * b)

    def __truediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: a / b)

    def __rtruediv__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b / a)

    def __neg__(self) -> Number:
        return Number(-self.value, self.tally)

    def call(self, function: Callable[[float], float]) -> Number:
        self.tally[0] += 1
        return Number(function(self.value), self.tally)

    def selected(self, chosen: bool) -> Number:
        return Number(self.value if chosen else 0.0, self.tally)

    __radd__, __rmul__ = __add__, __mul__


def worth(given: Any) -> float:
    return given.value if isinstance(given, Number) else given


def total(numbers: Any) -> Any:
    """A sum as loops do it: it starts at zero, and adds each term."""
    numbers = list(numbers)
    return reduce(lambda a, b: a + b, numbers, Number(0.0, numbers[0].tally))


def each(function: Callable[[Number], Number], array: np.ndarray) -> np.ndarray:
    return np.array([function(a) for a in array.flat], dtype=object).reshape(array.shape)


def exponential(array: np.ndarray) -> np.ndarray:
    return each(lambda a: a.call(math.exp), array)


def product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """``left @ right``, by three loops."""
    rows = [
        [total(a * b for a, b in zip(row, col, strict=True)) for col in right.T] for row in left
    ]
    return np.array(rows, dtype=object)


def by_hand_softmax(x: Any) -> Any:
    weights = exponential(x)
    return weights / total(weights)


def by_hand_linear(x: Any, W: Any, b: Any) -> Any:
    return product(W, x[:, None])[:, 0] + b


def by_hand_layer_norm(x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
    centred = x - total(x) / len(x)
    variance = total(centred * centred) / len(x)
    return gamma * (1 / (variance + eps).call(math.sqrt) * centred) + beta


def by_hand_rms_norm(x: Any, gamma: Any, eps: Any) -> Any:
    return gamma * (1 / (total(x * x) / len(x) + eps).call(math.sqrt) * x)


def by_hand_attention(Q: Any, K: Any, V: Any) -> Any:
    scores = product(Q, K.T) / math.sqrt(Q.shape[1])
    return product(np.array([by_hand_softmax(row) for row in scores]), V)


def by_hand_causal_attention(Q: Any, K: Any, V: Any) -> Any:
    scores = exponential(product(Q, K.T) / math.sqrt(Q.shape[1]))
    weights = np.array(
        [[a.selected(c <= row) for c, a in enumerate(line)] for row, line in enumerate(scores)]
    )
    return product(np.array([row / total(row) for row in weights]), V)


def by_hand_cross_entropy(z: Any, y: Any) -> Any:
    return np.array(-total(y * each(lambda a: a.call(math.log), by_hand_softmax(z))))


def by_hand_gelu_tanh(x: Any) -> Any:
    cubic = (x + 0.044715 * (x * x * x)) * math.sqrt(2 / math.pi)
    return x * (each(lambda a: a.call(math.tanh), cubic) + 1) * 0.5


BY_HAND: dict[str, Callable[..., Any]] = {
    name.removeprefix("by_hand_"): f for name, f in globals().items() if name.startswith("by_hand_")
}


def sizes_for(program: Program, seed: int) -> dict[str, int]:
    """Sizes that all differ."""
    numbers = random.Random(seed).sample(range(2, 10), len(program.dims))
    return {d.name: d.size or k for d, k in zip(program.dims, numbers, strict=True)}


def drawn(program: Program, sizes: Mapping[str, int], seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    shapes = {t.name: tuple(sizes[dim.name] for dim in t.dims) for t in program.inputs}
    return {name: rng.uniform(0.1, 1.0, shape) for name, shape in shapes.items()}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", BY_HAND)
def test_loops_written_by_hand_do_as_many_operations(name: str, seed: int) -> None:
    program = ops[name].program
    sizes = sizes_for(program, seed)
    given, tally = drawn(program, sizes, seed), [0]
    numbers = {
        what: np.array([Number(float(a), tally) for a in array.flat]).reshape(array.shape)
        for what, array in given.items()
    }
    scalars = {what: a.item() if a.ndim == 0 else a for what, a in numbers.items()}
    result = BY_HAND[name](**scalars)
    assert np.allclose(np.vectorize(worth)(result), ops[name].numpy(**given))
    assert tally[0] == at(ops[name].counts().forward_flops, sizes)


def at(count: sp.Expr, sizes: Mapping[str, int]) -> int:
    return int(count.subs({Dim(name).symbol: size for name, size in sizes.items()}))


# --------------------------------------------------------------------------
# All equations, forward and backward, entry by entry
# --------------------------------------------------------------------------


@dataclass
class Walker:
    """Walks over the entries of one equation, and computes each part once for its own indices."""

    tensors: frozenset[str]
    ranges: Mapping[sp.Symbol, int]
    operations: int = 0
    seen: set[Any] = field(default_factory=set)

    def once(self, what: Any, free: frozenset[Any], env: Mapping[Any, int], cost: int) -> None:
        key = (what, tuple(sorted((str(f), env[f]) for f in free)))
        self.operations += 0 if key in self.seen else cost
        self.seen.add(key)

    def free(self, *exprs: sp.Basic) -> frozenset[Any]:
        return frozenset(f for e in exprs for f in e.free_symbols if f in self.ranges)

    def plain(self, expr: sp.Basic) -> bool:
        names = {str(f) for f in expr.free_symbols} | {
            str(a.base.label) for a in expr.atoms(sp.Indexed)
        }
        return not names & self.tensors

    def walk(self, expr: sp.Basic, env: dict[Any, int]) -> None:
        if self.plain(expr) or isinstance(expr, sp.Indexed | sp.Symbol):
            return
        if isinstance(expr, sp.Sum):
            self.walk_sum(expr, env)
            return
        for arg in expr.args:
            self.walk(arg, env)
        if isinstance(expr, sp.Mul):
            self.multiply([f for f in expr.args if f != -1], env)
        elif isinstance(expr, sp.Add | sp.Max | sp.Min):
            self.fold(expr.func, list(expr.args), env)
        elif isinstance(expr, sp.Pow):
            known: dict[Any, int] = {
                2: 1,
                -1: 1,
                -2: 2,
                sp.Rational(1, 2): 1,
                -sp.Rational(1, 2): 2,
                3: 2,
            }
            times = known.get(expr.exp, 1)  # any other power is a function
            self.once(expr, self.free(expr), env, times)
        elif isinstance(expr, sp.Function) and not is_bracket(expr):
            self.once(expr, self.free(expr), env, 1)

    def multiply(self, factors: list[sp.Expr], env: dict[Any, int]) -> None:
        """A division takes the place of a multiplication: the reciprocal was counted already."""
        factors = [f for f in factors if not is_bracket(f)]
        inverse = [
            f for f in factors if not self.plain(f) and isinstance(f, sp.Pow) and f.exp.is_negative
        ]
        if len(inverse) < len(factors):
            for factor in inverse:
                self.once(("divided", factor), self.free(factor), env, -1)
        self.fold(sp.Mul, factors, env)

    def fold(self, kind: Any, args: list[sp.Expr], env: dict[Any, int]) -> None:
        known = [a for a in args if self.plain(a) and not self.free(a)]
        rest = sorted((a for a in args if a not in known), key=lambda a: len(self.free(a)))
        parts = [*([kind(*known)] if known else []), *rest]
        for count in range(2, len(parts) + 1):
            self.once((kind, *parts[:count]), self.free(*parts[:count]), env, 1)

    def walk_sum(self, expr: sp.Sum, env: dict[Any, int]) -> None:
        symbols = [symbol for symbol, _, _ in expr.limits]
        factors = sp.Mul.make_args(expr.function)
        inside = [f for f in factors if f.has(*symbols)]
        for at in itertools.product(*(range(self.ranges[symbol]) for symbol in symbols)):
            here = {**env, **dict(zip(symbols, at, strict=True))}
            self.walk(sp.Mul(*inside), here)
            self.once((sp.Add, expr), self.free(*inside), here, 1)
        outside = [f for f in factors if f not in (*inside, -1)]
        for factor in outside:
            self.walk(factor, env)
        self.multiply([*outside, expr], env)


def is_bracket(expr: sp.Basic) -> bool:
    return isinstance(expr, Iverson | sp.KroneckerDelta | sp.Heaviside)


def walked(program: Program, known: frozenset[str], sizes: Mapping[str, int]) -> int:
    operations = 0
    for let in needed(program.equations, program.outputs, known):
        dims = program.index_dims[let.name]
        ranges = {symbol: sizes[dim.name] for symbol, dim in dims.items()}
        walker = Walker(frozenset(program.tensors), ranges)
        for place in itertools.product(*(range(ranges[symbol]) for symbol in let.indices)):
            walker.walk(let.rhs, dict(zip(let.indices, place, strict=True)))
        operations += walker.operations
    return operations


#: The walk does not know gathers and scatters, which cost what they touch, nor how the slope
#: of a minimum is counted.
DIFFERENT = dict.fromkeys(("embedding", "weight_tying", "load_balancing"), "gathers, scatters")
DIFFERENT |= dict.fromkeys(("grpo", "clip_by_global_norm"), "slopes of minima")
#: Whole blocks have too many entries to walk.
WALKED = [
    pytest.param(name, marks=pytest.mark.xfail(strict=True, reason=DIFFERENT[name]))
    if name in DIFFERENT
    else name
    for name in ops
    if not name.endswith("_block")
]


@pytest.mark.parametrize("name", WALKED)
def test_entry_by_entry_it_comes_to_the_same(name: str) -> None:
    found = ops[name]
    sizes = sizes_for(found.program, len(name))
    forward = without_calls(found.program)
    computed = frozenset(let.name for let in needed(forward.equations, forward.outputs))
    counts = found.counts()
    assert walked(forward, frozenset(), sizes) == at(counts.forward_flops, sizes)
    backward = found.gradient().backward
    assert walked(backward, computed, sizes) == at(counts.backward_flops, sizes)


# --------------------------------------------------------------------------
# Composing, leading terms
# --------------------------------------------------------------------------


def perceptron() -> Op:
    """A block of two linear layers, an activation and a residual connection."""
    model, hidden = Dim("c"), Dim("f")
    (a,), (b,) = model.indices("i"), hidden.indices("k")
    x, o, y = (model.vector(name) for name in "xoy")
    h, g = hidden.vector("h"), hidden.vector("g")
    W1, b1 = matrix("W1", hidden, model, role="parameter"), hidden.vector("b1", role="parameter")
    W2, b2 = matrix("W2", model, hidden, role="parameter"), model.vector("b2", role="parameter")
    return Op(
        "perceptron",
        "Perceptron",
        (x, W1, b1, W2, b2),
        (
            Let(h[b], ops.linear(x[a], W1[b, a], b1[b], over=(a, b))),
            Let(g[b], ops.gelu(h[b], over=b)),
            Let(o[a], ops.linear(g[b], W2[a, b], b2[a], over=(b, a))),
            Let(y[a], x[a] + o[a]),
        ),
        numpy=lambda **given: None,
    )


def test_training_a_stack_of_linear_layers_costs_six_operations_a_parameter_and_token() -> None:
    layers = sp.Symbol("L", integer=True, positive=True)
    stack = layers * perceptron().batched("B", "T").counts()
    weights, tokens = leading(stack.parameters), B * T
    c, f = Dim("c").symbol, Dim("f").symbol
    assert weights == 2 * c * f * layers
    assert leading(stack.forward_flops) == 2 * weights * tokens
    assert leading(stack.backward_flops) == 4 * weights * tokens
    assert leading(stack.training_flops) == 6 * weights * tokens
    assert leading(stack.training_flops, Dim("c"), Dim("f")) == 6 * weights * tokens
    assert stack.parameters == sp.expand(layers * (2 * c * f + c + f))


def heads() -> Op:
    """A block of causal attention with heads, its four projections, a norm before it."""
    time, model, head, size = (Dim(name) for name in "TCHe")
    (t,), (c,), (h,), (k,) = (
        dim.indices(letter)
        for dim, letter in zip((time, model, head, size), ("t", "c", "h", "k"), strict=True)
    )
    x, a, y = (matrix(name, time, model) for name in "xay")
    Q, K, V, O = (Tensor(name, (head, time, size)) for name in "QKVO")
    Wq, Wk, Wv = (Tensor(name, (head, size, model), "parameter") for name in ("Wq", "Wk", "Wv"))
    Wo = Tensor("Wo", (model, head, size), "parameter")
    gamma, eps = model.vector("gamma", "parameter"), scalar("eps", "constant", "positive")
    attended = ops.causal_attention(Q[h, t, k], K[h, t, k], V[h, t, k], over=(t, k, k))
    return Op(
        "heads",
        "Heads",
        (x, gamma, eps, Wq, Wk, Wv, Wo),
        (
            Let(a[t, c], ops.rms_norm(x[t, c], gamma[c], eps, over=c)),
            Let(Q[h, t, k], sum_over(Wq[h, k, c] * a[t, c], c)),
            Let(K[h, t, k], sum_over(Wk[h, k, c] * a[t, c], c)),
            Let(V[h, t, k], sum_over(Wv[h, k, c] * a[t, c], c)),
            Let(O[h, t, k], attended),
            Let(y[t, c], x[t, c] + sum_over(Wo[c, h, k] * O[h, t, k], h, k)),
        ),
        numpy=lambda **given: None,
    )


def test_a_wide_transformer_costs_six_operations_a_parameter_and_token_too() -> None:
    """What attention adds does not grow with the width of the model."""
    found = heads().batched("B").counts()
    width, head, size = (Dim(name).symbol for name in "CHe")
    weights = leading(found.parameters)
    assert weights == 4 * width * head * size
    assert leading(found.training_flops, Dim("C"), Dim("e")) == 6 * weights * B * T
    attention = head * T**2 * (4 * size + 4)
    rest = width * T * 4 + 4 * T + width * T
    assert found.forward_flops == sp.expand(B * (2 * weights * T + attention + rest))
    assert found.by_activation["P"] == B * head * T**2


def test_counts_add_and_multiply() -> None:
    one, other = ops.linear.counts(), ops.layer_norm.counts()
    both = one + other
    assert both.parameters == one.parameters + other.parameters
    assert both.forward_flops == one.forward_flops + other.forward_flops
    assert sum([one, one]) == 2 * one == one * 2 == one + one
    assert Dim("k") * one == one * Dim("k").symbol == Dim("k").symbol * one
    assert dict((one + one).by_parameter) == {"W": 2 * N * M, "b": 2 * N}
    assert both.activations == M + D + 1
    for wrong in (lambda: one * one, lambda: one + 1, lambda: one * "three"):
        with pytest.raises((TypeError, sp.SympifyError)):
            wrong()


def test_counts_at_other_sizes() -> None:
    found = ops.linear.counts()
    assert found.at(n=3, m=4).parameters == 15
    assert found.at(n=m, m=n).parameters == N * M + M  # both at once
    assert found.at(n=4 * D).forward_flops == sp.expand(2 * 4 * D * M + 4 * D)
    assert found.activation_bytes() == 4 * M
    assert found.activation_bytes(2) == 2 * M
    with pytest.raises(UnknownName, match="'q'"):
        found.at(q=3)
    for size in (0, -3, 2.5):
        with pytest.raises(ShapeError, match=f"dimension n is a positive integer, not {size}"):
            found.at(n=size)


LEADING = {
    "all dimensions": ((2 * N * M + N,), 2 * N * M),
    "one of them": ((2 * N * M + 3 * N + M**2, n), 2 * N * M + 3 * N),
    "total degree": ((N**2 * M + N * M**2 + N * M, n, m), N**2 * M + N * M**2),
    "a symbol": ((N * M + N, N), N * M + N),
    "one that is not there": ((N * M + N, d), N * M + N),
    "a number": ((7,), 7),
    "nothing": ((0, n), 0),
    "a product that is not written out": (((N + 1) * (M + 2),), N * M),
}


@pytest.mark.parametrize("what", LEADING)
def test_leading_terms(what: str) -> None:
    given, expected = LEADING[what]
    assert leading(*given) == expected


def test_what_has_no_leading_terms_is_refused() -> None:
    with pytest.raises(NotationError, match=r"sqrt\(n\) is no polynomial in n"):
        leading(sp.sqrt(N))
    with pytest.raises(NotationError, match="a dimension such as"):
        leading(N, 3)  # type: ignore[arg-type]


# --------------------------------------------------------------------------
# How they look
# --------------------------------------------------------------------------


def test_a_page_shows_the_largest_terms_first() -> None:
    page = show(ops.attention.counts())
    ((tex, displayed),) = formulas_in(page)
    assert displayed
    assert_dialect(tex)
    assert r"\text{forward operations} &= 2 d m n + 2 e m n + 4 m n \\" in tex
    assert r"\text{parameters} &= 0 \\" in tex
    assert "$$" in ops.attention.counts()._repr_markdown_()


def test_a_long_count_goes_on_in_the_next_line() -> None:
    tex = ops.attention.batched("B", "H").counts().to_latex()
    assert_dialect(tex)
    assert r"\\" + "\n" + r"&\qquad {} + " in tex


def test_the_command_counts() -> None:
    shown = CliRunner().invoke(cli, ["counts", "linear", "--batched", "B"]).stdout
    rows = [" ".join(line.split()) for line in shown.splitlines()]
    assert rows == [
        "count",
        "parameters m n + n",
        "forward operations 2 B m n + B n",
        "backward operations 4 B m n + B n",
        "activations kept B m",
    ]
    one = CliRunner().invoke(cli, ["counts", "linear", "--wrt", "b"])
    assert "backward operations 0" in " ".join(one.stdout.split())
    wrong = CliRunner().invoke(cli, ["counts", "linaer"])
    assert wrong.exit_code == 2
    assert "linear" in wrong.stderr


def test_counts_are_plain_data() -> None:
    found = ops.linear.counts()
    assert isinstance(found, Counts)
    assert found == ops.linear.counts()
    with pytest.raises(TypeError):
        found.by_parameter["W"] = sp.S.One  # type: ignore[index]
    assert COST["exp"] == 1
