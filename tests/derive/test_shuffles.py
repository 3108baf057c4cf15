"""The same form whatever order and letters an op was written in, and on every run."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys

import pytest
import sympy as sp

from symllm import Dim, Let, Op, Tensor, mean, ops, scalar, sum_over
from symllm.equation import Call
from symllm.expressions import substitute

FROM_FIRST_PRINCIPLES = ["softmax", "log_softmax", "logsumexp", "layer_norm", "rms_norm", "linear"]
EVERY = [*FROM_FIRST_PRINCIPLES, "cross_entropy", "attention", "gelu", "gelu_tanh", "sigmoid"]


def told(op: Op, names: tuple[str, ...]) -> dict[str, str]:
    """Results and names, in the order of ``names``."""
    g = op.gradient(*names)
    found = {f"{let.lhs}": str(let.rhs) for let in g.result_equations}
    return found | {f"{let.lhs}": str(let.rhs) for let in g.where.values()}


def wrt(op: Op) -> tuple[str, ...]:
    return tuple(n for n, t in op.inputs.items() if t.differentiable)


def remade(op: Op, inputs, equations, aliases=None) -> Op:
    aliases = op.program.aliases if aliases is None else aliases
    return Op(op.name, op.title, inputs, equations, op.numpy, op.outputs, aliases)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", EVERY)
def test_the_order_of_inputs_and_equations_does_not_matter(name: str, seed: int) -> None:
    op, turn = ops[name], random.Random(seed)
    inputs, equations = list(op.inputs.values()), list(op.equations)
    turn.shuffle(inputs)
    turn.shuffle(equations)
    other = remade(op, inputs, equations)
    assert told(other, wrt(op)) == told(op, wrt(op))


def reordered(expr: sp.Expr, turn: random.Random) -> sp.Expr:
    """Factors and terms in another order, and kept in it; sums split where that can be."""
    if not expr.args or isinstance(expr, sp.Indexed | sp.Symbol):
        return expr
    if isinstance(expr, sp.Sum):
        return sp.Sum(reordered(expr.function, turn), *expr.limits)
    args = [reordered(arg, turn) for arg in expr.args]
    if isinstance(expr, sp.Add | sp.Mul):
        turn.shuffle(args)
        return expr.func(*args, evaluate=False)
    return expr.func(*args)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", EVERY)
def test_the_order_of_factors_and_terms_does_not_matter(name: str, seed: int) -> None:
    op, turn = ops[name], random.Random(seed)
    equations = [
        let if isinstance(let.rhs, Call) else Let(let.lhs, reordered(let.rhs, turn), let.note)
        for let in op.equations
    ]
    found = op.gradient()
    other = remade(op, op.inputs.values(), equations).gradient()
    assert dict(other.results) == dict(found.results)
    assert [(s.before, s.after, s.reason) for s in other.steps] == [
        (s.before, s.after, s.reason) for s in found.steps
    ]


@pytest.mark.parametrize("name", FROM_FIRST_PRINCIPLES)
def test_the_letters_of_bound_indices_do_not_matter(name: str) -> None:
    op = ops[name]

    def renamed(expr: sp.Expr) -> sp.Expr:
        change = {}
        for total in expr.atoms(sp.Sum):
            symbol, low, high = total.limits[0]
            letter = sp.Symbol("h", integer=True)
            body = substitute(total.function, {symbol: letter})
            change[total] = sp.Sum(body, (letter, low, high))
        return expr.xreplace(change)

    equations = [Let(let.lhs, renamed(let.rhs), let.note) for let in op.equations]
    found, other = op.gradient(), remade(op, op.inputs.values(), equations).gradient()
    for key, value in found.results.items():
        indices = found.indices if len(found.results) == 1 else found.indices[key]
        theirs = other.indices if len(found.results) == 1 else other.indices[key]
        back = dict(zip(theirs, indices, strict=True))
        assert letterless(substitute(other.results[key], back)) == letterless(value)
    assert list(other.where) == list(found.where)


def letterless(expr: sp.Basic) -> sp.Basic:
    """Every sum's own letter renamed to the same one."""
    if isinstance(expr, sp.Sum):
        letters = {
            limit[0]: sp.Symbol(f"_{k}", integer=True) for k, limit in enumerate(expr.limits)
        }
        limits = [(letters[s], low, high) for s, low, high in expr.limits]
        return sp.Sum(letterless(substitute(expr.function, letters)), *limits)
    if not expr.args or isinstance(expr, sp.Indexed):
        return expr
    return expr.func(*map(letterless, expr.args))


