"""What is read, what is refused and where, and what is said of several readings."""

from __future__ import annotations

import pytest

from symllm import ReadError, check_latex, ops
from symllm.errors import SymllmError

#: An op, two ways to write one formula.
ALIKE = (
    (
        "softmax",
        r"\frac{\partial L}{\partial x_i} = p_i dp_i - p_i \sum_j p_j dp_j",
        r"dx_i = p_i (dp_i - \sum_{j} p_j\,\mathrm{d}p_j)",
    ),
    (
        "softmax",
        r"p_i = \frac{e^{x_i}}{\sum_{j=1}^{n} e^{x_j}}",
        r"p_{i} := \dfrac {\exp (x_{i})} {\sum\limits_j \exp x_j}",
    ),
    (
        "softmax",
        r"p_i = \mathrm{softmax}(x)_i",
        r"\boldsymbol{p} = \operatorname{softmax}\left(\mathbf x\right)",
    ),
    (
        "clip_by_global_norm",
        r"f = \min\left(1, \frac{c}{r}\right)",
        r"f = \min\left(1, \frac{\mathrm{max}_{\mathrm{norm}}}{r}\right)",
    ),
    ("mse", r"L = \frac1n \|x - y\|^2", r"\mathcal L = \frac{1}{n} (x - y)^\top (x - y)"),
    ("mse", r"L = \overline{(x - y)^2}", r"\boxed{L = \tfrac1n\sum_i |x_i - y_i|^2}"),
    ("linear", r"y = Wx + b", r"y_i = \sum_j W_{ij} x_j + b_i"),
    ("linear", r"\nabla_W L = \nabla_y L \, x^T", r"∂L/∂W_{ij} = ∂L/∂y_i · x_j"),
    (
        "attention",
        r"S = \frac{Q K^{\mathsf{T}}}{\sqrt{d}}",
        r"S_{ij} = \langle Q_{i,:}, K_{j,:} \rangle / \sqrt d",
    ),
    (
        "attention",
        r"dS = P \odot (dP - D \mathbf{1}^\top)",
        r"\delta S_{ij} = P_{ij} (\delta P_{ij} - D_i)",
    ),
    (
        "attention",
        r"P_{ij} = \mathrm{softmax}_j(S_{ij})",
        r"P = \underbrace{\mathrm{softmax}(S)}_{\text{row by row}}",
    ),
    (
        "layer_norm",
        r"\hat x_i = \frac{x_i - \mu}{\sqrt{\sigma^2 + \epsilon}}",
        r"\hat{x} = \frac{x - \bar{x}}{\sqrt{\mathrm{Var}(x) + \varepsilon}}",
    ),
    ("layer_norm", r"v = \mathrm{Cov}(x, x)", r"v = \mathbb{E}[x^2] - \mathbb{E}[x]^2"),
    (
        "softmax",
        r"dx_i = p_i (dp_i - \mathbb{E}_{j \sim p}[dp_j])",
        r"dx_i = p_i (dp_i - \mathbb{E}_{k \sim \mathrm{softmax}(x)}[dp_k])",
    ),
    (
        "rope",
        r"J = \begin{pmatrix} 0 & -1 \\ 1 & 0 \end{pmatrix}",
        r"J = \begin{bmatrix} 0 & 1 \\ -1 & 0 \\ \end{bmatrix}^\top",
    ),
    (
        "rope",
        r"y_{i,k,0} = x_{i,k,0} \cos \theta_{ik} - x_{i,k,1} \sin \theta_{ik}",
        r"\begin{pmatrix} y_{i,k,0} \\ y_{i,k,1} \end{pmatrix} = "
        r"\begin{pmatrix} \cos \theta_{ik} & -\sin \theta_{ik} \\ "
        r"\sin \theta_{ik} & \cos \theta_{ik} \end{pmatrix} "
        r"\begin{pmatrix} x_{i,k,0} \\ x_{i,k,1} \end{pmatrix}",
    ),
    ("tanh", r"y' = 1 - \tanh^2(x)", r"\frac{\mathrm{d}y}{\mathrm{d}x} = \tanh'(x)"),
)


