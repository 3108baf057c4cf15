"""Let-programs: order, shapes, batch axes, calls written out, and one expression of all."""

from __future__ import annotations

import pytest
import sympy as sp

from symllm import Dim, Let, Op, Tensor, matrix, ops, scalar, sum_over
from symllm.calls import called_value, expression, without_calls
from symllm.equation import Call
from symllm.evaluate import evaluate, sample
from symllm.notation import entry

n, m = Dim("n"), Dim("m")
i, j = n.indices("i j")
(p,) = m.indices("p")
x, y, z = n.vector("x"), n.vector("y"), n.vector("z")
A, B = matrix("A", n, m), matrix("B", n, m)

#: Sizes whose names are those of causal attention's tensors, or may be.
T, H, K, C, two = (Dim(name) for name in ("T", "H", "K", "C", "2"))
t, h, k, c, s = T.index("t"), H.index("j"), K.index("k"), C.index("c"), two.index("s")
queries, keys, values = Tensor("q", (H, T, K)), Tensor("r", (H, T, K)), Tensor("v", (H, T, C))
pairs, pos, base = Tensor("w", (T, H, K, two)), T.vector("pos"), scalar("base", domain="positive")
GIVEN = (x, A, queries, keys, values, pairs, pos, base)
SIZES = {"n": 3, "m": 4, "T": 3, "H": 2, "K": 2, "C": 4}


def op(*equations: Let, inputs, **more) -> Op:
    return Op("toy", "Toy", inputs, equations, numpy=lambda **given: None, **more)


def test_equations_come_in_order_of_use_else_as_written() -> None:
    found = op(
        Let(z[i], y[i] * sp.Symbol("u")),
        Let(sp.Symbol("u"), sum_over(x[j], j)),
        Let(y[i], x[i] ** 2),
        inputs=(x,),
        outputs=("z",),
    )
    assert [let.name for let in found.equations] == ["u", "y", "z"]
    assert list(found.outputs) == ["z"]


def test_an_equation_knows_what_its_letter_means() -> None:
    out, loss = n.vector("y", note="output"), scalar("L", note="loss")
    assert out[i] == y[i]
    assert Let(out[i], x[i], "as it was").means == "output"
    assert Let(out[i], x[i], means="same").means == "same"
    assert Let(loss, x[i], "the first").means == "loss"
    assert Let(y[i], x[i], "as it was").means == ""
    found = op(Let(out[i], x[i], "as it was"), inputs=(x,)).batched("N").equations[0]
    assert (found.note, found.means) == ("as it was", "output")


def test_shapes_follow_from_the_equations() -> None:
    tensors = ops.attention.program.tensors
    assert tensors["S"].shape_text == "[n, m]"
    assert tensors["O"].shape_text == "[n, e]"
    assert [d.name for d in ops.attention.program.dims] == ["n", "d", "m", "e"]


def test_an_index_that_is_only_compared_runs_as_the_other_does() -> None:
    from symllm import Iverson

    found = op(Let(y[i], sum_over(Iverson(j <= i) * x[j], j)), inputs=(x,))
    assert found.outputs["y"].dims == (n,)
    (k,) = found.gradient().indices
    assert found.gradient().result.free_symbols >= {k}


def test_batch_axes_go_where_the_roles_say() -> None:
    program = ops.layer_norm.batched("N").program
    assert program.tensors["r"].shape_text == "[N]"
    assert program.tensors["xhat"].shape_text == "[N, d]"
    assert program.tensors["gamma"].shape_text == "[d]"
    twice = ops.layer_norm.batched("T").batched("B").program
    assert twice.tensors["y"].shape_text == "[B, T, d]"
    assert [d.name for d in twice.batch] == ["B", "T"]


def test_what_depends_on_parameters_alone_gets_no_batch_axis() -> None:
    w = n.vector("w", "parameter")
    found = op(Let(y[i], w[i] ** 2), Let(z[i], x[i] * y[i]), inputs=(x, w), outputs=("z",)).batched(
        "N"
    )
    assert found.program.tensors["y"].shape_text == "[n]"
    assert found.program.tensors["z"].shape_text == "[N, n]"


