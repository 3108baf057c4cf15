"""The closed forms that papers and textbooks print, each typed by hand.

The engine is told none of them. Compared is structure: only the order of
commuting factors and terms, and the letters of bound indices, are free.
"""

from __future__ import annotations

import pytest
import sympy as sp
from textbook import same

from symllm import Dim, Iverson, Let, Op, delta, mean, ops, scalar, sum_over
from symllm.derivation import Derivation
from symllm.expressions import substitute
from symllm.notation import Index, entry

n, m, d, e = Dim("n"), Dim("m"), Dim("d"), Dim("e")


def written_out(g: Derivation, result: sp.Expr, *names: str) -> sp.Expr:
    """The result with names that stand for plain products of adjoints put in."""
    for name in names:
        let = g.where[name]
        for found in sorted(result.atoms(sp.Indexed), key=str):
            if str(found.base) == name:
                at = dict(zip(let.indices, found.indices, strict=True))
                result = result.xreplace({found: substitute(let.rhs, at)})
    return result


def vectors(dim: Dim, names: str):
    return tuple(dim.vector(name) for name in names.split())


i, j, k = n.indices("i j k")
p, q, dp, dy, y, s = vectors(n, "p q dp dy y s")
gain = entry("A", i) * entry("rho", i)
t = sp.Symbol("t", integer=True)
r = sp.Symbol("r")
key = m.index("j")

# --- vectors -----------------------------------------------------------------

GRADIENTS = {
    "softmax": ("x", p[i] * (dp[i] - sum_over(p[j] * dp[j], j))),
    "masked_softmax": ("x", p[i] * (dp[i] - sum_over(p[j] * dp[j], j))),
    "logsumexp": ("x", p[i]),
    "log_softmax": ("x", dy[i] - p[i] * sum_over(dy[j], j)),
    "cross_entropy": ("z", p[i] - y[i]),
    "cross_entropy_index": ("z", p[i] - delta(i, t)),
    "relu": ("x", dy[i] * Iverson(entry("x", i) > 0)),
    "sigmoid": ("x", dy[i] * y[i] * (1 - y[i])),
    "tanh": ("x", dy[i] * (1 - y[i] ** 2)),
    "softplus": ("x", dy[i] * s[i]),
    "silu": ("x", dy[i] * s[i] * (1 + entry("x", i) * (1 - s[i]))),
    "softcap": ("x", entry("dy", key) * (1 - entry("xtilde", key) ** 2)),
    "gelu": ("x", dy[i] * (entry("Phi", i) + entry("x", i) * entry("phi", i))),
    "label_smoothing": ("z", p[i] - q[i]),
    "z_loss": ("z", 2 * sp.Symbol("weight") * sp.Symbol("zeta") * p[i]),
    "distillation": ("z", (p[i] - q[i]) / sp.Symbol("tau")),
    "mse": ("x", 2 * entry("e", i) / n.symbol),
    "jensen_shannon": ("p", (sp.log(p[i]) - sp.log(entry("m", i))) / 2),
    "dropout": ("x", dy[i] * entry("mask", i) / (1 - sp.Symbol("rate"))),
    "ppo_clip": ("logp", -gain * Iverson(gain < entry("kappa", i)) / n.symbol),
}


@pytest.mark.parametrize(("name", "case"), GRADIENTS.items(), ids=GRADIENTS)
def test_gradients_of_vectors(name: str, case: tuple[str, sp.Expr]) -> None:
    wrt, expected = case
    same(ops[name].gradient(wrt).result, expected)


gate, up = entry("gate", i), entry("up", i)
SEVERAL = {
    "kl_divergence": {"dp": sp.log(p[i]) - sp.log(q[i]) + 1, "dq": -p[i] / q[i]},
    "swiglu": {
        "dgate": dy[i] * up * s[i] * (1 + gate * (1 - s[i])),
        "dup": dy[i] * entry("a", i),
    },
    "geglu": {
        "dgate": dy[i] * up * (entry("Phi", i) + gate * entry("phi", i)),
        "dup": dy[i] * entry("a", i),
    },
}


@pytest.mark.parametrize(("name", "expected"), SEVERAL.items(), ids=SEVERAL)
def test_gradients_of_several_vectors(name: str, expected: dict[str, sp.Expr]) -> None:
    found = ops[name].gradient().results
    assert found.keys() == expected.keys()
    for wrt, form in expected.items():
        same(found[wrt], form)


