"""Functions of PyTorch and JAX, and what these differentiate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import handwritten as by_hand
import pytest

from symllm import Op, assert_gradient, check_gradient, ops

torch = pytest.importorskip("torch")
F = torch.nn.functional
DECOMPOSED = torch._decomp.decompositions

LAYER_NORM = ops.layer_norm.batched("N")
RMS_NORM = ops.rms_norm.batched("N")
CROSS_ENTROPY = ops.cross_entropy_index.batched("N")
LINEAR = ops.linear.batched("N")


# --------------------------------------------------------------------------
# PyTorch
# --------------------------------------------------------------------------


def rms_norm(grad_output: Any, input: Any, weight: Any, eps: Any) -> Any:
    r = torch.rsqrt((input**2).mean(-1, keepdim=True) + eps)
    xhat = input * r
    g = grad_output * weight
    return r * (g - xhat * (g * xhat).mean(-1, keepdim=True)), (grad_output * xhat).sum(0)


class RmsNorm(torch.autograd.Function):
    slip = 0.0

    @classmethod
    def dx(cls, dy: Any, x: Any, weight: Any, r: Any) -> Any:
        g = dy * weight
        return r * (g - x * r * (g * x * r).mean(-1, keepdim=True)) + cls.slip * g

    @staticmethod
    def forward(ctx: Any, x: Any, weight: Any, eps: float) -> Any:
        r = torch.rsqrt((x**2).mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(x, weight, r)
        return x * r * weight

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        x, weight, r = ctx.saved_tensors
        return RmsNorm.dx(dy, x, weight, r), (dy * x * r).sum(0), None


class NewStyle(torch.autograd.Function):
    """With ``setup_context``, and an upstream gradient that it forgets."""

    @staticmethod
    def forward(x: Any) -> Any:
        return x.clamp(min=0)

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        (x,) = ctx.saved_tensors
        return (x > 0).to(x.dtype)


class ForgetfulLoss(torch.autograd.Function):
    """Right as long as it is the last function: its upstream gradient is not used."""

    @staticmethod
    def forward(ctx: Any, logits: Any, targets: Any) -> Any:
        ctx.save_for_backward(logits, targets)
        return F.cross_entropy(logits, targets, reduction="none")

    @staticmethod
    def backward(ctx: Any, dy: Any) -> Any:
        logits, targets = ctx.saved_tensors
        return torch.softmax(logits, -1) - F.one_hot(targets, logits.shape[-1]), None


class Norm(torch.nn.Module):
    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(dim))
        self.eps = eps

    def forward(self, hidden_states: Any) -> Any:
        return RmsNorm.apply(hidden_states, self.scale, self.eps)


def forward_function(x: Any, gamma: Any, beta: Any, eps: Any) -> Any:
    return F.layer_norm(x, x.shape[-1:], gamma, beta, eps)


def loss_of_rows(logits: Any, target: Any) -> Any:
    return F.cross_entropy(logits, target, reduction="none")


def gradient_of_rows(logits: Any, target: Any) -> Any:
    return torch.softmax(logits, -1) - F.one_hot(target, logits.shape[-1])


TORCH: dict[str, tuple[Any, Op]] = {
    "a function": (rms_norm, RMS_NORM),
    "a function that names no library": (by_hand.layer_norm_kernel, LAYER_NORM),
    "an autograd.Function": (RmsNorm, RMS_NORM),
    "a module with sizes": (torch.nn.LayerNorm(6), LAYER_NORM),
    "a class of modules": (torch.nn.LayerNorm, LAYER_NORM),
    "a linear module": (torch.nn.Linear(3, 5), LINEAR),
    "a class of linear modules": (torch.nn.Linear, ops.linear.batched("N", "T")),
    "a module of one's own": (Norm, RMS_NORM),
    "one of its objects": (Norm(4, 1e-3), RMS_NORM),
    "a forward function": (forward_function, LAYER_NORM),
    "a function of the library": (F.silu, ops.silu.batched("N")),
    "a loss": (loss_of_rows, CROSS_ENTROPY),
    "a loss of one example": (loss_of_rows, ops.cross_entropy_index),
    "the gradient of a loss": (gradient_of_rows, CROSS_ENTROPY),
    "attention": (by_hand.attention, ops.attention.batched("B")),
}


@pytest.mark.parametrize("name", TORCH)
def test_torch(name: str) -> None:
    fn, op = TORCH[name]
    assert_gradient(fn, op, library="torch")


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_precisions(dtype: str) -> None:
    assert_gradient(RmsNorm, RMS_NORM, dtype=dtype)
    assert_gradient(rms_norm, RMS_NORM, dtype=dtype)
    assert_gradient(torch.nn.LayerNorm, LAYER_NORM, dtype=dtype)


@pytest.mark.parametrize(
    ("fn", "op", "constants"),
    [
        ("gelu_backward", ops.gelu, {}),
        ("gelu_backward", ops.gelu_tanh, {"approximate": "tanh"}),
        ("silu_backward", ops.silu, {}),
        ("native_layer_norm_backward", ops.layer_norm, {"output_mask": [True] * 3}),
        ("_softmax_backward_data", ops.softmax, {"dim": -1, "input_dtype": torch.float64}),
        ("_log_softmax_backward_data", ops.log_softmax, {"dim": -1, "input_dtype": torch.float64}),
    ],
)
def test_decompositions_of_pytorch_are_right(fn: str, op: Op, constants: dict[str, Any]) -> None:
    assert_gradient(getattr(DECOMPOSED, fn), op.batched("N"), constants=constants)


def test_a_wrong_backward_of_an_autograd_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RmsNorm, "slip", 0.25)
    verdict = check_gradient(RmsNorm, RMS_NORM)
    assert not verdict.ok
    assert verdict.outputs["dgamma"].ok


def test_a_forgotten_upstream_gradient() -> None:
    verdict = check_gradient(NewStyle, ops.relu.batched("N"))
    assert verdict.kind == "conditional"
    assert "it is right only if the upstream gradient dy is 1" in verdict.explanation
    assert check_gradient(ForgetfulLoss, CROSS_ENTROPY).kind == "conditional"


def test_a_mean_of_losses() -> None:
    loss = torch.nn.CrossEntropyLoss()
    assert_gradient(loss, CROSS_ENTROPY, upstream="mean")
    assert check_gradient(loss, CROSS_ENTROPY).explanation == "dz: it is off by the factor 1/N"
    assert_gradient(torch.nn.CrossEntropyLoss(reduction="sum"), CROSS_ENTROPY)


def test_a_number_where_rows_were_expected() -> None:
    def f(x: Any) -> Any:
        return F.relu(x).mean()

    op = ops.relu.batched("N")
    assert_gradient(f, op, upstream="mean")
    verdict = check_gradient(f, op)
    assert verdict.kind == "shape"
    assert "say upstream='mean' or upstream='sum'" in verdict.explanation


def test_another_function() -> None:
    verdict = check_gradient(torch.nn.GELU("tanh"), ops.gelu.batched("N"))
    assert verdict.kind == "other_function"
    assert verdict.notes == ("GELU gives another y than gelu",)


def test_a_module_keeps_its_gradients_and_values() -> None:
    module = torch.nn.Linear(3, 5)
    before = module.weight.detach().clone()
    assert_gradient(module, LINEAR)
    assert torch.equal(module.weight, before)
    assert module.weight.grad is None


def test_parameters_that_are_not_known() -> None:
    verdict = check_gradient(torch.nn.Linear(3, 5), ops.projection.batched("N"))
    assert verdict.kind == "error"
    assert "the parameters bias of Linear are not known for projection" in verdict.explanation


def test_parameters_that_are_said() -> None:
    class Two(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = torch.nn.Linear(3, 5)

        def forward(self, x: Any) -> Any:
            return self.first(x)

    said = {"first.weight": "W", "first.bias": "b"}
    assert_gradient(Two(), LINEAR, args=said)
    assert_gradient(Two(), LINEAR)


# --------------------------------------------------------------------------
# JAX
# --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def in_jax() -> dict[str, tuple[Callable[..., Any], Op]]:
    jax = pytest.importorskip("jax")

    def backward(dy: Any, x: Any, gamma: Any, eps: Any) -> Any:
        r = jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + eps)
        xhat, g = x * r, dy * gamma
        dx = r * (g - xhat * (g * xhat).mean(-1, keepdims=True))
        return dx, (dy * xhat).sum(0)

    def forward(x: Any, gamma: Any, eps: Any) -> Any:
        return x * gamma * jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + eps)

    right = jax.custom_vjp(forward)
    right.defvjp(lambda *given: (forward(*given), given), lambda g, dy: (*backward(dy, *g), None))
    wrong = jax.custom_vjp(forward)
    wrong.defvjp(
        lambda *given: (forward(*given), given),
        lambda g, dy: (2 * backward(dy, *g)[0], backward(dy, *g)[1], None),
    )
    return {
        "a function": (backward, RMS_NORM),
        "a compiled function": (jax.jit(backward), RMS_NORM),
        "a forward function": (forward, RMS_NORM),
        "a custom_vjp": (right, RMS_NORM),
        "a compiled custom_vjp": (jax.jit(right), RMS_NORM),
        "a wrong custom_vjp": (wrong, RMS_NORM),
        "a function of the library": (jax.nn.silu, ops.silu.batched("N")),
    }


JAX = ["a function", "a compiled function", "a forward function", "a custom_vjp"]
JAX += ["a compiled custom_vjp", "a function of the library"]


@pytest.mark.parametrize("name", JAX)
def test_jax(name: str, in_jax: dict[str, Any]) -> None:
    assert_gradient(*in_jax[name])


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_jax_precisions(dtype: str, in_jax: dict[str, Any]) -> None:
    assert_gradient(*in_jax["a function"], dtype=dtype)


def test_a_wrong_custom_vjp(in_jax: dict[str, Any]) -> None:
    verdict = check_gradient(*in_jax["a wrong custom_vjp"])
    kinds = {name: v.kind for name, v in verdict.outputs.items()}
    assert kinds == {"dx": "scaled", "dgamma": "correct"}


def test_jax_keeps_its_precision(in_jax: dict[str, Any]) -> None:
    jnp = pytest.importorskip("jax.numpy")
    assert_gradient(*in_jax["a custom_vjp"])
    assert jnp.ones(1).dtype == "float32"
