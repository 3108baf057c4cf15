"""What does not fit a generated model is refused, with a message that names it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from generated import TARGETS, converter, module, small

pytest.importorskip("torch")
pytest.importorskip("jax")


def without(name: str) -> Any:
    return lambda given: {
        **given,
        "params": {k: v for k, v in given["params"].items() if k != name},
    }


def transposed(name: str) -> Any:
    return lambda given: {**given, "params": {**given["params"], name: given["params"][name].T}}


def config(*missing: str, **fields: Any) -> Any:
    def changed(given: dict[str, Any]) -> dict[str, Any]:
        kept = {k: v for k, v in given["config"].items() if k not in missing}
        return {**given, "config": {**kept, **fields}}

    return changed


def entry(name: str, at: tuple[int, int], value: int) -> Any:
    """One token or target changed."""

    def changed(given: dict[str, Any]) -> dict[str, Any]:
        rows = given[name].tolist()
        rows[at[0]][at[1]] = value
        return {**given, name: given["make"](rows)}

    return changed


def filled(value: Any, *shape: int, names: tuple[str, ...] = ("tokens", "targets")) -> Any:
    def rows(sizes: tuple[int, ...]) -> Any:
        return [rows(sizes[1:]) for _ in range(sizes[0])] if sizes else value

    return lambda given: {**given, **{name: given["make"](rows(shape)) for name in names}}


#: What is done to arguments that fit, and what the message must say.
BAD: dict[str, tuple[str, Any, str]] = {
    "heads": ("gpt2", config(n_head=3), "n_embd is 8, which is no multiple of n_head, 3"),
    "heads of llama": (
        "llama",
        config(num_attention_heads=5, num_key_value_heads=5),
        "hidden_size is 16, which is no multiple of num_attention_heads, 5",
    ),
    "groups": (
        "llama",
        config(num_key_value_heads=3),
        "num_attention_heads is 4, which is no multiple of num_key_value_heads, 3",
    ),
    "half a pair": ("llama", config(head_dim=5), "head_dim is 5, which is no multiple of 2"),
    "no head": ("gpt2", config(n_head=0), "n_head is 0, which is no positive number"),
    "a word": ("gpt2", config(n_layer="2"), "n_layer is '2', which is no positive number"),
    "a field": ("gpt2", config("n_embd"), "config has no 'n_embd'; it has 'n_layer', 'n_head'"),
    "a field of llama": ("llama", config("hidden_size"), "config has no 'hidden_size'"),
    "another model": (
        "gpt2",
        config(activation_function="relu"),
        "activation_function is 'relu'; here it is 'gelu_new'",
    ),
    "another rotation": (
        "llama",
        config(rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0}),
        "rope_type is 'llama3'; here it is 'default'",
    ),
    "a bias": ("llama", config(attention_bias=True), "attention_bias is True; here it is False"),
    "a parameter": (
        "gpt2",
        without("transformer.h.1.mlp.c_fc.bias"),
        "params has no 'transformer.h.1.mlp.c_fc.bias', which has shape (32,)",
    ),
    "the table": (
        "llama",
        without("model.embed_tokens.weight"),
        "params has no 'model.embed_tokens.weight', which has shape (11, 16)",
    ),
    "the head's table": ("llama", without("lm_head.weight"), "params has no 'lm_head.weight'"),
    "a shape": (
        "gpt2",
        transposed("transformer.h.0.mlp.c_fc.weight"),
        "'transformer.h.0.mlp.c_fc.weight' has shape (32, 8), but the config says (8, 32)",
    ),
    "a shape of llama": (
        "llama",
        transposed("model.layers.1.mlp.up_proj.weight"),
        "'model.layers.1.mlp.up_proj.weight' has shape (16, 10), but the config says (10, 16)",
    ),
    "more layers": ("llama", config(num_hidden_layers=3), "params has no 'model.layers.2."),
    "a token": ("gpt2", entry("tokens", (1, 3), 11), "tokens[1, 3] is 11, but vocab_size is 11"),
    "a negative token": ("llama", entry("tokens", (0, 2), -1), "tokens[0, 2] is -1, but"),
    "an ignored token": ("llama", entry("tokens", (0, 2), -100), "tokens[0, 2] is -100, but"),
    "a target": ("gpt2", entry("targets", (1, 4), 12), "targets[1, 4] is 12, but"),
    "a negative target": ("llama", entry("targets", (0, 0), -1), "targets[0, 0] is -1, but"),
    "one row": ("gpt2", filled(1, 5), "one shape [B, T], but were given with shapes (5,) and (5,)"),
    "no rows": ("llama", filled(1, 0, 5), "but were given with shapes (0,"),
    "other targets": (
        "gpt2", filled(1, 2, 4, names=("targets",)), "with shapes (2, 5) and (2, 4)"
    ),
    "fractions": ("gpt2", filled(1.0, 2, 5, names=("tokens",)), "tokens are integers"),
    "truth values": ("llama", filled(True, 2, 5, names=("targets",)), "targets are integers"),
    "positions": ("gpt2", filled(1, 2, 8), "tokens have 8 positions, but n_positions is 7"),
    "nothing counts": ("llama", filled(-100, 2, 5, names=("targets",)), "every target is -100"),
}  # fmt: skip


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", BAD)
def test_the_message_says_what_does_not_fit(name: str, target: str) -> None:
    model, change, message = BAD[name]
    given = change({**small(model, target), "make": converter(target)})
    del given["make"]
    with pytest.raises(ValueError, match=re.escape(message)):
        module(model, target).forward(**given)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("model", ["gpt2", "llama"])
def test_what_fits_is_not_refused(model: str, target: str) -> None:
    """And what is not the model's business is not looked at."""
    given = small(model, target, hidden_dropout=0.1, rope_parameters=None)
    make = converter(target)
    given["params"]["position_ids"] = make([0, 1, 2])
    given = entry("targets", (0, 0), -100)({**given, "make": make})
    del given["make"]
    loss, cache = module(model, target).forward(**given)
    assert float(loss) > 0
    assert "position_ids" not in module(model, target).backward(given["params"], cache)


def test_a_torch_module_refuses_what_does_not_fit() -> None:
    given = without("lm_head.weight")(small("llama", "torch"))
    with pytest.raises(ValueError, match=r"params has no 'lm_head\.weight'"):
        module("llama", "torch").Llama(given["params"], given["config"])
