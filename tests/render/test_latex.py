"""How expressions are written: a table, and what holds of every formula."""

from __future__ import annotations

import pytest
import sympy as sp
from dialect import assert_dialect
from sympy.matrices.expressions.matexpr import MatrixElement

from symllm import Dim, Let, delta, mean, ops, sum_over
from symllm.notation import LOSS, Direct, Iverson, Partial, entry
from symllm.render.display import LINE, equation, width
from symllm.render.latex import latex
from symllm.render.names import name_parts
from symllm.render.noted import definitions
from symllm.render.printer import Style, style_of

n, m = Dim("n"), Dim("m")
i, j = n.indices("i j")
I, J, N = i.symbol, j.symbol, n.symbol
k = m.index("k")
q = m.vector("q")
p, dp, x, y, z, g, xhat, dxhat, u = (
    n.vector(name) for name in ("p", "dp", "x", "y", "z", "g", "xhat", "dxhat", "u")
)
r, v, eps, mu, t = sp.symbols("r v eps mu t")
t = sp.Symbol("t", integer=True)
P, dO, X = (sp.MatrixSymbol(name, N, N) for name in ("P", "dO", "X"))
D = sp.MatrixSymbol("D", N, 1)
half = sp.Rational(1, 2)

TABLE = [
    # names
    (xhat[i], r"\hat{x}_i"),
    (dxhat[i], r"\mathrm{d}\hat{x}_i"),
    (entry("gamma", I), r"\gamma_i"),
    (entry("dgamma", I), r"\mathrm{d}\gamma_i"),
    (eps, r"\epsilon"),
    (sp.Symbol("lr") * sp.Symbol("weight_decay"), r"\eta \lambda"),
    ((1 - sp.Symbol("p")) * sp.log(1 - sp.Symbol("p")), r"(1 - p) \log(1 - p)"),
    (sp.tanh(sp.Symbol("z")) * (1 - sp.Symbol("z")), r"\tanh(z) (1 - z)"),
    (entry("dP", I, J), r"\mathrm{d}P_{ij}"),
    (entry("Phi", I) * entry("phi", I), r"\Phi_i \phi_i"),
    (entry("delta", I), r"\delta_i"),
    (entry("c_w"), "c_w"),
    (entry("dc_w"), r"\mathrm{d}c_w"),
    (entry("W1", I, J), "W_{1, ij}"),
    (entry("mask", I), r"\mathrm{mask}_i"),
    # subscripts
    (entry("z", t), "z_t"),
    (entry("p", sp.Symbol("b"), entry("t", sp.Symbol("b"))), "p_{b t_b}"),
    (entry("W", entry("t", I), J), "W_{t_i j}"),
    (entry("x", I, 2 * J + 1), "x_{i, 1 + 2 j}"),
    # derivatives
    (Partial(LOSS, x[i]), r"\frac{\partial L}{\partial x_i}"),
    (Direct(y[j], x[i]), r"\frac{\partial y_j}{\partial x_i}"),
    (Direct(r * x[i], x[i]), r"\frac{\partial}{\partial x_i} (r x_i)"),
    (Partial(Partial(LOSS, z[i]), z[j]), r"\frac{\partial^{2} L}{\partial z_i \, \partial z_j}"),
    (Partial(Partial(LOSS, z[i]), z[i]), r"\frac{\partial^{2} L}{\partial z_i^{2}}"),
    (
        sum_over(Direct(y[j], x[i]) * Partial(LOSS, y[j]), j),
        r"\sum_j \frac{\partial L}{\partial y_j} \frac{\partial y_j}{\partial x_i}",
    ),
    (
        Partial(g[i], x[j]) * Partial(y[j], g[i]) * Partial(z[i], y[j]),
        r"\frac{\partial z_i}{\partial y_j} \frac{\partial y_j}{\partial g_i}"
        r" \frac{\partial g_i}{\partial x_j}",
    ),
    # deltas and brackets of truth
    (delta(i, j), r"\delta_{ij}"),
    (delta(j, i), r"\delta_{ij}"),
    (delta(i, t), "[i = t]"),
    (Iverson(J <= I), r"[j \le i]"),
    (Iverson(v / r < 1), r"[v / r < 1]"),
    (p[i] * delta(i, j) - p[i] * p[j], r"p_i \delta_{ij} - p_i p_j"),
    (p[i] * (delta(i, j) - p[j]), r"p_i (\delta_{ij} - p_j)"),
    (p[i] - delta(i, t), "p_i - [i = t]"),
    # sums
    (sum_over(x[j], j), r"\sum_j x_j"),
    (sum_over(x[i] * y[j], i, j), r"\sum_{i, j} x_i y_j"),
    (mean(x[j] ** 2, j) + eps, r"\frac{1}{n} \sum_j x_j^{2} + \epsilon"),
    (sum_over(x[j] - mu, j), r"\sum_j (x_j - \mu)"),
    (entry("r", J) * entry("c", J, I), "r_j c_{ji}"),
    (entry("W", I, J) * entry("x", J), "W_{ij} x_j"),
    (sum_over(x[j], j) ** 2, r"\left( \sum_j x_j \right)^{2}"),
    (sum_over(x[j], j) * sum_over(q[k], k), r"\left( \sum_k q_k \right) \sum_j x_j"),
    (
        p[i] * (dp[i] - sum_over(p[j] * dp[j], j)),
        r"p_i \left( \mathrm{d}p_i - \sum_j p_j \, \mathrm{d}p_j \right)",
    ),
    (
        r * (g[i] - mean(g[j], j) - xhat[i] * mean(g[j] * xhat[j], j)),
        r"r \left( g_i - \frac{1}{n} \sum_j g_j - \hat{x}_i \frac{1}{n} \sum_j g_j \hat{x}_j"
        r" \right)",
    ),
    (
        sum_over(entry("Q", I, k.symbol) * entry("K", J, k.symbol), k) / sp.sqrt(m.symbol),
        r"\frac{1}{\sqrt{m}} \sum_k Q_{ik} K_{jk}",
    ),
    # fractions, powers, numbers
    (1 / sp.sqrt(v + eps), r"\frac{1}{\sqrt{v + \epsilon}}"),
    ((v + eps) ** sp.Rational(-3, 2), r"\frac{1}{(v + \epsilon)^{3/2}}"),
    # what is raised is small, so fractions there have a slash
    (r ** (-v / mu), r"r^{-v / \mu}"),
    (r ** (1 + v / (mu + 2)), r"r^{1 + v / (2 + \mu)}"),
    (r**-2 - eps, r"\frac{1}{r^{2}} - \epsilon"),
    (x[i] / sp.sqrt(2), r"\frac{x_i}{\sqrt{2}}"),
    ((x[i] - mu) / r, r"\frac{x_i - \mu}{r}"),
    (x[i] / (1 + u[i]), r"\frac{x_i}{1 + u_i}"),
    (-half * r**3 * v, r"-\frac{1}{2} r^{3} v"),
    (x[i] ** 2 / 2, r"\frac{x_i^{2}}{2}"),
    (x[i] * (1 + u[i]) / 2, r"\frac{1}{2} x_i (1 + u_i)"),
    ((1 + u[i]) / 2, r"\frac{1}{2} (1 + u_i)"),
    (dp[i] ** 2, r"(\mathrm{d}p_i)^{2}"),
    (x[i] + sp.Rational("0.044715") * x[i] ** 3, "x_i + 0.044715 x_i^{3}"),
    (sp.Rational("1e-8") * x[i], "10^{-8} x_i"),
    (sp.Rational("-1.5e-8"), r"-1.5 \cdot 10^{-8}"),
    (sp.Rational(1, 2**24), "2^{-24}"),
    (sp.Rational(3, 2**24), r"\frac{3}{16777216}"),
    (sp.sqrt(2 / sp.pi) * x[i], r"\sqrt{\frac{2}{\pi}} x_i"),
    (
        sp.exp(-(x[i] ** 2) / 2) / sp.sqrt(2 * sp.pi),
        r"\frac{\exp\left( -\frac{x_i^{2}}{2} \right)}{\sqrt{2 \pi}}",
    ),
    (sp.S.Zero, "0"),
    (sp.Integer(-3), "-3"),
    # functions
    (sp.log(p[j]) * y[j], r"y_j \log p_j"),
    (sp.log(p[i]) * sum_over(y[j], j), r"\log(p_i) \sum_j y_j"),
    (1 - sp.tanh(u[i]) ** 2, r"1 - \tanh^{2}(u_i)"),
    (sp.erf(x[i]), r"\mathrm{erf}(x_i)"),
    (2 * entry("gate") * entry("lse") * x[i], r"2 \, \mathrm{gate} \, \mathrm{lse} \, x_i"),
    (sp.Max(0, x[i]), r"\max(x_i, 0)"),
    (1 / (1 + sp.exp(-x[i])), r"\frac{1}{1 + \exp(-x_i)}"),
    # matrices
    (P.T * dO, r"P^\top \, \mathrm{d}O"),
    (P * X / sp.sqrt(N), r"\frac{1}{\sqrt{n}} P X"),
    (sp.HadamardProduct(P, dO) * sp.OneMatrix(N, 1), r"(P \odot \mathrm{d}O) \, \mathbf{1}"),
    (
        sp.HadamardProduct(P, X - D * sp.OneMatrix(1, N)),
        r"P \odot (X - D \mathbf{1}^\top)",
    ),
    (MatrixElement(P * X, I, J), "(P X)_{ij}"),
    (MatrixElement(sp.Transpose(sp.MatMul(P, X, evaluate=False)), I, J), r"((P X)^\top)_{ij}"),
    (MatrixElement(P.T, I, J), r"(P^\top)_{ij}"),
    (MatrixElement(P * D, I, sp.S.Zero), "(P D)_i"),
    # powers of one base, the highest first
    (r**2 + r * v + v**2, "r^{2} + r v + v^{2}"),
]
STYLE = Style(names=("x", "t", "p", "mask"))
FORMULAS = [latex(expr, STYLE) for expr, _ in TABLE]


