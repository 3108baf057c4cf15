"""Both judges of gradient functions pass what is right and catch what is wrong."""

import numpy as np
import pytest
import sympy as sp
from gradients import GRADIENTS, cross_entropy_gradient, points, softmax, softmax_gradient

from symllm.catalogue import ops
from symllm.equation import Let
from symllm.errors import UnknownName, VerificationError
from symllm.evaluate import evaluate, sample, values
from symllm.notation import LOSS, Dim, Partial, entry
from symllm.op import Op
from symllm.verify import (
    compare_hessian,
    compare_jacobian,
    compare_with_autograd,
    compare_with_oracle,
)

n = Dim("n")


@pytest.mark.parametrize("batch", [False, True], ids=["one", "batch"])
@pytest.mark.parametrize(("name", "gradient", "wrt"), GRADIENTS)
def test_right_gradients_pass_both_judges(name, gradient, wrt, batch):
    where = points(name, batch)
    found = compare_with_oracle(where, ops[name].numpy, gradient, wrt)
    assert [c.name for c in found] == [f"d{w}" for w in wrt]
    assert all(c.ok and c.entries and c.seeds == (0, 1) for c in found)
    pytest.importorskip("torch")
    found = compare_with_autograd(where, gradient, wrt)
    assert all(c.ok and c.entries and not c.skipped for c in found)


def planted(name, **changes):
    """The right gradient function, with some of its results changed."""
    gradient = {name: gradient for name, gradient, _ in GRADIENTS}[name]

    def wrong(**given):
        result = dict(gradient(**given))
        return result | {key: change(result[key], given) for key, change in changes.items()}

    return wrong


WRONG_GRADIENTS = [
    ("layer_norm", planted("layer_norm", dx=lambda v, a: v * (1 + 1e-5)), "x"),
    ("layer_norm", planted("layer_norm", dx=lambda v, a: -v), "x"),
    ("layer_norm", planted("layer_norm", dx=lambda v, a: v * a["gamma"]), "x"),
    ("layer_norm", planted("layer_norm", dgamma=lambda v, a: v / len(a["x"])), "gamma"),
    ("layer_norm", planted("layer_norm", dbeta=lambda v, a: a["dy"][0]), "beta"),
    ("layer_norm", planted("layer_norm", dbeta=lambda v, a: v[::-1]), "beta"),
    ("layer_norm", planted("layer_norm", dbeta=lambda v, a: a["dy"]), "beta"),  # a shape
    ("layer_norm", planted("layer_norm", dx=lambda v, a: v * np.nan), "x"),
    ("layer_norm", planted("layer_norm", dx=lambda v, a: np.where(v == v.max(), np.inf, v)), "x"),
    ("attention", planted("attention", dQ=lambda v, a: v * np.sqrt(a["Q"].shape[-1])), "Q"),
    ("attention", planted("attention", dK=lambda v, a: v.swapaxes(-1, -2)), "K"),
    ("attention", planted("attention", dV=lambda v, a: 0 * v), "V"),
]


@pytest.mark.parametrize(("name", "gradient", "wrt"), WRONG_GRADIENTS)
def test_wrong_gradients_are_caught_by_both_judges(name, gradient, wrt):
    where = points(name, batch=True)[:1]
    names = {name: names for name, _, names in GRADIENTS}[name]
    found = compare_with_oracle(where, ops[name].numpy, gradient, names)
    assert [c.name for c in found if not c.ok] == [f"d{wrt}"]
    pytest.importorskip("torch")
    found = compare_with_autograd(where, gradient, names)
    assert [c.name for c in found if not c.ok] == [f"d{wrt}"]


def test_an_upstream_that_is_asked_for_is_passed():
    where = points("cross_entropy", batch=True, upstream=True)
    oracle = ops.cross_entropy.numpy
    (right,) = compare_with_oracle(
        where, oracle, lambda z, y, dL: dL[:, None] * cross_entropy_gradient(z, y), ["z"]
    )
    assert right.ok
    (wrong,) = compare_with_oracle(
        where, oracle, lambda z, y, dL: cross_entropy_gradient(z, y), ["z"]
    )
    assert not wrong.ok


