"""Generated models against Hugging Face's, with random weights: the loss and every gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from generated import SMALL, TARGETS, as_numpy, converter, module

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
modeling_llama = pytest.importorskip("transformers.models.llama.modeling_llama")


@dataclass(frozen=True)
class Case:
    """A configuration that differs from the small one, a batch, and targets that do not count."""

    model: str
    config: dict[str, Any] = field(default_factory=dict)
    batch: int = 2
    length: int = 5
    ignored: tuple[tuple[int, int], ...] = ()
    #: Fields as an older configuration has them: what the generated module is given instead.
    spelled: dict[str, Any] = field(default_factory=dict)


UNTIED, TIED = {"tie_word_embeddings": False}, {"tie_word_embeddings": True}
THETA = {"rope_parameters": {"rope_type": "default", "rope_theta": 50.0}}

CASES = {
    "gpt2": Case("gpt2"),
    "gpt2, a head of its own": Case("gpt2", UNTIED),
    "gpt2, one layer, one head": Case("gpt2", {"n_layer": 1, "n_head": 1}),
    "gpt2, heads of width one": Case("gpt2", {"n_head": 8}),
    "gpt2, odd sizes": Case("gpt2", {"n_embd": 9, "n_head": 3, "vocab_size": 13, "n_layer": 3}),
    "gpt2, all positions": Case("gpt2", batch=1, length=7),
    "gpt2, one position": Case("gpt2", batch=3, length=1),
    "gpt2, targets ignored": Case("gpt2", batch=3, ignored=((0, 0), (0, 4), (2, 1))),
    "gpt2, one target counts": Case("gpt2", length=2, ignored=((0, 0), (0, 1), (1, 0))),
    "gpt2, a width inside": Case("gpt2", {"n_inner": 5}),
    "gpt2, another epsilon": Case("gpt2", {"layer_norm_epsilon": 0.1}),
    "gpt2, defaults left out": Case(
        "gpt2",
        spelled=dict.fromkeys(("n_inner", "layer_norm_epsilon", "tie_word_embeddings")),
    ),
    "llama": Case("llama"),
    "llama, one group": Case("llama", {"num_key_value_heads": 1}),
    "llama, every head a group": Case("llama", {"num_key_value_heads": 4}),
    "llama, tied": Case("llama", TIED),
    "llama, tied, odd sizes": Case(
        "llama",
        {**TIED, "hidden_size": 9, "num_attention_heads": 9, "num_key_value_heads": 3,
         "head_dim": 2, "intermediate_size": 7, "vocab_size": 13, "num_hidden_layers": 3},
        batch=3,
        length=7,
    ),
    "llama, a width of heads": Case("llama", {"head_dim": 6}),
    "llama, one position": Case("llama", batch=3, length=1),
    "llama, targets ignored": Case("llama", batch=3, ignored=((0, 0), (0, 4), (2, 1))),
    "llama, another epsilon": Case("llama", {"rms_norm_eps": 0.1}),
    "llama, base inside": Case("llama", THETA),
    "llama, base at the top": Case(
        "llama", THETA, spelled={"rope_parameters": None, "rope_theta": 50.0}
    ),
    "llama, defaults left out": Case(
        "llama",
        {"num_key_value_heads": 4},
        spelled=dict.fromkeys(
            ("num_key_value_heads", "head_dim", "rms_norm_eps", "rope_parameters",
             "tie_word_embeddings")
        ),
    ),
}  # fmt: skip


def rms_norm(self: Any, x: Any) -> Any:
    mean = x.pow(2).mean(-1, keepdim=True)
    return self.weight * (x * torch.rsqrt(mean + self.variance_epsilon))


def angles(self: Any, x: Any, position_ids: Any) -> Any:
    config = self.config
    width = config.head_dim or config.hidden_size // config.num_attention_heads
    base = config.rope_parameters["rope_theta"]
    turns = base ** (-torch.arange(0, width, 2, dtype=x.dtype) / width)
    theta = torch.cat([position_ids[:, :, None] * turns] * 2, -1)
    return theta.cos(), theta.sin()


@pytest.fixture(autouse=True)
def _double_precision(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hugging Face's Llama computes norms and angles in single precision; here it does not."""
    monkeypatch.setattr(modeling_llama.LlamaRMSNorm, "forward", rms_norm)
    monkeypatch.setattr(modeling_llama.LlamaRotaryEmbedding, "forward", angles)
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


