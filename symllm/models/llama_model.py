"""Llama (Touvron et al., 2023), with the names of Hugging Face's checkpoints.

Their queries and keys are laid out for rotary embedding by halves.
"""

from typing import Any

import numpy as np

from ..catalogue.cross_entropy_index import cross_entropy_index
from ..catalogue.embedding import embedding
from ..catalogue.llama_block import llama_block
from ..catalogue.masked_mean import masked_mean
from ..catalogue.projection import projection
from ..catalogue.rms_norm import rms_norm
from ..equation import Let
from ..notation import Dim, Tensor, matrix, scalar
from ..op import Op
from .architecture import EMBED, HEAD, Assumption, Parameter, Setting
from .gpt2_model import per_layer
from .model import Model
from .scan import Scan

B, n, c, v = (Dim(name) for name in ("B", "n", "c", "v"))
(b,), (i,), (a,), (w,) = B.indices("b"), n.indices("i"), c.indices("a"), v.indices("w")
W_E = matrix("W_E", v, c, role="parameter")
tokens = n.vector("t", role="target", domain=v)
x = matrix("x", n, c)


def embed_forward(t: np.ndarray, W_E: np.ndarray) -> Any:
    return np.stack([W_E[token] for token in t])


llama_embed = Op(
    name="llama_embed",
    title="Llama's embedding",
    inputs=(tokens, W_E),
    equations=(
        Let(x[i, a], embedding(tokens[i], W_E[w, a], over=(i, w, a)), "rows of the tokens"),
    ),
    numpy=embed_forward,
    about="A token enters as a row of its own; positions come in as rotations later.",
    source="Touvron et al., 2023",
)

x, F = Tensor("x", (B, n, c)), Tensor("F", (B, n, c))
gamma = c.vector("gamma", role="parameter")
W_H = matrix("W_H", v, c, role="parameter")
targets = Tensor("t", (B, n), "target", v)
mask = Tensor("mask", (B, n), "target", "binary")
z, l, L = Tensor("z", (B, n, v)), Tensor("l", (B, n)), scalar("L")
eps = scalar("eps", role="constant", domain="positive")


def head_forward(
    x: np.ndarray, gamma: np.ndarray, W_H: np.ndarray, t: np.ndarray, mask: np.ndarray, eps: float
) -> Any:
    losses = []
    for row in zip(*np.nonzero(mask), strict=True):
        logits = W_H @ (gamma * x[row] / np.sqrt((x[row] ** 2).mean() + eps))
        losses.append(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[t[row]])
    return np.mean(losses)


llama_head = Op(
    name="llama_head",
    title="Llama's head",
    inputs=(x, gamma, W_H, targets, mask, eps),
    equations=(
        Let(F[b, i, a], rms_norm(x[b, i, a], gamma[a], eps, over=a), "normalised"),
        Let(z[b, i, w], projection(F[b, i, a], W_H[w, a], over=(a, w)), "logits"),
        Let(l[b, i], cross_entropy_index(z[b, i, w], targets[b, i], over=w), "losses"),
        Let(L, masked_mean(l[b, i], mask[b, i], over=((b, i),)), "mean of those that count"),
    ),
    numpy=head_forward,
    about="The loss of the next token, averaged over the positions whose targets count.",
    source="Touvron et al., 2023",
)


def llama() -> Model:
    """Llama as in Hugging Face's checkpoints; the head has a table of its own by default."""
    return Model(
        name="llama",
        title="Llama",
        embed=llama_embed,
        stack=Scan(llama_block, "x", Dim("n_layer", "layers")),
        head=llama_head,
        settings=(
            Setting("n_layer", "num_hidden_layers"),
            Setting("c", "hidden_size"),
            Setting("h", "num_attention_heads"),
            Setting("g", "num_key_value_heads", default="h"),
            Setting("u", exact=("h", "g")),
            Setting("e", "head_dim", exact=("c", "h")),
            Setting("m", exact=("e", "2")),
            Setting("f", "intermediate_size"),
            Setting("v", "vocab_size"),
            Setting("eps", "rms_norm_eps", default="1e-6"),
            Setting("base", "rope_theta", default="10000.0", inside="rope_parameters"),
        ),
        parameters=(
            Parameter("model.embed_tokens.weight", EMBED, ("W_E",), (("v",), ("c",))),
            per_layer("input_layernorm.weight", "gamma_1", axes="c"),
            per_layer("self_attn.q_proj.weight", "W_Q", axes="g u 2 m, c"),
            per_layer("self_attn.k_proj.weight", "W_K", axes="g 2 m, c"),
            per_layer("self_attn.v_proj.weight", "W_V", axes="g e, c"),
            per_layer("self_attn.o_proj.weight", "W_O", axes="c, g u e"),
            per_layer("post_attention_layernorm.weight", "gamma_2", axes="c"),
            per_layer("mlp.gate_proj.weight", "W_G", axes="f, c"),
            per_layer("mlp.up_proj.weight", "W_U", axes="f, c"),
            per_layer("mlp.down_proj.weight", "W_D", axes="c, f"),
            Parameter("model.norm.weight", HEAD, ("gamma",), (("c",),)),
            Parameter("lm_head.weight", HEAD, ("W_H",), (("v",), ("c",))),
        ),
        layers="model.layers.{layer}.",
        tied=False,
        table="model.embed_tokens.weight",
        example={
            "num_hidden_layers": 2,
            "hidden_size": 6,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "head_dim": 4,
            "intermediate_size": 5,
            "vocab_size": 7,
        },
        assumptions=(
            Assumption("hidden_act", ('"silu"',)),
            Assumption("attention_bias", ("False",)),
            Assumption("mlp_bias", ("False",)),
            Assumption("rope_type", ('"default"',)),
            Assumption("rope_scaling", ("None",)),
            Assumption("partial_rotary_factor", ("1.0",)),
        ),
        source="Touvron et al., 2023",
    )
