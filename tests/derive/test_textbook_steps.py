"""Closed forms, typed by hand: positions, mixtures of experts, and steps of optimizers."""

from __future__ import annotations

import pytest
import sympy as sp
from textbook import same

from symllm import Dim, Iverson, ops, sum_over
from symllm.notation import entry

n, m, e, stream = Dim("n"), Dim("m"), Dim("e"), Dim("c")
i, j = n.indices("i j")
(k, l), (c,) = e.indices("k j"), stream.indices("i")


def test_sinusoidal_positions() -> None:
    pair = m.index("k")
    g = ops.sinusoidal_positions.gradient()
    same(g.results["da"], entry("dy_a", i, pair))
    same(g.results["db"], entry("dy_b", i, pair))
    same(g.results["dpos"], sum_over(entry("dtheta", i, pair) * entry("omega", pair), pair))
    theta = entry("theta", i, pair)
    turned = sp.cos(theta) * entry("dy_a", i, pair) - sp.sin(theta) * entry("dy_b", i, pair)
    same(g.where["dtheta"].rhs, turned)


def test_gates_are_a_softmax_of_the_chosen() -> None:
    g, dg = (lambda at: entry("g", at)), (lambda at: entry("dg", at))
    same(ops.top_k_gate.gradient("z").result, g(k) * (dg(k) - sum_over(g(l) * dg(l), l)))


def test_a_mixture_subtracts_its_own_output() -> None:
    g = ops.mixture_of_experts.gradient()
    dy = entry("dy", c)
    expert, whole = sum_over(entry("F", k, c) * dy, c), sum_over(entry("y", c) * dy, c)
    same(g.results["dz"], entry("g", k) * (expert - whole))
    same(g.results["dF"], entry("g", k) * dy)


def test_load_balancing_weighs_by_how_busy_the_others_are() -> None:
    p, f = entry("p", i, k), entry("f", k)
    busier = f - sum_over(entry("f", l) * entry("p", i, l), l)
    alpha = sp.Symbol("alpha")
    same(ops.load_balancing.gradient("z").result, alpha * e.symbol / n.symbol * p * busier)


def test_a_clipped_gradient_loses_its_component_along_itself() -> None:
    bound, r, f = sp.symbols("max_norm r f")
    u, dy = (lambda at: entry("u", at)), (lambda at: entry("dy", at))
    along = u(i) * sum_over(u(j) * dy(j), j)
    clipped = bound / r * Iverson(bound / r < 1)
    same(ops.clip_by_global_norm.gradient("g").result, f * dy(i) - clipped * along)


lr, mu, beta1, beta2, decay = sp.symbols("lr mu beta1 beta2 weight_decay")
c1, c2 = sp.symbols("c1 c2")
dtheta, dm, dv = (entry(f"d{name}_next", i) for name in ("theta", "m", "v"))
dM, dV, g, s = (entry(name, i) for name in ("dmtilde", "dvtilde", "g", "s"))
mhat, vhat = entry("mhat", i), entry("vhat", i)
ADAM = {
    "dtheta": dtheta,
    "dg": (1 - beta1) * dM + (1 - beta2) * g * dV * 2,
    "dm": beta1 * dM,
    "dv": beta2 * dV,
    "dmtilde": dm - lr * dtheta / (c1 * s),
    "dvtilde": dv + lr * dtheta * mhat / (2 * c2 * s**2 * sp.sqrt(vhat)),
}
STEPS = {
    "sgd": {"dtheta": dtheta, "dg": -lr * dtheta},
    "momentum": {"dtheta": dtheta, "dg": dM, "dm": mu * dM, "dmtilde": dm - lr * dtheta},
    "nesterov": {
        "dtheta": dtheta,
        "dg": dM - lr * dtheta,
        "dm": mu * dM,
        "dmtilde": dm - lr * mu * dtheta,
    },
    "adam": ADAM,
    "adamw": ADAM | {"dtheta": (1 - lr * decay) * dtheta},
    "lion": {
        "dtheta": (1 - lr * decay) * dtheta,
        "dg": (1 - beta2) * dm,
        "dm": beta2 * dm,
    },
}


@pytest.mark.parametrize(("name", "expected"), STEPS.items(), ids=STEPS)
def test_gradients_through_a_step(name: str, expected: dict[str, sp.Expr]) -> None:
    found = ops[name].gradient()
    for result, value in expected.items():
        same(found.results.get(result) or found.where[result].rhs, value)