def test_preferences() -> None:
    beta, preferred = sp.symbols("beta p")
    same(ops.dpo.gradient("c_w").result, beta * (preferred - 1))
    same(ops.dpo.gradient("c_l").result, beta * (1 - preferred))
    ahead = entry("ref", i) - entry("logp", i)
    pull = sp.Symbol("beta") * (1 - sp.exp(ahead))
    size = ops.grpo.inputs["logp"].dims[0].symbol
    g = ops.grpo.gradient("logp")
    same(g.result, (pull - gain * Iverson(gain < entry("kappa", i))) / size)
    same(g.where["A"].rhs, (entry("R", i) - sp.Symbol("mu")) / sp.Symbol("sigma"))


def test_the_names_in_the_result_are_those_that_a_person_uses() -> None:
    names = {name: tuple(ops[name].gradient().where) for name in ops}
    assert names["softmax"] == ("E", "Z", "p")
    assert names["cross_entropy"] == ("p",)
    assert names["layer_norm"] == ("mu", "c", "v", "r", "xhat", "dxhat")
    assert names["rms_norm"] == ("r", "xhat", "dxhat")
    assert names["attention"] == ("S", "P", "O", "D", "dP", "dS")
    assert names["linear"] == names["relu"] == ()


def cross_entropy_of(domain: str) -> Op:
    """Cross-entropy from first principles, of a target that need not sum to one."""
    z, E, L = n.vector("z"), n.vector("E"), scalar("L")
    target = n.vector("y", "target", domain)
    return Op(
        name="toy",
        title="Toy",
        inputs=(z, target),
        equations=(
            Let(E[i], sp.exp(z[i])),
            Let(scalar("Z")._sympy_(), sum_over(E[j], j)),
            Let(p[i], E[i] / sp.Symbol("Z")),
            Let(L._sympy_(), -sum_over(target[j] * sp.log(p[j]), j)),
        ),
        numpy=lambda z, y: -(y * (z - sp.log(sum(map(sp.exp, z))))).sum(),
    )


def test_cross_entropy_without_the_fact_that_the_target_sums_to_one() -> None:
    same(cross_entropy_of("positive").gradient("z").result, p[i] * sum_over(y[j], j) - y[i])
    same(cross_entropy_of("real").gradient("z").result, p[i] * sum_over(y[j], j) - y[i])
    same(cross_entropy_of("distribution").gradient("z").result, p[i] - y[i])


# --- norms -------------------------------------------------------------------

a, b = d.indices("i j")
xhat, gamma, dyd = vectors(d, "xhat gamma dy")


def ghat(ix: Index) -> sp.Expr:
    return gamma[ix] * dyd[ix]


LAYER_NORM_DX = r * (ghat(a) - mean(ghat(b), b) - xhat[a] * mean(ghat(b) * xhat[b], b))
RMS_NORM_DX = r * (ghat(a) - xhat[a] * mean(ghat(b) * xhat[b], b))


@pytest.mark.parametrize(
    ("name", "expected"), [("layer_norm", LAYER_NORM_DX), ("rms_norm", RMS_NORM_DX)]
)
@pytest.mark.parametrize("together", [False, True])
def test_norms(name: str, expected: sp.Expr, together: bool) -> None:
    g = ops[name].gradient(*(() if together else ("x",)))
    same(written_out(g, g.results["dx"], "dxhat"), expected)
    same(ops[name].gradient("gamma").result, dyd[a] * xhat[a])
    if together:
        same(g.results["dgamma"], dyd[a] * xhat[a])
    if "beta" in ops[name].inputs:
        same(ops[name].gradient("beta").result, dyd[a])


def test_norms_in_a_batch_sum_over_it_for_parameters() -> None:
    N = Dim("N")
    (row,) = N.indices("n")
    X, DY = entry("xhat", row, a), entry("dy", row, a)
    R = entry("r", row)
    at = {c: (entry("xhat", row, c), entry("gamma", c) * entry("dy", row, c)) for c in (a, b)}
    g = ops.layer_norm.batched("N").gradient()
    same(g.results["dgamma"], sum_over(DY * X, row))
    same(g.results["dbeta"], sum_over(DY, row))
    three = at[a][1] - mean(at[b][1], b) - at[a][0] * mean(at[b][1] * at[b][0], b)
    same(written_out(g, g.results["dx"], "dxhat"), R * three)
    two = at[a][1] - at[a][0] * mean(at[b][1] * at[b][0], b)
    g = ops.rms_norm.batched("N").gradient()
    same(written_out(g, g.results["dx"], "dxhat"), R * two)
    same(g.results["dgamma"], sum_over(DY * X, row))