@pytest.mark.parametrize(("op", "one", "other"), ALIKE)
def test_one_formula_is_written_in_many_ways(op: str, one: str, other: str) -> None:
    for text in (one, other):
        assert check_latex(text, ops[op]).ok, text


#: An op, a formula that is refused, the column, and a part of the message.
REFUSED = (
    ("softmax", r"p_i = \frac{x_i}{", 7, "not closed"),
    ("softmax", r"p_i = x_i_j", 11, "second subscript"),
    ("softmax", r"p_i = \foo x_i", 7, r"'\foo' is not understood"),
    ("softmax", r"p_i = x_i + ) ", 13, "')' is not expected"),
    ("softmax", r"p_i = x_i +", 11, "ends too early"),
    ("softmax", r"p_i = q_i", 7, "'q' is no name of softmax"),
    ("softmax", r"p_i = x_{ij}", 7, "x has 1 axis, but 2 subscripts"),
    ("softmax", r"p_i \le 1", 1, "another relation"),
    ("softmax", r"p_i + x_i", 1, "there is no ="),
    ("softmax", r"q_i = x_i", 1, "nothing is claimed"),
    ("softmax", r"p_i = \sum x_i", 7, "which index"),
    ("softmax", r"p_i = \prod_j x_j", 7, "product over an index"),
    ("softmax", r"p_i = \tanh^{-1}(x_i)", 13, "power or the inverse"),
    ("softmax", r"p_i = x_{i+1}", 10, "a subscript is an index"),
    ("softmax", r"p_i = x_i \prod_{j=1}^n x_j", 11, "product over an index"),
    ("softmax", r"x_{i-1} = p_i", 4, "a subscript is an index"),
    ("softmax", r"p_i = \begin{vmatrix} 1 \end{vmatrix}", 7, "'vmatrix' is not understood"),
    ("softmax", r"p_i = \begin{pmatrix} 1 & 2 \\ 3 \end{pmatrix}", 32, "this row has 1 entries"),
    ("softmax", r"p_i = \begin{pmatrix} x \\ 1 \end{pmatrix}", 23, "has numbers for entries"),
    ("rope", r"y_{i,k,2} = x_{i,k,0}", 8, "there is no entry 2: of 2, the first is 0"),
    ("softmax", r"p_i = \mathbb{E}_{x \sim p}[x]", 19, "what is drawn is an index"),
    ("softmax", r"p_i = \mathbb{E}_{j \sim p}[x_i]", 7, "nothing in this average depends on j"),
    ("layer_norm", r"v = \mathrm{Cov}(x)", 5, "a covariance is taken of two vectors"),
    ("softmax", r"p_i = \sum_j 1", 1, "nothing says which dimension"),
    ("layer_norm", r"\frac{\partial L}{\partial \epsilon} = 0", 1, "no gradient"),
)


@pytest.mark.parametrize(("op", "text", "column", "says"), REFUSED)
def test_what_cannot_be_read_is_refused_with_its_place(
    op: str, text: str, column: int, says: str
) -> None:
    with pytest.raises(ReadError) as caught:
        check_latex(text, ops[op])
    message = str(caught.value)
    assert says in message
    assert caught.value.column == column, message
    first, formula, caret = message.split("\n")
    assert first.startswith(f"column {column}: ")
    assert caret.index("^") - formula.index(text[:4]) == column - 1


def test_a_read_error_is_one_of_ours() -> None:
    assert issubclass(ReadError, SymllmError)


def test_the_place_in_a_long_formula_is_shown_with_what_is_around_it() -> None:
    text = "p_i = " + "x_i + " * 50 + r"\foo + " + "x_i + " * 50 + "1"
    with pytest.raises(ReadError) as caught:
        check_latex(text, ops.softmax)
    _, formula, caret = str(caught.value).split("\n")
    assert len(formula) < 100
    assert formula[caret.index("^") :].startswith(r"\foo")


