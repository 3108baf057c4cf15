"""Generated modules, and small checkpoints to run them on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from symllm import models

TARGETS = ("numpy", "torch", "jax")

#: The smallest configurations in which no two sizes that could be confused are equal.
SMALL: dict[str, dict[str, Any]] = {
    "gpt2": {
        "n_layer": 2, "n_head": 2, "n_embd": 8, "vocab_size": 11, "n_positions": 7,
        "tie_word_embeddings": True,
    },
    "llama": {
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        "hidden_size": 16, "intermediate_size": 10, "vocab_size": 11,
        "max_position_embeddings": 32, "tie_word_embeddings": False,
    },
}  # fmt: skip


@cache
def source(name: str, target: str) -> str:
    return models.MODELS[name]().code(target)


def module(name: str, target: str) -> ModuleType:
    """A module of its own for each caller, so that what is planted in it stays there."""
    made = ModuleType(f"{name}_{target}")
    exec(compile(source(name, target), f"<{name} in {target}>", "exec"), made.__dict__)
    return made


def drawn(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: 0.3 * rng.normal(size=shape) for name, shape in shapes.items()}


def converter(target: str) -> Callable[..., Any]:
    """What makes an array of the target's library of a NumPy array."""
    if target == "torch":
        import torch

        return torch.tensor
    if target == "jax":
        import jax.numpy as jnp

        return jnp.asarray
    return np.asarray


def small(name: str, target: str, **fields: Any) -> dict[str, Any]:
    """The arguments of ``forward`` for a small model, whose tokens and targets fit."""
    config = {**SMALL[name], **fields}
    make = converter(target)
    rng = np.random.default_rng(1)
    params = drawn(module(name, target).shapes(config))
    return {
        "params": {n: make(a) for n, a in params.items()},
        "tokens": make(rng.integers(0, 11, (2, 5))),
        "targets": make(rng.integers(0, 11, (2, 5))),
        "config": config,
    }


def as_numpy(array: Any) -> np.ndarray:
    if hasattr(array, "detach"):
        array = array.detach().cpu()
        array = array.float() if str(array.dtype) == "torch.bfloat16" else array
    return np.asarray(array)
