"""Distillation: a student's softened prediction against its teacher's."""

from typing import Any

import numpy as np
from sympy import log

from ..equation import Let
from ..notation import Dim, scalar, sum_over
from ..op import Op
from .softmax import softmax

n = Dim("n", "classes")
i, j = n.indices("i j")
z, p = n.vector("z", note="logits"), n.vector("p", note="probabilities")
v = n.vector("v", role="target", note="logits of the teacher")
q = n.vector("q", note="other probabilities")
tau = scalar("tau", role="constant", domain="positive", note="temperature")
L = scalar("L", note="loss")


def forward(z: np.ndarray, v: np.ndarray, tau: float) -> Any:
    student, teacher = z / tau - (z / tau).max(), np.exp((v - v.max()) / tau)
    return -teacher / teacher.sum() @ (student - np.log(np.exp(student).sum()))


distillation = Op(
    name="distillation",
    title="Distillation",
    inputs=(z, v, tau),
    equations=(
        Let(p[i], softmax(z[i] / tau, over=i), "what the student predicts"),
        Let(q[i], softmax(v[i] / tau, over=i), "what the teacher predicts"),
        Let(L, -sum_over(q[j] * log(p[j]), j), "loss"),
    ),
    numpy=forward,
    about=(
        "In distillation, a student with logits z learns the whole prediction of a teacher with "
        "logits v; a temperature tau above one brings out what the teacher thinks unlikely."
    ),
    source="Hinton, Vinyals & Dean, 2015",
)