CALLERS = {
    "softmax over rows": Let(B[i, p], ops.softmax(A[i, p], over=p)),
    "softmax over columns": Let(B[i, p], ops.softmax(A[i, p], over=i)),
    "an op of two dimensions": Let(
        B[i, p], ops.linear(x[j] * A[i, p], A[j, p] * x[i], A[i, p], over=(j, p))
    ),
    "letters that are the callee's names": Let(
        matrix("B", m, m)[m.index("Z"), m.index("p")],
        ops.softmax(sum_over(A[j, m.index("p")] * A[j, m.index("Z")], j), over=m.index("p")),
    ),
    "a scalar's batch": Let(y[i], ops.logsumexp(A[i, p] * x[i], over=p)),
    "sizes that are the callee's names, a batch axis with a letter of the callee's": Let(
        Tensor("O", (H, T, C))[h, t, c],
        ops.causal_attention(queries[h, t, k], keys[h, t, k], values[h, t, c], over=(t, k, c)),
    ),
    "an op that declares shapes": Let(
        Tensor("R", (T, H, K, two))[t, h, k, s],
        ops.rope(pairs[t, h, k, s], pos[t], base, over=(t, k, s)),
    ),
}


@pytest.mark.parametrize("name", CALLERS)
def test_calls_written_out_have_the_same_values(name: str) -> None:
    let = CALLERS[name]
    assert isinstance(let.rhs, Call)
    program = op(let, inputs=[each for each in GIVEN if each.name in let.mentioned]).program
    flat = without_calls(program)
    assert not any(isinstance(each.rhs, Call) for each in flat.equations)
    sizes = {dim.name: SIZES[dim.name] for dim in program.dims if dim.size is None}
    called, written = sample(program, 5, sizes), sample(flat, 5, sizes)
    assert called.values[let.name] == written.values[let.name]
    for whole in (expression(program, let.name), called_value(program, let)):
        for at, expected in called.values[let.name].items():
            found = evaluate(whole, called, dict(zip(let.indices, at, strict=True)))
            assert abs(found - expected) < 1e-50


def test_a_call_inside_a_call() -> None:
    inner = Op("inner", "Inner", (x,), (Let(y[i], ops.softmax(x[i] ** 2, over=i)),), lambda x: x)
    outer = op(Let(B[i, p], inner(A[i, p], over=p)), Let(z[i], sum_over(B[i, p], p)), inputs=(A,))
    flat = without_calls(outer.program)
    sizes = {"n": 3, "m": 2}
    assert sample(flat, 1, sizes).values["z"] == sample(outer.program, 1, sizes).values["z"]
    assert {str(b.label) for b in outer.expression.atoms(sp.IndexedBase)} == {"A"}


def test_one_name_in_two_calls() -> None:
    found = op(
        Let(y[i], ops.softmax(x[i], over=i)),
        Let(z[i], ops.softmax(y[i], over=i)),
        inputs=(x,),
        outputs=("z",),
    )
    names = [let.name for let in without_calls(found.program).equations]
    assert len(set(names)) == len(names) == 6


def test_the_letters_of_one_call_meet_no_name_inside_another() -> None:
    """With i to n in use, the next letter is p, which is what cross-entropy calls its softmax."""
    W, q, r = matrix("W", n, m), matrix("q", T, m), matrix("r", T, n)
    logits, loss = matrix("u", T, n), T.vector("L")
    (j,), k = m.indices("j"), T.index("k")
    program = op(
        Let(logits[k, i], ops.linear(q[k, j], W[i, j], x[i], over=(j, i))),
        Let(loss[k], ops.cross_entropy(logits[k, i], r[k, i], over=i)),
        inputs=(q, W, x, r),
    ).program
    flat = without_calls(program)
    assert "p" in flat.tensors
    sizes = {"n": 3, "m": 4, "T": 2}
    assert sample(flat, 1, sizes).values["L"] == sample(program, 1, sizes).values["L"]


def test_gathers_keep_their_integers() -> None:
    t = Tensor("t", (n,), "target", m)
    w = m.vector("w")
    found = op(Let(y[i], entry("w", t[i]) * x[i]), inputs=(x, w, t))
    assert found.outputs["y"].dims == (n,)
    assert found.batched("N").program.tensors["y"].shape_text == "[N, n]"
    assert scalar("o", "target", n).integer


def test_the_axis_of_a_table_has_a_letter_of_its_own() -> None:
    """Of ``W[t[i], k]`` the rows are no positions, and the columns are called as in the output."""
    assert str(ops.embedding.program.entry_of["W"]) == "W[j, k]"
    assert str(ops.embedding.batched("N").program.entry_of["W"]) == "W[j, k]"
    t, rows = scalar("t", role="target", domain=n), matrix("W", n, m)
    found = op(Let(sp.Symbol("u"), sum_over(rows[t, p], p)), inputs=(t, rows))
    assert str(found.program.entry_of["W"]) == "W[i, p]"


@pytest.mark.parametrize(("name", "letter"), [("projection", "s"), ("lora", "s"), ("softmax", "b")])
def test_beside_weights_the_index_of_an_example_is_no_bias(name: str, letter: str) -> None:
    batched = ops[name].batched("N").program
    assert str(batched.entry_of["x"].indices[0]) == letter
