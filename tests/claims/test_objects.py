"""Objects with forward and backward."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from handwritten import mean, norm_dx, norm_parts

from symllm import Op, assert_gradient, check_gradient, ops

LAYER_NORM = ops.layer_norm.batched("N")
LINEAR = ops.linear.batched("N")


class Attributes:
    """Gradients in attributes that are called after the parameters."""

    def __init__(self, dim: int, eps: float = 1e-5) -> None:
        self.gamma = np.ones(dim)
        self.beta = np.zeros(dim)
        self.eps = eps

    def forward(self, x: Any) -> Any:
        self.xhat, self.r = norm_parts(x, self.eps)
        return self.gamma * self.xhat + self.beta

    def backward(self, dout: Any) -> Any:
        self.dgamma = (dout * self.xhat).sum(0)
        self.grad_beta = dout.sum(0)
        return norm_dx(dout * self.gamma, self.xhat, self.r)


class Dicts:
    """Parameters and gradients in dicts, the weight transposed."""

    def __init__(self, in_features: int, out_features: int) -> None:
        self.params = {"W": np.ones((in_features, out_features)), "b": np.zeros(out_features)}
        self.grads: dict[str, Any] = {}

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, grad: Any) -> Any:
        self.grads["W"] = self.x.T @ grad
        self.grads["b"] = grad.sum(0)
        return grad @ self.params["W"].T


class Parameter:
    def __init__(self, data: Any) -> None:
        self.data = data
        self.grad = np.zeros_like(data)


class Parameters:
    """Parameters that hold their gradients, and to which backward adds."""

    def __init__(self, n_in: int, n_out: int) -> None:
        self.weight = Parameter(np.zeros((n_out, n_in)))
        self.bias = Parameter(np.zeros(n_out))

    def forward(self, x: Any) -> Any:
        self.x = x
        return x @ self.weight.data.T + self.bias.data

    def backward(self, dout: Any) -> Any:
        self.weight.grad += dout.T @ self.x
        self.bias.grad += dout.sum(0)
        return dout @ self.weight.data


class Given:
    """Everything is an argument, everything is returned."""

    def forward(self, x: Any, gamma: Any, eps: Any) -> Any:
        r = 1 / np.sqrt(mean(x * x) + eps)
        self.saved = x * r, r, gamma
        return gamma * x * r

    def backward(self, g: Any) -> Any:
        xhat, r, gamma = self.saved
        return r * (g * gamma - xhat * mean(g * gamma * xhat)), (g * xhat).sum(0)


class Loss:
    """No upstream gradient: it is the last."""

    def forward(self, logits: Any, labels: Any) -> Any:
        e = np.exp(logits - logits.max(-1, keepdims=True))
        self.p, self.labels = e / e.sum(-1, keepdims=True), labels
        return -np.log(self.p[np.arange(len(labels)), labels])

    def backward(self) -> Any:
        d = self.p.copy()
        d[np.arange(len(d)), self.labels] -= 1
        return d


class Bwd:
    def fwd(self, x: Any) -> Any:
        self.keep = x > 0
        return x * self.keep

    def bwd(self, dy: Any) -> Any:
        return dy * self.keep


OBJECTS: dict[str, tuple[Any, Op, dict[str, Any]]] = {
    "a class": (Attributes, LAYER_NORM, {}),
    "an object": (Attributes(7), LAYER_NORM, {}),
    "an object with its own eps": (Attributes(7, 1e-3), LAYER_NORM, {}),
    "dicts": (Dicts, LINEAR, {"layout": {"W": "m n"}}),
    "an object with dicts": (Dicts(4, 6), LINEAR, {"layout": {"W": "m n"}}),
    "parameter objects": (Parameters, LINEAR, {}),
    "all is given": (Given, ops.rms_norm.batched("N"), {}),
    "a loss": (Loss, ops.cross_entropy_index.batched("N"), {}),
    "short names": (Bwd(), ops.relu.batched("N", "T"), {}),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_objects(name: str) -> None:
    thing, op, said = OBJECTS[name]
    verdict = check_gradient(thing, op, **said)
    assert verdict.ok, verdict
    assert list(verdict.outputs) == [f"d{n}" for n in op.gradient().wrt]


class Summed(Attributes):
    """The bias gradient is not summed over the batch."""

    def backward(self, dout: Any) -> Any:
        dx = super().backward(dout)
        self.grad_beta = dout
        return dx


class Twice(Attributes):
    def backward(self, dout: Any) -> Any:
        dx = super().backward(dout)
        self.dgamma = 2 * self.dgamma
        return dx


def test_wrong_attributes_are_seen() -> None:
    verdict = check_gradient(Summed, LAYER_NORM)
    assert verdict.kind == "shape"
    assert "the sum over the batch (N) is missing" in verdict.explanation
    verdict = check_gradient(Twice, LAYER_NORM)
    assert (verdict.kind, verdict.outputs["dgamma"].factor) == ("scaled", 2)


def test_an_object_is_not_changed() -> None:
    layer = Attributes(5)
    assert_gradient(layer, LAYER_NORM)
    assert set(vars(layer)) == {"gamma", "beta", "eps"}
    assert np.array_equal(layer.gamma, np.ones(5))


def test_a_weight_that_is_stored_transposed() -> None:
    verdict = check_gradient(Dicts, LINEAR)
    assert verdict.kind == "error"
    assert verdict.explanation.endswith("say layout={'W': 'm n'}")


def test_parameters_whose_sizes_disagree() -> None:
    thing = Attributes(4)
    thing.beta = np.zeros(5)
    verdict = check_gradient(thing, LAYER_NORM)
    assert (verdict.kind, verdict.outputs["dbeta"].kind) == ("shape", "shape")
    assert "d is 4 elsewhere" in verdict.explanation


def test_a_constructor_that_wants_what_is_not_known() -> None:
    class Odd(Attributes):
        def __init__(self, flavour: str) -> None:
            super().__init__(3)

    verdict = check_gradient(Odd, LAYER_NORM)
    assert verdict.kind == "error"
    assert "what Odd takes as 'flavour' is not known" in verdict.explanation
    assert_gradient(Odd, LAYER_NORM, constants={"flavour": "any"}, sizes={"d": 3})
