"""Pages: what stands beside a result, and what is said in words."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sympy as sp
from fakes import layer_norm_gradient

from symllm import Dim, Let, Op, ops, sum_over
from symllm.derivation import Derivation
from symllm.notation import Iverson
from symllm.render.flavour import flavour_of
from symllm.render.glance import glance_markdown
from symllm.render.kinks import jumps, kinks
from symllm.render.noted import definitions
from symllm.render.page import derivation_markdown, op_markdown, step_markdown
from symllm.render.place import ALONE, Place, where
from symllm.render.printer import PLAIN, Printer
from symllm.render.steps import fact_words, step_lines
from symllm.render.subject import page_style
from symllm.steps import Fact, places

FLAVOUR = flavour_of("github")
n, m = Dim("n"), Dim("m")
i, j = n.indices("i j")
k = m.index("k")
x, y, h = n.vector("x"), n.vector("y"), n.vector("h")
mask = n.vector("mask", role="target", domain="binary")


def pointwise(value: sp.Expr, *inputs) -> Op:
    """An op of one equation; nobody asks for its numbers."""
    return Op("made_up", "Made up", (x, *inputs), (Let(y[i], value),), numpy=lambda x: x)


BLOCK = ops.gpt2_block.gradient("x")

QUESTIONS = {
    ("mse", ()): "**Question.** What is",
    ("mse", ("N",)): "**Question.** Take the sum of all $`L_b`$ as the loss $`L`$: what is",
    ("logsumexp", ()): "**Question.** Take $`z`$ itself as the loss, $`L = z`$: what is",
    ("softmax", ("N",)): r"**Question.** Given $`\mathrm{d}p_{bi} = \partial L / \partial p_{bi}`$",
}


@pytest.mark.parametrize(("name", "axes"), QUESTIONS)
def test_the_question_says_what_the_loss_is(name, axes):
    op = ops[name].batched(*axes) if axes else ops[name]
    assert QUESTIONS[name, axes] in op.gradient("x").to_markdown()


# --------------------------------------------------------------------------
# Beside the result
# --------------------------------------------------------------------------

BESIDE = {
    "softmax": ((), ("p",)),
    "layer_norm": (("dxhat",), ("r", "xhat")),
    "log_softmax": (("p",), ("E", "Z")),
    "relu": ((), ()),
    "attention": (("D", "dP", "dS"), ("P", "O")),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_result_says_what_the_reader_has_not_met(name):
    first = next(iter(ops[name].inputs))
    derivation = ops[name].gradient(*() if name == "attention" else (first,))
    found = where(derivation, Place(forward=True))
    assert (tuple(let.name for let in found.equations), found.met) == BESIDE[name]


def test_a_result_that_stands_alone_defines_all_its_names():
    derivation = ops.layer_norm.gradient("x")
    assert where(derivation, ALONE).equations == tuple(derivation.where.values())
    page = derivation.to_markdown()
    assert r"\text{variance}" in page
    assert "as in the forward equations" not in page


GELU = {"gelu_tanh": "in the chapter [Activations](activations.md)"}


def test_what_a_called_op_has_is_left_to_its_derivation_where_the_list_is_long():
    whole, apart = (where(BLOCK, Place(True, derived=derived)) for derived in ({}, GELU))
    names = [{let.name for let in found.equations} for found in (whole, apart)]
    assert names[0] - names[1] == {"u", "t"}
    assert (whole.inside, apart.inside) == ({}, {"gelu_tanh": ("t",)})
    assert apart.met == whole.met
    short = ops.mlp.gradient()
    assert where(short, Place(True, derived={"gelu": "given above"})).inside == {}


def test_a_page_says_where_names_of_called_ops_are_defined():
    page = derivation_markdown(BLOCK, "github", Place(True, derived=GELU))
    said = (
        "and $`t`$ as in GELU, tanh approximation (in the chapter [Activations](activations.md)),"
    )
    assert f"$`U`$ as in the forward equations {said}" in page


def test_a_long_list_is_parted_into_names_of_the_forward_pass_and_gradients():
    page = BLOCK.to_markdown()
    result = page[page.index("**Result.**") : page.index("**Matrix")]
    forward, back = result[result.index("> where") :].split("> and, on the way back,")
    assert r"\mathrm{d}" not in forward
    assert r"\text{" not in back
    assert r"\sum_{j=1}^{c}" in forward
    assert "=1}" not in back
    assert "on the way back" not in ops.layer_norm.gradient("x").to_markdown()


def test_an_op_is_said_to_be_derived_elsewhere_once():
    steps = step_lines(BLOCK, FLAVOUR, page_style(BLOCK), Place(derived={"linear": "given above"}))
    assert sum("linear" in line.rule for line in steps) > 1
    assert sum(line.reason.endswith("It is given above.") for line in steps) == 1


def test_forward_equations_are_shown_without_what_is_for_the_way_back():
    assert "D_i" not in op_markdown(ops.attention)


def test_a_matrix_form_is_shown_where_it_says_more_than_indices():
    assert "**Matrix form.**" in ops.softmax.gradient("x").to_markdown()
    assert "**Matrix form.**" not in ops.tanh.gradient("x").to_markdown()
    partly = ops.linear_attention.gradient().to_markdown()
    assert "**Matrix form, where there is one.**" in partly
    page = ops.softmax.jacobian("x").to_markdown()
    assert r"\frac{\partial p}{\partial x} = \mathrm{diag}(p) - p p^\top" in page


# --------------------------------------------------------------------------
# Kinks
# --------------------------------------------------------------------------

KINKS = [
    (sp.Max(x[i], 0), "Where $x_i = 0$ there is a kink", "the bracket $[x_i > 0]$ is taken to be"),
    (Iverson(x[i] >= 1) * x[i], "Where $x_i = 1$", r"$[x_i \ge 1]$ is taken to be $1$"),
    (sp.tanh(x[i]), "", ""),
    (mask[i] * x[i], "", ""),
    (Iverson(i.symbol <= 2) * x[i], "", ""),
    (Iverson(mask[i] > 0) * x[i], "", ""),
]


@pytest.mark.parametrize(("value", "where", "taken"), KINKS, ids=[str(v) for v, *_ in KINKS])
def test_kinks_are_found_in_the_expression(value, where, taken):
    inputs = (mask,) if value.has(mask[i]) else ()
    derivation = pointwise(value, *inputs).gradient("x")
    said = kinks(derivation, page_style(derivation))
    assert bool(said) == bool(where)
    assert where in said
    assert taken in said


def test_where_two_pieces_meet_there_need_not_be_a_kink():
    """Inside a clip, both sides of the minimum are the same."""
    clip = Let(h[i], sp.Max(x[i], -1))
    op = Op("made_up", "Made up", (x,), (clip, Let(y[i], sp.Min(x[i], h[i]))), numpy=lambda x: x)
    derivation = op.gradient("x")
    said = kinks(derivation, page_style(derivation))
    assert "Where $h_i = x_i$ two pieces meet; the bracket $[h_i \\le x_i]$ is taken to be" in said
    assert "to be $1$ and the bracket $[x_i < h_i]$ is taken to be $0$ there." in said
    assert "Where $x_i = -1$ there is a kink" in said


SIGNS = [
    (sp.sign(x[i] - 1) * x[i], "Where $x_i - 1 = 0$ the sign jumps"),
    (sp.sign(mask[i]) * x[i], ""),
    (sp.tanh(x[i]), ""),
]


@pytest.mark.parametrize(("value", "where"), SIGNS, ids=[str(v) for v, _ in SIGNS])
def test_a_sign_that_is_differentiated_is_said_to_jump(value, where):
    inputs = (mask,) if value.has(mask[i]) else ()
    derivation = pointwise(value, *inputs).gradient("x")
    said = jumps(derivation, page_style(derivation))
    assert bool(said) == bool(where)
    assert where in said


def test_a_sign_on_the_way_of_one_input_is_told_of_that_input_alone():
    assert "the sign jumps" in ops.lion.gradient("g").to_markdown()
    assert "the sign jumps" not in ops.lion.gradient("theta").to_markdown()


def test_the_page_says_what_is_assumed_at_a_kink():
    assert "**Convention.** Where $`x_i = 0`$" in ops.relu.gradient("x").to_markdown()
    page = ops.ppo_clip.gradient().to_markdown()
    assert r"Where $`A_i \rho_i = \kappa_i`$ there is a kink and no derivative" in page
    assert r"the bracket $`[A_i \rho_i < \kappa_i]`$ is taken to be $`0`$ there" in page
    assert "**Convention.**" not in ops.gelu.gradient("x").to_markdown()


# --------------------------------------------------------------------------
# Steps and lemmas
# --------------------------------------------------------------------------


def test_steps_with_one_target_go_on_with_an_equals_sign():
    derivation = ops.softmax.gradient("x")
    lines = step_lines(derivation, FLAVOUR, page_style(derivation))
    texts = [line.tex for line in lines]
    assert texts[1].startswith("= ")
    assert texts[2].startswith(r"\mathrm{d}E_i = \frac{\partial L}{\partial E_i} = ")


def test_a_definition_and_a_delta_go_with_the_step_before():
    derivation = ops.softmax.gradient("x")
    assert [step.rule for step in derivation.steps][3:5] == [
        "derivative of the exponential",
        "recognise E",
    ]
    line = step_lines(derivation, FLAVOUR, page_style(derivation))[3]
    assert line.rule == "Derivative of the exponential."
    assert line.reason.endswith("depends on $`x_i`$. By definition $`E_i = \\exp(x_i)`$.")
    assert line.tex.endswith(r"= \exp(x_i) \, \mathrm{d}E_i = E_i \, \mathrm{d}E_i")
    assert places(derivation.steps) == [1, 2, 3, 4, 4, 5, 6]  # what is solved is a step of its own
    assert places(ops.tanh.gradient("x").steps) == [1, 2, 3, 3, 4]  # and two do not go along


def test_a_step_by_itself():
    step = ops.softmax.gradient("x").steps[1]
    shown = step_markdown(step)
    assert shown.startswith("**Recognise p.** By definition $p_i = E_i / Z$")
    assert "$$\n\\frac{\\partial L}{\\partial Z} = " in shown


A = sp.IndexedBase("A")
FACTS = [
    (sum_over(x[j], j), sp.S.Zero, "The entries of $x$ sum to zero"),
    (sum_over(x[j], j), sp.S.One, "The entries of $x$ sum to one"),
    (sum_over(A[i.symbol, k.symbol], k), sp.S.One, "The entries of each row of $A$ sum to one"),
    (sum_over(A[i.symbol, k.symbol], i), sp.S.One, "The entries of each column of $A$ sum to one"),
    (
        sum_over(x[j] ** 2, j),
        n.symbol - 1,
        "The squares of the entries of $x$ sum to a closed form",
    ),
    (sum_over(x[j] * y[j], j), sp.S.One, "A sum that occurs below has a closed form"),
    (x[i], sp.S.One, "A sum that occurs below has a closed form"),
]


@pytest.mark.parametrize(("left", "right", "said"), FACTS, ids=[f[2] for f in FACTS])
def test_lemmas_say_what_they_are(left, right, said):
    assert fact_words(Fact(left, right), Printer(PLAIN)) == said


def test_formulas_in_a_notebooks_boxes_are_on_one_line():
    page = ops.attention.gradient().to_markdown("notebook")
    quoted = [line for line in page.splitlines() if line.startswith(">") and "$$" in line]
    assert len(quoted) == 2
    assert all(line.count("$$") == 2 for line in quoted)


def test_words_of_the_result_come_before_the_evidence():
    page = derivation_markdown(layer_norm_gradient(), "github", Place(words="*In words:* $r$."))
    assert page.index("**Result.**") < page.index("*In words:* $`r`$.") < page.index("**Evidence.")


def test_an_op_without_data_starts_with_what_is_given():
    assert "**Forward.** For the given $`t" in op_markdown(ops.embedding)
    assert "with the parameter $`W" in op_markdown(ops.embedding)


# --------------------------------------------------------------------------
# At a glance
# --------------------------------------------------------------------------

STEPS = [ops[name].gradient() for name in ("momentum", "nesterov", "adam", "adamw")]


def test_a_glance_holds_no_forward_names_of_what_is_called():
    seen = glance_markdown([ops.grouped_query_attention.gradient()])
    assert r"\mathrm{d}S_{stiq} &=" in seen
    assert not [name for name in "SEZP" if f"> {name}_" in seen]


def test_a_glance_is_one_box_of_a_dozen_lines():
    """Each op has its first results, and something of each comes before more of any."""
    seen = glance_markdown(STEPS)
    assert seen.count("```math") == 1
    assert seen.count("\n> \\frac") + seen.count("\n> \\mathrm") <= 12
    assert [d.op.title for d in STEPS if rf"\text{{{d.op.title}}}" not in seen] == []
    assert r"; $`\mathrm{d}\tilde{m}`$ and $`\mathrm{d}\tilde{v}`$ (AdamW)." in seen
    assert "Further down" not in glance_markdown(STEPS[:1])


def test_a_glance_leaves_whole_ops_out_where_their_results_alone_are_too_many():
    many = [ops[name].gradient() for name in ("attention", "adam", "momentum", "nesterov", "adamw")]
    seen = glance_markdown(many)
    assert r"\text{Scaled dot-product attention}" in seen
    assert "Further down: " in seen
    assert seen.rstrip().endswith("; AdamW.")
    assert r"\text{AdamW}" not in seen


def test_what_would_fill_a_box_by_itself_is_told_by_its_results_alone():
    seen = glance_markdown([ops.llama_block.gradient("x")])
    assert r"\frac{\partial L}{\partial x_{ia}} &=" in seen or r"\partial x_{ia}} =" in seen
    assert r"\mathrm{d}G_{ij} &=" not in seen
    assert r"Further down: $`\mathrm{d}x_A`$ and $`\mathrm{d}X`$ (The block of Llama)." in seen


def test_gradients_of_parameters_come_last_at_a_glance():
    derivations = [ops[name].gradient() for name in ("multi_head_attention", "attention")]
    seen = glance_markdown(derivations)
    assert r"\frac{\partial L}{\partial X_{ia}} &=" in seen
    assert r"\partial W" not in seen
    assert "the gradients of parameters." in seen
    assert r"\partial W" in glance_markdown([ops.linear.gradient()])


def test_a_line_is_said_again_where_its_names_mean_something_else():
    line = r"\frac{\partial L}{\partial m_i} &= \mu \, \mathrm{d}\tilde{m}_i"
    assert glance_markdown(STEPS[:2]).count(line) == 2
    line = r"\frac{\partial L}{\partial v_i} &= \beta_2 \, \mathrm{d}\tilde{v}_i"
    assert glance_markdown(STEPS[2:]).count(line) == 1


# --------------------------------------------------------------------------
# Notes
# --------------------------------------------------------------------------


def test_a_wide_equation_is_broken_where_that_makes_room_for_notes():
    wide = sum_over(sum(x[j] * y[j] ** power for power in range(2, 10)), j)
    lets = [Let(h[i], wide), *(Let(y[i], x[i] ** k, "a note of some length") for k in range(2, 6))]
    lines = definitions(lets).splitlines()
    assert sum(r"&& \quad \text{a note of some length}" in line for line in lines) == 4
    assert sum(line.startswith(r"&\qquad {} +") for line in lines) > 0
    assert r"&\qquad \text{(a note of some length)}" in definitions(lets[:2])


def test_a_note_stands_beside_the_first_line_of_what_goes_on():
    value = sum(x[i] ** power * y[i] ** (20 - power) for power in range(1, 12))
    lines = definitions([Let(h[i], value, "a sum"), Let(y[i], x[i], "it")]).splitlines()
    first, second = lines[1:3]
    assert first.endswith(r"&& \quad \text{a sum} \\")
    assert second.startswith(r"&\qquad {} +")


# --------------------------------------------------------------------------
# Citations
# --------------------------------------------------------------------------


def test_all_that_one_citation_gives_is_one_step_of_the_page():
    derivation = ops.mlp.gradient()
    lines = step_lines(derivation, FLAVOUR, page_style(derivation))
    numbers = places(derivation.steps)
    assert len(lines) == numbers[-1] < len(derivation.steps)
    for number, line in enumerate(lines, start=1):
        assert 1 + len(line.more) == numbers.count(number)
    first = lines[0]
    assert first.rule == "Lemma: linear layer."
    assert first.reason == "Its derivation applies, with the output $`y_i`$."
    assert len(first.more) == 2


def test_the_numbers_of_proved_steps_are_those_of_the_page(monkeypatch):
    derivation = replace(ops.mlp.gradient())  # judged anew
    monkeypatch.setattr(Derivation, "_proved", lambda _, step: step == derivation.steps[4])
    proved = [evidence.proved for _, evidence in derivation.verify(autograd=False).steps]
    numbers = places(derivation.steps)
    said = {n for n in numbers if all(p for p, at in zip(proved, numbers, strict=True) if at == n)}
    assert said
    assert f"Step {said.pop()} proved (" in derivation_markdown(derivation)


def test_a_citation_names_the_other_paths():
    reasons = [step.reason for step in ops.silu.gradient("x").steps if step.lemma]
    assert reasons == ["Its derivation applies, with the output s[i]; x[i] also acts through y[i]."]


def test_a_size_with_a_subscript_is_set_as_other_names_are():
    assert r"\mathbb{R}^{c_{\mathrm{out}} \times f}" in op_markdown(ops.mlp)
    assert r"$`c_{\mathrm{in}} = 4`$" in derivation_markdown(ops.mlp.gradient())
