"""Ops as a user of PyTorch writes them, on batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def scaled_dot_product(F: Any, **options: Any) -> Any:
    return lambda Q, K, V, M=None: F.scaled_dot_product_attention(Q, K, V, attn_mask=M, **options)


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

    def clipped(logp: Any, old: Any, A: Any, epsilon: float) -> Any:
        rho = torch.exp(logp - old)
        return torch.minimum(rho * A, rho.clamp(1 - epsilon, 1 + epsilon) * A)

    def divergence(p: Any, q: Any) -> Any:
        return F.kl_div(q.log(), p, reduction="none").sum(-1)

    def group(logp: Any, old: Any, ref: Any, R: Any, epsilon: float, beta: float) -> Any:
        A = (R - R.mean(-1, keepdim=True)) / R.std(-1, correction=0, keepdim=True)
        penalty = torch.expm1(ref - logp) - (ref - logp)
        return (beta * penalty - clipped(logp, old, A, epsilon)).mean(-1)

    return {
        "softmax": lambda x: F.softmax(x, -1),
        "log_softmax": lambda x: F.log_softmax(x, -1),
        "logsumexp": lambda x: torch.logsumexp(x, -1),
        "masked_softmax": lambda x, mask: F.softmax(x.masked_fill(mask == 0, -torch.inf), -1),
        "cross_entropy": lambda z, y: F.cross_entropy(
            z.flatten(0, -2), y.flatten(0, -2), reduction="none"
        ).reshape(z.shape[:-1]),
        "cross_entropy_index": lambda z, t: F.cross_entropy(
            z.flatten(0, -2), t.flatten(), reduction="none"
        ).reshape(z.shape[:-1]),
        "label_smoothing": lambda z, t, epsilon: F.cross_entropy(
            z.flatten(0, -2), t.flatten(), reduction="none", label_smoothing=epsilon
        ).reshape(z.shape[:-1]),
        "z_loss": lambda z, weight: weight * torch.logsumexp(z, -1) ** 2,
        "kl_divergence": divergence,
        "jensen_shannon": lambda p, q: (
            (divergence(p, (p + q) / 2) + divergence(q, (p + q) / 2)) / 2
        ),
        "distillation": lambda z, v, tau: F.cross_entropy(
            z.flatten(0, -2) / tau, F.softmax(v.flatten(0, -2) / tau, -1), reduction="none"
        ).reshape(z.shape[:-1]),
        "mse": lambda x, y: F.mse_loss(x, y, reduction="none").mean(-1),
        "layer_norm": lambda x, gamma, beta, eps: F.layer_norm(x, x.shape[-1:], gamma, beta, eps),
        "rms_norm": lambda x, gamma, eps: F.rms_norm(x, x.shape[-1:], gamma, eps),
        "embedding": lambda t, W: F.embedding(t, W),
        "cosine_similarity": lambda x, u: F.cosine_similarity(x, u, dim=-1),
        "weight_tying": lambda t, W, U: F.linear(F.linear(F.embedding(t, W), U), W),
        "linear": lambda x, W, b: F.linear(x, W, b),
        "lora": lambda x, W, A, B, alpha: F.linear(x, W + alpha / len(A) * B @ A),
        "relu": F.relu,
        "sigmoid": torch.sigmoid,
        "tanh": torch.tanh,
        "softplus": F.softplus,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "silu": F.silu,
        "swiglu": lambda gate, up: F.silu(gate) * up,
        "geglu": lambda gate, up: F.gelu(gate) * up,
        "dropout": lambda x, mask, rate: x * mask / (1 - rate),
        "attention": scaled_dot_product(F),
        "causal_attention": scaled_dot_product(F, is_causal=True),
        "masked_attention": scaled_dot_product(F),
        "dpo": lambda c_w, c_l, ref_w, ref_l, beta: (
            -F.logsigmoid(beta * (c_w - ref_w - c_l + ref_l))
        ),
        "masked_mean": lambda x, mask: (x * mask).sum(-1) / mask.sum(-1),
        "ppo_clip": lambda *given: -clipped(*given).mean(-1),
        "grpo": group,
        "softcap": lambda x, kappa: kappa * torch.tanh(x / kappa),
        "alibi": lambda Q, K, V, slope: biased(Q, K, V, lambda back: -slope * back),
        "sliding_window": lambda Q, K, V, w: biased(
            Q, K, V, lambda back: torch.where(back < w, 0.0, -torch.inf)
        ),
        "linear_attention": lambda Q, K, V: F.normalize(Q @ K.mT, p=1, dim=-1) @ V,
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