def test_two_batch_axes_are_both_summed_over() -> None:
    g = ops.linear.batched("B", "T").gradient()
    let = {found.name: found for found in g.result_equations}
    B, T = Dim("B"), Dim("T")
    (bb,), (tt,) = B.indices("b"), T.indices("s")
    I, J = let["dW"].indices
    same(
        g.results["dW"],
        sum_over(entry("dy", bb, tt, I) * entry("x", bb, tt, J), bb, tt),
    )
    same(g.results["db"], sum_over(entry("dy", bb, tt, let["db"].indices[0]), bb, tt))
    row = let["dx"].indices
    (q,) = n.indices("q")
    same(g.results["dx"], sum_over(entry("W", q, row[2]) * entry("dy", row[0], row[1], q), q))


# --- layers ------------------------------------------------------------------


def test_lora() -> None:
    rank = ops.lora.inputs["A"].dims[0]
    (I,), (J,), (K,) = n.indices("i"), m.indices("j"), rank.indices("k")
    scale = sp.Symbol("alpha") / rank.symbol
    W, A, B = entry("W", I, J), entry("A", K, J), entry("B", I, K)
    g = ops.lora.gradient()
    same(g.where["dh"].rhs, scale * sum_over(B * entry("dy", I), I))
    same(g.results["dx"], sum_over(W * entry("dy", I), I) + sum_over(A * entry("dh", K), K))
    same(g.results["dA"], entry("dh", K) * entry("x", J))
    same(g.results["dB"], scale * entry("dy", I) * entry("h", K))


def test_a_token_gathers_the_gradients_of_its_places() -> None:
    tokens = ops.weight_tying.inputs["W"].dims[0]
    (I,), (K,) = n.indices("i"), d.indices("k")
    (w,) = tokens.indices("w")
    row, column = ops.embedding.gradient("W").indices
    (place,) = n.indices("place")
    scattered = delta(row, entry("t", place)) * entry("dy", place, column)
    same(ops.embedding.gradient("W").result, sum_over(scattered, place))
    g = ops.weight_tying.gradient()
    read = sum_over(delta(w, entry("t", I)) * entry("dy", I, K), I)
    written = sum_over(entry("dz", I, w) * entry("h", I, K), I)
    same(g.results["dW"], read + written)
    same(g.where["dh"].rhs, sum_over(entry("W", w, K) * entry("dz", I, w), w))


def test_cosine_similarity() -> None:
    (I,) = d.indices("i")
    cosine, xhat, uhat = sp.Symbol("s"), entry("xhat", I), entry("uhat", I)
    g = ops.cosine_similarity.gradient()
    same(g.results["dx"], (uhat - cosine * xhat) / sp.Symbol("ell_x"))
    same(g.results["du"], (xhat - cosine * uhat) / sp.Symbol("ell_u"))


# --- attention ---------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["attention", "causal_attention", "masked_attention", "alibi", "sliding_window"]
)
def test_attention(name: str) -> None:
    keys = m if name in ("attention", "masked_attention") else n
    width = sp.sqrt(d.symbol)
    (I,), (J,), (K,), (L,) = n.indices("i"), keys.indices("j"), d.indices("k"), e.indices("l")
    g = ops[name].gradient()
    dS, P, dO, V = (
        entry("dS", I, J),
        entry("P", I, J),
        entry("dO", I, L),
        entry("V", J, L),
    )
    same(g.results["dQ"], sum_over(dS * entry("K", J, K), J) / width)
    same(g.results["dK"], sum_over(dS * entry("Q", I, K), I) / width)
    same(g.results["dV"], sum_over(P * dO, I))
    same(g.where["dP"].rhs, sum_over(dO * V, L))
    same(g.where["dS"].rhs, P * (entry("dP", I, J) - entry("D", I)))
    same(g.where["D"].rhs, sum_over(dO * entry("O", I, L), L))