# --------------------------------------------------------------------------
# Both, and how they differ
# --------------------------------------------------------------------------


@dataclass(frozen=True)
class Reference:
    """A model of Hugging Face's that was run: what it was given, and what came out."""

    model: Any
    tokens: np.ndarray
    targets: np.ndarray
    config: dict[str, Any]
    loss: float
    grads: dict[str, np.ndarray]

    @property
    def params(self) -> dict[str, np.ndarray]:
        return {name: as_numpy(p) for name, p in self.model.named_parameters()}


def reference(case: Case) -> Reference:
    fields = {**SMALL[case.model], **case.config, "attn_implementation": "sdpa"}
    fields |= {"bos_token_id": None, "eos_token_id": None}
    if case.model == "gpt2":
        fields |= {"attn_pdrop": 0, "embd_pdrop": 0, "resid_pdrop": 0}
        model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**fields))
    else:
        model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**fields))
    model = model.double()
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.tensor(0.3 * rng.normal(size=tuple(p.shape))))
    size = fields["vocab_size"]
    tokens, targets = rng.integers(0, size, (2, case.batch, case.length))
    for at in case.ignored:
        targets[at] = -100
    logits = model(input_ids=torch.tensor(tokens)).logits
    loss = torch.nn.functional.cross_entropy(
        logits.reshape(-1, size), torch.tensor(targets).reshape(-1), ignore_index=-100
    )
    loss.backward()
    grads = {name: as_numpy(p.grad) for name, p in model.named_parameters()}
    config = {**model.config.to_dict(), **case.spelled}
    return Reference(model, tokens, targets, config, loss.item(), grads)


def computed(made: Any, target: str, given: Reference, **kind: Any) -> tuple[Any, dict[str, Any]]:
    make = converter(target)
    params = {name: make(a, **kind) for name, a in given.params.items()}
    tokens, targets = make(given.tokens), make(given.targets)

    def both(params: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        loss, cache = made.forward(params, tokens, targets, given.config)
        return loss, made.backward(params, cache)

    # Compiled as a whole JAX takes a second, and call by call several.
    return pytest.importorskip("jax").jit(both)(params) if target == "jax" else both(params)


def disagreements(given: Reference, loss: Any, grads: dict[str, Any]) -> list[str]:
    """What differs by more than 1e-9 of the largest entry; a gradient of zero, by rounding."""
    found = [] if abs(float(as_numpy(loss)) - given.loss) <= 1e-9 * given.loss else ["loss"]
    largest = max(np.abs(g).max() for g in given.grads.values())
    for name in sorted(given.grads.keys() | grads.keys()):
        if name not in grads or name not in given.grads:
            found.append(name)
            continue
        expected, value = given.grads[name], as_numpy(grads[name])
        bound = 1e-9 * np.abs(expected).max() + 1e-15 * largest
        if value.shape != expected.shape or not np.abs(value - expected).max() <= bound:
            found.append(name)
    return found


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CASES)
def test_loss_and_gradients_agree(name: str, target: str) -> None:
    given = reference(CASES[name])
    made = module(CASES[name].model, target)
    loss, grads = computed(made, target, given)
    assert grads.keys() == given.grads.keys()
    assert disagreements(given, loss, grads) == []


# --------------------------------------------------------------------------
# Planted mistakes
# --------------------------------------------------------------------------


def negated(function: Any) -> Any:
    """The last gradient with the wrong sign."""

    def wrong(saved: Any, upstream: Any) -> Any:
        *before, last = function(saved, upstream)
        return *before, -last

    return wrong


def backwards_in_time(function: Any) -> Any:
    """Attention to what comes later instead of what came before."""

    def wrong(*given: Any) -> Any:
        return function(*(x.flip(-2) for x in given)).flip(-2)

    return wrong


def turned_back(function: Any) -> Any:
    return lambda x, pos, base: function(x, -pos, base)


def nothing(function: Any) -> Any:
    return lambda saved, upstream: 0 * function(saved, upstream)


def all_count(function: Any) -> Any:
    return lambda x, m: function(x, m**0)


