"""The examples do what they say: they run, and they learn what PyTorch learns."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
import train_gpt

STEPS = 100
RATE = 3e-3
TEXT = 20 * "She sells sea shells by the sea shore; the shells she sells are sea shells, sure.\n"


def start(dtype: Any = np.float64) -> tuple[Any, dict[str, Any], Any]:
    """Parameters, configuration and batches: the same at every call."""
    text, rng = train_gpt.encoded(TEXT), np.random.default_rng(1)
    config = train_gpt.configuration(text.alphabet, width=16, layers=2, length=12)
    parameters = train_gpt.Parameters(config, rng, dtype)
    return parameters, config, train_gpt.batches(text.tokens, 4, 12, rng)


def generated() -> list[float]:
    parameters, config, batches = start()
    return list(islice(train_gpt.losses(parameters, batches, config, RATE), STEPS))


def in_pytorch(torch: Any, transformers: Any) -> Iterator[float]:
    """The losses of Hugging Face's model and PyTorch's AdamW, from the same start."""
    parameters, config, batches = start()
    unused = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), 0.0)
    tokens = dict.fromkeys(("bos_token_id", "eos_token_id"), None)
    settings = transformers.GPT2Config(**config, **unused, **tokens, attn_implementation="eager")
    model = transformers.GPT2LMHeadModel(settings).double()
    given = {name: torch.tensor(array) for name, array in parameters.named.items()}
    missing, unexpected = model.load_state_dict(given, strict=False)
    assert (missing, unexpected) == (["lm_head.weight"], [])  # it is the embedding's
    own = train_gpt.ADAMW
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=RATE,
        betas=(own["beta1"], own["beta2"]),
        eps=own["eps"],
        weight_decay=own["weight_decay"],
    )
    for tokens, targets in islice(batches, STEPS):
        logits = model(input_ids=torch.tensor(tokens)).logits
        loss = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), torch.tensor(targets.ravel())
        )
        yield loss.item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def test_the_loss_falls_as_it_does_in_pytorch() -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    own, theirs = generated(), list(in_pytorch(torch, transformers))
    assert len(own) == len(theirs) == STEPS
    assert np.mean(own[-10:]) < 0.75 * own[0]
    np.testing.assert_allclose(own, theirs, rtol=0, atol=1e-6)


def test_the_command_trains(tmp_path: Path) -> None:
    out = tmp_path / "loss.svg"
    options = ("--steps", "3", "--width", "8", "--layers", "1", "--length", "8", "--rows", "2")
    results = [CliRunner().invoke(train_gpt.main, [*options, "--out", str(out)]) for _ in range(2)]
    first, again = (result.output.splitlines() for result in results)
    assert [result.exit_code for result in results] == [0, 0]
    assert first[0] == again[0]
    assert [line for line in first if line.startswith("loss")] == [
        line for line in again if line.startswith("loss")
    ]


def test_the_picture_is_the_same_each_time(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for suffix in (".svg", ".png"):
        paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
        for path in paths:
            train_gpt.plot([3.0, 2.5, 2.0], path)
        first, again = (path.read_bytes() for path in paths)
        assert first == again
        assert len(first) > 1000


def test_without_matplotlib_it_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_gpt, "matplotlib", None)
    out = tmp_path / "loss.svg"
    options = ("--steps", "1", "--width", "8", "--layers", "1", "--length", "8", "--rows", "2")
    result = CliRunner().invoke(train_gpt.main, [*options, "--out", str(out)])
    assert result.exit_code == 0
    assert "pip install 'symllm[examples]'" in result.output
    assert not out.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--width", "10"), "10 is no multiple of 4"),
        (("--out", "loss.gif"), "loss.gif ends neither in .svg nor in .png"),
        (("--out", "nowhere/loss.svg"), "there is no folder nowhere"),
        (("--length", "10000000"), "10000000, but the text has"),
        (("--steps", "0"), "0 is not in the range"),
    ],
)
def test_what_it_cannot_do_it_says(options: tuple[str, ...], message: str) -> None:
    result = CliRunner().invoke(train_gpt.main, options)
    assert result.exit_code == 2
    assert message in result.output