#: Shapes and indices that do not fit: an op, a formula, a part of the explanation.
MISFITS = (
    ("attention", r"dK = Q^\top dS", "it is the transpose that fits"),
    ("attention", r"dQ_{ik} = \sum_j dS_{ij} K_{kj}", "runs to"),
    ("attention", r"O = P V^\top", "do not multiply"),
    ("attention", r"dP = dO V^\top + S K", "cannot be added"),
    (
        "linear",
        r"\frac{\partial L}{\partial x_j} = W_{ij} \frac{\partial L}{\partial y_i}",
        "i is free on the right",
    ),
    ("linear", r"y_i = \sum_{j=1}^{n} W_{ij} x_j + b_i", "runs to"),
    ("softmax", r"p = x^\top x", "the left side is a vector of length n, the right side a number"),
)


def test_what_is_not_read_in_a_claim_is_not_read_in_a_definition() -> None:
    for body, says in ((r"x_{i+1}", "a subscript is an index"), (r"\prod_j x_j", "product over")):
        with pytest.raises(ReadError, match=says):
            check_latex("p_i = g_i", ops.softmax, [f"g_i = {body}"])


def test_a_matrix_that_is_written_out_may_be_wrong() -> None:
    text = r"J = \begin{pmatrix} 0 & 1 \\ -1 & 0 \end{pmatrix}"
    assert check_latex(text, ops.rope).kind == "permuted"
    assert check_latex(r"p = \begin{pmatrix} 1 \\ 2 \end{pmatrix}", ops.softmax).kind == "shape"


def test_a_definition_may_name_entries_by_their_numbers() -> None:
    text = r"\frac{\partial L}{\partial x_{i,k,0}} = g_{i,k,0} c_{ik} + g_{i,k,1} s_{ik}"
    where = [r"g_{iks} = dy_{iks}", r"c_{ik} = \cos \theta_{ik}", r"s_{ik} = \sin \theta_{ik}"]
    assert check_latex(text, ops.rope, where).ok
    assert not check_latex(text.replace("} + g", "} - g"), ops.rope, where).ok


@pytest.mark.parametrize(("op", "text", "says"), MISFITS)
def test_what_does_not_fit_is_a_verdict_of_shape(op: str, text: str, says: str) -> None:
    verdict = check_latex(text, ops[op])
    assert verdict.kind == "shape", str(verdict)
    assert says in verdict.explanation


def test_a_verdict_says_which_reading_it_is_about() -> None:
    where = [r"g_i = \gamma_i \frac{\partial L}{\partial y_i}"]
    text = (
        r"\frac{\partial L}{\partial x_i} = \frac1\sigma (g_i - \overline{g} - "
        r"\hat x_i \frac1d \sum_j g_j \hat x_j)"
    )
    verdict = check_latex(text, ops.layer_norm, where)
    assert verdict.ok
    assert "read so: sigma is sqrt(variance + eps)" in verdict.notes
    assert "it is not right where sigma is sqrt(variance)" in verdict.notes


def test_a_formula_with_one_reading_has_no_note() -> None:
    assert check_latex(r"p_i = \frac{e^{x_i}}{\sum_j e^{x_j}}", ops.softmax).notes == ()


def test_of_several_equations_the_worst_counts() -> None:
    text = r"dV = P^\top dO, \quad dP = 2 dO V^\top, \quad dQ = \frac{dS K}{\sqrt d}"
    verdict = check_latex(text, ops.attention)
    assert verdict.kind == "scaled"
    assert [v.ok for v in verdict.outputs.values()] == [True, False, True]


def test_every_equals_sign_of_a_chain_is_a_claim() -> None:
    right = (
        r"\begin{aligned} L &= -\sum_i y_i \log p_i \\ "
        r"&= \log \sum_j e^{z_j} - \sum_j y_j z_j \end{aligned}"
    )
    assert check_latex(right, ops.cross_entropy).ok
    wrong = right.replace("- \\sum_j y_j z_j", "+ \\sum_j y_j z_j")
    verdict = check_latex(wrong, ops.cross_entropy)
    assert [v.ok for v in verdict.outputs.values()] == [True, False]