def without_residual(function: Any) -> Any:
    """The gradient of the stream without the part that flows past the layer."""

    def wrong(saved: Any, upstream: Any) -> Any:
        dx, *rest = function(saved, upstream)
        return (dx - upstream, *rest)

    return wrong


MISTAKES: dict[str, tuple[str, str, str, Callable[[Any], Any]]] = {
    "a sign": ("gpt2", "numpy", "layer_norm_backward", negated),
    "a sign in a product": ("llama", "numpy", "projection_backward", negated),
    "a table's first part": ("gpt2", "numpy", "embedding_backward", nothing),
    "a stream that is cut": ("llama", "numpy", "llama_block_backward", without_residual),
    "all targets": ("gpt2", "numpy", "masked_mean_forward", all_count),
    "the mask": ("gpt2", "torch", "causal_attention", backwards_in_time),
    "a turn": ("llama", "torch", "rope_halves_bg", turned_back),
    "a turn in numpy": ("llama", "numpy", "rope_halves_bgu_forward", turned_back),
    "all targets in jax": ("llama", "jax", "masked_mean", all_count),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_planted_mistake_is_seen(name: str) -> None:
    model, target, function, wrong = MISTAKES[name]
    given = reference(CASES[f"{model}, targets ignored"])
    made = module(model, target)
    assert disagreements(given, *computed(made, target, given)) == []
    setattr(made, function, wrong(getattr(made, function)))
    assert disagreements(given, *computed(made, target, given)) != []


# --------------------------------------------------------------------------
# Other precisions, and the libraries' own ways
# --------------------------------------------------------------------------

PRECISIONS = {
    "torch float32": ("torch", torch.float32, 1e-5),
    "torch bfloat16": ("torch", torch.bfloat16, 0.03),
    "jax float32": ("jax", "float32", 1e-5),
    "jax bfloat16": ("jax", "bfloat16", 0.03),
    "numpy float32": ("numpy", np.dtype("float32"), 1e-5),
}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("model", SMALL)
def test_precision_is_that_of_the_parameters(model: str, precision: str) -> None:
    target, dtype, close = PRECISIONS[precision]
    given = reference(CASES[f"{model}, targets ignored"])
    loss, grads = computed(module(model, target), target, given, dtype=dtype)
    assert abs(float(as_numpy(loss)) - given.loss) <= close * given.loss
    assert {str(a.dtype) for a in (loss, *grads.values())} == {str(dtype)}
    for name, gradient in grads.items():
        expected = given.grads[name]
        scale = max(np.abs(expected).max(), 1e-3)
        assert np.abs(as_numpy(gradient) - expected).max() <= 10 * close * scale, name


CLASSES = {"gpt2": "GPT2", "llama": "Llama"}


@pytest.mark.parametrize("model", SMALL)
def test_a_torch_module_has_the_checkpoint_s_names(model: str) -> None:
    given = reference(CASES[f"{model}, targets ignored"])
    made = module(model, "torch")
    state = given.model.state_dict()
    net = getattr(made, CLASSES[model])(state, given.config)
    assert {n: tuple(p.shape) for n, p in net.state_dict().items()} == {
        n: p.shape for n, p in given.params.items()
    }
    loss = net(given.tokens, given.targets)
    loss.backward()
    grads = {name: p.grad for name, p in net.named_parameters()}
    assert disagreements(given, loss, grads) == []
    torch.optim.SGD(net.parameters(), lr=0.01).step()
    assert float(as_numpy(net(given.tokens, given.targets))) < given.loss
    assert all(torch.equal(state[n], p) for n, p in given.model.state_dict().items())


@pytest.mark.parametrize("model", SMALL)
def test_jax_compiles_and_differentiates_the_loss(model: str) -> None:
    jax = pytest.importorskip("jax")
    given = reference(CASES[f"{model}, targets ignored"])
    made = module(model, "jax")

    def loss(params: Any, tokens: Any, targets: Any) -> Any:
        return made.loss(params, tokens, targets, given.config)

    params = {name: jax.numpy.asarray(a) for name, a in given.params.items()}
    found = jax.jit(jax.value_and_grad(loss))(params, given.tokens, given.targets)
    assert disagreements(given, *found) == []
    closed = jax.jit(jax.value_and_grad(lambda p: loss(p, given.tokens, given.targets)))(params)
    assert disagreements(given, *closed) == []
