"""Derivations written by hand, for tests of what becomes of a derivation on paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from symllm import Dim, Let, Op, mean, ops, scalar, sum_over
from symllm.notation import LOSS, Direct, Partial
from symllm.steps import Fact, Step


@dataclass(frozen=True)
class FakeEvidence:
    proved: bool = True
    bound: float = 1e-20
    kind: str = "central differences"
    skipped: str = ""


@dataclass(frozen=True)
class FakeCertificate:
    steps: tuple[tuple[Step, FakeEvidence], ...]
    ok: bool = True
    sizes: tuple[str, ...] = ("n = 4", "n = 3")
    seeds: tuple[int, ...] = (0, 1)
    comparisons: tuple[FakeEvidence, ...] = (
        FakeEvidence(bound=1e-7),
        FakeEvidence(kind="autograd", skipped="PyTorch is not installed"),
    )


@dataclass(frozen=True)
class FakeDerivation:
    op: Op
    question: Any
    steps: tuple[Step, ...]
    result_equations: tuple[Let, ...]
    kind: str = "gradient"
    unit: frozenset[str] = frozenset()
    wrt: tuple[str, ...] = ("x",)
    where: Mapping[str, Let] = field(default_factory=dict)
    facts: tuple[Fact, ...] = ()
    matrix: Mapping[str, Any] = field(default_factory=dict)
    ok: bool = True

    def verify(self, autograd: bool = True) -> FakeCertificate:
        found = tuple((step, FakeEvidence(n != 1)) for n, step in enumerate(self.steps))
        return FakeCertificate(found, self.ok)

    def listing(self) -> str:
        return "def backward(dy, x):\n    return dy * x\n"


def step(target: Any, before: Any, after: Any, rule: str, *because: Any) -> Step:
    return Step(target, before, after, rule, because)


n = Dim("n")
i, j = n.indices("i j")


def softmax_gradient(ok: bool = True) -> FakeDerivation:
    x, p, dp, E = (n.vector(name) for name in ("x", "p", "dp", "E"))
    dE, Z = n.vector("dE"), scalar("Z")
    target, weight = Partial(LOSS, x[i]), Partial(LOSS, E[i])
    inner = sum_over(p[j] * dp[j], j)
    steps = (
        step(
            weight,
            sum_over(Partial(LOSS, p[j]) * Direct(p[j], E[i]), j),
            dp[i] / Z - sum_over(dp[j] * E[j], j) / Z**2,
            "quotient rule",
            "$E_i$ stands in its own numerator and in the sum $Z$ that all entries share",
        ),
        step(
            weight,
            dp[i] / Z - sum_over(dp[j] * E[j], j) / Z**2,
            (dp[i] - inner) / Z,
            "recognise p",
            "By definition ",
            (E[j] / Z, p[j]),
            ".",
        ),
        step(target, dE[i] * E[i], dE[i] * E[i], "chain rule", "exp is its own derivative"),
        step(
            target,
            dE[i] * E[i],
            p[i] * (dp[i] - inner),
            "recognise the output",
            "once more, $E_i / Z$ is $p_i$",
        ),
    )
    P = sp.MatrixSymbol("p", n.symbol, 1)
    dP = sp.MatrixSymbol("dp", n.symbol, 1)
    return FakeDerivation(
        op=ops.softmax,
        question=target,
        steps=steps,
        result_equations=(Let(n.vector("dx")[i], p[i] * (dp[i] - inner)),),
        where={"p": Let(p[i], sp.exp(x[i]) / sum_over(sp.exp(x[j]), j), "softmax of x")},
        matrix={"dx": sp.HadamardProduct(P, dP) - P * P.T * dP},
        ok=ok,
    )


def layer_norm_gradient() -> FakeDerivation:
    d = Dim("d")
    i, j = d.indices("i j")
    x, c, xhat, dxhat, dy, gamma, dx, dc, y = (
        d.vector(name) for name in ("x", "c", "xhat", "dxhat", "dy", "gamma", "dx", "dc", "y")
    )
    g, R = Partial(LOSS, xhat[i]), sp.Symbol("r")
    total = sum_over(c[j] * dxhat[j], j)
    centred = R * dxhat[i] - R**3 * c[i] * total / d.symbol
    final = R * (dxhat[i] - mean(dxhat[j], j) - xhat[i] * mean(dxhat[j] * xhat[j], j))
    steps = (
        step(
            g,
            Partial(LOSS, y[i]) * Direct(y[i], xhat[i]),
            gamma[i] * dy[i],
            "product rule",
            "only $y_i$ contains $\\hat{x}_i$",
        ),
        step(
            Partial(LOSS, R),
            sum_over(dxhat[j] * c[j], j),
            total,
            "sum of paths",
            "every $\\hat{x}_j$ shares $r$",
        ),
        step(
            Partial(LOSS, sp.Symbol("v")),
            sp.Symbol("dr") * Direct(R, sp.Symbol("v")),
            -(R**3) * total / 2,
            "power rule",
            "the derivative of $(v+\\epsilon)^{-1/2}$ is a power of $r$",
        ),
        step(
            Partial(LOSS, c[i]),
            R * dxhat[i] + 2 * c[i] * sp.Symbol("dv") / d.symbol,
            centred,
            "the variance reaches every entry",
            "both paths together",
        ),
        step(
            Partial(LOSS, c[i]),
            centred,
            R * (dxhat[i] - xhat[i] * mean(dxhat[j] * xhat[j], j)),
            "recognise xhat",
            "$c_i$ is $\\hat{x}_i / r$, and all powers of $r$ cancel but one",
        ),
        step(
            Partial(LOSS, x[i]),
            dc[i] - mean(dc[j], j),
            final,
            "centring",
            "the normalised input sums to zero (Lemma), so the mean of the second term vanishes",
        ),
    )
    zero = Fact(
        sum_over(xhat[j], j),
        sp.S.Zero,
        (
            step(
                sum_over(xhat[j], j), sum_over(xhat[j], j), R * sum_over(c[j], j), "definition", ""
            ),
            step(
                sum_over(xhat[j], j),
                R * sum_over(c[j], j),
                R * (sum_over(x[j], j) - d.symbol * sp.Symbol("mu")),
                "split the sum",
                "",
            ),
            step(
                sum_over(xhat[j], j),
                R * (sum_over(x[j], j) - d.symbol * sp.Symbol("mu")),
                sp.S.Zero,
                "the mean, d times, is the sum",
                "",
            ),
        ),
    )
    program = ops.layer_norm.program
    return FakeDerivation(
        op=ops.layer_norm,
        question=(Partial(LOSS, x[i]), Partial(LOSS, gamma[i]), Partial(LOSS, d.vector("beta")[i])),
        steps=steps,
        result_equations=(
            Let(dx[i], final),
            Let(d.vector("dgamma")[i], dy[i] * xhat[i]),
            Let(d.vector("dbeta")[i], dy[i]),
        ),
        where={
            "dxhat": Let(dxhat[i], gamma[i] * dy[i], "upstream, scaled"),
            **{name: program.let[name] for name in ("mu", "v", "r", "xhat")},
        },
        facts=(zero,),
    )
