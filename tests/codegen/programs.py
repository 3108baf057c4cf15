"""Backward programs written by hand, as the engine would hand them over."""

from __future__ import annotations

from typing import Any

import sympy as sp

from symllm.calls import without_calls
from symllm.catalogue import ops
from symllm.equation import Let
from symllm.notation import Dim, Tensor, entry, mean, scalar, sum_over
from symllm.program import Program


def index(name: str) -> sp.Symbol:
    return sp.Symbol(name, integer=True)


def layer_norm_backward(*axes: str) -> Program:
    d = Dim("d")
    i, j = d.indices("i j")
    batch = tuple(Dim(name) for name in axes)
    lead = tuple(dim.index(dim.name.lower()) for dim in batch)
    x, dy = Tensor("x", (*batch, d)), Tensor("dy", (*batch, d))
    gamma = d.vector("gamma", "parameter")
    eps = scalar("eps", "constant", "positive")

    def at(name: str, *subscripts: Any) -> sp.Expr:
        return entry(name, *(sp.sympify(s) for s in (*lead, *subscripts)))

    def over_batch(expr: sp.Expr) -> sp.Expr:
        return sum_over(expr, *lead) if lead else expr

    g, xhat, c, r = at("dxhat", i), at("xhat", i), at("c", i), at("r")
    gj, xhatj = at("dxhat", j), at("xhat", j)
    equations = (
        Let(at("mu"), mean(at("x", j), j), "mean"),
        Let(c, at("x", i) - at("mu"), "centred input"),
        Let(at("v"), mean(at("c", j) ** 2, j), "variance"),
        Let(r, 1 / sp.sqrt(at("v") + sp.Symbol("eps")), "reciprocal standard deviation"),
        Let(xhat, r * c, "normalised input"),
        Let(at("unused", i), gamma[i] * xhat),
        Let(g, gamma[i] * at("dy", i)),
        Let(at("dx", i), r * (g - mean(gj, j) - xhat * mean(gj * xhatj, j))),
        Let(entry("dgamma", i.symbol), over_batch(at("dy", i) * xhat)),
        Let(entry("dbeta", i.symbol), over_batch(at("dy", i))),
    )
    return Program("layer_norm", (dy, x, gamma, eps), equations, ("dx", "dgamma", "dbeta"))


def attention_backward(name: str, *axes: str) -> Program:
    op = ops[name].batched(*axes) if axes else ops[name]
    forward = without_calls(op.program)
    *lead, i, j = forward.entry_of["S"].indices
    k, l = index("k"), index("l")
    n, d = op.inputs["Q"].dims[-2:]
    m, e = op.inputs["V"].dims[-2:]
    sizes = {i: n, j: m, k: d, l: e}

    def at(name: str, *subscripts: sp.Symbol) -> sp.Expr:
        return entry(name, *lead, *subscripts)

    def total(expr: sp.Expr, over: sp.Symbol) -> sp.Expr:
        return sp.Sum(expr, (over, 0, sizes[over].symbol - 1))

    root = sp.sqrt(d.symbol)
    backward = (
        Let(at("dV", j, l), total(at("P", i, j) * at("dO", i, l), i)),
        Let(at("dP", i, j), total(at("dO", i, l) * at("V", j, l), l)),
        Let(at("D", i), total(at("dO", i, l) * at("O", i, l), l), "row sums of dO * O"),
        Let(at("dS", i, j), at("P", i, j) * (at("dP", i, j) - at("D", i))),
        Let(at("dQ", i, k), total(at("dS", i, j) * at("K", j, k), j) / root),
        Let(at("dK", j, k), total(at("dS", i, j) * at("Q", i, k), i) / root),
    )
    upstream = Tensor("dO", forward.tensors["O"].dims)
    return Program(
        name,
        (upstream, *forward.inputs),
        forward.equations + backward,
        ("dQ", "dK", "dV"),
        batch=forward.batch,
    )


def softmax_backward(*axes: str) -> Program:
    op = ops.softmax.batched(*axes) if axes else ops.softmax
    forward = without_calls(op.program)
    *lead, i = forward.entry_of["p"].indices
    j = index("j")
    n = op.inputs["x"].dims[-1].symbol
    p = {s: entry("p", *lead, s) for s in (i, j)}
    dp = {s: entry("dp", *lead, s) for s in (i, j)}
    dx = p[i] * (dp[i] - sp.Sum(p[j] * dp[j], (j, 0, n - 1)))
    return Program(
        "softmax",
        (Tensor("dp", op.inputs["x"].dims), *forward.inputs),
        (*forward.equations, Let(entry("dx", *lead, i), dx)),
        ("dx",),
    )


def softmax_jacobian() -> Program:
    forward = without_calls(ops.softmax.program)
    i, j = index("i"), index("j")
    value = entry("p", i) * sp.KroneckerDelta(i, j) - entry("p", i) * entry("p", j)
    return Program(
        "softmax", forward.inputs, (*forward.equations, Let(entry("J", i, j), value)), ("J",)
    )


def cross_entropy_index_backward(*axes: str) -> Program:
    op = ops.cross_entropy_index
    forward = without_calls(op.batched(*axes).program if axes else op.program)
    *lead, i = forward.entry_of["p"].indices
    t = entry("t", *lead) if lead else index("t")
    dz = entry("p", *lead, i) - sp.KroneckerDelta(i, t)
    return Program(
        "cross_entropy_index",
        forward.inputs,
        (*forward.equations, Let(entry("dz", *lead, i), dz)),
        ("dz",),
    )


def linear_backward(*axes: str) -> Program:
    op = ops.linear.batched(*axes) if axes else ops.linear
    n, m = op.inputs["W"].dims
    i, j = n.index("i"), m.index("j")
    lead = tuple(Dim(name).index(name.lower()) for name in axes)
    dy = Tensor("dy", op.outputs["y"].dims)
    x, W = op.inputs["x"], op.inputs["W"]

    def over_batch(expr: sp.Expr) -> sp.Expr:
        return sum_over(expr, *lead) if lead else expr

    at = tuple(s.symbol for s in lead)
    equations = (
        Let(entry("dx", *at, j.symbol), sum_over(dy[(*lead, i)] * W[i, j], i)),
        Let(entry("dW", i.symbol, j.symbol), over_batch(dy[(*lead, i)] * x[(*lead, j)])),
        Let(entry("db", i.symbol), over_batch(dy[(*lead, i)])),
    )
    return Program("linear", (dy, x, W), equations, ("dx", "dW", "db"))
