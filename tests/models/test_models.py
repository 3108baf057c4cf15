"""Whole models: what they are made of, their recurrence, their counts, and how they are judged."""

from __future__ import annotations

from typing import Any

import pytest
import sympy as sp

from symllm import Dim, Let, Op, OpError, UnknownName, VerificationError, leading, models, ops
from symllm.cli.common import MODELS
from symllm.models import judge
from symllm.models.scan import Scan
from symllm.models.source import model_source
from symllm.notation import Layer, entry

B, n, c, d, f, h, v = (Dim(name).symbol for name in ("B", "n", "c", "d", "f", "h", "v"))
L = Dim("n_layer").symbol
ell, b, i, a, j = (sp.Symbol(name, integer=True) for name in ("ell", "b", "i", "a", "j"))


@pytest.fixture(scope="module", params=sorted(models.MODELS))
def model(request: Any) -> Any:
    return models.MODELS[request.param]()


# --- the gradient ----------------------------------------------------------------------


def test_every_array_of_a_checkpoint_has_a_gradient(model: Any) -> None:
    results = model.gradient().results
    arrays = {p.name for p in model.parameters if p.stage != "layer"}
    if model.tied:
        arrays.remove("lm_head.weight")
    assert arrays <= results.keys()
    prefix = model.layers.format(layer="l")
    assert {n for n in results if n.startswith(prefix)} == {
        prefix + p.name for p in model.of("layer")
    }


def test_the_streams_gradient_is_the_sum_of_its_branches() -> None:
    """Twice: what comes from above as it is, and a branch's share."""
    gradient = models.gpt2().gradient()
    terms = sp.Add.make_args(gradient.recurrence.rhs)
    assert gradient.recurrence.lhs == entry("dx", Layer(ell), b, i, a)
    assert entry("dx_A", Layer(ell), b, i, a) in terms
    inner = gradient.at_layer(gradient.layer.where["dx_A"])
    assert entry("dx", Layer(ell + 1), b, i, a) in sp.Add.make_args(inner.rhs)
    assert len(terms) == 2


def test_a_tied_table_has_the_gradients_of_both_its_places() -> None:
    embedded, scored = models.gpt2().gradient().results["transformer.wte.weight"]
    assert embedded.lhs == scored.lhs
    assert embedded.rhs.has(Layer(0))
    assert entry("dz", b, i, sp.Symbol("w", integer=True)) in scored.rhs.atoms(sp.Indexed)


def test_a_page_tells_the_tokens_that_come_next_from_those_that_go_in(model: Any) -> None:
    page = model.gradient().to_markdown()
    head, table = page.split("**The layers.**")
    assert r"[w = t_{\mathrm{next}, bi}]" in head
    assert "[w = t_{bi}]" in table
    assert "[w = t_{bi}]" not in head


def test_the_logits_gradient_is_what_everybody_knows() -> None:
    where = models.gpt2().gradient().head.where
    w, t = sp.Symbol("w", integer=True), entry("t", b, i)
    less = entry("p", b, i, w) - sp.KroneckerDelta(w, t)
    expected = entry("mask", b, i) * less / sp.Symbol("n_mask")
    assert sp.simplify(where["dz"].rhs - expected) == 0


def test_steps_go_from_the_loss_down(model: Any) -> None:
    gradient = model.gradient()
    assert gradient.steps[: len(gradient.head.steps)] == gradient.head.steps
    assert len(gradient.steps) == sum(len(s.steps) for s in gradient.stages.values())


# --- counts ----------------------------------------------------------------------------


def test_parameters_are_those_of_gpt2() -> None:
    """124 439 808 of them in the smallest."""
    counts = models.gpt2().counts()
    small = counts.at(n_layer=12, c=768, h=12, d=64, f=3072, v=50257, n=1024)
    assert small.parameters == 124_439_808


def test_training_costs_six_operations_for_each_parameter_and_token() -> None:
    layer = models.gpt2().block.batched("B").counts().at(d=c / h, f=4 * c)
    parameters, tokens = leading(layer.parameters, c), B * n
    assert parameters == 12 * c**2
    assert leading(layer.training_flops.subs(n, 1), c) == 6 * parameters * B
    whole = models.gpt2().counts().at(d=c / h, f=4 * c)
    deep = leading(whole.training_flops.subs({B: 1, n: 1}), L, c)
    assert deep == 6 * leading(whole.parameters.subs(n, 1), L, c)
    assert tokens == B * n


def test_depth_multiplies_what_a_layer_costs(model: Any) -> None:
    counts = model.counts()
    one, two, three = (counts.at(n_layer=k).forward_flops for k in (1, 2, 3))
    assert (
        sp.expand(three - two)
        == sp.expand(two - one)
        == sp.expand(model.block.batched("B").counts().forward_flops)
    )


# --- the judge -------------------------------------------------------------------------


def test_the_generated_module_agrees_with_differences(model: Any) -> None:
    errors = judge.compare(model)
    assert set(errors) >= {p.name for p in model.of("embed")}
    assert max(errors.values()) < judge.BOUND


#: A mistake in the generated module, and the array whose gradient shows it.
MISTAKES = {
    "a branch of the stream is lost": ("    dx += dx_A\n", ""),
    "an embedding that forgets the head": (
        "grads[name] = grads[name] + gradient if name in grads else gradient",
        "grads[name] = gradient",
    ),
    "layers in the wrong order": ("in reversed(range(s.n_layer))", "in range(s.n_layer)"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen(mistake: str) -> None:
    model = models.gpt2()
    source = model_source(model, "numpy")
    right, wrong = MISTAKES[mistake]
    assert source.count(right) == 1
    assert max(judge.compare(model, source.replace(right, wrong)).values()) > 1e-3


def test_what_does_not_verify_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "compare", lambda model: {"transformer.wte.weight": 0.1})
    gradient = models.gpt2().gradient()
    with pytest.raises(VerificationError, match="wte"):
        judge.verify(gradient.model, {})
    monkeypatch.setattr(judge, "compare", lambda model: {})
    with pytest.raises(VerificationError, match="nothing"):
        judge.verify(gradient.model, {})


# --- what does not fit -----------------------------------------------------------------

x, y = Dim("n").vector("x"), Dim("n").vector("y")
k = Dim("n").index("k")


def test_a_scan_takes_what_it_gives() -> None:
    with pytest.raises(OpError, match="no input 'z'"):
        Scan(ops.softmax, "z", Dim("L"))
    with pytest.raises(OpError, match="must give one output of that shape"):
        Scan(ops.logsumexp, "x", Dim("L"))
    assert Scan(ops.softmax, "x", Dim("L")).output == "p"
    with pytest.raises(OpError, match="counts layers"):
        Scan(ops.softmax, "x", Dim("n"))


def test_an_unknown_target_is_named() -> None:
    with pytest.raises(UnknownName, match="cobol"):
        models.gpt2().code("cobol")


def test_the_command_line_knows_the_models() -> None:
    assert frozenset(models.MODELS) == MODELS


def test_a_let_may_belong_to_a_layer() -> None:
    assert Let(entry("x", Layer(ell + 1), i), entry("x", Layer(ell), i)).name == "x"


def test_an_op_of_ones_own_cannot_be_called_in_code() -> None:
    from symllm.models.networks import network

    mine = Op("mine", "Mine", (x,), (Let(y[k], 2 * x[k]),), numpy=lambda x: 2 * x)
    outer = Op("outer", "Outer", (x,), (Let(y[k], mine(x[k], over=k)),), numpy=lambda x: 2 * x)
    with pytest.raises(UnknownName, match="mine"):
        network(outer)