@pytest.mark.parametrize(("expr", "expected"), TABLE, ids=[text for _, text in TABLE])
def test_table(expr, expected):
    assert latex(expr, STYLE) == expected


SLASHED = [
    (entry("E", I) / r, "E_i / r"),
    (1 / sp.sqrt(v + eps), r"1 / \sqrt{v + \epsilon}"),
    (1 / (1 + u[i]), "1 / (1 + u_i)"),
    (r**-2 - eps, r"1 / r^{2} - \epsilon"),
    (sum_over(x[j], j) / N, r"\frac{1}{n} \sum_j x_j"),
    (Partial(LOSS, x[i]), r"\partial L / \partial x_i"),
]


@pytest.mark.parametrize(("expr", "expected"), SLASHED, ids=[text for _, text in SLASHED])
def test_fractions_in_prose(expr, expected):
    assert latex(expr, Style(slashed=True)) == expected


def test_forward_sums_have_ranges():
    style = Style(ranges=True)
    assert latex(sum_over(x[j], j), style) == r"\sum_{j=1}^{n} x_j"
    assert latex(sum_over(x[j] * q[k], k, j), style) == r"\sum_{k=1}^{m} \sum_{j=1}^{n} x_j q_k"


CALLS = {
    "cross_entropy": r"\mathrm{softmax}_i(z_i)",
    "attention": r"\mathrm{softmax}_j(S_{ij})",
    "causal_attention": r"\text{masked-softmax}_j(S_{ij}, [j \le i])",
    "silu": r"\sigma(x_i)",
}


