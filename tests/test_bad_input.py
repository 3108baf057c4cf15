"""One clear message for what cannot be: what was given, what was expected, where."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from symllm import Dim, Let, Op, Tensor, matrix, ops, scalar, sum_over
from symllm.errors import SymllmError

n, m = Dim("n"), Dim("m")
i, j, k = n.indices("i j k")
p, q = m.indices("p q")
x, y, z = n.vector("x"), n.vector("y"), n.vector("z")
w = m.vector("w")
A = matrix("A", n, m)
t = Tensor("t", (n,), "target", m)
s = scalar("s")
E, F = n.vector("E"), n.vector("F")


def op(*equations: Let, inputs=(x, w, A, t, s), **more) -> Op:
    return Op("toy", "Toy", inputs, equations, numpy=lambda **given: None, **more)


def toy_gradient(right: sp.Expr):
    return op(Let(y[i], right)).gradient()


DEFINITIONS = {
    "a free index on the right only": (
        lambda: op(Let(y[i], x[i] * w[p])),
        ["toy", "free indices", "p", "right", "left"],
    ),
    "a free index on the left only": (
        lambda: op(Let(y[i], s * 2)),
        ["toy", "i", "left", "dimension"],
    ),
    "a name bound twice": (
        lambda: op(Let(y[i], x[i]), Let(y[i], 2 * x[i])),
        ["'y'", "already bound", "once"],
    ),
    "an input bound again": (lambda: op(Let(x[i], 2 * x[i])), ["'x'", "is an input", "once"]),
    "two inputs of one name": (
        lambda: op(Let(y[i], x[i]), inputs=(x, x)),
        ["two inputs", "'x'"],
    ),
    "an index of two dimensions": (
        lambda: op(Let(y[i], x[i] * sp.Indexed("w", i.symbol))),
        ["index i", "two dimensions", "n", "m"],
    ),
    "a sum over another dimension": (
        lambda: op(Let(sp.Symbol("out"), sp.Sum(x[j], (j.symbol, 0, m.symbol - 1)))),
        ["index j", "two dimensions", "n", "m"],
    ),
    "a sum over part of a dimension": (
        lambda: op(Let(sp.Symbol("out"), sp.Sum(x[j], (j.symbol, 1, n.symbol - 1)))),
        ["sum over j", "0", "dimension", "from 1"],
    ),
    "an unknown name": (
        lambda: op(Let(y[i], x[i] * sp.Indexed("nobody", i.symbol))),
        ["'nobody'", "neither an input nor defined", "known: x, w"],
    ),
    "an unknown scalar": (
        lambda: op(Let(y[i], x[i] * sp.Symbol("nobody"))),
        ["'nobody'", "neither an input nor defined", "known: x, w"],
    ),
    "a wrong number of axes": (
        lambda: op(Let(y[i], sp.Indexed("A", i.symbol))),
        ["A", "[n, m]", "A[i]"],
    ),
    "a circle of equations": (
        lambda: op(Let(E[i], F[i] * x[i]), Let(F[i], E[i]), Let(y[i], F[i])),
        ["need each other", "E", "F"],
    ),
    "an equation that needs itself": (lambda: op(Let(y[i], y[i] + x[i])), ["need each other", "y"]),
    "a dimension and a tensor of one name": (
        lambda: op(Let(y[i], n.vector("n")[i]), inputs=(n.vector("n"),)),
        ["'n'", "both a dimension and a tensor"],
    ),
    "an index and a tensor of one name": (
        lambda: op(Let(y[i], sum_over(n.vector("s2")[j], j)), Let(z[i], y[i])),
        ["'s2'"],
    ),
    "a bound index with a tensor's name": (
        lambda: op(Let(sp.Symbol("out"), sum_over(x[n.index("s")], n.index("s")))),
        ["'s'", "both an index and a tensor"],
    ),
    "a free index with a tensor's name": (
        lambda: op(Let(y[n.index("w")], x[n.index("w")])),
        ["subscript w of x[w]", "neither an index"],
    ),
    "a gather by what is not an integer": (
        lambda: op(Let(y[i], sp.Indexed("w", x[i]))),
        ["subscript x[i]", "w[x[i]]", "integer"],
    ),
    "a gather from an axis of another dimension": (
        lambda: op(Let(y[i], sp.Indexed("x", t[i]))),
        ["subscript t[i]", "x[t[i]]", "n"],
    ),
    "a left side that is no entry": (
        lambda: Let(x[i] + 1, x[i]),
        ["left side", "x[i] + 1"],
    ),
    "a left side that repeats an index": (
        lambda: Let(A[i, p].subs(p.symbol, i.symbol), s),
        ["repeats"],
    ),
    "a left side with a number": (lambda: Let(x[0], s), ["plain indices", "x[0]"]),
    "no equations": (lambda: op(), ["toy", "no equations"]),
    "an output that there is not": (
        lambda: op(Let(y[i], x[i]), outputs=("nobody",)),
        ["output 'nobody'", "not defined"],
    ),
    "a name that is no identifier": (
        lambda: op(Let(n.vector("y-1")[i], x[i])),
        ["'y-1'", "identifier"],
    ),
    "a keyword as a name": (lambda: op(Let(n.vector("lambda")[i], x[i])), ["'lambda'"]),
    "a call with too few values": (
        lambda: op(Let(y[i], ops.rms_norm(x[i], over=i))),
        ["rms_norm takes 3 inputs (x, gamma, eps)", "was given 1"],
    ),
    "a call over an index that it is not given": (
        lambda: op(Let(y[i], ops.softmax(x[j], over=i))),
        ["index i", "softmax", "passed"],
    ),
    "a float": (lambda: toy_gradient(sp.Float("0.1") * x[i]), ["0.1", "Rational"]),
    "an unknown function": (
        lambda: toy_gradient(sp.gamma(x[i])),
        ["gamma", "not a function that symllm knows"],
    ),
    "a subscript that is computed": (
        lambda: op(Let(y[i], sp.Indexed("x", i.symbol + 1))).gradient(),
        ["subscript", "i + 1"],
    ),
    "a root of what is negative": (
        lambda: toy_gradient(sp.sqrt(-sp.exp(x[i]))),
        ["root", "negative"],
    ),
}

QUESTIONS = {
    "an unknown input": (
        lambda: ops.layer_norm.gradient("gama"),
        ["layer_norm", "'gama'", "gamma", "x, gamma, beta, eps"],
    ),
    "a constant": (
        lambda: ops.layer_norm.gradient("eps"),
        ["layer_norm", "'eps'", "constant", "x, gamma, beta"],
    ),
    "a target": (lambda: ops.cross_entropy.gradient("y"), ["'y'", "target", "z"]),
    "an integer input": (lambda: ops.cross_entropy_index.gradient("t"), ["'t'", "integers", "z"]),
    "an intermediate name": (lambda: ops.softmax.gradient("E"), ["'E'", "x"]),
    "an unknown op": (lambda: ops["sofmax"], ["op 'sofmax'", "Did you mean 'softmax'", "linear"]),
    "an unknown op as an attribute": (lambda: ops.sofmax, ["'sofmax'", "softmax"]),
    "a Hessian of a vector": (
        lambda: ops.softmax.hessian("x"),
        ["Hessian", "scalar", "softmax", "p[n]"],
    ),
    "a Hessian by a target": (lambda: ops.cross_entropy.hessian("y"), ["'y'", "target"]),
    "a Jacobian by a constant": (lambda: ops.rms_norm.jacobian("eps"), ["'eps'", "constant"]),
    "an unknown output": (
        lambda: ops.softmax.jacobian("x", "q"),
        ["output of softmax", "'q'", "p"],
    ),
    "an upstream of another name": (
        lambda: ops.logsumexp.gradient("x", upstream="dL"),
        ["upstream", "'z'", "'dz'", "'dL'"],
    ),
    "a batch axis that is taken": (
        lambda: ops.softmax.batched("n"),
        ["softmax", "batch axis 'n'", "taken"],
    ),
    "a batch axis of a tensor's name": (lambda: ops.softmax.batched("Z"), ["'Z'", "taken"]),
    "a batch axis that is no name": (lambda: ops.softmax.batched("2"), ["'2'", "name such as 'N'"]),
    "no batch axis": (lambda: ops.softmax.batched(), ["batched() takes one or more"]),
    "two batch axes of one name": (lambda: ops.softmax.batched("N", "N"), ["different"]),
    "several results": (lambda: ops.layer_norm.gradient().result, ["result", "dx", "dgamma"]),
    "an unknown target language": (lambda: ops.softmax.gradient().code("fortran"), ["'fortran'"]),
    "a size that is missing": (
        lambda: ops.attention.gradient("Q").explicit(n=2, d=2),
        ["dimension", "needed", "n=2"],
    ),
    "a size that is no size": (lambda: ops.softmax.explicit(n=0), ["n", "positive", "0"]),
    "a wrong shape": (
        lambda: ops.layer_norm.gradient().lambdify()(
            x=np.ones(3), gamma=np.ones(4), beta=np.ones(3), eps=1e-5, dy=np.ones(3)
        ),
        ["gamma", "4", "3", "d"],
    ),
    "a wrong rank": (
        lambda: ops.softmax.lambdify()(x=np.ones((2, 3))),
        ["x", "n"],
    ),
    "an array that is missing": (
        lambda: ops.softmax.gradient().lambdify()(x=np.ones(3)),
        ["dp"],
    ),
    "an array too many": (
        lambda: ops.softmax.lambdify()(x=np.ones(3), nobody=1),
        ["nobody"],
    ),
}


@pytest.mark.parametrize("name", [*DEFINITIONS, *QUESTIONS])
def test_bad_input_is_said_to_be_bad(name: str) -> None:
    attempt, words = (DEFINITIONS | QUESTIONS)[name]
    with pytest.raises(SymllmError) as caught:
        attempt()
    message = str(caught.value)
    for word in words:
        assert word in message, message
    assert "\n" not in message
