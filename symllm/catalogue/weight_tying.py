"""Weight tying: one matrix that reads tokens in and writes logits out."""

from typing import Any

import numpy as np

from ..equation import Let
from ..notation import Dim, Tensor, matrix, sum_over
from ..op import Op

n = Dim("n", "positions")
v = Dim("v", "tokens of the vocabulary")
d = Dim("d", "width of the stream")
(i,), (w,), (k, l) = n.indices("i"), v.indices("w"), d.indices("k l")
t = Tensor("t", (n,), role="target", domain=v, note="token at each position")
W = matrix("W", v, d, role="parameter", note="weights: one row for each token")
U = matrix("U", d, d, role="parameter", note="weights between the tables")
y = matrix("y", n, d, note="embedded tokens")
h = matrix("h", n, d, note="state at the end of the model")
z = matrix("z", n, v, note="logits")


def forward(t: np.ndarray, W: np.ndarray, U: np.ndarray) -> Any:
    return np.stack([W @ (U @ W[token]) for token in t])


weight_tying = Op(
    name="weight_tying",
    title="Weight tying",
    inputs=(t, W, U),
    equations=(
        Let(y[i, k], W[t[i], k], "the rows of the tokens"),
        Let(h[i, k], sum_over(U[k, l] * y[i, l], l), "transformed rows"),
        Let(z[i, w], sum_over(h[i, k] * W[w, k], k), "logits"),
    ),
    numpy=forward,
    about=(
        "With tied weights, one matrix W embeds the tokens that come in and scores those that may "
        "come next; a matrix U stands for the network in between."
    ),
    source="Press & Wolf, 2017",
)