@pytest.mark.parametrize("name", CALLS)
def test_calls(name):
    written = [latex(let.rhs, style_of(ops[name].program)) for let in ops[name].equations]
    assert CALLS[name] in written


@pytest.mark.parametrize("tex", FORMULAS)
def test_formulas_are_in_the_dialect(tex):
    assert_dialect(tex)


@pytest.mark.parametrize("name", ops)
def test_forward_equations_are_in_the_dialect(name):
    tex = definitions(ops[name].equations, style_of(ops[name].program))
    assert_dialect(tex)
    assert all(width(line) < LINE + 12 for line in tex.splitlines())


def test_pandoc_reads_every_formula():
    pypandoc = pytest.importorskip("pypandoc")
    text = "\n\n".join(f"${tex}$" for tex in FORMULAS)
    # What texmath cannot read, pandoc passes on as it is, dollar signs included.
    assert "$" not in pypandoc.convert_text(text, "html", "markdown", extra_args=["--mathml"])


def test_latex_is_the_same_in_every_order_of_arguments():
    terms = [x[i] * y[i], -xhat[i] * p[i], eps, r * mu]
    one = latex(sp.Add(*terms, evaluate=False))
    other = latex(sp.Add(*reversed(terms), evaluate=False))
    assert one == other


# --------------------------------------------------------------------------
# Lines
# --------------------------------------------------------------------------


