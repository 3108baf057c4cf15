"""Losses on top of a softmax, and others: gradients by hand, right and wrong."""

from __future__ import annotations

import numpy as np
from written import lse, onehot, sigmoid, softmax, table, total
from written_softmax import of_p


def at_target(z, t, by):
    """Subtract at the target of each row."""
    p = softmax(z)
    p[np.arange(len(t)), t] -= by
    return p


def every_column(z, t):
    """A slice where an index belongs: each target is subtracted in every row."""
    p = softmax(z)
    p[:, t] -= 1
    return p


CROSS_ENTROPY = (
    *table(
        "cross_entropy N: z y -> dz",
        ("closed form", of_p(lambda p, y: p - y)),
        ("with the sum of the target", of_p(lambda p, y: p * total(y) - y)),
        ("wrong sign", of_p(lambda p, y: y - p), "scaled", "-1"),
        ("averaged over the batch", of_p(lambda p, y: (p - y) / len(p)), "scaled", "1/N"),
        ("divided by the classes", of_p(lambda p, y: (p - y) / p.shape[1]), "scaled", "1/n"),
        ("divided by both", of_p(lambda p, y: (p - y) / p.size), "scaled"),
        ("base 2", of_p(lambda p, y: (p - y) / np.log(2)), "scaled", "1/log(2)"),
        ("of probabilities", of_p(lambda p, y: -y / p), "other_function", "with respect to p"),
        ("target forgotten", of_p(lambda p, y: p), "wrong_term", "the term -y[b, i] is missing"),
        (
            "probabilities forgotten",
            of_p(lambda p, y: -y),
            "wrong_term",
            "the term p[b, i] is missing",
        ),
        ("sum for difference", of_p(lambda p, y: p + y), "wrong_term", "has the wrong sign"),
        ("the diagonal only", of_p(lambda p, y: -y * (1 - p)), "wrong_term", "only the entry"),
        (
            "softmax's derivative again",
            of_p(lambda p, y: (p - y) * p * (1 - p)),
            "wrong_term",
        ),
        ("a temperature of 2", lambda z, y: softmax(z / 2) - y, "other_function", "2"),
        ("logits for probabilities", lambda z, y: z - y, "wrong_term", "z[b, i]"),
        ("not normalised", lambda z, y: np.exp(z) - y, "wrong_term"),
        (
            "softmax along the wrong axis",
            lambda z, y: softmax(z.T).T - y,
            "wrong_term",
            "axis N, not n",
        ),
        ("sigmoids", lambda z, y: sigmoid(z) - y, "other_function"),
    ),
    *table(
        "cross_entropy N: z y dL -> dz",
        ("with an upstream gradient", lambda z, y, dL: dL[:, None] * (softmax(z) - y)),
        ("upstream gradient forgotten", lambda z, y, dL: softmax(z) - y, "conditional", "dL is 1"),
        (
            "upstream gradient on one term",
            lambda z, y, dL: dL[:, None] * softmax(z) - y,
            "conditional",
            "dL is 1",
        ),
        (
            "upstream gradient summed",
            lambda z, y, dL: dL.sum() * (softmax(z) - y),
            "conditional",
            "the batch has one row",
        ),
    ),
    *table(
        "cross_entropy_index N: z t -> dz",
        ("at the target", lambda z, t: at_target(z, t, 1)),
        ("one-hot", lambda z, t: softmax(z) - onehot(t, z)),
        ("averaged over the batch", lambda z, t: at_target(z, t, 1) / len(t), "scaled", "1/N"),
        ("minus 1 everywhere", lambda z, t: softmax(z) - 1, "wrong_term", "[i = t[b]]"),
        (
            "target forgotten",
            lambda z, t: softmax(z),
            "wrong_term",
            "the term -[i = t[b]] is missing",
        ),
        ("every column", every_column, "conditional", "the batch has one row"),
        (
            "the target's probability alone",
            lambda z, t: onehot(t, z) * (softmax(z) - 1),
            "wrong_term",
            "only the entry j = i is there",
        ),
        (
            "of probabilities",
            lambda z, t: -onehot(t, z) / softmax(z),
            "other_function",
            "with respect to p",
        ),
        ("twice the target", lambda z, t: at_target(z, t, 2), "wrong_term", "is doubled"),
        ("plus the target", lambda z, t: at_target(z, t, -1), "wrong_term", "wrong sign"),
        ("a temperature of 2", lambda z, t: at_target(z / 2, t, 1), "other_function", "2"),
        ("base 2", lambda z, t: at_target(z * np.log(2), t, 1), "other_function", "log"),
    ),
)


def smooth(z, t, epsilon, others=None):
    n = z.shape[1]
    return (1 - epsilon) * onehot(t, z) + epsilon / (others or n)