def test_integers_arrive_as_integers():
    def gradient(z, t):
        return softmax(z) - (np.arange(z.shape[-1]) == t[..., None])

    for batch in (False, True):
        where = points("cross_entropy_index", batch)
        (found,) = compare_with_oracle(where, ops.cross_entropy_index.numpy, gradient, ["z"])
        assert found.ok


def test_comparing_nothing_is_an_error():
    oracle = ops.softmax.numpy
    with pytest.raises(VerificationError, match="no points"):
        compare_with_oracle([], oracle, softmax_gradient, ["x"])
    with pytest.raises(VerificationError, match="no gradients"):
        compare_with_oracle(points("softmax"), oracle, softmax_gradient, [])
    with pytest.raises(UnknownName, match="dy"):
        compare_with_oracle(points("softmax"), oracle, lambda x, dp: {"dy": x}, ["x"])
    with pytest.raises(VerificationError, match="return a dict"):
        compare_with_oracle(
            points("layer_norm"), ops.layer_norm.numpy, lambda **a: a["x"], ["x", "gamma"]
        )


def test_several_outputs():
    (a,) = n.indices("a")
    x, y, z = n.vector("x"), n.vector("y"), n.vector("z")
    op = Op(
        name="two",
        title="two outputs",
        inputs=(x,),
        equations=(Let(y[a], sp.exp(x[a])), Let(z[a], x[a] ** 2 + y[a])),
        outputs=("y", "z"),
        numpy=lambda x: (np.exp(x), x**2 + np.exp(x)),
    )
    where = [sample(op.program, seed) for seed in (0, 1)]
    (right,) = compare_with_oracle(
        where, op.numpy, lambda x, dy, dz: (dy + dz) * np.exp(x) + 2 * x * dz, ["x"]
    )
    assert right.ok
    (wrong,) = compare_with_oracle(
        where, op.numpy, lambda x, dy, dz: dy * np.exp(x) + 2 * x * dz, ["x"]
    )
    assert not wrong.ok


# --- Jacobians and Hessians -------------------------------------------------------


def softmax_jacobian(x, dp):
    s = softmax(x)
    return np.diag(s) - np.outer(s, s)


def test_jacobians():
    where, oracle = points("softmax"), ops.softmax.numpy
    assert compare_jacobian(where, oracle, softmax_jacobian, "x").ok
    for wrong in (
        lambda x, dp: softmax_jacobian(x, dp) + 1e-5,
        lambda x, dp: -np.outer(softmax(x), softmax(x)),
        lambda x, dp: np.diag(softmax_jacobian(x, dp)),
        lambda x, dp: np.full((len(x), len(x)), np.nan),
    ):
        assert not compare_jacobian(where, oracle, wrong, "x").ok


def test_a_jacobian_is_not_taken_for_its_transpose():
    where, oracle = points("linear"), ops.linear.numpy
    assert compare_jacobian(where, oracle, lambda W, **_: W, "x").ok
    assert not compare_jacobian(where, oracle, lambda W, **_: W.T, "x").ok


def test_hessians():
    where, oracle = points("cross_entropy"), ops.cross_entropy.numpy
    assert compare_hessian(where, oracle, lambda z, y: softmax_jacobian(z, None), "z").ok
    for wrong in (
        lambda z, y: np.diag(softmax(z)),
        lambda z, y: softmax_jacobian(z, None) * (1 + 1e-4),
        lambda z, y: np.full((len(z), len(z)), np.nan),
    ):
        assert not compare_hessian(where, oracle, wrong, "z").ok


@pytest.mark.parametrize(("name", "gradient", "wrt"), GRADIENTS)
def test_the_evaluator_and_the_gradient_functions_agree(name, gradient, wrt):
    """Differences of the let-program say what the hand-written gradients say."""
    point = points(name, batch=True)[0]
    program = point.program

    def differences(**_):
        result = {}
        for w in wrt:
            tensor = program.tensors[w]
            letters = sp.symbols(f"q:{tensor.rank}", integer=True)
            free = tuple(zip(letters, tensor.dims, strict=True))
            found = values(Partial(LOSS, entry(w, *letters)), free, point)
            result[f"d{w}"] = np.empty([point.sizes[dim.name] for dim in tensor.dims])
            for at, value in found.items():
                result[f"d{w}"][at] = value
        return result

    assert all(c.ok for c in compare_with_oracle([point], ops[name].numpy, differences, wrt))
    assert evaluate(LOSS, point)
