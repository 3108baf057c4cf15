"""GPT-2 (Radford et al., 2019), with the names of Hugging Face's checkpoints."""

from typing import Any

import numpy as np

from ..catalogue.cross_entropy_index import cross_entropy_index
from ..catalogue.embedding import embedding
from ..catalogue.gpt2_block import gpt2_block
from ..catalogue.layer_norm import layer_norm
from ..catalogue.masked_mean import masked_mean
from ..catalogue.projection import projection
from ..equation import Let
from ..notation import Dim, Tensor, matrix, scalar
from ..op import Op
from .architecture import EMBED, HEAD, LAYER, Assumption, Parameter, Setting
from .model import Model
from .scan import Scan

B, n, c, v = (Dim(name) for name in ("B", "n", "c", "v"))
(b,), (i,), (a,), (w,) = B.indices("b"), n.indices("i"), c.indices("a"), v.indices("w")
W_E = matrix("W_E", v, c, role="parameter")
W_P = matrix("W_P", n, c, role="parameter")
tokens = n.vector("t", role="target", domain=v)
E, x = matrix("E", n, c), matrix("x", n, c)


def embed_forward(t: np.ndarray, W_E: np.ndarray, W_P: np.ndarray) -> Any:
    return np.stack([W_E[token] for token in t]) + W_P


gpt2_embed = Op(
    name="gpt2_embed",
    title="GPT-2's embedding",
    inputs=(tokens, W_E, W_P),
    equations=(
        Let(E[i, a], embedding(tokens[i], W_E[w, a], over=(i, w, a)), "rows of the tokens"),
        Let(x[i, a], E[i, a] + W_P[i, a], "a row of its own for each position"),
    ),
    numpy=embed_forward,
    about="A token enters as the sum of two rows: one for what it is, one for where it stands.",
    source="Radford et al., 2019",
)

x, F = Tensor("x", (B, n, c)), Tensor("F", (B, n, c))
gamma, beta = c.vector("gamma", role="parameter"), c.vector("beta", role="parameter")
targets = Tensor("t", (B, n), "target", v)
mask = Tensor("mask", (B, n), "target", "binary")
z, l, L = Tensor("z", (B, n, v)), Tensor("l", (B, n)), scalar("L")
eps = scalar("eps", role="constant", domain="positive")


def head_forward(
    x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, W_E: np.ndarray,
    t: np.ndarray, mask: np.ndarray, eps: float,
) -> Any:  # fmt: skip
    losses = []
    for row in zip(*np.nonzero(mask), strict=True):
        last = x[row] - x[row].mean()
        logits = W_E @ (gamma * last / np.sqrt((last**2).mean() + eps) + beta)
        losses.append(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[t[row]])
    return np.mean(losses)


gpt2_head = Op(
    name="gpt2_head",
    title="GPT-2's head",
    inputs=(x, gamma, beta, W_E, targets, mask, eps),
    equations=(
        Let(F[b, i, a], layer_norm(x[b, i, a], gamma[a], beta[a], eps, over=a), "normalised"),
        Let(z[b, i, w], projection(F[b, i, a], W_E[w, a], over=(a, w)), "logits"),
        Let(l[b, i], cross_entropy_index(z[b, i, w], targets[b, i], over=w), "losses"),
        Let(L, masked_mean(l[b, i], mask[b, i], over=((b, i),)), "mean of those that count"),
    ),
    numpy=head_forward,
    about="The loss of the next token, averaged over the positions whose targets count.",
    source="Radford et al., 2019",
)


def per_layer(name: str, *inputs: str, axes: str, axis: int = 0) -> Parameter:
    groups = tuple(tuple(group.split()) for group in axes.split(","))
    return Parameter(name, LAYER, inputs, groups, axis)


def gpt2() -> Model:
    """GPT-2 as in Hugging Face's checkpoints; the head is tied to the embedding by default."""
    return Model(
        name="gpt2",
        title="GPT-2",
        embed=gpt2_embed,
        stack=Scan(gpt2_block, "x", Dim("n_layer", "layers")),
        head=gpt2_head,
        settings=(
            Setting("n_layer", "n_layer"),
            Setting("c", "n_embd"),
            Setting("h", "n_head"),
            Setting("d", exact=("c", "h")),
            Setting("f", "n_inner", default="4 * c"),
            Setting("v", "vocab_size"),
            Setting("p", "n_positions"),
            Setting("eps", "layer_norm_epsilon", default="1e-5"),
        ),
        parameters=(
            Parameter("transformer.wte.weight", EMBED, ("W_E",), (("v",), ("c",))),
            Parameter("transformer.wpe.weight", EMBED, ("W_P",), (("p",), ("c",)), rows="p"),
            per_layer("ln_1.weight", "gamma_1", axes="c"),
            per_layer("ln_1.bias", "beta_1", axes="c"),
            per_layer("attn.c_attn.weight", "W_Q", "W_K", "W_V", axes="c, h d", axis=1),
            per_layer("attn.c_attn.bias", "b_Q", "b_K", "b_V", axes="h d"),
            per_layer("attn.c_proj.weight", "W_O", axes="h d, c"),
            per_layer("attn.c_proj.bias", "b_O", axes="c"),
            per_layer("ln_2.weight", "gamma_2", axes="c"),
            per_layer("ln_2.bias", "beta_2", axes="c"),
            per_layer("mlp.c_fc.weight", "W_1", axes="c, f"),
            per_layer("mlp.c_fc.bias", "b_1", axes="f"),
            per_layer("mlp.c_proj.weight", "W_2", axes="f, c"),
            per_layer("mlp.c_proj.bias", "b_2", axes="c"),
            Parameter("transformer.ln_f.weight", HEAD, ("gamma",), (("c",),)),
            Parameter("transformer.ln_f.bias", HEAD, ("beta",), (("c",),)),
            Parameter("lm_head.weight", HEAD, ("W_E",), (("v",), ("c",))),
        ),
        layers="transformer.h.{layer}.",
        tied=True,
        table="transformer.wte.weight",
        example={
            "n_layer": 2,
            "n_embd": 6,
            "n_head": 2,
            "n_inner": 5,
            "vocab_size": 7,
            "n_positions": 5,
        },
        assumptions=(
            # Two names of one function.
            Assumption("activation_function", ('"gelu_new"', '"gelu_pytorch_tanh"')),
            Assumption("scale_attn_weights", ("True",)),
            Assumption("scale_attn_by_inverse_layer_idx", ("False",)),
            Assumption("add_cross_attention", ("False",)),
        ),
        source="Radford et al., 2019",
    )