def test_linear_attention() -> None:
    (I,), (J,), (K,), (L,) = n.indices("i"), m.indices("j"), d.indices("k"), e.indices("l")
    g = ops.linear_attention.gradient()
    Q, Z, D, dO = entry("Q", I, K), entry("Z", I), entry("D", I), entry("dO", I, L)
    M, dM = entry("M", K, L), entry("dM", K, L)
    same(g.results["dQ"], (sum_over(dO * M, L) - D * entry("u", K)) / Z)
    same(g.results["dK"], sum_over(entry("V", J, L) * dM, L) - sum_over(Q * D / Z, I))
    same(g.results["dV"], sum_over(entry("K", J, K) * dM, K))
    same(g.where["dM"].rhs, sum_over(Q * dO / Z, I))
    same(g.where["D"].rhs, sum_over(dO * entry("O", I, L), L))


def test_attention_one_gradient_at_a_time_is_the_same() -> None:
    together = ops.attention.gradient()
    for name in ("Q", "K", "V"):
        same(ops.attention.gradient(name).result, together.results[f"d{name}"])


# --- Jacobians and Hessians ----------------------------------------------------


X = entry("x", i)
JACOBIANS = {
    "softmax": p[i] * (delta(i, j) - p[j]),
    "log_softmax": delta(i, j) - p[j],
    "logsumexp": p[i],
    "relu": delta(i, j) * Iverson(X > 0),
    "sigmoid": delta(i, j) * y[i] * (1 - y[i]),
    "tanh": delta(i, j) * (1 - y[i] ** 2),
}


@pytest.mark.parametrize(("name", "expected"), JACOBIANS.items(), ids=JACOBIANS)
def test_jacobians(name: str, expected: sp.Expr) -> None:
    found = ops[name].jacobian("x")
    same(found.result, expected)
    assert [str(s) for s in found.indices] == (["i"] if name == "logsumexp" else ["i", "j"])


def test_jacobians_of_norms_and_layers() -> None:
    inner = delta(a, b) - 1 / d.symbol - xhat[a] * xhat[b] / d.symbol
    same(ops.layer_norm.jacobian("x").result, gamma[a] * r * inner)
    inner = delta(a, b) - xhat[a] * xhat[b] / d.symbol
    same(ops.rms_norm.jacobian("x").result, gamma[a] * r * inner)
    same(ops.layer_norm.jacobian("gamma").result, delta(a, b) * xhat[a])
    same(ops.layer_norm.jacobian("beta").result, delta(a, b))
    same(ops.linear.jacobian("x").result, entry("W", i, j))
    same(ops.linear.jacobian("W").result, delta(i, j) * entry("x", k))


@pytest.mark.parametrize("name", ["cross_entropy", "cross_entropy_index", "logsumexp"])
def test_hessians(name: str) -> None:
    found = ops[name].hessian("x" if name == "logsumexp" else "z")
    same(found.result, p[i] * delta(i, j) - p[i] * p[j])
    assert [str(s) for s in found.indices] == ["i", "j"]


# --- matrices ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "result", "expected"),
    [
        ("attention", "dV", "P.T*dO"),
        ("attention", "dP", "dO*V.T"),
        ("attention", "dQ", "1/sqrt(d)*dS*K"),
        ("attention", "dK", "1/sqrt(d)*dS.T*Q"),
        ("linear", "dx", "W.T*dy"),
        ("linear", "dW", "dy*x.T"),
        ("linear", "db", "dy"),
        ("logsumexp", "dx", "p"),
        ("lora", "dA", "dh*x.T"),
        ("distillation", "dz", "1/tau*(p - q)"),
    ],
)
def test_matrix_forms(name: str, result: str, expected: str) -> None:
    assert str(ops[name].gradient().matrix[result]) == expected


def test_where_there_is_no_matrix_notation_there_is_none() -> None:
    assert ops.relu.gradient().matrix["dx"] is None
    assert ops.attention.batched("B").gradient().matrix["dQ"] is None


def test_the_slope_of_a_scalar_by_itself_is_no_step() -> None:
    rules = [step.rule for step in ops.z_loss.gradient("z").steps]
    assert rules == ["power rule", "lemma: log-sum-exp", "substitute"]