LOSSES = (
    *table(
        "label_smoothing N: z t epsilon -> dz",
        ("closed form", lambda z, t, e: softmax(z) - smooth(z, t, e)),
        ("no smoothing", lambda z, t, e: softmax(z) - onehot(t, z), "conditional", "epsilon = 0"),
        (
            "not divided by the classes",
            lambda z, t, e: softmax(z) - (1 - e) * onehot(t, z) - e,
            "conditional",
            "epsilon = 0",
        ),
        (
            "divided by one less",
            lambda z, t, e: softmax(z) - smooth(z, t, e, z.shape[1] - 1),
            "conditional",
            "epsilon = 0",
        ),
        (
            "target not lowered",
            lambda z, t, e: softmax(z) - onehot(t, z) - e / z.shape[1],
            "conditional",
            "epsilon = 0",
        ),
        (
            "uniform part forgotten",
            lambda z, t, e: softmax(z) - (1 - e) * onehot(t, z),
            "conditional",
            "epsilon = 0",
        ),
        ("averaged", lambda z, t, e: (softmax(z) - smooth(z, t, e)) / len(z), "scaled", "1/N"),
    ),
    *table(
        "z_loss N: z weight -> dz",
        ("closed form", lambda z, w: 2 * w * lse(z) * softmax(z)),
        ("no 2", lambda z, w: w * lse(z) * softmax(z), "scaled", "1/2"),
        ("no weight", lambda z, w: 2 * lse(z) * softmax(z), "scaled", "1/weight"),
        ("no log-sum-exp", lambda z, w: 2 * w * softmax(z), "wrong_term", "is missing"),
        ("averaged", lambda z, w: 2 * w * lse(z) * softmax(z) / len(z), "scaled", "1/N"),
        ("no probabilities", lambda z, w: 2 * w * lse(z) + 0 * z, "wrong_term", "p[b, i]"),
        (
            "max for log-sum-exp",
            lambda z, w: 2 * w * z.max(-1, keepdims=True) * softmax(z),
            "wrong_term",
        ),
    ),
    *table(
        "kl_divergence N: p q -> dp dq",
        ("closed form", lambda p, q: (np.log(p / q) + 1, -p / q)),
        (
            "directions exchanged",
            lambda p, q: (-q / p, np.log(q / p) + 1),
            "other_function",
            "p and q exchanged",
        ),
        ("no 1", lambda p, q: (np.log(p) - np.log(q), -p / q), "wrong_term", "1 is missing"),
        ("ratio upside down", lambda p, q: (np.log(p / q) + 1, -q / p), "wrong_term"),
        ("wrong sign", lambda p, q: (np.log(p / q) + 1, p / q), "scaled", "-1"),
        (
            "base 2",
            lambda p, q: (np.log2(p / q) + 1 / np.log(2), -p / q / np.log(2)),
            "scaled",
            "1/log(2)",
        ),
        ("the first to base 2", lambda p, q: (np.log2(p / q) + 1, -p / q), "wrong_term"),
        ("log of the ratio upside down", lambda p, q: (np.log(q / p) + 1, -p / q), "wrong_term"),
        (
            "batchmean",
            lambda p, q: ((np.log(p / q) + 1) / len(p), -p / q / len(p)),
            "scaled",
            "1/N",
        ),
        ("q without p", lambda p, q: (np.log(p / q) + 1, -1 / q), "wrong_term", "p[b, i]"),
    ),
    *table(
        "distillation N: z v tau -> dz",
        ("closed form", lambda z, v, tau: (softmax(z / tau) - softmax(v / tau)) / tau),
        (
            "tau squared",
            lambda z, v, tau: (softmax(z / tau) - softmax(v / tau)) * tau,
            "scaled",
            "tau^2",
        ),
        ("no 1/tau", lambda z, v, tau: softmax(z / tau) - softmax(v / tau), "scaled", "tau"),
        ("no temperature", lambda z, v, tau: softmax(z) - softmax(v), "conditional", "tau = 1"),
        (
            "teacher without temperature",
            lambda z, v, tau: (softmax(z / tau) - softmax(v)) / tau,
            "conditional",
            "tau = 1",
        ),
        (
            "student and teacher exchanged",
            lambda z, v, tau: (softmax(v / tau) - softmax(z / tau)) / tau,
            "scaled",
            "-1",
        ),
        ("logits matched", lambda z, v, tau: (z - v) / tau, "wrong"),
        ("no teacher", lambda z, v, tau: softmax(z / tau) / tau, "wrong_term", "is missing"),
    ),
    *table(
        "mse N: x y -> dx",
        ("closed form", lambda x, y: 2 * (x - y) / x.shape[1]),
        ("no 2", lambda x, y: (x - y) / x.shape[1], "scaled", "1/2"),
        ("sum", lambda x, y: 2 * (x - y), "scaled", "n"),
        ("wrong sign", lambda x, y: 2 * (y - x) / x.shape[1], "scaled", "-1"),
        ("mean over all", lambda x, y: 2 * (x - y) / x.size, "scaled", "1/N"),
        (
            "target forgotten",
            lambda x, y: 2 * x / x.shape[1],
            "other_function",
            "without the term -y",
        ),
        ("absolute error", lambda x, y: np.sign(x - y) / x.shape[1], "other_function"),
    ),
    *table(
        "masked_mean N: x mask -> dx",
        ("closed form", lambda x, m: m / total(m)),
        ("mean over all", lambda x, m: m / x.shape[1], "wrong_term"),
        (
            "mask forgotten",
            lambda x, m: np.ones_like(x) / total(m),
            "other_function",
            "without the mask mask[b, i]",
        ),
        ("not divided", lambda x, m: m, "wrong_term"),
        ("count over the batch", lambda x, m: m / m.sum(), "conditional", "the batch has one row"),
    ),
    *table(
        "jensen_shannon N: p q -> dp dq",
        ("closed form", lambda p, q: (np.log(2 * p / (p + q)) / 2, np.log(2 * q / (p + q)) / 2)),
        (
            "not halved",
            lambda p, q: (np.log(2 * p / (p + q)), np.log(2 * q / (p + q))),
            "scaled",
            "2",
        ),
        (
            "the sum for the mean",
            lambda p, q: (np.log(p / (p + q)) / 2, np.log(q / (p + q)) / 2),
            "wrong_term",
        ),
        (
            "exchanged",
            lambda p, q: (np.log(2 * q / (p + q)) / 2, np.log(2 * p / (p + q)) / 2),
            "permuted",
            "dq",
        ),
    ),
)

CASES = (*CROSS_ENTROPY, *LOSSES)
