"""The core ops: their faces as promised, their gradients verified."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sympy as sp
from groups import ONE_SCALAR, SMALL, batched

from symllm import ops
from symllm.calls import without_calls
from symllm.equation import Call
from symllm.evaluate import sample
from symllm.notation import LOSS, Dim, Partial, entry
from symllm.steps import Step
from symllm.verify import check_step

#: Inputs and outputs as ``name[dims]``, marked by role: x, [x] target, *x* parameter, (x) constant.
FACES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("relu", "sigmoid", "tanh", "softplus", "gelu", "gelu_tanh", "silu"), ("x[n]", "y[n]")
    ),
    "softcap": ("x[m] (kappa)", "y[m]"),
    "softmax": ("x[n]", "p[n]"),
    "log_softmax": ("x[n]", "y[n]"),
    "logsumexp": ("x[n]", "z"),
    "masked_softmax": ("x[n] [mask[n]]", "p[n]"),
    "cross_entropy": ("z[n] [y[n]]", "L"),
    "cross_entropy_index": ("z[n] [t]", "L"),
    "label_smoothing": ("z[n] [t] (epsilon)", "L"),
    "z_loss": ("z[n] (weight)", "L"),
    "kl_divergence": ("p[n] q[n]", "L"),
    "jensen_shannon": ("p[n] q[n]", "L"),
    "distillation": ("z[n] [v[n]] (tau)", "L"),
    "mse": ("x[n] [y[n]]", "L"),
    "masked_mean": ("x[n] [mask[n]]", "L"),
    "layer_norm": ("x[d] *gamma[d]* *beta[d]* (eps)", "y[d]"),
    "rms_norm": ("x[d] *gamma[d]* (eps)", "y[d]"),
    "embedding": ("[t[n]] *W[v,d]*", "y[n,d]"),
    "cosine_similarity": ("x[d] u[d]", "s"),
    "weight_tying": ("[t[n]] *W[v,d]* *U[d,d]*", "z[n,v]"),
    "linear": ("x[m] *W[n,m]* *b[n]*", "y[n]"),
    "rope": ("x[n,2m] (pos[n]) (base)", "y[n,2m]"),
    "rope_halves": ("x[n,2m] (pos[n]) (base)", "y[n,2m]"),
    "projection": ("x[m] *W[n,m]*", "y[n]"),
    "lora": ("x[m] (W[n,m]) *A[r,m]* *B[n,r]* (alpha)", "y[n]"),
    **dict.fromkeys(("swiglu", "geglu"), ("gate[n] up[n]", "y[n]")),
    "dropout": ("x[n] [mask[n]] (rate)", "y[n]"),
    "attention": ("Q[n,d] K[m,d] V[m,e]", "O[n,e]"),
    "causal_attention": ("Q[n,d] K[n,d] V[n,e]", "O[n,e]"),
    "masked_attention": ("Q[n,d] K[m,d] V[m,e] [M[n,m]]", "O[n,e]"),
    "multi_head_attention": (
        "X[n,c] *W_Q[h,d,c]* *W_K[h,d,c]* *W_V[h,e,c]* *W_O[h,c,e]*",
        "Y[n,c]",
    ),
    "grouped_query_attention": ("Q[g,u,n,d] K[g,m,d] V[g,m,e]", "O[g,u,n,e]"),
    "mlp": (
        "x[c_in] *W_1[f,c_in]* *b_1[f]* *W_2[c_out,f]* *b_2[c_out]*",
        "y[c_out]",
    ),
    "gpt2_block": (
        "x[n,c] *gamma_1[c]* *beta_1[c]* *W_Q[c,h,d]* *b_Q[h,d]* *W_K[c,h,d]* *b_K[h,d]* "
        "*W_V[c,h,d]* *b_V[h,d]* *W_O[h,d,c]* *b_O[c]* *gamma_2[c]* *beta_2[c]* *W_1[c,f]* "
        "*b_1[f]* *W_2[f,c]* *b_2[c]* (eps)",
        "y[n,c]",
    ),
    "llama_block": (
        "x[n,c] *gamma_1[c]* *W_Q[g,u,2,m,c]* *W_K[g,2,m,c]* *W_V[g,e,c]* *W_O[c,g,u,e]* "
        "*gamma_2[c]* *W_G[f,c]* *W_U[f,c]* *W_D[c,f]* (pos[n]) (base) (eps)",
        "y[n,c]",
    ),
    "moe_block": (
        "x[n,c] [mask[n,e]] *gamma[c]* *W_R[e,c]* *W_G[e,w,c]* *W_U[e,w,c]* *W_D[e,c,w]* (eps)",
        "y[n,c]",
    ),
    "dpo": ("c_w c_l [ref_w] [ref_l] (beta)", "L"),
    "ppo_clip": ("logp[n] [old[n]] [A[n]] (epsilon)", "L"),
    "grpo": ("logp[G] [old[G]] [ref[G]] [R[G]] (epsilon) (beta)", "L"),
    "alibi": ("Q[n,d] K[n,d] V[n,e] (slope)", "O[n,e]"),
    "sliding_window": ("Q[n,d] K[n,d] V[n,e] (w)", "O[n,e]"),
    "linear_attention": ("Q[n,d] K[m,d] V[m,e]", "O[n,e]"),
    "sinusoidal_positions": ("a[n,m] b[n,m] pos[n] (base)", "y_a[n,m] y_b[n,m]"),
    "top_k_gate": ("z[e] [mask[e]]", "g[e]"),
    "mixture_of_experts": ("z[e] [mask[e]] F[e,c]", "y[c]"),
    "load_balancing": ("z[n,e] [a[n]] (alpha)", "L"),
    "clip_by_global_norm": ("g[n] (max_norm)", "y[n]"),
    "sgd": ("theta[n] g[n] (lr)", "theta_next[n]"),
    "momentum": ("theta[n] g[n] m[n] (lr) (mu)", "theta_next[n] m_next[n]"),
    "nesterov": ("theta[n] g[n] m[n] (lr) (mu)", "theta_next[n] m_next[n]"),
    "adam": (
        "theta[n] g[n] m[n] v[n] (lr) (beta1) (beta2) (eps) (t)",
        "theta_next[n] m_next[n] v_next[n]",
    ),
    "adamw": (
        "theta[n] g[n] m[n] v[n] (lr) (beta1) (beta2) (eps) (weight_decay) (t)",
        "theta_next[n] m_next[n] v_next[n]",
    ),
    "lion": (
        "theta[n] g[n] m[n] (lr) (beta1) (beta2) (weight_decay)",
        "theta_next[n] m_next[n]",
    ),
}
MARKS = {"data": "{}", "target": "[{}]", "parameter": "*{}*", "constant": "({})"}


def face(tensors: Any) -> str:
    """Tensors as the table of names writes them."""
    return " ".join(
        MARKS[t.role].format(t.name + (t.shape_text.replace(", ", ",") if t.dims else ""))
        for t in tensors
    )


def test_every_op_has_a_face() -> None:
    missing = set(ops) - set(FACES)
    assert not missing, (
        f"FACES has no line for {', '.join(sorted(missing))}: its inputs, its outputs"
    )
    assert len(ops) == len(FACES)
    assert "softmax" in ops
    assert "soft" not in ops
    assert {"softmax", "attention"} <= set(dir(ops))
    assert "layer_norm" in repr(ops)


@pytest.mark.parametrize("name", FACES)
def test_inputs_roles_anc_outputs_are_as_promised(name: str) -> None:
    inputs, outputs = FACES[name]
    op = ops[name]
    assert op.name == name
    assert face(op.inputs.values()) == inputs
    assert face(op.outputs.values()) == outputs
    assert op is ops[name] is getattr(ops, name)
    assert op.title
    assert op.about.endswith(".")
    assert op.numpy.__code__.co_varnames[: len(op.inputs)] == tuple(op.inputs)


def test_integer_inputs_and_declared_facts() -> None:
    t = ops.cross_entropy_index.inputs["t"]
    assert t.integer
    assert t.domain == Dim("n")
    assert ops.cross_entropy.inputs["y"].domain == "distribution"


def test_batch_axes_lead_data_and_targets_only() -> None:
    op = ops.layer_norm.batched("B", "T")
    assert face(op.inputs.values()) == "x[B,T,d] *gamma[d]* *beta[d]* (eps)"
    assert face(op.outputs.values()) == "y[B,T,d]"
    op = ops.cross_entropy_index.batched("N")
    assert face(op.inputs.values()) == "z[N,n] [t[N]]"
    assert face(op.outputs.values()) == "L[N]"
    assert face(ops.linear.batched("N").inputs.values()) == "x[N,m] *W[n,m]* *b[n]*"


# --- gradients ---------------------------------------------------------------------


HEAVY = {
    "attention", "causal_attention", "masked_attention", "alibi", "sliding_window",
    "multi_head_attention", "grouped_query_attention",
}  # fmt: skip
LAYERS = {"multi_head_attention", "grouped_query_attention"}
#: Two batch axes are tried where one and none could differ from them.
TWICE = {"softmax", "layer_norm", "linear", "cross_entropy_index", "embedding", "rope"}
CASES = [
    *((name, ()) for name in FACES),
    *((name, ("N",)) for name in SMALL if name not in LAYERS),
    *((name, ("H", "T")) for name in sorted(TWICE)),
]


@pytest.mark.parametrize(
    ("name", "axes"), CASES, ids=lambda v: v if isinstance(v, str) else "".join(v)
)
def test_every_gradient_verifies(name: str, axes: tuple[str, ...]) -> None:
    op = batched(name, axes)
    g = op.gradient()
    certificate = g.verify(autograd=not axes)
    assert certificate.ok
    assert len(certificate.steps) == len(g.steps)
    compared = {c.name for c in certificate.comparisons}
    assert {*op.outputs, *g.results} <= compared
    assert certificate.seeds == (0, 1)


@pytest.mark.parametrize("name", SMALL)
def test_a_derivation_has_four_to_twelve_steps(name: str) -> None:
    g = ops[name].gradient()
    cited = [isinstance(let.rhs, Call) for let in ops[name].equations]
    least = 1 if all(cited) else 3 if any(cited) else 4
    assert least <= len(g.steps) <= 12
    for step in g.steps:
        assert step.rule
        assert step.reason.endswith(".")
        assert step.before != step.after


@pytest.mark.parametrize("name", sorted(set(SMALL) - HEAVY))
def test_each_gradient_alone_is_verified(name: str) -> None:
    op = ops[name]
    differentiable = [n for n, t in op.inputs.items() if t.differentiable]
    for wrt in differentiable if len(differentiable) > 1 else ():
        g = op.gradient(wrt)
        assert list(g.results) == [f"d{wrt}"]
        assert g.verify(autograd=False).ok


@pytest.mark.parametrize("name", sorted(set(SMALL) - HEAVY))
def test_jacobians_and_hessians_verify(name: str) -> None:
    op = ops[name]
    for wrt in (n for n, t in op.inputs.items() if t.differentiable):
        assert op.jacobian(wrt).verify().ok
        if name in ONE_SCALAR:
            assert op.hessian(wrt).verify().ok


@pytest.mark.parametrize("axes", [("N",)], ids=["batch"])
@pytest.mark.parametrize("name", [name for name in SMALL if name not in LAYERS])
def test_every_line_of_the_backward_program_is_what_it_says(
    name: str, axes: tuple[str, ...]
) -> None:
    """Each ``dname`` of ``g.equations`` is the derivative of the loss by ``name``."""
    op = batched(name, axes)
    program = without_calls(op.program)
    point = sample(program, 3)
    lets = op.gradient().equations
    assert lets
    for let in lets:
        dims = program.tensors[let.name[1:]].dims
        free = tuple(zip(let.indices, dims, strict=True))
        target = Partial(LOSS, entry(let.name[1:], *let.indices))
        step = Step(target, let.lhs, let.rhs, let.name, ("the adjoint program",), free)
        assert check_step(step, [point], entries=4).checked, str(let)


# --- what a derivation offers ------------------------------------------------------


@pytest.mark.parametrize("name", SMALL)
def test_results_indices_where_and_expanded(name: str) -> None:
    op = ops[name]
    g = op.gradient()
    upstream = {} if name in ONE_SCALAR else {f"d{n}" for n in op.outputs}
    several = len(g.results) > 1
    known = {*op.inputs, *upstream}
    for wrt in g.wrt:
        called = f"d{wrt}"
        indices = g.indices[called] if several else g.indices
        assert len(indices) == op.inputs[wrt].rank
        expanded = g.expanded[called] if several else g.expanded
        assert {str(b.label) for b in expanded.atoms(sp.IndexedBase)} <= known
        assert expanded.free_symbols.isdisjoint(expanded.atoms(sp.Sum))
    defined = set(known)
    for let in g.where.values():
        tensors = {n for n in let.mentioned if n in g.where or n in known}
        assert tensors <= defined, f"{let} comes before what it mentions"
        defined.add(let.name)


def test_results_are_plain_sympy() -> None:
    g = ops.softmax.gradient("x")
    (i,) = g.indices
    assert g.result.subs(i, 0).has(entry("p", 0))
    assert g.result.diff(entry("dp", i)) != 0
    sized = ops.softmax.jacobian("x").explicit(n=2)
    assert sized.shape == (2, 2)
    p0, p1 = entry("p", 0), entry("p", 1)
    assert sized[0, 1] == -p0 * p1
    assert sp.expand(sized[0, 0] - p0 * (1 - p0)) == 0
    function = sp.lambdify([p0, p1], sized.tomatrix())
    assert np.allclose(function(0.25, 0.75), [[0.1875, -0.1875], [-0.1875, 0.1875]])


def test_expanded_goes_through_sympys_own_lambdify() -> None:
    g = ops.softmax.gradient("x")
    (i,) = g.indices
    x, dp = sp.IndexedBase("x"), sp.IndexedBase("dp")
    function = sp.lambdify([x, dp, i, Dim("n").symbol], g.expanded)
    values, upstream = np.array([0.3, -1.2, 2.0]), np.array([1.0, -0.5, 0.25])
    found = [function(values, upstream, row, 3) for row in range(3)]
    assert np.allclose(found, g.lambdify()(x=values, dp=upstream), rtol=1e-13)


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "cross_entropy", "attention"])
def test_explicit_writes_every_entry_out(name: str) -> None:
    op = ops[name]
    wrt = next(iter(op.inputs))
    g = op.gradient(wrt)
    sizes = {d.name: k for d, k in zip(op.program.dims, (2, 3, 2, 2), strict=False)}
    array = g.explicit(**sizes)
    assert array.shape == tuple(sizes[d.name] for d in op.inputs[wrt].dims)
    assert not array.atoms(sp.Sum)
    assert not array.free_symbols & {d.symbol for d in op.program.dims}
    forward = op.explicit(**sizes)
    assert not forward.atoms(sp.Sum)


def test_an_upstream_that_is_asked_for() -> None:
    op = ops.logsumexp
    i = sp.Symbol("i", integer=True)
    assert op.gradient("x", upstream="dz").result == sp.Symbol("dz") * entry("p", i)
    assert op.gradient("x", upstream="dz").verify().ok
    (b, j) = ops.cross_entropy.batched("N").gradient("z", upstream="dL").indices
    found = ops.cross_entropy.batched("N").gradient("z", upstream="dL").result
    assert found == entry("dL", b) * (entry("p", b, j) - entry("y", b, j))
