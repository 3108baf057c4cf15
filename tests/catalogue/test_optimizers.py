"""Optimizer steps over several steps, beside PyTorch's optimizers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from symllm import ops

SIZE, STEPS = 7, 6
LR, MU, BETA1, BETA2, EPS, DECAY = 0.05, 0.8, 0.85, 0.97, 1e-3, 0.3

#: An op, PyTorch's optimizer with its options, and what the op is given.
OPTIMIZERS: dict[str, tuple[str, dict[str, Any], dict[str, float]]] = {
    "sgd": ("SGD", {}, {}),
    "momentum": ("SGD", {"momentum": MU}, {"mu": MU}),
    "nesterov": ("SGD", {"momentum": MU, "nesterov": True}, {"mu": MU}),
    "adam": (
        "Adam",
        {"betas": (BETA1, BETA2), "eps": EPS},
        {"beta1": BETA1, "beta2": BETA2, "eps": EPS},
    ),
    "adamw": (
        "AdamW",
        {"betas": (BETA1, BETA2), "eps": EPS, "weight_decay": DECAY},
        {"beta1": BETA1, "beta2": BETA2, "eps": EPS, "weight_decay": DECAY},
    ),
}


def gradient(theta: np.ndarray, step: int) -> np.ndarray:
    """The gradient of a loss that changes from step to step."""
    return np.sin(3 * theta + step) + theta / (1 + step)


def path(name: str, constants: dict[str, float]) -> list[np.ndarray]:
    """The parameters after each step, from an empty state."""
    op = ops[name]
    step = op.lambdify()
    state = {n: np.zeros(SIZE) for n in ("m", "v") if n in op.inputs}
    theta, found = start(), []
    for t in range(1, STEPS + 1):
        given = state | constants | ({"t": t} if "t" in op.inputs else {})
        after = step(theta=theta, g=gradient(theta, t), lr=LR, **given)
        after = after if isinstance(after, dict) else {"theta_next": after}
        assert list(after) == ["theta_next", *(f"{n}_next" for n in state)]
        theta, state = after["theta_next"], {n: after[f"{n}_next"] for n in state}
        found.append(theta)
    return found


def start() -> np.ndarray:
    return np.random.default_rng(0).normal(size=SIZE)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_several_steps_are_those_of_torch_optim(name: str) -> None:
    torch = pytest.importorskip("torch")
    kind, options, constants = OPTIMIZERS[name]
    parameter = torch.nn.Parameter(torch.as_tensor(start()))
    optimizer = getattr(torch.optim, kind)([parameter], lr=LR, **options)
    for t, found in enumerate(path(name, constants), start=1):
        parameter.grad = torch.as_tensor(gradient(parameter.detach().numpy(), t))
        optimizer.step()
        np.testing.assert_allclose(found, parameter.detach().numpy(), rtol=1e-12, atol=1e-14)


def test_several_steps_of_lion_are_those_of_its_paper() -> None:
    theta, m = start(), np.zeros(SIZE)
    constants = {"beta1": BETA1, "beta2": BETA2, "weight_decay": DECAY}
    for t, found in enumerate(path("lion", constants), start=1):
        g = gradient(theta, t)
        update = np.sign(BETA1 * m + (1 - BETA1) * g)
        theta = theta - LR * (update + DECAY * theta)
        m = BETA2 * m + (1 - BETA2) * g
        np.testing.assert_allclose(found, theta, rtol=1e-12, atol=1e-14)


def test_a_gradient_through_a_step_is_that_of_torch_on_two_steps() -> None:
    """What meta-learning asks for: how the loss after two steps depends on the first gradient."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    constants = {"lr": LR, "beta1": BETA1, "beta2": BETA2, "eps": EPS}
    step, back = ops.adam.lambdify(), ops.adam.gradient().lambdify()
    given = {n: rng.normal(size=SIZE) for n in ("theta", "g", "m")}
    first = given | constants | {"v": rng.random(SIZE), "t": 3}
    after = step(**first)
    g = rng.normal(size=SIZE)
    second = constants | {n: after[f"{n}_next"] for n in ("theta", "m", "v")} | {"g": g, "t": 4}
    weights = rng.normal(size=SIZE)
    zero = np.zeros(SIZE)
    outer = back(**second, dtheta_next=weights, dm_next=zero, dv_next=zero)
    found = back(**first, **{f"d{n}_next": outer[f"d{n}"] for n in ("theta", "m", "v")})

    leaves = {n: torch.as_tensor(first[n]).requires_grad_() for n in ("theta", "g", "m", "v")}
    theta, m, v = (leaves[n] for n in ("theta", "m", "v"))
    for gradient, t in ((leaves["g"], 3), (torch.as_tensor(g), 4)):
        m, v = BETA1 * m + (1 - BETA1) * gradient, BETA2 * v + (1 - BETA2) * gradient**2
        theta = theta - LR * (m / (1 - BETA1**t)) / ((v / (1 - BETA2**t)).sqrt() + EPS)
    (theta * torch.as_tensor(weights)).sum().backward()
    for n, leaf in leaves.items():
        np.testing.assert_allclose(found[f"d{n}"], leaf.grad.numpy(), rtol=1e-10, atol=1e-14)
