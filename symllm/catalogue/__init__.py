"""The catalogue: one file per op, in the order of the book.

To add an op, write its file and add its line here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from ..errors import UnknownName
from ..op import Op

#: Each op's name, and the module of this folder that defines it.
CONTENTS: dict[str, str] = {
    "softmax": "softmax",
    "log_softmax": "log_softmax",
    "logsumexp": "logsumexp",
    "masked_softmax": "masked_softmax",
    "cross_entropy": "cross_entropy",
    "cross_entropy_index": "cross_entropy_index",
    "label_smoothing": "label_smoothing",
    "z_loss": "z_loss",
    "kl_divergence": "kl_divergence",
    "jensen_shannon": "jensen_shannon",
    "distillation": "distillation",
    "mse": "mse",
    "masked_mean": "masked_mean",
    "layer_norm": "layer_norm",
    "rms_norm": "rms_norm",
    "embedding": "embedding",
    "cosine_similarity": "cosine_similarity",
    "weight_tying": "weight_tying",
    "linear": "linear",
    "projection": "projection",
    "lora": "lora",
    "relu": "activations",
    "sigmoid": "activations",
    "tanh": "activations",
    "softplus": "activations",
    "gelu": "activations",
    "gelu_tanh": "activations",
    "silu": "activations",
    "swiglu": "gated",
    "geglu": "gated",
    "dropout": "dropout",
    "sinusoidal_positions": "sinusoidal_positions",
    "rope": "rope",
    "rope_halves": "rope",
    "softcap": "softcap",
    "attention": "attention",
    "causal_attention": "causal_attention",
    "masked_attention": "masked_attention",
    "alibi": "alibi",
    "sliding_window": "sliding_window",
    "linear_attention": "linear_attention",
    "multi_head_attention": "multi_head_attention",
    "grouped_query_attention": "grouped_query_attention",
    "mlp": "mlp",
    "gpt2_block": "gpt2_block",
    "llama_block": "llama_block",
    "top_k_gate": "top_k_gate",
    "mixture_of_experts": "mixture_of_experts",
    "moe_block": "moe_block",
    "load_balancing": "load_balancing",
    "dpo": "dpo",
    "ppo_clip": "ppo_clip",
    "grpo": "grpo",
    "clip_by_global_norm": "clip_by_global_norm",
    "sgd": "optimizers",
    "momentum": "optimizers",
    "nesterov": "optimizers",
    "adam": "optimizers",
    "adamw": "optimizers",
    "lion": "optimizers",
}


class Catalogue(Mapping[str, Op]):
    """Ops by name: ``ops.layer_norm`` or ``ops["layer_norm"]``; loaded when asked for."""

    def __init__(self, contents: Mapping[str, str]) -> None:
        self._contents = dict(contents)

    def __getitem__(self, name: str) -> Op:
        if name not in self._contents:
            raise UnknownName("op", name, self._contents)
        op = getattr(import_module(f".{self._contents[name]}", __name__), name)
        assert isinstance(op, Op)
        return op

    def __getattr__(self, name: str) -> Op:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._contents)

    def __len__(self) -> int:
        return len(self._contents)

    def __contains__(self, name: object) -> bool:
        return name in self._contents

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._contents]

    def __repr__(self) -> str:
        return f"ops({', '.join(self._contents)})"


ops = Catalogue(CONTENTS)