def test_a_condition_limits_what_is_claimed() -> None:
    ok = check_latex(
        r"\frac{\partial p_i}{\partial x_j} = -p_i p_j \quad \text{for } i \neq j", ops.softmax
    )
    assert ok.ok
    assert not check_latex(r"\frac{\partial p_i}{\partial x_j} = -p_i p_j", ops.softmax).ok


def test_a_definition_means_what_it_says_and_not_what_the_op_calls_so() -> None:
    text = r"\frac{\partial L}{\partial z_i} = p_i - y_i"
    assert check_latex(text, ops.cross_entropy, [r"p_i = \mathrm{softmax}(z)_i"]).ok
    assert not check_latex(text, ops.cross_entropy, [r"p_i = \sigma(z_i)"]).ok


def test_definitions_may_lean_on_each_other_but_not_on_themselves() -> None:
    text = r"\frac{\partial L}{\partial z_i} = a_i - y_i"
    where = [r"a_i = b_i / \sum_j b_j", r"b_i = e^{z_i}"]
    assert check_latex(text, ops.cross_entropy, where).ok
    with pytest.raises(ReadError, match="defined by itself"):
        check_latex(text, ops.cross_entropy, [r"a_i = b_i", r"b_i = a_i"])


def test_the_upstream_gradient_of_a_loss_may_be_named() -> None:
    text = (
        r"\frac{\partial \mathcal{L}}{\partial x_i} = \frac{\partial \mathcal{L}}{\partial z} p_i"
    )
    assert check_latex(text, ops.logsumexp).ok
    assert check_latex(r"\frac{\partial z}{\partial x_i} = p_i", ops.logsumexp).ok


def test_batches_have_their_index() -> None:
    op = ops.softmax.batched("N")
    right = r"dx_{bi} = p_{bi} (dp_{bi} - \sum_j p_{bj} dp_{bj})"
    assert check_latex(right, op).ok
    assert (
        check_latex(right.replace(r"\sum_j p_{bj} dp_{bj}", r"\sum_a p_{ai} dp_{ai}"), op).kind
        == "wrong_term"
    )


def test_words_beside_an_equation_are_no_part_of_it() -> None:
    text = (
        r"dP &= dO V^\top && \quad \text{gradient of } P \\ "
        r"dV &= P^\top dO \quad \text{(sum over } i)"
    )
    assert check_latex(text, ops.attention).ok
    with pytest.raises(ReadError, match="is not understood here"):
        check_latex(r"dP = dO V^\top \text{ which is nearly } = dO", ops.attention)


#: Two equations in a row of their own columns.
SIDE_BY_SIDE = (
    r"p_i &= \frac{E_i}{Z} & Z &= \sum_j \exp(x_j)",
    r"p_i &= \frac{E_i}{Z} && Z &= \sum_j \exp(x_j)",
    r"p_i &= \frac{E_i}{Z} & -Z &= -\sum_j \exp(x_j)",
    r"p_i &= \frac{E_i}{Z} && \text{parts of} \\ Z &= \sum_j \exp(x_j) && \text{sum}",
    r"\begin{eqnarray} p_i &=& \frac{E_i}{Z} \\ Z &=& \sum_j \exp(x_j) \end{eqnarray}",
)


@pytest.mark.parametrize("text", SIDE_BY_SIDE)
def test_equations_side_by_side_are_two(text: str) -> None:
    verdict = check_latex(text, ops.softmax)
    assert verdict.ok
    assert len(verdict.outputs) == 2
    wrong = check_latex(
        text.replace("Z} &", "Z} + 1 &").replace(r"Z} \\", r"Z} + 1 \\"), ops.softmax
    )
    assert [v.ok for v in wrong.outputs.values()] == [False, True]


def test_a_reason_with_a_formula_in_it_is_no_part_of_a_chain() -> None:
    text = (
        r"L &= -\sum_i y_i \log p_i && \quad Z\text{ is } \sum_j E_j && \quad \text{proved} \\ "
        r"&= \log Z - \sum_j y_j z_j && \quad \log \exp(z) = z && \quad \text{proved}"
    )
    verdict = check_latex(text, ops.cross_entropy)
    assert [v.ok for v in verdict.outputs.values()] == [True, True]
