"""What people call the quantities of an op."""

from __future__ import annotations

import pytest

from symllm import ops
from symllm.claims.calling.matching import Vocabulary, matched
from symllm.claims.question import question

#: Names that code in the wild uses, and what they mean; "" where it has to be said.
MEANT: dict[tuple[str, str, str], str] = {
    ("layer_norm", "N", "DY X W Mean Rstd N"): "dy x gamma mu r N",
    ("layer_norm", "N", "dout x gamma mean inv_var"): "dy x gamma mu r",
    ("layer_norm", "N", "DX DW DB DY X W"): "dx dgamma dbeta dy x gamma",
    ("layer_norm", "N", "g x mu sigma gamma epsilon"): "dy x mu std gamma eps",
    ("layer_norm", "B,T", "dinp inp weight rstd B T C"): "dx x gamma r B T d",
    ("rms_norm", "N", "dy hidden_states weight variance_epsilon"): "dy x gamma eps",
    ("rms_norm", "N", "dy x g rms n_embd"): "dy x gamma std d",
    ("linear", "B,T", "dinp dweight dbias dout B T C OC"): "dx dW db dy B T m n",
    ("linear", "N", "delta a W"): "dy x W",
    ("linear", "N", "x gx gy gw W_grad"): "x dx dy dW ",
    ("softmax", "N", "grad s dim"): "dp p n",
    ("log_softmax", "N", "dy output probs"): "dy y p",
    ("cross_entropy_index", "B,T", "dlogits dlosses probs targets V"): "dz dL p t n",
    ("cross_entropy_index", "N", "yhat y N"): "p t N",
    ("cross_entropy", "N", "y_pred y_true"): "p y",
    ("mse", "N", "y_pred y_true"): "x y",
    ("attention", "B", "do q k v o lse softmax_scale"): "dO Q K V O lse scale",
    ("attention", "B", "query key value attn_weights scores"): "Q K V P S",
    ("causal_attention", "B", "dpreatt datt dout att"): "dS dP dO P",
    ("gelu_tanh", "N", "dY X"): "dy x",
    ("swiglu", "N", "grad x1 x2"): "dy gate up",
    ("distillation", "N", "student teacher T"): "z v tau",
    ("lora", "N", "dy x lora_A lora_B scaling"): "dy x A B scaling",
    ("mlp", "N", "dout w1 b1 w2 dw2"): "dy W_1 b_1 W_2 dW_2",
    ("multi_head_attention", "B", "x Wq Wo dWq"): "X W_Q W_O dW_Q",
    ("relu", "N", "dout flavour"): "dy ",
}


@pytest.mark.parametrize("case", MEANT, ids=" ".join)
def test_names_are_understood(case: tuple[str, str, str]) -> None:
    op, batch, names = case
    vocabulary = Vocabulary(question(ops[op].batched(*batch.split(",")), unit=False))
    found = matched(names.split(), vocabulary)
    meant = [getattr(found.get(name), "name", "") for name in names.split()]
    assert dict(zip(names.split(), meant, strict=True)) == dict(
        zip(names.split(), MEANT[case].split(" "), strict=True)
    )
