"""Direct preference optimisation: learn from pairs of which one was preferred."""

from typing import Any

import numpy as np
from sympy import exp, log

from ..equation import Let
from ..notation import scalar
from ..op import Op

c_w = scalar("c_w", note="log-probability of the chosen answer")
c_l = scalar("c_l", note="log-probability of the rejected answer")
ref_w = scalar(
    "ref_w", role="target", note="log-probability of the chosen answer under the reference"
)
ref_l = scalar(
    "ref_l", role="target", note="log-probability of the rejected answer under the reference"
)
beta = scalar("beta", role="constant", domain="positive", note="price of divergence")
u = scalar("u", note="lead of the chosen answer")
p, L = scalar("p", note="probability of the preference"), scalar("L", note="loss")


def forward(c_w: float, c_l: float, ref_w: float, ref_l: float, beta: float) -> Any:
    margin = c_w - ref_w - c_l + ref_l
    return np.logaddexp(0, -beta * margin)


dpo = Op(
    name="dpo",
    title="Direct preference optimisation",
    inputs=(c_w, c_l, ref_w, ref_l, beta),
    equations=(
        Let(u, beta * ((c_w - ref_w) - (c_l - ref_l)), "by how much the chosen one leads"),
        Let(p, 1 / (1 + exp(-u)), "probability of the preference"),
        Let(L, -log(p), "loss"),
    ),
    numpy=forward,
    about=(
        "Of two answers, one was chosen; both are scored by how much more likely they are under "
        "the policy than under a reference."
    ),
    source="Rafailov et al., 2023",
)