# --- other names -----------------------------------------------------------------


def layer_norm(names: dict[str, str], size: str) -> Op:
    """Layer norm, with names of one's own, the equations in scrambled order."""
    d = Dim(size)
    i, j = d.indices("i j")

    def vector(name: str, role="data") -> Tensor:
        return Tensor(names[name], (d,), role)

    def single(name: str) -> sp.Symbol:
        return sp.Symbol(names[name])

    x, c, xhat, y = map(vector, ("x", "c", "xhat", "y"))
    gamma, beta = vector("gamma", "parameter"), vector("beta", "parameter")
    return Op(
        "toy",
        "Toy",
        (scalar(names["eps"], "constant", "positive"), beta, x, gamma),
        (
            Let(y[i], beta[i] + xhat[i] * gamma[i]),
            Let(xhat[i], c[i] * single("r")),
            Let(single("v"), mean(c[j] ** 2, j)),
            Let(c[i], x[i] - single("mu")),
            Let(single("r"), (single("eps") + single("v")) ** sp.Rational(-1, 2)),
            Let(single("mu"), sum_over(x[j], j) / d),
        ),
        numpy=lambda **given: None,
        outputs=(names["y"],),
    )


PLAIN = {name: name for name in ("x", "c", "xhat", "y", "gamma", "beta", "eps", "mu", "v", "r")}
RENAMINGS = [
    {"x": "zz", "c": "a0", "xhat": "b0", "y": "c0", "gamma": "w", "beta": "bias", "eps": "e0"},
    {"x": "u9", "c": "u8", "xhat": "u7", "y": "u6", "gamma": "u5", "beta": "u4", "mu": "u3"},
    {"x": "A", "c": "B", "xhat": "C", "y": "D", "mu": "E", "v": "F", "r": "G"},
    {"x": "G", "c": "F", "xhat": "E", "y": "D", "mu": "C", "v": "B", "r": "A"},
]


@pytest.mark.parametrize("renaming", RENAMINGS)
@pytest.mark.parametrize("size", ["d", "N", "width"])
def test_other_names_change_nothing_but_names(renaming: dict[str, str], size: str) -> None:
    names = PLAIN | renaming
    names |= {f"d{old}": f"d{new}" for old, new in names.items()}
    plain = layer_norm(PLAIN, "d").gradient("x", "gamma", "beta")
    other = layer_norm(names, size).gradient(*(names[n] for n in ("x", "gamma", "beta")))

    def translated(expr: sp.Expr) -> sp.Expr:
        """The plain expression in the other names."""
        change = {sp.Symbol(old): sp.Symbol(new) for old, new in names.items()}
        change |= {sp.IndexedBase(old): sp.IndexedBase(new) for old, new in names.items()}
        return expr.xreplace(change | {Dim("d").symbol: Dim(size).symbol})

    assert [names[n] for n in plain.where] == list(other.where)
    for name in ("dx", "dgamma", "dbeta"):
        assert other.results[names[name]] == translated(plain.results[name])
    assert len(plain.steps) == len(other.steps)
    for ours, theirs in zip(plain.steps, other.steps, strict=True):
        assert translated(ours.after) == theirs.after


def test_layer_norm_in_scrambled_order_is_the_catalogues() -> None:
    found, known = layer_norm(PLAIN, "d").gradient("x"), ops.layer_norm.gradient("x")
    assert found.result == known.result
    assert list(found.where) == list(known.where)


# --- other runs --------------------------------------------------------------------

TEXT = """
from symllm import ops
for name in ops:
    g = ops[name].batched("N").gradient()
    print(g, g.equations, g.expanded if len(g.results) < 5 else "too long")
    print([(s.rule, s.reason, s.before, s.after, s.lemma) for s in g.steps])
    print([(f.lhs, f.rhs, [(s.reason, s.after) for s in f.steps]) for f in g.facts])
    print(g.code("numpy"), g.matrix)
print(ops.softmax.jacobian("x"), ops.cross_entropy.hessian("z"))
"""


def test_the_same_text_whatever_the_hash_seed() -> None:
    outputs = set()
    for seed in ("0", "4711"):
        done = subprocess.run(
            [sys.executable, "-c", TEXT],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop()) > 10_000


def test_the_same_text_whatever_was_derived_before() -> None:
    first = re.split(r"\n", str(ops.attention.gradient()))
    for name in ops:
        ops[name].gradient()
    again = remade(ops.attention, ops.attention.inputs.values(), ops.attention.equations)
    assert re.split(r"\n", str(again.gradient())) == first