def long_sum(count: int) -> sp.Expr:
    names = [n.vector(f"a{letter}") for letter in "bcdefghijklmopqrstuv"[:count]]
    return sp.Add(*(a[i] * sum_over(a[j] * x[j], j) for a in names))


@pytest.mark.parametrize("count", [1, 2, 4, 9, 20])
@pytest.mark.parametrize("wrap", ["plain", "product", "sum", "difference"])
def test_long_formulas_are_broken(count, wrap):
    inner = long_sum(count)
    expr = {
        "plain": inner,
        "product": r * (inner - eps),
        "sum": sum_over(inner - mu, i),
        "difference": mu - r * (inner - eps),
    }[wrap]
    tex = equation(latex(Partial(LOSS, x[i])), [expr])
    assert_dialect(tex)
    lines = tex.splitlines()
    assert all(width(line) <= LINE + 1 for line in lines), max(map(width, lines))
    if len(lines) == 1:
        assert "aligned" not in tex


def test_a_chain_of_short_values_stays_on_one_line():
    assert equation("L", [r * v, v * r]) == "L = r v = r v"


def test_an_equation_without_a_left_side_goes_on_from_the_one_before():
    assert equation("", [r * v]) == "= r v"
    assert equation("", [long_sum(9)]).startswith("\\begin{aligned}\n&= ")


def test_notes_stand_beside_their_equations_or_all_under_them():
    short, wide = Let(x[i], r * v, "short"), Let(y[i], long_sum(3), "a note")
    assert definitions([short]).count("&") == 0
    assert r"&& \quad \text{short}" in definitions([short, short])
    long = Let(z[i], r * v, "a note that is " + "very " * 20 + "long")
    under = definitions([short, long, wide])
    assert "&&" not in under
    assert r"\text{(short)}" in under


def test_a_chain_that_is_too_long_is_aligned():
    tex = equation("L", [long_sum(4), long_sum(3)])
    assert tex.startswith("\\begin{aligned}\nL &= ")
    assert tex.count("&=") == 2


def test_a_letter_that_something_else_bears_stands_for_that_alone():
    assert str(name_parts("lr", ("lr", "x"))) == r"\eta"
    assert str(name_parts("lr", ("lr", "eta"))) == r"\mathrm{lr}"
    assert str(name_parts("weight_decay", ("weight_decay", "lambda"))) != r"\lambda"
