"""Backward passes as people write them, for tests: right ones, each with a signature of its own."""

from __future__ import annotations

from typing import Any

import numpy as np


def mean(a: np.ndarray) -> np.ndarray:
    return a.mean(-1, keepdims=True)


def norm_parts(x: np.ndarray, eps: float) -> tuple[np.ndarray, np.ndarray]:
    r = 1 / np.sqrt(x.var(-1, keepdims=True) + eps)
    return (x - mean(x)) * r, r


def norm_dx(g: np.ndarray, xhat: np.ndarray, r: np.ndarray) -> np.ndarray:
    return r * (g - mean(g) - xhat * mean(g * xhat))


def layer_norm(dy: np.ndarray, x: np.ndarray, gamma: np.ndarray, eps: float) -> Any:
    xhat, r = norm_parts(x, eps)
    dx = norm_dx(dy * gamma, xhat, r)
    return dx, (dy * xhat).sum(0), dy.sum(0)


def layer_norm_kernel(dout: Any, inp: Any, weight: Any, mean: Any, rstd: Any) -> Any:
    xhat = (inp - mean) * rstd
    dinp = norm_dx(dout * weight, xhat, rstd)
    dweight, dbias = (dout * xhat).sum(0), dout.sum(0)
    return dinp, dweight, dbias


def layer_norm_sized(d_out: Any, x_hat: Any, inv_std: Any, w: Any, N: int, D: int) -> Any:
    assert x_hat.shape == (N, D)
    dx_hat = d_out * w
    dx = D * dx_hat - dx_hat.sum(1)[:, None] - x_hat * (dx_hat * x_hat).sum(1)[:, None]
    return {
        "grad_input": inv_std[:, None] / D * dx,
        "weight": (d_out * x_hat).sum(0),
        "bias": d_out.sum(0),
    }


def layer_norm_std(grad: Any, x: Any, gamma: Any, mu: Any, std: Any) -> Any:
    return norm_dx(grad * gamma, (x - mu[:, None]) / std[:, None], 1 / std[:, None])


def layer_norm_var(g: Any, x: Any, weight: Any, var: Any, eps: Any) -> Any:
    r = 1 / np.sqrt(var[:, None] + eps)
    return norm_dx(g * weight, (x - mean(x)) * r, r)


def rms_norm(g: Any, x: Any, w: Any, rrms: Any) -> Any:
    xhat = x * rrms
    return rrms * (g * w - xhat * mean(g * w * xhat)), (g * xhat).sum(0)


def softmax_of_output(dout: Any, out: Any) -> Any:
    return out * (dout - (dout * out).sum(-1, keepdims=True))


def softmax_of_probabilities(grad_output: Any, probs: Any) -> Any:
    return softmax_of_output(grad_output, probs)


def log_softmax(dy: Any, logp: Any) -> Any:
    return dy - np.exp(logp) * dy.sum(-1, keepdims=True)


def cross_entropy(logits: Any, targets: Any) -> Any:
    p = np.exp(logits - logits.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    p[np.arange(len(p)), targets] -= 1
    return p


def cross_entropy_upstream(dlosses: Any, probs: Any, labels: Any, V: int) -> Any:
    return (probs - np.eye(V)[labels]) * dlosses[:, None]


def cross_entropy_one_hot(probs: Any, one_hot: Any) -> Any:
    return probs - one_hot


def linear(dout: Any, inp: Any, weight: Any) -> Any:
    return dout @ weight, dout.T @ inp, dout.sum(0)


def linear_other_order(x: Any, w: Any, dY: Any) -> Any:
    db, dw, dX = dY.sum(0), dY.T @ x, dY @ w
    return db, dw, dX


def attention(dout: Any, q: Any, k: Any, v: Any, att: Any) -> Any:
    dv = att.swapaxes(-1, -2) @ dout
    datt = dout @ v.swapaxes(-1, -2)
    dpreatt = att * (datt - (datt * att).sum(-1, keepdims=True)) / np.sqrt(q.shape[-1])
    return dpreatt @ k, dpreatt.swapaxes(-1, -2) @ q, dv


def flash_attention(
    q: Any, k: Any, v: Any, do: Any, o: Any, lse: Any, mask: Any, scale: Any
) -> Any:
    s = np.where(mask, (q @ k.swapaxes(-1, -2)) * scale, -np.inf)
    p = np.exp(s - lse[..., None])
    ds = p * (do @ v.swapaxes(-1, -2) - (do * o).sum(-1, keepdims=True)) * scale
    return {"dq": ds @ k, "dk": ds.swapaxes(-1, -2) @ q, "dv": p.swapaxes(-1, -2) @ do}


def embedding(dout: Any, tokens: Any, V: int) -> Any:
    d_weight = np.zeros((V, dout.shape[-1]))
    np.add.at(d_weight, tokens, dout)
    return d_weight


def swiglu(dy: Any, gate: Any, up: Any) -> Any:
    s = 1 / (1 + np.exp(-gate))
    return dy * up * s * (1 + gate * (1 - s)), dy * gate * s


def rope(dout: Any, cos: Any, sin: Any) -> Any:
    even, odd = dout[..., ::2], dout[..., 1::2]
    pairs = np.stack([even * cos + odd * sin, odd * cos - even * sin], -1)
    return pairs.reshape(dout.shape)


def dropout(grad: Any, mask: Any, p: Any) -> Any:
    return grad * mask / (1 - p)


def distillation(student_logits: Any, teacher_logits: Any, temperature: Any) -> Any:
    def softmax(z: Any) -> Any:
        e = np.exp(z - z.max(-1, keepdims=True))
        return e / e.sum(-1, keepdims=True)

    return (softmax(student_logits / temperature) - softmax(teacher_logits / temperature)) / (
        temperature
    )


def dpo(chosen: Any, rejected: Any, ref_chosen: Any, ref_rejected: Any, beta: Any) -> Any:
    h = beta * ((chosen - ref_chosen) - (rejected - ref_rejected))
    g = beta / (1 + np.exp(h))
    return -g, g


def layernorm_forward(x: Any, gamma: Any, beta: Any, ln_param: Any) -> Any:
    xhat, ivar = norm_parts(x, ln_param["eps"])
    return gamma * xhat + beta, (xhat, ivar, gamma)


def layernorm_backward(dout: Any, cache: Any) -> Any:
    xhat, ivar, gamma = cache
    return norm_dx(dout * gamma, xhat, ivar), (dout * xhat).sum(0), dout.sum(0)


def rms_fwd(x: Any, w: Any, eps: Any) -> Any:
    rinv = 1 / np.sqrt(mean(x * x) + eps)
    return x * rinv * w, rinv


def rms_bwd(dy: Any, x: Any, w: Any, rinv: Any) -> Any:
    return rms_norm(dy, x, w, rinv)


def into_buffers(dx: Any, dgamma: Any, dbeta: Any, dy: Any, xhat: Any, r: Any, gamma: Any) -> None:
    dx += norm_dx(dy * gamma, xhat, r)
    dgamma[:] = (dy * xhat).sum(0)
    dbeta += dy.sum(0)


def own_eps(dy: Any, x: Any, gamma: Any) -> Any:
    xhat, r = norm_parts(x, 1e-5)
    return norm_dx(dy * gamma, xhat, r)
