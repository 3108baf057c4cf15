"""Gradients as people write them in NumPy, and points to try them at."""

import numpy as np

from symllm.catalogue import ops
from symllm.evaluate import sample


def points(name, batch=False, **options):
    op = ops[name].batched("N") if batch else ops[name]
    return [sample(op.program, seed, **options) for seed in (0, 1)]


def softmax(x):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def softmax_gradient(x, dp):
    s = softmax(x)
    return s * (dp - (s * dp).sum(axis=-1, keepdims=True))


def layer_norm_gradient(x, gamma, beta, eps, dy):
    c = x - x.mean(axis=-1, keepdims=True)
    r = 1 / np.sqrt((c**2).mean(axis=-1, keepdims=True) + eps)
    xhat, inner = c * r, gamma * dy

    def average(a):
        return a.mean(axis=-1, keepdims=True)

    rows = tuple(range(x.ndim - 1))
    return {
        "dx": r * (inner - average(inner) - xhat * average(inner * xhat)),
        "dgamma": (dy * xhat).sum(axis=rows),
        "dbeta": dy.sum(axis=rows),
    }


def attention_gradient(Q, K, V, dO):
    scale = np.sqrt(Q.shape[-1])
    P = softmax(Q @ K.swapaxes(-1, -2) / scale)
    dP = dO @ V.swapaxes(-1, -2)
    dS = P * (dP - (P * dP).sum(axis=-1, keepdims=True))
    return {
        "dQ": dS @ K / scale,
        "dK": dS.swapaxes(-1, -2) @ Q / scale,
        "dV": P.swapaxes(-1, -2) @ dO,
    }


def cross_entropy_gradient(z, y):
    return softmax(z) - y


GRADIENTS = [
    ("softmax", softmax_gradient, ["x"]),
    ("layer_norm", layer_norm_gradient, ["x", "gamma", "beta"]),
    ("attention", attention_gradient, ["Q", "K", "V"]),
    ("cross_entropy", cross_entropy_gradient, ["z"]),
]
