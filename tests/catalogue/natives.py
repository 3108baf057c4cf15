"""Ops as a user of PyTorch writes them, on batches: those of attention, mixtures and optimizers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def natives(torch: Any, F: Any) -> dict[str, Callable[..., Any]]:
    def biased(Q: Any, K: Any, V: Any, bias: Any) -> Any:
        """Causal attention with a bias that depends on how far back a key lies."""
        at = torch.arange(Q.shape[-2], dtype=torch.float64)
        back = at[:, None] - at
        mask = torch.where(back >= 0, bias(back), -torch.inf)
        return F.scaled_dot_product_attention(Q, K, V, attn_mask=mask)

    def sinusoidal(a: Any, b: Any, pos: Any, base: float) -> Any:
        m = a.shape[-1]
        angles = pos[..., None] * base ** (-torch.arange(m, dtype=a.dtype) / m)
        return a + torch.sin(angles), b + torch.cos(angles)

    def gates(z: Any, mask: Any) -> Any:
        return F.softmax(z.masked_fill(mask == 0, -torch.inf), -1)

    def balance(z: Any, a: Any, alpha: float) -> Any:
        load = F.one_hot(a, z.shape[-1]).to(z.dtype).mean(-2)
        return alpha * z.shape[-1] * (load * F.softmax(z, -1).mean(-2)).sum(-1)

    def adam(
        theta: Any, g: Any, m: Any, v: Any, lr: Any, b1: float, b2: float, eps: float, t: Any
    ) -> Any:
        m, v = torch.lerp(g, m, b1), torch.lerp(g * g, v, b2)
        root = torch.sqrt(v / (1 - b2**t)) + eps
        return theta - lr / (1 - b1**t) * m / root, m, v

    return {
        "softcap": lambda x, c: c * torch.tanh(x / c),
        "alibi": lambda Q, K, V, slope: biased(Q, K, V, lambda back: -slope * back),
        "sliding_window": lambda Q, K, V, w: biased(
            Q, K, V, lambda back: torch.where(back < w, 0.0, -torch.inf)
        ),
        "sinusoidal_positions": sinusoidal,
        "top_k_gate": gates,
        "mixture_of_experts": lambda z, mask, F: torch.einsum(
            "...k,...ki->...i", gates(z, mask), F
        ),
        "load_balancing": balance,
        "clip_by_global_norm": lambda g, max_norm: (
            g * (max_norm / torch.linalg.vector_norm(g, dim=-1, keepdim=True)).clamp(max=1)
        ),
        "sgd": lambda theta, g, lr: theta - lr * g,
        "momentum": lambda theta, g, m, lr, mu: (theta - lr * (mu * m + g), mu * m + g),
        "nesterov": lambda theta, g, m, lr, mu: (
            theta - lr * (g + mu * (mu * m + g)),
            mu * m + g,
        ),
        "adam": adam,
        "adamw": lambda theta, g, m, v, lr, b1, b2, eps, decay, t: adam(
            theta * (1 - lr * decay), g, m, v, lr, b1, b2, eps, t
        ),
        "lion": lambda theta, g, m, lr, b1, b2, decay: (
            theta * (1 - lr * decay) - lr * torch.sign(torch.lerp(g, m, b1)),
            torch.lerp(g, m, b2),
        ),
    }
